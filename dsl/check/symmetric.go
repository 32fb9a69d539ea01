package check

import "math"

// unsymmetric finds an operator that is certainly not symmetric: of two points, both on the same unknown, each depends on the other with
// another coefficient. Coefficients that vary over the grid are not compared.
func (c *checker) unsymmetric(sv *solver) bool {
	if len(sv.jac) != 1 {
		return false
	}
	es, ok := c.stencilOf(sv, 0)
	if !ok {
		return false
	}
	at := map[place]float64{}
	size := 0.0
	for _, e := range es {
		v, known := c.eval(e.coef)
		if !known || !e.coef.host {
			return false
		}
		at[e.at] = v
		size = math.Max(size, math.Abs(v))
	}
	for p, v := range at {
		if math.Abs(v-at[place{-p[0], -p[1], -p[2]}]) > 1e-9*size {
			return true
		}
	}
	return false
}
