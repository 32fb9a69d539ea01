package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// arrange cuts the cluster into groups, makes later ones independent of the large values of earlier ones, and puts each side by side in the
// function. It reports whether it did.
func (g *fn) arrange(c *cluster) bool {
	level := c.levels()
	byLevel := map[int][]int{}
	var order []int
	for i := range g.ops {
		if c.ops[i] {
			if byLevel[level[i]] == nil {
				order = append(order, level[i])
			}
			byLevel[level[i]] = append(byLevel[level[i]], i)
		}
	}
	slices.Sort(order)
	u := len(c.dom) - 2
	size, _ := rowsPerTile(c.dom[u].Hi-c.dom[u].Lo, c.dom[u+1].Hi-c.dom[u+1].Lo)
	var parts []*groupPart
	for _, l := range order {
		p := c.part(byLevel[l], level)
		if !c.complete(byLevel[l], level) {
			return false
		}
		for k := range p.ops {
			if p.onto[k] && !g.resumes(&p.ops[k], p.row[k], c.dom[u], size) {
				return false
			}
		}
		parts = append(parts, p)
	}
	ops, ok := c.place(parts, level)
	if !ok {
		return false
	}
	for _, x := range g.groups { // those that were there keep their operations side by side
		first := opName(&g.ops[x.lo])
		n := x.hi - x.lo
		x.lo = slices.IndexFunc(ops, func(o ir.Op) bool { return opName(&o) == first })
		x.hi = x.lo + n
	}
	g.ops = ops
	for _, p := range parts {
		x := &group{lo: p.begin, hi: p.begin + len(p.ops), local: map[string]bool{}, units: c.dom[:u], rows: c.dom[u], cols: c.dom[u+1], size: size,
			row: p.row, col: p.col, onto: p.onto}
		g.groups = append(g.groups, x)
	}
	for _, x := range g.groups {
		g.locals(x)
	}
	return true
}

// groupPart is what becomes a group: the operations of one level, and those of earlier levels whose large values they read.
type groupPart struct {
	level int
	ops   []ir.Op
	row   []string
	col   []string
	onto  []bool
	last  int // index of its last operation in the function
	begin int // where it begins in the new order
}

func (p *groupPart) add(op ir.Op, row, col string, onto bool) {
	p.ops, p.row, p.col, p.onto = append(p.ops, op), append(p.row, row), append(p.col, col), append(p.onto, onto)
}

// part makes a part of the operations of one level.
func (c *cluster) part(ops []int, level []int) *groupPart {
	g, p := c.g, &groupPart{level: level[ops[0]]}
	again := map[string]string{} // large value of an earlier group to its copy in this one
	var copyOf func(name string) string
	copyOf = func(name string) string {
		j, ok := c.of[name]
		if !ok || !c.large[name] || level[j] == p.level {
			return name
		}
		if n, ok := again[name]; ok {
			return n
		}
		op := clonePieces(g.ops[j])
		op.Results = slices.Clone(op.Results)
		for _, n := range reads(&op) {
			n.Name = copyOf(n.Name)
		}
		for k, r := range g.ops[j].Results {
			op.Results[k].Name = g.fresh(r.Name)
			again["%"+r.Name] = "%" + op.Results[k].Name
		}
		g.define2(op)
		p.add(op, c.row[j], c.col[j], false)
		return again[name]
	}
	for _, i := range ops {
		op := clonePieces(g.ops[i])
		for _, n := range reads(&op) {
			n.Name = copyOf(n.Name)
		}
		p.add(op, c.row[i], c.col[i], c.onto[i])
		p.last = i
	}
	return p
}

// complete says that what the operations of a level read of each other is there in time.
func (c *cluster) complete(ops []int, level []int) bool {
	for _, i := range ops {
		for _, n := range reads(&c.g.ops[i]) {
			if j, ok := c.of[n.Name]; ok && c.ops[j] && level[j] == level[i] && !c.inTime(i, j) {
				return false
			}
		}
	}
	return true
}

// place is the order of the function's operations with every part in one piece. What lies between the operations of a part and needs them
// comes after it.
func (c *cluster) place(parts []*groupPart, level []int) ([]ir.Op, bool) {
	g := c.g
	var ops []ir.Op
	var waiting []int
	for i := range g.ops {
		if !c.ops[i] {
			if slices.ContainsFunc(parts, func(p *groupPart) bool { return level[i] > p.level && i < p.last }) {
				waiting = append(waiting, i)
			} else {
				ops = append(ops, g.ops[i])
			}
			continue
		}
		for _, p := range parts {
			if p.last == i {
				p.begin = len(ops)
				ops = append(ops, p.ops...)
				for _, j := range waiting {
					ops = append(ops, g.ops[j])
				}
				waiting = nil
			}
		}
	}
	return ops, len(waiting) == 0 && defined(ops)
}

// resumes says that the sum over the rows of an operation can go on from tile to tile.
func (g *fn) resumes(op *ir.Op, row string, rows ir.Range, size int) bool {
	for lo := rows.Lo; lo < rows.Hi; lo += size {
		t := restricted(op, nil, map[string]ir.Interval{row: {Lo: lo, Hi: min(rows.Hi, lo+size)}})
		if newContraction(&t) == nil {
			return false
		}
	}
	return true
}

// fresh is a name for a value computed again.
func (g *fn) fresh(name string) string {
	for name += ".again"; g.vals["%"+name] != nil; {
		name += "'"
	}
	return name
}

// define2 adds the values of an operation that is put in later.
func (g *fn) define2(op ir.Op) {
	n := len(g.ops)
	g.define(op)
	g.ops = g.ops[:n]
}

// defined says that every operation comes after those it reads.
func defined(ops []ir.Op) bool {
	later := map[string]bool{}
	for i := range ops {
		for _, r := range ops[i].Results {
			later["%"+r.Name] = true
		}
	}
	for i := range ops {
		for _, n := range reads(&ops[i]) {
			if later[n.Name] {
				return false
			}
		}
		if later[ops[i].From] {
			return false
		}
		for _, r := range ops[i].Results {
			delete(later, "%"+r.Name)
		}
	}
	return true
}

// locals finds which values only the group reads.
func (g *fn) locals(x *group) {
	clear(x.local)
	for i := x.lo; i < x.hi; i++ {
		for _, r := range g.ops[i].Results {
			if !x.onto[i-x.lo] {
				x.local["%"+r.Name] = true
			}
		}
	}
	for i := range g.ops {
		if i >= x.lo && i < x.hi {
			continue
		}
		delete(x.local, g.ops[i].From)
		for _, n := range reads(&g.ops[i]) {
			delete(x.local, n.Name)
		}
	}
	for n := range g.set {
		delete(x.local, n)
	}
}
