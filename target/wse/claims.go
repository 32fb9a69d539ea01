package wse

// claims are regions with owners, which may not share a PE. Few are compared with each other, whatever the mesh; many are marked in it.
type claims struct {
	w, h  int
	list  []Region
	owner []int
	pes   []int32 // by PE: its owner + 1; nil = the list is kept
}

const fewRegions = 64

// add adds a region and returns a PE that another owner has claimed before, and that owner, or -1.
func (c *claims) add(r Region, owner int) (x, y, other int) {
	if c.pes == nil && len(c.list) >= fewRegions && c.w <= 1<<12 && c.h <= 1<<12 {
		c.pes = make([]int32, c.w*c.h)
		for i, o := range c.list {
			c.mark(o, c.owner[i])
		}
	}
	if c.pes != nil {
		return c.mark(r, owner)
	}
	other = -1
	for i, o := range c.list {
		if c.owner[i] == owner {
			continue
		}
		if i0, j0, ok := r.Meets(o); ok {
			x, y, other = i0, j0, c.owner[i]
			break
		}
	}
	c.list, c.owner = append(c.list, r), append(c.owner, owner)
	return x, y, other
}

func (c *claims) mark(r Region, owner int) (x, y, other int) {
	other = -1
	for j := r.Y.Lo; j < min(r.Y.Hi, c.h); j += r.Y.Stride() {
		for i := r.X.Lo; i < min(r.X.Hi, c.w); i += r.X.Stride() {
			if pe := &c.pes[j*c.w+i]; *pe == 0 {
				*pe = int32(owner) + 1
			} else if other < 0 && *pe != int32(owner)+1 {
				x, y, other = i, j, int(*pe)-1
			}
		}
	}
	return x, y, other
}
