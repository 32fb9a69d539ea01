package grad

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// The iterations that are run forward to reverse a loop are as many as the formula says, which is the least there is, no more states are
// stored than asked for, and the gradient has the bits of the one for which all states are stored.
func TestBinomial(t *testing.T) {
	least := leastRuns(40)
	for _, c := range []struct{ n, room, checkpoints int }{
		{1, 1, 3}, {2, 2, 1}, {7, 7, 2}, {10, 10, 3}, {11, 11, 3}, {20, 20, 3}, {21, 21, 3}, {24, 24, 1}, {35, 35, 4}, {40, 40, 0}, {40, 40, 40}, {40, 40, 60}, {13, 40, 3},
	} {
		t.Run(fmt.Sprintf("%d/%d/%d", c.n, c.room, c.checkpoints), func(t *testing.T) {
			runs, g := reverseLoop(t, c.n, c.room, c.checkpoints)
			_, all := reverseLoop(t, c.n, c.room, c.room)
			if !slices.Equal(g, all) {
				t.Errorf("the gradient is %v, with all states stored %v", g, all)
			}
			k := min(choose(c.room, c.checkpoints), c.n)
			r := repeats(c.n, k)
			formula := r*c.n - int(new(big.Int).Binomial(int64(k+r), int64(r-1)).Int64())
			if c.n == 1 {
				formula = 0
			}
			if runs != formula || runs != least[c.n][k] {
				t.Errorf("%d checkpoints: %d iterations were run, the formula says %d, the least is %d", k, runs, formula, least[c.n][k])
			}
		})
	}
	if n, c := 1000, choose(1000, 0); c != 44 || repeats(n, c) != 2 {
		t.Errorf("1000 iterations get %d checkpoints", c)
	}
}

// leastRuns is the least number of iterations to run for n with c checkpoints, by trying where the next one goes.
func leastRuns(n int) [][]int {
	t := make([][]int, n+1)
	for l := range t {
		t[l] = make([]int, n+1)
		for c := 1; c <= n && l > 1; c++ {
			t[l][c] = l * (l - 1) / 2
			for k := 1; k < l && c > 1; k++ {
				t[l][c] = min(t[l][c], k+t[l-k][c-1]+t[k][c])
			}
		}
	}
	return t
}

// reverseLoop differentiates a loop with room for so many iterations, runs n, and counts the calls of its body on the way.
func reverseLoop(t *testing.T, n, room, checkpoints int) (runs int, gradient []float64) {
	t.Helper()
	p := parse(t, fmt.Sprintf(procSource, room)+`
	array @runs[] i32
	func tally { map %n i32 [] { box [] $0 = read i32 @runs[] $1 = const i32 1 $2 = add i32 $0, $1 yield $2 } set @runs = %n }`)
	p.Procs = []ir.Proc{{Name: "f", Body: []ir.Stmt{stmt(ir.Loop, "steps", call("a")), call("measure")}}}
	name, err := ReverseProc(p, ProcOptions{Proc: "f", Wrt: []string{"u", "k"}, Of: "J", Checkpoints: checkpoints})
	if err != nil {
		t.Fatal(err)
	}
	// The loop runs forward once before what follows it is reversed; the iterations of that are not counted.
	ir.Walk(p.Proc(name).Body, func(s *ir.Stmt) {
		if s.Kind == ir.While {
			s.Body = append([]ir.Stmt{call("tally")}, s.Body...)
		}
	})
	for _, a := range p.Arrays {
		if len(a.Axes) > 0 && p.Axis(a.Axes[0]).N != 6 && p.Axis(a.Axes[0]).N > choose(room, checkpoints) {
			t.Errorf("array %s holds %d states", a.Name, p.Axis(a.Axes[0]).N)
		}
	}
	for i := range p.Params {
		if p.Params[i].Name == "steps" {
			p.Params[i].Value = float64(n)
		}
	}
	s := draw(p, 4, 0.1, 0.9)
	s["k"].F64[0] = 0.2
	for _, x := range []string{"n", "c", "runs"} {
		s[x].I32[0] = 0
	}
	got := run(t, p, s, name)
	for _, x := range []string{"u", "k"} {
		for i := range got[Gradient(x)].Len() {
			gradient = append(gradient, got[Gradient(x)].At(i))
		}
	}
	return int(got["runs"].I32[0]), gradient
}
