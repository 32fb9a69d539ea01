package passes

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// robin adds the condition a*T + b*dn(T) = c at both ends of x. Each coefficient is a constant, a host scalar or an array value.
func robin(p *prog, how string, a, b, c float64) {
	for _, high := range []bool{false, true} {
		var bb ir.BodyBuilder
		make := func(name string, v float64) int {
			switch how {
			case "scalar":
				return bb.Scalar(p.elem, name)
			case "read", "read c":
				if how == "read" || name == "c" {
					return bb.Read(p.elem, "@"+name)
				}
			}
			return bb.Const(p.elem, v)
		}
		r := []int{make("a", a), make("b", b), make("c", c)}
		p.Array("T").BC = append(p.Array("T").BC, ir.Boundary{Axis: "x", High: high, Kind: ir.Mixed, Body: bb.Body(r...)})
	}
}

// Ghosts of mixed conditions fulfil them: a times the value at the wall plus b times the difference over the distance is c.
func TestMixedGhosts(t *testing.T) {
	const n, depth = 6, 3
	for _, e := range []ir.Elem{ir.F32, ir.F64} {
		for _, ax := range []ir.Axis{cells("x", n, 0, 3), nodes("x", n, 0, 3)} {
			for _, how := range []string{"const", "scalar", "read", "read c"} {
				for _, co := range [][3]float64{{1, 0, 0.75}, {0, 2, 0.5}, {2, 3, 0.25}, {-1, 0.7, 0}} {
					a, b, c := co[0], co[1], co[2]
					if ax.Nodes && b == 0 && how == "scalar" || ax.Nodes && b == 0 && how == "read" {
						continue // singular, see below
					}
					p := newProg(e, ax)
					p.array("T")
					for i, name := range []string{"a", "b", "c"} {
						p.host(name, co[i])
						p.Arrays = append(p.Arrays, ir.Array{Name: name, Elem: e})
					}
					robin(p, how, a, b, c)
					for k := 1; k <= depth; k++ {
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
						if len(p.Arrays[i].Axes) == 0 {
							in[p.Arrays[i].Name] = fill(p.Program, p.Arrays[i].Name, func([]int) float64 {
								return map[string]float64{"a": a, "b": b, "c": c}[p.Arrays[i].Name]
							})
						}
					}
					got := run(t, canonical(t, p.Program), in, nil, 1)
					for k := 1; k <= depth; k++ {
						for _, s := range []int{-k, k} {
							g := got["r"+string(rune('e'+s))]
							at, mirror, D := 0, k-1, float64(2*k-1)*ax.H
							if ax.Nodes {
								mirror, D = k, float64(2*k)*ax.H
							}
							end := 0
							if s > 0 {
								at, mirror, end = n-1, n-1-mirror, n-1
							}
							ghost := g.At(at)
							wall := (ghost + T.At(mirror)) / 2
							if ax.Nodes && b != 0 {
								wall = T.At(end)
							}
							if d := math.Abs(float64(a*wall) + float64(b*(ghost-T.At(mirror))/D) - c); !(d <= 2e-6 && (e == ir.F32 || d <= 1e-14)) {
								t.Errorf("%s nodes=%v %s %v, ghost %d: off by %g", e, ax.Nodes, how, co, s, d)
							}
						}
					}
				}
			}
		}
	}
}

