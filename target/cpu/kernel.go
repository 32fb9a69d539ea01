package cpu

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Every kernel is void k(char **args, i64 lo, i64 hi). args is a list of 8-byte words: the addresses of its buffers, then its host
// scalars, which the engine takes from the table of all. A kernel knows shapes and no names, so kernels of equal shape are one. [lo, hi) is the part of the kernel's split index to compute; the parts may run at the same time. The exported function fetches
// what the kernel uses and passes it to a body function whose pointer parameters are noalias: one per buffer, so the promise holds even
// where an operation reads and writes the same buffer.

// scalarKey names a word of the table: a host scalar in an element type.
type scalarKey struct {
	name string
	elem ir.Elem
}

// launch is a kernel as the engine runs it.
type launch struct {
	sym    string
	args   []int // words of the table that the kernel gets
	lo, hi int   // range of the split index
	work   int   // in multiplications and additions of a product, about

	name, kind string // of the operation, for people
	shape      []int
	pos        ir.Pos
	account
}

// pays is the work from which a kernel is divided. It takes one thread some 10 us; a meeting of threads takes 0.4 us on an idle computer and
// 5 us on a busy one (BenchmarkMeeting).
const pays = 1 << 20

// parts is how many parts to cut a kernel into: one when dividing does not pay; several per thread when it is long, so that a thread that is
// held up does not hold up all.
func (l *launch) parts(threads, pays int) int {
	const long = 1 << 21
	if threads == 1 || l.work < pays || l.hi-l.lo < 2 {
		return 1
	}
	return min(l.hi-l.lo, threads*max(1, min(32, l.work/threads/long)))
}

// kernel is one kernel being emitted.
type kernel struct {
	*emit.Gen
	e       *emitter
	bufs    map[int]*llvm.Param // by slot
	scalars map[scalarKey]*llvm.Param
	split   [2]value.Value // lo, hi
}

// emitted says what became of a kernel: its symbol and the words of the table it takes.
type emitted struct {
	sym  string
	args []int
}

// emitter builds the kernels of a program.
type emitter struct {
	m       *llvm.Module       // of the kernel that is being emitted
	units   native.Units       // all kernels
	emitted map[string]emitted // by the names they were asked for
	layouts []*layout          // by slot
	words   map[scalarKey]int  // index in the argument table
	vals    map[string]*val    // of the current function
	micros  map[micro]*llvm.Func
	turns   map[turn]*llvm.Func
	dots    map[dot]*llvm.Func
	half    bool // see calc

	arena    int          // slot of the threads' own memory
	grouping *grouping    // of the group that is being emitted
	into     *llvm.Module // where the next kernel goes, if not into one of its own
}

