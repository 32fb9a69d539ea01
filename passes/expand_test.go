package passes

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// evaluator compiles one function of x (and y) through the expansion.
func evaluator(t testing.TB, c ir.Code, e ir.Elem, constant *float64) func(x, y float64) float64 {
	b := newBuilder()
	args := []int{b.add(ir.Node{Op: ir.Scalar, Elem: e, Name: "x"})}
	if c == ir.Pow {
		if constant != nil {
			args = append(args, b.num(e, *constant))
		} else {
			args = append(args, b.add(ir.Node{Op: ir.Scalar, Elem: e, Name: "y"}))
		}
	}
	src := b.done(b.op(c, e, args...))
	body := normalise(rewrite(&src, expandNode))
	for i := range body.Nodes {
		if transcendental(body.Nodes[i].Op) {
			t.Fatalf("%s is left", body.Nodes[i].Op)
		}
	}
	return func(x, y float64) float64 {
		v, err := ir.EvalBody(&body, func(n *ir.Node) (ir.Val, error) {
			if n.Name == "y" {
				return ir.RoundTo(n.Elem, y), nil
			}
			return ir.RoundTo(n.Elem, x), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v.F
	}
}

// ulps is the distance of got from the reference hi+lo in units in the last place of the type at the reference.
func ulps(e ir.Elem, got float64, ref *big.Float) float64 {
	want, _ := ref.Float64()
	bits, least := 24, -149
	limit := math.MaxFloat32
	switch e {
	case ir.F64:
		bits, least, limit = 53, -1074, math.MaxFloat64
	case ir.F16:
		bits, least, limit = 11, -24, 65504
	}
	exp := least + bits
	if ref.Sign() != 0 {
		exp = ref.MantExp(nil)
	}
	ulp := new(big.Float).SetMantExp(big.NewFloat(1), max(exp-bits, least))
	if math.IsInf(got, 0) { // an overflow is as wrong as the next number after the largest
		got = math.Copysign(limit, got)
		top := new(big.Float).SetFloat64(limit)
		if new(big.Float).Abs(ref).Cmp(top) >= 0 && got*want > 0 {
			return 0
		}
	}
	d := new(big.Float).Sub(new(big.Float).SetPrec(300).SetFloat64(got), ref)
	r, _ := d.Quo(d, ulp).Float64()
	return math.Abs(r)
}

// reference computes a function in 200 bits.
func reference(c ir.Code, x, y float64) *big.Float {
	switch c {
	case ir.Exp:
		return bigExp(bf(x))
	case ir.Log:
		if x == 1 {
			return bf(0)
		}
		return bigLog(bf(x))
	case ir.Sin:
		return bigSin(bf(x))
	case ir.Cos:
		return bigSin(new(big.Float).Add(bf(x), bigPi(-1)))
	case ir.Tanh:
		if math.Abs(x) > 40 {
			return bf(math.Copysign(1, x))
		}
		e := bigExp(bf(2 * x))
		return new(big.Float).Quo(new(big.Float).Sub(e, bf(1)), new(big.Float).Add(e, bf(1)))
	}
	l := bigLog(bf(math.Abs(x)))
	r := bigExp(l.Mul(l, bf(y)))
	if x < 0 && math.Mod(y, 2) != 0 {
		r.Neg(r)
	}
	return r
}

const prec = 320

func bf(x float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(x) }

var bigLn2 = func() *big.Float { x, _, _ := big.ParseFloat(ln2Value, 10, prec, 0); return x }()

// bigPi is pi * 2^k.
func bigPi(k int) *big.Float {
	x, _, _ := big.ParseFloat(halfPi, 10, prec, 0)
	return new(big.Float).SetPrec(prec).SetMantExp(x, k+1)
}

func bigExp(x *big.Float) *big.Float {
	q, _ := new(big.Float).Quo(x, bigLn2).Float64()
	n := math.Round(q)
	r := new(big.Float).Sub(x, new(big.Float).SetPrec(prec).Mul(bf(n), bigLn2))
	r.SetMantExp(r, -8)
	sum, t := bf(1), bf(1)
	for k := 1; k < 30; k++ {
		t.Mul(t, r)
		t.Quo(t, bf(float64(k)))
		sum.Add(sum, t)
	}
	for range 8 {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(n))
}

func bigLog(x *big.Float) *big.Float {
	m := new(big.Float).SetPrec(prec)
	k := x.MantExp(m)
	f, _ := m.Float64()
	y := bf(math.Log(f)) // Newton: y + 2 (m - e^y)/(m + e^y), cubic
	for range 3 {
		e := bigExp(y)
		d := new(big.Float).Sub(m, e)
		d.Quo(d, new(big.Float).Add(m, e))
		y.Add(y, d.Mul(d, bf(2)))
	}
	return y.Add(y, new(big.Float).SetPrec(prec).Mul(bf(float64(k)), bigLn2))
}

func bigSin(x *big.Float) *big.Float {
	q, _ := new(big.Float).Quo(x, bigPi(0)).Float64()
	n := math.Round(q)
	r := new(big.Float).Sub(x, new(big.Float).SetPrec(prec).Mul(bf(n), bigPi(0)))
	z := new(big.Float).Mul(r, r)
	sum, t := new(big.Float).Copy(r), new(big.Float).Copy(r)
	for k := 1; k < 40; k++ {
		t.Mul(t, z)
		t.Quo(t, bf(float64(-2*k*(2*k+1))))
		sum.Add(sum, t)
	}
	if math.Mod(n, 2) != 0 {
		sum.Neg(sum)
	}
	return sum
}

func TestExpandErrorBounds(t *testing.T) {
	n := 1500
	if testing.Short() {
		n = 300
	}
	type span struct{ lo, hi float64 }
	for _, tc := range []struct {
		c     ir.Code
		e     ir.Elem
		bound float64
		on    []span // uniform
		bits  bool   // every finite positive pattern, and its negative where the function has one
	}{
		{ir.Exp, ir.F32, 1, []span{{-104, 89}, {-1, 1}, {-88, -86}, {88, 89}}, false},
		{ir.Exp, ir.F64, 1, []span{{-746, 710}, {-1, 1}, {-709, -707}}, false},
		{ir.Exp, ir.F16, 0.51, []span{{-17, 12}, {-1, 1}}, false},
		{ir.Log, ir.F32, 0.9, []span{{0, 2}, {0.7, 1.42}, {0.99, 1.01}}, true},
		{ir.Log, ir.F64, 0.9, []span{{0, 2}, {0.7, 1.42}, {0.99, 1.01}}, true},
		{ir.Log, ir.F16, 0.51, []span{{0, 65504}, {0, 2}}, false},
		{ir.Sin, ir.F32, 1.5, []span{{-1e5, 1e5}, {-10, 10}, {-1, 1}}, false},
		{ir.Cos, ir.F32, 1.5, []span{{-1e5, 1e5}, {-10, 10}, {-1, 1}}, false},
		{ir.Sin, ir.F64, 1.5, []span{{-1e9, 1e9}, {-10, 10}, {-1, 1}}, false},
		{ir.Cos, ir.F64, 1.5, []span{{-1e9, 1e9}, {-10, 10}, {-1, 1}}, false},
		{ir.Sin, ir.F16, 0.51, []span{{-1000, 1000}, {-10, 10}}, false},
		{ir.Tanh, ir.F32, 1.6, []span{{-10, 10}, {-1, 1}, {0.54, 0.6}}, false},
		{ir.Tanh, ir.F64, 1.6, []span{{-20, 20}, {-1, 1}, {0.54, 0.6}}, false},
		{ir.Tanh, ir.F16, 0.51, []span{{-6, 6}, {-1, 1}}, false},
	} {
		t.Run(tc.c.String()+"/"+tc.e.String(), func(t *testing.T) {
			f := evaluator(t, tc.c, tc.e, nil)
			rng := rand.New(rand.NewPCG(7, uint64(tc.c)))
			worst, at := 0.0, 0.0
			check := func(x float64) {
				x = ir.RoundTo(tc.e, x).F
				if u := ulps(tc.e, f(x, 0), reference(tc.c, x, 0)); !(u <= worst) {
					worst, at = u, x
				}
			}
			for _, s := range tc.on {
				for k := range n {
					x := s.lo + (s.hi-s.lo)*rng.Float64()
					if k%2 == 0 {
						x = s.lo + (s.hi-s.lo)*float64(k)/float64(n) // dense, even
					}
					if x != 0 || tc.c != ir.Log {
						check(x)
					}
				}
			}
			for range n {
				if tc.bits && tc.e == ir.F32 {
					check(float64(math.Float32frombits(rng.Uint32N(0x7f7fffff) + 1)))
				} else if tc.bits {
					check(math.Float64frombits(rng.Uint64N(0x7fefffffffffffff) + 1))
				}
				if tc.c == ir.Sin || tc.c == ir.Cos { // close to zeros and extremes
					x := ir.RoundTo(tc.e, float64(rng.IntN(int(tc.on[0].hi*0.63)))*math.Pi/2).F
					check(x)
				}
				if tc.c == ir.Sin || tc.c == ir.Tanh || tc.c == ir.Exp { // small arguments, subnormal ones
					check(math.Ldexp(rng.Float64()-0.5, -rng.IntN(140)))
				}
			}
			t.Logf("worst %.3f ulp at %x (%g)", worst, at, at)
			if !(worst <= tc.bound) {
				t.Errorf("worst error %.3f ulp at %g, bound %g", worst, at, tc.bound)
			}
		})
	}
}

func TestExpandPowErrorBounds(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	for _, e := range []ir.Elem{ir.F32, ir.F64} {
		f := evaluator(t, ir.Pow, e, nil)
		rng := rand.New(rand.NewPCG(3, uint64(e)))
		top := 88.0
		if e == ir.F64 {
			top = 709
		}
		worst, wx, wy := 0.0, 0.0, 0.0
		for k := range n {
			var x, y float64
			switch k % 4 {
			case 0:
				x, y = 4*rng.Float64(), 40*(rng.Float64()-0.5)
			case 1: // results over the whole range, bases near 1 included
				x = math.Exp((rng.Float64() - 0.5) * math.Exp(-10*rng.Float64()))
				y = top * (2.2*rng.Float64() - 1.15) / math.Log(x)
			case 2:
				x = math.Exp((rng.Float64() - 0.5) * 2 * top)
				y = 4 * (rng.Float64() - 0.5)
			default:
				x, y = -10*rng.Float64(), float64(rng.IntN(60)-30)
			}
			x, y = ir.RoundTo(e, x).F, ir.RoundTo(e, y).F
			if x == 0 || math.IsInf(y, 0) || math.IsInf(x, 0) || math.Abs(y*math.Log(math.Abs(x))) > 1.2*top {
				continue
			}
			if u := ulps(e, f(x, y), reference(ir.Pow, x, y)); !(u <= worst) {
				worst, wx, wy = u, x, y
			}
		}
		t.Logf("%s: worst %.3f ulp at pow(%g, %g)", e, worst, wx, wy)
		if !(worst <= 1.2) {
			t.Errorf("%s: worst error %.3f ulp at pow(%g, %g)", e, worst, wx, wy)
		}
		for _, c := range []float64{-16, -3, -2, -1, 0, 1, 2, 3, 5, 7, 16} {
			f := evaluator(t, ir.Pow, e, &c)
			bound := math.Max((math.Abs(c)-1)/2, 0) + 0.01
			if c < 0 {
				bound += 0.5 + math.Abs(c)*0.5 // the quotient's ulp is up to half the size
			}
			for range 200 {
				x := ir.RoundTo(e, math.Copysign(0.1+4*rng.Float64(), rng.Float64()-0.5)).F
				// One ulp of the running product is up to two of the result's.
				if u := ulps(e, f(x, 0), reference(ir.Pow, x, c)); !(u <= 2*bound) {
					t.Fatalf("%s: %g^%g is off by %.3f ulp", e, x, c, u)
				}
			}
		}
	}
}

// Special values follow C, Annex F, as Go's functions do.
func TestExpandSpecialValues(t *testing.T) {
	inf, nan, negZero := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	xs := []float64{0, negZero, 1, -1, inf, -inf, nan, 2, -2, 0.5, -0.5, 3, -3, 1e-42, -1e-42, 1e30, -1e30, 2.5, -2.5}
	for _, e := range []ir.Elem{ir.F32, ir.F64} {
		for _, c := range []struct {
			op ir.Code
			f  func(float64) float64
		}{{ir.Exp, math.Exp}, {ir.Log, math.Log}, {ir.Sin, math.Sin}, {ir.Cos, math.Cos}, {ir.Tanh, math.Tanh}} {
			f := evaluator(t, c.op, e, nil)
			for _, x := range xs {
				if math.Abs(x) == 1e30 && (c.op == ir.Sin || c.op == ir.Cos) {
					if g := f(x, 0); !(math.Abs(g) <= 1) {
						t.Errorf("%s %s(%g) = %g is outside [-1, 1]", e, c.op, x, g)
					}
					continue
				}
				x = ir.RoundTo(e, x).F
				close(t, e, c.op.String(), x, 0, f(x, 0), ir.RoundTo(e, c.f(x)).F)
			}
		}
		f := evaluator(t, ir.Pow, e, nil)
		for _, x := range xs {
			for _, y := range xs {
				x, y := ir.RoundTo(e, x).F, ir.RoundTo(e, y).F
				close(t, e, "pow", x, y, f(x, y), ir.RoundTo(e, math.Pow(x, y)).F)
			}
		}
	}
}

func close(t *testing.T, e ir.Elem, name string, x, y, got, want float64) {
	t.Helper()
	tol := 3e-7 * math.Abs(want)
	if e == ir.F32 && math.Abs(want) < 1e-37 {
		tol = 1.5e-45
	}
	switch {
	case math.IsNaN(want):
		if math.IsNaN(got) {
			return
		}
	case want == 0 || math.IsInf(want, 0):
		if got == want && math.Signbit(got) == math.Signbit(want) {
			return
		}
	case math.Abs(got-want) <= tol:
		return
	}
	t.Errorf("%s %s(%g, %g) = %g, want %g", e, name, x, y, got, want)
}
