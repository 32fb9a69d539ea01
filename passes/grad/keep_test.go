package grad

import (
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// What is stored and what is computed again gives the same gradient, bit for bit; stored values are results of the forward pass.
func TestRecompute(t *testing.T) {
	src := `axis i 7 nodes lo 0 h 1 array @a[i] f64 array @b[i] f64 array @y[i] f64
	func f {
	  map %y f64 [i in i 0..7] {
	    box [0..3] $0 = read f64 @a[i] $1 = tanh f64 $0 $2 = read f64 @b[i] $3 = mul f64 $1, $2 $4 = exp f64 $3 $5 = add f64 $4, $2 yield $5
	    box [3..7] $0 = read f64 @a[i] $1 = read f64 @b[i] $2 = exp f64 $0 $3 = mul f64 $2, $1 yield $3 }
	  set @y = %y
	}`
	var got []state
	results := map[bool]int{}
	for _, again := range []bool{false, true} {
		p := parse(t, src)
		name, err := Reverse(p, Options{Func: "f", Wrt: []string{"a", "b"}, Seeds: []Seed{{Value: "%y"}}, Recompute: again})
		if err != nil {
			t.Fatal(err)
		}
		if err := ir.Verify(p); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(p))
		}
		got = append(got, run(t, p, draw(p, 6, 0.2, 1), name))
		results[again] = len(p.Func(name).Ops[0].Results)
	}
	if results[true] != 1 || results[false] < 3 {
		t.Errorf("the forward pass has %d results when they are stored, %d when they are computed again", results[false], results[true])
	}
	for _, x := range []string{"g.a", "g.b", "y"} {
		for k := range got[0][x].F64 {
			if got[0][x].F64[k] != got[1][x].F64[k] {
				t.Errorf("%s[%d]: stored %g, computed again %g", x, k, got[0][x].F64[k], got[1][x].F64[k])
			}
		}
	}
}
