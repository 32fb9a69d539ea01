package cpu

import (
	"fmt"
	"strings"
	"testing"
)

// Sums over the same points are one operation, also of what the map before them makes; a sum that reads another, of other points or
// with another combination, is not.
func TestJoinedSums(t *testing.T) {
	needsLLVM(t)
	sum := func(name, comb, body string) string {
		return fmt.Sprintf("  reduce %%%%%s %%[3]s [] over [a in x 0..%%[1]d, b in y 0..%%[2]d] %s order canon {\n    box [0..%%[1]d, 0..%%[2]d]\n%s  }\n", name, comb, body)
	}
	square := "      $0 = read %[3]s @u[a, b]\n      $1 = mul %[3]s $0, $0\n      yield $1\n"
	made := "      $0 = read %[3]s @u[a, b]\n      $1 = read %[3]s %%y[a, b]\n      $2 = mul %[3]s $0, $1\n      yield $2\n"
	scaled := "      $0 = read %[3]s @u[a, b]\n      $1 = read %[3]s %%s1[]\n      $2 = mul %[3]s $0, $1\n      yield $2\n"
	for _, c := range []struct {
		second string
		ops    int
	}{
		{sum("s2", "sum", square), 2},
		{sum("s2", "max", square), 3},
		{sum("s2", "sum", scaled), 3},
	} {
		src := madeText[:strings.Index(madeText, "func step")] + `func step {
  map %%y %[3]s [x in x 0..%[1]d, y in y 0..%[2]d] {
    box [0..%[1]d, 0..%[2]d]
      $0 = read %[3]s @u[x, y]
      $1 = read %[3]s @v[x, y-1]
      $2 = sub %[3]s $0, $1
      yield $2
  }
` + sum("s1", "sum", made) + c.second + "  set @u = %%y\n  set @c = %%s1\n  set @m = %%s2\n}\n"
		for _, n := range [][2]int{{5, 48}, {300, 80}, {7, 33}} {
			for _, e := range []string{"f32", "f64"} {
				p := text(fmt.Sprintf(src, n[0], n[1], e))
				sameAsInterpreter(t, toolchains()[0], p, 3, nil, "step")
				pl, err := newPlan(p, false, -1)
				check(t, err)
				g, err := prepare(p, &p.Funcs[0], pl.arrays)
				check(t, err)
				before := len(g.ops)
				if g.joinSums(); before-len(g.ops) != 3-c.ops {
					t.Errorf("%d operations become %d: %s", before, len(g.ops), c.second)
				}
			}
		}
	}
}
