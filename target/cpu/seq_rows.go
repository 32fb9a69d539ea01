package cpu

import (
	"slices"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// rowsAtATime is how many sums of a row each are followed at the same time where they cannot be vectorised: each must wait for its last
// addition, so that several side by side cost no more than one.
const rowsAtATime = 8

// wholePiece says that one piece covers the whole domain.
func (r *reduction) wholePiece() bool {
	if len(r.op.Pieces) != 1 {
		return false
	}
	for d, rg := range append(append([]ir.Range(nil), r.op.Dom...), r.op.Over...) {
		if r.boxes[0][d] != (ir.Interval{Lo: rg.Lo, Hi: rg.Hi}) {
			return false
		}
	}
	return true
}

// rowsPay says that sums are followed several at a time.
func (r *reduction) rowsPay() bool {
	n := len(r.op.Dom)
	const longBody = 40
	return n > 0 && r.wholePiece() && r.op.Dom[n-1].Hi-r.op.Dom[n-1].Lo >= rowsAtATime && len(r.op.Pieces[0].Body.Nodes) <= longBody
}

// seqRows emits the ascending order for blocks of rows of the last output index: unit = (other output indices, block); the last block has
// the rows that are left, one by one.
func (r *reduction) seqRows(sym string) ([]launch, error) {
	op := r.op
	last := op.Dom[len(op.Dom)-1]
	width := last.Hi - last.Lo
	size, turned := rowsAtATime, r.turnedLanes()
	if turned > 0 {
		size = turned * max(1, min(squaresAbreast(), width/turned))
	}
	blocks := width / size
	units := (width + size - 1) / size
	l := launch{sym: sym, lo: 0, hi: units, work: work(op, 1)}
	var counts []int
	for _, d := range op.Dom[:len(op.Dom)-1] {
		counts = append(counts, d.Hi-d.Lo)
		l.hi *= d.Hi - d.Lo
	}
	counts = append(counts, units)
	over, boxes := r.overDims()
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		accs := make([][]value.Value, rowsAtATime)
		for u := range accs {
			accs[u] = r.accumulators(k)
		}
		// rows folds n rows from row on.
		rows := func(row emit.Bound, n int) {
			for u := range n {
				r.reset(k, accs[u])
			}
			k.Nest(over, 0, len(over), boxes, r.all, emit.Plain, func(in []int) {
				for u := range n {
					k.Index[last.Index] = k.Add(row, emit.At(u))
					ts, err := r.terms(k, in[len(in)-1])
					if err != nil {
						failed = firstError(failed, err)
						return
					}
					for i, res := range op.Results {
						acc := k.Cur.NewLoad(emit.RegType(res.Elem), accs[u][i], lineBytes)
						k.Cur.NewStore(r.accumulate(k.Calc(), res.Elem, acc, ts[i]), accs[u][i], lineBytes)
					}
				}
			})
			for u := range n {
				k.Index[last.Index] = k.Add(row, emit.At(u))
				r.finish(k, accs[u], func(i int) value.Value { return r.result(k, i) })
			}
		}
		k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, func(u emit.Bound) {
			d := k.digits(u, counts)
			for i, x := range op.Dom[:len(op.Dom)-1] {
				k.Index[x.Index] = k.Add(d[i], emit.At(x.Lo))
			}
			blk := d[len(d)-1]
			first := k.Add(k.Scale(blk, size), emit.At(last.Lo))
			k.either(blk, blocks, units, func() {
				if turned == 0 {
					rows(first, size)
					return
				}
				failed = firstError(failed, r.turnedRows(k, first, turned, size/turned))
			}, func() {
				row := last.Lo + blocks*size
				if n := last.Hi - row; turned > 0 && n >= turned {
					failed = firstError(failed, r.turnedRows(k, emit.At(row), turned, n/turned))
					row += n / turned * turned
				}
				if last.Hi-row >= rowsAtATime {
					rows(emit.At(row), rowsAtATime)
					row += rowsAtATime
				}
				k.Loop(emit.At(row), emit.At(last.Hi), 1, emit.Plain, func(row emit.Bound) { rows(row, 1) })
			})
		})
		return failed
	})
	return []launch{l}, err
}

