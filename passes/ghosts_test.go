package passes

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Every ghost, by the formula of DESIGN and the header of ghosts.go, for cells and nodes, values and derivatives, both sides, in
// every float type.
func TestGhostFormulas(t *testing.T) {
	const n, depth = 6, 4
	for _, e := range []ir.Elem{ir.F32, ir.F64} {
		for _, ax := range []ir.Axis{cells("x", n, 0, 3), nodes("x", n, 0, 3)} {
			for _, kind := range []ir.BCKind{ir.Value, ir.Gradient} {
				for _, v := range []float64{0, 0.75} {
					p := newProg(e, ax)
					p.array("T")
					p.bc("T", "x", false, kind, v)
					p.bc("T", "x", true, kind, v+0.5)
					for k := 1; k <= depth; k++ { // the value at a point becomes that of its k-th neighbour
						for _, s := range []int{-k, k} {
							name := "r" + string(rune('e'+s))
							p.array(name)
							p.op(name, func(b *ir.BodyBuilder) int { return p.read(b, "@T", s) })
							p.set(name, "%"+name)
						}
					}
					T := fill(p.Program, "T", func(at []int) float64 { return bump(at) })
					in := map[string]*ir.Tensor{}
					for i := range p.Arrays {
						in[p.Arrays[i].Name] = T
					}
					got := run(t, canonical(t, p.Program), in, nil, 1)
					for k := 1; k <= depth; k++ {
						dist, src := float64(2*k-1), k-1
						if ax.Nodes {
							dist, src = float64(2*k), k
						}
						for _, s := range []int{-k, k} {
							g := got["r"+string(rune('e'+s))]
							at, inner, bv := 0, T.At(src), v
							if s > 0 {
								at, inner, bv = n-1, T.At(n-1-src), v+0.5
							}
							want := 2*bv - inner
							if kind == ir.Gradient {
								want = inner + dist*ax.H*bv
							}
							if d := math.Abs(g.At(at) - want); !(d <= 1e-6 && (e == ir.F32 || d <= 1e-15)) {
								t.Errorf("%s nodes=%v %s %g, ghost %d: %g, want %g", e, ax.Nodes, kind, v, s, g.At(at), want)
							}
						}
					}
				}
			}
		}
	}
}

// Conditions that are host scalars become one scalar per ghost: 2v, and (2k-1)*h*d.
func TestGhostsOfHostScalars(t *testing.T) {
	p := newProg(ir.F64, cells("x", 5, 0, 2))
	p.array("T")
	p.array("r")
	p.host("v", 0.7)
	p.host("d", 1.3)
	scalarBC := func(high bool, kind ir.BCKind, name string) {
		var b ir.BodyBuilder
		p.Array("T").BC = append(p.Array("T").BC, ir.Boundary{Axis: "x", High: high, Kind: kind, Body: b.Body(b.Scalar(ir.F64, name))})
	}
	scalarBC(false, ir.Value, "v")
	scalarBC(true, ir.Gradient, "d")
	p.op("r", func(b *ir.BodyBuilder) int { return b.Sub(p.read(b, "@T", 2), p.read(b, "@T", -1)) })
	p.set("r", "%r")
	T := fill(p.Program, "T", bump)
	r := run(t, canonical(t, p.Program), map[string]*ir.Tensor{"T": T, "r": T}, nil, 1)["r"]
	for i, want := range map[int]float64{0: T.At(2) - (2*0.7 - T.At(0)), 3: T.At(4) + 0.4*1.3 - T.At(2), 4: T.At(3) + 3*0.4*1.3 - T.At(3)} {
		if math.Abs(r.At(i)-want) > 1e-14 {
			t.Errorf("[%d] = %g, want %g", i, r.At(i), want)
		}
	}
}

// Corners are filled x first, then y over the extended x; a condition that depends on x is taken at the ghost's own coordinate.
func TestGhostCorners(t *testing.T) {
	p := newProg(ir.F64, cells("x", 4, 0, 1), cells("y", 3, 0, 1))
	p.array("T")
	p.array("w")
	p.Arrays = append(p.Arrays, ir.Array{Name: "edge", Axes: []string{"x"}, Elem: ir.F64})
	p.bc("T", "x", false, ir.Value, 5)
	p.bc("T", "x", true, ir.Gradient, 2)
	p.bc("T", "y", true, ir.Value, 0)
	var b ir.BodyBuilder
	x := b.Add(b.Mul(b.Coord(ir.F64, "x"), b.Const(ir.F64, 10)), b.Read(ir.F64, "@edge", ir.At("x", 0)))
	p.Array("T").BC = append(p.Array("T").BC, ir.Boundary{Axis: "y", Kind: ir.Value, Body: b.Body(x)})
	p.op("w", func(b *ir.BodyBuilder) int { return b.Add(p.read(b, "@T", -1, -1), p.read(b, "@T", 1, -1)) })
	p.set("w", "%w")
	T := fill(p.Program, "T", bump)
	edge := ir.NewTensor(ir.F64, 4)
	copy(edge.F64, []float64{1, 2, 3, 4})
	c := canonical(t, p.Program)
	w := run(t, c, map[string]*ir.Tensor{"T": T, "w": T, "edge": edge}, nil, 1)["w"]
	ext := func(i int) float64 { // the row y = 0 extended along x
		switch i {
		case -1:
			return 10 - T.At(0)
		case 4:
			return T.At(9) + p.Axes[0].H*2
		}
		return T.At(i * 3)
	}
	ghost := func(i int) float64 {
		return 2*(10*p.Axes[0].Coord(float64(i))+edge.At(min(max(i, 0), 3))) - ext(i)
	}
	for i := range 4 {
		if want := ghost(i-1) + ghost(i+1); math.Abs(w.At(i*3)-want) > 1e-12 {
			t.Errorf("w[%d, 0] = %g, want %g", i, w.At(i*3), want)
		}
	}
	checkPlan(t, c, map[string]*ir.Tensor{"T": T, "w": T, "edge": edge}, 2)
}

