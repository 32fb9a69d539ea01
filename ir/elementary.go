package ir

import "math"

// The elementary functions of host scalars and host functions, in float64. Go's own differ between architectures (assembly, fused
// operations); these use rounded and explicitly fused operations only, so that initial values have the same bits everywhere.
//
// Arguments are reduced by constants held in parts, then Taylor series are summed to below 2^-56 of the result (Muller, "Elementary
// functions", 2016). The tests hold exp, log, sin and cos within 2 units in the last place of Go's, tanh within 4, pow within 8 of the
// true value. sin and cos lose accuracy beyond 2^30.

const (
	ln2Hi, ln2Lo                  = 0x1.62e42fefa39efp-01, 0x1.abc9e3b39803fp-56
	halfPiHi, halfPiMid, halfPiLo = 0x1.921fb54442d18p+00, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110
	expMax, expMin                = 709.79, -745.14 // beyond: infinity, zero
)

// factorials holds 1/n!.
var factorials = func() (c [20]float64) {
	f := 1.0
	for n := range c {
		if n > 0 {
			f *= float64(n) // exact below 2^53; 19! has few enough odd bits
		}
		c[n] = 1 / f
	}
	return c
}()

// horner is c[0] + x*(c[1] + x*(c[2] + ..)).
func horner(x float64, c []float64) float64 {
	s := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		s = math.FMA(s, x, c[i])
	}
	return s
}

// expm1Small is exp(x)-1 for |x| below 0.75.
func expm1Small(x float64) float64 { return math.FMA(float64(x*x), horner(x, factorials[2:18]), x) }

// expHiLo is exp(x + lo) for small lo.
func expHiLo(x, lo float64) float64 {
	switch {
	case x != x:
		return x
	case x > expMax:
		return math.Inf(1)
	case x < expMin:
		return 0
	}
	k := math.RoundToEven(float64(x * (1 / math.Ln2)))
	r := math.FMA(-k, ln2Hi, x) // exact
	t := math.FMA(-k, ln2Lo, lo)
	s := r + t
	t = (r - s) + t
	y := expm1Small(s)
	return math.Ldexp(1+float64(y+t), int(k))
}

// logParts writes a positive finite x as 2^k * m with m from sqrt(1/2) to sqrt(2).
func logParts(x float64) (k, m float64) {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	return float64(e), m
}

// atanhTail is 2*(z/3 + z^2/5 + ..), z = s^2 at most 0.03.
func atanhTail(z float64) float64 {
	sum := 0.0
	for n := 25; n >= 3; n -= 2 {
		sum = math.FMA(sum, z, 2/float64(n))
	}
	return float64(sum * z)
}

func logHost(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case math.IsInf(x, 1):
		return x
	}
	k, m := logParts(x)
	f := m - 1 // exact
	s := f / (2 + f)
	half := float64(float64(0.5*f) * f)
	// log(1+f) = f - (f^2/2 - s*(f^2/2 + R)) because 2s = f - s*f
	r := float64(s * float64(half+atanhTail(float64(s*s))))
	return math.FMA(k, ln2Hi, f-(half-float64(r+float64(k*ln2Lo))))
}

// logHiLo is log(x) of a positive finite x to about 2^-62.
func logHiLo(x float64) (hi, lo float64) {
	k, m := logParts(x)
	f, d := m-1, m+1
	dLo := m - (d - 1) // d + dLo is m+1 exactly
	s := f / d
	sLo := math.FMA(-s, dLo, math.FMA(-s, d, f)) / d
	tail := atanhTail(float64(s * s))
	hi, lo = twoSum(float64(k*ln2Hi), 2*s)
	lo += math.FMA(k, ln2Hi, -float64(k*ln2Hi)) + math.FMA(k, ln2Lo, math.FMA(s, tail, 2*sLo))
	return twoSum(hi, lo)
}

// twoSum is Knuth's exact sum of a and b.
func twoSum(a, b float64) (s, e float64) {
	s = a + b
	t := s - a
	return s, (a - (s - t)) + (b - t)
}

func powHost(x, y float64) float64 {
	a := math.Abs(x)
	n := math.Trunc(y)
	switch {
	case x == 0 || y == 0 || x == 1 || x-x != 0 || y-y != 0 || x < 0 && n != y:
		return math.Pow(x, y) // zeros, infinities and NaN: decided without arithmetic
	case y == 0.5:
		return math.Sqrt(x)
	case n == y && math.Abs(y) <= 16:
		p := 1.0
		for range int(math.Abs(y)) {
			p = float64(p * x)
		}
		if y < 0 && p-p == 0 && p != 0 {
			return 1 / p
		} else if y > 0 {
			return p
		}
	}
	hi, lo := logHiLo(a)
	t := float64(y * hi)
	r := expHiLo(t, math.FMA(y, lo, math.FMA(y, hi, -t)))
	if x < 0 && math.Mod(n, 2) != 0 {
		r = -r
	}
	return r
}

// sinCos returns sin(x) for q = 0 and cos(x) for q = 1.
func sinCos(x float64, q int) float64 {
	if x-x != 0 {
		return math.NaN()
	}
	if math.Abs(x) > 1<<30 {
		x = math.Mod(x, 4*halfPiHi) // exact, of a rounded period
	}
	k := math.RoundToEven(float64(x * (1 / halfPiHi)))
	r := math.FMA(-k, halfPiHi, x) // exact
	hi := math.FMA(-k, halfPiMid, r)
	lo := math.FMA(-k, halfPiLo, math.FMA(-k, halfPiMid, r-hi))
	z := float64(hi * hi)
	q = (q + int(math.Mod(k, 4)) + 4) % 4
	var y float64
	if q%2 == 0 {
		c := 0.0
		for n := 17; n >= 3; n -= 2 { // hi - hi^3/3! + ..
			c = math.FMA(c, -z, factorials[n])
		}
		y = hi + math.FMA(-float64(z*hi), c, lo)
		if hi == 0 {
			y = x // keeps -0
		}
	} else {
		c := 0.0
		for n := 18; n >= 4; n -= 2 { // 1 - hi^2/2 + hi^4/4! - ..
			c = math.FMA(c, -z, factorials[n])
		}
		half := 0.5 * z
		w := 1 - half
		y = w + (float64((1-w)-half) + math.FMA(float64(z*z), c, -float64(hi*lo)))
	}
	if q >= 2 {
		y = -y
	}
	return y
}

func tanhHost(x float64) float64 {
	a := math.Abs(x)
	var y float64
	switch {
	case x != x || x == 0:
		return x
	case a < 0.35:
		e := expm1Small(2 * a)
		y = e / (e + 2)
	case a < 22:
		y = 1 - 2/(expHiLo(2*a, 0)+1)
	default:
		y = 1
	}
	return math.Copysign(y, x)
}

// transcendental evaluates the functions that canonical IR expands in device code.
func transcendental(op Code, x, y float64) float64 {
	switch op {
	case Exp:
		return expHiLo(x, 0)
	case Log:
		return logHost(x)
	case Sin:
		return sinCos(x, 0)
	case Cos:
		return sinCos(x, 1)
	case Tanh:
		return tanhHost(x)
	}
	return powHost(x, y)
}
