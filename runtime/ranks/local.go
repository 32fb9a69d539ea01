package ranks

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/wfc-lang/wfc/ir"
)

// The program of a rank is a program like any other, for any engine: its axes are the stored parts of the axes, its arrays the windows that
// the rank keeps, its functions the stages. Coordinates on cut axes count from the begin of what is stored.

// local writes the program of a rank.
type local struct {
	*analysis
	p *ir.Program
	// One stage:
	s    *stage
	r    *reach
	vals map[string]*operand
	fn   *ir.Func
	fill map[string]string // value -> value with the extents of its array
}

// localProgram is the program of the rank that a describes.
func (a *analysis) localProgram() *ir.Program {
	g := a.st.p
	l := &local{analysis: a, p: &ir.Program{Name: g.Name, Params: g.Params, Host: g.Host}}
	for i := range g.Axes {
		ax := &g.Axes[i]
		if !a.unwrapped(ax.Name) {
			l.axis(ax.Name, ax.N, ax.Periodic)
			continue
		}
		for _, f := range []string{ax.Name, ax.Name + "!"} {
			l.axis(f, a.frames[f].Hi-a.frames[f].Lo, false)
		}
		l.axis(ax.Name+"#", ax.N, false) // all of it, for reductions
	}
	for i := range g.Arrays {
		ar := &g.Arrays[i]
		l.p.Arrays = append(l.p.Arrays, ir.Array{Name: ar.Name, Axes: l.frameAxes(ar.Axes), Elem: ar.Elem, Local: ar.Local, Pos: ar.Pos})
		for k, w := range a.far[ar.Name] {
			l.window(farName(ar.Name, k), ar.Elem, w)
		}
	}
	for _, s := range a.st.order {
		l.stage(s)
	}
	return l.p
}

func farName(array string, k int) string { return array + "~" + strconv.Itoa(k) }

func (l *local) axis(name string, n int, periodic bool) {
	l.p.Axes = append(l.p.Axes, ir.Axis{Name: name, N: n, H: 1, Periodic: periodic})
}

// window adds an array that holds a box, with axes of its own.
func (l *local) window(name string, e ir.Elem, b box) {
	w := ir.Array{Name: name, Elem: e, Local: true}
	for d, r := range b {
		ax := fmt.Sprintf("%s#%d", name, d)
		l.axis(ax, r.Hi-r.Lo, false)
		w.Axes = append(w.Axes, ax)
	}
	l.p.Arrays = append(l.p.Arrays, w)
}

// origin is where coordinates of a tensor begin that uses the frames.
func (a *analysis) origin(axes []string) []int {
	o := make([]int, len(axes))
	for d, f := range a.frameOf(axes) {
		if f != "" {
			o[d] = a.frames[f].Lo
		}
	}
	return o
}

// name finds where a rank has a part of an operand: the name, where its coordinates begin and what it holds.
func (l *local) name(name string, b box) (string, []int, box) {
	o := l.vals[name]
	if o.op >= 0 {
		k := holds(l.r.windows[o.op], b)
		return windowName(name, k), l.origin(o.axes), l.r.windows[o.op][k]
	}
	if st := l.stored(o.axes); st.contains(b) {
		return name, l.origin(o.axes), st
	}
	k := holds(l.far[name[1:]], b)
	w := l.far[name[1:]][k]
	from := make([]int, len(w))
	for d := range w {
		from[d] = w[d].Lo
	}
	return "@" + farName(name[1:], k), from, w
}

func windowName(name string, k int) string {
	if k == 0 {
		return name
	}
	return name + "~" + strconv.Itoa(k)
}

// begin begins a function that computes what r says of a stage.
func (l *local) begin(s *stage, name string, r *reach) {
	l.p.Funcs = append(l.p.Funcs, ir.Func{Name: name})
	l.s, l.r, l.vals, l.fn, l.fill = s, r, l.st.operands(s), &l.p.Funcs[len(l.p.Funcs)-1], map[string]string{}
}

func (l *local) stage(s *stage) {
	r := l.reach[s]
	if r.split != nil {
		l.splitStage(s, r.split)
		return
	}
	l.begin(s, s.fn.Name, r)
	l.ops()
	l.partials()
	for _, t := range s.fn.Sets {
		v := t.Value
		if o := l.vals[v]; o.op >= 0 {
			v = l.value(t, l.own(o.axes, l.rank))
		}
		l.fn.Sets = append(l.fn.Sets, ir.Set{Array: t.Array, Value: v, Pos: t.Pos})
	}
}

