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

// transposed says that b is an array read whose contiguous dimension is the last reduced index: its tiles are transposed in registers.
func (t *contractor) transposed() bool {
	nd := &t.body().Nodes[t.b.node]
	if nd.Op != ir.Read {
		return false
	}
	n := t.op.Dom[t.n].Index
	count := 0
	for d, a := range nd.At {
		if !a.Unit() {
			return false
		}
		if a.Index == n {
			count++
		}
		if a.Index == t.last().Index && d != len(nd.At)-1 {
			return false
		}
	}
	return count == 1 && nd.At[len(nd.At)-1].Index == t.last().Index
}

// transpose packs one strip: tiles of lanes x lanes, what is left element by element.
func (t *contractor) transpose(k *kernel, s strip) {
	l := t.lanes()
	nd := &t.body().Nodes[t.b.node]
	n, last := t.op.Dom[t.n], t.last()
	width := last.Hi - last.Lo
	slot := t.e.vals[nd.Name].slot
	source := func(i, x emit.Bound) value.Value {
		k.Index[n.Index], k.Index[last.Index] = k.Add(k.Add(s.lo, i), emit.At(n.Lo)), k.Add(x, emit.At(last.Lo))
		c, err := k.coords(nd.At)
		if err != nil { // every index of the read is in scope: uses checked it
			panic(err)
		}
		return k.address(slot, c)
	}
	target := func(term, i emit.Bound) value.Value {
		return t.packed(k, 0, k.Add(s.base, k.Add(k.Scale(term, s.width), i)))
	}
	step := 0
	for d, a := range nd.At {
		if a.Index == n.Index {
			step = t.e.layouts[slot].stride[d]
		}
	}
	k.numbered(t.op.Over[:len(t.op.Over)-1], emit.Plain, func(term emit.Bound) {
		first := k.Scale(term, width)
		tiles := width / l * l
		if tiles > 0 {
			for j := 0; j < s.valid; j += l {
				f := t.e.turn(turn{elem: t.elem, lanes: l, have: min(l, s.valid-j), from: step, to: s.width, length: tiles})
				k.Cur.NewCall(f, source(emit.At(j), emit.At(0)), target(first, emit.At(j)))
			}
		}
		if tiles < width {
			k.Loop(emit.At(0), emit.At(s.valid), 1, emit.Plain, func(i emit.Bound) {
				k.Loop(emit.At(tiles), emit.At(width), 1, emit.Plain, func(x emit.Bound) {
					k.store(t.elem, k.load(t.elem, source(i, x)), target(k.Add(first, x), i))
				})
			})
		}
	})
}

// turn is a strip of tiles: have rows of length elements, from apart, become length rows of lanes elements, to apart.
type turn struct {
	elem             ir.Elem
	lanes, have      int
	from, to, length int
}

// turn returns the function void(source, target) that transposes a strip; equal ones are one function.
func (e *emitter) turn(s turn) *llvm.Func {
	if f := e.turns[s]; f != nil {
		return f
	}
	typ := emit.RegType(s.elem)
	ptr := types.NewPointer(typ)
	src, dst := llvm.NewParam("src", ptr, enum.ParamAttrNoAlias, enum.ParamAttrReadOnly), llvm.NewParam("dst", ptr, enum.ParamAttrNoAlias, llvm.Align(64))
	f := e.m.NewFunc(fmt.Sprintf("turn.%s.%dx%d.f%d.t%d.n%d", s.elem, s.have, s.lanes, s.from, s.to, s.length), types.Void, src, dst)
	f.Linkage = enum.LinkageInternal
	f.Vectorise()
	e.turns[s] = f
	g := &emit.Gen{Module: e.m, Func: f, Cur: f.NewBlock("entry"), Index: map[string]emit.Bound{}}
	vec := llvm.NewVector(s.lanes, typ)
	size := storageBytes(s.elem)
	g.Loop(emit.At(0), emit.At(s.length), s.lanes, emit.Plain, func(x emit.Bound) {
		rows := make([]value.Value, s.lanes)
		for i := range rows {
			rows[i] = constant.NewUndef(vec)
			if i < s.have {
				p := g.Cur.NewGetElementPtr(typ, src, g.Add(x, emit.At(i*s.from)).Value())
				rows[i] = g.Cur.NewLoad(vec, g.Cur.NewBitCast(p, types.NewPointer(vec)), size)
			}
		}
		for i, v := range transposeVectors(g.Cur, rows) {
			p := g.Cur.NewGetElementPtr(typ, dst, g.Add(g.Scale(x, s.to), emit.At(i*s.to)).Value())
			g.Cur.NewStore(v, g.Cur.NewBitCast(p, types.NewPointer(vec)), s.lanes*size)
		}
	})
	g.Cur.NewRet(nil)
	return f
}

// transposeVectors transposes a square of vectors.
func transposeVectors(b *llvm.Block, rows []value.Value) []value.Value {
	return transposeParts(b, rows, len(rows))
}

// transposeParts transposes squares that lie beside each other in vectors of n lanes, by exchanging halves, quarters, .. between pairs of rows down to
// 16 bytes, in which one instruction interleaves two vectors.
func transposeParts(b *llvm.Block, rows []value.Value, n int) []value.Value {
	inner := min(16/laneBytes(rows[0]), len(rows))
	lo, hi := make([]int, n), make([]int, n)
	pair := func(next []value.Value, x, y value.Value, i, j int) {
		next[i], next[j] = b.NewShuffleVector(x, y, llvm.NewMask(lo...)), b.NewShuffleVector(x, y, llvm.NewMask(hi...))
	}
	for h := len(rows) / 2; h >= inner; h /= 2 {
		for i := range n {
			if i&h == 0 {
				lo[i], hi[i] = i, i+h
			} else {
				lo[i], hi[i] = n+i-h, n+i
			}
		}
		next := make([]value.Value, len(rows))
		for i := range rows {
			if i&h == 0 {
				pair(next, rows[i], rows[i+h], i, i+h)
			}
		}
		rows = next
	}
	half := inner / 2
	for i := range n {
		at := i/inner*inner + i%inner/2 + i%2*n
		lo[i], hi[i] = at, at+half
	}
	for step := 1; step < inner; step *= 2 {
		next := make([]value.Value, len(rows))
		for i := range rows {
			if i&half == 0 {
				to := i/inner*inner + i%inner*2
				pair(next, rows[i], rows[i+half], to, to+1)
			}
		}
		rows = next
	}
	return rows
}

// laneBytes is the size of a lane of a vector of numbers.
func laneBytes(v value.Value) int {
	switch t := v.Type().(*types.VectorType).ElemType; {
	case t.Equal(types.Double):
		return 8
	case types.IsInt(t):
		return int(t.(*types.IntType).BitSize) / 8
	}
	return 4
}