// kernel emits a kernel over buffers and scalars; body emits the body function.
func (e *emitter) kernel(sym string, slots []int, scalars []scalarKey, body func(k *kernel) error) error {
	part := e.grouping != nil && e.into == nil
	switch {
	case part:
		if e.m != e.grouping.m {
			e.forget()
		}
		e.m = e.grouping.m
	case e.into != nil:
		e.m, e.into = e.into, nil
	default:
		e.m = llvm.NewModule()
		e.forget()
	}
	k := &kernel{e: e, bufs: map[int]*llvm.Param{}, scalars: map[scalarKey]*llvm.Param{}}
	var params []*llvm.Param
	attrs := []llvm.Attribute{enum.ParamAttrNoAlias, llvm.Align(64)}
	if part { // a unit may begin anywhere in a row
		attrs = attrs[:1]
	}
	for i, s := range slots {
		p := llvm.NewParam(fmt.Sprintf("b%d", i), types.NewPointer(emit.MemType(e.layouts[s].elem)), attrs...)
		k.bufs[s] = p
		params = append(params, p)
	}
	for i, s := range scalars {
		p := llvm.NewParam(fmt.Sprintf("s%d", i), emit.RegType(s.elem))
		k.scalars[s] = p
		params = append(params, p)
	}
	lo, hi := llvm.NewParam("lo", types.I64), llvm.NewParam("hi", types.I64)
	k.split = [2]value.Value{lo, hi}
	f := e.m.NewFunc("kernel.body", types.Void, append(slices.Clone(params), lo, hi)...)
	f.Linkage = enum.LinkageInternal
	f.Vectorise()
	k.Gen = &emit.Gen{Module: e.m, Func: f, Cur: f.NewBlock("entry"), Index: map[string]emit.Bound{}, Half: e.half}
	if err := body(k); err != nil {
		return err
	}
	k.Cur.NewRet(nil)
	if part {
		e.grouping.latest[sym] = callee{f: e.grouping.keep(f), slots: slices.Clone(slots), scalars: slices.Clone(scalars)}
		return nil
	}

	word := types.NewPointer(types.I8)
	args := llvm.NewParam("args", types.NewPointer(word), enum.ParamAttrNoAlias, enum.ParamAttrReadOnly)
	olo, ohi := llvm.NewParam("lo", types.I64), llvm.NewParam("hi", types.I64)
	i := slices.Index(e.m.Funcs, f.Func) // what the body calls was added after it
	e.m.Funcs = append(slices.Delete(e.m.Funcs, i, i+1), f.Func)
	w := e.m.NewFunc("kernel", types.Void, args, olo, ohi)
	b := w.NewBlock("entry")
	var actual []value.Value
	var table []int
	next := func() value.Value {
		return b.NewGetElementPtr(word, args, constant.NewInt(types.I64, int64(len(table))))
	}
	for i, s := range slots {
		p := b.NewLoad(word, next(), 8)
		table = append(table, s)
		actual = append(actual, b.NewBitCast(p, params[i].Typ))
	}
	for _, s := range scalars {
		t := emit.MemType(s.elem)
		if s.elem == ir.F16 {
			t = types.Float
		}
		p := b.NewBitCast(next(), types.NewPointer(t))
		table = append(table, e.words[s])
		v := b.NewLoad(t, p, 8)
		if s.elem == ir.Bool {
			v = b.NewTrunc(v, types.I1)
		}
		actual = append(actual, v)
	}
	b.NewCall(f, append(actual, olo, ohi)...)
	b.NewRet(nil)
	e.emitted[sym] = emitted{e.units.Add(e.m), table}
	return nil
}

// forget begins another module: functions that kernels share are those of a module.
func (e *emitter) forget() {
	e.micros, e.turns, e.dots = map[micro]*llvm.Func{}, map[turn]*llvm.Func{}, map[dot]*llvm.Func{}
}

// uses lists the buffers and scalars of an operation in order of first use.
func (e *emitter) uses(op *ir.Op) (slots []int, scalars []scalarKey, err error) {
	addSlot := func(name string) error {
		v := e.vals[name]
		if v == nil {
			return fmt.Errorf("%s: no value %s", opName(op), name)
		}
		if s := v.slot; !slices.Contains(slots, s) {
			slots = append(slots, s)
		}
		return nil
	}
	for _, r := range op.Results {
		if err := addSlot("%" + r.Name); err != nil {
			return nil, nil, err
		}
	}
	for i := range op.Pieces {
		for j := range op.Pieces[i].Body.Nodes {
			switch n := &op.Pieces[i].Body.Nodes[j]; n.Op {
			case ir.Read:
				if err := addSlot(n.Name); err != nil {
					return nil, nil, err
				}
			case ir.Scalar:
				if key := (scalarKey{n.Name, n.Elem}); !slices.Contains(scalars, key) {
					scalars = append(scalars, key)
				}
			}
		}
	}
	return slots, scalars, nil
}

// address is the place of the element of buffer slot at coordinates c.
func (k *kernel) address(slot int, c []emit.Bound) value.Value {
	return k.Cur.NewGetElementPtr(emit.MemType(k.e.layouts[slot].elem), k.bufs[slot], k.element(slot, c))
}

