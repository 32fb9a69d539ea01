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
