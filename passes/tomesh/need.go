package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// patch is a region around a PE's block: bit 0 beyond the block along x, bit 1 along y.
type patch int

const (
	own     patch = 0
	sideX   patch = 1
	sideY   patch = 2
	corners patch = 3
)

func (p patch) has(d mesh.Dim) bool { return p>>(d-mesh.X)&1 == 1 }

// need is what consumers read of a value: margins around the block along the mesh and, per patch, the hull of the points in memory.
type need struct {
	lo, hi [3]int // by mesh.Dim
	want   [4]bool
	hull   [4][]ir.Interval // per dimension of the value; mesh dimensions unused
}

func (n *need) add(p patch, box []ir.Interval) {
	if !n.want[p] {
		n.want[p], n.hull[p] = true, append([]ir.Interval{}, box...)
		return
	}
	for i, b := range box {
		h := &n.hull[p][i]
		h.Lo, h.Hi = min(h.Lo, b.Lo), max(h.Hi, b.Hi)
	}
}

func (n *need) union(o *need) {
	for p := range o.want {
		if o.want[p] {
			n.add(patch(p), o.hull[p])
		}
	}
	for _, d := range meshDims {
		n.lo[d], n.hi[d] = max(n.lo[d], o.lo[d]), max(n.hi[d], o.hi[d])
	}
}

// needs walks every function backwards from its consumers to its producers. The first extend of a value shares its storage.
func (l *lowering) needs() {
	for _, fn := range l.funcs {
		shared := map[*value]bool{}
		for _, o := range fn.ops {
			if o.Kind == ir.Extend && !shared[o.from] {
				shared[o.from] = true
				o.res[0].shares = o.from
			}
		}
		for _, s := range fn.f.Sets {
			v := fn.vals[s.Value]
			v.need.add(own, v.box)
		}
		for i := len(fn.ops) - 1; i >= 0; i-- {
			o := fn.ops[i]
			if v := o.res[0]; o.Kind == ir.Extend && v.shares == nil { // a copy: its own block feeds its halo
				for p := sideX; p <= corners; p++ {
					if v.need.want[p] {
						v.need.add(own, v.need.hull[p])
					}
				}
			}
			for _, r := range o.res {
				o.eval.union(&r.need)
			}
			for j := range o.pieces {
				l.needPiece(o, &o.pieces[j])
			}
			if o.Kind == ir.Extend {
				l.needFrom(o)
			}
		}
	}
}

// needFrom passes on what is needed of an extended value within the operand's box.
func (l *lowering) needFrom(o *op) {
	v, f := o.res[0], o.from
	n := v.need
	if v.shares == nil { // only the block is copied
		n = need{}
		if v.need.want[own] {
			n.add(own, v.need.hull[own])
		}
	}
	for p := range n.want {
		if !n.want[p] {
			continue
		}
		if box, ok := clipHull(f, n.hull[p], f.box); ok {
			f.need.add(patch(p), box)
		}
	}
	for _, d := range meshDims {
		f.need.lo[d], f.need.hi[d] = max(f.need.lo[d], n.lo[d]), max(f.need.hi[d], n.hi[d])
	}
}

// clipHull intersects the memory dimensions of a hull with a box.
func clipHull(v *value, hull, box []ir.Interval) ([]ir.Interval, bool) {
	out := append([]ir.Interval{}, hull...)
	for i := range out {
		if v.dims[i] == mesh.Mem {
			out[i] = ir.Interval{Lo: max(out[i].Lo, box[i].Lo), Hi: min(out[i].Hi, box[i].Hi)}
			if out[i].Lo >= out[i].Hi {
				return nil, false
			}
		}
	}
	return out, true
}

// evalBox is the box of piece p that o evaluates on a patch, in memory dimensions; mesh dimensions keep the piece's interval.
func (o *op) evalBox(p *piece, at patch) ([]ir.Interval, bool) {
	if at != own && (o.Kind == ir.Reduce || !o.eval.want[at]) || at == own && o.Kind == ir.Extend && !o.eval.want[own] {
		return nil, false
	}
	box := append([]ir.Interval{}, p.Box...)
	if at == own && o.Kind != ir.Extend {
		return box, true
	}
	return clipHull(o.res[0], box, o.eval.hull[at])
}

