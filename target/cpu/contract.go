package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// contraction is a sum of products in ascending order, accumulated by fma, some output index of which only one factor has: a matrix
// product, perhaps many at once. Every element must see its terms in ascending order, so neither the sum is vectorised nor split: the
// lanes are output elements along n, the register block is m rows of them, and one pass over k holds the block in registers (K. Goto, R.
// van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34, 2008).
//
// The factor with n ("b") is packed into panels of a vector or two along n, k by k: where its rows lie along n by the blocks of rows that use
// a panel first (contract_way.go), and not at all if it is small. The other ("a") is read where it lies when it is an array read with one
// stride along k, or a small one with k across, and copied row by row otherwise. Factors may be any expressions: packing evaluates them.
type contraction struct {
	op    *ir.Op
	elem  ir.Elem
	a, b  factor
	m, n  int   // output dimensions; m is -1 when only b varies
	outer []int // the other output dimensions
	k     int   // terms per element

	resume bool // the result holds the sum of earlier terms already
	shared bool // a group has the threads' own memory already
}

// factor is one operand of the product: a node of the body and the indices it depends on.
type factor struct {
	node  int
	reads []int           // read nodes below it
	has   map[string]bool // indices
}

// newContraction recognises one, or returns nil. It looks at the operation alone, not at layouts: the storage plan asks it for scratch.
func newContraction(op *ir.Op) *contraction {
	if op.Order.Kind != ir.Seq {
		return nil
	}
	c := factors(op)
	if c != nil && c.rowTimesMatrix() {
		return nil
	}
	return c
}

// factors takes a sum of products apart, in whatever order it is summed.
func factors(op *ir.Op) *contraction {
	if op.Kind != ir.Reduce || !op.FMA || op.Comb != ir.Sum || len(op.Results) != 1 || len(op.Pieces) != 1 || len(op.Dom) == 0 {
		return nil
	}
	e := op.Results[0].Elem
	if e != ir.F32 && e != ir.F64 {
		return nil
	}
	pc := &op.Pieces[0]
	for d, r := range slices.Concat(op.Dom, op.Over) {
		if d >= len(pc.Box) || pc.Box[d] != (ir.Interval{Lo: r.Lo, Hi: r.Hi}) {
			return nil
		}
	}
	if len(pc.Body.Results) != 1 || pc.Body.Results[0] < 0 || pc.Body.Results[0] >= len(pc.Body.Nodes) {
		return nil
	}
	p := &pc.Body.Nodes[pc.Body.Results[0]]
	if p.Op != ir.Mul || len(p.Args) != 2 {
		return nil
	}
	c := &contraction{op: op, elem: e, m: -1, n: -1, k: overSize(op)}
	x, y := newFactor(&pc.Body, p.Args[0]), newFactor(&pc.Body, p.Args[1])
	// The lanes go along the last output index if one factor alone has it, unless another fills vectors better.
	best := 0
	for d, r := range op.Dom {
		if x.has[r.Index] == y.has[r.Index] {
			continue
		}
		score := 2 * min(r.Hi-r.Lo, 64)
		if d == len(op.Dom)-1 {
			score = 8*min(r.Hi-r.Lo, 64) + 1
		}
		if score > best {
			best, c.n = score, d
		}
	}
	if c.n < 0 {
		return nil
	}
	c.a, c.b = x, y
	if x.has[op.Dom[c.n].Index] {
		c.a, c.b = y, x
	}
	for d, r := range op.Dom {
		if !c.b.has[r.Index] && c.a.has[r.Index] && (c.m < 0 || c.extent(d) >= c.extent(c.m)) {
			c.m = d
		}
	}
	for d := range op.Dom {
		if d != c.m && d != c.n {
			c.outer = append(c.outer, d)
		}
	}
	return c
}

// rowTimesMatrix says that no element of b is used twice, and that b lies well: packing would cost more than it gives. What fills half a
// vector or more behind the last whole one is a product in its place, because a reduction computes that column by column.
func (c *contraction) rowTimesMatrix() bool {
	for _, r := range c.op.Dom {
		if !c.b.has[r.Index] && r.Hi-r.Lo != 1 {
			return false
		}
	}
	if rest := c.extent(c.n) % c.lanes(); c.inPlace() && 2*rest >= c.lanes() {
		return false
	}
	return c.b.along(c.body(), c.op.Dom[c.n].Index)
}

