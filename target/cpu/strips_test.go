package cpu

import (
	"fmt"
	"strings"
	"testing"
)

const stripsText = `
axis x %[1]d cells lo 0 h 1
axis y %[2]d cells lo 0 h 1
axis z %[3]d cells lo 0 h 1
array @u[x, y, z] f64
array @c[] f64
func step {
  extend %%e f64 [x in x -1..%[4]d, y in y 0..%[2]d, z in z 0..%[3]d] from @u {
    box [-1..0, 0..%[2]d, 0..%[3]d]
      $0 = read f64 @u[x+1, y, z]
      yield $0
    box [%[1]d..%[4]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 @u[x-1, y, z]
      yield $0
  }
  map %%v f64 [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] {
    box [0..%[1]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 %%e[x-1, y, z]
      $1 = read f64 %%e[x+1, y, z]
      $2 = sub f64 $0, $1
      yield $2
  }
  reduce %%sum f64 [] over [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] sum order canon {
    box [0..%[1]d, 0..%[2]d, 0..%[3]d]
      $0 = read f64 %%v[x, y, z]
      $1 = mul f64 $0, $0
      yield $1
  }
  map %%w f64 [x in x 0..%[1]d, y in y 0..%[2]d, z in z 0..%[3]d] {
    box [0..%[1]d, 0..3, 0..%[3]d]
      $0 = read f64 %%v[x, y, z]
      yield $0
    box [0..2, 3..%[2]d, 0..%[3]d]
      $0 = read f64 %%e[x-1, y, z]
      yield $0
    box [2..%[1]d, 3..%[2]d, 0..%[3]d]
      $0 = read f64 %%e[x-1, y, z]
      $1 = read f64 %%e[x+1, y, z]
      $2 = read f64 %%v[x, y, z]
      $3 = mul f64 $1, $2
      $4 = sub f64 $0, $3
      yield $4
  }
  set @u = %%w
  set @c = %%sum
}
`

// Stencils on large planes go through the field in strips of rows, in sums as well, four planes at a time with two left over or two, where strips end at
// a part of a strip or of a piece too.
func TestStrips(t *testing.T) {
	needsLLVM(t)
	defer func(old func() int, v int) { stripBytes, forceVector = old, v }(stripBytes, forceVector)
	strips := func(n [3]int) (list []int) {
		p := text(fmt.Sprintf(stripsText, n[0], n[1], n[2], n[0]+1))
		sameAsInterpreter(t, toolchains()[0], p, 3, nil, "step")
		pl, err := newPlan(p, false, -1)
		check(t, err)
		for _, l := range pl.funcs["step"].launches {
			if strings.HasSuffix(l.kind, "map") || l.kind == "map, reduce" {
				list = append(list, l.hi-l.lo)
			}
		}
		return list
	}
	for _, c := range []struct {
		n             [3]int
		bytes, vector int
		want          string
	}{
		{[3]int{64, 37, 32}, 2 << 10, 64, "[19 320]"}, // 8 rows a strip, the last has 5; the sum has no whole blocks
		{[3]int{70, 128, 64}, 8 << 10, 64, "[36 560]"},
		{[3]int{70, 128, 64}, 8 << 10, 32, "[70 560]"},
		{[3]int{70, 128, 64}, 8 << 10, 16, "[70 560]"},
		{[3]int{70, 128, 64}, 64 << 10, 64, "[18 70]"},
	} {
		stripBytes, forceVector = func() int { return c.bytes }, c.vector
		if got := fmt.Sprint(strips(c.n)); got != c.want {
			t.Errorf("%v in strips of %d bytes, vectors of %d: parts %v, not %v", c.n, c.bytes, c.vector, got, c.want)
		}
	}
}
