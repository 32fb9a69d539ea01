package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
)

// maxUnroll bounds the vector operations that one local fold of a vector may take.
const maxUnroll = 4096

var combCode = [...]ir.Code{ir.Sum: ir.Add, ir.Prod: ir.Mul, ir.Max: ir.MaxOp, ir.Min: ir.MinOp}

// reduce folds the local box and then combines along the mesh, in the order of ir.Mesh.
func (e *pe) reduce(o *op) {
	for r := range o.res {
		if acc, dom := e.foldLocal(o, r); acc != nil {
			el := o.res[r].elem
			e.chains(o, el, e.vector(acc, dom, el), boxLen(dom))
		}
	}
}

// foldLocal computes the local partial of result r and returns where it is. Without local points nothing is computed.
func (e *pe) foldLocal(o *op, r int) (acc *opnd, dom []ir.Interval) {
	box := make([]ir.Interval, len(o.iter))
	empty := false
	for i, x := range o.iter {
		box[i] = ir.Interval{Lo: x.Lo, Hi: x.Hi}
		if o.dims[i] != mesh.Mem {
			v := e.see[x.Axis]
			ivs := v.Clip(box[i], ir.Interval{Lo: 0, Hi: v.Size})
			if len(ivs) == 0 {
				box[i] = ir.Interval{}
				empty = true
				continue
			}
			box[i] = ivs[0]
		}
	}
	dom = box[:len(o.Dom)]
	if boxLen(dom) == 0 {
		return nil, dom
	}
	acc = e.place(o.res[r].st, dom)
	if empty {
		return acc, dom
	}
	before := map[ir.Elem][]bool{}
	for el, used := range e.temp {
		before[el] = append([]bool{}, used...)
	}
	terms := e.terms(o, r, box)
	if d, tree := e.l.halves(o); d >= 0 && boxLen(dom) == 1 {
		e.foldTree(o, acc, terms[0], box, d, tree)
	} else {
		e.fold(o, acc, terms, box, true)
	}
	e.temp = before
	return acc, dom
}

// terms returns what is folded over the box: the body's value, or with fma the two factors. A value that one piece reads straight
// from memory is used where it lies; anything else is first computed into scratch.
func (e *pe) terms(o *op, r int, box []ir.Interval) []*opnd {
	var active []*piece
	var boxes [][]ir.Interval
	for i := range o.pieces {
		if bs := e.boxes(o, &o.pieces[i], own); len(bs) > 0 {
			active, boxes = append(active, &o.pieces[i]), append(boxes, bs[0])
		}
	}
	factors := 1
	if o.FMA {
		factors = 2
	}
	var out []*opnd
	for k := range factors {
		node := func(p *piece) int {
			w := p.Body.Results[r]
			if o.FMA {
				w = p.Body.Nodes[w].Args[k]
			}
			return w
		}
		if len(active) == 1 && active[0].steps(len(box)) == nil {
			g := &dag{e: e, o: o, p: active[0], b: box}
			g.prepare([]int{node(active[0])})
			if len(active[0].Body.Nodes[node(active[0])].Args) == 0 {
				out = append(out, g.eval(node(active[0])))
				continue
			}
		}
		var full uint64
		for d, iv := range box {
			if iv.Hi-iv.Lo > 1 {
				full |= 1 << d
			}
		}
		t := (&dag{e: e, b: box}).scratch(o.res[r].elem, full)
		for i, p := range active {
			e.split(o, p, boxes[i], func(b []ir.Interval) {
				p.phases(b, func(b []ir.Interval, s strides) {
					e.chunks(o, p, b, s, []int{node(p)}, []*opnd{t.moved(box, b).stepped(s)})
				})
			})
		}
		out = append(out, t)
	}
	return out
}

// moved addresses sub-box b of an operand that covers box.
func (o *opnd) moved(box, b []ir.Interval) *opnd {
	m := *o
	if o.scalar.Kind != mesh.None {
		return &m
	}
	for d := range b {
		m.off += (b[d].Lo - box[d].Lo) * o.stride[d]
	}
	return &m
}

