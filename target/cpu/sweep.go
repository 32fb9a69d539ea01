package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// sweep is a step function that is computed plane by plane. Its first axis is the stream: at any time a thread holds a few planes of
// every value in rings that fit its cache, and each operation follows the ones it reads as far behind as its stencil reaches. So the
// operations of a step are one pass over memory, whatever their number, and so are several steps one after the other: the rings then hold
// the values of several times (3.5-D blocking: Nguyen et al., SC 2010). What lies in another tile is computed again from the arrays,
// by the same operations on the same numbers, so no bit depends on the tiling.
//
// Legal are functions of maps and extends with reads at constant offsets. Results go to other buffers than the arrays they are made of,
// which change places after the pass.
type sweep struct {
	fn      *fn
	sets    []ir.Set
	stages  []*planeOp
	rank    int
	wraps   bool // the stream is periodic: planes are counted modulo period
	period  int
	round   int         // points of the tiled axis if it is periodic and tiles may reach over its ends; else 0
	single  bool        // the tiled axis is periodic and they may not: a tile at an end would need all of it
	closed  int         // points of the contiguous axis if kernels read its rows round their ends; else 0
	width   ir.Interval // coordinates along the tiled axis, all arrays that are set together
	depth   ir.Interval // the same along the stream
	spare   []int       // for every array the slot of its next value, -1 if it is not set
	before  []int       // operations that fill the margins of the arrays, done before the pass
	arrays  []*val
	layout  *[]*layout
	roots   map[string]string // of every value: the map or array in whose storage it is
	copies  map[int]*planeOp  // by array: copies its next value from a ring, where it is needed
	board   *board            // single numbers
	prog    *ir.Program
	drive   string // symbol of the driver
	code    uintptr
	jam     int            // planes that kernels compute together
	whole   launch         // what a pass does of one step, for people
	force   *tiling        // instead of a choice
	tilings map[int]*trial // by steps that are asked for
}

// planeOp is an operation of a sweep.
type planeOp struct {
	op     *ir.Op
	number bool              // single numbers, which the board has
	alias  bool              // an extend along the periodic stream, or of closed rows: nothing to do
	share  bool              // an extend in the storage of its operand
	within bool              // an extend of an array that the pass itself does
	round  bool              // an extend that fills the margins of the periodic tiled axis
	final  bool              // its result may be the next value of an array
	kept   []*planeOp        // the same with results that go to rings and to arrays twice; see keep
	again  []int             // those results, of one of kept
	ringed int               // results that are in rings though the last are in arrays
	root   map[string]string // of every value that is read, and of an extend's result: the map or array in whose storage it is
	slots  []int
	runs   []planeRun
}

// planeRun is the range of planes on which the same pieces are computed, and their code.
type planeRun struct {
	lo, hi int
	pieces []int
	jam    bool // there is a kernel for sweep.jam planes together
	work   int  // nodes that are computed for a point, of the piece with most, as points of 4 bytes
	sym    [variants]string
	code   [variants]uintptr
	args   [2][]planeArg // of kernels for one plane, for several
	reads  []planeRead
}

// Variants of a kernel: its results go past the caches, it computes several planes.
const (
	pastCaches = 1 << iota
	jammed
	variants = 1 << iota
)

// planeArg is a parameter of a kernel of planes.
type planeArg struct {
	kind  argKind
	index int    // result, or word of the table
	name  string // value that is read
	plane int    // offset along the stream from the first plane
}

type argKind uint8

const (
	argResult argKind = iota // the plane of a result
	argPlane                 // a plane of a value
	argArray                 // the whole of an array that is not set
	argWord                  // a host scalar
)

// planeRead is how far the pieces of a run read what lies in the storage of a map or an array: offset along the stream, range of offsets along
// the tiled axis.
type planeRead struct {
	piece  int
	root   string
	plane  int
	lo, hi int
}

// leastSweep is the memory, in bytes, from which a function is worth a sweep.
func leastSweep() int { return worthCaching() }

