package cpu

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// call is a kernel body inside a group's module, as the group calls it.
type callee struct {
	f       *llvm.Func
	slots   []int
	scalars []scalarKey
	lo, hi  int
	shift   map[int][]int // slot to elements per step of every unit dimension
}

// grouping collects the kernels of a group instead of making units of them.
type grouping struct {
	m       *llvm.Module
	bodies  map[string]*llvm.Func // by content
	calls   []callee
	latest  map[string]callee // by symbol
	resume  bool              // contractions go on from what is in their result
	asks    []ask             // what the next kernel asks for
	arena   int               // slot of the threads' own memory
	base    int               // first slot of tiles
	offsets []int             // of tiles in the arena, bytes
	free    []bool
	used    int // bytes
}

// next is the symbol of the next kernel.
func (gr *grouping) next() string { return fmt.Sprintf("part%d", len(gr.calls)) }

// tile returns a slot in the arena for a box, one that is free if there is one of the same layout.
func (e *emitter) tile(elem ir.Elem, box []ir.Interval) int {
	gr, l := e.grouping, layoutOf(elem, box, true)
	for i, free := range gr.free {
		if free && e.layouts[gr.base+i].same(l) {
			gr.free[i] = false
			return gr.base + i
		}
	}
	e.layouts = append(e.layouts, l)
	gr.offsets, gr.free = append(gr.offsets, gr.used), append(gr.free, false)
	gr.used += roundUp(l.bytes(), lineBytes) + 2*lineBytes
	return gr.base + len(gr.free) - 1
}

func (e *emitter) release(slot int) { e.grouping.free[slot-e.grouping.base] = true }

// emitGroup emits a group as one kernel over its units.
func (pl *plan) emitGroup(e *emitter, g *fn, x *group, sym string) (launch, error) {
	gr := &grouping{m: llvm.NewModule(), bodies: map[string]*llvm.Func{}, latest: map[string]callee{}, arena: pl.arena, base: len(e.layouts)}
	layouts, vals := e.layouts, e.vals
	e.grouping = gr
	defer func() { e.grouping, e.layouts, e.vals = nil, layouts, vals }()
	e.layouts = slices.Clone(layouts)
	var total account
	for i := x.lo; i < x.hi; i++ {
		a := accountOf(&g.ops[i], g.vals)
		total.flops += a.flops
	}
	total.bytes = x.traffic(g)
	whole := 0 // calls for a block, if they are alike: the others are for what is left of the rows
	done := x.cols.Lo
	var before map[string]known
	for _, n := range x.blocks() {
		t := &tile{plan: pl, e: e, g: g, x: x, rows: ir.Interval{Hi: n}, past: x.streams(g), asks: x.asks(g), copied: map[string]bool{}}
		if err := t.emit(); err != nil {
			return launch{}, err
		}
		if n == x.size {
			whole = len(gr.calls)
		}
	}
	for lo := x.rows.Lo; lo < x.rows.Hi && !x.alike; lo += x.size {
		t := &tile{plan: pl, e: e, g: g, x: x, rows: ir.Interval{Lo: lo, Hi: min(x.rows.Hi, lo+x.size)}, done: done, before: before}
		t.cut = x.cutFor(g, t.rows, done)
		done = t.cols
		if t.cols < x.cols.Hi {
			before = t.behind
		}
		if err := t.emit(); err != nil {
			return launch{}, err
		}
	}
	if l := pl.layouts[pl.arena]; l.size*storageBytes(l.elem) < gr.used {
		l.size = (gr.used + storageBytes(l.elem) - 1) / storageBytes(l.elem)
	}
	var slots []int
	var scalars []scalarKey
	for _, c := range gr.calls {
		for _, s := range c.slots {
			if s >= gr.base {
				s = gr.arena
			}
			if !slices.Contains(slots, s) {
				slots = append(slots, s)
			}
		}
		for _, s := range c.scalars {
			if !slices.Contains(scalars, s) {
				scalars = append(scalars, s)
			}
		}
	}
	l := launch{sym: sym, hi: points(x.units), work: int(total.flops), kind: "tiles of a group", pos: g.ops[x.lo].Pos, name: trimmed(opName(&g.ops[x.hi-1]))}
	for _, r := range x.dims() {
		l.shape = append(l.shape, r.Hi-r.Lo)
	}
	l.account = total
	blocks := 1
	if x.alike {
		blocks = (x.rows.Hi + x.size - 1) / x.size
		l.kind, l.hi, l.work = "rows of a group", l.hi*blocks, 0
		for i := x.lo; i < x.hi; i++ {
			l.work += work(&g.ops[i], 1)
		}
	}
	e.into = gr.m
	err := e.kernel(sym, slots, scalars, func(k *kernel) error {
		counts := make([]int, len(x.units))
		for d, r := range x.units {
			counts[d] = r.Hi - r.Lo
		}
		counts = append(counts, blocks)
		k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, func(u emit.Bound) {
			at := k.digits(u, counts)
			calls := func(list []callee) {
				for _, c := range list {
					var args []value.Value
					for i, s := range c.slots {
						args = append(args, k.pointer(gr, c, s, c.f.Params[i].Typ, at))
					}
					for _, s := range c.scalars {
						args = append(args, k.scalars[s])
					}
					k.Cur.NewCall(c.f, append(args, k.I64(c.lo), k.I64(c.hi))...)
				}
			}
			if !x.alike {
				calls(gr.calls)
				return
			}
			k.either(at[len(at)-1], x.rows.Hi/x.size, blocks, func() { calls(gr.calls[:whole]) }, func() { calls(gr.calls[whole:]) })
		})
		if x.alike && x.streams(g) { // what went past the caches is in memory before another thread is told
			k.Cur.NewFence(enum.AtomicOrderingSequentiallyConsistent)
		}
		return nil
	})
	return l, err
}