// fold accumulates terms into acc, for every output point over the reduced box in ascending order: vector operations over the output
// points, one per reduced element, or folds over the reduced elements, one per output point, whichever are fewer. The first element
// starts, unless acc holds what came before.
func (e *pe) fold(o *op, acc *opnd, terms []*opnd, box []ir.Interval, start bool) {
	nd := len(o.Dom)
	dom, over := box[:nd], box[nd:]
	if min(boxLen(dom), boxLen(over)) > maxUnroll {
		e.l.errorf("WF0404", o.Pos, "a reduction of %d elements to each of %d results is too large for one PE's program", boxLen(over), boxLen(dom)).
			Note("it takes one vector operation per element or per result, at most %d", maxUnroll).
			Suggest("spread one of the axes over more PEs")
		return
	}
	if boxLen(dom) == 1 {
		e.foldOne(o, acc, terms, box, start)
		return
	}
	if boxLen(over) > boxLen(dom) {
		each(dom, func(at []ir.Interval) {
			if e.full {
				return
			}
			b := append(append([]ir.Interval{}, at...), over...)
			var ts []*opnd
			for _, t := range terms {
				ts = append(ts, t.moved(box, b))
			}
			e.foldOne(o, acc.moved(dom, at), ts, b, start)
		})
		return
	}
	var outer [][]ir.Interval // output boxes of at most four dimensions
	for _, row := range e.rows(o, terms, dom) {
		splitDims(row, &outer)
	}
	for _, sub := range outer {
		if e.full {
			return
		}
		first := start
		each(over, func(at []ir.Interval) {
			if e.full {
				return
			}
			b := append(append([]ir.Interval{}, sub...), at...)
			dst := acc.moved(dom, sub).operand(sub, ^uint64(0))
			op := mesh.Op{Code: combCode[o.Comb], Elem: acc.elem, Dst: dst}
			if e.elemOf(o) != ir.NoElem {
				op.Elem = e.elemOf(o)
			}
			var srcs []mesh.Operand
			for _, t := range terms {
				srcs = append(srcs, t.moved(box, b).operand(b, ^uint64(0)))
			}
			switch {
			case o.FMA && first:
				op.Code, op.Src = ir.FMA, append(srcs, mesh.Operand{Kind: mesh.Imm, Elem: op.Elem})
			case o.FMA:
				op.Code, op.Src = ir.FMA, append(srcs, dst)
			case first:
				op.Code, op.Src = ir.Read, srcs
			default:
				op.Src = append([]mesh.Operand{dst}, srcs...)
			}
			first = false
			e.emit(op)
		})
	}
}

// rows cuts the output points of a contraction so that one factor is a single number in each part, the one that leaves fewer parts: the
// machine multiplies a vector by a number and adds, but has no such operation on two vectors.
func (e *pe) rows(o *op, terms []*opnd, dom []ir.Interval) [][]ir.Interval {
	best := [][]ir.Interval{dom}
	if !o.FMA || !e.l.o.Rows {
		return best
	}
	for i, t := range terms {
		var parts [][]ir.Interval
		split := append([]ir.Interval{}, dom...)
		for d := range dom {
			if t.scalar.Kind != mesh.None || t.stride[d] == 0 {
				split[d] = ir.Interval{Lo: dom[d].Lo, Hi: dom[d].Lo + 1}
			}
		}
		each(split, func(at []ir.Interval) {
			part := append([]ir.Interval{}, at...)
			for d := range dom {
				if t.scalar.Kind != mesh.None || t.stride[d] == 0 {
					part[d] = dom[d]
				}
			}
			parts = append(parts, part)
		})
		if i == 0 || len(parts) < len(best) {
			best = parts
		}
	}
	return best
}

// elemOf is the type of the results of a reduction when it is not its storage type.
func (e *pe) elemOf(o *op) ir.Elem {
	if o.res[0].elem == ir.Bool {
		return ir.Bool
	}
	return ir.NoElem
}

// foldOne folds the whole box into one element: the first element starts, the rest of its row follows, then the rest of the rows.
func (e *pe) foldOne(o *op, acc *opnd, terms []*opnd, box []ir.Interval, start bool) {
	el := acc.elem
	if x := e.elemOf(o); x != ir.NoElem {
		el = x
	}
	dst := acc.operand(nil, 0)
	code := combCode[o.Comb]
	if o.FMA {
		code = ir.FMA
	}
	rows := func(b []ir.Interval) {
		var parts [][]ir.Interval
		splitDims(b, &parts)
		for _, b := range parts {
			op := mesh.Op{Kind: mesh.Fold, Code: code, Elem: el, Dst: dst}
			for _, t := range terms {
				op.Src = append(op.Src, e.vector(t.moved(box, b), b, el))
			}
			e.emit(op)
		}
	}
	if !start {
		rows(box)
		return
	}
	first := mesh.Op{Code: ir.Read, Elem: el, Dst: dst}
	one := append([]ir.Interval{}, box...)
	for d := range one {
		one[d].Hi = one[d].Lo + 1
	}
	for _, t := range terms {
		first.Src = append(first.Src, t.operand(one, 0))
	}
	if o.FMA {
		first.Code, first.Src = ir.FMA, append(first.Src, mesh.Operand{Kind: mesh.Imm, Elem: el})
	}
	e.emit(first)
	for d := len(box) - 1; d >= 0; d-- { // positions after the first along d, at the first of all outer dimensions
		rest := append(append([]ir.Interval{}, one[:d]...), box[d:]...)
		if rest[d].Lo++; rest[d].Lo < rest[d].Hi {
			rows(rest)
		}
	}
}

