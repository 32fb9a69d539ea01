package passes

import (
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// heat3 is T' = T + dt*(a*lap(T) + exp(-x)) in a block with all kinds of walls.
func heat3(e ir.Elem) *prog {
	p := newProg(e, cells("x", 8, 0, 1), ring("y", 6, 0, 1), cells("z", 5, 0, 1))
	p.array("T")
	p.bc("T", "x", false, ir.Value, 1)
	p.bc("T", "x", true, ir.Value, 0)
	p.bc("T", "z", false, ir.Gradient, 0)
	p.bc("T", "z", true, ir.Gradient, 0.5)
	p.host("a", 0.01)
	p.host("dt", 0.1)
	p.op("T.next", func(b *ir.BodyBuilder) int {
		u := p.read(b, "@T")
		lap := b.Add(b.Add(b.Deriv(u, "x", 2, 2), b.Deriv(u, "y", 2, 2)), b.Deriv(u, "z", 2, 2))
		src := b.Op(ir.Exp, b.Op(ir.Neg, b.Coord(e, "x")))
		return b.Add(u, b.Mul(b.Scalar(e, "dt"), b.Add(b.Mul(b.Scalar(e, "a"), lap), src)))
	})
	p.set("T", "%T.next")
	return p
}

func bump(at []int) float64 {
	s := 0.0
	for d, i := range at {
		s += math.Sin(float64(d+1)*float64(i) + 0.3)
	}
	return s
}

// The whole pipeline against the same arithmetic written out in float64.
func TestPipelineHeat(t *testing.T) {
	for _, e := range []ir.Elem{ir.F32, ir.F64} {
		p := heat3(e)
		c := canonical(t, p.Program)
		got := run(t, c, map[string]*ir.Tensor{"T": fill(p.Program, "T", bump)}, nil, 3)["T"]
		want := heatByHand(p.Program, fill(p.Program, "T", bump), 3)
		tol := 1e-5
		if e == ir.F64 {
			tol = 1e-13
		}
		for k := range want {
			if !(math.Abs(got.At(k)-want[k]) <= tol) {
				t.Fatalf("%s: T[%d] = %g, want %g\n%s", e, k, got.At(k), want[k], ir.Print(c))
			}
		}
	}
}

func heatByHand(p *ir.Program, t0 *ir.Tensor, steps int) []float64 {
	x, y, z := p.Axis("x"), p.Axis("y"), p.Axis("z")
	u := make([]float64, t0.Len())
	for k := range u {
		u[k] = t0.At(k)
	}
	at := func(i, j, k int) float64 {
		j = (j + y.N) % y.N
		id := func(i, k int) float64 { return u[(i*y.N+j)*z.N+k] }
		switch {
		case i < 0:
			return 2 - id(0, k)
		case i == x.N:
			return -id(x.N-1, k)
		case k < 0:
			return id(i, 0)
		case k == z.N:
			return id(i, z.N-1) + z.H*0.5
		}
		return id(i, k)
	}
	for range steps {
		next := make([]float64, len(u))
		for i := range x.N {
			for j := range y.N {
				for k := range z.N {
					c := at(i, j, k)
					l := (at(i+1, j, k)-2*c+at(i-1, j, k))/(x.H*x.H) + (at(i, j+1, k)-2*c+at(i, j-1, k))/(y.H*y.H) +
						(at(i, j, k+1)-2*c+at(i, j, k-1))/(z.H*z.H)
					next[(i*y.N+j)*z.N+k] = c + 0.1*(0.01*l+math.Exp(-x.Coord(float64(i))))
				}
			}
		}
		u = next
	}
	return u
}

func TestCanonicalIsDeterministic(t *testing.T) {
	p := heat3(ir.F32)
	first := ir.Print(canonical(t, p.Program))
	for seed := range uint64(10) {
		if got := ir.Print(shuffled(t, p.Program, seed)); got != first {
			t.Fatalf("another order of operations gives\n%s\ninstead of\n%s", got, first)
		}
	}
	if again := ir.Print(canonical(t, canonical(t, p.Program))); again != first {
		t.Fatalf("canonical IR changes when it is made canonical again:\n%s\n%s", first, again)
	}
}

func TestPrintAfter(t *testing.T) {
	var b strings.Builder
	var times []Timing
	if err := Run(heat3(ir.F32).Clone(), &Config{PrintAfter: "all", Writer: &b, Times: &times}); err != nil {
		t.Fatal(err)
	}
	for i, n := range Names() {
		if !strings.Contains(b.String(), "// after "+n+"\n") {
			t.Errorf("nothing printed after %s", n)
		}
		if times[i].Pass != n || times[i].Ops == 0 {
			t.Errorf("timing %d is %+v", i, times[i])
		}
	}
	b.Reset()
	if err := Run(heat3(ir.F32).Clone(), &Config{PrintAfter: "ghosts", Writer: &b}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "// after "); n != 1 {
		t.Errorf("printed after %d passes", n)
	}
	if err := Run(heat3(ir.F32).Clone(), &Config{PrintAfter: "nothing"}); err == nil || !strings.Contains(err.Error(), "discretise") {
		t.Errorf("an unknown pass gives %v", err)
	}
}

func TestOrderIsChecked(t *testing.T) {
	swapped := append([]Pass(nil), Table...)
	i, j := find(Table, "fold"), find(Table, "hoist")
	swapped[i], swapped[j] = swapped[j], swapped[i]
	if err := checkOrder(swapped, Constraints); err == nil || !strings.Contains(err.Error(), "no data") {
		t.Errorf("fold and hoist swapped: %v", err)
	}
	if err := checkOrder(Table, append([]Constraint{{"dce", "cse", "backwards"}}, Constraints...)); err == nil {
		t.Error("a violated constraint passes")
	}
	if err := checkOrder(Table[:3], Constraints); err == nil {
		t.Error("a constraint on a missing pass passes")
	}
}
