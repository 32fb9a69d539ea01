package cpu

import (
	"fmt"
	"strings"
	"testing"
)

const laterText = `
axis x %[1]d cells lo 0 h 1
axis y %[2]d cells lo 0 h 1
array @u[x, y] f64
array @s[x, y] f64
array @p[x, y] f64
array @q[x, y] f64
array @c[] f64
func step {
  map %%u2 f64, %%s2 f64 [x in x 0..%[1]d, y in y 0..%[2]d] {
    box [0..%[1]d, 0..%[2]d]
      $0 = read f64 @u[x, y]
      $1 = read f64 @p[x, y]
      $2 = read f64 @c[]
      $3 = mul f64 $2, $1
      $4 = add f64 $0, $3
      $5 = read f64 @s[x, y]
      $6 = read f64 @q[x, y]
      $7 = mul f64 $2, $6
      $8 = sub f64 $5, $7
      yield $4, $8
  }
  reduce %%sum f64 [] over [x in x 0..%[1]d, y in y 0..%[2]d] sum order canon {
    box [0..%[1]d, 0..%[2]d]
      $0 = read f64 %%s2[x, y]
      $1 = mul f64 $0, $0
      yield $1
  }
  map %%p2 f64 [x in x 0..%[1]d, y in y 0..%[2]d] {
    box [0..%[1]d, 0..%[2]d]
      $0 = read f64 %%s2[x, y]
      $1 = read f64 %%sum[]
      $2 = read f64 @p[x, y]
      $3 = mul f64 $1, $2
      $4 = add f64 $0, $3
      yield $4
  }
  set @u = %%u2
  set @s = %%s2
  set @p = %%p2
  set @c = %%sum
}
`

// What is wanted after a sum only, and reads what a later map reads, is made there; not if the sum or an operation before that map reads it, if
// the later map has none of its fields, or other points.
func TestMadeLater(t *testing.T) {
	needsLLVM(t)
	whole := fmt.Sprintf(laterText, 300, 48)
	for _, c := range []struct {
		old, new string
		results  int // of the first map
	}{
		{"", "", 1},
		{"$0 = read f64 %s2[x, y]\n      $1 = mul", "$0 = read f64 %u2[x, y]\n      $1 = mul", 2},
		{"read f64 @p[x, y]\n      $3 = mul f64 $1", "read f64 %u2[x, y]\n      $3 = mul f64 $1", 2},
		{"read f64 @p[x, y]\n      $3 = mul f64 $1", "read f64 @q[x, y]\n      $3 = mul f64 $1", 2},
	} {
		p := text(strings.Replace(whole, c.old, c.new, 1))
		for _, threads := range []int{1, 3} {
			sameAsInterpreter(t, toolchains()[0], p, threads, nil, "step")
		}
		pl, err := newPlan(p, false, -1)
		check(t, err)
		g, err := prepare(p, &p.Funcs[0], pl.arrays)
		check(t, err)
		g.makeLater()
		if n := len(g.ops[0].Results); n != c.results {
			t.Errorf("%q: the first map makes %d values, not %d", c.new, n, c.results)
		}
	}
}