// newSweep returns the sweep of a function, or nil when it has none.
func newSweep(p *ir.Program, g *fn, f *ir.Func, arrays []*val, layouts *[]*layout, spares *[]int, least int) *sweep {
	s := &sweep{fn: g, arrays: arrays, layout: layouts, prog: p, board: &board{}, tilings: map[int]*trial{}, copies: map[int]*planeOp{}, roots: map[string]string{}}
	for _, a := range arrays {
		s.roots[a.name] = a.name
	}
	for i := range g.ops {
		s.rank = max(s.rank, len(g.ops[i].Dom))
	}
	if s.rank < 2 || s.rank > 3 {
		return nil
	}
	bytes := 0
	for _, x := range f.Sets {
		a := g.vals["@"+x.Array]
		if len(a.box) == 0 {
			s.board.sets = append(s.board.sets, x)
			s.board.add("@" + x.Array)
			if x.Value[0] == '@' {
				s.board.add(x.Value)
			}
			continue
		}
		if len(a.box) != s.rank {
			return nil
		}
		s.sets = append(s.sets, x)
		n := storageBytes(a.elem)
		for _, b := range a.box {
			n *= b.Hi - b.Lo
		}
		bytes += n
		s.width = around(s.width, a.box[1])
		s.depth = around(s.depth, a.box[0])
	}
	if bytes < least || len(s.sets) == 0 {
		return nil
	}
	n, whole := s.periodic(0)
	if !whole {
		return nil
	}
	s.wraps, s.period = n > 0, n
	for _, x := range s.sets {
		if !(*layouts)[g.vals[x.Value].slot].same((*layouts)[g.vals["@"+x.Array].slot]) {
			return nil
		}
	}
	s.closeRows()
	for i := range g.ops {
		if s.number(&g.ops[i]) {
			s.stages = append(s.stages, &planeOp{op: &g.ops[i], number: true})
			continue
		}
		if st := s.stage(&g.ops[i]); st != nil {
			s.stages = append(s.stages, st)
			continue
		}
		return nil
	}
	if !s.marginsFirst() {
		return nil
	}
	s.goesRound()
	s.choosePlanes()
	s.reserve(spares)
	s.board.settle(layouts)
	// An array may keep what another held some steps before, but no more than there are arrays: longer passes need nothing else.
	for n := 1; n <= min(max(4, len(s.sets)+1), mostSteps); n++ {
		u := s.unroll(n, false)
		if u == nil {
			if n == 1 {
				return nil
			}
			break
		}
		for _, a := range u.copied {
			if s.copies[a] == nil {
				s.copies[a] = s.copyStage(a)
			}
		}
	}
	return s
}

// reserve finds a buffer for the next value of every array that is set. Between passes nothing is in it, so functions share them.
func (s *sweep) reserve(spares *[]int) {
	for i, a := range s.arrays {
		if !s.set(a.name) {
			continue
		}
		if len(s.spare) == 0 {
			s.spare = slices.Repeat([]int{-1}, len(s.arrays))
		}
		l := (*s.layout)[a.slot]
		k := slices.IndexFunc(*spares, func(slot int) bool { return !slices.Contains(s.spare, slot) && (*s.layout)[slot].same(l) })
		if k < 0 {
			k = len(*spares)
			*spares = append(*spares, len(*s.layout))
			next := *l
			*s.layout = append(*s.layout, &next)
		}
		s.spare[i] = (*spares)[k]
	}
}

// keep is an operation that also stores the given results in arrays whose next values they are, though others read them from rings: to copy them
// from there would read and write the memory in turns. It is nil where that takes too many arguments.
func (s *sweep) keep(st *planeOp, results []int) *planeOp {
	if i := slices.IndexFunc(st.kept, func(k *planeOp) bool { return slices.Equal(k.again, results) }); i >= 0 {
		return st.kept[i]
	}
	op := *st.op
	op.Results, op.Pieces = slices.Clone(op.Results), slices.Clone(op.Pieces)
	k := *st
	k.op, k.slots, k.runs, k.final, k.ringed, k.kept, k.again = &op, slices.Clone(st.slots), slices.Clone(st.runs), true, len(st.slots), nil, results
	for _, r := range results {
		op.Results, k.slots = append(op.Results, op.Results[r]), append(k.slots, k.slots[r])
		for i := range op.Pieces {
			b := &op.Pieces[i].Body
			b.Results = append(slices.Clone(b.Results), b.Results[r])
		}
	}
	for i := range k.runs {
		r := &k.runs[i]
		r.work, r.jam = nodesOf(&op, r.pieces), r.jam && k.operands(r.pieces, s.jam) <= mostArgs
		if k.operands(r.pieces, 1) > mostArgs {
			return nil
		}
	}
	st.kept = append(st.kept, &k)
	return &k
}