// sides are the windows beyond a block [lo, hi) on which o evaluates: all of the margins for an extend (whose pieces are ghosts), the
// ghost points for a map (halo points are received).
func (o *op) sides(lo, hi, mlo, mhi, n int, periodic bool) [2]ir.Interval {
	w := [2]ir.Interval{{Lo: lo - mlo, Hi: lo}, {Lo: hi, Hi: hi + mhi}}
	if o.Kind != ir.Extend {
		if periodic {
			return [2]ir.Interval{}
		}
		w[0].Hi, w[1].Lo = min(w[0].Hi, 0), max(w[1].Lo, n)
	}
	return w
}

// reachOf says where reads at an offset along a mesh axis land, over all parts: from kind (0 own block, 1 beside it) to kind, and how
// far beyond the block.
type reachOf struct {
	to     [2][2]bool
	lo, hi int
}

func (l *lowering) reach(o *op, p *piece, d mesh.Dim, a *access) (r reachOf) {
	lay := place.Find(l.ls, o.iter[o.on[d]].Axis)
	into := place.Find(l.ls, a.v.axes[a.v.on[d]])
	box := p.Box[o.on[d]]
	land := func(from int, iv ir.Interval, k int) {
		if iv.Lo >= iv.Hi {
			return
		}
		lo, hi := into.Block(k)
		iv = a.span(a.v.on[d], iv)
		if iv.Lo < hi && iv.Hi > lo {
			r.to[from][0] = true
		}
		if iv.Lo < lo || iv.Hi > hi {
			r.to[from][1] = true
		}
		r.lo, r.hi = max(r.lo, lo-iv.Lo), max(r.hi, iv.Hi-hi)
	}
	for k := range lay.Parts {
		lo, hi := lay.Block(k)
		land(0, ir.Interval{Lo: max(box.Lo, lo), Hi: min(box.Hi, hi)}, k)
		for _, w := range o.sides(lo, hi, o.eval.lo[d], o.eval.hi[d], lay.N, lay.Periodic) {
			images := 0
			if lay.Periodic {
				images = (w.Hi-w.Lo)/lay.N + 1
			}
			for s := -images; s <= images; s++ {
				land(1, ir.Interval{Lo: max(box.Lo+s*lay.N, w.Lo), Hi: min(box.Hi+s*lay.N, w.Hi)}, k)
			}
		}
	}
	return r
}

// needPiece adds what the reads of one piece need of their operands.
func (l *lowering) needPiece(o *op, p *piece) {
	for n := range p.Body.Nodes {
		a := p.acc[n]
		if a == nil {
			continue
		}
		var r [3]reachOf
		for _, d := range meshDims {
			r[d].to = [2][2]bool{{true, false}, {true, false}} // an operand without the axis is at hand everywhere
			if a.v.on[d] >= 0 && a.v.on[d] != a.panel {
				r[d] = l.reach(o, p, d, a)
			}
		}
		for from := own; from <= corners; from++ {
			if from.has(mesh.X) && o.on[mesh.X] < 0 || from.has(mesh.Y) && o.on[mesh.Y] < 0 {
				continue
			}
			box, ok := o.evalBox(p, from)
			if !ok {
				continue
			}
			hull := l.readHull(o, a, box)
			for to := own; to <= corners; to++ {
				if r[mesh.X].to[from&1][to&1] && r[mesh.Y].to[from>>1][to>>1] {
					a.v.need.add(to, hull)
				}
			}
		}
		for _, d := range meshDims {
			a.v.need.lo[d], a.v.need.hi[d] = max(a.v.need.lo[d], r[d].lo), max(a.v.need.hi[d], r[d].hi)
		}
	}
}

// readHull is the range of every dimension that an access reads while o evaluates box. A wrap around a periodic memory axis needs the
// whole axis as the source of the copy.
func (l *lowering) readHull(o *op, a *access, box []ir.Interval) []ir.Interval {
	hull := make([]ir.Interval, len(a.dim))
	for e, d := range a.dim {
		hull[e] = ir.Interval{Lo: a.off[e], Hi: a.off[e] + 1}
		if d >= 0 {
			hull[e] = a.span(e, box[d])
		}
		if lay := place.Find(l.ls, a.v.axes[e]); lay.Dim == mesh.Mem && lay.Periodic && (hull[e].Lo < 0 || hull[e].Hi > lay.N) {
			hull[e] = ir.Interval{Lo: min(hull[e].Lo, 0), Hi: max(hull[e].Hi, lay.N)}
		}
	}
	return hull
}