// ask asks for the line of the element of buffer slot at coordinates c, which need not exist.
func (k *kernel) ask(slot int, c []emit.Bound) {
	p := k.Cur.NewAddress(emit.MemType(k.e.layouts[slot].elem), k.bufs[slot], k.element(slot, c))
	k.Cur.NewPrefetch(p, 2)
}

// element is the number of the element of buffer slot at coordinates c.
func (k *kernel) element(slot int, c []emit.Bound) value.Value {
	l := k.e.layouts[slot]
	sum := emit.At(l.base)
	for d, x := range c {
		if x.V == nil {
			sum.C += x.C * l.stride[d]
			continue
		}
		t := x.V
		if l.stride[d] != 1 {
			t = k.Cur.NewMulNSW(t, k.I64(l.stride[d]))
		}
		if sum.V != nil {
			t = k.Cur.NewAddNSW(sum.V, t)
		}
		sum.V = t
	}
	i := sum.V
	switch {
	case i == nil:
		i = k.I64(sum.C)
	case sum.C != 0:
		i = k.Cur.NewAddNSW(i, k.I64(sum.C))
	}
	return i
}

func (k *kernel) load(e ir.Elem, addr value.Value) value.Value {
	v := k.Cur.NewLoad(emit.MemType(e), addr, storageBytes(e))
	switch e {
	case ir.Bool:
		return k.Cur.NewTrunc(v, types.I1)
	case ir.F16:
		return k.Calc().UnpackHalf(v)
	}
	return v
}

func (k *kernel) store(e ir.Elem, v, addr value.Value) {
	switch e {
	case ir.Bool:
		v = k.Cur.NewZExt(v, types.I8)
	case ir.F16:
		v = k.Calc().PackHalf(v)
	}
	k.Cur.NewStore(v, addr, storageBytes(e))
}

// coords turns an access into coordinates under the current indices.
func (k *kernel) coords(acc []ir.Affine) ([]emit.Bound, error) {
	c := make([]emit.Bound, len(acc))
	for d, a := range acc {
		if a.Index == "" {
			c[d] = emit.At(a.Off)
			continue
		}
		i, ok := k.Index[a.Index]
		if !ok {
			return nil, fmt.Errorf("no index %s", a.Index)
		}
		if i.V == nil {
			c[d] = emit.At(a.Of(i.C))
			continue
		}
		c[d] = i
		if a.Mul > 1 {
			c[d] = k.Scale(c[d], a.Mul)
		}
		if a.Off != 0 {
			c[d] = k.Add(c[d], emit.At(a.Off))
		}
		if a.Div > 1 {
			c[d] = k.floorDiv(c[d], a.Div)
		}
	}
	return c, nil
}

// floorDiv is x/n rounded down.
func (k *kernel) floorDiv(x emit.Bound, n int) emit.Bound {
	if n&(n-1) == 0 {
		return emit.Bound{V: k.Cur.NewAShr(x.Value(), k.I64(bits.TrailingZeros(uint(n))))}
	}
	const bias = 1 << 40 // coordinates are smaller: the quotient of what is not negative is rounded down
	return k.Add(emit.Bound{V: k.Cur.NewSDiv(k.Add(x, emit.At(bias*n)).Value(), k.I64(n))}, emit.At(-bias))
}

// domCoords are the coordinates of the current output element.
func (k *kernel) domCoords(op *ir.Op) []emit.Bound {
	c := make([]emit.Bound, len(op.Dom))
	for d, r := range op.Dom {
		c[d] = k.Index[r.Index]
	}
	return c
}

