package cpu

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const againText = `
axis x %[1]d cells lo 0 h 1
axis y %[2]d cells periodic lo 0 h 1
axis z %[3]d cells lo 0 h 1
array @s[x, y, z] f64
array @p[x, y, z] f64
array @k[x, y, z] f64
array @c[] f64
func step {
  extend %%e f64 [x in x -1..%[4]d, y in y 0..%[2]d, z in z 0..%[3]d] from @p {
    box [-1..0, 0..%[2]d, 0..%[3]d]
      $0 = read f64 @p[x+1, y, z]
      yield $0
    box [%[1]d..%[4]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 @p[x-1, y, z]
      yield $0
  }
  map %%q f64 [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] {
    box [0..%[1]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 %%e[x-1, y, z]
      $1 = read f64 %%e[x+1, y, z]
      $2 = add f64 $0, $1
      $3 = read f64 %%e[x, y-1, z]
      $4 = sub f64 $3, $2
      yield $4
  }
  reduce %%sum f64 [] over [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] sum order canon {
    box [0..%[1]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 %%q[x, y, z]
      $1 = read f64 @p[x, y, z]
      $2 = mul f64 $0, $1
      yield $2
  }
  map %%t f64 [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] {
    box [0..%[1]d, 0..2, 0..%[3]d]
      $0 = read f64 %%q[x, y, z]
      yield $0
    box [0..%[1]d, 2..%[2]d, 0..%[3]d]
      $0 = read f64 @s[x, y, z]
      $1 = read f64 %%sum[]
      $2 = read f64 %%q[x, y, z]
      $3 = mul f64 $1, $2
      $4 = sub f64 $0, $3
      yield $4
  }
  map %%p2 f64 [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] {
    box [0..%[1]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 @p[x, y, z]
      $1 = read f64 %%t[x, y, z]
      $2 = add f64 $0, $1
      yield $2
  }
  set @s = %%t
  set @p = %%p2
  set @c = %%sum
}
`

// A value that a sum takes and a map reads is made again there, in its pieces, unless it is small or kept, another place of it is read, or
// making it again moves as much: more fields, or one that could have been written in place.
func TestMadeAgain(t *testing.T) {
	needsLLVM(t)
	defer func(old func() int) { againFrom = old }(againFrom)
	whole := fmt.Sprintf(againText, 70, 32, 16, 71)
	fields := []string{"$3 = read f64 %e[x, y-1, z]\n", "$3 = read f64 @k[x, y-1, z]\n"}
	last := []string{"$0 = read f64 @p[x, y, z]\n      $1 = read f64 %t", "$0 = read f64 @s[x, y, z]\n      $1 = read f64 %t"}
	for _, c := range []struct {
		change []string
		from   int
		again  bool
	}{
		{nil, 1, true},
		{nil, 1 << 20, false},
		{[]string{"set @s = %t", "set @s = %q"}, 1, false},
		{[]string{"$0 = read f64 %q[x, y, z]\n      yield", "$0 = read f64 %q[x, y+1, z]\n      yield"}, 1, false},
		{fields, 1, true},
		{last, 1, true},
		{slices.Concat(fields, last), 1, false},
	} {
		againFrom = func() int { return c.from }
		p := text(strings.NewReplacer(c.change...).Replace(whole))
		sameAsInterpreter(t, toolchains()[0], p, 3, nil, "step")
		pl, err := newPlan(p, false, -1)
		check(t, err)
		g, err := prepare(p, &p.Funcs[0], pl.arrays)
		check(t, err)
		g.makeTermsAgain(p.Funcs[0].Sets)
		left := 0
		for i := range g.ops {
			if readsValue(&g.ops[i], "%q") {
				left++
			}
		}
		if again := left == 1; again != c.again {
			t.Errorf("%q: made again: %v, not %v", c.change, again, c.again)
		}
	}
}
