package place

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Products lays the strands of p onto m such that the fullest PE holds least, where Layouts lays whole axes. It returns a copy of the
// device part of p in which every placement of an axis has a name of its own, and the layouts of those, or nil when the program has no
// contraction or no strands that can leave memory. Matrices whose summed axis leaves memory are distributed along both sides of the mesh.
// With ring, the sides are folded, so that panels can go round them, and their numbers of parts suit each other (rectangle).
func Products(p *ir.Program, m Machine, ring bool) (*ir.Program, []mesh.Layout) {
	if !Contracts(p) {
		return nil, nil
	}
	s := strandsOf(p)
	if s == nil {
		return nil, nil
	}
	c := &climber{s: s, at: make([]mesh.Dim, len(s.all)), ring: ring}
	c.limit[mesh.X], c.limit[mesh.Y] = m.Extent()
	if !c.search() {
		return nil, nil
	}
	return s.rename(c)
}

// Contracts reports whether a device function contracts tensors.
func Contracts(p *ir.Program) bool {
	for i := range p.Funcs {
		for j := range p.Funcs[i].Ops {
			if o := &p.Funcs[i].Ops[j]; !p.Funcs[i].Host && o.Kind == ir.Reduce && o.FMA {
				return true
			}
		}
	}
	return false
}

// climber moves strands from memory onto the mesh, one or two at a time, always those that leave least in a PE.
type climber struct {
	s     *strands
	at    []mesh.Dim
	limit [3]int
	ring  bool // both sides are folded rings

	rectangles map[[3]int][2]int // by what limits them, see rectangle
}

// search climbs with everything in memory and with one strand of each axis on x to begin with, and keeps what leaves least: an axis that
// is alone in its operations (a batch) is the best first step, but takes the place of several that save more together. It reports whether
// anything left memory.
func (c *climber) search() bool {
	moved := c.climb()
	best, least := c.at, c.bytes()
	tried := map[string]bool{}
	for i, x := range c.s.all {
		if x.stays || tried[x.axis] {
			continue
		}
		tried[x.axis] = true
		c.at = make([]mesh.Dim, len(c.s.all))
		if c.at[i] = mesh.X; !c.legal() {
			continue
		}
		c.climb()
		if b := c.bytes(); b < least {
			best, least, moved = c.at, b, true
		}
	}
	c.at = best
	return moved
}

// climb reports whether anything left memory.
func (c *climber) climb() (moved bool) {
	least := c.bytes()
	pairs := c.pairs()
	for {
		var best []mesh.Dim
		try := func() {
			if c.legal() {
				if b := c.bytes(); b < least {
					least, best = b, slices.Clone(c.at)
				}
			}
		}
		for _, p := range pairs {
			i, j := p[0], p[1]
			oi, oj := c.at[i], c.at[j]
			for d := mesh.Mem; d <= mesh.Y; d++ {
				for e := mesh.Mem; e <= mesh.Y; e++ {
					if c.at[i], c.at[j] = d, e; i != j || d == e {
						try()
					}
				}
			}
			c.at[i], c.at[j] = oi, oj
		}
		if best == nil {
			return moved
		}
		c.at, moved = best, true
	}
}

