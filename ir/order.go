package ir

import "fmt"

// Level is one stage of the tree along which the parts of an axis combine. The members of a level are the parts whose number is a
// multiple of its stride, the product of the sizes before it; Size successive members form a group, the last group may be shorter,
// and the group's partial ends at its lowest part, the member of the next level.
//
// In a chain the highest member starts and each lower one combines local op received. In a star the lowest one combines local op
// received of every other member, ascending. One chain of all parts, [2, 2, ..] (a binary tree) and [g, P/g] (two phases) are trees
// of this form.
type Level struct {
	Size int
	Star bool
}

// ChainAxis is one axis of a mesh order. Without Levels it is one chain of all parts. Unit and Extra are those of its [Cut].
type ChainAxis struct {
	Axis        string
	Parts       int
	Levels      []Level
	Unit, Extra int
}

// Cut is how the axis is cut into parts.
func (c ChainAxis) Cut() Cut { return Cut{c.Parts, c.Unit, c.Extra} }

// Tree returns the levels, one chain of all parts when none are given.
func (c ChainAxis) Tree() []Level {
	if len(c.Levels) == 0 && c.Parts > 1 {
		return []Level{{Size: c.Parts}}
	}
	return c.Levels
}

// Check says whether the levels form a tree over the parts: every level has at least two members per group and more than one
// member, and the last one ends at part 0.
func (c ChainAxis) Check() error {
	stride := 1
	for i, l := range c.Levels {
		if l.Size < 2 {
			return fmt.Errorf("level %d has groups of %d parts", i, l.Size)
		}
		if stride >= c.Parts {
			return fmt.Errorf("level %d has nothing left to combine", i)
		}
		stride *= min(l.Size, c.Parts) // a group never has more members than there are parts
	}
	if len(c.Levels) > 0 && stride < c.Parts {
		return fmt.Errorf("the levels combine %d parts of %d", stride, c.Parts)
	}
	return nil
}

// Each calls f for every combination of two partials in an order that respects the tree: partial into becomes into op from. The
// result is partial 0.
func (c ChainAxis) Each(f func(into, from int)) {
	stride := 1
	for _, l := range c.Tree() {
		size := min(l.Size, c.Parts)
		for lead := 0; lead < c.Parts; lead += stride * size {
			members := min(size, (c.Parts-1-lead)/stride+1)
			for j := 1; j < members; j++ {
				if l.Star {
					f(lead, lead+j*stride)
				} else {
					at := lead + (members-1-j)*stride
					f(at, at+stride)
				}
			}
		}
		stride *= size
	}
}
