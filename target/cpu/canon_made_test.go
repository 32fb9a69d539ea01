package cpu

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// A sum takes its terms as the map before it makes them: rows shorter and longer than blocks, several results of which one is in place, one is
// read by nothing else and one is not of the sum, operands of the map beside the point, and threads.
func TestSumsOfWhatIsMade(t *testing.T) {
	needsLLVM(t)
	for _, n := range [][2]int{{1, 16}, {5, 48}, {300, 80}, {3, 8192}} {
		for _, e := range []string{"f32", "f64"} {
			p := text(fmt.Sprintf(madeText, n[0], n[1], e))
			for _, threads := range []int{1, 3} {
				sameAsInterpreter(t, toolchains()[0], p, threads, nil, "step")
			}
			if t.Failed() {
				t.Fatalf("%v %s\n%s", n, e, ir.Print(p))
			}
			if joined := joinedSums(t, p); joined != 2 {
				t.Errorf("%v: %d sums are taken as their terms are made, not 2", n, joined)
			}
		}
	}
}

// joinedSums counts the sums of function step that take their terms as a map makes them.
func joinedSums(t *testing.T, p *ir.Program) (n int) {
	t.Helper()
	pl, err := newPlan(p, false, -1)
	check(t, err)
	for _, l := range pl.funcs["step"].launches {
		if l.kind == "map, reduce" {
			n++
		}
	}
	return n
}

// A sum that reads beside the point what the map makes, goes over other points or comes later is a kernel of its own.
func TestSumsOfOtherPoints(t *testing.T) {
	whole := fmt.Sprintf(madeText, 5, 48, "f64")
	for _, change := range [][2]string{{"%y[a, b]", "%y[a, b+1]"}, {"a in x 0..5, b in y 0..48", "a in x 0..4, b in y 0..48"}} {
		s := strings.Replace(whole, change[0], change[1], 1)
		s = strings.Replace(s, "box [0..5, 0..48]\n      $0 = read f64 %y", fmt.Sprintf("box [0..%s]\n      $0 = read f64 %%y", map[bool]string{true: "4, 0..48", false: "5, 0..48"}[strings.Contains(s, "0..4,")]), 1)
		if joined := joinedSums(t, text(s)); joined != 1 {
			t.Errorf("%s: %d sums are taken as their terms are made, not 1", change[1], joined)
		}
	}
}

const madeText = `
axis x %[1]d cells lo 0 h 1
axis y %[2]d cells periodic lo 0 h 1
array @u[x, y] %[3]s
array @v[x, y] %[3]s
array @c[] %[3]s
array @m[] %[3]s
func step {
  map %%y %[3]s, %%z %[3]s, %%w %[3]s [x in x 0..%[1]d, y in y 0..%[2]d] {
    box [0..%[1]d, 0..%[2]d]
      $0 = read %[3]s @u[x, y]
      $1 = read %[3]s @v[x, y-1]
      $2 = read %[3]s @c[]
      $3 = mul %[3]s $1, $2
      $4 = sub %[3]s $0, $3
      $5 = mul %[3]s $4, $0
      $6 = add %[3]s $5, $1
      yield $4, $5, $6
  }
  reduce %%s %[3]s [] over [a in x 0..%[1]d, b in y 0..%[2]d] sum order canon {
    box [0..%[1]d, 0..%[2]d]
      $0 = read %[3]s %%y[a, b]
      $1 = read %[3]s @v[a, b]
      $2 = read %[3]s %%z[a, b]
      $3 = mul %[3]s $0, $1
      $4 = sub %[3]s $3, $2
      yield $4
  }
  map %%t %[3]s [x in x 0..%[1]d, y in y 0..%[2]d] {
    box [0..%[1]d, 0..%[2]d]
      $0 = read %[3]s %%y[x, y]
      $1 = read %[3]s %%s[]
      $2 = mul %[3]s $0, $1
      yield $2
  }
  reduce %%m %[3]s [] over [x in x 0..%[1]d, y in y 0..%[2]d] max order canon {
    box [0..%[1]d, 0..%[2]d]
      $0 = read %[3]s %%t[x, y]
      yield $0
  }
  set @u = %%y
  set @v = %%w
  set @c = %%s
  set @m = %%m
}
`
