package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
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
	source := func(i, x bound) llvm.Value {
		k.idx[n.Index], k.idx[last.Index] = k.add(k.add(s.lo, i), at(n.Lo)), k.add(x, at(last.Lo))
		c, err := k.coords(nd.At)
		if err != nil { // every index of the read is in scope: uses checked it
			panic(err)
		}
		return k.address(slot, c)
	}
	target := func(term, i bound) llvm.Value {
		return t.packed(k, 0, k.add(s.base, k.add(k.scale(term, s.width), i)))
	}
	step := 0
	for d, a := range nd.At {
		if a.Index == n.Index {
			step = t.e.layouts[slot].stride[d]
		}
	}
	k.numbered(t.op.Over[:len(t.op.Over)-1], plainLoop, func(term bound) {
		first := k.scale(term, width)
		tiles := width / l * l
		if tiles > 0 {
			for j := 0; j < s.valid; j += l {
				f := t.e.turn(turn{elem: t.elem, lanes: l, have: min(l, s.valid-j), from: step, to: s.width, length: tiles})
				k.cur.NewCall(f, source(at(j), at(0)), target(first, at(j)))
			}
		}
		if tiles < width {
			k.loop(at(0), at(s.valid), 1, plainLoop, func(i bound) {
				k.loop(at(tiles), at(width), 1, plainLoop, func(x bound) {
					k.store(t.elem, k.load(t.elem, source(i, x)), target(k.add(first, x), i))
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
	typ := regType(s.elem)
	ptr := llvm.NewPointer(typ)
	src, dst := llvm.NewParam("src", ptr, "noalias", "readonly"), llvm.NewParam("dst", ptr, "noalias", "align 64")
	f := e.m.NewFunc(fmt.Sprintf("turn.%s.%dx%d.f%d.t%d.n%d", s.elem, s.have, s.lanes, s.from, s.to, s.length), llvm.Void, src, dst)
	f.Internal = true
	f.Attrs = []string{"noinline", "nounwind", `"prefer-vector-width"="512"`}
	e.turns[s] = f
	g := &gen{m: e.m, f: f, cur: f.NewBlock("entry"), idx: map[string]bound{}}
	vec := llvm.NewVector(s.lanes, typ)
	size := storageBytes(s.elem)
	g.loop(at(0), at(s.length), s.lanes, plainLoop, func(x bound) {
		rows := make([]llvm.Value, s.lanes)
		for i := range rows {
			rows[i] = llvm.NewUndef(vec)
			if i < s.have {
				p := g.cur.NewGetElementPtr(typ, src, g.add(x, at(i*s.from)).value())
				rows[i] = g.cur.NewLoad(vec, g.cur.NewBitCast(p, llvm.NewPointer(vec)), size)
			}
		}
		for i, v := range transposeVectors(g.cur, rows) {
			p := g.cur.NewGetElementPtr(typ, dst, g.add(g.scale(x, s.to), at(i*s.to)).value())
			g.cur.NewStore(v, g.cur.NewBitCast(p, llvm.NewPointer(vec)), s.lanes*size)
		}
	})
	g.cur.NewRet(nil)
	return f
}

// transposeVectors transposes a square of vectors by exchanging halves, quarters, .. between pairs of rows.
func transposeVectors(b *llvm.Block, rows []llvm.Value) []llvm.Value {
	return transposeParts(b, rows, len(rows))
}

// transposeParts transposes squares that lie beside each other in vectors of n lanes.
func transposeParts(b *llvm.Block, rows []llvm.Value, n int) []llvm.Value {
	for h := len(rows) / 2; h > 0; h /= 2 {
		lo, hi := make([]int, n), make([]int, n)
		for i := range n {
			if i&h == 0 {
				lo[i], hi[i] = i, i+h
			} else {
				lo[i], hi[i] = n+i-h, n+i
			}
		}
		next := make([]llvm.Value, len(rows))
		for i := range rows {
			if i&h != 0 {
				continue
			}
			next[i] = b.NewShuffle(rows[i], rows[i+h], llvm.NewMask(lo...))
			next[i+h] = b.NewShuffle(rows[i], rows[i+h], llvm.NewMask(hi...))
		}
		rows = next
	}
	return rows
}