// pointer is where the buffer of a slot begins for a unit.
func (k *kernel) pointer(gr *grouping, c callee, slot int, typ types.Type, at []emit.Bound) value.Value {
	if slot >= gr.base {
		p := k.Cur.NewGetElementPtr(types.Float, k.bufs[gr.arena], k.I64(gr.offsets[slot-gr.base]/4))
		return k.Cur.NewBitCast(p, typ)
	}
	sum := emit.Bound{}
	for d, s := range c.shift[slot] {
		if s != 0 {
			sum = k.Add(sum, k.Scale(at[d], s))
		}
	}
	if sum.V == nil && sum.C == 0 {
		return k.bufs[slot]
	}
	return k.Cur.NewGetElementPtr(emit.MemType(k.e.layouts[slot].elem), k.bufs[slot], sum.Value())
}

// tile is the emission of some rows of a group.
type tile struct {
	*plan
	e    *emitter
	g    *fn
	x    *group
	rows ir.Interval
	cut
	done   int // columns of the tile before: what sums over the rows has begun there
	vals   map[string]*val
	past   bool            // results go past the caches
	asks   map[int][]ask   // per operation
	copied map[string]bool // values of others that have a tile
	// before is what is known of the columns that earlier tiles left out.
	before map[string]known
}

func (t *tile) emit() error {
	g, x, e := t.g, t.x, t.e
	last := map[string]int{}
	for i := x.lo; i < x.hi; i++ {
		for _, n := range reads(&g.ops[i]) {
			last[n.Name] = i
		}
	}
	t.vals = map[string]*val{}
	for n, v := range g.vals {
		t.vals[n] = v
	}
	e.vals = t.vals
	for i := x.lo; i < x.hi; i++ {
		row, col := x.row[i-x.lo], x.col[i-x.lo]
		op := restricted(&g.ops[i], x.units, map[string]ir.Interval{row: t.rows, col: {Lo: x.cols.Lo, Hi: t.cols}})
		var dying []string
		for _, n := range reads(&op) {
			if (x.local[n.Name] || t.copied[n.Name]) && last[n.Name] == i && !slices.Contains(dying, n.Name) {
				dying = append(dying, n.Name)
			}
		}
		taken := t.place(&op, dying)
		if err := t.one(i, &op); err != nil {
			return err
		}
		for _, n := range dying {
			if !taken[n] {
				e.release(t.vals[n].slot)
			}
		}
		for _, r := range op.Results { // what nothing reads
			if _, ok := last["%"+r.Name]; !ok && x.local["%"+r.Name] {
				e.release(t.vals["%"+r.Name].slot)
			}
		}
	}
	return nil
}