// frameAxes are the axes of a tensor that uses the frames.
func (l *local) frameAxes(axes []string) []string {
	var out []string
	for d, f := range l.frameOf(axes) {
		if f == "" {
			f = axes[d]
		}
		out = append(out, f)
	}
	return out
}

// ops writes the operations, one for each of their windows.
func (l *local) ops() {
	for i := range l.s.fn.Ops {
		op := &l.s.fn.Ops[i]
		axes := axesOf(op.Dom)
		for k, w := range l.r.windows[i] {
			c := l.op(op, w, whole(op.Over), l.origin(axes), l.frameAxes(axes))
			for j := range c.Results {
				c.Results[j].Name = windowName(c.Results[j].Name, k)
			}
			l.fn.Ops = append(l.fn.Ops, c)
		}
	}
}

func (l *local) partials() {
	for i, p := range l.s.partials {
		l.partial(p, l.r.sums[i])
	}
}

// value is what an array is set to: a value that has the given part, with the extents of what is stored. Its points besides are exchanged, or
// put in as edges, before they are read.
func (l *local) value(t ir.Set, part box) string {
	o := l.vals[t.Value]
	name, _, w := l.name(t.Value, part)
	st := l.stored(o.axes)
	if slices.Equal(w, st) {
		return name
	}
	if f := l.fill[name]; f != "" {
		return f
	}
	org := l.origin(o.axes)
	op := ir.Op{Kind: ir.Extend, From: name, Results: []ir.Result{{Name: name[1:] + ".fill", Elem: o.elem}}, Pos: t.Pos}
	for d, r := range st.from(org) {
		op.Dom = append(op.Dom, ir.Range{Index: "i" + strconv.Itoa(d), Axis: l.frameAxes(o.axes)[d], Lo: r.Lo, Hi: r.Hi})
	}
	for _, b := range st.less(w) {
		op.Pieces = append(op.Pieces, ir.Piece{Box: b.from(org), Body: ir.Body{Nodes: []ir.Node{{Op: ir.Const, Elem: o.elem}}, Results: []int{0}}})
	}
	l.fn.Ops = append(l.fn.Ops, op)
	l.fill[name] = "%" + op.Results[0].Name
	return l.fill[name]
}

// op is an operation over a window, in coordinates that begin at origin on the given axes; its reduced indices keep theirs.
func (l *local) op(op *ir.Op, w, over box, origin []int, axes []string) ir.Op {
	c := ir.Op{Kind: op.Kind, Comb: op.Comb, FMA: op.FMA, Order: op.Order.Clone(), Pos: op.Pos}
	c.Results = append(c.Results, op.Results...)
	base := append(append([]int(nil), origin...), make([]int, len(op.Over))...)
	for d, r := range op.Dom {
		c.Dom = append(c.Dom, ir.Range{Index: r.Index, Axis: axes[d], Lo: w[d].Lo - origin[d], Hi: w[d].Hi - origin[d]})
	}
	for d, r := range op.Over {
		if l.unwrapped(r.Axis) {
			r.Axis += "#"
		}
		r.Lo, r.Hi = over[d].Lo, over[d].Hi
		c.Over = append(c.Over, r)
	}
	for i := range c.Order.Chain {
		if ch := &c.Order.Chain[i]; l.unwrapped(ch.Axis) {
			ch.Axis += "#"
		}
	}
	if op.Kind == ir.Extend {
		from := l.vals[op.From]
		if h := l.hole(op, from, w); h.volume() > 0 {
			name, o, has := l.name(op.From, h)
			if slices.Equal(has, h) && slices.Equal(o, origin) {
				c.From = name
			} else { // the operand has other points besides, so its storage cannot be used
				c.Kind = ir.Map
				at := make([]ir.Affine, len(h))
				for d := range h {
					at[d] = ir.Affine{Index: op.Dom[d].Index, Off: origin[d] - o[d]}
				}
				read := ir.Node{Op: ir.Read, Elem: op.Results[0].Elem, Name: name, At: at}
				c.Pieces = append(c.Pieces, ir.Piece{Box: h.from(base), Body: ir.Body{Nodes: []ir.Node{read}, Results: []int{0}}})
			}
		} else {
			c.Kind = ir.Map
		}
	}
	l.images(op, w, over, func(pc *ir.Piece, part box, turns []int) {
		by := make([]int, len(part)) // true index minus the one of the rank
		for d := range by {
			by[d] = base[d] + turns[d]
		}
		c.Pieces = append(c.Pieces, ir.Piece{Box: part.from(base), Body: l.body(op, &pc.Body, part, turns, by)})
	})
	return c
}