// A value that becomes the next T has T's conditions.
func TestGhostsOfTheNextValue(t *testing.T) {
	p := newProg(ir.F64, cells("x", 5, 0, 1))
	p.array("T")
	p.array("d")
	p.bc("T", "x", false, ir.Value, 3)
	p.bc("T", "x", true, ir.Gradient, 0)
	p.op("T.next", func(b *ir.BodyBuilder) int { return b.Mul(p.read(b, "@T"), b.Const(ir.F64, 2)) })
	p.op("d.next", func(b *ir.BodyBuilder) int { return b.Deriv(p.read(b, "%T.next"), "x", 1, 2) })
	p.set("T", "%T.next")
	p.set("d", "%d.next")
	T := fill(p.Program, "T", bump)
	c := canonical(t, p.Program)
	d := run(t, c, map[string]*ir.Tensor{"T": T, "d": T}, nil, 1)["d"]
	h := p.Axes[0].H
	for i, want := range map[int]float64{0: (2*T.At(1) - (6 - 2*T.At(0))) / (2 * h), 2: (T.At(3) - T.At(1)) / h, 4: (T.At(4) - T.At(3)) / h} {
		if math.Abs(d.At(i)-want) > 1e-12 {
			t.Errorf("d[%d] = %g, want %g", i, d.At(i), want)
		}
	}
	checkPlan(t, c, map[string]*ir.Tensor{"T": T, "d": T}, 2)
}

func TestGhostDiagnostics(t *testing.T) {
	file := diag.NewFile("a.wf", "field T on rod\nT' = dx(T)\n")
	build := func(read string, off int) *ir.Program {
		p := newProg(ir.F32, cells("x", 3, 0, 1))
		p.array("T")
		p.array("U")
		p.Arrays[0].Pos = ir.Pos{Start: 6, End: 7}
		p.bc("T", "x", false, ir.Value, 0)
		p.op("q", func(b *ir.BodyBuilder) int { return p.read(b, "@T") })
		p.op("v", func(b *ir.BodyBuilder) int { return p.read(b, read, off) })
		p.Func("step").Ops[1].Pos = ir.Pos{Start: 20, End: 25}
		p.set("U", "%v")
		return p.Program
	}
	for _, tc := range []struct {
		p             *ir.Program
		code, message string
		related       int
	}{
		{build("@T", 1), "WF0703", "T is read 1 beyond the high end of x and has no boundary condition there", 1},
		{build("%q", -2), "WF0703", "q is read 2 beyond the low end of x", 0},
		{build("@T", -4), "WF0704", "has only 3 points", 0},
	} {
		err := Run(tc.p, &Config{Verify: true, File: file})
		var d *diag.Diagnostic
		if !errors.As(err, &d) {
			t.Fatalf("no diagnostic but %v", err)
		}
		if d.Code != tc.code || !strings.Contains(d.Message, tc.message) || len(d.Related) != tc.related || d.Suggestion == nil || d.Primary.Start != 20 {
			t.Errorf("diagnostic %+v", d)
		}
		if _, ok := diag.Lookup(d.Code); !ok {
			t.Errorf("%s is not registered", d.Code)
		}
	}
}

// Old and next values of an array have the same name in a function, and both may be read beyond a wall.
func TestGhostsOfNextValues(t *testing.T) {
	const n = 6
	p := newProg(ir.F64, cells("x", n, 0, 3))
	for _, name := range []string{"T", "S"} {
		p.array(name)
		p.bc(name, "x", false, ir.Value, 2)
		p.bc(name, "x", true, ir.Value, 2)
	}
	p.op("T", func(b *ir.BodyBuilder) int { return b.Mul(b.Const(ir.F64, 0.5), p.read(b, "@T", -1)) })
	p.op("S", func(b *ir.BodyBuilder) int { return p.read(b, "%T", -1) })
	p.set("T", "%T")
	p.set("S", "%S")
	T := fill(p.Program, "T", func(at []int) float64 { return bump(at) })
	got := run(t, canonical(t, p.Program), map[string]*ir.Tensor{"T": T}, nil, 1)
	next := []float64{(4 - T.At(0)) / 2, T.At(0) / 2}
	if a, b := got["T"], got["S"]; a.At(0) != next[0] || a.At(1) != next[1] || b.At(0) != 4-next[0] || b.At(1) != next[0] {
		t.Errorf("T is %v, S %v", a.F64, b.F64)
	}
}