// eval emits the nodes of a body that the wanted nodes need and returns their values.
func (k *kernel) eval(b *ir.Body, want []int) ([]value.Value, error) {
	live := make([]bool, len(b.Nodes))
	for _, r := range want {
		if r < 0 || r >= len(b.Nodes) {
			return nil, fmt.Errorf("result %d is not a node", r)
		}
		live[r] = true
	}
	for i := len(b.Nodes) - 1; i >= 0; i-- {
		if live[i] {
			for _, a := range b.Nodes[i].Args {
				if a < 0 || a >= i {
					return nil, fmt.Errorf("node %d: argument %d does not come before it", i, a)
				}
				live[a] = true
			}
		}
	}
	vals := make([]value.Value, len(b.Nodes))
	for i := range b.Nodes {
		if !live[i] {
			continue
		}
		v, err := k.node(b, i, vals)
		if err != nil {
			return nil, err
		}
		vals[i] = v
	}
	out := make([]value.Value, len(want))
	for i, r := range want {
		out[i] = vals[r]
	}
	return out, nil
}

func (k *kernel) node(b *ir.Body, i int, vals []value.Value) (value.Value, error) {
	n := &b.Nodes[i]
	switch n.Op {
	case ir.Const:
		return k.Calc().Constant(n), nil
	case ir.Scalar:
		return k.scalars[scalarKey{n.Name, n.Elem}], nil
	case ir.Index:
		x, ok := k.Index[n.Name]
		if !ok {
			return nil, fmt.Errorf("no index %s", n.Name)
		}
		if n.Elem == ir.I64 {
			return x.Value(), nil
		}
		return k.Cur.NewTrunc(x.Value(), types.I32), nil
	case ir.Read:
		c, err := k.coords(n.At)
		if err != nil {
			return nil, err
		}
		v := k.e.vals[n.Name]
		if v.elem != n.Elem {
			return nil, fmt.Errorf("%s read as %s is %s", n.Name, n.Elem, v.elem)
		}
		return k.load(n.Elem, k.address(v.slot, c)), nil
	}
	if ir.Arity(n.Op) <= 0 || ir.Arity(n.Op) != len(n.Args) {
		return nil, fmt.Errorf("%s cannot be compiled for the CPU: it is not part of canonical IR", n.Op)
	}
	args := make([]value.Value, len(n.Args))
	for j, a := range n.Args {
		args[j] = vals[a]
	}
	return k.Calc().ApplyIn(b, n, args)
}

// splitDim chooses the loop to divide among threads: the outermost that is long enough, else the longest. Long is measured on the boxes
// that are computed, so that the ghosts on an outer axis divide along an inner one.
func splitDim(boxes [][]ir.Interval, n int) int {
	best, length := 0, -1
	for d := range n {
		w := 0
		for _, b := range boxes {
			w = max(w, b[d].Hi-b[d].Lo)
		}
		if w >= 64 {
			return d
		}
		if w > length {
			best, length = d, w
		}
	}
	return best
}

// opWork is what an operation on an element costs, in multiplications and additions of a product, which a processor does fastest.
const opWork = 8

// lineOf8 is how many elements of 8 bytes a line of memory has.
const lineOf8 = lineBytes / 8

// work counts the scalar operations of an operation, with per more for each element, in multiplications and additions of a product.
func work(op *ir.Op, per int) int {
	n := 0
	for i := range op.Pieces {
		w := opWork * (len(op.Pieces[i].Body.Nodes) + per)
		for d, iv := range op.Pieces[i].Box {
			least := 0
			if d > 0 && d == len(op.Pieces[i].Box)-1 && iv.Lo < iv.Hi {
				least = lineOf8 // ghosts at the ends of rows take a line each
			}
			w *= max(iv.Hi-iv.Lo, least)
		}
		n += w
	}
	return n
}

