package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Operations along the rows of large values (a normalisation, a softmax, their derivatives) are a group too: what they have in common are the
// leading dimensions, over which they read each other point by point, so a block of rows goes through all of them while it lies in a
// thread's cache. The blocks are alike: nothing in them depends on which they are, and the code of one serves all.

const (
	mostRows   = 64 // of a block
	leastRows  = 16 // of a block in which sums follow each other row beside row
	leastCount = 32 // blocks, if there are so many rows
)

// rowsBytes is the size of what a block reads and makes.
func rowsBytes() int { return secondCache(5, 16) }

// groupRows finds runs of such operations.
func (g *fn) groupRows() {
	for i := 0; i < len(g.ops); i++ {
		op := &g.ops[i]
		if op.Kind != ir.Reduce || len(op.Dom) == 0 || g.grouped(i) || !g.admitsRows(op, op.Dom) {
			continue
		}
		lead := op.Dom
		lo, hi := i, i+1
		for lo > 0 && !g.grouped(lo-1) && g.admitsRows(&g.ops[lo-1], lead) {
			lo--
		}
		for hi < len(g.ops) && !g.grouped(hi) && g.admitsRows(&g.ops[hi], lead) {
			hi++
		}
		if x := g.rowGroup(lo, hi, i, lead); x != nil {
			g.groups = append(g.groups, x)
			g.locals(x)
			if x.streams(g) && x.size > leastRows { // in short blocks reading and writing alternate faster than stores wait
				x.size = max(leastRows, x.size/2/leastRows*leastRows)
			}
			i = x.hi - 1
		}
	}
}

// admitsRows says that an operation may run on a block of the points of lead at a time.
func (g *fn) admitsRows(op *ir.Op, lead []ir.Range) bool {
	u := len(lead)
	if len(op.Dom) < u || !sameBox(op.Dom[:u], lead) || len(op.Pieces) == 0 || !movesAlike(op, u) {
		return false
	}
	switch op.Kind {
	case ir.Map:
	case ir.Reduce:
		if op.Order.Kind != ir.Canon && op.Order.Kind != ir.Seq || newContraction(op) != nil || ir.Selected(op) != nil {
			return false
		}
	default:
		return false
	}
	own := map[string]bool{}
	for d := range u {
		if op.Dom[d].Lo != 0 {
			return false
		}
		own[op.Dom[d].Index] = true
	}
	for p := range op.Pieces {
		for d := range u {
			if op.Pieces[p].Box[d] != (ir.Interval{Lo: 0, Hi: op.Dom[d].Hi}) {
				return false
			}
		}
		for _, n := range op.Pieces[p].Body.Nodes {
			if n.Op == ir.Index && own[n.Name] {
				return false
			}
			if n.Op != ir.Read {
				continue
			}
			seen := map[string]bool{}
			for _, a := range n.At {
				if own[a.Index] && (a.Off != 0 || !a.Unit() || seen[a.Index]) {
					return false
				}
				seen[a.Index] = true
			}
		}
	}
	return true
}

// rowGroup is the group of the operations in [lo, hi) that hang together with operation seed through large values, or nil when it would spare
// nothing.
func (g *fn) rowGroup(lo, hi, seed int, lead []ir.Range) *group {
	u := len(lead)
	of := map[string]int{} // value to the operation of the run that makes it
	for i := lo; i < hi; i++ {
		for _, r := range g.ops[i].Results {
			of["%"+r.Name] = i
		}
	}
	// What is made in the run is read there row by row.
	for i := lo; i < hi; i++ {
		for _, n := range reads(&g.ops[i]) {
			if _, made := of[n.Name]; !made {
				continue
			}
			for d := range u {
				if n.At[d].Index != g.ops[i].Dom[d].Index {
					if i <= seed {
						return nil
					}
					hi = i
				}
			}
		}
	}
	bytes := func(name string) int {
		v := g.vals[name]
		if v == nil || len(v.box) <= u {
			return 0
		}
		n := storageBytes(v.elem)
		for _, b := range v.box {
			n *= b.Hi - b.Lo
		}
		return n
	}
	values := func(i int) (names []string) {
		for _, n := range reads(&g.ops[i]) {
			if bytes(n.Name) >= groupBytes() && !slices.Contains(names, n.Name) {
				names = append(names, n.Name)
			}
		}
		for _, r := range g.ops[i].Results {
			if bytes("%"+r.Name) >= groupBytes() {
				names = append(names, "%"+r.Name)
			}
		}
		return names
	}
	// Ends that have no large value in common with the rest stay outside.
	common := map[string]int{}
	for i := lo; i < hi; i++ {
		for _, n := range values(i) {
			common[n]++
		}
	}
	shares := func(i int) bool {
		return slices.ContainsFunc(values(i), func(n string) bool { return common[n] > 1 })
	}
	for lo < seed && !shares(lo) {
		lo++
	}
	for hi > seed+1 && !shares(hi-1) {
		hi--
	}
	if hi-lo < 2 || !shares(seed) {
		return nil
	}
	hi = g.makeAgain(lo, hi, u, func(name string) bool { return bytes(name) >= groupBytes() })
	row, beside := 0, false
	seen := map[string]bool{}
	for i := lo; i < hi; i++ {
		for _, n := range values(i) {
			if !seen[n] {
				seen[n] = true
				row += bytes(n) / points(lead)
			}
		}
		beside = beside || g.ops[i].Kind == ir.Reduce && g.ops[i].Order.Kind == ir.Seq
	}
	rows := lead[u-1]
	size := min(mostRows, rowsBytes()/max(1, row), max(leastRows, points(lead)/leastCount))
	if beside {
		size = max(leastRows, size/leastRows*leastRows)
	}
	size = min(max(1, size), rows.Hi)
	x := &group{lo: lo, hi: hi, local: map[string]bool{}, units: lead[:u-1], rows: rows, size: size, alike: true, onto: make([]bool, hi-lo), col: make([]string, hi-lo)}
	for i := lo; i < hi; i++ {
		x.row = append(x.row, g.ops[i].Dom[u-1].Index)
	}
	return x
}
