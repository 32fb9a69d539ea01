package cpu

import (
	"fmt"
	"slices"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// A group of blocks of rows that reads and writes more than the caches hold is bound by the memory, which must be busy all the time: results go
// past the caches, with a copy for the operations that read them again, and operations that find all they need in the second cache ask for
// the block after this one, each for some of the operands.

// ask is an operand of the next block that an operation asks for while it goes over its own: the line at its place, size rows on.
type ask struct {
	name string
	dims []int // per dimension of the operand: the leading dimension it is, or -1 for the one along the rows
	size int
	rows uint // bit i: in rows whose number is i modulo askRows
}

// askRows is into how many parts the rows of an operand are divided, so that several operations may ask for it.
const askRows = 4

// pastBytes is from how much on; tests change it.
var pastBytes = func() int64 { return int64(machineCaches().Last / 4) }

// streams says that what the group moves does not stay in the last cache.
func (x *group) streams(g *fn) bool { return x.traffic(g) > pastBytes() }

// alongRow is the index of an operation along the rows of large values, and its range: it has this dimension beside the leading ones, and no other.
func (x *group) alongRow(op *ir.Op) (r ir.Range, ok bool) {
	u := len(x.units) + 1
	switch all := slices.Concat(op.Dom, op.Over); {
	case len(all) != u+1:
		return r, false
	default:
		return all[u], true
	}
}

// asks divides the operands that come from memory among the operations whose results stay in the caches, by what these compute.
func (x *group) asks(g *fn) map[int][]ask {
	out := map[int][]ask{}
	if !x.streams(g) {
		return out
	}
	var free []int
	var operands []ask
	width, total := 0, 0
	for i := x.lo; i < x.hi; i++ {
		op := &g.ops[i]
		along, ok := x.alongRow(op)
		if !ok || width > 0 && along.Hi-along.Lo != width {
			continue
		}
		width = along.Hi - along.Lo
		for _, n := range reads(op) {
			if a, ok := x.ask(op, n, along.Index); ok && !makes(g.ops[x.lo:x.hi], n.Name) && !slices.ContainsFunc(operands, func(b ask) bool { return b.name == a.name }) {
				operands = append(operands, a)
			}
		}
		if c := x.computes(op); c > 0 {
			free = append(free, i)
			total += c
		}
	}
	part, sum := 0, 0
	parts := len(operands) * askRows
	for _, i := range free {
		sum += x.computes(&g.ops[i])
		for ; part*total < sum*parts; part++ {
			a := operands[part/askRows]
			a.rows = 1 << (part % askRows)
			if n := len(out[i]); n > 0 && out[i][n-1].name == a.name {
				out[i][n-1].rows |= a.rows
				continue
			}
			out[i] = append(out[i], a)
		}
	}
	return out
}

// ask is what asks for a read of an operation, if that has all leading dimensions and the one along the rows.
func (x *group) ask(op *ir.Op, n *ir.Node, along string) (a ask, ok bool) {
	a = ask{name: n.Name, size: x.size}
	for d, at := range n.At {
		k := slices.IndexFunc(op.Dom[:len(x.units)+1], func(r ir.Range) bool { return r.Index == at.Index })
		if k < 0 && (at.Index != along || d != len(n.At)-1 || !at.Unit() || at.Off != 0) {
			return a, false
		}
		a.dims = append(a.dims, k)
	}
	return a, len(a.dims) == len(x.units)+2
}

// computes is about what an operation computes for an element while the memory has nothing to do, 0 if it writes to the memory, or has no place to ask.
func (x *group) computes(op *ir.Op) int {
	n := len(op.Pieces[0].Body.Nodes)
	switch {
	case op.Kind == ir.Reduce && op.Order.Kind == ir.Seq:
		return 8 * n
	case op.Kind == ir.Reduce:
		return n
	case !inVectors(op) || slices.ContainsFunc(op.Results, func(r ir.Result) bool { return !x.local["%"+r.Name] }):
		return 0
	}
	return n
}

// makes says that one of the operations makes a value.
func makes(ops []ir.Op, name string) bool {
	return slices.ContainsFunc(ops, func(op ir.Op) bool {
		return slices.ContainsFunc(op.Results, func(r ir.Result) bool { return "%"+r.Name == name })
	})
}

// inVectors says that a map computes as many elements along its last dimension as there are lanes at a time.
func inVectors(op *ir.Op) bool {
	n := len(op.Dom)
	if n == 0 || len(op.Pieces) != 1 || op.Dom[n-1].Hi-op.Dom[n-1].Lo < canonLanes {
		return false
	}
	for d, r := range op.Dom {
		if op.Pieces[0].Box[d] != (ir.Interval{Lo: r.Lo, Hi: r.Hi}) {
			return false
		}
	}
	for _, r := range op.Results {
		if !plainElem(r.Elem) {
			return false
		}
	}
	return inLanes(&op.Pieces[0].Body, op.Dom[n-1].Index)
}

// ahead asks for the lines of operands at the current place along index along, for operation op; number is the row's modulo askRows, -1 if it is not
// known.
func (k *kernel) ahead(asks []ask, op *ir.Op, along string, number int) {
	for _, a := range asks {
		v := k.e.vals[a.name]
		lead := len(a.dims) - 2 // the one in blocks
		row := k.Index[op.Dom[lead].Index]
		fetch := func() {
			at := make([]emit.Bound, len(a.dims))
			for d, i := range a.dims {
				at[d] = k.Index[along]
				if i >= 0 {
					at[d] = k.Index[op.Dom[i].Index]
				}
				if i == lead {
					at[d] = k.Add(at[d], emit.At(a.size))
				}
			}
			k.ask(v.slot, at)
		}
		switch {
		case a.rows == 1<<askRows-1 || number >= 0 && a.rows>>number&1 == 1:
			fetch()
		case number < 0:
			bit := k.Cur.NewAnd(k.Cur.NewLShr(k.I64(int(a.rows)), k.Cur.NewAnd(row.Value(), k.I64(askRows-1))), k.I64(1))
			k.When(k.Cur.NewICmp(enum.IPredNE, bit, k.I64(0)), fetch)
		}
	}
}

// withAsks adds the operands that are asked for to the buffers of a kernel.
func (e *emitter) withAsks(slots []int) []int {
	if e.grouping == nil {
		return slots
	}
	for _, a := range e.grouping.asks {
		if s := e.vals[a.name].slot; !slices.Contains(slots, s) {
			slots = append(slots, s)
		}
	}
	return slots
}

// mapLanes are how many elements of a map are computed at a time, and how many of what is left: vectors of 8 lanes go by fours, since what instructions
// wait for must be found near them.
func mapLanes() []int {
	if vectorBytes() == 32 {
		return []int{2 * canonLanes, canonLanes}
	}
	return []int{canonLanes}
}

// vectorMap emits a map of a group, vector by vector. Results of a group of rows that others than the group read go past the caches; those that the
// group reads, too, are copied into a tile.
func (t *tile) vectorMap(op *ir.Op, i int) error {
	type target struct {
		slot   int
		copied *val // the tile
		past   bool
	}
	var targets []target
	last := op.Dom[len(op.Dom)-1]
	for _, r := range op.Results {
		name := "%" + r.Name
		to := target{slot: t.vals[name].slot}
		l := t.e.layouts[to.slot]
		line := lineBytes / storageBytes(l.elem)
		aligned := (l.base+last.Lo)%line == 0
		for _, s := range l.stride[:len(l.stride)-1] {
			aligned = aligned && s%line == 0
		}
		to.past = t.past && !t.x.local[name] && aligned
		again := false
		for j := i + 1; j < t.x.hi; j++ {
			again = again || slices.ContainsFunc(reads(&t.g.ops[j]), func(n *ir.Node) bool { return n.Name == name })
		}
		if to.past && again {
			v := *t.vals[name]
			v.box = nil
			for _, d := range op.Dom {
				v.box = append(v.box, ir.Interval{Lo: d.Lo, Hi: d.Hi})
			}
			v.slot = t.e.tile(v.elem, v.box)
			to.copied = &v
		}
		targets = append(targets, to)
	}
	slots, scalars, err := t.e.uses(op)
	if err != nil {
		return err
	}
	for _, to := range targets {
		if to.copied != nil {
			slots = append(slots, to.copied.slot)
		}
	}
	slots = t.e.withAsks(slots)
	s := splitDim([][]ir.Interval{op.Pieces[0].Box}, len(op.Dom)-1)
	sym := t.e.grouping.next()
	l := launch{sym: sym, lo: op.Dom[s].Lo, hi: op.Dom[s].Hi, work: work(op, len(op.Results))}
	b := &op.Pieces[0].Body
	err = t.e.kernel(sym, slots, scalars, func(k *kernel) error {
		var failed error
		var visit func(d int)
		visit = func(d int) {
			r := op.Dom[d]
			if d < len(op.Dom)-1 {
				lo, hi := emit.At(r.Lo), emit.At(r.Hi)
				if d == s {
					lo, hi = emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}
				}
				k.Loop(lo, hi, 1, emit.Plain, func(x emit.Bound) {
					k.Index[r.Index] = x
					visit(d + 1)
				})
				return
			}
			end := r.Lo
			for _, lanes := range mapLanes() {
				from := end
				end += (r.Hi - from) / lanes * lanes
				k.Loop(emit.At(from), emit.At(end), lanes, emit.Plain, func(x emit.Bound) {
					for line := 0; line < lanes; line += canonLanes {
						k.Index[r.Index] = k.Add(x, emit.At(line))
						k.ahead(t.e.grouping.asks, op, r.Index, -1)
					}
					k.Index[r.Index] = x
					vals, err := k.evalLanes(b, b.Results, r.Index, lanes, nil)
					if err != nil {
						failed = firstError(failed, err)
						return
					}
					for j, to := range targets {
						e := op.Results[j].Elem
						pointer := func(slot, lanes int) value.Value {
							return k.Cur.NewBitCast(k.address(slot, k.domCoords(op)), types.NewPointer(llvm.NewVector(lanes, emit.MemType(e))))
						}
						put := func(slot int, past bool) {
							if !past {
								k.Cur.NewStore(vals[j], pointer(slot, lanes), storageBytes(e))
								return
							}
							line := lineBytes / storageBytes(e)
							for at := 0; at < lanes; at += line {
								k.Index[r.Index] = k.Add(x, emit.At(at))
								streamStore(k.Cur, k.part(vals[j], at, line), pointer(slot, line), lineBytes)
							}
							k.Index[r.Index] = x
						}
						put(to.slot, to.past)
						if to.copied != nil {
							put(to.copied.slot, false)
						}
					}
				})
			}
			k.Loop(emit.At(end), emit.At(r.Hi), 1, emit.Plain, func(x emit.Bound) {
				k.Index[r.Index] = x
				vals, err := k.eval(b, b.Results)
				if err != nil {
					failed = firstError(failed, err)
					return
				}
				for j, to := range targets {
					k.store(op.Results[j].Elem, vals[j], k.address(to.slot, k.domCoords(op)))
					if to.copied != nil {
						k.store(op.Results[j].Elem, vals[j], k.address(to.copied.slot, k.domCoords(op)))
					}
				}
			})
		}
		visit(0)
		return failed
	})
	if err != nil {
		return fmt.Errorf("%s: %w", opName(op), err)
	}
	t.call(l, op)
	for j, to := range targets {
		if to.copied != nil {
			name := "%" + op.Results[j].Name
			t.vals[name], t.copied[name] = to.copied, true
		}
	}
	return nil
}
