package cpu

import (
	"slices"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// contractor emits the kernels of one contraction: pack b, pack a, multiply. Each divides a list of units among the threads.
type contractor struct {
	*contraction
	e       *emitter
	sym     string
	packs   []int // slots of packed b and packed a, -1 for a b in its place
	slots   []int
	scalars []scalarKey
	first   *emit.Bound // first block of the part that is packed by itself, nil if all are
}

func (e *emitter) contract(sym string, c *contraction, packs []int) ([]launch, error) {
	t := &contractor{contraction: c, e: e, sym: sym, packs: packs}
	var err error
	if t.slots, t.scalars, err = e.uses(c.op); err != nil {
		return nil, err
	}
	var out []launch
	switch {
	case c.panelwise(), c.byTheWay():
		t.packs = append([]int{e.arena}, packs...)
		l := e.layouts[e.arena]
		l.size = max(l.size, c.ownPanel())
	case c.inPlace():
		t.packs = append([]int{-1}, packs...)
	default:
		b, err := t.packB(packs)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	for _, slot := range t.packs {
		if slot >= 0 {
			t.slots = append(t.slots, slot)
		}
	}
	if c.piecewise() {
		t.packs = append(t.packs, e.arena)
		t.slots = append(t.slots, e.arena)
		l := e.layouts[e.arena]
		l.size = max(l.size, c.pieceSize())
		p, err := t.multiplyPieces()
		return append(out, p), err
	}
	if !c.direct() {
		a, err := t.packA()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	p, err := t.multiply()
	return append(out, p), err
}

// units emits the loop over units [lo, hi) of the split range; body gets the unit number.
func (t *contractor) units(k *kernel, body func(u emit.Bound)) {
	k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, body)
}

// digits takes a number apart: the last count varies fastest.
func (k *kernel) digits(u emit.Bound, counts []int) []emit.Bound {
	out := make([]emit.Bound, len(counts))
	for i := len(counts) - 1; i >= 0; i-- {
		switch {
		case counts[i] == 1:
			out[i] = emit.At(0)
		case i == 0:
			out[i] = u
		default:
			out[i] = emit.Bound{V: k.Cur.NewSRem(u.Value(), k.I64(counts[i]))}
			u = emit.Bound{V: k.Cur.NewSDiv(u.Value(), k.I64(counts[i]))}
		}
	}
	return out
}

// number is the inverse of digits.
func (k *kernel) number(d []emit.Bound, counts []int) emit.Bound {
	u := emit.At(0)
	for i := range d {
		u = k.Add(k.Scale(u, counts[i]), d[i])
	}
	return u
}

// place sets the indices of output dimensions and returns their positions from 0.
func (t *contractor) place(k *kernel, dims []int, d []emit.Bound) {
	for i, x := range dims {
		r := t.op.Dom[x]
		k.Index[r.Index] = k.Add(d[i], emit.At(r.Lo))
	}
}

func (t *contractor) counts(dims []int) (n []int) {
	for _, d := range dims {
		n = append(n, t.extent(d))
	}
	return n
}

// position is the number of the current outer indices among those a factor depends on.
func (t *contractor) position(k *kernel, f *factor) emit.Bound {
	dims := t.outerOf(f)
	var d []emit.Bound
	for _, x := range dims {
		r := t.op.Dom[x]
		d = append(d, k.Add(k.Index[r.Index], emit.At(-r.Lo)))
	}
	return k.number(d, t.counts(dims))
}

// at is an element of a packed buffer.
func (t *contractor) packed(k *kernel, which int, i emit.Bound) value.Value {
	return k.address(t.packs[which], []emit.Bound{i})
}

// overK emits the loops over the reduced indices; leaf gets the number of the term.
func (t *contractor) overK(k *kernel, kind emit.LoopKind, leaf func(term emit.Bound)) {
	k.numbered(t.op.Over, kind, leaf)
}

// numbered emits loops over indices, the innermost of the kind given; leaf gets the number of the point in the order of the loops.
func (k *kernel) numbered(over []ir.Range, innermost emit.LoopKind, leaf func(point emit.Bound)) {
	var visit func(d int, point emit.Bound)
	visit = func(d int, point emit.Bound) {
		if d == len(over) {
			leaf(point)
			return
		}
		r, kind := over[d], emit.Plain
		if d == len(over)-1 {
			kind = innermost
		}
		k.Loop(emit.At(0), emit.At(r.Hi-r.Lo), 1, kind, func(i emit.Bound) {
			k.Index[r.Index] = k.Add(i, emit.At(r.Lo))
			visit(d+1, k.Add(k.Scale(point, r.Hi-r.Lo), i))
		})
	}
	visit(0, emit.At(0))
}

// copyOne evaluates a factor at the current indices into a packed element.
func (t *contractor) copyOne(k *kernel, f *factor, which int, i emit.Bound) error {
	v, err := k.eval(t.body(), []int{f.node})
	if err != nil {
		return err
	}
	k.store(t.elem, v[0], t.packed(k, which, i))
	return nil
}

// strip is a panel as a unit sees it: where its storage begins, its first n, how many lanes it has and how many exist.
type strip struct {
	base, lo     emit.Bound
	width, valid int
	vectors      int
	after        emit.Bound // first n of the panel after it, which after the last is the first

	// Of the group that a unit passes over stretch by stretch.
	first, firstBase emit.Bound  // its first panel's first n, and its storage
	last             value.Value // whether this is its last panel
}

// wide is full panel p.
func (t *contractor) wide(k *kernel, base, p emit.Bound) strip {
	w := 2 * t.lanes()
	s := strip{base: k.Add(base, k.Scale(p, t.panelStride())), lo: k.Scale(p, w), width: w, valid: w, vectors: 2}
	s.after = k.Add(s.lo, emit.At(w))
	if full := t.panelCount() * w; full == t.extent(t.n) {
		last := k.Cur.NewICmp(enum.IPredEQ, s.after.Value(), k.I64(full))
		s.after = emit.Bound{V: k.Cur.NewSelect(last, k.I64(0), s.after.Value())}
	}
	return s
}

// narrow is the last panel, if it is not full.
func (t *contractor) narrow(k *kernel, base emit.Bound) strip {
	full, last := t.panels()
	l := t.lanes()
	return strip{base: k.Add(base, emit.At(full*t.panelStride())), lo: emit.At(last.lo), width: last.vectors * l, valid: last.valid, vectors: last.vectors}
}

// strips calls f for the full panels under a test of the panel number p, and for the last one.
func (t *contractor) strips(k *kernel, p emit.Bound, base emit.Bound, f func(s strip)) {
	full, _ := t.panels()
	k.either(p, full, t.panelCount(), func() { f(t.wide(k, base, p)) }, func() { f(t.narrow(k, base)) })
}

// either emits yes for numbers below some of n, and no for the rest.
func (k *kernel) either(number emit.Bound, some, n int, yes, no func()) {
	switch some {
	case n:
		yes()
		return
	case 0:
		no()
		return
	}
	k.choose(k.Cur.NewICmp(enum.IPredSLT, number.Value(), k.I64(some)), yes, no)
}

// choose emits yes under a condition, and no else.
func (k *kernel) choose(cond value.Value, yes, no func()) {
	first, second, done := k.Func.NewBlock("some"), k.Func.NewBlock("rest"), k.Func.NewBlock("both")
	k.Cur.NewCondBr(cond, first, second)
	k.Cur = first
	yes()
	k.Cur.NewBr(done)
	k.Cur = second
	no()
	k.Cur.NewBr(done)
	k.Cur = done
}

// packB copies b into its panels: unit = (outer indices of b, panels side by side).
func (t *contractor) packB(packs []int) (launch, error) {
	dims := t.outerOf(&t.b)
	full, last := t.panels()
	side := 1
	if t.b.along(t.body(), t.op.Dom[t.n].Index) {
		side = panelsAtOnce
	}
	groups := (full + side - 1) / side
	units := groups
	if last != nil {
		units++
	}
	counts := append(t.counts(dims), units)
	l := launch{sym: t.sym + ".b", lo: 0, hi: t.count(dims) * units, work: t.count(dims) * t.panelSize() * packWork}
	err := t.e.kernel(l.sym, append(slices.Clone(t.slots), packs...), t.scalars, func(k *kernel) error {
		var failed error
		t.units(k, func(u emit.Bound) {
			d := k.digits(u, counts)
			t.place(k, dims, d[:len(dims)])
			base := k.Scale(t.position(k, &t.b), t.panelSize())
			group := d[len(dims)]
			k.either(group, groups, units, func() {
				lo := k.Scale(group, side)
				failed = firstError(failed, t.packStrips(k, base, lo, k.Minimum(k.Add(lo, emit.At(side)), emit.At(full))))
			}, func() { failed = firstError(failed, t.packStrip(k, t.narrow(k, base))) })
		})
		return failed
	})
	return l, err
}

// packStrips copies full panels lo to hi, term by term, so that rows of b are read as they lie.
func (t *contractor) packStrips(k *kernel, base, lo, hi emit.Bound) error {
	if !t.b.along(t.body(), t.op.Dom[t.n].Index) || t.transposed() {
		var failed error
		k.Loop(lo, hi, 1, emit.Plain, func(p emit.Bound) { failed = firstError(failed, t.packStrip(k, t.wide(k, base, p))) })
		return failed
	}
	var failed error
	t.overK(k, emit.Plain, func(term emit.Bound) {
		k.Loop(lo, hi, 1, emit.Plain, func(p emit.Bound) {
			s := t.wide(k, base, p)
			k.Loop(emit.At(0), emit.At(s.valid), 1, emit.Vector, func(i emit.Bound) { failed = firstError(failed, t.packOne(k, s, i, term)) })
		})
	})
	return failed
}

// packOne copies one element of a panel.
func (t *contractor) packOne(k *kernel, s strip, i, term emit.Bound) error {
	n := t.op.Dom[t.n]
	k.Index[n.Index] = k.Add(k.Add(s.lo, i), emit.At(n.Lo))
	return t.copyOne(k, &t.b, 0, k.Add(s.base, k.Add(k.Scale(term, s.width), i)))
}

// packStrip copies one panel of b.
func (t *contractor) packStrip(k *kernel, s strip) error {
	n, body := t.op.Dom[t.n], t.body()
	var failed error
	switch {
	case t.transposed():
		t.transpose(k, s)
	case !t.b.along(body, n.Index) && t.b.along(body, t.last().Index):
		k.Loop(emit.At(0), emit.At(s.valid), 1, emit.Plain, func(i emit.Bound) {
			t.overK(k, emit.Vector, func(term emit.Bound) { failed = firstError(failed, t.packOne(k, s, i, term)) })
		})
	default:
		t.overK(k, emit.Plain, func(term emit.Bound) {
			k.Loop(emit.At(0), emit.At(s.valid), 1, emit.Vector, func(i emit.Bound) { failed = firstError(failed, t.packOne(k, s, i, term)) })
		})
	}
	return failed
}

// packA copies a into rows along k, or into blocks: unit = (outer indices of a, row or term).
func (t *contractor) packA() (launch, error) {
	dims := t.outerOf(&t.a)
	rows := t.rows()
	if !t.kRows() {
		rows = t.k
	}
	counts := append(t.counts(dims), rows)
	l := launch{sym: t.sym + ".a", lo: 0, hi: t.count(dims) * rows, work: t.packedA() * t.count(dims) * packWork}
	err := t.e.kernel(l.sym, t.slots, t.scalars, func(k *kernel) error {
		var failed error
		t.units(k, func(u emit.Bound) {
			d := k.digits(u, counts)
			t.place(k, dims, d[:len(dims)])
			row := d[len(dims)]
			base := k.Scale(t.position(k, &t.a), t.packedA())
			if t.kRows() {
				base = k.Add(base, k.Scale(row, t.rowStride()))
				if t.m >= 0 {
					t.place(k, []int{t.m}, []emit.Bound{row})
				}
				t.overK(k, emit.Vector, func(term emit.Bound) {
					failed = firstError(failed, t.copyOne(k, &t.a, 1, k.Add(base, term)))
				})
				return
			}
			for i, x := range k.digits(row, t.overCounts()) {
				k.Index[t.op.Over[i].Index] = k.Add(x, emit.At(t.op.Over[i].Lo))
			}
			base = k.Add(base, k.Scale(row, t.blockRows()))
			n, _, _ := t.blocks()
			t.eachBlock(k, emit.At(0), emit.At(n), func(b, first emit.Bound, rows int) {
				k.Loop(emit.At(0), emit.At(rows), 1, emit.Vector, func(i emit.Bound) {
					t.place(k, []int{t.m}, []emit.Bound{k.Add(first, i)})
					failed = firstError(failed, t.copyOne(k, &t.a, 1, k.Add(k.Add(base, k.Scale(b, t.blockStride())), i)))
				})
			})
		})
		return failed
	})
	return l, err
}

// eachBlock emits loops over the blocks lo..hi: f gets the number of a block, its first row and how many it has.
func (t *contractor) eachBlock(k *kernel, lo, hi emit.Bound, f func(b, first emit.Bound, rows int)) {
	_, size, rem := t.blocks()
	if rem > 0 {
		k.Loop(lo, k.Minimum(hi, emit.At(rem)), 1, emit.Plain, func(b emit.Bound) { f(b, k.Scale(b, size+1), size+1) })
	}
	k.Loop(k.Maximum(lo, emit.At(rem)), hi, 1, emit.Plain, func(b emit.Bound) { f(b, k.Add(k.Scale(b, size), emit.At(rem)), size) })
}

// stretchBytes is the size of a stretch of a panel, over which all blocks of rows pass.
func stretchBytes() int { return secondCache(3, 32) }

// partBytes is the size of a part of a, over which all panels of b pass. Tests change it.
var partBytes = func() int { return secondCache(3, 8) }

// chunks is into how many parts the row blocks are cut, for the cache and so that there is something to divide among threads.
func (c *contraction) chunks(blocks int) int {
	const want = 32
	n := c.cacheParts()
	if units := c.count(c.outer) * c.panelCount() * n; units < want {
		n = n * ((want + units - 1) / units)
	}
	return min(blocks, n)
}

// stretches cuts k: a register block is put down and taken up between two stretches, which changes no bit. They are of size terms, of which the
// last of each run has what is left; a run is k, or what the last of its indices counts.
func (c *contraction) stretches() (n, size int) {
	run := c.run()
	n = max(1, run*2*vectorBytes()/stretchBytes())
	return n * (c.k / run), (run + n - 1) / n
}

// run is how many terms stretches are cut from.
func (c *contraction) run() int {
	if c.byTheWay() {
		return c.lastOver()
	}
	return c.k
}

// stretch is number i: its first term, and how many.
func (t *contractor) stretch(k *kernel, i emit.Bound) (from, length emit.Bound) {
	n, size := t.stretches()
	run := t.run()
	d := k.digits(i, []int{t.k / run, n / (t.k / run)})
	within := k.Scale(d[1], size)
	return k.Add(k.Scale(d[0], run), within), k.Minimum(k.Add(k.Scale(within, -1), emit.At(run)), emit.At(size))
}

// overCounts are the extents of the reduced indices.
func (c *contraction) overCounts() (n []int) {
	for _, r := range c.op.Over {
		n = append(n, r.Hi-r.Lo)
	}
	return n
}

// Packing reads panelsAtOnce panels of b side by side. packWork is what it costs per element, in multiplications and additions.
const (
	panelsAtOnce = 8
	packWork     = 8
)

// panelGroup is over how many panels a unit passes with every stretch of k, in parts parts of the rows. A stretch of its rows then stays in the
// second cache, beside their sums so far; panel by panel the rows came from farther away for each, all terms of them. Nothing to gain has a sum
// of one stretch, and there must remain something to divide among threads.
func (c *contraction) panelGroup(parts int) int {
	if ns, _ := c.stretches(); ns == 1 || c.panelwise() {
		return 1
	}
	sums := c.perPart(parts) * c.blockRows() * 2 * vectorBytes()
	n := min(partBytes()/sums, c.count(c.outer)*parts*c.panelCount()/dividedUnits())
	return max(1, n)
}

// dividedUnits is how many units a product leaves for the threads where they may be larger. Tests change it.
var dividedUnits = func() int { return 32 * DefaultThreads() }

// multiply emits the product: unit = (outer indices, part of the rows, group of panels).
func (t *contractor) multiply() (launch, error) {
	nb, _, _ := t.blocks()
	parts := t.chunks(nb)
	if t.panelwise() {
		parts = 1
	}
	per := (nb + parts - 1) / parts
	group := t.panelGroup(parts)
	groups := (t.panelCount() + group - 1) / group
	counts := append(t.counts(t.outer), parts, groups)
	l := launch{sym: t.sym, lo: 0, hi: t.count(t.outer) * groups * parts, work: t.count(t.outer) * t.rows() * t.extent(t.n) * t.k}
	if t.panelwise() {
		l.work += t.count(t.outer) * t.panelSize() * packWork
	}
	err := t.e.kernel(t.sym, t.slots, t.scalars, func(k *kernel) error {
		var failed error
		t.units(k, func(u emit.Bound) {
			d := k.digits(u, counts)
			t.place(k, t.outer, d[:len(t.outer)])
			part, panel := d[len(t.outer)], k.Scale(d[len(t.outer)+1], group)
			lo := k.Minimum(k.Scale(part, per), emit.At(nb))
			hi := k.Minimum(k.Add(lo, emit.At(per)), emit.At(nb))
			failed = t.panelsOf(k, panel, group, lo, hi)
		})
		return failed
	})
	return l, err
}

// panelsOf multiplies the blocks lo to hi of rows with a group of panels from p on, stretch by stretch of k.
func (t *contractor) panelsOf(k *kernel, p emit.Bound, group int, lo, hi emit.Bound) error {
	var failed error
	base := k.Scale(t.position(k, &t.b), t.panelSize())
	end := k.Minimum(k.Add(p, emit.At(group)), emit.At(t.panelCount()))
	stretch := func(from, length emit.Bound, begins, more bool) {
		k.Loop(p, end, 1, emit.Plain, func(panel emit.Bound) {
			t.strips(k, panel, base, func(s strip) {
				s.first, s.firstBase = k.Scale(p, 2*t.lanes()), k.Add(base, k.Scale(p, t.panelStride()))
				s.last = k.Cur.NewICmp(enum.IPredEQ, k.Add(panel, emit.At(1)).Value(), end.Value())
				if t.panelwise() || t.byTheWay() {
					s.base = emit.At(0)
				}
				if t.panelwise() && begins {
					failed = firstError(failed, t.packStrip(k, s))
				}
				t.eachBlock(k, lo, hi, func(b, first emit.Bound, rows int) {
					failed = firstError(failed, t.tile(k, s, b, lo, first, rows, from, length, more))
				})
			})
		})
	}
	ns, long := t.stretches()
	stretch(emit.At(0), emit.At(long), true, t.resume)
	k.Loop(emit.At(1), emit.At(ns), 1, emit.Plain, func(i emit.Bound) {
		from, length := t.stretch(k, i)
		stretch(from, length, false, true)
	})
	return failed
}

// following is the stretch of a panel that a unit takes after this one: the same of the next panel, or the next of the group's first; the unit after
// it begins with the next panel. It returns whether it is of the group's first panel, and its first term.
func (t *contractor) following(k *kernel, s strip, from, length emit.Bound) (first value.Value, term emit.Bound) {
	on := k.Add(from, length)
	more := k.Cur.NewICmp(enum.IPredSLT, on.Value(), k.I64(t.k))
	then := k.Cur.NewSelect(more, on.Value(), k.I64(0))
	return k.Cur.NewAnd(s.last, more), emit.Bound{V: k.Cur.NewSelect(s.last, then, from.Value())}
}

// multiplyPieces emits the product of a contraction whose a is packed part by part: unit = (outer indices, part of the rows).
func (t *contractor) multiplyPieces() (launch, error) {
	nb, _, _ := t.blocks()
	parts := t.cacheParts()
	per := t.perPart(parts)
	counts := append(t.counts(t.outer), parts)
	l := launch{sym: t.sym, lo: 0, hi: t.count(t.outer) * parts, work: t.count(t.outer) * t.rows() * t.extent(t.n) * t.k}
	err := t.e.kernel(t.sym, t.slots, t.scalars, func(k *kernel) error {
		var failed error
		t.units(k, func(u emit.Bound) {
			d := k.digits(u, counts)
			t.place(k, t.outer, d[:len(t.outer)])
			lo := k.Minimum(k.Scale(d[len(t.outer)], per), emit.At(nb))
			hi := k.Minimum(k.Add(lo, emit.At(per)), emit.At(nb))
			t.first = &lo
			failed = firstError(failed, t.packPiece(k, lo, hi))
			group := t.panelGroup(parts)
			k.Loop(emit.At(0), emit.At(t.panelCount()), group, emit.Plain, func(panel emit.Bound) {
				failed = firstError(failed, t.panelsOf(k, panel, group, lo, hi))
			})
		})
		return failed
	})
	return l, err
}

// packPiece packs the blocks lo to hi of a into the thread's own memory.
func (t *contractor) packPiece(k *kernel, lo, hi emit.Bound) error {
	var failed error
	if t.kRows() {
		t.eachBlock(k, lo, hi, func(b, first emit.Bound, rows int) {
			k.Loop(emit.At(0), emit.At(rows), 1, emit.Plain, func(i emit.Bound) {
				t.place(k, []int{t.m}, []emit.Bound{k.Add(first, i)})
				base := k.Scale(k.Add(k.Scale(t.local(k, b), t.blockRows()), i), t.rowStride())
				t.overK(k, emit.Vector, func(term emit.Bound) { failed = firstError(failed, t.copyOne(k, &t.a, 1, k.Add(base, term))) })
			})
		})
		return failed
	}
	t.overK(k, emit.Plain, func(term emit.Bound) {
		base := k.Scale(term, t.blockRows())
		t.eachBlock(k, lo, hi, func(b, first emit.Bound, rows int) {
			k.Loop(emit.At(0), emit.At(rows), 1, emit.Vector, func(i emit.Bound) {
				t.place(k, []int{t.m}, []emit.Bound{k.Add(first, i)})
				failed = firstError(failed, t.copyOne(k, &t.a, 1, k.Add(k.Add(base, k.Scale(t.local(k, b), t.blockStride())), i)))
			})
		})
	})
	return failed
}

// local is the number of a block within its part.
func (t *contractor) local(k *kernel, b emit.Bound) emit.Bound {
	return k.Add(b, k.Scale(*t.first, -1))
}

// tile calls the micro kernel for a block, rows rows from row on, and the terms of a stretch of k; with more it goes on where the stretch
// before ended. Block is one of those from since on that use the panel one after the other.
func (t *contractor) tile(k *kernel, s strip, block, since, row emit.Bound, rows int, from, length emit.Bound, more bool) error {
	if t.m >= 0 {
		t.place(k, []int{t.m}, []emit.Bound{row})
	}
	turn := k.Add(block, k.Scale(since, -1))
	n := t.op.Dom[t.n]
	k.Index[n.Index] = k.Add(s.lo, emit.At(n.Lo))
	mk := micro{elem: t.elem, rows: rows, vectors: s.vectors, lanes: t.lanes(), valid: s.valid, more: more, stepB: s.width}
	var a value.Value
	if t.direct() {
		over := t.op.Over[0]
		k.Index[over.Index] = k.Add(from, emit.At(over.Lo))
		nd := &t.body().Nodes[t.a.node]
		c, err := k.coords(nd.At)
		if err != nil {
			return err
		}
		slot := t.e.vals[nd.Name].slot
		a = k.address(slot, c)
		for d, x := range nd.At {
			st := t.e.layouts[slot].stride[d]
			switch {
			case x.Index == over.Index:
				mk.stepK = st
			case t.m >= 0 && x.Index == t.op.Dom[t.m].Index:
				mk.stepM = st
			}
		}
	} else {
		at0 := emit.At(0)
		if t.first == nil {
			at0 = k.Scale(t.position(k, &t.a), t.packedA())
		} else {
			block = t.local(k, block)
			row = k.Scale(block, t.blockRows())
		}
		mk.stepM, mk.stepK = t.rowStride(), 1
		if t.kRows() {
			at0 = k.Add(at0, k.Scale(row, t.rowStride()))
		} else {
			at0 = k.Add(at0, k.Scale(block, t.blockStride()))
			mk.stepM, mk.stepK = 1, t.blockRows()
		}
		a = t.packed(k, 1, k.Add(at0, k.Scale(from, mk.stepK)))
	}
	slot := t.e.vals["%"+t.op.Results[0].Name].slot
	mk.outM, mk.outN = 0, t.e.layouts[slot].stride[t.n]
	if t.m >= 0 {
		mk.outM = t.e.layouts[slot].stride[t.m]
	}
	out := k.address(slot, k.domCoords(t.op))
	if t.byTheWay() {
		return t.tileByTheWay(k, mk, s, turn, a, out, from, length)
	}
	var b value.Value
	if t.inPlace() {
		var err error
		if b, mk.stepB, err = t.bAt(k, s.lo, from); err != nil {
			return err
		}
		mk.inPlace = true
	} else {
		b = t.packed(k, 0, k.Add(s.base, k.Scale(from, s.width)))
	}
	next := b
	if t.farther() {
		mk.nextRows, mk.nextStep = asked(t.blocksPerUnit()), s.width
		_, stretch := t.stretches()
		row := k.Minimum(mk.share(k, turn, length), emit.At(max(0, stretch-stretch/microTerms*mk.nextRows)))
		first, term := t.following(k, s, from, length)
		panel := k.Cur.NewSelect(first, s.firstBase.Value(), k.Add(s.base, emit.At(t.panelStride())).Value())
		next = t.packed(k, 0, k.Add(emit.Bound{V: panel}, k.Scale(k.Add(term, row), s.width)))
	}
	k.Cur.NewCall(t.e.micro(mk), a, b, out, next, b, length.Value())
	return nil
}
