package cpu

import (
	"fmt"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
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
	words := types.NewPointer(types.I32)
	a, b := llvm.NewParam("a", words, enum.ParamAttrNoAlias, enum.ParamAttrReadOnly, llvm.Align(64)), llvm.NewParam("b", words, enum.ParamAttrNoAlias, enum.ParamAttrReadOnly, llvm.Align(64))
	out, next := llvm.NewParam("out", types.NewPointer(types.Float)), llvm.NewParam("next", types.NewPointer(types.Float))
	length, stride := llvm.NewParam("blocks", types.I64), llvm.NewParam("step", types.I64)
	f := e.m.NewFunc(d.name(), types.Void, a, b, out, next, length, stride)
	f.Linkage = enum.LinkageInternal
	f.Vectorise()
	e.dots[d] = f
	g := &dotter{Gen: &emit.Gen{Module: e.m, Func: f, Cur: f.NewBlock("entry"), Index: map[string]emit.Bound{}}, dot: d, a: a, b: b, next: next, length: emit.Bound{V: length}, stride: stride}
	to, step := value.Value(out), d.outM
	if !d.direct() {
		all := g.Func.NewAlloca(llvm.NewArray(d.high*d.wide*tileWords, types.Float))
		to, step = g.Cur.NewBitCast(all, types.NewPointer(types.Float)), d.wide*tileSide
	}
	// exchange copies the sums that exist between the output and tiles.
	exchange := func(fetch bool) {
		g.Loop(emit.At(0), emit.At(d.rows), 1, emit.Plain, func(r emit.Bound) {
			g.Loop(emit.At(0), emit.At(d.cols), 1, emit.Vector, func(c emit.Bound) {
				dst := g.Cur.NewGetElementPtr(types.Float, out, g.Add(g.Scale(r, d.outM), g.Scale(c, d.outN)).Value())
				src := g.Cur.NewGetElementPtr(types.Float, to, g.Add(g.Scale(r, step), c).Value())
				if fetch {
					src, dst = dst, src
				}
				g.Cur.NewStore(g.Cur.NewLoad(types.Float, src, 4), dst, 4)
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
	g.Cur.NewRet(nil)
	return f
}

// dotter emits one such function.
type dotter struct {
	*emit.Gen
	dot
	a, b, next value.Value
	length     emit.Bound  // of the sum, in tiles
	stride     value.Value // from one tile along a side to the next
}

// tile is the address of a word of tile number block of the sum, in the i-th tile along the side.
func (g *dotter) tile(of value.Value, i, block emit.Bound, word emit.Bound) value.Value {
	side := emit.Bound{V: g.Cur.NewMulNSW(i.Value(), g.stride)}
	return g.Cur.NewGetElementPtr(types.I32, of, g.Add(g.Scale(g.Add(side, block), tileWords), word).Value())
}

// tiles sums in tile registers: 0 to 3 are the sums, 4 and 5 tiles of a, 6 and 7 tiles of b.
func (g *dotter) tiles(to value.Value, step int) {
	id := func(i int) value.Value { return constant.NewInt(types.I8, int64(i)) }
	bytes := func(p value.Value) value.Value { return g.Cur.NewBitCast(p, types.NewPointer(types.I8)) }
	each := func(f func(h, w, sum int)) {
		for h := range g.high {
			for w := range g.wide {
				f(h, w, h*g.wide+w)
			}
		}
	}
	place := func(h, w int) value.Value {
		return bytes(g.Cur.NewGetElementPtr(types.Float, to, elements(h*tileSide*step+w*tileSide)))
	}
	each(func(h, w, sum int) {
		if g.resume {
			g.Cur.NewIntrinsicVoid("x86.tileloadd64", id(sum), place(h, w), elements(step*4))
		} else {
			g.Cur.NewIntrinsicVoid("x86.tilezero", id(sum))
		}
	})
	g.Loop(emit.At(0), g.length, 1, emit.Plain, func(block emit.Bound) {
		for j := range g.ahead {
			row := g.Minimum(g.Add(g.Scale(block, g.ahead), emit.At(j)), emit.At(g.rows-1))
			for w := range g.wide {
				g.Cur.NewPrefetchWrite(g.Cur.NewGetElementPtr(types.Float, g.next, g.Add(g.Scale(row, step), emit.At(w*tileSide)).Value()))
			}
		}
		const row = tileSide * 4
		for h := range g.high {
			g.Cur.NewIntrinsicVoid("x86.tileloadd64", id(4+h), bytes(g.tile(g.a, emit.At(h), block, emit.At(0))), elements(row))
		}
		for w := range g.wide {
			g.Cur.NewIntrinsicVoid("x86.tileloadd64", id(6+w), bytes(g.tile(g.b, emit.At(w), block, emit.At(0))), elements(row))
		}
		each(func(h, w, sum int) { g.Cur.NewIntrinsicVoid("x86.tdpbf16ps", id(sum), id(4+h), id(6+w)) })
	})
	each(func(h, w, sum int) {
		g.Cur.NewIntrinsicVoid("x86.tilestored64", id(sum), place(h, w), elements(step*4))
	})
}

// dotRows is how many rows of a tile are summed side by side in vectors, at most 4: the two chains of each take half of the registers, the words of
// b most of the others.
func dotRows() int {
	perRow := 2 * tileSide * storageBytes(ir.F32) / vectorBytes()
	return min(4, vectorRegisters()/2/perRow)
}

// vectors sums the same with vector instructions.
func (g *dotter) vectors(to value.Value, step int) {
	float, word := llvm.NewVector(tileSide, types.Float), llvm.NewVector(tileSide, types.I32)
	zero := llvm.NewSplat(tileSide, llvm.NewFloat(types.Float, 0))
	n := dotRows()
	sum, even, odd := make([]value.Value, n), make([]value.Value, n), make([]value.Value, n) // registers: LLVM promotes them
	for _, v := range [][]value.Value{sum, even, odd} {
		for j := range v {
			v[j] = g.Func.NewAlloca(float)
		}
	}
	get := func(p value.Value) value.Value { return g.Cur.NewLoad(float, p, lineBytes) }
	put := func(v, p value.Value) { g.Cur.NewStore(v, p, lineBytes) }
	// all has a number in all lanes.
	all := func(p value.Value) value.Value {
		return g.Cur.NewBroadcast(tileSide, g.Cur.NewLoad(types.Float, p, 4))
	}
	// halves are the even and the odd terms of words.
	halves := func(w value.Value) (lower, upper value.Value) {
		lower = g.Cur.NewShl(w, llvm.NewSplat(tileSide, constant.NewInt(types.I32, 16)))
		upper = g.Cur.NewAnd(w, llvm.NewSplat(tileSide, constant.NewInt(types.I32, -1<<16)))
		return g.Cur.NewBitCast(lower, float), g.Cur.NewBitCast(upper, float)
	}
	fma := func(x, y, z value.Value) value.Value {
		if g.kind == dotSelect {
			return g.Lanes(tileSide).FmaFlush(x, y, z)
		}
		return g.Cur.NewIntrinsic("fma", x, y, z)
	}
	add := func(x, y value.Value) value.Value {
		if g.kind == dotSelect {
			return g.Lanes(tileSide).AddFlush(x, y)
		}
		return g.Cur.NewFAdd(x, y)
	}
	// The terms of the rows of a, the even ones of each tile before the odd ones: taken apart once, they are read into all lanes as they are.
	terms := g.Func.NewAlloca(llvm.NewArray(n*longBlocks*tileTerms/tileSide, float))
	term := func(block emit.Bound, j int, i emit.Bound) value.Value {
		at := g.Add(g.Scale(block, n*tileTerms), g.Add(emit.At(j*tileTerms), i))
		return g.Cur.NewGetElementPtr(types.Float, g.Cur.NewBitCast(terms, types.NewPointer(types.Float)), at.Value())
	}
	g.Loop(emit.At(0), emit.At(g.high), 1, emit.Plain, func(h emit.Bound) {
		g.Loop(emit.At(0), emit.At(tileSide), n, emit.Plain, func(r emit.Bound) {
			g.Loop(emit.At(0), g.length, 1, emit.Plain, func(block emit.Bound) {
				for j := range sum {
					of := g.tile(g.a, h, block, g.Scale(g.Add(r, emit.At(j)), tileSide))
					even, odd := halves(g.Cur.NewLoad(word, g.Cur.NewBitCast(of, types.NewPointer(word)), lineBytes))
					put(even, g.Cur.NewBitCast(term(block, j, emit.At(0)), types.NewPointer(float)))
					put(odd, g.Cur.NewBitCast(term(block, j, emit.At(tileSide)), types.NewPointer(float)))
				}
			})
			g.Loop(emit.At(0), emit.At(g.wide), 1, emit.Plain, func(w emit.Bound) {
				place := func(j int) value.Value {
					row := g.Add(g.Scale(h, tileSide), g.Add(r, emit.At(j)))
					p := g.Cur.NewGetElementPtr(types.Float, to, g.Add(g.Scale(row, step), g.Scale(w, tileSide)).Value())
					return g.Cur.NewBitCast(p, types.NewPointer(float))
				}
				for j := range sum {
					if g.resume {
						put(g.Cur.NewLoad(float, place(j), 4), sum[j])
					} else {
						put(zero, sum[j])
					}
				}
				g.Loop(emit.At(0), g.length, 1, emit.Plain, func(block emit.Bound) {
					for j := range sum {
						put(zero, even[j])
						put(zero, odd[j])
					}
					g.Loop(emit.At(0), emit.At(tileSide), 1, emit.Plain, func(p emit.Bound) {
						of := g.tile(g.b, w, block, g.Scale(p, tileSide))
						b0, b1 := halves(g.Cur.NewLoad(word, g.Cur.NewBitCast(of, types.NewPointer(word)), lineBytes))
						for j := range sum {
							put(fma(all(term(block, j, p)), b0, get(even[j])), even[j])
							put(fma(all(term(block, j, g.Add(p, emit.At(tileSide)))), b1, get(odd[j])), odd[j])
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
