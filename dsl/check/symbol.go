package check

import "math"

// stencilWeights returns the weights w[0..r] of the central difference of order n and accuracy acc at spacing 1: for even n the weight
// of offset k is w[|k|], for odd n sign(k)*w[|k|] (and w[0] = 0). They solve the moment equations by Fornberg's recurrence (Generation
// of finite difference formulas on arbitrarily spaced grids, 1988).
func stencilWeights(n, acc int) []float64 {
	r := acc/2 + (n-1)/2
	size := 2*r + 1
	x := make([]float64, size)
	for i := range x {
		x[i] = float64(i - r)
	}
	c := make([][]float64, size)
	for i := range c {
		c[i] = make([]float64, n+1)
	}
	c[0][0] = 1
	c1 := 1.0
	for i := 1; i < size; i++ {
		mn := min(i, n)
		c2, c5 := 1.0, x[i-1]
		for j := 0; j < i; j++ {
			c3 := x[i] - x[j]
			c2 *= c3
			if j == i-1 {
				for k := mn; k > 0; k-- {
					c[i][k] = c1 * (float64(k)*c[i-1][k-1] - c5*c[i-1][k]) / c2
				}
				c[i][0] = -c1 * c5 * c[i-1][0] / c2
			}
			for k := mn; k > 0; k-- {
				c[j][k] = (x[i]*c[j][k] - float64(k)*c[j][k-1]) / c3
			}
			c[j][0] = x[i] * c[j][0] / c3
		}
		c1 = c2
	}
	w := make([]float64, r+1)
	for k := range w {
		w[k] = c[r+k][n]
	}
	return w
}

// symbolAt is the factor a central difference multiplies exp(i*theta*j) by: real for even n, the imaginary part for odd n.
func symbolAt(n int, w []float64, theta float64) float64 {
	s := 0.0
	for k := 1; k < len(w); k++ {
		if n%2 == 0 {
			s += 2 * w[k] * math.Cos(float64(k)*theta)
		} else {
			s += 2 * w[k] * math.Sin(float64(k)*theta)
		}
	}
	if n%2 == 0 {
		s += w[0]
	}
	return s
}

const thetaSamples = 512

// symbolMax is the largest |symbol|; 4 for the second difference at order 2. It is attained at theta = pi for even n.
func symbolMax(n, acc int) float64 {
	w := stencilWeights(n, acc)
	if n%2 == 0 {
		return math.Abs(symbolAt(n, w, math.Pi))
	}
	s := 0.0
	for i := 1; i <= thetaSamples; i++ {
		s = max(s, math.Abs(symbolAt(n, w, math.Pi*float64(i)/thetaSamples)))
	}
	return s
}

// advectionRatio is the smallest K with L1^2 <= K*L2*(1 - L2/max L2) for all theta, where L1 is the symbol of the difference of odd
// order n and L2 the modulus of that of even order m <= 2n: 1 for first against second differences of order 2, where it is an identity,
// and slightly more for higher orders.
func advectionRatio(n, acc, m, accm int) float64 {
	w, w2 := stencilWeights(n, acc), stencilWeights(m, accm)
	top := math.Abs(symbolAt(m, w2, math.Pi))
	k := 0.0
	for i := 1; i < thetaSamples; i++ {
		th := math.Pi * float64(i) / thetaSamples
		l1, l2 := symbolAt(n, w, th), math.Abs(symbolAt(m, w2, th))
		if room := l2 * (1 - l2/top); room > 0 {
			k = max(k, l1*l1/room)
		}
	}
	return roundUp(k)
}

// roundUp removes the noise of sampling, so that the exact 1 of order 2 stays 1.
func roundUp(k float64) float64 {
	if r := math.Round(k); math.Abs(k-r) < 1e-6 {
		return r
	}
	return k * (1 + 1e-4)
}