// copyStage copies the next value of an array from a ring to its buffer.
func (s *sweep) copyStage(array int) *planeOp {
	a := s.arrays[array]
	from, to := *a, *a
	from.name, to.name = "%next", "%buffer"
	op := copyOp(&from, &to)
	st := &planeOp{op: &op, final: true, slots: []int{a.slot}, root: map[string]string{"%next": "%next"}}
	st.runs = []planeRun{{lo: op.Dom[0].Lo, hi: op.Dom[0].Hi, pieces: []int{0}, work: 2, reads: []planeRead{{root: "%next"}}}}
	return st
}

func around(a, b ir.Interval) ir.Interval {
	if a == (ir.Interval{}) {
		return b
	}
	return ir.Interval{Lo: min(a.Lo, b.Lo), Hi: max(a.Hi, b.Hi)}
}

// periodic finds out whether dimension d is periodic, and its points. If it is, it is whole when all values have its points and no others,
// and every piece all of them: then a plane may be computed wherever it is needed.
func (s *sweep) periodic(d int) (n int, whole bool) {
	for _, v := range s.arrays {
		if len(v.axes) == s.rank {
			if ax := s.prog.Axis(v.axes[d]); ax != nil && ax.Periodic {
				n = ax.N
			}
		}
	}
	if n == 0 {
		return 0, true
	}
	for i := range s.fn.ops {
		op := &s.fn.ops[i]
		if len(op.Dom) == 0 {
			continue
		}
		if len(op.Dom) != s.rank {
			return n, false
		}
		if wrapsAlong(op, d, n) {
			continue
		}
		// What comes after a wrap has its margins.
		all := ir.Interval{Lo: op.Dom[d].Lo, Hi: op.Dom[d].Hi}
		if all.Lo > 0 || all.Hi < n || op.Kind == ir.Map && all != (ir.Interval{Lo: 0, Hi: n}) {
			return n, false
		}
		for k := range op.Pieces {
			if b := op.Pieces[k].Box[d]; b.Lo > 0 || b.Hi < n {
				return n, false
			}
		}
	}
	return n, true
}

// wrapsAlong says that an operation fills the margins of dimension d, which is periodic with n points.
func wrapsAlong(op *ir.Op, d, n int) bool {
	if op.Kind != ir.Extend || n == 0 || len(op.Pieces) == 0 {
		return false
	}
	for i := range op.Pieces {
		pc := &op.Pieces[i]
		if b := pc.Box[d]; b.Lo < n && b.Hi > 0 || len(pc.Body.Nodes) != 1 {
			return false
		}
		r := &pc.Body.Nodes[0]
		if r.Op != ir.Read || r.Name != op.From || r.At[d].Off%n != 0 {
			return false
		}
		for k, a := range r.At {
			if a.Index != op.Dom[k].Index || !a.Unit() || k != d && a.Off != 0 {
				return false
			}
		}
	}
	return true
}

// goesRound finds out whether tiles may reach over the ends of a periodic tiled axis: rows, like planes, are then computed wherever they
// are needed instead of being copied, so that the tiles at the ends are no larger than others. Along the contiguous axis the ends must be
// ends of vectors.
func (s *sweep) goesRound() {
	n, whole := s.periodic(1)
	if n == 0 {
		return
	}
	s.single = !whole || s.rank == 2 && n%vectorLine != 0
	for _, st := range s.stages {
		if st.number {
			continue
		}
		st.round = wrapsAlong(st.op, 1, n)
		s.single = s.single || st.round && !st.share
	}
	if !s.single {
		s.round = n
	}
}

// set says that the function gives an array a new value.
func (s *sweep) set(name string) bool {
	return slices.ContainsFunc(s.sets, func(x ir.Set) bool { return "@"+x.Array == name })
}

