package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

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
		t.units(k, func(u emit.Bound) {
			d := k.digits(u, counts)
			t.place(k, dims, d[:len(dims)])
			number := k.Scale(t.position(k, f), side)
			// tile calls f for the tiles from lo to hi: whole ones, one that is not, and what makes their number even.
			tile := func(lo, hi emit.Bound, f func(have int)) {
				each := func(lo, hi emit.Bound, have int) {
					k.Loop(lo, hi, 1, emit.Plain, func(i emit.Bound) {
						w.base, w.first = k.Scale(k.Add(number, i), t.p.blocks()*tileWords), k.Scale(i, tileSide)
						f(have)
					})
				}
				full, some := n/tileSide, (n+tileSide-1)/tileSide
				each(lo, k.Minimum(hi, emit.At(full)), tileSide)
				if full < some {
					each(k.Maximum(lo, emit.At(full)), k.Minimum(hi, emit.At(some)), n%tileSide)
				}
				if some < side {
					each(k.Maximum(lo, emit.At(some)), hi, 0)
				}
			}
			x := d[len(dims)]
			if !w.byBlocks() {
				tile(x, k.Add(x, emit.At(1)), w.tile)
				return
			}
			w.blockNumber(x, func(at0 emit.Bound, terms int) {
				tile(emit.At(0), emit.At(side), func(have int) { w.block(have, x, at0, terms) })
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
	dim         int        // of the output, along the side; -1 if none
	base, first emit.Bound // of the tiles, and of the side
	failed      error
}

// tile packs all blocks of the sum for have rows or columns.
func (w *tilePacker) tile(have int) {
	k, last := w.k, w.last()
	n := last.Hi - last.Lo
	if have == 0 {
		k.Loop(emit.At(0), emit.At(w.p.blocks()*tileWords), 1, emit.Vector, func(i emit.Bound) { w.put(i, constant.NewInt(types.I32, 0)) })
		return
	}
	if !w.inBlocks() {
		w.scattered(have)
		return
	}
	k.numbered(w.op.Over[:len(w.op.Over)-1], emit.Plain, func(run emit.Bound) {
		block := k.Scale(run, n/tileTerms)
		k.Loop(emit.At(0), emit.At(n/tileTerms), 1, emit.Plain, func(i emit.Bound) { w.block(have, k.Add(block, i), k.Scale(i, tileTerms), tileTerms) })
		if n%tileTerms != 0 {
			w.block(have, k.Add(block, emit.At(n/tileTerms)), emit.At(n/tileTerms*tileTerms), n%tileTerms)
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
func (w *tilePacker) blockNumber(block emit.Bound, f func(at0 emit.Bound, terms int)) {
	k, n := w.k, w.last().Hi-w.last().Lo
	if len(w.op.Over) == 1 {
		full := n / tileTerms
		k.Loop(block, k.Minimum(k.Add(block, emit.At(1)), emit.At(full)), 1, emit.Plain, func(b emit.Bound) { f(k.Scale(b, tileTerms), tileTerms) })
		if n%tileTerms != 0 {
			k.Loop(k.Maximum(block, emit.At(full)), k.Add(block, emit.At(1)), 1, emit.Plain, func(emit.Bound) { f(emit.At(full*tileTerms), n%tileTerms) })
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
		k.Index[r.Index] = k.Add(d[i], emit.At(r.Lo))
	}
	f(k.Scale(d[outer], tileTerms), tileTerms)
}

// put stores word i of the tiles.
func (w *tilePacker) put(i emit.Bound, v value.Value) {
	w.k.Cur.NewStore(v, w.packed(w.k, w.which, w.k.Add(w.base, i)), 4)
}

// half evaluates the factor in row or column i of the tile at a term and rounds it.
func (w *tilePacker) half(i emit.Bound, set func()) value.Value {
	if w.dim >= 0 {
		w.place(w.k, []int{w.dim}, []emit.Bound{w.k.Add(w.first, i)})
	}
	set()
	v, err := w.k.eval(w.body(), []int{w.f.node})
	if err != nil {
		w.failed = firstError(w.failed, err)
		return constant.NewInt(types.I32, 0)
	}
	return w.k.Calc().RoundBrain(v[0])
}

// word joins two terms.
func (w *tilePacker) word(even, odd value.Value) value.Value {
	b := w.k.Cur
	return b.NewOr(b.NewLShr(even, constant.NewInt(types.I32, 16)), b.NewAnd(odd, constant.NewInt(types.I32, -1<<16)))
}

// block packs one block of the sum: n terms, the first of which is at a place of the last reduced index. It goes the way the factor lies in
// memory, and the tile is turned if it has to lie the other way.
func (w *tilePacker) block(have int, number, at0 emit.Bound, n int) {
	k, zero, last := w.k, constant.NewInt(types.I32, 0), w.last()
	rows := w.rows()
	turned := rows != (w.which == 0)
	base := k.Scale(number, tileWords)
	store := func(i emit.Bound, v value.Value) { w.put(k.Add(base, i), v) }
	var side value.Value
	if turned {
		side = k.Cur.NewBitCast(k.Func.NewAlloca(llvm.NewArray(tileWords, types.I32)), types.NewPointer(types.I32))
		store = func(i emit.Bound, v value.Value) {
			k.Cur.NewStore(v, k.Cur.NewGetElementPtr(types.I32, side, i.Value()), 4)
		}
	}
	pair := func(i, p emit.Bound, both bool) value.Value {
		term := func(more int) value.Value {
			return w.half(i, func() { k.Index[last.Index] = k.Add(k.Add(at0, k.Scale(p, 2)), emit.At(more+last.Lo)) })
		}
		var even, odd value.Value = term(0), zero
		if both {
			odd = term(1)
		}
		return w.word(even, odd)
	}
	// place gives the number of the word of row or column i and pair p, in the tile as it is written first.
	place := func(i, p emit.Bound) emit.Bound {
		if rows {
			return k.Add(k.Scale(i, tileSide), p)
		}
		return k.Add(k.Scale(p, tileSide), i)
	}
	kinds := [2]emit.LoopKind{emit.Plain, emit.Vector}
	loops := func(i1, p0, p1 int, f func(i, p emit.Bound)) {
		inner, outer := func(g func(x emit.Bound)) { k.Loop(emit.At(p0), emit.At(p1), 1, kinds[1], g) }, func(g func(x emit.Bound)) { k.Loop(emit.At(0), emit.At(i1), 1, kinds[0], g) }
		if !rows {
			inner, outer = func(g func(x emit.Bound)) { k.Loop(emit.At(0), emit.At(i1), 1, kinds[1], g) }, func(g func(x emit.Bound)) { k.Loop(emit.At(p0), emit.At(p1), 1, kinds[0], g) }
		}
		outer(func(x emit.Bound) {
			inner(func(y emit.Bound) {
				if rows {
					f(x, y)
				} else {
					f(y, x)
				}
			})
		})
	}
	if have == 0 {
		k.Loop(emit.At(0), emit.At(tileWords), 1, emit.Vector, func(i emit.Bound) { w.put(k.Add(base, i), zero) })
		return
	}
	if have < tileSide || n < tileTerms-1 {
		k.Loop(emit.At(0), emit.At(tileWords), 1, emit.Vector, func(i emit.Bound) { store(i, zero) })
	}
	loops(have, 0, n/2, func(i, p emit.Bound) { store(place(i, p), pair(i, p, true)) })
	if n%2 != 0 {
		loops(have, n/2, n/2+1, func(i, p emit.Bound) { store(place(i, p), pair(i, p, false)) })
	}
	if turned {
		f := w.e.turn(turn{elem: w.elem, lanes: tileSide, have: tileSide, from: tileSide, to: tileSide, length: tileSide})
		float := types.NewPointer(types.Float)
		k.Cur.NewCall(f, k.Cur.NewBitCast(side, float), k.Cur.NewBitCast(w.packed(k, w.which, k.Add(w.base, base)), float))
	}
}

// scattered packs a sum whose last index does not fill blocks, term by term.
func (w *tilePacker) scattered(have int) {
	k, zero := w.k, constant.NewInt(types.I32, 0)
	var over []int
	for _, r := range w.op.Over {
		over = append(over, r.Hi-r.Lo)
	}
	k.Loop(emit.At(0), emit.At(w.p.blocks()*tileWords), 1, emit.Vector, func(i emit.Bound) { w.put(i, zero) })
	half := func(i, term emit.Bound) value.Value {
		return w.half(i, func() {
			for d, x := range k.digits(k.Minimum(term, emit.At(w.p.k-1)), over) {
				k.Index[w.op.Over[d].Index] = k.Add(x, emit.At(w.op.Over[d].Lo))
			}
		})
	}
	k.Loop(emit.At(0), emit.At(have), 1, emit.Plain, func(i emit.Bound) {
		k.Loop(emit.At(0), emit.At((w.p.k+1)/2), 1, emit.Plain, func(p emit.Bound) {
			even, odd := half(i, k.Scale(p, 2)), half(i, k.Add(k.Scale(p, 2), emit.At(1)))
			exists := k.Cur.NewICmp(enum.IPredSLT, k.Add(k.Scale(p, 2), emit.At(1)).Value(), elements(w.p.k))
			d := k.digits(p, []int{w.p.blocks(), tileSide})
			at := k.Add(k.Scale(i, tileSide), d[1])
			if w.which == 1 {
				at = k.Add(k.Scale(d[1], tileSide), i)
			}
			w.put(k.Add(k.Scale(d[0], tileWords), at), w.word(even, k.Cur.NewSelect(exists, odd, zero)))
		})
	})
}