// Coefficients that cancel are an error, found by the compiler or, for parameters, when the program is loaded.
func TestMixedSingular(t *testing.T) {
	make := func(ax ir.Axis, how string, a, b float64) *ir.Program {
		p := newProg(ir.F64, ax)
		p.array("T")
		p.host("a", a)
		p.host("b", b)
		p.host("c", 1)
		robin(p, how, a, b, 1)
		p.op("r", func(b *ir.BodyBuilder) int { return p.read(b, "@T", 1) })
		p.set("T", "%r")
		return p.Program
	}
	box := cells("x", 4, 0, 2) // h = 0.5: a*h + 2b is 0 for a = -4, b = 1
	for _, ab := range [][2]float64{{-4, 1}, {0, 0}} {
		_, err := Canonical(make(box, "const", ab[0], ab[1]))
		var d *diag.Diagnostic
		if !errors.As(err, &d) || d.Code != "WF0706" || !strings.Contains(d.Message, "x.hi") {
			t.Errorf("%v: %v", ab, err)
		}
	}
	// Terms that cancel on paper do although the spacing, a tenth, is rounded.
	if _, err := Canonical(make(cells("x", 10, 0, 1), "const", -20, 1)); err == nil {
		t.Error("-20*T + dn(T) at a distance of 0.1 is not singular")
	}
	for _, tc := range []struct {
		ax   ir.Axis
		a, b float64
		bad  bool
	}{{box, -4, 1, true}, {box, -4, 2, false}, {nodes("x", 4, 0, 2), 1, 0, true}, {nodes("x", 4, 0, 2), 1, 1, false}} {
		p := canonical(t, make(tc.ax, "scalar", tc.a, tc.b))
		env, err := ir.EvalHost(p, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		fails := ir.EvalChecks(p, env)
		if (len(fails) > 0) != tc.bad || tc.bad && (fails[0].Code != "WF0706" || !strings.Contains(fails[0].Message, "x.hi")) {
			t.Errorf("%+v: %v", tc, fails)
		}
	}
}

// Restriction and prolongation between grids of different resolution: strided reads keep their stride through every pass, wrap on
// periodic axes, and take ghosts beyond walls.
func TestStrided(t *testing.T) {
	for _, periodic := range []bool{false, true} {
		fine, coarse := cells("x", 8, 0, 8), cells("c", 4, 0, 8)
		fine.Periodic, coarse.Periodic = periodic, periodic
		p := newProg(ir.F64, fine, coarse)
		p.Arrays = []ir.Array{{Name: "u", Axes: []string{"x"}, Elem: ir.F64}, {Name: "v", Axes: []string{"c"}, Elem: ir.F64},
			{Name: "w", Axes: []string{"x"}, Elem: ir.F64}}
		if !periodic {
			p.bc("u", "x", false, ir.Value, 1)
			p.bc("u", "x", true, ir.Gradient, 0)
			p.bc("v", "c", false, ir.Gradient, 0)
			p.bc("v", "c", true, ir.Gradient, 0)
		}
		var b, d ir.BodyBuilder
		read := func(b *ir.BodyBuilder, name, index string, mul, off, div int) int {
			return b.Read(ir.F64, name, ir.Affine{Index: index, Mul: mul, Off: off, Div: div})
		}
		// v[c] = u[2c-1] + 10 u[2c+2]; w[x] = v[(x-1)/2] + 10 v[(x+1)/2]
		v := b.Add(read(&b, "@u", "c", 2, -1, 0), b.Mul(b.Const(ir.F64, 10), read(&b, "@u", "c", 2, 2, 1)))
		w := d.Add(read(&d, "@v", "x", 1, -1, 2), d.Mul(d.Const(ir.F64, 10), read(&d, "@v", "x", 0, 1, 2)))
		s := p.Func("step")
		s.Ops = []ir.Op{
			{Results: []ir.Result{{Name: "v", Elem: ir.F64}}, Dom: []ir.Range{{Index: "c", Axis: "c", Hi: 4}}, Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 4}}, Body: b.Body(v)}}},
			{Results: []ir.Result{{Name: "w", Elem: ir.F64}}, Dom: []ir.Range{{Index: "x", Axis: "x", Hi: 8}}, Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 8}}, Body: d.Body(w)}}},
		}
		p.set("v", "%v")
		p.set("w", "%w")
		u := fill(p.Program, "u", bump)
		old := fill(p.Program, "v", func(at []int) float64 { return 3 * bump(at) })
		for seed := range uint64(4) {
			got := run(t, shuffled(t, p.Program, seed), map[string]*ir.Tensor{"u": u, "v": old, "w": u}, nil, 1)
			at := func(t *ir.Tensor, i int, low float64) float64 {
				n := t.Len()
				switch {
				case periodic:
					return t.At((i + n) % n)
				case i < 0:
					return low
				}
				return t.At(min(i, n-1))
			}
			for c := range 4 {
				if want := at(u, 2*c-1, 2-u.At(0)) + float64(10*at(u, 2*c+2, 0)); got["v"].At(c) != want {
					t.Errorf("periodic %v: v[%d] = %g, want %g", periodic, c, got["v"].At(c), want)
				}
			}
			for x := range 8 {
				want := at(old, (x+1)/2-1, old.At(0)) + float64(10*at(old, (x+1)/2, 0))
				if got["w"].At(x) != want {
					t.Errorf("periodic %v: w[%d] = %g, want %g", periodic, x, got["w"].At(x), want)
				}
			}
		}
	}
}