func pieceBoxes(op *ir.Op) (boxes [][]ir.Interval, all []int, err error) {
	rank := len(op.Dom) + len(op.Over)
	for i := range op.Pieces {
		if len(op.Pieces[i].Box) != rank {
			return nil, nil, fmt.Errorf("%s: piece %d has %d ranges, not %d", opName(op), i, len(op.Pieces[i].Box), rank)
		}
		if len(op.Pieces[i].Body.Results) != len(op.Results) {
			return nil, nil, fmt.Errorf("%s: piece %d yields %d values, not %d", opName(op), i, len(op.Pieces[i].Body.Results), len(op.Results))
		}
		boxes, all = append(boxes, op.Pieces[i].Box), append(all, i)
	}
	return boxes, all, nil
}

// elementwise emits a map or an extend.
func (e *emitter) elementwise(sym string, op *ir.Op) ([]launch, error) {
	slots, scalars, err := e.uses(op)
	if err != nil {
		return nil, err
	}
	boxes, all, err := pieceBoxes(op)
	if err != nil {
		return nil, err
	}
	l := launch{sym: sym, lo: 0, hi: 1, work: work(op, len(op.Results))}
	s := splitDim(boxes, len(op.Dom))
	rows := 0
	if s == 0 && op.Kind == ir.Map && e.grouping == nil {
		rows = stripRows(op.Dom, op.Pieces, 1)
	}
	err = e.kernel(sym, slots, scalars, func(k *kernel) error {
		var dims []emit.Dim
		for d, r := range op.Dom {
			x := emit.Range(r.Index, r.Lo, r.Hi)
			if d == s {
				l.lo, l.hi = r.Lo, r.Hi
				x.Lo, x.Hi = emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}
			}
			dims = append(dims, x)
		}
		kind := emit.Plain
		if contiguous(op) {
			kind = emit.Vector
			if longBody(op) {
				kind = emit.Pair
			}
		}
		var failed error
		point := func(active []int) {
			pc := &op.Pieces[active[len(active)-1]]
			vals, err := k.eval(&pc.Body, pc.Body.Results)
			if err != nil {
				failed = err
				return
			}
			c := k.domCoords(op)
			for i, r := range op.Results {
				slot := e.vals["%"+r.Name].slot
				k.store(r.Elem, vals[i], k.address(slot, c))
			}
		}
		if rows > 0 {
			planes, width := op.Dom[0].Hi-op.Dom[0].Lo, op.Dom[1].Hi-op.Dom[1].Lo
			count := (width + rows - 1) / rows
			l.lo, l.hi = 0, planes*count
			k.strips(planes, count, op.Dom[0].Lo, func(plane, strip emit.Bound) {
				y := k.Add(k.Scale(strip, rows), emit.At(op.Dom[1].Lo))
				dims[0].Lo, dims[0].Hi = plane, k.Add(plane, emit.At(1))
				dims[1].Lo, dims[1].Hi = y, k.Minimum(k.Add(y, emit.At(rows)), emit.At(op.Dom[1].Hi))
				k.Nest(dims, 0, len(dims), boxes, all, kind, point)
			})
			return failed
		}
		k.Nest(dims, 0, len(dims), boxes, all, kind, point)
		return failed
	})
	return []launch{l}, err
}

// longBody says that a point takes so many operations, exponentials as a rule, that few points are under way at a time; with too many, two
// points do not fit into the registers.
func longBody(op *ir.Op) bool {
	const long, tooLong = 40, 400
	return slices.ContainsFunc(op.Pieces, func(p ir.Piece) bool { n := len(p.Body.Nodes); return n >= long && n < tooLong })
}

// contiguous reports whether every read moves by at most one element with the last output index.
func contiguous(op *ir.Op) bool {
	if len(op.Dom) == 0 {
		return false
	}
	last := op.Dom[len(op.Dom)-1].Index
	for i := range op.Pieces {
		for j := range op.Pieces[i].Body.Nodes {
			n := &op.Pieces[i].Body.Nodes[j]
			for d, a := range n.At {
				if a.Index == last && d != len(n.At)-1 {
					return false
				}
			}
		}
	}
	return true
}
