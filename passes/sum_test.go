package passes

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// written writes a node as an expression: reads by their offsets, coefficients by name.
func written(b *ir.Body, i int) string {
	n := &b.Nodes[i]
	switch n.Op {
	case ir.Read:
		var s []string
		for _, a := range n.At {
			s = append(s, [5]string{"--", "-", "0", "+", "++"}[a.Off+2])
		}
		return strings.TrimPrefix(n.Name, "@") + strings.Join(s, "")
	case ir.Scalar:
		return n.Name
	}
	op := map[ir.Code]string{ir.Add: " + ", ir.Sub: " - ", ir.Mul: "*", ir.Neg: "-"}[n.Op]
	if n.Op == ir.Neg {
		return "-" + written(b, n.Args[0])
	}
	s := written(b, n.Args[0]) + op + written(b, n.Args[1])
	if n.Op == ir.Mul {
		return s
	}
	return "(" + s + ")"
}

// The order that the header of sum.go defines, written out.
func TestCanonicalOrder(t *testing.T) {
	d := func(b *ir.BodyBuilder, x int, axis string, n, acc int) int { return b.Deriv(x, axis, n, acc) }
	for _, c := range []struct {
		name, want string
		axes       []ir.Axis
		f          func(p *prog, b *ir.BodyBuilder) int
	}{
		{"heat in 3-D with equal spacing", "(k.0*u000 + k.1*(((u-00 + u+00) + (u0-0 + u0+0)) + (u00- + u00+)))",
			[]ir.Axis{ring("x", 8, 0, 1), ring("y", 8, 0, 1), ring("z", 8, 0, 1)}, func(p *prog, b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				lap := b.Add(b.Add(d(b, u, "x", 2, 2), d(b, u, "y", 2, 2)), d(b, u, "z", 2, 2))
				return b.Add(u, b.Mul(b.Scalar(ir.F32, "a"), lap))
			}},
		{"another spacing in z", "((k.0*u000 + k.1*((u-00 + u+00) + (u0-0 + u0+0))) + k.2*(u00- + u00+))",
			[]ir.Axis{ring("x", 8, 0, 1), ring("y", 8, 0, 1), ring("z", 8, 0, 3)}, func(p *prog, b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				lap := b.Add(b.Add(d(b, u, "x", 2, 2), d(b, u, "y", 2, 2)), d(b, u, "z", 2, 2))
				return b.Add(u, b.Mul(b.Scalar(ir.F32, "a"), lap))
			}},
		{"order 4", "((k.0*u00 + k.1*((u-0 + u+0) + (u0- + u0+))) + k.2*((u--0 + u++0) + (u0-- + u0++)))",
			[]ir.Axis{ring("x", 8, 0, 1), ring("y", 8, 0, 1)}, func(p *prog, b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				return b.Mul(b.Scalar(ir.F32, "a"), b.Add(d(b, u, "x", 2, 4), d(b, u, "y", 2, 4)))
			}},
		{"a first and a mixed derivative", "((u00 + k.0*(u-0 - u+0)) + k.1*((u-- + u++) - (u-+ + u+-)))",
			[]ir.Axis{ring("x", 8, 0, 1), ring("y", 8, 0, 1)}, func(p *prog, b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				s := b.Sub(u, b.Mul(b.Scalar(ir.F32, "a"), d(b, u, "x", 1, 2)))
				return b.Add(s, b.Mul(b.Scalar(ir.F32, "c"), d(b, d(b, u, "x", 1, 2), "y", 1, 2)))
			}},
		{"a curl of two fields: each first, then their difference", "(u00 + k.0*((u-0 - u+0) + (v0+ - v0-)))",
			[]ir.Axis{ring("x", 8, 0, 1), ring("y", 8, 0, 1)}, func(p *prog, b *ir.BodyBuilder) int {
				u, v := p.read(b, "@u"), p.read(b, "@v")
				return b.Add(u, b.Mul(b.Scalar(ir.F32, "a"), b.Sub(d(b, u, "x", 1, 2), d(b, v, "y", 1, 2))))
			}},
		{"steps that cancel need no product", "((u- + u+) - v0)",
			[]ir.Axis{{Name: "x", N: 8, H: 0.5, Periodic: true}}, func(p *prog, b *ir.BodyBuilder) int {
				u, v := p.read(b, "@u"), p.read(b, "@v")
				two := b.Sub(b.Mul(b.Const(ir.F32, 2), u), v)
				return b.Add(two, b.Mul(b.Const(ir.F32, 0.25), d(b, u, "x", 2, 2)))
			}},
		{"corners in a balanced tree", "(((k.0*u000 + k.1*(((u-00 + u+00) + (u0-0 + u0+0)) + (u00- + u00+)))" +
			" + k.2*((((u--0 + u++0) + (u-+0 + u+-0)) + ((u-0- + u+0+) + (u-0+ + u+0-))) + ((u0-- + u0++) + (u0-+ + u0+-))))" +
			" + k.3*(((u--- + u+++) + (u--+ + u++-)) + ((u-+- + u+-+) + (u-++ + u+--))))",
			[]ir.Axis{ring("x", 8, 0, 1), ring("y", 8, 0, 1), ring("z", 8, 0, 1)}, func(p *prog, b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				return b.Add(u, b.Mul(b.Scalar(ir.F32, "a"), d(b, d(b, d(b, u, "x", 2, 2), "y", 2, 2), "z", 2, 2)))
			}},
		{"a negative sum", "-(u0 + v0)",
			[]ir.Axis{ring("x", 8, 0, 1)}, func(p *prog, b *ir.BodyBuilder) int {
				return b.Op(ir.Neg, b.Add(b.Add(p.read(b, "@u"), p.read(b, "@v")), d(b, b.Scalar(ir.F32, "a"), "x", 1, 2)))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProg(ir.F32, c.axes...)
			p.array("u")
			p.array("v")
			p.host("a", 0.01)
			p.host("c", 0.3)
			p.op("next", func(b *ir.BodyBuilder) int { return c.f(p, b) })
			p.set("u", "%next")
			if err := discretise(p.Program, &Config{}); err != nil {
				t.Fatal(err)
			}
			b := stepBody(p.Program)
			if got := written(b, b.Results[0]); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// Schemes that commute with the symmetries of the square on paper do so bit for bit: moving the data and stepping is stepping and
// moving the result.
func TestSymmetricSchemesAreSymmetricInBits(t *testing.T) {
	const n = 10
	d := func(b *ir.BodyBuilder, x int, axis string, k, acc int) int { return b.Deriv(x, axis, k, acc) }
	lap := func(b *ir.BodyBuilder, x, acc int) int { return b.Add(d(b, x, "x", 2, acc), d(b, x, "y", 2, acc)) }
	moves := map[string]func(x, y int) (int, int){
		"x mirrored":   func(x, y int) (int, int) { return n - 1 - x, y },
		"y mirrored":   func(x, y int) (int, int) { return x, n - 1 - y },
		"x, y swapped": func(x, y int) (int, int) { return y, x },
	}
	for name, f := range map[string]func(b *ir.BodyBuilder, u, k int) int{
		"lap":         func(b *ir.BodyBuilder, u, k int) int { return lap(b, u, 2) },
		"lap order 6": func(b *ir.BodyBuilder, u, k int) int { return lap(b, u, 6) },
		"lap(lap)":    func(b *ir.BodyBuilder, u, k int) int { return lap(b, lap(b, u, 4), 4) },
		"lap of a product, reaction": func(b *ir.BodyBuilder, u, k int) int {
			return b.Sub(lap(b, b.Mul(u, k), 2), b.Mul(u, b.Mul(k, k)))
		},
		"div(k*grad) and reaction": func(b *ir.BodyBuilder, u, k int) int {
			flux := func(x string) int { return d(b, b.Mul(k, d(b, u, x, 1, 2)), x, 1, 2) }
			return b.Add(b.Mul(u, k), b.Add(flux("x"), flux("y")))
		},
		"div(k*grad) order 4": func(b *ir.BodyBuilder, u, k int) int {
			flux := func(x string) int { return d(b, b.Mul(k, d(b, u, x, 1, 4)), x, 1, 4) }
			return b.Add(flux("x"), flux("y"))
		},
		"grad squared": func(b *ir.BodyBuilder, u, k int) int {
			gx, gy := d(b, u, "x", 1, 4), d(b, u, "y", 1, 4)
			return b.Add(b.Mul(gx, gx), b.Mul(gy, gy))
		},
		"nine points with one coefficient": func(b *ir.BodyBuilder, u, k int) int {
			// lap + h^2/2*dxx(dyy): corners weigh 1/2, neighbours 0; beside lap of lap they meet in larger groups
			xy := d(b, d(b, u, "x", 2, 2), "y", 2, 2)
			return b.Add(lap(b, u, 2), b.Mul(b.Const(b.Elem(u), 1.0/3*0.01), xy))
		},
	} {
		for _, e := range []ir.Elem{ir.F32, ir.F64} {
			p := newProg(e, ring("x", n, 0, 1), ring("y", n, 0, 1))
			p.array("u")
			p.array("k")
			p.host("a", 1.7e-3)
			p.op("next", func(b *ir.BodyBuilder) int {
				u, k := p.read(b, "@u"), p.read(b, "@k")
				return b.Add(u, b.Mul(b.Scalar(e, "a"), f(b, u, k)))
			})
			p.set("u", "%next")
			c := canonical(t, p.Program)
			rng := rand.New(rand.NewPCG(4, 2))
			var data [2][n][n]float64
			for i := range data {
				for x := range n {
					for y := range n {
						data[i][x][y] = 1 + rng.Float64()
					}
				}
			}
			step := func(move func(x, y int) (int, int)) *ir.Tensor {
				in := map[string]*ir.Tensor{}
				for i, name := range []string{"u", "k"} {
					in[name] = fill(p.Program, name, func(at []int) float64 {
						x, y := move(at[0], at[1])
						return data[i][x][y]
					})
				}
				return run(t, c, in, nil, 3)["u"]
			}
			want := step(func(x, y int) (int, int) { return x, y })
			for how, move := range moves {
				got := step(move)
				for x := range n {
					for y := range n {
						if mx, my := move(x, y); got.At(x*n+y) != want.At(mx*n+my) {
							t.Fatalf("%s, %s, %s: %v at %d,%d, %v at its image\n%s", name, e, how, got.At(x*n+y), x, y, want.At(mx*n+my), ir.Print(c))
						}
					}
				}
			}
		}
	}
}
