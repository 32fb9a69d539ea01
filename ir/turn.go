package ir

import "fmt"

// Turn says where the sums of order Turned begin. The output dimensions By are cut into Parts blocks, and the reduced index into as many as
// the least common multiple of both numbers: an output point in blocks p and q begins with block First(p, q) of the reduced index, goes on
// to the end, and then from element 0 to its start. That is the order in which PE (p, q) of a mesh meets the blocks of k in Cannon's
// algorithm (L. E. Cannon 1969), on rectangles too.
type Turn struct {
	Parts [2]int
	By    [2]int
}

// Blocks is into how many blocks the reduced index is cut; every part of a side holds equally many of them.
func (t Turn) Blocks() int {
	a, b := t.Parts[0], t.Parts[1]
	for b != 0 {
		a, b = b, a%b
	}
	return t.Parts[0] / a * t.Parts[1]
}

// First is the block with which the outputs in parts p and q begin. Along either side it moves on by what a part holds.
func (t Turn) First(p, q int) int {
	n := t.Blocks()
	return (p*(n/t.Parts[0]) + q*(n/t.Parts[1])) % n
}

// Check says whether the turn suits an operation.
func (t Turn) Check(o *Op) error {
	if len(o.Over) != 1 {
		return fmt.Errorf("a turned order of %d reduced indices", len(o.Over))
	}
	if t.By[0] == t.By[1] {
		return fmt.Errorf("output dimension %d turns twice", t.By[0])
	}
	if t.Parts[0] < 1 || t.Parts[1] < 1 {
		return fmt.Errorf("%d and %d parts", t.Parts[0], t.Parts[1])
	}
	cut := func(x Range, parts int) error {
		if !(Cut{Parts: parts}).Valid(x.Hi - x.Lo) {
			return fmt.Errorf("%d parts of the %d points of index %s", parts, x.Hi-x.Lo, x.Index)
		}
		return nil
	}
	for i, d := range t.By {
		if d < 0 || d >= len(o.Dom) {
			return fmt.Errorf("no output dimension %d", d)
		}
		if err := cut(o.Dom[d], t.Parts[i]); err != nil {
			return err
		}
	}
	return cut(o.Over[0], t.Blocks())
}

// Start is the element of the reduced index, counted from its first, with which the sum of the output point at begins; at is counted from
// the low corner of the domain.
func (t Turn) Start(o *Op, at []int) int {
	var part [2]int
	for i, d := range t.By {
		part[i] = Cut{Parts: t.Parts[i]}.Owner(o.Dom[d].Hi-o.Dom[d].Lo, at[d])
	}
	lo, _ := Cut{Parts: t.Blocks()}.Block(o.Over[0].Hi-o.Over[0].Lo, t.First(part[0], part[1]))
	return lo
}
