package interp

import (
	"context"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// ringHeat is explicit heat flow on a periodic ring of n cells: T' = T + c*(T[-1] - 2T + T[+1]).
func ringHeat(n int, e ir.Elem) *ir.Program {
	x := []ir.Range{{Index: "x", Axis: "x", Hi: n}}
	box := []ir.Interval{{Hi: n}}
	var init ir.BodyBuilder
	s := init.Op(ir.Sin, init.Mul(init.Const(ir.F64, 2*math.Pi), init.Coord(ir.F64, "x")))
	var b ir.BodyBuilder
	t0 := b.Read(e, "@T", ir.At("x", 0))
	west, east := b.Read(e, "@T", ir.At("x", -1)), b.Read(e, "@T", ir.At("x", 1))
	lap := b.Add(b.Sub(west, b.Mul(b.Const(e, 2), t0)), east)
	next := b.Add(t0, b.Mul(b.Scalar(e, "c"), lap))
	return &ir.Program{
		Name:   "ring",
		Axes:   []ir.Axis{{Name: "x", N: n, Periodic: true, H: 1 / float64(n)}},
		Arrays: []ir.Array{{Name: "T", Axes: []string{"x"}, Elem: e}},
		Funcs: []ir.Func{
			{Name: "init", Host: true, Ops: []ir.Op{{Results: []ir.Result{{Name: "T0", Elem: e}}, Dom: x,
				Pieces: []ir.Piece{{Box: box, Body: init.Body(init.Cvt(e, s))}}}}, Sets: []ir.Set{{Array: "T", Value: "%T0"}}},
			{Name: "step", Ops: []ir.Op{{Results: []ir.Result{{Name: "T1", Elem: e}}, Dom: x,
				Pieces: []ir.Piece{{Box: box, Body: b.Body(next)}}}}, Sets: []ir.Set{{Array: "T", Value: "%T1"}}},
		},
	}
}

// A sine is an eigenvector of the scheme: after n steps it is scaled by (1 - 4c sin^2(pi h))^n exactly.
func TestHeatClosedForm(t *testing.T) {
	for _, tc := range []struct {
		e   ir.Elem
		tol float64
	}{{ir.F64, 1e-13}, {ir.F32, 2e-5}, {ir.F16, 0.1}} {
		const n, steps, c = 700, 300, 0.25
		p := ringHeat(n, tc.e)
		env := map[string]float64{"c": c}
		init, err := RunHost(p, env, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(p)
		if err != nil {
			t.Fatal(err)
		}
		m.Scalars(env)
		if err := m.Set("T", init["T"]); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Run(context.Background(), "step", steps); err != nil {
			t.Fatal(err)
		}
		got, err := m.Get("T")
		if err != nil {
			t.Fatal(err)
		}
		s := math.Sin(math.Pi / n)
		scale := math.Pow(1-4*c*s*s, steps)
		for i := range n {
			want := scale * math.Sin(2*math.Pi*(float64(i)+0.5)/n)
			if d := math.Abs(got.At(i) - want); !(d <= tc.tol) {
				t.Fatalf("%s: T[%d] = %g, want %g", tc.e, i, got.At(i), want)
			}
		}
	}
}

func BenchmarkHeat(b *testing.B) {
	for _, e := range []ir.Elem{ir.F32, ir.F64, ir.F16} {
		b.Run(e.String(), func(b *testing.B) {
			p := ringHeat(1<<20, e)
			m, err := New(p)
			if err != nil {
				b.Fatal(err)
			}
			m.Scalars(map[string]float64{"c": 0.25})
			for b.Loop() {
				if _, err := m.Run(context.Background(), "step", 1); err != nil {
					b.Fatal(err)
				}
			}
			nodes := float64(len(p.Funcs[1].Ops[0].Pieces[0].Body.Nodes))
			b.ReportMetric(nodes*(1<<20)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mnode/s")
		})
	}
}