// pairs lists what may move together: strands that meet in a tuple, and each alone.
func (c *climber) pairs() (out [][2]int) {
	seen := map[[2]int]bool{}
	add := func(i, j int) {
		p := [2]int{min(i, j), max(i, j)}
		if i >= 0 && j >= 0 && !c.s.all[i].stays && !c.s.all[j].stays && !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	for i := range c.s.all {
		add(i, i)
	}
	for _, t := range c.s.tuples {
		in := append(slices.Clone(t.at), t.factors...)
		for k, i := range in {
			for _, j := range in[:k] {
				add(i, j)
			}
		}
	}
	return out
}

// parts is into how many blocks every axis along d is cut.
func (c *climber) parts(d mesh.Dim) int {
	if !c.ring {
		return c.most(d)
	}
	summed := 0 // points of the shortest axis that is summed over panels
	for _, t := range c.s.tuples {
		for _, i := range t.factors {
			if n := c.s.all[i].points; c.at[i] != mesh.Mem && (summed == 0 || n < summed) {
				summed = n
			}
		}
	}
	key := [3]int{c.most(mesh.X), c.most(mesh.Y), summed}
	r, ok := c.rectangles[key]
	if !ok {
		if c.rectangles == nil {
			c.rectangles = map[[3]int][2]int{}
		}
		r = rectangle(key[0], key[1], summed)
		c.rectangles[key] = r
	}
	return r[d-mesh.X]
}

// cuts is parts for every place.
func (c *climber) cuts() (n [3]int) {
	n[mesh.Mem], n[mesh.X], n[mesh.Y] = 1, c.parts(mesh.X), c.parts(mesh.Y)
	return n
}

// most is how many blocks there can be along d.
func (c *climber) most(d mesh.Dim) int {
	n := c.limit[d]
	for i, x := range c.s.all {
		if c.at[i] == d {
			n = min(n, x.points)
		}
	}
	return n
}

// maxPhases bounds the different processes of Cannon's products on a rectangle.
const maxPhases = 16

// rectangle chooses P x Q parts of at most w x h for products by Cannon's algorithm that sum over k points. A PE multiplies k rounded up to a
// multiple of the least common multiple of P and Q, which must not be more than k, and there are as many processes as it has times the
// greatest common divisor: PEs that count more as they do less.
func rectangle(w, h, k int) [2]int {
	best, least := [2]int{min(w, h), min(w, h)}, 0.0
	for a := 1; a <= maxPhases; a++ {
		for b := 1; a*b <= maxPhases; b++ {
			if gcd(a, b) != 1 {
				continue
			}
			most := min(w/a, h/b, k/(a*b))
			for g := most; g > most/2; g-- {
				blocks := a * b * g
				work := float64((k+blocks-1)/blocks*blocks) / float64(a*g*b*g)
				if least == 0 || work < least {
					best, least = [2]int{a * g, b * g}, work
				}
			}
		}
	}
	return best
}

// legal reports whether operations can be done where their operands lie.
func (c *climber) legal() bool {
	parts := c.cuts()
	for _, d := range c.at {
		if d != mesh.Mem && parts[d] < 2 {
			return false
		}
	}
	for _, x := range c.s.copies {
		a, b := c.at[x[0]], c.at[x[1]]
		if a != b && (a != mesh.Mem && b != mesh.Mem || c.s.all[x[0]].points%max(parts[a], parts[b]) != 0) {
			return false // across the mesh, or in blocks of different size
		}
	}
	for _, t := range c.s.tuples {
		var on [3]int
		for _, i := range t.at {
			if i >= 0 {
				on[c.at[i]]++
			}
		}
		if on[mesh.X] > 1 || on[mesh.Y] > 1 {
			return false
		}
		if t.factors == nil {
			continue
		}
		a, b := c.at[t.factors[0]], c.at[t.factors[1]]
		if a == b && on[a] == 0 {
			continue // reduced along the side
		}
		if a == b && a != mesh.Mem || a != mesh.Mem && on[a] == 0 || b != mesh.Mem && on[b] == 0 {
			return false // panels go to PEs that differ in another index
		}
	}
	return true
}

// bytes is about what the fullest PE holds when every tensor is kept.
func (c *climber) bytes() float64 {
	parts := c.cuts()
	sum := 0.0
	for _, t := range c.s.tuples {
		n := 4.0
		for _, i := range t.at {
			if i >= 0 {
				p := parts[c.at[i]]
				n *= float64((c.s.all[i].points + p - 1) / p)
			}
		}
		sum += n
	}
	return sum
}

// names gives every placement of an axis a name: the first, as the strands are numbered, that of the axis.
func (s *strands) names(c *climber) map[string]map[mesh.Dim]string {
	out := map[string]map[mesh.Dim]string{}
	for i, x := range s.all {
		in := out[x.axis]
		if in == nil {
			in = map[mesh.Dim]string{}
			out[x.axis] = in
		}
		switch {
		case in[c.at[i]] != "":
		case len(in) == 0:
			in[c.at[i]] = x.axis
		default:
			in[c.at[i]] = fmt.Sprintf("%s.%s", x.axis, c.at[i])
		}
	}
	return out
}

// rename writes the placements into a copy of the program.
func (s *strands) rename(c *climber) (*ir.Program, []mesh.Layout) {
	q := s.p.Clone()
	q.Funcs = slices.DeleteFunc(q.Funcs, func(f ir.Func) bool { return f.Host })
	names := s.names(c)
	name := func(axis string, d mesh.Dim) string {
		if names[axis] == nil {
			names[axis] = map[mesh.Dim]string{d: axis}
		}
		if names[axis][d] == "" {
			names[axis][d] = fmt.Sprintf("%s.%s", axis, d)
		}
		return names[axis][d]
	}
	for i := range q.Arrays {
		a := &q.Arrays[i]
		for d := range a.Axes {
			a.Axes[d] = name(a.Axes[d], c.at[s.of[arrayKey(a.Name, d)]])
		}
	}
	t := len(q.Arrays) // tuples follow the order of arrays, then operations
	for i := range q.Funcs {
		for j := range q.Funcs[i].Ops {
			o := &q.Funcs[i].Ops[j]
			u := &s.tuples[t]
			t++
			where := func(k int) mesh.Dim {
				if u.at[k] >= 0 {
					return c.at[u.at[k]]
				}
				d := c.at[u.factors[0]]
				for _, x := range u.at {
					if c.at[u.factors[1]] != d || x >= 0 && c.at[x] == d {
						return mesh.Mem
					}
				}
				return d
			}
			for k := range o.Dom {
				o.Dom[k].Axis = name(o.Dom[k].Axis, where(k))
			}
			for k := range o.Over {
				o.Over[k].Axis = name(o.Over[k].Axis, where(len(o.Dom)+k))
			}
		}
	}
	var axes []ir.Axis
	var ls []mesh.Layout
	lead := map[mesh.Dim]string{}
	for _, a := range q.Axes {
		if names[a.Name] == nil {
			names[a.Name] = map[mesh.Dim]string{mesh.Mem: a.Name}
		}
		for d := mesh.Mem; d <= mesh.Y; d++ {
			n := names[a.Name][d]
			if n == "" {
				continue
			}
			b := a
			b.Name = n
			l := mesh.Layout{Axis: n, Dim: d, N: a.N, Parts: 1, Periodic: a.Periodic, With: lead[d]}
			if d != mesh.Mem {
				l.Folded = c.ring
				if l.Parts = c.parts(d); lead[d] == "" {
					lead[d] = n
				}
			}
			if n != a.Name {
				l.Of = a.Name
			}
			axes, ls = append(axes, b), append(ls, l)
		}
	}
	q.Axes = axes
	return q, ls
}
