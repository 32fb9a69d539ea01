package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// dot is the product of high x wide tiles of rows and columns, of which some rows and columns exist.
type dot struct {
	kind       dotKind
	high, wide int
	rows, cols int
	outM, outN int  // steps of the output, in elements
	resume     bool // the output holds the sums of earlier terms
	ahead      int  // rows of the next block of the output that are asked for in the time of a tile of the sum
}

func (d dot) name() string {
	return fmt.Sprintf("dot%d.%dx%d.%dx%d.c%d.%d.%t.%d", d.kind, d.high, d.wide, d.rows, d.cols, d.outM, d.outN, d.resume, d.ahead)
}

// direct says that tiles are stored where the output is.
func (d dot) direct() bool {
	return d.kind == dotTiles && d.rows == d.high*tileSide && d.cols == d.wide*tileSide && d.outN == 1
}

// dot returns the function void(a, b, out, next, blocks, step) of a product of tiles: so many of the sum, of step that a factor has for each tile
// along its side; next is the block of the output after this one. Equal ones are one function.
func (e *emitter) dot(d dot) *llvm.Func {
	if f := e.dots[d]; f != nil {
		return f
	}
	words := llvm.NewPointer(llvm.I32)
	a, b := llvm.NewParam("a", words, "noalias", "readonly", "align 64"), llvm.NewParam("b", words, "noalias", "readonly", "align 64")
	out, next := llvm.NewParam("out", llvm.NewPointer(llvm.Float)), llvm.NewParam("next", llvm.NewPointer(llvm.Float))
	length, stride := llvm.NewParam("blocks", llvm.I64), llvm.NewParam("step", llvm.I64)
	f := e.m.NewFunc(d.name(), llvm.Void, a, b, out, next, length, stride)
	f.Internal = true
	f.Attrs = []string{"noinline", "nounwind", `"prefer-vector-width"="512"`}
	e.dots[d] = f
	g := &dotter{gen: &gen{m: e.m, f: f, cur: f.NewBlock("entry"), idx: map[string]bound{}}, dot: d, a: a, b: b, next: next, length: bound{v: length}, stride: stride}
	to, step := llvm.Value(out), d.outM
	if !d.direct() {
		all := g.cur.NewAlloca(llvm.NewArray(d.high*d.wide*tileWords, llvm.Float))
		to, step = g.cur.NewBitCast(all, llvm.NewPointer(llvm.Float)), d.wide*tileSide
	}
	// exchange copies the sums that exist between the output and tiles.
	exchange := func(fetch bool) {
		g.loop(at(0), at(d.rows), 1, plainLoop, func(r bound) {
			g.loop(at(0), at(d.cols), 1, vectorLoop, func(c bound) {
				dst := g.cur.NewGetElementPtr(llvm.Float, out, g.add(g.scale(r, d.outM), g.scale(c, d.outN)).value())
				src := g.cur.NewGetElementPtr(llvm.Float, to, g.add(g.scale(r, step), c).value())
				if fetch {
					src, dst = dst, src
				}
				g.cur.NewStore(g.cur.NewLoad(llvm.Float, src, 4), dst, 4)
			})
		})
	}
	if !d.direct() && d.resume {
		exchange(true)
	}
	if d.kind == dotTiles {
		g.tiles(to, step)
	} else {
		g.vectors(to, step)
	}
	if !d.direct() {
		exchange(false)
	}
	g.cur.NewRet(nil)
	return f
}

// dotter emits one such function.
type dotter struct {
	*gen
	dot
	a, b, next llvm.Value
	length     bound      // of the sum, in tiles
	stride     llvm.Value // from one tile along a side to the next
}

// tile is the address of a word of tile number block of the sum, in the i-th tile along the side.
func (g *dotter) tile(of llvm.Value, i, block bound, word bound) llvm.Value {
	side := bound{v: g.cur.NewMulNSW(i.value(), g.stride)}
	return g.cur.NewGetElementPtr(llvm.I32, of, g.add(g.scale(g.add(side, block), tileWords), word).value())
}