// turnedLanes is how many rows go side by side in the lanes of a vector, 0 when the terms do not allow it: all their operands must be read along
// the rows, along the lanes, or be the same in all of them.
func (r *reduction) turnedLanes() int {
	op := r.op
	row, along := op.Dom[len(op.Dom)-1], op.Over[len(op.Over)-1]
	lanes := vectorBytes() / 4
	const longBody = 12 // it is there for every column of a square
	b := &op.Pieces[0].Body
	if row.Hi-row.Lo < lanes || along.Hi-along.Lo < lanes || len(b.Nodes) > longBody {
		return 0
	}
	for _, res := range op.Results {
		if res.Elem != ir.F32 {
			return 0
		}
	}
	for i := range b.Nodes {
		n := &b.Nodes[i]
		if n.Op == ir.Index || n.Op == ir.Read && !plainElem(n.Elem) {
			return 0
		}
		if n.Op != ir.Read {
			continue
		}
		rows, alongs := 0, 0
		for d, a := range n.At {
			switch a.Index {
			case row.Index:
				rows++
			case along.Index:
				alongs++
			default:
				continue
			}
			if !a.Unit() || a.Index == along.Index && d != len(n.At)-1 {
				return 0
			}
		}
		if rows > 1 || alongs > 1 {
			return 0
		}
	}
	return lanes
}

// squaresAbreast is how many squares go side by side: each is a chain of as many additions as it has columns, during which a core turns two squares of
// 8 x 8, or one of 16 x 16.
func squaresAbreast() int { return max(1, 64/vectorBytes()) }

// turnedRows folds n times lanes rows from row on, each in a lane of its own: squares of every operand are turned in registers, so that the columns of
// the square are vectors of rows.
func (r *reduction) turnedRows(k *kernel, row emit.Bound, lanes, n int) error {
	op := r.op
	rows, along := op.Dom[len(op.Dom)-1].Index, op.Over[len(op.Over)-1]
	b := &op.Pieces[0].Body
	reads := func(i int, index string) bool {
		return slices.ContainsFunc(b.Nodes[i].At, func(a ir.Affine) bool { return a.Index == index })
	}
	address := func(i int, row, x emit.Bound) (value.Value, error) {
		k.Index[rows], k.Index[along.Index] = row, x
		c, err := k.coords(b.Nodes[i].At)
		if err != nil {
			return nil, err
		}
		return k.address(k.e.vals[b.Nodes[i].Name].slot, c), nil
	}
	// column gives an operand's vector at x for the rows from row on, element by element where it does not lie so.
	column := func(i int, row, x emit.Bound) (value.Value, error) {
		n := &b.Nodes[i]
		p, err := address(i, row, x)
		switch {
		case err != nil:
			return nil, err
		case !reads(i, rows):
			return k.Cur.NewBroadcast(lanes, k.Cur.NewLoad(emit.MemType(n.Elem), p, storageBytes(n.Elem))), nil
		case n.At[len(n.At)-1].Index == rows:
			return k.loadVector(n.Elem, lanes, p), nil
		}
		var v value.Value = constant.NewUndef(llvm.NewVector(lanes, emit.MemType(n.Elem)))
		for l := range lanes {
			p, err := address(i, k.Add(row, emit.At(l)), x)
			if err != nil {
				return nil, err
			}
			v = k.Cur.NewInsertElement(v, k.Cur.NewLoad(emit.MemType(n.Elem), p, storageBytes(n.Elem)), l)
		}
		return v, nil
	}
	vector := llvm.NewVector(lanes, types.Float)
	accs := make([][]value.Value, n)
	for u := range accs {
		for _, res := range op.Results {
			acc := k.Func.NewAlloca(vector)
			k.Cur.NewStore(r.start(k.Lanes(lanes), res.Elem), acc, lineBytes)
			accs[u] = append(accs[u], acc)
		}
	}
	first := func(u int) emit.Bound { return k.Add(row, emit.At(u*lanes)) }
	fold := func(u int, read func(i int) (value.Value, error)) error {
		ts, err := r.termsOf(b, func(want []int) ([]value.Value, error) { return k.evalVectors(b, want, lanes, read) })
		if err != nil {
			return err
		}
		for i, res := range op.Results {
			acc := k.Cur.NewLoad(vector, accs[u][i], lineBytes)
			k.Cur.NewStore(r.accumulate(k.Lanes(lanes), res.Elem, acc, ts[i]), accs[u][i], lineBytes)
		}
		return nil
	}
	var failed error
	// square folds lanes columns from x on.
	square := func(u int, x emit.Bound) {
		squares := map[int][]value.Value{}
		for i := range b.Nodes {
			if b.Nodes[i].Op != ir.Read || !reads(i, rows) || !reads(i, along.Index) {
				continue
			}
			var err error
			squares[i], err = k.turnedSquare(b.Nodes[i].Elem, lanes, func(row2, x2 int) (value.Value, error) {
				return address(i, k.Add(first(u), emit.At(row2)), k.Add(x, emit.At(x2)))
			})
			if failed = firstError(failed, err); failed != nil {
				return
			}
		}
		for j := range lanes {
			failed = firstError(failed, fold(u, func(i int) (value.Value, error) {
				if s := squares[i]; s != nil {
					return s[j], nil
				}
				return column(i, first(u), k.Add(x, emit.At(j)))
			}))
		}
	}
	k.numbered(op.Over[:len(op.Over)-1], emit.Plain, func(emit.Bound) {
		end := along.Lo + (along.Hi-along.Lo)/lanes*lanes
		k.Loop(emit.At(along.Lo), emit.At(end), lanes, emit.Plain, func(x emit.Bound) {
			if g := r.e.grouping; g != nil && len(g.asks) > 0 {
				ask := func() {
					k.Index[along.Index] = x
					for l := range n * lanes {
						k.Index[rows] = k.Add(row, emit.At(l))
						k.ahead(g.asks, op, along.Index, l%askRows)
					}
				}
				if lanes < canonLanes { // once a line
					k.When(k.Cur.NewICmp(enum.IPredEQ, k.Cur.NewAnd(x.Value(), k.I64(int(canonLanes-lanes))), k.I64(0)), ask)
				} else {
					ask()
				}
			}
			for u := range n {
				square(u, x)
			}
		})
		k.Loop(emit.At(end), emit.At(along.Hi), 1, emit.Plain, func(x emit.Bound) {
			for u := range n {
				failed = firstError(failed, fold(u, func(i int) (value.Value, error) { return column(i, first(u), x) }))
			}
		})
	})
	for u := range n {
		k.Index[rows] = first(u)
		for i := range op.Results {
			sum := k.Cur.NewLoad(vector, accs[u][i], lineBytes)
			k.Cur.NewStore(sum, k.Cur.NewBitCast(r.result(k, i), types.NewPointer(vector)), 4)
		}
	}
	return failed
}