// stage returns the stage of an operation, or nil when it cannot be one.
func (s *sweep) stage(op *ir.Op) *planeOp {
	if op.Kind != ir.Map && op.Kind != ir.Extend || len(op.Dom) != s.rank {
		return nil
	}
	st := &planeOp{op: op, root: map[string]string{}}
	for _, r := range op.Results {
		st.slots = append(st.slots, s.fn.vals["%"+r.Name].slot)
		st.final = st.final || op.Kind == ir.Map && slices.ContainsFunc(s.sets, func(x ir.Set) bool { return x.Value == "%"+r.Name })
		s.roots["%"+r.Name] = "%" + r.Name
	}
	if op.Kind == ir.Extend {
		st.share = s.fn.vals[op.From].slot == st.slots[0]
		if st.share {
			s.roots["%"+op.Results[0].Name] = s.roots[op.From]
		}
		st.root["%"+op.Results[0].Name] = s.roots["%"+op.Results[0].Name]
		if st.alias = st.share && (wrapsAlong(op, 0, s.period) || wrapsAlong(op, 2, s.closed)); st.alias {
			return st
		}
		if wrapsAlong(op, 0, s.period) {
			return nil
		}
	}
	boxes, all, err := pieceBoxes(op)
	if err != nil {
		return nil
	}
	for _, r := range emit.PieceRuns(op.Dom[0].Lo, op.Dom[0].Hi, boxes, 0, all) {
		if len(r.Active) == 0 {
			continue
		}
		run := planeRun{lo: r.Lo, hi: r.Hi, pieces: r.Active}
		for _, k := range r.Active {
			if !s.reads(st, k, &run) {
				return nil
			}
		}
		if st.operands(r.Active, 1) > mostArgs {
			return nil
		}
		run.work = nodesOf(op, r.Active)
		st.runs = append(st.runs, run)
	}
	return st
}

// nodesOf is how many nodes are computed for a point of the piece that has most, as points of 4 bytes. Ghosts are few points of a row, or copies.
func nodesOf(op *ir.Op, pieces []int) int {
	most, size := 0, 1
	for _, k := range pieces {
		b := &op.Pieces[k].Body
		n := len(b.Results)
		for i, live := range b.Live() {
			switch b.Nodes[i].Op {
			case ir.Const, ir.Scalar, ir.Index:
			default:
				if live {
					n++
				}
			}
		}
		most = max(most, n)
	}
	if op.Kind == ir.Extend {
		return min(most, 2)
	}
	for _, r := range op.Results {
		size = max(size, storageBytes(r.Elem)/4)
	}
	return most * size
}

// operands is how many planes, arrays and host scalars pieces read and write when they compute so many planes.
func (st *planeOp) operands(pieces []int, planes int) int {
	op := st.op
	type operand struct {
		name  string
		elem  ir.Elem
		plane int
	}
	seen := map[operand]bool{}
	for _, k := range pieces {
		for _, n := range op.Pieces[k].Body.Nodes {
			switch {
			case n.Op == ir.Scalar:
				seen[operand{"scalar " + n.Name, n.Elem, 0}] = true
			case n.Op == ir.Read && offsets(op, n.At):
				for k := range planes {
					seen[operand{st.root[n.Name], n.Elem, n.At[0].Off + k}] = true
				}
			case n.Op == ir.Read:
				seen[operand{"array " + st.root[n.Name], n.Elem, 0}] = true
			}
		}
	}
	return len(seen) + planes*len(op.Results)
}

