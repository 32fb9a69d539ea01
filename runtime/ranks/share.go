package ranks

import "github.com/wfc-lang/wfc/ir"

// The canonical order of a reduction is a tree: elements in blocks, blocks pairwise (see [ir.Order]). A rank folds the blocks that begin among its
// elements; of the last one it computes the elements that belong to the next rank too. Then it folds as far up the tree as its blocks
// alone go, and sends what it has: a few numbers, which every rank folds to the same root. So the bits are those of one process.

// blockElems is the size of a block of the canonical order.
const blockElems = 4096

// node is a number in the tree: blocks at<<level up to, but not including, at+1<<level.
type node struct{ level, at int }

// share is the part of one rank in a reduction.
type share struct {
	lo, hi int // its blocks
	from   int // elements from its first block on, counted in the cover
	n      int // elements in its blocks
	total  int // elements of all
	cover  box // of the reduced box: whole rows along the first axis that have its elements
	nodes  []node
	// parts are the boxes of the nodes when each is whole rows: then a node is a reduction of the program itself.
	parts []box
}

// blocksOf is the range of blocks that begin among the elements of a rank.
func (l *layout) blocksOf(op *ir.Op, rank int) (lo, hi, row, total int) {
	row = 1
	for _, r := range op.Over[1:] {
		row *= r.Hi - r.Lo
	}
	first := op.Over[0]
	x := l.axes[first.Axis]
	own := ir.Interval{}
	own.Lo, own.Hi = x.cut.Block(x.n, l.coords(rank)[x.dim])
	own = meet(own, ir.Interval{Lo: first.Lo, Hi: first.Hi})
	total = (first.Hi - first.Lo) * row
	if own.Lo >= own.Hi {
		return 0, 0, row, total
	}
	lo = ((own.Lo-first.Lo)*row + blockElems - 1) / blockElems
	hi = ((own.Hi-first.Lo)*row + blockElems - 1) / blockElems
	return lo, hi, row, total
}

// nodesOf are the largest nodes of a tree over count blocks that lie within blocks lo to hi-1, in order.
func nodesOf(lo, hi, count int) (out []node) {
	for lo < hi {
		level := 0
		for lo&(1<<level) == 0 && min(lo+2<<level, count) <= hi && 1<<level < count {
			level++
		}
		out = append(out, node{level, lo >> level})
		lo += 1 << level
	}
	return out
}

func (a *analysis) share(op *ir.Op) *share {
	lo, hi, row, total := a.blocksOf(op, a.rank)
	s := &share{lo: lo, hi: hi, total: total}
	if lo >= hi {
		return s
	}
	first, end := lo*blockElems, min(hi*blockElems, total)
	base := op.Over[0].Lo
	s.cover = whole(op.Over)
	s.cover[0] = ir.Interval{Lo: base + first/row, Hi: base + (end+row-1)/row}
	s.from, s.n = first-first/row*row, end-first
	s.nodes = nodesOf(lo, hi, (total+blockElems-1)/blockElems)
	for _, n := range s.nodes {
		from, to := (n.at<<n.level)*blockElems, min((n.at+1)<<n.level*blockElems, total)
		if from%row != 0 || to%row != 0 {
			s.parts = nil
			return s
		}
		part := s.cover.clone()
		part[0] = ir.Interval{Lo: base + from/row, Hi: base + to/row}
		s.parts = append(s.parts, part)
	}
	return s
}

// root folds the numbers of all nodes to one, as the tree says.
func root[T any](nodes map[node]T, count int, fold func(a, b T) T) T {
	level := 0
	for 1<<level < count {
		level++
	}
	var eval func(n node) T
	eval = func(n node) T {
		if v, ok := nodes[n]; ok {
			return v
		}
		left := eval(node{n.level - 1, 2 * n.at})
		if (2*n.at+1)<<(n.level-1) >= count {
			return left
		}
		return fold(left, eval(node{n.level - 1, 2*n.at + 1}))
	}
	return eval(node{level, 0})
}