// tiles sums in tile registers: 0 to 3 are the sums, 4 and 5 tiles of a, 6 and 7 tiles of b.
func (g *dotter) tiles(to llvm.Value, step int) {
	id := func(i int) llvm.Value { return llvm.NewInt(llvm.I8, int64(i)) }
	bytes := func(p llvm.Value) llvm.Value { return g.cur.NewBitCast(p, llvm.NewPointer(llvm.I8)) }
	each := func(f func(h, w, sum int)) {
		for h := range g.high {
			for w := range g.wide {
				f(h, w, h*g.wide+w)
			}
		}
	}
	place := func(h, w int) llvm.Value {
		return bytes(g.cur.NewGetElementPtr(llvm.Float, to, elements(h*tileSide*step+w*tileSide)))
	}
	each(func(h, w, sum int) {
		if g.resume {
			g.cur.NewIntrinsicVoid("x86.tileloadd64", id(sum), place(h, w), elements(step*4))
		} else {
			g.cur.NewIntrinsicVoid("x86.tilezero", id(sum))
		}
	})
	g.loop(at(0), g.length, 1, plainLoop, func(block bound) {
		for j := range g.ahead {
			row := g.minimum(g.add(g.scale(block, g.ahead), at(j)), at(g.rows-1))
			for w := range g.wide {
				g.cur.NewPrefetchWrite(bytes(g.cur.NewGetElementPtr(llvm.Float, g.next, g.add(g.scale(row, step), at(w*tileSide)).value())))
			}
		}
		const row = tileSide * 4
		for h := range g.high {
			g.cur.NewIntrinsicVoid("x86.tileloadd64", id(4+h), bytes(g.tile(g.a, at(h), block, at(0))), elements(row))
		}
		for w := range g.wide {
			g.cur.NewIntrinsicVoid("x86.tileloadd64", id(6+w), bytes(g.tile(g.b, at(w), block, at(0))), elements(row))
		}
		each(func(h, w, sum int) { g.cur.NewIntrinsicVoid("x86.tdpbf16ps", id(sum), id(4+h), id(6+w)) })
	})
	each(func(h, w, sum int) {
		g.cur.NewIntrinsicVoid("x86.tilestored64", id(sum), place(h, w), elements(step*4))
	})
}

// dotRows is how many rows of a tile are summed side by side in vectors: two chains each.
const dotRows = 4

// vectors sums the same with vector instructions.
func (g *dotter) vectors(to llvm.Value, step int) {
	float, word := llvm.NewVector(tileSide, llvm.Float), llvm.NewVector(tileSide, llvm.I32)
	zero := llvm.NewSplat(tileSide, llvm.NewFloat(llvm.Float, 0))
	var sum, even, odd [dotRows]llvm.Value // registers: LLVM promotes them
	for _, v := range []*[dotRows]llvm.Value{&sum, &even, &odd} {
		for j := range v {
			v[j] = g.f.Blocks[0].NewAllocaFirst(float)
		}
	}
	get := func(p llvm.Value) llvm.Value { return g.cur.NewLoad(float, p, lineBytes) }
	put := func(v, p llvm.Value) { g.cur.NewStore(v, p, lineBytes) }
	// halves are the even and the odd terms of words.
	halves := func(w llvm.Value) (lower, upper llvm.Value) {
		lower = g.cur.NewShl(w, llvm.NewSplat(tileSide, llvm.NewInt(llvm.I32, 16)))
		upper = g.cur.NewAnd(w, llvm.NewSplat(tileSide, llvm.NewInt(llvm.I32, -1<<16)))
		return g.cur.NewBitCast(lower, float), g.cur.NewBitCast(upper, float)
	}
	fma := func(x, y, z llvm.Value) llvm.Value {
		if g.kind == dotSelect {
			return g.lanes(tileSide).fmaFlush(x, y, z)
		}
		return g.cur.NewIntrinsic("fma", x, y, z)
	}
	add := func(x, y llvm.Value) llvm.Value {
		if g.kind == dotSelect {
			return g.lanes(tileSide).addFlush(x, y)
		}
		return g.cur.NewFAdd(x, y)
	}
	g.loop(at(0), at(g.high), 1, plainLoop, func(h bound) {
		g.loop(at(0), at(g.wide), 1, plainLoop, func(w bound) {
			g.loop(at(0), at(tileSide), dotRows, plainLoop, func(r bound) {
				place := func(j int) llvm.Value {
					row := g.add(g.scale(h, tileSide), g.add(r, at(j)))
					p := g.cur.NewGetElementPtr(llvm.Float, to, g.add(g.scale(row, step), g.scale(w, tileSide)).value())
					return g.cur.NewBitCast(p, llvm.NewPointer(float))
				}
				for j := range sum {
					if g.resume {
						put(g.cur.NewLoad(float, place(j), 4), sum[j])
					} else {
						put(zero, sum[j])
					}
				}
				g.loop(at(0), g.length, 1, plainLoop, func(block bound) {
					for j := range sum {
						put(zero, even[j])
						put(zero, odd[j])
					}
					g.loop(at(0), at(tileSide), 1, plainLoop, func(p bound) {
						of := g.tile(g.b, w, block, g.scale(p, tileSide))
						b0, b1 := halves(g.cur.NewLoad(word, g.cur.NewBitCast(of, llvm.NewPointer(word)), lineBytes))
						for j := range sum {
							one := g.cur.NewLoad(llvm.I32, g.tile(g.a, h, block, g.add(g.scale(g.add(r, at(j)), tileSide), p)), 4)
							all := g.cur.NewInsertElement(llvm.NewUndef(word), one, 0)
							a0, a1 := halves(g.cur.NewShuffle(all, llvm.NewUndef(word), llvm.NewMask(make([]int, tileSide)...)))
							put(fma(a0, b0, get(even[j])), even[j])
							put(fma(a1, b1, get(odd[j])), odd[j])
						}
					})
					for j := range sum {
						put(add(get(sum[j]), add(get(even[j]), get(odd[j]))), sum[j])
					}
				})
				for j := range sum {
					put(get(sum[j]), place(j))
				}
			})
		})
	})
}