// reads notes what piece k reads, and says whether it may.
func (s *sweep) reads(st *planeOp, k int, run *planeRun) bool {
	op := st.op
	b := &op.Pieces[k].Body
	for i := range b.Nodes {
		n := &b.Nodes[i]
		if n.Op != ir.Read {
			continue
		}
		v := s.fn.vals[n.Name]
		if v == nil || v.elem != n.Elem {
			return false
		}
		root := s.roots[n.Name]
		st.root[n.Name] = root
		if s.board.has(n.Name) {
			continue
		}
		if offsets(op, n.At) {
			dy := n.At[1].Off
			j := slices.IndexFunc(run.reads, func(r planeRead) bool { return r.piece == k && r.root == root && r.plane == n.At[0].Off })
			if j < 0 {
				run.reads = append(run.reads, planeRead{piece: k, root: root, plane: n.At[0].Off, lo: dy, hi: dy})
			} else {
				run.reads[j].lo, run.reads[j].hi = min(run.reads[j].lo, dy), max(run.reads[j].hi, dy)
			}
			continue
		}
		// Any other place only in arrays that stay as they are, in whole vectors or single values.
		if n.Name[0] != '@' || s.set(n.Name) {
			return false
		}
		last := op.Dom[s.rank-1].Index
		for d, a := range n.At {
			if !a.Unit() || a.Index == last && d != len(n.At)-1 || s.wraps && a.Index == op.Dom[0].Index && a.Off != 0 {
				return false
			}
		}
	}
	return true
}

// offsets says that an access is at a constant distance from the output index.
func offsets(op *ir.Op, at []ir.Affine) bool {
	if len(at) != len(op.Dom) {
		return false
	}
	for d, a := range at {
		if a.Index != op.Dom[d].Index || !a.Unit() {
			return false
		}
	}
	return true
}

// marginsFirst finds the extends of arrays, which are done before the pass.
func (s *sweep) marginsFirst() bool {
	ready := map[string]bool{}
	for _, a := range s.arrays {
		ready[a.name] = true
	}
	for k, st := range s.stages {
		if st.number || st.op.Kind != ir.Extend || !st.share || !ready[st.op.From] {
			continue
		}
		ready["%"+st.op.Results[0].Name] = true
		if st.alias {
			continue
		}
		for _, r := range st.runs {
			for _, x := range r.reads {
				if !ready[x.root] {
					return false
				}
			}
		}
		s.before = append(s.before, k)
	}
	// Ghosts that are made of their own rows are made as the rows are read, unless others are made of them: going through all of an array
	// for the ends of its rows would cost as much as a step. So are rows of ghosts, by the tiles that read them, of what the arrays themselves hold.
	for i := len(s.before) - 1; i >= 0; i-- {
		st := s.stages[s.before[i]]
		made := func(k int) bool { return s.readsGhosts(st, s.stages[k]) }
		needed := func(k int) bool { return s.readsGhosts(s.stages[k], st) }
		own := st.rowLocal() || s.planeLocal(st) && !slices.ContainsFunc(s.before[:i], made)
		if own && !slices.ContainsFunc(s.before[i+1:], needed) {
			st.within = true
			s.before = slices.Delete(s.before, i, i+1)
		}
	}
	return true
}

// boxes are those of the pieces.
func (st *planeOp) boxes() (all [][]ir.Interval) {
	for i := range st.op.Pieces {
		all = append(all, st.op.Pieces[i].Box)
	}
	return all
}

// readsGhosts says that an operation reads what an extend makes of the array that is in the same storage.
func (s *sweep) readsGhosts(st, extend *planeOp) bool {
	for i := range st.op.Pieces {
		box := boxOf(st.op, &st.op.Pieces[i])
		for _, n := range st.op.Pieces[i].Body.Nodes {
			if n.Op != ir.Read || st.root[n.Name] != s.roots[extend.op.From] {
				continue
			}
			for _, made := range extend.op.Pieces {
				apart := false
				for d, a := range n.At {
					apart = apart || empty(common(span(a, box), made.Box[d]))
				}
				if !apart {
					return true
				}
			}
		}
	}
	return false
}

// rowLocal says that an operation on three axes reads nothing but its own rows.
func (st *planeOp) rowLocal() bool {
	if len(st.op.Dom) != 3 {
		return false
	}
	for _, r := range st.runs {
		for _, rd := range r.reads {
			if rd.plane != 0 || rd.lo != 0 || rd.hi != 0 {
				return false
			}
		}
	}
	return true
}

// planeLocal says that an operation on three axes fills the margins of the periodic tiled axis.
func (s *sweep) planeLocal(st *planeOp) bool {
	n, _ := s.periodic(1)
	return len(st.op.Dom) == 3 && wrapsAlong(st.op, 1, n)
}
