package cpu

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// A kernel of planes is void k(char **args, i64 plane, i64 lo, i64 hi): it computes rows [lo, hi) of one plane, or columns [lo, hi) of a row
// where values have two axes. Its arguments are addresses of planes, at row 0 and column 0, so it does not know whether they lie in
// the arrays or in rings. Along the contiguous axis it consists of whole vectors, with masks at the ends.

// planeEmit is one kernel of planes being emitted.
type planeEmit struct {
	*gen
	s       *sweep
	st      *planeOp
	params  map[string]*llvm.Param // by planeArg.key
	words   map[scalarKey]llvm.Value
	variant int
	first   bound      // plane
	step    int        // the current one after it
	fetches llvm.Value // what is to be asked for, see fetchArgs
	rows    llvm.Value // the same, of a kernel for several planes, see askAhead
	lane    int        // elements of a vector
	mask    llvm.Value // elements that are stored; nil: all
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
	k := &planeEmit{s: s, st: st, params: map[string]*llvm.Param{}, words: map[scalarKey]llvm.Value{}, variant: variant}
	var args []planeArg
	var params []*llvm.Param
	var keys []scalarKey
	param := func(a planeArg, t llvm.Type, attrs ...string) {
		p := llvm.NewParam(fmt.Sprintf("p%d", len(params)), t, attrs...)
		k.params[a.key()] = p
		params, args = append(params, p), append(args, a)
	}
	for k.step = range k.planes() {
		for i, r := range st.op.Results {
			param(planeArg{kind: argResult, index: i, plane: k.step}, llvm.NewPointer(memType(r.Elem)), "noalias")
		}
	}
	for _, pc := range run.pieces {
		for i := range st.op.Pieces[pc].Body.Nodes {
			n := &st.op.Pieces[pc].Body.Nodes[i]
			switch n.Op {
			case ir.Read:
				for k.step = range k.planes() {
					if a := k.argOf(n); k.params[a.key()] == nil {
						param(a, llvm.NewPointer(memType(n.Elem)), "noalias")
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
		p := llvm.NewParam(fmt.Sprintf("p%d", len(params)), regType(key.elem))
		k.words[key] = p
		params, args = append(params, p), append(args, a)
	}
	if len(args) > mostArgs {
		return fmt.Errorf("%d planes and scalars in one operation, more than %d", len(args), mostArgs)
	}
	plane, lo, hi := llvm.NewParam("plane", llvm.I64), llvm.NewParam("lo", llvm.I64), llvm.NewParam("hi", llvm.I64)
	fetches := llvm.NewParam("fetches", llvm.NewPointer(llvm.I64))
	k.fetches = fetches
	f := e.m.NewFunc("kernel.body", llvm.Void, append(slices.Clone(params), plane, lo, hi, fetches)...)
	f.Internal = true
	f.Attrs = []string{"noinline", "nounwind", `"prefer-vector-width"="512"`}
	k.gen = &gen{m: e.m, f: f, cur: f.NewBlock("entry"), idx: map[string]bound{}, half: e.half}
	k.body(run, bound{v: plane}, bound{v: lo}, bound{v: hi})
	if k.err != nil {
		return k.err
	}
	k.cur.NewRet(nil)

	word := llvm.NewPointer(llvm.I8)
	table := llvm.NewParam("args", llvm.NewPointer(word), "noalias", "readonly")
	oplane, olo, ohi := llvm.NewParam("plane", llvm.I64), llvm.NewParam("lo", llvm.I64), llvm.NewParam("hi", llvm.I64)
	w := e.m.NewFunc("kernel", llvm.Void, table, oplane, olo, ohi)
	w.Attrs = []string{"nounwind"}
	b := w.NewBlock("entry")
	var actual []llvm.Value
	for i, p := range params {
		at := b.NewGetElementPtr(word, table, llvm.NewInt(llvm.I64, int64(i)))
		if i < pointers {
			actual = append(actual, b.NewBitCast(b.NewLoad(word, at, 8), p.Typ))
			continue
		}
		elem := keys[i-pointers].elem
		t := memType(elem)
		if elem == ir.F16 {
			t = llvm.Float
		}
		v := b.NewLoad(t, b.NewBitCast(at, llvm.NewPointer(t)), 8)
		if elem == ir.Bool {
			v = b.NewConv("trunc", v, llvm.I1)
		}
		actual = append(actual, v)
	}
	rest := b.NewBitCast(b.NewGetElementPtr(word, table, llvm.NewInt(llvm.I64, int64(len(params)))), llvm.NewPointer(llvm.I64))
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
func (k *planeEmit) body(run *planeRun, plane, lo, hi bound) {
	op := k.st.op
	k.lane = lanesOf(op)
	boxes := k.st.boxes()
	last := op.Dom[k.s.rank-1]
	k.first = plane
	k.rowsAhead()
	columns := func(active []int, from, to bound) {
		for _, r := range pieceRuns(last.Lo, last.Hi, boxes, k.s.rank-1, active) {
			if len(r.active) == 0 {
				continue
			}
			a, b := k.maximum(from, at(r.lo)), k.minimum(to, at(r.hi))
			k.row(&op.Pieces[r.active[len(r.active)-1]].Body, a, b)
		}
	}
	wholeRow := func(active []int) {
		var parts []rowPart
		for _, r := range pieceRuns(last.Lo, last.Hi, boxes, k.s.rank-1, active) {
			if len(r.active) > 0 {
				parts = append(parts, rowPart{&op.Pieces[r.active[len(r.active)-1]].Body, r.lo, r.hi})
			}
		}
		k.wholeRow(parts)
	}
	if k.s.rank == 2 {
		k.fetch(lo, hi)
		columns(run.pieces, lo, hi)
		return
	}
	dims := []dim{{}, {op.Dom[1].Index, op.Dom[1].Lo, op.Dom[1].Hi, lo, hi}}
	k.nest(dims, 1, 2, boxes, run.pieces, plainLoop, func(active []int) {
		if !k.s.asksRows() && !k.linewise() {
			k.fetch(at(last.Lo), at(last.Hi))
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
func (k *planeEmit) row(b *ir.Body, from, to bound) {
	n := k.lane
	if from.v == nil && to.v == nil && to.c-from.c <= fewColumns {
		for c := from.c; c < to.c; c++ {
			k.lane = 0
			k.vector(b, at(c), bound{}, bound{})
			k.lane = n
		}
		return
	}
	if from.v == nil && to.v == nil {
		first := roundDown(from.c, n)
		full := from.c
		if first != from.c {
			k.vector(b, at(first), from, to)
			full = first + n
		}
		end := roundDown(to.c, n)
		if k.roundEnds(b, from.c, to.c) {
			k.vector(b, at(0), bound{}, bound{})
			k.loop(at(n), at(end-n), n, plainLoop, func(x bound) { k.vector(b, x, bound{}, bound{}) })
			k.vector(b, at(end-n), bound{}, bound{})
			return
		}
		if full < end {
			k.loop(at(full), at(end), n, plainLoop, func(x bound) { k.vector(b, x, bound{}, bound{}) })
		}
		if end < to.c && end >= full {
			k.vector(b, at(end), from, to)
		}
		return
	}
	down := func(x bound) bound {
		if x.v == nil {
			return at(roundDown(x.c, n))
		}
		return bound{v: k.cur.NewAnd(x.v, k.i64(-n))}
	}
	first := down(from)
	full := down(k.add(from, at(n-1)))
	end := down(to)
	// A first vector that is cut, whole vectors, a last one that is cut.
	k.when(k.cur.NewAnd(k.cur.NewICmp("slt", first.value(), from.value()), k.cur.NewICmp("slt", from.value(), to.value())), func() {
		k.vector(b, first, from, to)
	})
	k.loop(full, end, n, plainLoop, func(x bound) { k.vector(b, x, bound{}, bound{}) })
	k.when(k.cur.NewAnd(k.cur.NewICmp("slt", end.value(), to.value()), k.cur.NewICmp("sge", end.value(), full.value())), func() {
		k.vector(b, end, from, to)
	})
}

// vector computes the vector of columns from x on; of those only [from, to) are stored, all when both are zero.
func (k *planeEmit) vector(b *ir.Body, x, from, to bound) {
	k.mask = nil
	if from != to {
		k.mask = k.between(x, from, to)
	}
	k.askAhead(x)
	k.fetchLine(x)
	k.store(x, k.values(b, x))
}

// between says which columns of the vector from x on are in [from, to).
func (k *planeEmit) between(x, from, to bound) llvm.Value {
	col := k.cur.NewAdd(k.splat(x.value()), k.iota())
	return k.cur.NewAnd(k.cur.NewICmp("sge", col, k.splat(from.value())), k.cur.NewICmp("slt", col, k.splat(to.value())))
}

// values are the results of a body for the vector of columns from x on, in every plane.
func (k *planeEmit) values(b *ir.Body, x bound) [][]llvm.Value {
	op := k.st.op
	k.idx[op.Dom[k.s.rank-1].Index] = x
	live := b.Live()
	all := make([][]llvm.Value, k.planes())
	for k.step = range all {
		k.idx[op.Dom[0].Index] = k.add(k.first, at(k.step))
		vals := make([]llvm.Value, len(b.Nodes))
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
func (k *planeEmit) store(x bound, all [][]llvm.Value) {
	if k.err != nil {
		return
	}
	for k.step = range all {
		for i, r := range k.st.op.Results {
			p := k.params[planeArg{kind: argResult, index: i, plane: k.step}.key()]
			k.put(r.Elem, all[k.step][i], k.place(p, k.st.slots[i], r.Elem, k.row0(), x))
		}
	}
}

// row0 is the current row; there is none where values have two axes.
func (k *planeEmit) row0() bound {
	if k.s.rank == 2 {
		return at(0)
	}
	return k.idx[k.st.op.Dom[1].Index]
}

// place is the address of a column of a row of a plane.
func (k *planeEmit) place(p *llvm.Param, slot int, e ir.Elem, row, col bound) llvm.Value {
	i := col
	if k.s.rank == 3 {
		i = k.add(k.scale(row, (*k.s.layout)[slot].stride[1]), col)
	}
	return k.cur.NewGetElementPtr(memType(e), p, i.value())
}

func (k *planeEmit) node(b *ir.Body, i int, vals []llvm.Value) (llvm.Value, error) {
	n := &b.Nodes[i]
	switch n.Op {
	case ir.Const:
		return k.lanes(k.lane).constant(n), nil
	case ir.Scalar:
		return k.splat(k.words[scalarKey{n.Name, n.Elem}]), nil
	case ir.Index:
		x, ok := k.idx[n.Name]
		if !ok {
			return nil, fmt.Errorf("no index %s", n.Name)
		}
		v := k.splat(x.value())
		if n.Name == k.st.op.Dom[k.s.rank-1].Index && k.lane > 0 {
			v = k.cur.NewAdd(v, k.iota())
		}
		if n.Elem == ir.I64 {
			return v, nil
		}
		return k.cur.NewConv("trunc", v, k.lanes(k.lane).typ(llvm.I32)), nil
	case ir.Read:
		return k.read(n), nil
	}
	if ir.Arity(n.Op) <= 0 || ir.Arity(n.Op) != len(n.Args) {
		return nil, fmt.Errorf("%s cannot be compiled for the CPU: it is not part of canonical IR", n.Op)
	}
	args := make([]llvm.Value, len(n.Args))
	for j, a := range n.Args {
		args[j] = vals[a]
	}
	return k.lanes(k.lane).applyIn(b, n, args)
}

// read loads a vector, or one value for all of it.
func (k *planeEmit) read(n *ir.Node) llvm.Value {
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
			row = k.add(row, at(n.At[1].Off))
		}
		place := func(col bound) llvm.Value { return k.place(p, slot, n.Elem, row, col) }
		col := k.add(k.idx[k.st.op.Dom[k.s.rank-1].Index], at(n.At[k.s.rank-1].Off))
		if k.crosses(col) {
			return k.getRound(n.Elem, col.c, place)
		}
		return k.get(n.Elem, place(col))
	}
	l := (*k.s.layout)[slot]
	sum := at(0)
	whole := false
	for d, a := range n.At {
		c := at(a.Off)
		if a.Index != "" {
			c = k.add(k.idx[a.Index], c)
			whole = whole || a.Index == k.st.op.Dom[k.s.rank-1].Index
		}
		sum = k.add(sum, k.scale(c, l.stride[d]))
	}
	addr := k.cur.NewGetElementPtr(memType(n.Elem), p, sum.value())
	if whole {
		return k.get(n.Elem, addr)
	}
	one := k.cur.NewLoad(memType(n.Elem), addr, storageBytes(n.Elem))
	return k.unpack(n.Elem, k.splat(one))
}

// get loads a vector.
func (k *planeEmit) get(e ir.Elem, addr llvm.Value) llvm.Value { return k.unpack(e, k.packed(e, addr)) }

// packed loads a vector as it lies in memory.
func (k *planeEmit) packed(e ir.Elem, addr llvm.Value) llvm.Value {
	if k.lane == 0 {
		return k.cur.NewLoad(memType(e), addr, storageBytes(e))
	}
	t := llvm.NewVector(k.lane, memType(e))
	return k.cur.NewLoad(t, k.cur.NewBitCast(addr, llvm.NewPointer(t)), storageBytes(e))
}

// unpack turns what lies in memory into what is computed with.
func (k *planeEmit) unpack(e ir.Elem, v llvm.Value) llvm.Value {
	switch e {
	case ir.Bool:
		return k.cur.NewConv("trunc", v, k.lanes(k.lane).typ(llvm.I1))
	case ir.F16:
		return k.lanes(k.lane).unpackHalf(v)
	}
	return v
}

// put stores a vector, or what the mask leaves of it. Whole vectors are aligned where rows are.
func (k *planeEmit) put(e ir.Elem, v, addr llvm.Value) {
	switch e {
	case ir.Bool:
		v = k.cur.NewConv("zext", v, k.lanes(k.lane).typ(llvm.I8))
	case ir.F16:
		v = k.lanes(k.lane).packHalf(v)
	}
	if k.lane == 0 {
		k.cur.NewStore(v, addr, storageBytes(e))
		return
	}
	t := llvm.NewVector(k.lane, memType(e))
	addr = k.cur.NewBitCast(addr, llvm.NewPointer(t))
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
		k.cur.NewMaskedStore(v, addr, storageBytes(e), k.mask)
	case k.variant&pastCaches != 0 && aligned:
		k.cur.NewStreamStore(v, addr, size)
	default:
		k.cur.NewStore(v, addr, storageBytes(e))
	}
}

// splat repeats a value in all elements of a vector.
func (k *planeEmit) splat(v llvm.Value) llvm.Value {
	if k.lane == 0 {
		return v
	}
	u := llvm.NewUndef(llvm.NewVector(k.lane, v.Type()))
	return k.cur.NewShuffle(k.cur.NewInsertElement(u, v, 0), u, llvm.NewMask(make([]int, k.lane)...))
}

// iota is 0, 1, 2, ..
func (k *planeEmit) iota() llvm.Value {
	var each []llvm.Value
	for i := range k.lane {
		each = append(each, llvm.NewInt(llvm.I64, int64(i)))
	}
	return llvm.NewVectorConstant(each...)
}