// body is a body in the coordinates of the rank.
func (l *local) body(op *ir.Op, b *ir.Body, part box, turns, by []int) ir.Body {
	var out ir.Body
	at := make([]int, len(b.Nodes))
	for i := range b.Nodes {
		n := b.Nodes[i]
		n.Args = append([]int(nil), n.Args...)
		for k, x := range n.Args {
			n.Args[k] = at[x]
		}
		switch n.Op {
		case ir.Read:
			o := l.vals[n.Name]
			need, moved := l.access(op, &b.Nodes[i], part, turns, o)
			name, from, _ := l.name(n.Name, need)
			n.Name, n.At = name, append([]ir.Affine(nil), n.At...)
			for d := range n.At {
				n.At[d] = translate(n.At[d], op.Dim(n.At[d].Index), by, moved[d]-from[d])
			}
		case ir.Index:
			if k := op.Dim(n.Name); k >= 0 && by[k] != 0 {
				out.Nodes = append(out.Nodes, n, ir.Node{Op: ir.Const, Elem: n.Elem, Int: int64(by[k])})
				n = ir.Node{Op: ir.Add, Elem: n.Elem, Args: []int{len(out.Nodes) - 2, len(out.Nodes) - 1}}
			}
		}
		at[i] = len(out.Nodes)
		out.Nodes = append(out.Nodes, n)
	}
	for _, r := range b.Results {
		out.Results = append(out.Results, at[r])
	}
	return out
}

// translate is an access where index k is by[k] smaller than the true one and positions are counted from elsewhere.
func translate(a ir.Affine, k int, by []int, to int) ir.Affine {
	if k < 0 {
		return ir.Affine{Off: a.Of(0) + to}
	}
	a.Off += by[k]*max(1, a.Mul) + to*max(1, a.Div)
	return a
}

// partial writes what a rank computes of a reduction: its nodes of the tree when they are whole rows, else its elements.
func (l *local) partial(p *partial, sh *share) {
	if sh.n == 0 {
		return
	}
	if sh.parts != nil {
		for k, part := range sh.parts {
			c := l.op(&p.op, nil, part, nil, nil)
			for j := range c.Results {
				c.Results[j].Name += ".node" + strconv.Itoa(k)
				name := nodeName(p.into[j], k)
				l.p.Arrays = append(l.p.Arrays, ir.Array{Name: name, Elem: c.Results[j].Elem, Local: true})
				l.fn.Sets = append(l.fn.Sets, ir.Set{Array: name, Value: "%" + c.Results[j].Name, Pos: p.op.Pos})
			}
			l.fn.Ops = append(l.fn.Ops, c)
		}
		return
	}
	// The elements: a map over the reduced box. Products that are folded by fma are two elements.
	m := ir.Op{Kind: ir.Map, Dom: p.op.Over, Pos: p.op.Pos}
	var names []string
	for j, r := range p.op.Results {
		for t := range terms(&p.op) {
			names = append(names, termName(p.into[j], t))
			m.Results = append(m.Results, ir.Result{Name: fmt.Sprintf("%s.term%d", r.Name, t), Elem: r.Elem})
		}
	}
	for _, pc := range p.op.Pieces {
		if p.op.FMA {
			b := ir.Body{Nodes: pc.Body.Nodes}
			for _, r := range pc.Body.Results {
				b.Results = append(b.Results, pc.Body.Nodes[r].Args...)
			}
			pc.Body = b
		}
		m.Pieces = append(m.Pieces, pc)
	}
	origin, axes := make([]int, len(m.Dom)), make([]string, len(m.Dom))
	for j, name := range names {
		l.window(name, m.Results[j].Elem, sh.cover)
		if j > 0 { // all have the axes of the first
			n := len(sh.cover)
			l.p.Axes = l.p.Axes[:len(l.p.Axes)-n]
			l.p.Arrays[len(l.p.Arrays)-1].Axes = axes
		} else {
			copy(axes, l.p.Arrays[len(l.p.Arrays)-1].Axes)
		}
	}
	for d := range origin {
		origin[d] = sh.cover[d].Lo
	}
	c := l.op(&m, sh.cover, nil, origin, axes)
	l.fn.Ops = append(l.fn.Ops, c)
	for j, name := range names {
		l.fn.Sets = append(l.fn.Sets, ir.Set{Array: name, Value: "%" + m.Results[j].Name, Pos: p.op.Pos})
	}
}

func terms(op *ir.Op) int {
	if op.FMA {
		return 2
	}
	return 1
}

func nodeName(into string, k int) string { return into + ".node" + strconv.Itoa(k) }
func termName(into string, t int) string { return into + ".term" + strconv.Itoa(t) }
