package passes

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// At a Courant number of 1 the Lax-Wendroff scheme, written as an equation, is an exact shift in every type, whatever h and c: the
// centre and one neighbour vanish on the host, the other coefficient is 1.
func TestCourantOneIsAnExactShift(t *testing.T) {
	for _, e := range []ir.Elem{ir.F16, ir.F32, ir.F64} {
		for _, c := range []float64{1, 0.3, 7.7} {
			const n, steps = 13, 20
			p := newProg(e, ring("x", n, 0, 1.7))
			p.array("u")
			p.host("c", c)
			p.host("dt", p.Axes[0].H/c)
			p.op("next", func(b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				cdt := b.Mul(b.Scalar(e, "c"), b.Scalar(e, "dt"))
				adv := b.Mul(cdt, b.Deriv(u, "x", 1, 2))
				dif := b.Mul(b.Mul(b.Const(e, 0.5), b.Mul(cdt, cdt)), b.Deriv(b.Deriv(u, "x", 1, 2), "x", 1, 2))
				return b.Add(b.Sub(u, adv), dif)
			})
			p.set("u", "%next")
			u0 := fill(p.Program, "u", func(at []int) float64 { return bump(at) * 1e-3 })
			got := run(t, canonical(t, p.Program), map[string]*ir.Tensor{"u": u0}, nil, steps)["u"]
			for k := range n {
				want := u0.At(((k-steps)%n + n) % n)
				if diff := math.Abs(got.At(k) - want); diff > 0 && !(e == ir.F64 && diff <= 1e-17) {
					t.Fatalf("%s, c = %g: u[%d] = %g, want %g", e, c, k, got.At(k), want)
				}
			}
		}
	}
}

