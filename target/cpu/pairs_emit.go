package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
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

// partWords is about how much of packed b stays in the second cache while rows of a pass.
func partWords() int { return secondCache(5, 16) / 4 }

// longBlocks is from how many tiles along the sum on it is cut into stretches of stretchTiles, between which the sums wait in the output: else no
// part of b that is worth its name stays in a cache.
const longBlocks, stretchTiles = 64, 24

// longGroups is into how many groups the rows of such a product are cut: each passes all of packed b.
const longGroups = 8

// multiply emits the product: unit = (outer indices, part of the columns of tiles, rows of tiles). The rows of a unit take a block of columns after
// the other, so that the output is written row by row, and its lines are asked for a block ahead.
func (t *pairProducer) multiply() (launch, error) {
	rows, cols, blocks := t.rows(), t.p.columns(), t.p.blocks()
	high, wide := min(2, tiles(rows)), min(2, tiles(cols))
	nr, nc := tiles(rows)/high, tiles(cols)/wide
	stretch, group := blocks, 1
	if blocks > longBlocks {
		stretch, group = stretchTiles, (nr+longGroups-1)/longGroups
	}
	groups := (nr + group - 1) / group
	per := max(1, partWords()/(wide*stretch*tileWords))
	if units := t.count(t.outer) * groups * ((nc + per - 1) / per); units < 32 && stretch == blocks { // something to divide among threads
		per = max(1, per*units/32)
	}
	parts := (nc + per - 1) / per
	per = (nc + parts - 1) / parts
	counts := append(t.counts(t.outer), parts, groups)
	kind := dots()
	l := launch{sym: t.sym, hi: t.count(t.outer) * parts * groups, work: t.count(t.outer) * rows * cols * t.k / 8}
	err := t.e.kernel(t.sym, t.slots, t.scalars, func(k *kernel) error {
		restore := k.enterDots(kind)
		t.units(k, func(u emit.Bound) {
			d := k.digits(u, counts)
			t.place(k, t.outer, d[:len(t.outer)])
			col0, row0 := k.Scale(d[len(t.outer)], per), k.Scale(d[len(t.outer)+1], group)
			col1, row1 := k.Minimum(k.Add(col0, emit.At(per)), emit.At(nc)), k.Minimum(k.Add(row0, emit.At(group)), emit.At(nr))
			// Whole blocks, and those at the ends of the rows and columns.
			each := func(n, side int, x0, x1 emit.Bound, f func(x emit.Bound, have int)) {
				whole := n / side
				k.Loop(x0, k.Minimum(x1, emit.At(whole)), 1, emit.Plain, func(x emit.Bound) { f(x, side) })
				if n%side != 0 {
					k.Loop(k.Maximum(x0, emit.At(whole)), x1, 1, emit.Plain, func(x emit.Bound) { f(x, n%side) })
				}
			}
			sums := func(from, length emit.Bound, resume bool) {
				each(rows, high*tileSide, row0, row1, func(row emit.Bound, haveRows int) {
					each(cols, wide*tileSide, col0, col1, func(col emit.Bound, haveCols int) {
						m := dot{kind: kind, high: high, wide: wide, rows: haveRows, cols: haveCols, resume: resume}
						t.block(k, m, row, col, k.Minimum(k.Add(col, emit.At(1)), emit.At(nc-1)), from, length)
					})
				})
			}
			sums(emit.At(0), emit.At(stretch), false)
			k.Loop(emit.At(stretch), emit.At(blocks), stretch, emit.Plain, func(from emit.Bound) {
				sums(from, k.Minimum(emit.At(stretch), k.Add(emit.At(blocks), k.Scale(from, -1))), true)
			})
		})
		restore()
		return nil
	})
	return l, err
}

// block calls the function for the tiles from..from+length of a block of sums; next is the column of the block after it.
func (t *pairProducer) block(k *kernel, m dot, row, col, next, from, length emit.Bound) {
	slot := t.e.vals["%"+t.op.Results[0].Name].slot
	if t.m >= 0 {
		t.place(k, []int{t.m}, []emit.Bound{k.Scale(row, m.high*tileSide)})
		m.outM = t.e.layouts[slot].stride[t.m]
	}
	m.outN = t.e.layouts[slot].stride[t.n]
	if m.direct() && !m.resume {
		m.ahead = (m.rows + min(t.p.blocks(), stretchTiles) - 1) / min(t.p.blocks(), stretchTiles)
	}
	out := func(col emit.Bound) value.Value {
		t.place(k, []int{t.n}, []emit.Bound{k.Scale(col, m.wide*tileSide)})
		return k.address(slot, k.domCoords(t.op))
	}
	packed := func(which int, f *factor, i, side emit.Bound) value.Value {
		x := k.Add(k.Scale(t.position(k, f), t.p.packedWords(which)), k.Scale(i, side.C*t.p.blocks()*tileWords))
		return t.packed(k, which, k.Add(x, k.Scale(from, tileWords)))
	}
	a, b := packed(0, &t.a, row, emit.At(m.high)), packed(1, &t.b, col, emit.At(m.wide))
	k.Cur.NewCall(t.e.dot(m), a, b, out(col), out(next), length.Value(), elements(t.p.blocks()))
}

// enterDots prepares the processor for dot products and returns what undoes it.
func (k *kernel) enterDots(kind dotKind) (restore func()) {
	word := types.NewPointer(types.I8)
	switch kind {
	case dotTiles:
		// All tiles have 16 rows of 64 bytes (Intel SDM volume 1, 18.3.1: palette, bytes per row, rows).
		all := k.Func.NewAlloca(llvm.NewArray(8, types.I64))
		p := k.Cur.NewBitCast(all, types.NewPointer(types.I64))
		for i, x := range []int{1, 0, 0x0040_0040_0040_0040, 0x0040_0040_0040_0040, 0, 0, 0x1010_1010_1010_1010, 0} {
			k.Cur.NewStore(elements(x), k.Cur.NewGetElementPtr(types.I64, p, elements(i)), 8)
		}
		k.Cur.NewIntrinsicVoid("x86.ldtilecfg", k.Cur.NewBitCast(p, word))
		return func() { k.Cur.NewIntrinsicVoid("x86.tilerelease") }
	case dotFlush:
		const flush = 1<<15 | 1<<6 // results and operands (MXCSR.FTZ, MXCSR.DAZ)
		old, now := k.Func.NewAlloca(types.I32), k.Func.NewAlloca(types.I32)
		k.Cur.NewIntrinsicVoid("x86.sse.stmxcsr", k.Cur.NewBitCast(old, word))
		k.Cur.NewStore(k.Cur.NewOr(k.Cur.NewLoad(types.I32, old, 4), constant.NewInt(types.I32, flush)), now, 4)
		k.Cur.NewIntrinsicVoid("x86.sse.ldmxcsr", k.Cur.NewBitCast(now, word))
		return func() { k.Cur.NewIntrinsicVoid("x86.sse.ldmxcsr", k.Cur.NewBitCast(old, word)) }
	}
	return func() {}
}
