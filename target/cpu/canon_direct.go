package cpu

import (
	"fmt"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// direct says that blocks of the canonical order consist of whole vectors of lanes, but for the end of a single row: the rows are multiples of them, one
// piece covers all, and every operand is a vector along the row, or one value for all of it. Then terms are folded as they are computed.
func (r *reduction) direct() bool {
	op := r.op
	if !r.wholePiece() || r.rest() > 0 && len(op.Over) > 1 {
		return false
	}
	last := op.Over[len(op.Over)-1]
	for _, res := range op.Results {
		if !plainElem(res.Elem) {
			return false
		}
	}
	return inLanes(&op.Pieces[0].Body, last.Index)
}

// rest is how many elements of a row lie behind its last whole vector of lanes. They are computed as a vector too, that reaches beyond the row: there is
// memory behind every buffer.
func (r *reduction) rest() int {
	last := r.op.Over[len(r.op.Over)-1]
	return (last.Hi - last.Lo) % canonLanes
}

// begin is the first value of lanes that n elements go to: where no element goes, nothing changes.
func (r *reduction) begin(k *kernel, e ir.Elem, lanes int, n emit.Bound) value.Value {
	start := r.start(k.Lanes(lanes), e)
	if !r.op.FMA {
		return start
	}
	return k.Cur.NewSelect(k.below(lanes, n), start, k.Lanes(lanes).Neutral(ir.Sum, e))
}

// include folds terms into the lanes kept at acc, have of which exist.
func (r *reduction) include(k *kernel, e ir.Elem, lanes int, acc value.Value, t []value.Value, have int) {
	before := k.Cur.NewLoad(llvm.NewVector(lanes, emit.RegType(e)), acc, lineBytes)
	sum := r.accumulate(k.Lanes(lanes), e, before, t)
	if have < lanes {
		sum = k.Cur.NewSelect(k.below(lanes, emit.At(have)), sum, before)
	}
	k.Cur.NewStore(sum, acc, lineBytes)
}

// below says of every lane whether its number is below n.
func (k *kernel) below(lanes int, n emit.Bound) value.Value {
	return k.Cur.NewICmp(enum.IPredSLT, llvm.NewIota(types.I64, lanes), k.Cur.NewBroadcast(lanes, n.Value()))
}

// plainElem says that a vector of elements is in memory what it is in a register.
func plainElem(e ir.Elem) bool { return e == ir.F32 || e == ir.F64 || e == ir.I32 }

// inLanes says that a body can be evaluated for as many values of index last as there are lanes: every operand is a vector or one value.
func inLanes(b *ir.Body, last string) bool {
	for i := range b.Nodes {
		n := &b.Nodes[i]
		switch n.Op {
		case ir.Index:
			if n.Elem != ir.I32 {
				return false
			}
		case ir.Read:
			if !plainElem(n.Elem) {
				return false
			}
			for d, a := range n.At {
				if a.Index == last && (d != len(n.At)-1 || !a.Unit()) {
					return false
				}
			}
		}
	}
	return true
}

// foldDirect folds elements first..first+n of the reduced box, n > 0, and those at the same place of the planes after it, planes in all. It returns
// the lanes of every result for each.
func (r *reduction) foldDirect(k *kernel, first, n emit.Bound, planes int) ([][]value.Value, error) {
	op := r.op
	last := op.Over[len(op.Over)-1]
	width := last.Hi - last.Lo
	lanes := r.registerLanes()
	vector := func(e ir.Elem) types.Type { return llvm.NewVector(lanes, emit.RegType(e)) }
	accs := make([][][]value.Value, planes) // by plane, result and register
	for p := range accs {
		accs[p] = make([][]value.Value, len(op.Results))
		for i, res := range op.Results {
			for part := range canonLanes / lanes {
				acc := k.Func.NewAlloca(vector(res.Elem))
				k.Cur.NewStore(r.begin(k, res.Elem, lanes, k.Add(n, emit.At(-part*lanes))), acc, lineBytes)
				accs[p][i] = append(accs[p][i], acc)
			}
		}
	}
	var failed error
	counts := make([]int, len(op.Over))
	for d, x := range op.Over {
		counts[d] = x.Hi - x.Lo
	}
	point := func(p, part, have int) {
		if r.before != nil {
			failed = firstError(failed, r.make(k, lanes))
		}
		ts, err := r.termsOf(&op.Pieces[0].Body, func(want []int) ([]value.Value, error) {
			return k.evalLanes(&op.Pieces[0].Body, want, last.Index, lanes, r.made)
		})
		if failed = firstError(failed, err); failed != nil {
			return
		}
		for i, res := range op.Results {
			r.include(k, res.Elem, lanes, accs[p][i][part], ts[i], have)
		}
	}
	// Rows, the first and the last of which may be in part of another block.
	end := k.Add(first, n)
	row0 := emit.Bound{V: k.Cur.NewSDiv(first.Value(), k.I64(width))}
	row1 := emit.Bound{V: k.Cur.NewSDiv(k.Add(end, emit.At(width-1)).Value(), k.I64(width))}
	k.Loop(row0, row1, 1, emit.Plain, func(row emit.Bound) {
		begin := k.Scale(row, width)
		from := k.Maximum(k.Add(first, k.Scale(begin, -1)), emit.At(0))
		to := k.Minimum(k.Add(end, k.Scale(begin, -1)), emit.At(width))
		coords := k.digits(begin, counts)
		for d, x := range op.Over {
			coords[d] = k.Add(coords[d], emit.At(x.Lo))
			k.Index[x.Index] = coords[d]
		}
		whole := width - r.rest()
		k.Loop(from, k.Minimum(to, emit.At(whole)), canonLanes, emit.Plain, func(x emit.Bound) {
			k.Index[last.Index] = k.Add(x, emit.At(last.Lo))
			failed = firstError(failed, r.askSoon(k))
			for part := range canonLanes / lanes {
				k.Index[last.Index] = k.Add(x, emit.At(last.Lo+part*lanes))
				for p := range planes {
					if planes > 1 {
						k.Index[op.Over[0].Index] = k.Add(coords[0], emit.At(p))
					}
					point(p, part, lanes)
				}
			}
		})
		if whole < width {
			k.When(k.Cur.NewICmp(enum.IPredSGT, to.Value(), k.I64(whole)), func() {
				for at := whole; at < width; at += lanes {
					k.Index[last.Index] = emit.At(at + last.Lo)
					point(0, (at-whole)/lanes, min(width-at, lanes))
				}
			})
		}
	})
	out := make([][]value.Value, planes)
	for p := range out {
		for i, res := range op.Results {
			var whole []value.Value
			for _, acc := range accs[p][i] {
				whole = append(whole, k.Cur.NewLoad(vector(res.Elem), acc, lineBytes))
			}
			out[p] = append(out[p], k.join(whole))
		}
	}
	return out, failed
}

// registerLanes is how many lanes a register has, if all lanes of a sum do not fit into one.
func (r *reduction) registerLanes() int {
	lanes := canonLanes
	for _, res := range r.op.Results {
		lanes = min(lanes, vectorBytes()/storageBytes(res.Elem))
	}
	return lanes
}

// join puts vectors, a power of two of them, one behind the other.
func (k *kernel) join(vs []value.Value) value.Value {
	for ; len(vs) > 1; vs = vs[:len(vs)/2] {
		n := len(vs)
		lanes := int(vs[0].Type().(*types.VectorType).Len)
		mask := make([]int, 2*lanes)
		for i := range mask {
			mask[i] = i
		}
		for i := range n / 2 {
			vs[i] = k.Cur.NewShuffleVector(vs[2*i], vs[2*i+1], llvm.NewMask(mask...))
		}
	}
	return vs[0]
}

// evalLanes is [kernel.eval] for as many values of index last as there are lanes, from the current one on. Of
// values that are being made reads take what there is.
func (k *kernel) evalLanes(b *ir.Body, want []int, last string, lanes int, made map[string]value.Value) ([]value.Value, error) {
	return k.evalVectors(b, want, lanes, func(i int) (value.Value, error) {
		n := &b.Nodes[i]
		if n.Op == ir.Index {
			return k.indices(n.Name, last, lanes)
		}
		if v := made[n.Name]; v != nil {
			return v, nil
		}
		at, err := k.coords(n.At)
		if err != nil {
			return nil, err
		}
		p := k.address(k.e.vals[n.Name].slot, at)
		if len(n.At) == 0 || n.At[len(n.At)-1].Index != last {
			return k.Cur.NewBroadcast(lanes, k.Cur.NewLoad(emit.MemType(n.Elem), p, storageBytes(n.Elem))), nil
		}
		return k.loadVector(n.Elem, lanes, p), nil
	})
}

// indices are the values of an index where index last runs through the lanes.
func (k *kernel) indices(name, last string, lanes int) (value.Value, error) {
	x, ok := k.Index[name]
	if !ok {
		return nil, fmt.Errorf("no index %s", name)
	}
	v := k.Cur.NewBroadcast(lanes, k.Cur.NewTrunc(x.Value(), types.I32))
	if name != last {
		return v, nil
	}
	return k.Cur.NewAdd(v, llvm.NewIota(types.I32, lanes)), nil
}

// evalVectors is [kernel.eval] with a vector of lanes for every node; read gives those of read nodes and indices.
func (k *kernel) evalVectors(b *ir.Body, want []int, lanes int, read func(i int) (value.Value, error)) ([]value.Value, error) {
	vals := make([]value.Value, len(b.Nodes))
	live := (&ir.Body{Nodes: b.Nodes, Results: want}).Live()
	for i := range b.Nodes {
		if !live[i] {
			continue
		}
		n := &b.Nodes[i]
		var err error
		switch n.Op {
		case ir.Const:
			vals[i] = k.Lanes(lanes).Constant(n)
		case ir.Scalar:
			vals[i] = k.Cur.NewBroadcast(lanes, k.scalars[scalarKey{n.Name, n.Elem}])
		case ir.Read, ir.Index:
			vals[i], err = read(i)
		default:
			args := make([]value.Value, len(n.Args))
			for j, a := range n.Args {
				args[j] = vals[a]
			}
			vals[i], err = k.Lanes(lanes).ApplyIn(b, n, args)
		}
		if err != nil {
			return nil, err
		}
	}
	out := make([]value.Value, len(want))
	for i, w := range want {
		out[i] = vals[w]
	}
	return out, nil
}

// loadVector reads the elements from an address on; their type is plain.
func (k *kernel) loadVector(e ir.Elem, lanes int, p value.Value) value.Value {
	t := llvm.NewVector(lanes, emit.MemType(e))
	return k.Cur.NewLoad(t, k.Cur.NewBitCast(p, types.NewPointer(t)), storageBytes(e))
}