// place gives the local results of an operation their tiles, point by point in place of operands that die where that can be; it returns
// these.
func (t *tile) place(op *ir.Op, dying []string) map[string]bool {
	taken := map[string]bool{}
	for _, r := range op.Results {
		name := "%" + r.Name
		if !t.x.local[name] {
			continue
		}
		v := *t.g.vals[name]
		v.box = nil
		for _, d := range op.Dom {
			v.box = append(v.box, ir.Interval{Lo: d.Lo, Hi: d.Hi})
		}
		v.slot = -1
		for _, n := range dying {
			if w := t.vals[n]; op.Kind == ir.Map && !taken[n] && w.elem == v.elem && slices.Equal(w.box, v.box) {
				v.slot, taken[n] = w.slot, true
				break
			}
		}
		if v.slot < 0 {
			v.slot = t.e.tile(v.elem, v.box)
		}
		t.vals[name] = &v
	}
	return taken
}

// one emits operation i, and what stands for the columns that the tile leaves out.
func (t *tile) one(i int, op *ir.Op) error {
	x, full := t.x, &t.g.ops[i]
	left := ir.Interval{Lo: t.cols, Hi: x.cols.Hi}
	row, col := x.row[i-x.lo], x.col[i-x.lo]
	sink := op.Kind == ir.Reduce && newContraction(full) != nil && !sameBox(full.Dom, append(append([]ir.Range{}, x.units...), x.rows, x.cols))
	switch {
	case x.onto[i-x.lo]:
		if t.rows.Lo > x.rows.Lo && t.done < t.cols {
			if err := t.lead(full, row, col, ir.Interval{Lo: x.rows.Lo, Hi: t.rows.Lo}, ir.Interval{Lo: t.done, Hi: t.cols}); err != nil {
				return err
			}
		}
		if err := t.kernels(op, t.rows.Lo > x.rows.Lo); err != nil {
			return err
		}
		if t.rows.Hi == x.rows.Hi && left.Lo < left.Hi {
			return t.lead(full, row, col, ir.Interval{Lo: x.rows.Lo, Hi: x.rows.Hi}, left)
		}
		return nil
	case x.alike:
		t.e.grouping.asks = t.asks[i]
		defer func() { t.e.grouping.asks = nil }()
		if op.Kind == ir.Map && len(op.Dom) > len(x.units)+1 && inVectors(op) {
			return t.vectorMap(op, i)
		}
		return t.kernels(op, false)
	case sink && left.Lo < left.Hi:
		if err := t.kernels(op, false); err != nil {
			return err
		}
		rest := restricted(full, x.units, map[string]ir.Interval{row: t.rows, col: left})
		return t.tail(&rest)
	}
	var err error
	if op.Kind == ir.Map && inVectors(op) { // LLVM's own vector loops compare indices, as a mask does, in 64 bits: several times the work
		err = t.vectorMap(op, i)
	} else {
		err = t.kernels(op, false)
	}
	if err != nil {
		return err
	}
	if t.zeros[i] {
		return t.plusZero(op)
	}
	return nil
}

// kernels emits an operation by the code for it; with resume a contraction goes on from what its result holds.
func (t *tile) kernels(op *ir.Op, resume bool) error {
	var packs []int
	for _, n := range partialsOf(op, true) {
		packs = append(packs, t.e.tile(n.Elem, []ir.Interval{{Lo: 0, Hi: n.N}}))
	}
	gr := t.e.grouping
	gr.resume = resume
	sym := gr.next()
	var ls []launch
	var err error
	if op.Kind == ir.Reduce {
		ls, err = t.e.reduce(t.prog, sym, op, packs)
	} else {
		ls, err = t.e.elementwise(sym, op)
	}
	if err != nil {
		return err
	}
	for _, l := range ls {
		t.call(l, op)
	}
	for _, s := range packs {
		t.e.release(s)
	}
	return nil
}

