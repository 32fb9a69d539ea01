package cpu

import (
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// pairProducer emits the kernels of a sum of bf16 products: pack a, pack b, multiply.
type pairProducer struct {
	*contractor
	p *tiled
}

func (e *emitter) pairProduct(sym string, p *tiled, packs []int) ([]launch, error) {
	t := &pairProducer{contractor: &contractor{contraction: p.contraction, e: e, sym: sym, packs: packs}, p: p}
	var err error
	if t.slots, t.scalars, err = e.uses(p.op); err != nil {
		return nil, err
	}
	t.slots = append(t.slots, packs...)
	a, err := t.pack(0, ".a")
	if err != nil {
		return nil, err
	}
	b, err := t.pack(1, ".b")
	if err != nil {
		return nil, err
	}
	m, err := t.multiply()
	return []launch{a, b, m}, err
}

// pack copies a factor into its tiles: unit = (outer indices, tile along the side), so that rows are read along the sum; or, for a factor that
// lies along the side, unit = (outer indices, block of the sum).
func (t *pairProducer) pack(which int, suffix string) (launch, error) {
	f, dim, n := t.p.side(which)
	w := &tilePacker{pairProducer: t, f: f, which: which, dim: dim}
	dims, side := t.outerOf(f), tiles(n)
	per := side
	if w.byBlocks() {
		per = t.p.blocks()
	}
	counts := append(t.counts(dims), per)
	l := launch{sym: t.sym + suffix, hi: t.count(dims) * per, work: t.p.packedWords(which) * t.count(dims) * 4}
	err := t.e.kernel(l.sym, t.slots, t.scalars, func(k *kernel) error {
		w.k = k
		t.units(k, func(u bound) {
			d := k.digits(u, counts)
			t.place(k, dims, d[:len(dims)])
			number := k.scale(t.position(k, f), side)
			// tile calls f for the tiles from lo to hi: whole ones, one that is not, and what makes their number even.
			tile := func(lo, hi bound, f func(have int)) {
				each := func(lo, hi bound, have int) {
					k.loop(lo, hi, 1, plainLoop, func(i bound) {
						w.base, w.first = k.scale(k.add(number, i), t.p.blocks()*tileWords), k.scale(i, tileSide)
						f(have)
					})
				}
				full, some := n/tileSide, (n+tileSide-1)/tileSide
				each(lo, k.minimum(hi, at(full)), tileSide)
				if full < some {
					each(k.maximum(lo, at(full)), k.minimum(hi, at(some)), n%tileSide)
				}
				if some < side {
					each(k.maximum(lo, at(some)), hi, 0)
				}
			}
			x := d[len(dims)]
			if !w.byBlocks() {
				tile(x, k.add(x, at(1)), w.tile)
				return
			}
			w.blockNumber(x, func(at0 bound, terms int) {
				tile(at(0), at(side), func(have int) { w.block(have, x, at0, terms) })
			})
		})
		return w.failed
	})
	return l, err
}

// partWords is about how much of packed a stays in the second cache while all of packed b passes.
const partWords = 128 << 10

// multiply emits the product: unit = (outer indices, part of the rows, columns of tiles).
func (t *pairProducer) multiply() (launch, error) {
	rows, cols := t.rows(), t.p.columns()
	high, wide := min(2, tiles(rows)), min(2, tiles(cols))
	nr, nc := tiles(rows)/high, tiles(cols)/wide
	per := max(1, partWords/(high*t.p.blocks()*tileWords))
	if units := t.count(t.outer) * nc * ((nr + per - 1) / per); units < 32 { // something to divide among threads
		per = max(1, per*units/32)
	}
	parts := (nr + per - 1) / per
	counts := append(t.counts(t.outer), parts, nc)
	kind := dots()
	l := launch{sym: t.sym, hi: t.count(t.outer) * parts * nc, work: t.count(t.outer) * rows * cols * t.k / 8}
	err := t.e.kernel(t.sym, t.slots, t.scalars, func(k *kernel) error {
		restore := k.enterDots(kind)
		t.units(k, func(u bound) {
			d := k.digits(u, counts)
			t.place(k, t.outer, d[:len(t.outer)])
			lo := k.scale(d[len(t.outer)], per)
			hi := k.minimum(k.add(lo, at(per)), at(nr))
			col := d[len(t.outer)+1]
			b := k.add(k.scale(t.position(k, &t.b), t.p.packedWords(1)), k.scale(col, wide*t.p.blocks()*tileWords))
			block := func(row bound, haveRows, haveCols int) { t.block(k, kind, row, col, b, high, wide, haveRows, haveCols) }
			// Whole blocks, and those at the ends of the rows and columns.
			each := func(from, to, n, side int, x0, x1 bound, f func(x bound, have int)) {
				whole := n / side
				k.loop(x0, k.minimum(x1, at(whole)), 1, plainLoop, func(x bound) { f(x, side) })
				if n%side != 0 {
					k.loop(k.maximum(x0, at(whole)), x1, 1, plainLoop, func(x bound) { f(x, n%side) })
				}
			}
			each(0, nc, cols, wide*tileSide, col, k.add(col, at(1)), func(_ bound, haveCols int) {
				each(0, nr, rows, high*tileSide, lo, hi, func(row bound, haveRows int) { block(row, haveRows, haveCols) })
			})
		})
		restore()
		return nil
	})
	return l, err
}

// block calls the function for a block of high x wide tiles.
func (t *pairProducer) block(k *kernel, kind dotKind, row, col, b bound, high, wide, haveRows, haveCols int) {
	if t.m >= 0 {
		t.place(k, []int{t.m}, []bound{k.scale(row, high*tileSide)})
	}
	t.place(k, []int{t.n}, []bound{k.scale(col, wide*tileSide)})
	slot := t.e.vals["%"+t.op.Results[0].Name].slot
	m := dot{kind: kind, high: high, wide: wide, rows: haveRows, cols: haveCols, outN: t.e.layouts[slot].stride[t.n]}
	if t.m >= 0 {
		m.outM = t.e.layouts[slot].stride[t.m]
	}
	a := k.add(k.scale(t.position(k, &t.a), t.p.packedWords(0)), k.scale(row, high*t.p.blocks()*tileWords))
	k.cur.NewCall(t.e.dot(m), t.packed(k, 0, a), t.packed(k, 1, b), k.address(slot, k.domCoords(t.op)), elements(t.p.blocks()))
}

// enterDots prepares the processor for dot products and returns what undoes it.
func (k *kernel) enterDots(kind dotKind) (restore func()) {
	word := llvm.NewPointer(llvm.I8)
	switch kind {
	case dotTiles:
		// All tiles have 16 rows of 64 bytes (Intel SDM volume 1, 18.3.1: palette, bytes per row, rows).
		all := k.f.Blocks[0].NewAllocaFirst(llvm.NewArray(8, llvm.I64))
		p := k.cur.NewBitCast(all, llvm.NewPointer(llvm.I64))
		for i, x := range []int{1, 0, 0x0040_0040_0040_0040, 0x0040_0040_0040_0040, 0, 0, 0x1010_1010_1010_1010, 0} {
			k.cur.NewStore(elements(x), k.cur.NewGetElementPtr(llvm.I64, p, elements(i)), 8)
		}
		k.cur.NewIntrinsicVoid("x86.ldtilecfg", k.cur.NewBitCast(p, word))
		return func() { k.cur.NewIntrinsicVoid("x86.tilerelease") }
	case dotFlush:
		const flush = 1<<15 | 1<<6 // results and operands (MXCSR.FTZ, MXCSR.DAZ)
		old, now := k.f.Blocks[0].NewAllocaFirst(llvm.I32), k.f.Blocks[0].NewAllocaFirst(llvm.I32)
		k.cur.NewIntrinsicVoid("x86.sse.stmxcsr", k.cur.NewBitCast(old, word))
		k.cur.NewStore(k.cur.NewOr(k.cur.NewLoad(llvm.I32, old, 4), llvm.NewInt(llvm.I32, flush)), now, 4)
		k.cur.NewIntrinsicVoid("x86.sse.ldmxcsr", k.cur.NewBitCast(now, word))
		return func() { k.cur.NewIntrinsicVoid("x86.sse.ldmxcsr", k.cur.NewBitCast(old, word)) }
	}
	return func() {}
}

// roundBrain gives the bits of a float rounded to bf16 in the upper half of a word; what is in the lower half does not matter.
func (c calc) roundBrain(x llvm.Value) llvm.Value {
	b, i32 := c.b, llvm.I32
	u := b.NewBitCast(x, c.typ(i32))
	magnitude := b.NewAnd(u, c.int(i32, 0x7fffffff))
	odd := b.NewAnd(b.NewLShr(u, c.int(i32, 16)), c.int(i32, 1))
	r := b.NewAdd(b.NewAdd(u, c.int(i32, 0x7fff)), odd)
	r = b.NewSelect(b.NewICmp("ugt", magnitude, c.int(i32, 0x7f800000)), b.NewOr(u, c.int(i32, 0x400000)), r)
	return b.NewSelect(b.NewICmp("ult", magnitude, c.int(i32, 0x00800000)), b.NewAnd(u, c.int(i32, -1<<31)), r)
}

// tilePacker packs one factor.
type tilePacker struct {
	*pairProducer
	k           *kernel
	f           *factor
	which       int
	dim         int   // of the output, along the side; -1 if none
	base, first bound // of the tiles, and of the side
	failed      error
}

// tile packs all blocks of the sum for have rows or columns.
func (w *tilePacker) tile(have int) {
	k, last := w.k, w.last()
	n := last.Hi - last.Lo
	if have == 0 {
		k.loop(at(0), at(w.p.blocks()*tileWords), 1, vectorLoop, func(i bound) { w.put(i, llvm.NewInt(llvm.I32, 0)) })
		return
	}
	if !w.inBlocks() {
		w.scattered(have)
		return
	}
	var visit func(d int, run bound)
	visit = func(d int, run bound) {
		if d < len(w.op.Over)-1 {
			r := w.op.Over[d]
			k.loop(at(0), at(r.Hi-r.Lo), 1, plainLoop, func(i bound) {
				k.idx[r.Index] = k.add(i, at(r.Lo))
				visit(d+1, k.add(k.scale(run, r.Hi-r.Lo), i))
			})
			return
		}
		block := k.scale(run, n/tileTerms)
		k.loop(at(0), at(n/tileTerms), 1, plainLoop, func(i bound) { w.block(have, k.add(block, i), k.scale(i, tileTerms), tileTerms) })
		if n%tileTerms != 0 {
			w.block(have, k.add(block, at(n/tileTerms)), at(n/tileTerms*tileTerms), n%tileTerms)
		}
	}
	visit(0, at(0))
}

// rows says that words are written row by row: the factor lies along the sum, or is no read along the side.
func (w *tilePacker) rows() bool {
	return w.dim < 0 || w.f.along(w.body(), w.last().Index) || !w.f.along(w.body(), w.op.Dom[w.dim].Index)
}

// inBlocks says that no block of the sum goes over the end of the last reduced index, but for the last one.
func (w *tilePacker) inBlocks() bool {
	return len(w.op.Over) == 1 || (w.last().Hi-w.last().Lo)%tileTerms == 0
}

func (w *tilePacker) byBlocks() bool { return !w.rows() && w.inBlocks() }

// blockNumber sets the reduced indices to those of a block but for the last, and calls f with the first term along that and the number of terms.
func (w *tilePacker) blockNumber(block bound, f func(at0 bound, terms int)) {
	k, n := w.k, w.last().Hi-w.last().Lo
	if len(w.op.Over) == 1 {
		full := n / tileTerms
		k.loop(block, k.minimum(k.add(block, at(1)), at(full)), 1, plainLoop, func(b bound) { f(k.scale(b, tileTerms), tileTerms) })
		if n%tileTerms != 0 {
			k.loop(k.maximum(block, at(full)), k.add(block, at(1)), 1, plainLoop, func(bound) { f(at(full*tileTerms), n%tileTerms) })
		}
		return
	}
	var counts []int
	for _, r := range w.op.Over {
		counts = append(counts, r.Hi-r.Lo)
	}
	outer := len(counts) - 1
	counts[outer] /= tileTerms
	d := k.digits(block, counts)
	for i, r := range w.op.Over[:outer] {
		k.idx[r.Index] = k.add(d[i], at(r.Lo))
	}
	f(k.scale(d[outer], tileTerms), tileTerms)
}

// put stores word i of the tiles.
func (w *tilePacker) put(i bound, v llvm.Value) {
	w.k.cur.NewStore(v, w.packed(w.k, w.which, w.k.add(w.base, i)), 4)
}

// half evaluates the factor in row or column i of the tile at a term and rounds it.
func (w *tilePacker) half(i bound, set func()) llvm.Value {
	if w.dim >= 0 {
		w.place(w.k, []int{w.dim}, []bound{w.k.add(w.first, i)})
	}
	set()
	v, err := w.k.eval(w.body(), []int{w.f.node})
	if err != nil {
		w.failed = firstError(w.failed, err)
		return llvm.NewInt(llvm.I32, 0)
	}
	return w.k.calc().roundBrain(v[0])
}

// word joins two terms.
func (w *tilePacker) word(even, odd llvm.Value) llvm.Value {
	b := w.k.cur
	return b.NewOr(b.NewLShr(even, llvm.NewInt(llvm.I32, 16)), b.NewAnd(odd, llvm.NewInt(llvm.I32, -1<<16)))
}

// block packs one block of the sum: n terms, the first of which is at a place of the last reduced index. It goes the way the factor lies in
// memory, and the tile is turned if it has to lie the other way.
func (w *tilePacker) block(have int, number, at0 bound, n int) {
	k, zero, last := w.k, llvm.NewInt(llvm.I32, 0), w.last()
	rows := w.rows()
	turned := rows != (w.which == 0)
	base := k.scale(number, tileWords)
	store := func(i bound, v llvm.Value) { w.put(k.add(base, i), v) }
	var side llvm.Value
	if turned {
		side = k.cur.NewBitCast(k.f.Blocks[0].NewAllocaFirst(llvm.NewArray(tileWords, llvm.I32)), llvm.NewPointer(llvm.I32))
		store = func(i bound, v llvm.Value) { k.cur.NewStore(v, k.cur.NewGetElementPtr(llvm.I32, side, i.value()), 4) }
	}
	pair := func(i, p bound, both bool) llvm.Value {
		term := func(more int) llvm.Value {
			return w.half(i, func() { k.idx[last.Index] = k.add(k.add(at0, k.scale(p, 2)), at(more+last.Lo)) })
		}
		even, odd := term(0), zero
		if both {
			odd = term(1)
		}
		return w.word(even, odd)
	}
	// place gives the number of the word of row or column i and pair p, in the tile as it is written first.
	place := func(i, p bound) bound {
		if rows {
			return k.add(k.scale(i, tileSide), p)
		}
		return k.add(k.scale(p, tileSide), i)
	}
	kinds := [2]loopKind{plainLoop, vectorLoop}
	loops := func(i1, p0, p1 int, f func(i, p bound)) {
		inner, outer := func(g func(x bound)) { k.loop(at(p0), at(p1), 1, kinds[1], g) }, func(g func(x bound)) { k.loop(at(0), at(i1), 1, kinds[0], g) }
		if !rows {
			inner, outer = func(g func(x bound)) { k.loop(at(0), at(i1), 1, kinds[1], g) }, func(g func(x bound)) { k.loop(at(p0), at(p1), 1, kinds[0], g) }
		}
		outer(func(x bound) {
			inner(func(y bound) {
				if rows {
					f(x, y)
				} else {
					f(y, x)
				}
			})
		})
	}
	if have == 0 {
		k.loop(at(0), at(tileWords), 1, vectorLoop, func(i bound) { w.put(k.add(base, i), zero) })
		return
	}
	if have < tileSide || n < tileTerms-1 {
		k.loop(at(0), at(tileWords), 1, vectorLoop, func(i bound) { store(i, zero) })
	}
	loops(have, 0, n/2, func(i, p bound) { store(place(i, p), pair(i, p, true)) })
	if n%2 != 0 {
		loops(have, n/2, n/2+1, func(i, p bound) { store(place(i, p), pair(i, p, false)) })
	}
	if turned {
		f := w.e.turn(turn{elem: w.elem, lanes: tileSide, have: tileSide, from: tileSide, to: tileSide, length: tileSide})
		float := llvm.NewPointer(llvm.Float)
		k.cur.NewCall(f, k.cur.NewBitCast(side, float), k.cur.NewBitCast(w.packed(k, w.which, k.add(w.base, base)), float))
	}
}

// scattered packs a sum whose last index does not fill blocks, term by term.
func (w *tilePacker) scattered(have int) {
	k, zero := w.k, llvm.NewInt(llvm.I32, 0)
	var over []int
	for _, r := range w.op.Over {
		over = append(over, r.Hi-r.Lo)
	}
	k.loop(at(0), at(w.p.blocks()*tileWords), 1, vectorLoop, func(i bound) { w.put(i, zero) })
	half := func(i, term bound) llvm.Value {
		return w.half(i, func() {
			for d, x := range k.digits(k.minimum(term, at(w.p.k-1)), over) {
				k.idx[w.op.Over[d].Index] = k.add(x, at(w.op.Over[d].Lo))
			}
		})
	}
	k.loop(at(0), at(have), 1, plainLoop, func(i bound) {
		k.loop(at(0), at((w.p.k+1)/2), 1, plainLoop, func(p bound) {
			even, odd := half(i, k.scale(p, 2)), half(i, k.add(k.scale(p, 2), at(1)))
			exists := k.cur.NewICmp("slt", k.add(k.scale(p, 2), at(1)).value(), elements(w.p.k))
			d := k.digits(p, []int{w.p.blocks(), tileSide})
			at := k.add(k.scale(i, tileSide), d[1])
			if w.which == 1 {
				at = k.add(k.scale(d[1], tileSide), i)
			}
			w.put(k.add(k.scale(d[0], tileWords), at), w.word(even, k.cur.NewSelect(exists, odd, zero)))
		})
	})
}

// pairs emits the order for sums whose factors cannot be told apart by their indices: one number after the other.
func (r *reduction) pairs(sym string) ([]launch, error) {
	l := launch{sym: sym, lo: 0, hi: 1, work: work(r.op, 8)}
	n := overSize(r.op)
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		over, boxes := r.overDims()
		entry := k.f.Blocks[0]
		var cells [3]llvm.Value // the sum, the chain whose turn it is, the other
		for i := range cells {
			cells[i] = entry.NewAllocaFirst(llvm.Float)
		}
		count := entry.NewAllocaFirst(llvm.I64)
		get := func(i int) llvm.Value { return k.cur.NewLoad(llvm.Float, cells[i], lineBytes) }
		put := func(i int, v llvm.Value) { k.cur.NewStore(v, cells[i], lineBytes) }
		zero := llvm.NewFloat(llvm.Float, 0)
		finish := func() {
			both := k.calc().addFlush(get(1), get(2))
			put(0, k.calc().addFlush(get(0), both))
			put(1, zero)
			put(2, zero)
		}
		r.outer(k, &l, len(r.op.Dom), func(active []int) {
			for i := range cells {
				put(i, zero)
			}
			k.cur.NewStore(elements(0), count, lineBytes)
			k.nest(over, 0, len(over), boxes, active, plainLoop, func(in []int) {
				ts, err := r.terms(k, in[len(in)-1])
				if err != nil {
					failed = firstError(failed, err)
					return
				}
				c := k.calc()
				var f [2]llvm.Value
				for i := range f {
					f[i] = k.cur.NewBitCast(k.cur.NewAnd(c.roundBrain(ts[0][i]), llvm.NewInt(llvm.I32, -1<<16)), llvm.Float)
				}
				next := c.fmaFlush(f[0], f[1], get(1))
				put(1, get(2))
				put(2, next)
				done := k.cur.NewAddNSW(k.cur.NewLoad(llvm.I64, count, lineBytes), elements(1))
				k.cur.NewStore(done, count, lineBytes)
				rest := k.cur.NewSRem(done, elements(tileTerms))
				k.loop(bound{v: rest}, at(1), 1, plainLoop, func(bound) { finish() }) // when none is left
			})
			if rest := n % tileTerms; rest != 0 { // a product of +0 makes +0 of -0
				for i := range min(2, tileTerms-rest) {
					put(1+i, k.cur.NewFAdd(get(1+i), zero))
				}
				finish()
			}
			k.store(r.op.Results[0].Elem, get(0), r.result(k, 0))
		})
		return failed
	})
	return []launch{l}, err
}
