package ir

import "fmt"

// Turn says where the sums of order Turned begin. The reduced index is cut into Parts blocks, and so are the output dimensions By: an
// output point in blocks p and q of these starts with block (p+q) mod Parts of the reduced index, goes on to the end, and then from element 0
// to its start. That is the order of Cannon's algorithm (L. E. Cannon 1969): PE (p, q) of a square mesh meets the blocks of k in this order.
type Turn struct {
	Parts int
	By    [2]int
}

// Check says whether the turn suits an operation.
func (t Turn) Check(o *Op) error {
	if len(o.Over) != 1 {
		return fmt.Errorf("a turned order of %d reduced indices", len(o.Over))
	}
	if t.By[0] == t.By[1] {
		return fmt.Errorf("output dimension %d turns twice", t.By[0])
	}
	for _, r := range []int{t.By[0], t.By[1], len(o.Dom)} {
		if r < 0 || r > len(o.Dom) {
			return fmt.Errorf("no output dimension %d", r)
		}
		x := o.Over[0]
		if r < len(o.Dom) {
			x = o.Dom[r]
		}
		if !(Cut{Parts: t.Parts}).Valid(x.Hi - x.Lo) {
			return fmt.Errorf("%d parts of the %d points of index %s", t.Parts, x.Hi-x.Lo, x.Index)
		}
	}
	return nil
}

// Start is the element of the reduced index, counted from its first, with which the sum of the output point at begins; at is counted from
// the low corner of the domain.
func (t Turn) Start(o *Op, at []int) int {
	c := Cut{Parts: t.Parts}
	p := 0
	for _, d := range t.By {
		p += c.Owner(o.Dom[d].Hi-o.Dom[d].Lo, at[d])
	}
	lo, _ := c.Block(o.Over[0].Hi-o.Over[0].Lo, p%t.Parts)
	return lo
}