func newFactor(b *ir.Body, node int) factor {
	f := factor{node: node, has: map[string]bool{}}
	seen := map[int]bool{}
	var visit func(i int)
	visit = func(i int) {
		if seen[i] || i < 0 || i >= len(b.Nodes) {
			return
		}
		seen[i] = true
		n := &b.Nodes[i]
		switch n.Op {
		case ir.Read:
			f.reads = append(f.reads, i)
			for _, a := range n.At {
				if a.Index != "" {
					f.has[a.Index] = true
				}
			}
		case ir.Index:
			f.has[n.Name] = true
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	visit(node)
	return f
}

// along says that all memory the factor reads moves by at most one element with an index, and some does.
func (f *factor) along(b *ir.Body, index string) bool {
	some := false
	for _, r := range f.reads {
		at := b.Nodes[r].At
		for d, a := range at {
			if a.Index != index {
				continue
			}
			if d != len(at)-1 || !a.Unit() {
				return false
			}
			some = true
		}
	}
	return some
}

func (c *contraction) extent(d int) int { return c.op.Dom[d].Hi - c.op.Dom[d].Lo }
func (c *contraction) body() *ir.Body   { return &c.op.Pieces[0].Body }
func (c *contraction) last() ir.Range   { return c.op.Over[len(c.op.Over)-1] }
func (c *contraction) rows() int {
	if c.m < 0 {
		return 1
	}
	return c.extent(c.m)
}

// direct says that a need not be packed: it is a read of an array in which m is a dimension of its own and k the contiguous one, or of a
// small one in which it is the other way round. Tiles of a group are in a cache whatever their size, with rows an odd number of lines apart.
func (c *contraction) direct() bool {
	n := &c.body().Nodes[c.a.node]
	if n.Op != ir.Read || len(c.op.Over) != 1 || len(n.At) == 0 || !plain(n.At) {
		return false
	}
	switch last := n.At[len(n.At)-1].Index; {
	case last == c.last().Index:
		return true
	case c.m < 0 || last != c.op.Dom[c.m].Index:
		return false
	}
	return c.a.has[c.last().Index] && (c.shared || c.k*c.rows()*storageBytes(c.elem) <= inPlaceBytes())
}

// inPlace says that b need not be packed: it lies well and is small enough for rows that lie apart to be read again and again.
func (c *contraction) inPlace() bool {
	return c.lies() && len(c.op.Over) == 1 && c.k*c.extent(c.n)*storageBytes(c.elem) <= inPlaceBytes()
}

// inPlaceBytes is the largest factor whose rows are read one after the other where they lie, a small part of a second-level cache.
func inPlaceBytes() int { return secondCache(1, 16) }

// plain says that an access has a dimension for every index, in steps of one.
func plain(at []ir.Affine) bool {
	seen := map[string]bool{}
	for _, a := range at {
		if a.Index != "" && (seen[a.Index] || !a.Unit()) {
			return false
		}
		seen[a.Index] = true
	}
	return true
}

// kRows says that packed a has k as its contiguous dimension: rows of the original, or what is no read along m. Otherwise it is packed
// block by block, the rows of a block side by side.
func (c *contraction) kRows() bool {
	return c.m < 0 || !c.a.along(c.body(), c.op.Dom[c.m].Index) || c.a.along(c.body(), c.last().Index)
}

// outerOf lists the outer dimensions on which a factor depends.
func (c *contraction) outerOf(f *factor) []int {
	var out []int
	for _, d := range c.outer {
		if f.has[c.op.Dom[d].Index] {
			out = append(out, d)
		}
	}
	return out
}

func (c *contraction) count(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= c.extent(d)
	}
	return n
}

// lanes is the number of elements of a vector.
func (c *contraction) lanes() int { return vectorBytes() / storageBytes(c.elem) }

// panel is one strip of b: n from lo on, vectors wide; valid of its lanes exist.
type panel struct{ lo, vectors, valid int }

// panels cuts n into strips of two vectors; the last may be one.
func (c *contraction) panels() (full int, last *panel) {
	l, n := c.lanes(), c.extent(c.n)
	full = n / (2 * l)
	if r := n - full*2*l; r > 0 {
		last = &panel{full * 2 * l, (r + l - 1) / l, r}
	}
	return full, last
}

// panelSize is the storage of all panels of one b.
func (c *contraction) panelSize() int {
	full, last := c.panels()
	n := 0
	if last != nil {
		n = last.vectors
	}
	return full*c.panelStride() + n*c.lanes()*c.k
}

// apart is the step between stretches of n elements that are written or read side by side: an odd number of cache lines, so that they do
// not meet in the same sets of a cache.
func (c *contraction) apart(n int) int {
	line := lineBytes / storageBytes(c.elem)
	return ((n+line-1)/line | 1) * line
}

// panelStride is from a full panel to the next.
func (c *contraction) panelStride() int { return c.apart(2 * c.lanes() * c.k) }

// blocks cuts the rows into equal blocks, the first rem of them one row longer. A block has the most rows that fit into the registers
// beside what else is needed: 12 rows of two vectors for 32 registers, 6 for 16.
func (c *contraction) blocks() (n, size, rem int) {
	most := 3 * vectorRegisters() / 8
	if full, last := c.panels(); full == 0 && last.vectors == 1 {
		most *= 2
	}
	n = (c.rows() + most - 1) / most
	return n, c.rows() / n, c.rows() % n
}

// rowStride is from row to row of packed a along k.
func (c *contraction) rowStride() int { return c.apart(c.k) }

// blockStride is from block to block of packed a.
func (c *contraction) blockStride() int { return c.apart(c.k * c.blockRows()) }

// blockRows is how many rows a block has room for in a packed by blocks.
func (c *contraction) blockRows() int {
	_, size, rem := c.blocks()
	return size + min(rem, 1)
}

// packedA is the storage of one packed a.
func (c *contraction) packedA() int {
	if c.kRows() {
		return c.rows() * c.rowStride()
	}
	n, _, _ := c.blocks()
	return n * c.blockStride()
}

// scratch is the memory for packed b, and for packed a.
func (c *contraction) scratch() []passes.Need {
	var need []passes.Need
	if !c.panelwise() && !c.inPlace() && !c.byTheWay() {
		need = append(need, passes.Need{Elem: c.elem, N: c.panelSize() * c.count(c.outerOf(&c.b))})
	}
	if !c.direct() && !c.piecewise() {
		need = append(need, passes.Need{Elem: c.elem, N: c.packedA() * c.count(c.outerOf(&c.a))})
	}
	return need
}

// pieces is from how many parts of a on each is packed where and when it is used.
const pieces = 12

// cacheParts is into how many parts of about half a cache a is cut.
func (c *contraction) cacheParts() int {
	rows := max(min(96, partBytes()/1024), partBytes()/(c.k*storageBytes(c.elem)))
	return max(1, c.rows()/rows)
}

// piecewise says that a is so large that every part of it is packed by the thread that needs it, into memory of its own: a packed copy of
// the whole would cross the memory twice more, and take its place.
func (c *contraction) piecewise() bool {
	return c.m >= 0 && c.elem == ir.F32 && !c.shared && !c.direct() && c.cacheParts() >= pieces
}

// panelwise says that every panel of b is used by one unit only, because all of a stays in a cache: then it is packed there, which spares
// the memory a packed copy of b. So it is with a row times a matrix, and with few rows times the embedding of a large vocabulary.
func (c *contraction) panelwise() bool {
	return c.elem == ir.F32 && !c.shared && !c.piecewise() && !c.inPlace() && !c.byTheWay() && c.panelCount() >= pieces && c.count(c.outer) == c.count(c.outerOf(&c.b)) &&
		c.rows()*c.k*storageBytes(c.elem) <= partBytes()
}

// farther says that packed b does not stay in a thread's caches, so that every panel comes from farther away.
func (c *contraction) farther() bool {
	return !c.panelwise() && !c.inPlace() && !c.shared && c.panelSize()*storageBytes(c.elem) >= stretchBytes()
}

func (c *contraction) panelCount() int {
	full, last := c.panels()
	if last != nil {
		full++
	}
	return full
}

// perPart is how many blocks a part has at most, when there are n parts.
func (c *contraction) perPart(n int) int {
	nb, _, _ := c.blocks()
	return (nb + n - 1) / n
}

// pieceSize is the storage of a part that is packed by itself.
func (c *contraction) pieceSize() int {
	n := c.perPart(c.cacheParts())
	if c.kRows() {
		return n * c.blockRows() * c.rowStride()
	}
	return n * c.blockStride()
}