// At the stability limit of the heat equation the centre's coefficient 1 - 2*a*dt/h^2 is 0, whatever rounding did to dt.
func TestCancellingCoefficientsVanish(t *testing.T) {
	exact := 0
	for k := range 50 {
		a := 0.1 + 0.0371*float64(k)
		p := newProg(ir.F32, ring("x", 7+k, 0, 1))
		p.array("u")
		p.host("a", a)
		p.host("dt", 0.5/a*p.Axes[0].H*p.Axes[0].H)
		p.op("next", func(b *ir.BodyBuilder) int {
			u := p.read(b, "@u")
			return b.Add(u, b.Mul(b.Mul(b.Scalar(ir.F32, "dt"), b.Scalar(ir.F32, "a")), b.Deriv(u, "x", 2, 2)))
		})
		p.set("u", "%next")
		c := canonical(t, p.Program)
		env, err := ir.EvalHost(c, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v := env["k.0"]; v != 0 {
			t.Errorf("a = %g: the centre's coefficient is %g\n%s", a, v, ir.Print(c))
		}
		if v := env["k.1"]; math.Abs(v-0.5) > 2e-16 {
			t.Errorf("a = %g: the neighbours' coefficient is %g", a, v)
		} else if v == 0.5 {
			exact++
		}
		if v, err := ir.EvalHost(c, map[string]float64{"dt": 0}, nil); err != nil || v["k.0"] != 1 || v["k.1"] != 0 {
			t.Errorf("a = %g: without a step the coefficients are %g and %g (%v)", a, v["k.0"], v["k.1"], err)
		}
	}
	if exact == 50 {
		t.Error("no case needs the guard: the test shows nothing")
	}
}

func stepBody(p *ir.Program) *ir.Body {
	ops := p.Func("step").Ops
	return &ops[len(ops)-1].Pieces[0].Body
}

// discretised runs the first pass on a map over rings whose result f builds.
func discretised(t testing.TB, f func(p *prog, b *ir.BodyBuilder) int) *ir.Program {
	t.Helper()
	p := newProg(ir.F32, ring("x", 16, 0, 3), ring("y", 16, 0, 5))
	p.array("u")
	p.array("k")
	p.host("a", 0.1)
	p.host("c", 0.2)
	p.op("next", func(b *ir.BodyBuilder) int { return f(p, b) })
	p.set("u", "%next")
	if err := discretise(p.Program, &Config{}); err != nil {
		t.Fatal(err)
	}
	if err := ir.Verify(p.Program); err != nil {
		t.Fatal(err)
	}
	return p.Program
}

func TestOneCoefficientPerAccess(t *testing.T) {
	p := discretised(t, func(p *prog, b *ir.BodyBuilder) int {
		u := p.read(b, "@u")
		a, c := b.Scalar(ir.F32, "a"), b.Scalar(ir.F32, "c")
		lap := b.Add(b.Deriv(u, "x", 2, 4), b.Deriv(b.Deriv(u, "y", 1, 4), "y", 1, 4))
		rate := b.Sub(b.Mul(a, lap), b.Mul(c, b.Add(b.Deriv(u, "x", 1, 4), b.Deriv(u, "y", 1, 2))))
		return b.Add(u, b.Div(rate, b.Const(ir.F32, 3)))
	})
	b := stepBody(p)
	reads, muls, adds := 0, 0, 0
	for i, n := range b.Uses() {
		switch b.Nodes[i].Op {
		case ir.Read:
			if reads++; n != 1 {
				t.Errorf("a read is used %d times", n)
			}
		case ir.Mul:
			muls++
		case ir.Add:
			adds++
		case ir.Scalar:
		default:
			t.Errorf("unexpected %s", b.Nodes[i].Op)
		}
	}
	if reads != 9 || muls != 8 || adds != 8 {
		t.Errorf("%d reads, %d products, %d sums, want 9, 8, 8\n%s", reads, muls, adds, ir.Print(p))
	}
	var order []string
	for i := range b.Nodes {
		if b.Nodes[i].Op == ir.Read {
			order = append(order, fmt.Sprintf("%d,%d", b.Nodes[i].At[0].Off, b.Nodes[i].At[1].Off))
		}
	}
	if got := strings.Join(order, " "); got != "0,0 -1,0 1,0 0,-1 0,1 -2,0 2,0 0,-2 0,2" {
		t.Errorf("reads in order %s", got)
	}
}

func TestEqualFormsGiveEqualPrograms(t *testing.T) {
	type form func(p *prog, b *ir.BodyBuilder) int
	d := func(b *ir.BodyBuilder, x int, axis string) int { return b.Deriv(x, axis, 1, 2) }
	for name, forms := range map[string][2]form{
		"d(d(u)) is compact": {
			func(p *prog, b *ir.BodyBuilder) int { return d(b, d(b, p.read(b, "@u"), "x"), "x") },
			func(p *prog, b *ir.BodyBuilder) int { return b.Deriv(p.read(b, "@u"), "x", 2, 2) }},
		"mixed derivatives commute": {
			func(p *prog, b *ir.BodyBuilder) int { return d(b, d(b, p.read(b, "@u"), "y"), "x") },
			func(p *prog, b *ir.BodyBuilder) int { return d(b, d(b, p.read(b, "@u"), "x"), "y") }},
		"factors that do not depend on the axis move out": {
			func(p *prog, b *ir.BodyBuilder) int {
				return d(b, b.Mul(b.Scalar(ir.F32, "a"), d(b, p.read(b, "@u"), "x")), "x")
			},
			func(p *prog, b *ir.BodyBuilder) int {
				return b.Mul(b.Scalar(ir.F32, "a"), b.Deriv(p.read(b, "@u"), "x", 2, 2))
			}},
		"what cancels is gone": {
			func(p *prog, b *ir.BodyBuilder) int {
				u := p.read(b, "@u")
				return b.Add(u, b.Sub(d(b, u, "x"), d(b, u, "x")))
			},
			func(p *prog, b *ir.BodyBuilder) int { return p.read(b, "@u") }},
		"the derivative of a number is zero": {
			func(p *prog, b *ir.BodyBuilder) int { return d(b, b.Scalar(ir.F32, "a"), "x") },
			func(p *prog, b *ir.BodyBuilder) int { return b.Const(ir.F32, 0) }},
	} {
		if x, y := ir.Print(discretised(t, forms[0])), ir.Print(discretised(t, forms[1])); x != y {
			t.Errorf("%s:\n%s\n%s", name, x, y)
		}
	}
}

// d(k*d(u)) is the flux form: fluxes between points, k averaged there, so that what leaves one cell enters the next.
func TestFluxForm(t *testing.T) {
	const n = 16
	p := newProg(ir.F64, ring("x", n, 0, 3))
	p.array("u")
	p.array("k")
	p.op("next", func(b *ir.BodyBuilder) int {
		return b.Deriv(b.Mul(p.read(b, "@k"), b.Deriv(p.read(b, "@u"), "x", 1, 2)), "x", 1, 2)
	})
	p.set("u", "%next")
	u := fill(p.Program, "u", bump)
	k := fill(p.Program, "k", func(at []int) float64 { return 2 + math.Cos(float64(at[0])) })
	got := run(t, canonical(t, p.Program), map[string]*ir.Tensor{"u": u, "k": k}, nil, 1)["u"]
	h2, sum := p.Axes[0].H*p.Axes[0].H, 0.0
	for i := range n {
		l, r := (i+n-1)%n, (i+1)%n
		want := ((k.At(i)+k.At(r))/2*(u.At(r)-u.At(i)) - (k.At(l)+k.At(i))/2*(u.At(i)-u.At(l))) / h2
		if math.Abs(got.At(i)-want) > 1e-12 {
			t.Errorf("[%d] = %g, want %g", i, got.At(i), want)
		}
		sum += got.At(i)
	}
	if math.Abs(sum) > 1e-12 {
		t.Errorf("the fluxes do not cancel: %g", sum)
	}
}

// Measured orders of convergence on sin(x + 2y) and, for the flux form, with a variable coefficient.
func TestOrdersOfConvergence(t *testing.T) {
	type form struct {
		name string
		expr func(b *ir.BodyBuilder, u, k int, acc int) int
		want func(x, y float64) float64
	}
	// u = sin(x+2y), k = 2 + cos(x)
	u := func(x, y float64) float64 { return math.Sin(x + 2*y) }
	du := func(x, y float64) float64 { return math.Cos(x + 2*y) }
	k := func(x float64) float64 { return 2 + math.Cos(x) }
	for _, f := range []form{
		{"dx", func(b *ir.BodyBuilder, u, k, acc int) int { return b.Deriv(u, "x", 1, acc) }, du},
		{"dyy", func(b *ir.BodyBuilder, u, k, acc int) int { return b.Deriv(u, "y", 2, acc) },
			func(x, y float64) float64 { return -4 * u(x, y) }},
		{"d3/dx3", func(b *ir.BodyBuilder, u, k, acc int) int { return b.Deriv(u, "x", 3, acc) },
			func(x, y float64) float64 { return -du(x, y) }},
		{"d4/dx4", func(b *ir.BodyBuilder, u, k, acc int) int { return b.Deriv(b.Deriv(u, "x", 2, acc), "x", 2, acc) }, u},
		{"dxdy", func(b *ir.BodyBuilder, u, k, acc int) int { return b.Deriv(b.Deriv(u, "y", 1, acc), "x", 1, acc) },
			func(x, y float64) float64 { return -2 * u(x, y) }},
		{"dx(k*dx)", func(b *ir.BodyBuilder, u, k, acc int) int {
			return b.Deriv(b.Mul(k, b.Deriv(u, "x", 1, acc)), "x", 1, acc)
		}, func(x, y float64) float64 { return -math.Sin(x)*du(x, y) - k(x)*u(x, y) }},
		{"dx(u*u)", func(b *ir.BodyBuilder, u, k, acc int) int { return b.Deriv(b.Mul(u, u), "x", 1, acc) },
			func(x, y float64) float64 { return 2 * u(x, y) * du(x, y) }},
	} {
		for acc := 2; acc <= 8; acc += 2 {
			var errs [2]float64
			for i, n := range []int{20, 32} {
				p := newProg(ir.F64, ring("x", n, 0, 2*math.Pi), ring("y", n, 0, 2*math.Pi))
				p.array("u")
				p.array("k")
				p.op("next", func(b *ir.BodyBuilder) int { return f.expr(b, p.read(b, "@u"), p.read(b, "@k"), acc) })
				p.set("u", "%next")
				at := func(at []int) (float64, float64) {
					return p.Axes[0].Coord(float64(at[0])), p.Axes[1].Coord(float64(at[1]))
				}
				in := map[string]*ir.Tensor{
					"u": fill(p.Program, "u", func(i []int) float64 { return u(at(i)) }),
					"k": fill(p.Program, "k", func(i []int) float64 { x, _ := at(i); return k(x) })}
				got := run(t, canonical(t, p.Program), in, nil, 1)["u"]
				want := fill(p.Program, "u", func(i []int) float64 { return f.want(at(i)) })
				for j := range got.Len() {
					errs[i] = math.Max(errs[i], math.Abs(got.At(j)-want.At(j)))
				}
			}
			order := math.Log(errs[0]/errs[1]) / math.Log(32.0/20)
			if math.Abs(order-float64(acc)) > 0.12*float64(acc) {
				t.Errorf("%s, accuracy %d: order %.2f (errors %g, %g)", f.name, acc, order, errs[0], errs[1])
			}
		}
	}
}

// poly2 is a polynomial in x and y by powers.
type poly2 map[[2]int]float64

func (p poly2) add(q poly2, s float64) poly2 {
	r := poly2{}
	for k, v := range p {
		r[k] += v
	}
	for k, v := range q {
		r[k] += s * v
	}
	return r
}

func (p poly2) mul(q poly2) poly2 {
	r := poly2{}
	for a, v := range p {
		for b, w := range q {
			r[[2]int{a[0] + b[0], a[1] + b[1]}] += v * w
		}
	}
	return r
}

func (p poly2) diff(axis int) poly2 {
	r := poly2{}
	for k, v := range p {
		if k[axis] > 0 {
			m := k
			m[axis]--
			r[m] += v * float64(k[axis])
		}
	}
	return r
}

func (p poly2) degree() int {
	d := 0
	for k := range p {
		d = max(d, k[0]+k[1])
	}
	return d
}

func (p poly2) at(x, y float64) float64 {
	s := 0.0
	for k, v := range p {
		s += v * math.Pow(x, float64(k[0])) * math.Pow(y, float64(k[1]))
	}
	return s
}

// Random expressions of derivatives of polynomials agree with calculus: at accuracy 8 every formula is exact for their degrees.
func TestRandomExpressionsAgainstCalculus(t *testing.T) {
	fields := map[string]poly2{"u": {{0, 0}: 1, {1, 0}: 0.5, {0, 2}: -0.25, {2, 0}: 0.75}, "k": {{0, 0}: 2, {1, 1}: 0.5, {0, 1}: -1}}
	const n = 64
	rapid.Check(t, func(rt *rapid.T) {
		p := newProg(ir.F64, ring("x", n, -2, 2), ring("y", n, -2, 2))
		p.array("u")
		p.array("k")
		p.host("a", 0.375)
		var want poly2
		p.op("next", func(b *ir.BodyBuilder) int {
			var gen func(depth int) (int, poly2)
			gen = func(depth int) (int, poly2) {
				kind := rapid.IntRange(0, 9).Draw(rt, "kind")
				if depth == 0 {
					kind = min(kind, 3)
				}
				switch kind {
				case 0, 1:
					return p.read(b, "@u"), fields["u"]
				case 2:
					return p.read(b, "@k"), fields["k"]
				case 3:
					return b.Coord(ir.F64, "x"), poly2{{1, 0}: 1}
				case 4:
					x, px := gen(depth - 1)
					return b.Mul(b.Scalar(ir.F64, "a"), x), poly2{}.add(px, 0.375)
				case 5:
					x, px := gen(depth - 1)
					y, py := gen(depth - 1)
					return b.Sub(x, y), px.add(py, -1)
				case 6:
					x, px := gen(depth - 1)
					y, py := gen(depth - 1)
					if px.degree()+py.degree() > 5 {
						return b.Add(x, y), px.add(py, 1)
					}
					return b.Mul(x, y), px.mul(py)
				default:
					x, px := gen(depth - 1)
					axis := rapid.IntRange(0, 1).Draw(rt, "axis")
					return b.Deriv(x, []string{"x", "y"}[axis], 1, 8), px.diff(axis)
				}
			}
			r, q := gen(4)
			want = q
			return r
		})
		p.set("u", "%next")
		in := map[string]*ir.Tensor{}
		for _, name := range []string{"u", "k"} {
			in[name] = fill(p.Program, name, func(at []int) float64 {
				return fields[name].at(p.Axes[0].Coord(float64(at[0])), p.Axes[1].Coord(float64(at[1])))
			})
		}
		c, err := Canonical(p.Program)
		if err != nil {
			rt.Fatal(err)
		}
		got := run(t, c, in, nil, 1)["u"]
		const i, j = n / 2, n/2 + 1
		x, y := p.Axes[0].Coord(i), p.Axes[1].Coord(j)
		if g, w := got.At(i*n+j), want.at(x, y); !(math.Abs(g-w) <= 1e-6*(1+math.Abs(w))) {
			rt.Fatalf("%g, calculus gives %g\n%s", g, w, ir.Print(p.Program))
		}
	})
}

func TestWideFormulasAreRefused(t *testing.T) {
	for name, f := range map[string]func(b *ir.BodyBuilder, u int) int{
		"accuracy": func(b *ir.BodyBuilder, u int) int { return b.Deriv(u, "x", 1, 100) },
		"order":    func(b *ir.BodyBuilder, u int) int { return b.Deriv(b.Deriv(u, "x", 20, 2), "x", 20, 2) },
		"nesting": func(b *ir.BodyBuilder, u int) int {
			x := u
			for k := range 40 {
				x = b.Deriv(b.Mul(u, x), []string{"x", "y"}[k%2], 1, 8)
			}
			return x
		},
	} {
		p := newProg(ir.F32, ring("x", 99, 0, 1), ring("y", 99, 0, 1))
		p.array("u")
		p.op("next", func(b *ir.BodyBuilder) int { return f(b, p.read(b, "@u")) })
		p.set("u", "%next")
		err := Run(p.Program, &Config{})
		var d *diag.Diagnostic
		if !errors.As(err, &d) || d.Code != "WF0705" || d.Suggestion == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkCanonical is a coupled system of eight fields in a block, as large as programs get in practice.
func BenchmarkCanonical(b *testing.B) {
	p := newProg(ir.F32, ring("x", 750, 0, 1), ring("y", 994, 0, 1), ring("z", 100, 0, 1))
	for i := range 8 {
		p.array(fmt.Sprint("f", i))
	}
	p.host("dt", 0.1)
	for i := range 8 {
		p.op(fmt.Sprint("n", i), func(b *ir.BodyBuilder) int {
			u, v := p.read(b, fmt.Sprint("@f", i)), p.read(b, fmt.Sprint("@f", (i+1)%8))
			sum := b.Mul(v, b.Op(ir.Exp, u))
			for _, x := range []string{"x", "y", "z"} {
				sum = b.Add(sum, b.Add(b.Deriv(u, x, 2, 8), b.Mul(v, b.Deriv(u, x, 1, 8))))
			}
			return b.Add(u, b.Mul(b.Scalar(ir.F32, "dt"), sum))
		})
		p.set(fmt.Sprint("f", i), fmt.Sprint("%n", i))
	}
	for b.Loop() {
		if err := Run(p.Clone(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