// vector addresses an operand of a fold, which must have the box's length even where the value does not vary.
func (e *pe) vector(t *opnd, b []ir.Interval, el ir.Elem) mesh.Operand {
	var n, st []int
	for d, iv := range b {
		if iv.Hi-iv.Lo > 1 {
			n = append(n, iv.Hi-iv.Lo)
			st = append(st, 0)
			if t.scalar.Kind == mesh.None {
				st[len(st)-1] = t.stride[d]
			}
		}
	}
	if t.scalar.Kind == mesh.None {
		return memory(mesh.Slice{Array: t.array, Off: t.off, Dims: collapse(n, st)})
	}
	v := (&dag{e: e}).scratch(el, 0)
	s := mesh.Slice{Array: v.array}
	e.emit(mesh.Op{Code: ir.Read, Elem: t.elem, Dst: memory(s), Src: []mesh.Operand{t.scalar}})
	s.Dims = collapse(n, st)
	return memory(s)
}

// each visits the points of a box in ascending order as boxes of one point.
func each(box []ir.Interval, f func(at []ir.Interval)) {
	at := make([]ir.Interval, len(box))
	var walk func(d int)
	walk = func(d int) {
		if d == len(box) {
			f(append([]ir.Interval{}, at...))
			return
		}
		for x := box[d].Lo; x < box[d].Hi; x++ {
			at[d] = ir.Interval{Lo: x, Hi: x + 1}
			walk(d + 1)
		}
	}
	walk(0)
}

// splitDims cuts a box, outermost dimension first, into boxes of at most four dimensions longer than one, in ascending order.
func splitDims(box []ir.Interval, out *[][]ir.Interval) {
	long, cut := 0, -1
	for i := len(box) - 1; i >= 0; i-- {
		if box[i].Hi-box[i].Lo > 1 {
			long, cut = long+1, i
		}
	}
	if long <= maxDims {
		*out = append(*out, box)
		return
	}
	for x := box[cut].Lo; x < box[cut].Hi; x++ {
		b := append([]ir.Interval{}, box...)
		b[cut] = ir.Interval{Lo: x, Hi: x + 1}
		splitDims(b, out)
	}
}

// chains combines the partials along the reduced mesh axes, X before Y, from the last part to part 0. In a chain parts without
// points pass on what they receive; in a tree they take part with the neutral element, which gives the same bits.
func (e *pe) chains(o *op, el ir.Elem, mem mesh.Operand, n int) {
	for _, d := range meshDims {
		if o.on[d] < len(o.Dom) {
			continue
		}
		v := e.see[o.iter[o.on[d]].Axis]
		here := len(e.over(o, d)) > 0 // this part has points of the axis
		// after the chain along x, all of a column's partials are at part 0
		if d == mesh.Y && o.on[mesh.X] >= len(o.Dom) && !e.view[mesh.X].First {
			return
		}
		if d == mesh.X && o.on[mesh.Y] >= len(o.Dom) && len(e.over(o, mesh.Y)) == 0 {
			continue // no points in the whole row
		}
		if t := e.l.trees[d]; t != nil {
			if !t.Levels[0].Star {
				e.channel(d, mesh.Shift, -1, n) // a first level of chains runs there
			}
			if !here {
				e.emit(mesh.Op{Code: ir.Read, Elem: el, Dst: mem, Src: []mesh.Operand{neutral(o.Comb, el)}})
			}
			for _, op := range e.role[d].Reduce(*t, d, collective.Combine{Code: combCode[o.Comb], Elem: el, Acc: mem, Len: n}) {
				e.emit(op)
			}
			continue
		}
		box := o.Over[o.on[d]-len(o.Dom)]
		above := !v.Last && max(v.Rel(box.Lo), v.Size) < v.Rel(box.Hi)
		ch := e.channel(d, mesh.Shift, -1, n)
		var op *mesh.Op
		switch {
		case v.First && above && here:
			op = &mesh.Op{Code: combCode[o.Comb], Elem: el, Dst: mem, Src: []mesh.Operand{mem, ch}}
		case v.First && above:
			op = &mesh.Op{Code: ir.Read, Elem: el, Dst: mem, Src: []mesh.Operand{ch}}
		case v.First:
		case above && here:
			op = &mesh.Op{Code: combCode[o.Comb], Elem: el, Dst: ch, Src: []mesh.Operand{mem, ch}}
		case above:
			op = &mesh.Op{Code: ir.Read, Elem: el, Dst: ch, Src: []mesh.Operand{ch}}
		case here:
			op = &mesh.Op{Code: ir.Read, Elem: el, Dst: ch, Src: []mesh.Operand{mem}} // a wait would take longer
		}
		if op != nil {
			e.emit(*op)
		}
	}
}

// over is the interval of the iteration range along mesh dimension d that this PE owns, or none.
func (e *pe) over(o *op, d mesh.Dim) []ir.Interval {
	x := o.iter[o.on[d]]
	v := e.see[x.Axis]
	return v.Clip(ir.Interval{Lo: x.Lo, Hi: x.Hi}, ir.Interval{Lo: 0, Hi: v.Size})
}
