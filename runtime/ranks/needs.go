package ranks

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// A rank computes its own points of the arrays that a stage sets, and for that the points of values that are read on the way: everything else
// follows from the access functions, backwards through the operations. Values near the border of two ranks are computed by both, from
// equal operands to equal bits; what is exchanged are arrays, before a stage begins.

// segment is a run of points of a dimension, in coordinates that go on beyond the ends, whose true number is Turn larger.
type segment struct {
	ir.Interval
	turn int
}

// segments cuts a window of a dimension at the ends of the domain: inside it is as written, beyond the ends of a periodic axis it is the
// turn that lies inside.
func (l *layout) segments(r ir.Range, w ir.Interval) []segment {
	x, ok := l.axes[r.Axis]
	if !ok {
		return []segment{{ir.Interval{Lo: r.Lo, Hi: r.Hi}, 0}}
	}
	inside := ir.Interval{Lo: r.Lo, Hi: r.Hi}
	var out []segment
	push := func(part ir.Interval, turn int) {
		if part.Lo < part.Hi {
			out = append(out, segment{part, turn})
		}
	}
	outside := func(part ir.Interval) {
		for lo := part.Lo; lo < part.Hi && x.turn > 0; {
			k := floorDiv(lo, x.turn) * x.turn
			hi := min(part.Hi, k+x.turn)
			push(ir.Interval{Lo: lo, Hi: hi}, -k)
			lo = hi
		}
	}
	outside(ir.Interval{Lo: w.Lo, Hi: min(w.Hi, inside.Lo)})
	push(meet(w, inside), 0)
	outside(ir.Interval{Lo: max(w.Lo, inside.Hi), Hi: w.Hi})
	return out
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// operand is what can be read: an array or a value of a stage.
type operand struct {
	elem ir.Elem
	axes []string
	dom  []ir.Range
	op   int // operation of the stage, -1 for an array
}

// reach is what one rank needs for one stage.
type reach struct {
	windows [][]box          // per operation: where its results are computed
	arrays  map[string][]box // array -> parts that are read, which must be there before the stage begins
	sums    []*share         // per partial
	split   *split           // nil: the stage waits for what it needs
}

// analysis finds what a rank needs.
type analysis struct {
	*layout
	st   *stages
	rank int
	// frames are the stored parts of the axes: what all arrays have, on axes that are cut in the array and, under the name with "!", that are not.
	frames map[string]ir.Interval
	far    map[string][]box // windows of arrays that are not near their own part
	grow   bool             // whether ghosts are put around all that is stored
	reach  map[*stage]*reach
	before map[*stage]*reach // of the round before
}

// frameOf names the frame of every dimension of a tensor, "" on axes that are cut nowhere.
func (l *layout) frameOf(axes []string) []string {
	out := make([]string, len(axes))
	for d, cut := range l.dims(axes) {
		switch {
		case !l.unwrapped(axes[d]):
		case cut:
			out[d] = axes[d]
		default:
			out[d] = axes[d] + "!"
		}
	}
	return out
}

// maxRounds bounds how often the analysis is repeated because the frames have grown.
const maxRounds = 6

// analyse finds the needs of a rank in all stages.
func analyse(l *layout, st *stages, rank int) *analysis {
	a := &analysis{layout: l, st: st, rank: rank, frames: map[string]ir.Interval{}, far: map[string][]box{}}
	at := l.coords(rank)
	for name, x := range l.axes {
		lo, hi := x.cut.Block(x.n, at[x.dim])
		a.frames[name], a.frames[name+"!"] = ir.Interval{Lo: lo, Hi: hi}, ir.Interval{Hi: x.n}
	}
	for round := 0; ; round++ {
		a.grow = round < maxRounds
		a.before, a.reach = a.reach, map[*stage]*reach{}
		before := map[string]ir.Interval{}
		for k, v := range a.frames {
			before[k] = v
		}
		for _, s := range st.order {
			a.reach[s] = a.stage(s)
		}
		same := true
		for k, v := range before {
			same = same && a.frames[k] == v
		}
		for _, s := range st.order {
			same = same && (!a.grow || a.reach[s].equal(a.before[s]))
		}
		if same {
			return a
		}
	}
}

// stored is the part of an array that a rank keeps.
func (a *analysis) stored(axes []string) box {
	b := a.own(axes, a.rank)
	for d, f := range a.frameOf(axes) {
		if f != "" {
			b[d] = a.frames[f]
		}
	}
	return b
}

// operands are the arrays and the values of a stage.
func (st *stages) operands(s *stage) map[string]*operand {
	m := map[string]*operand{}
	for i := range st.p.Arrays {
		ar := &st.p.Arrays[i]
		o := &operand{elem: ar.Elem, axes: ar.Axes, op: -1}
		for _, ax := range ar.Axes {
			o.dom = append(o.dom, ir.Range{Axis: ax, Hi: st.p.Axis(ax).N})
		}
		m["@"+ar.Name] = o
	}
	for i := range s.fn.Ops {
		op := &s.fn.Ops[i]
		for _, r := range op.Results {
			m["%"+r.Name] = &operand{elem: r.Elem, axes: axesOf(op.Dom), dom: op.Dom, op: i}
		}
	}
	return m
}

func axesOf(dom []ir.Range) []string {
	var out []string
	for _, r := range dom {
		out = append(out, r.Axis)
	}
	return out
}

func whole(dom []ir.Range) box {
	var b box
	for _, r := range dom {
		b = append(b, ir.Interval{Lo: r.Lo, Hi: r.Hi})
	}
	return b
}

// stage finds the needs of a stage: of its own points, and when it pays apart for those that need nothing of others.
func (a *analysis) stage(s *stage) *reach {
	old := a.before[s]
	r := a.reachOf(s, old, true, func(axes []string) []box { return []box{a.own(axes, a.rank)} })
	r.split = a.splitOf(s, r, old)
	return r
}

// equal says whether the windows are the same; those of a cut stage, if both are.
func (r *reach) equal(o *reach) bool {
	if o == nil || len(r.windows) != len(o.windows) || (r.split == nil) != (o.split == nil) {
		return false
	}
	for i := range r.windows {
		if !slices.EqualFunc(r.windows[i], o.windows[i], slices.Equal[box]) {
			return false
		}
	}
	return r.split == nil || r.split.in.equal(o.split.in) && r.split.out.equal(o.split.out)
}

// reachOf finds what has to be computed so that the arrays which are set have the wanted boxes, and, with sums, the partial results.
// Ghosts are put around all of their operand that is there, so that its storage can be shared: of arrays what is stored, of values what was found
// in the round before (old, which may be nil).
func (a *analysis) reachOf(s *stage, old *reach, sums bool, want func(axes []string) []box) *reach {
	r := &reach{windows: make([][]box, len(s.fn.Ops)), arrays: map[string][]box{}}
	vals := a.st.operands(s)
	need := func(name string, b box) {
		o := vals[name]
		if o.op >= 0 {
			r.windows[o.op] = add(r.windows[o.op], b)
			return
		}
		r.arrays[name[1:]] = append(r.arrays[name[1:]], b)
		a.store(name[1:], o.axes, b)
	}
	for _, t := range s.fn.Sets {
		for _, b := range want(vals["@"+t.Array].axes) {
			need(t.Value, b)
		}
	}
	for _, p := range s.partials {
		sh := a.share(&p.op)
		r.sums = append(r.sums, sh)
		if sh.n > 0 && sums {
			a.visit(&p.op, nil, sh.cover, vals, need)
		}
	}
	for i := len(s.fn.Ops) - 1; i >= 0; i-- {
		op := &s.fn.Ops[i]
		if op.Kind == ir.Extend && a.grow {
			var grown []box
			for _, w := range r.windows[i] {
				grown = add(grown, a.around(vals[op.From], w, old))
			}
			r.windows[i] = grown
		}
		for _, w := range r.windows[i] {
			a.visit(op, w, whole(op.Over), vals, need)
		}
	}
	for _, t := range s.fn.Sets { // what is set becomes what is stored
		if o := vals[t.Value]; o.op >= 0 {
			for _, b := range want(o.axes) {
				if k := holds(r.windows[o.op], b); k >= 0 {
					a.widen(o.axes, r.windows[o.op][k])
				}
			}
		}
	}
	return r
}

// around is a window with all that is there of its operand, when the ghosts around that are fewer than the points that would be copied.
func (a *analysis) around(o *operand, w box, old *reach) box {
	try := []box{a.stored(o.axes)}
	if o.op >= 0 {
		if try = nil; old != nil && o.op < len(old.windows) {
			try = old.windows[o.op]
		}
	}
	for _, b := range try {
		if h := w.hull(b); b.volume() > 0 && h.volume()-b.volume() <= w.volume() {
			return h
		}
	}
	return w
}

func (a *analysis) widen(axes []string, w box) {
	for d, f := range a.frameOf(axes) {
		if f != "" {
			a.frames[f] = hull(a.frames[f], w[d])
		}
	}
}

// maxMargin is how far beyond its own points, in parts of them, a rank stores an axis; what is read further away is stored apart.
const maxMargin = 1

// store makes room for a part of an array that is read.
func (a *analysis) store(array string, axes []string, b box) {
	own := a.own(axes, a.rank)
	for d, f := range a.frameOf(axes) {
		if f == "" {
			continue
		}
		most := max(8, (own[d].Hi-own[d].Lo)*maxMargin)
		if h := hull(own[d], b[d]); own[d].Lo-h.Lo > most || h.Hi-own[d].Hi > most {
			if !a.stored(axes).contains(b) {
				a.far[array] = add(a.far[array], b)
			}
			return
		}
	}
	a.widen(axes, b)
}

// images calls f for every piece of an operation that a window meets: the part of the window, and by how much the true indices are larger.
func (l *layout) images(op *ir.Op, w, over box, f func(pc *ir.Piece, part box, turns []int)) {
	segs := make([][]segment, len(op.Dom))
	for d, r := range op.Dom {
		segs[d] = l.segments(r, w[d])
	}
	for i := range op.Pieces {
		pc := &op.Pieces[i]
		part, turns := make(box, len(pc.Box)), make([]int, len(pc.Box))
		for d := range op.Over {
			part[len(op.Dom)+d] = meet(pc.Box[len(op.Dom)+d], over[d])
		}
		var each func(d int)
		each = func(d int) {
			if d == len(op.Dom) {
				if part.volume() > 0 {
					f(pc, part.clone(), append([]int(nil), turns...))
				}
				return
			}
			for _, s := range segs[d] {
				part[d], turns[d] = meet(shift(pc.Box[d], -s.turn), s.Interval), s.turn
				each(d + 1)
			}
		}
		each(0)
	}
}

// visit tells what an operation reads while it computes a window.
func (a *analysis) visit(op *ir.Op, w, over box, vals map[string]*operand, need func(name string, b box)) {
	if op.Kind == ir.Extend {
		from := vals[op.From]
		if h := a.hole(op, from, w); h.volume() > 0 {
			need(op.From, h)
		}
	}
	a.images(op, w, over, func(pc *ir.Piece, part box, turns []int) {
		for i := range pc.Body.Nodes {
			n := &pc.Body.Nodes[i]
			if n.Op != ir.Read {
				continue
			}
			b, _ := a.access(op, n, part, turns, vals[n.Name])
			need(n.Name, b)
		}
	})
}

// hole is the part of a window of an extend that is its operand.
func (l *layout) hole(op *ir.Op, from *operand, w box) box {
	h := make(box, len(w))
	for d, r := range op.Dom {
		inside := ir.Interval{Lo: from.dom[d].Lo, Hi: from.dom[d].Hi}
		if l.unwrapped(r.Axis) && inside.Lo == r.Lo && inside.Hi == r.Hi {
			h[d] = w[d] // also where it goes round a periodic axis
		} else if l.unwrapped(r.Axis) {
			h[d] = meet(w[d], inside)
		} else {
			h[d] = inside
		}
	}
	return h
}

// access is the box of its operand that a read touches while the indices run over part, and by how much the coordinates of each dimension were
// moved, by whole turns, to lie near the rank's own.
func (a *analysis) access(op *ir.Op, n *ir.Node, part box, turns []int, o *operand) (box, []int) {
	b, moved := make(box, len(n.At)), make([]int, len(n.At))
	own := a.own(o.axes, a.rank)
	for d, at := range n.At {
		dom := ir.Interval{Lo: o.dom[d].Lo, Hi: o.dom[d].Hi}
		x, ok := a.axes[o.axes[d]]
		if !ok {
			b[d] = dom
			continue
		}
		lo, hi := 0, 1
		if k := op.Dim(at.Index); k >= 0 {
			lo, hi = part[k].Lo+turns[k], part[k].Hi+turns[k]
		}
		b[d].Lo, b[d].Hi = at.Span(lo, hi)
		if x.turn == 0 || dom.Lo != 0 || dom.Hi != x.n {
			continue
		}
		// Middles are doubled, to stay whole numbers.
		off := own[d].Lo + own[d].Hi - b[d].Lo - b[d].Hi
		moved[d] = floorDiv(off+x.turn, 2*x.turn) * x.turn
		if full := own[d].Hi-own[d].Lo == x.n; full { // everything is here: only what lies outside is moved
			moved[d] = 0
		}
		b[d] = shift(b[d], moved[d])
	}
	return b, moved
}