func (t *tile) call(l launch, op *ir.Op) {
	gr := t.e.grouping
	c := gr.latest[l.sym]
	c.lo, c.hi, c.shift = l.lo, l.hi, t.x.shifts(op, t.vals, t.e.layouts)
	for _, a := range gr.asks {
		slot := t.vals[a.name].slot
		c.shift[slot] = make([]int, len(t.x.units)+1)
		for d, lead := range a.dims {
			if lead >= 0 {
				c.shift[slot][lead] = t.x.step(lead, t.e.layouts[slot].stride[d])
			}
		}
	}
	gr.calls = append(gr.calls, c)
}

// blocks are the numbers of rows for which a group whose tiles are alike has code.
func (x *group) blocks() (n []int) {
	if !x.alike {
		return nil
	}
	if x.rows.Hi >= x.size {
		n = append(n, x.size)
	}
	if rest := x.rows.Hi % x.size; rest > 0 {
		n = append(n, rest)
	}
	return n
}

// dims are the dimensions that the operations have in common.
func (x *group) dims() []ir.Range {
	d := append(append([]ir.Range{}, x.units...), x.rows)
	if !x.alike {
		d = append(d, x.cols)
	}
	return d
}

// shifts says how far from unit to unit the buffers lie that an operation uses, and from block to block where these are alike.
func (x *group) shifts(op *ir.Op, vals map[string]*val, layouts []*layout) map[int][]int {
	out := map[int][]int{}
	n := len(x.units)
	if x.alike {
		n++
	}
	for _, r := range op.Results {
		if v := vals["%"+r.Name]; !x.local["%"+r.Name] {
			s := make([]int, n)
			for d := range s {
				s[d] = x.step(d, layouts[v.slot].stride[d])
			}
			out[v.slot] = s
		}
	}
	for _, r := range reads(op) {
		v := vals[r.Name]
		if x.local[r.Name] {
			continue
		}
		s := make([]int, n)
		for d, a := range r.At {
			for u := range n {
				if a.Index == op.Dom[u].Index {
					s[u] = x.step(u, layouts[v.slot].stride[d])
				}
			}
		}
		out[v.slot] = s
	}
	return out
}

// step is from one number of leading dimension d, or one block of rows, to the next.
func (x *group) step(d, stride int) int {
	if d == len(x.units) {
		return stride * x.size
	}
	return stride
}

// traffic is the bytes that cross the edge of the group.
func (x *group) traffic(g *fn) int64 {
	n := int64(0)
	seen := map[string]bool{}
	count := func(name string) {
		if v := g.vals[name]; v != nil && !x.local[name] && !seen[name] {
			seen[name] = true
			size := int64(storageBytes(v.elem))
			for _, iv := range v.box {
				size *= int64(iv.Hi - iv.Lo)
			}
			n += size
		}
	}
	for i := x.lo; i < x.hi; i++ {
		for _, r := range g.ops[i].Results {
			count("%" + r.Name)
		}
		for _, nd := range reads(&g.ops[i]) {
			count(nd.Name)
		}
	}
	return n
}

// keep puts a kernel's body into the group's module under the name of its content.
func (gr *grouping) keep(f *llvm.Func) *llvm.Func {
	f.SetName("part")
	name := fmt.Sprintf("p%x", sha256.Sum256([]byte(f.LLString())))[:25]
	if old := gr.bodies[name]; old != nil {
		i := slices.Index(gr.m.Funcs, f.Func)
		gr.m.Funcs = slices.Delete(gr.m.Funcs, i, i+1)
		return old
	}
	f.SetName(name)
	gr.bodies[name] = f
	return f
}