// quarter is how many elements of a row a square takes at a time: registers are put together of such parts while they are loaded, which leaves the
// two finer exchanges of a transposition to the one unit that does them.
const quarter = 4

// turnedSquare reads a square of lanes x lanes elements, whose addresses by row and column are given, and returns its columns.
func (k *kernel) turnedSquare(e ir.Elem, lanes int, address func(row, x int) (value.Value, error)) (columns []value.Value, err error) {
	for x := 0; x < lanes; x += quarter {
		var parts []value.Value // vectors of quarters of every fourth row
		for first := range quarter {
			var list []value.Value
			for row := first; row < lanes; row += quarter {
				p, err := address(row, x)
				if err != nil {
					return nil, err
				}
				list = append(list, k.loadVector(e, quarter, p))
			}
			for ; len(list) > 1; list = list[:len(list)/2] {
				for i := range len(list) / 2 {
					list[i] = k.beside(list[2*i], list[2*i+1])
				}
			}
			parts = append(parts, list[0])
		}
		columns = append(columns, transposeParts(k.Cur, parts, lanes)...)
	}
	return columns, nil
}

// beside is the lanes of two vectors in one.
func (k *kernel) beside(a, b value.Value) value.Value {
	lanes := make([]int, 2*a.Type().(*types.VectorType).Len)
	for i := range lanes {
		lanes[i] = i
	}
	return k.Cur.NewShuffleVector(a, b, llvm.NewMask(lanes...))
}

// part is n lanes of a vector from lane at on.
func (k *kernel) part(v value.Value, at, n int) value.Value {
	lanes := make([]int, n)
	for i := range lanes {
		lanes[i] = at + i
	}
	return k.Cur.NewShuffleVector(v, constant.NewUndef(v.Type()), llvm.NewMask(lanes...))
}
