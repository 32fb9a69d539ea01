package ir

// Cut is how the points of an axis are cut into Parts blocks: in whole units of Unit points (0 means 1), the first blocks one unit longer
// when they do not come out even, and Extra more points in the last block. Axes of different resolution whose blocks must lie
// over each other have units in the ratio of their strides; the faces of an axis have one extra point.
type Cut struct{ Parts, Unit, Extra int }

// units returns the number of whole units in a block, and how many blocks have one more.
func (c Cut) units(n int) (unit, q, r int) {
	unit = max(1, c.Unit)
	k := (n - c.Extra) / unit
	return unit, k / c.Parts, k % c.Parts
}

// Block returns the range of points of part k when there are n.
func (c Cut) Block(n, k int) (lo, hi int) {
	u, q, r := c.units(n)
	lo, hi = (k*q+min(k, r))*u, ((k+1)*q+min(k+1, r))*u
	if k == c.Parts-1 {
		hi += c.Extra
	}
	return lo, hi
}

// Least and Most are the sizes of the smallest and of the largest block.
func (c Cut) Least(n int) int {
	u, q, _ := c.units(n)
	return q * u
}

// Most is the size of the largest block.
func (c Cut) Most(n int) int {
	u, q, r := c.units(n)
	return max((q+min(r, 1))*u, q*u+c.Extra)
}

// Owner returns the part that has point i, where points outside the axis belong to the nearest part.
func (c Cut) Owner(n, i int) int {
	u, q, r := c.units(n)
	i = max(0, min(i, n-1-c.Extra)) / u
	if i < r*(q+1) {
		return i / (q + 1)
	}
	return r + (i-r*(q+1))/q
}

// Valid reports whether n points can be cut so: every part has at least one point.
func (c Cut) Valid(n int) bool {
	return c.Parts >= 1 && c.Unit >= 0 && c.Extra >= 0 && c.Extra < n && (n-c.Extra)%max(1, c.Unit) == 0 && (n-c.Extra)/max(1, c.Unit) >= c.Parts
}
