package passes

import "math/big"

// weights returns the finite-difference weights of the n-th derivative at 0 (n = 0: interpolation) on points given in half steps,
// for step 1, exactly: B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988)
// 699-706, in rational arithmetic. There must be more than n points, all different.
func weights(points []int, n int) []*big.Rat {
	x := make([]*big.Rat, len(points))
	for i, p := range points {
		x[i] = big.NewRat(int64(p), 2)
	}
	// c[k][j] is the weight of point j for the k-th derivative on the points so far.
	c := make([][]*big.Rat, n+1)
	for k := range c {
		c[k] = make([]*big.Rat, len(points))
		for j := range c[k] {
			c[k][j] = new(big.Rat)
		}
	}
	c[0][0].SetInt64(1)
	c1 := big.NewRat(1, 1)
	for i := 1; i < len(points); i++ {
		c2 := big.NewRat(1, 1)
		for j := 0; j < i; j++ {
			c3 := new(big.Rat).Sub(x[i], x[j])
			c2.Mul(c2, c3)
			if j == i-1 {
				f := new(big.Rat).Quo(c1, c2)
				for k := min(i, n); k >= 0; k-- {
					v := new(big.Rat).Mul(x[i-1], c[k][i-1])
					v.Neg(v)
					if k > 0 {
						v.Add(v, new(big.Rat).Mul(big.NewRat(int64(k), 1), c[k-1][i-1]))
					}
					c[k][i] = v.Mul(v, f)
				}
			}
			for k := min(i, n); k >= 0; k-- {
				v := new(big.Rat).Mul(x[i], c[k][j])
				if k > 0 {
					v.Sub(v, new(big.Rat).Mul(big.NewRat(int64(k), 1), c[k-1][j]))
				}
				c[k][j] = v.Quo(v, c3)
			}
		}
		c1 = c2
	}
	return c[n]
}

// stencil returns the points (in half steps) and weights of the central formula for the n-th derivative of accuracy acc. Points are
// whole steps, or with half the points midway between.
func stencil(n, acc int, half bool) ([]int, []*big.Rat) {
	var pts []int
	if half {
		m := (n-n%2)/2 + acc/2 // pairs
		for k := -m; k < m; k++ {
			pts = append(pts, 2*k+1)
		}
	} else {
		r := (n+1)/2 - 1 + acc/2
		for k := -r; k <= r; k++ {
			pts = append(pts, 2*k)
		}
	}
	return pts, weights(pts, n)
}
