package cpu

import (
	"fmt"
	"slices"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// A kernel of planes is void k(char **args, i64 plane, i64 lo, i64 hi): it computes rows [lo, hi) of one plane, or columns [lo, hi) of a row
// where values have two axes. Its arguments are addresses of planes, at row 0 and column 0, so it does not know whether they lie in
// the arrays or in rings. Along the contiguous axis it consists of whole vectors, with masks at the ends.

// planeEmit is one kernel of planes being emitted.
type planeEmit struct {
	*emit.Gen
	s       *sweep
	st      *planeOp
	params  map[string]*llvm.Param // by planeArg.key
	words   map[scalarKey]value.Value
	variant int
	first   emit.Bound  // plane
	step    int         // the current one after it
	fetches value.Value // what is to be asked for, see fetchArgs
	rows    value.Value // the same, of a kernel for several planes, see askAhead
	lane    int         // elements of a vector
	mask    value.Value // elements that are stored; nil: all
	err     error
}

func (a planeArg) key() string {
	if a.kind == argResult {
		return fmt.Sprintf("result %d %d", a.index, a.plane)
	}
	return fmt.Sprintf("%d %s %d %d", a.kind, a.name, a.plane, a.index)
}

// emit compiles the kernels of all stages.
func (s *sweep) emit(e *emitter) error {
	stages := slices.Clone(s.stages)
	for _, st := range s.stages {
		stages = append(stages, st.kept...)
	}
	for i := range s.arrays {
		if st := s.copies[i]; st != nil {
			stages = append(stages, st)
		}
	}
	for _, st := range stages {
		if st.alias || st.number {
			continue
		}
		for i := range st.runs {
			for v := range variants {
				if v&pastCaches != 0 && !st.final || v&jammed != 0 && !st.runs[i].jam {
					continue
				}
				if err := s.emitRun(e, st, &st.runs[i], v); err != nil {
					return fmt.Errorf("%s: %w", opName(st.op), err)
				}
			}
		}
	}
	s.emitDriver(e)
	return nil
}

// emitRun emits the kernel of a run.
func (s *sweep) emitRun(e *emitter, st *planeOp, run *planeRun, variant int) error {
	e.m = llvm.NewModule()
	k := &planeEmit{s: s, st: st, params: map[string]*llvm.Param{}, words: map[scalarKey]value.Value{}, variant: variant}
	var args []planeArg
	var params []*llvm.Param
	var keys []scalarKey
	param := func(a planeArg, t types.Type, attrs ...llvm.Attribute) {
		p := llvm.NewParam(fmt.Sprintf("p%d", len(params)), t, attrs...)
		k.params[a.key()] = p
		params, args = append(params, p), append(args, a)
	}
	for k.step = range k.planes() {
		for i, r := range st.op.Results {
			param(planeArg{kind: argResult, index: i, plane: k.step}, types.NewPointer(emit.MemType(r.Elem)), enum.ParamAttrNoAlias)
		}
	}
	for _, pc := range run.pieces {
		for i := range st.op.Pieces[pc].Body.Nodes {
			n := &st.op.Pieces[pc].Body.Nodes[i]
			switch n.Op {
			case ir.Read:
				for k.step = range k.planes() {
					if a := k.argOf(n); k.params[a.key()] == nil {
						param(a, types.NewPointer(emit.MemType(n.Elem)), enum.ParamAttrNoAlias)
					}
				}
			case ir.Scalar:
				if key := (scalarKey{n.Name, n.Elem}); !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
		}
	}
	pointers := len(params)
	for _, key := range keys {
		a := planeArg{kind: argWord, index: e.words[key]}
		p := llvm.NewParam(fmt.Sprintf("p%d", len(params)), emit.RegType(key.elem))
		k.words[key] = p
		params, args = append(params, p), append(args, a)
	}
	if len(args) > mostArgs {
		return fmt.Errorf("%d planes and scalars in one operation, more than %d", len(args), mostArgs)
	}
	plane, lo, hi := llvm.NewParam("plane", types.I64), llvm.NewParam("lo", types.I64), llvm.NewParam("hi", types.I64)
	fetches := llvm.NewParam("fetches", types.NewPointer(types.I64))
	k.fetches = fetches
	f := e.m.NewFunc("kernel.body", types.Void, append(slices.Clone(params), plane, lo, hi, fetches)...)
	f.Linkage = enum.LinkageInternal
	f.Vectorise()
	k.Gen = &emit.Gen{Module: e.m, Func: f, Cur: f.NewBlock("entry"), Index: map[string]emit.Bound{}, Half: e.half}
	k.body(run, emit.Bound{V: plane}, emit.Bound{V: lo}, emit.Bound{V: hi})
	if k.err != nil {
		return k.err
	}
	k.Cur.NewRet(nil)

	word := types.NewPointer(types.I8)
	table := llvm.NewParam("args", types.NewPointer(word), enum.ParamAttrNoAlias, enum.ParamAttrReadOnly)
	oplane, olo, ohi := llvm.NewParam("plane", types.I64), llvm.NewParam("lo", types.I64), llvm.NewParam("hi", types.I64)
	w := e.m.NewFunc("kernel", types.Void, table, oplane, olo, ohi)
	b := w.NewBlock("entry")
	var actual []value.Value
	for i, p := range params {
		at := b.NewGetElementPtr(word, table, constant.NewInt(types.I64, int64(i)))
		if i < pointers {
			actual = append(actual, b.NewBitCast(b.NewLoad(word, at, 8), p.Typ))
			continue
		}
		elem := keys[i-pointers].elem
		t := emit.MemType(elem)
		if elem == ir.F16 {
			t = types.Float
		}
		v := b.NewLoad(t, b.NewBitCast(at, types.NewPointer(t)), 8)
		if elem == ir.Bool {
			v = b.NewTrunc(v, types.I1)
		}
		actual = append(actual, v)
	}
	rest := b.NewBitCast(b.NewGetElementPtr(word, table, constant.NewInt(types.I64, int64(len(params)))), types.NewPointer(types.I64))
	b.NewCall(f, append(actual, oplane, olo, ohi, rest)...)
	b.NewRet(nil)
	kind := 0
	if variant&jammed != 0 {
		kind = 1
	}
	run.sym[variant], run.args[kind] = e.units.Add(e.m), args
	return nil
}

// planes is how many planes the kernel computes.
func (k *planeEmit) planes() int {
	if k.variant&jammed != 0 {
		return k.s.jam
	}
	return 1
}

// argOf is the parameter that a read needs.
func (k *planeEmit) argOf(n *ir.Node) planeArg {
	root := k.st.root[n.Name]
	if !offsets(k.st.op, n.At) {
		return planeArg{kind: argArray, name: root}
	}
	a := planeArg{kind: argPlane, name: root, plane: n.At[0].Off + k.step}
	if k.st.share && a.plane == 0 && root == k.st.root["%"+k.st.op.Results[0].Name] {
		return planeArg{kind: argResult}
	}
	return a
}

// body emits the loops over rows, and in each the runs of columns with the same piece.
func (k *planeEmit) body(run *planeRun, plane, lo, hi emit.Bound) {
	op := k.st.op
	k.lane = lanesOf(op)
	boxes := k.st.boxes()
	last := op.Dom[k.s.rank-1]
	k.first = plane
	k.rowsAhead()
	columns := func(active []int, from, to emit.Bound) {
		for _, r := range emit.PieceRuns(last.Lo, last.Hi, boxes, k.s.rank-1, active) {
			if len(r.Active) == 0 {
				continue
			}
			a, b := k.Maximum(from, emit.At(r.Lo)), k.Minimum(to, emit.At(r.Hi))
			k.row(&op.Pieces[r.Active[len(r.Active)-1]].Body, a, b)
		}
	}
	wholeRow := func(active []int) {
		var parts []rowPart
		for _, r := range emit.PieceRuns(last.Lo, last.Hi, boxes, k.s.rank-1, active) {
			if len(r.Active) > 0 {
				parts = append(parts, rowPart{&op.Pieces[r.Active[len(r.Active)-1]].Body, r.Lo, r.Hi})
			}
		}
		k.wholeRow(parts)
	}
	if k.s.rank == 2 {
		columns(run.pieces, lo, hi)
		return
	}
	dims := []emit.Dim{{}, {Index: op.Dom[1].Index, Min: op.Dom[1].Lo, Max: op.Dom[1].Hi, Lo: lo, Hi: hi}}
	k.Nest(dims, 1, 2, boxes, run.pieces, emit.Plain, func(active []int) {
		if k.s.fetches() && !k.linewise() {
			k.fetch(last.Lo, last.Hi)
		}
		wholeRow(active)
	})
}

// lanesOf is how many elements a vector has: a line of the results.
func lanesOf(op *ir.Op) int {
	size := 4
	for _, r := range op.Results {
		size = max(size, storageBytes(r.Elem))
	}
	return lineBytes / size
}

// fewColumns are computed one by one: ghosts. A masked vector would hold up the loads after it.
const fewColumns = 2

// row computes columns [a, b) of the current row in vectors that begin at multiples of their length.
func (k *planeEmit) row(b *ir.Body, from, to emit.Bound) {
	n := k.lane
	if from.V == nil && to.V == nil && to.C-from.C <= fewColumns {
		for c := from.C; c < to.C; c++ {
			k.lane = 0
			k.vector(b, emit.At(c), emit.Bound{}, emit.Bound{})
			k.lane = n
		}
		return
	}
	if from.V == nil && to.V == nil {
		first := roundDown(from.C, n)
		full := from.C
		if first != from.C {
			k.vector(b, emit.At(first), from, to)
			full = first + n
		}
		end := roundDown(to.C, n)
		if k.roundEnds(b, from.C, to.C) {
			k.vector(b, emit.At(0), emit.Bound{}, emit.Bound{})
			k.Loop(emit.At(n), emit.At(end-n), n, emit.Plain, func(x emit.Bound) { k.vector(b, x, emit.Bound{}, emit.Bound{}) })
			k.vector(b, emit.At(end-n), emit.Bound{}, emit.Bound{})
			return
		}
		if full < end {
			k.Loop(emit.At(full), emit.At(end), n, emit.Plain, func(x emit.Bound) { k.vector(b, x, emit.Bound{}, emit.Bound{}) })
		}
		if end < to.C && end >= full {
			k.vector(b, emit.At(end), from, to)
		}
		return
	}
	down := func(x emit.Bound) emit.Bound {
		if x.V == nil {
			return emit.At(roundDown(x.C, n))
		}
		return emit.Bound{V: k.Cur.NewAnd(x.V, k.I64(-n))}
	}
	first := down(from)
	full := down(k.Add(from, emit.At(n-1)))
	end := down(to)
	// A first vector that is cut, whole vectors, a last one that is cut.
	k.When(k.Cur.NewAnd(k.Cur.NewICmp(enum.IPredSLT, first.Value(), from.Value()), k.Cur.NewICmp(enum.IPredSLT, from.Value(), to.Value())), func() {
		k.vector(b, first, from, to)
	})
	k.Loop(full, end, n, emit.Plain, func(x emit.Bound) { k.vector(b, x, emit.Bound{}, emit.Bound{}) })
	k.When(k.Cur.NewAnd(k.Cur.NewICmp(enum.IPredSLT, end.Value(), to.Value()), k.Cur.NewICmp(enum.IPredSGE, end.Value(), full.Value())), func() {
		k.vector(b, end, from, to)
	})
}

// vector computes the vector of columns from x on; of those only [from, to) are stored, all when both are zero.
func (k *planeEmit) vector(b *ir.Body, x, from, to emit.Bound) {
	k.mask = nil
	if from != to {
		k.mask = k.between(x, from, to)
	}
	k.askAhead(x)
	k.fetchLine(x)
	k.store(x, k.values(b, x))
}

// between says which columns of the vector from x on are in [from, to).
func (k *planeEmit) between(x, from, to emit.Bound) value.Value {
	col := k.Cur.NewAdd(k.splat(x.Value()), k.iota())
	return k.Cur.NewAnd(k.Cur.NewICmp(enum.IPredSGE, col, k.splat(from.Value())), k.Cur.NewICmp(enum.IPredSLT, col, k.splat(to.Value())))
}

// values are the results of a body for the vector of columns from x on, in every plane. A vector that takes several registers is computed register by
// register: all of it at once would take as many times the registers.
func (k *planeEmit) values(b *ir.Body, x emit.Bound) [][]value.Value {
	whole, parts := k.lane, 1
	if k.lane > 0 {
		parts = max(1, lineBytes/vectorBytes())
	}
	k.lane /= parts
	var all [][][]value.Value // by register
	for i := range parts {
		all = append(all, k.part(b, k.Add(x, emit.At(i*k.lane))))
	}
	k.lane = whole
	for n := parts; n > 1 && k.err == nil; n /= 2 {
		for i := range n / 2 {
			for p := range all[i] {
				for r := range all[i][p] {
					all[i][p][r] = k.join(all[2*i][p][r], all[2*i+1][p][r])
				}
			}
		}
	}
	return all[0]
}

// join is vector a followed by b.
func (k *planeEmit) join(a, b value.Value) value.Value {
	each := make([]int, 2*a.Type().(*types.VectorType).Len)
	for i := range each {
		each[i] = i
	}
	return k.Cur.NewShuffleVector(a, b, llvm.NewMask(each...))
}

// part is values for one register of columns.
func (k *planeEmit) part(b *ir.Body, x emit.Bound) [][]value.Value {
	op := k.st.op
	k.Index[op.Dom[k.s.rank-1].Index] = x
	live := b.Live()
	all := make([][]value.Value, k.planes())
	for k.step = range all {
		k.Index[op.Dom[0].Index] = k.Add(k.first, emit.At(k.step))
		vals := make([]value.Value, len(b.Nodes))
		for i := range b.Nodes {
			if live[i] && k.err == nil {
				vals[i], k.err = k.node(b, i, vals)
			}
		}
		for _, n := range b.Results {
			all[k.step] = append(all[k.step], vals[n])
		}
	}
	return all
}

// store stores what was computed after all is read: planes have operands in common.
func (k *planeEmit) store(x emit.Bound, all [][]value.Value) {
	if k.err != nil {
		return
	}
	for k.step = range all {
		for i, r := range k.st.op.Results {
			p := k.params[planeArg{kind: argResult, index: i, plane: k.step}.key()]
			past := k.variant&pastCaches != 0 && i >= k.st.ringed
			k.put(r.Elem, all[k.step][i], k.place(p, k.st.slots[i], r.Elem, k.row0(), x), past)
		}
	}
}

// row0 is the current row; there is none where values have two axes.
func (k *planeEmit) row0() emit.Bound {
	if k.s.rank == 2 {
		return emit.At(0)
	}
	return k.Index[k.st.op.Dom[1].Index]
}

// place is the address of a column of a row of a plane.
func (k *planeEmit) place(p *llvm.Param, slot int, e ir.Elem, row, col emit.Bound) value.Value {
	return k.Cur.NewGetElementPtr(emit.MemType(e), p, k.element(slot, row, col))
}

// element is the number of an element of a plane.
func (k *planeEmit) element(slot int, row, col emit.Bound) value.Value {
	if k.s.rank == 3 {
		col = k.Add(k.Scale(row, (*k.s.layout)[slot].stride[1]), col)
	}
	return col.Value()
}

func (k *planeEmit) node(b *ir.Body, i int, vals []value.Value) (value.Value, error) {
	n := &b.Nodes[i]
	switch n.Op {
	case ir.Const:
		return k.Lanes(k.lane).Constant(n), nil
	case ir.Scalar:
		return k.splat(k.words[scalarKey{n.Name, n.Elem}]), nil
	case ir.Index:
		x, ok := k.Index[n.Name]
		if !ok {
			return nil, fmt.Errorf("no index %s", n.Name)
		}
		v := k.splat(x.Value())
		if n.Name == k.st.op.Dom[k.s.rank-1].Index && k.lane > 0 {
			v = k.Cur.NewAdd(v, k.iota())
		}
		if n.Elem == ir.I64 {
			return v, nil
		}
		return k.Cur.NewTrunc(v, k.Lanes(k.lane).Typ(types.I32)), nil
	case ir.Read:
		return k.read(n), nil
	}
	if ir.Arity(n.Op) <= 0 || ir.Arity(n.Op) != len(n.Args) {
		return nil, fmt.Errorf("%s cannot be compiled for the CPU: it is not part of canonical IR", n.Op)
	}
	args := make([]value.Value, len(n.Args))
	for j, a := range n.Args {
		args[j] = vals[a]
	}
	return k.Lanes(k.lane).ApplyIn(b, n, args)
}

// read loads a vector, or one value for all of it.
func (k *planeEmit) read(n *ir.Node) value.Value {
	p := k.params[k.argOf(n).key()]
	v := k.s.fn.vals[n.Name]
	slot := 0
	if v != nil {
		slot = v.slot
	} else {
		slot = k.st.slots[0] // a copy
	}
	if offsets(k.st.op, n.At) {
		row := k.row0()
		if k.s.rank == 3 {
			row = k.Add(row, emit.At(n.At[1].Off))
		}
		place := func(col emit.Bound) value.Value { return k.place(p, slot, n.Elem, row, col) }
		col := k.Add(k.Index[k.st.op.Dom[k.s.rank-1].Index], emit.At(n.At[k.s.rank-1].Off))
		if k.crosses(col) {
			return k.getRound(n.Elem, col.C, place)
		}
		return k.get(n.Elem, place(col))
	}
	l := (*k.s.layout)[slot]
	sum := emit.At(0)
	whole := false
	for d, a := range n.At {
		c := emit.At(a.Off)
		if a.Index != "" {
			c = k.Add(k.Index[a.Index], c)
			whole = whole || a.Index == k.st.op.Dom[k.s.rank-1].Index
		}
		sum = k.Add(sum, k.Scale(c, l.stride[d]))
	}
	addr := k.Cur.NewGetElementPtr(emit.MemType(n.Elem), p, sum.Value())
	if whole {
		return k.get(n.Elem, addr)
	}
	one := k.Cur.NewLoad(emit.MemType(n.Elem), addr, storageBytes(n.Elem))
	return k.unpack(n.Elem, k.splat(one))
}

// get loads a vector.
func (k *planeEmit) get(e ir.Elem, addr value.Value) value.Value {
	return k.unpack(e, k.packed(e, addr))
}

// packed loads a vector as it lies in memory.
func (k *planeEmit) packed(e ir.Elem, addr value.Value) value.Value {
	if k.lane == 0 {
		return k.Cur.NewLoad(emit.MemType(e), addr, storageBytes(e))
	}
	t := llvm.NewVector(k.lane, emit.MemType(e))
	return k.Cur.NewLoad(t, k.Cur.NewBitCast(addr, types.NewPointer(t)), storageBytes(e))
}

// unpack turns what lies in memory into what is computed with.
func (k *planeEmit) unpack(e ir.Elem, v value.Value) value.Value {
	switch e {
	case ir.Bool:
		return k.Cur.NewTrunc(v, k.Lanes(k.lane).Typ(types.I1))
	case ir.F16:
		return k.Lanes(k.lane).UnpackHalf(v)
	}
	return v
}

// put stores a vector, or what the mask leaves of it, past the caches if that is wanted. Whole vectors are aligned where rows are.
func (k *planeEmit) put(e ir.Elem, v, addr value.Value, past bool) {
	switch e {
	case ir.Bool:
		v = k.Cur.NewZExt(v, k.Lanes(k.lane).Typ(types.I8))
	case ir.F16:
		v = k.Lanes(k.lane).PackHalf(v)
	}
	if k.lane == 0 {
		k.Cur.NewStore(v, addr, storageBytes(e))
		return
	}
	t := llvm.NewVector(k.lane, emit.MemType(e))
	addr = k.Cur.NewBitCast(addr, types.NewPointer(t))
	size := k.lane * storageBytes(e)
	aligned := true
	for i, r := range k.st.op.Results {
		if r.Elem == e {
			l := (*k.s.layout)[k.st.slots[i]]
			aligned = aligned && l.base*storageBytes(e)%lineBytes == 0 && l.stride[k.s.rank-2]*storageBytes(e)%lineBytes == 0
		}
	}
	switch {
	case k.mask != nil:
		k.Cur.NewMaskedStore(v, addr, storageBytes(e), k.mask)
	case past && aligned:
		streamStore(k.Cur, v, addr, size)
	default:
		k.Cur.NewStore(v, addr, storageBytes(e))
	}
}

// splat repeats a value in all elements of a vector.
func (k *planeEmit) splat(v value.Value) value.Value {
	if k.lane == 0 {
		return v
	}
	return k.Cur.NewBroadcast(k.lane, v)
}

// iota is 0, 1, 2, ..
func (k *planeEmit) iota() value.Value { return llvm.NewIota(types.I64, k.lane) }
