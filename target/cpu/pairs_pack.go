package cpu

import "github.com/wfc-lang/wfc/target/cpu/llvm"

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
	l := launch{sym: t.sym + suffix, hi: t.count(dims) * per, work: t.p.packedWords(which) * t.count(dims) * 2 * packWork}
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
	k.numbered(w.op.Over[:len(w.op.Over)-1], plainLoop, func(run bound) {
		block := k.scale(run, n/tileTerms)
		k.loop(at(0), at(n/tileTerms), 1, plainLoop, func(i bound) { w.block(have, k.add(block, i), k.scale(i, tileTerms), tileTerms) })
		if n%tileTerms != 0 {
			w.block(have, k.add(block, at(n/tileTerms)), at(n/tileTerms*tileTerms), n%tileTerms)
		}
	})
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
