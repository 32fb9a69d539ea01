package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// cluster is the operations connected by large values, before they are cut into groups.
type cluster struct {
	g     *fn
	dom   []ir.Range // of every large value
	large map[string]bool
	of    map[string]int // value to the operation that defines it
	ops   map[int]bool
	row   map[int]string
	col   map[int]string
	onto  map[int]bool
	rows  map[string]bool // values along units and rows, made by reductions
}

// cluster collects what is connected with the contraction seed, or returns nil when something in it has no place in a group.
func (g *fn) cluster(seed int, sets []ir.Set) *cluster {
	c := &cluster{g: g, dom: g.ops[seed].Dom, large: map[string]bool{}, of: map[string]int{}, ops: map[int]bool{}, row: map[int]string{},
		col: map[int]string{}, onto: map[int]bool{}, rows: map[string]bool{}}
	readers := map[string][]int{}
	for i := range g.ops {
		for _, r := range g.ops[i].Results {
			c.of["%"+r.Name] = i
		}
		seen := map[string]bool{}
		for _, n := range reads(&g.ops[i]) {
			if !seen[n.Name] {
				seen[n.Name] = true
				readers[n.Name] = append(readers[n.Name], i)
			}
		}
		if g.ops[i].Kind == ir.Extend {
			readers[g.ops[i].From] = append(readers[g.ops[i].From], -1)
		}
	}
	for _, s := range sets {
		readers[s.Value] = append(readers[s.Value], -1)
	}
	work := []int{seed}
	for len(work) > 0 {
		i := work[0]
		work = work[1:]
		if c.ops[i] {
			continue
		}
		if g.grouped(i) || !c.admit(i) {
			return nil
		}
		c.ops[i] = true
		for _, r := range g.ops[i].Results {
			if !c.large["%"+r.Name] {
				continue
			}
			for _, j := range readers["%"+r.Name] {
				if j < 0 {
					return nil
				}
				work = append(work, j)
			}
		}
		for _, n := range reads(&g.ops[i]) {
			if j, ok := c.of[n.Name]; ok && sameBox(g.ops[j].Dom, c.dom) {
				work = append(work, j)
			}
		}
	}
	return c
}

// admit says whether operation i has a place in a group, and notes which.
func (c *cluster) admit(i int) bool {
	op := &c.g.ops[i]
	u := len(c.dom) - 2
	if len(op.Dom) < u || !sameBox(op.Dom[:u], c.dom[:u]) || len(op.Pieces) == 0 || !movesAlike(op, u) {
		return false
	}
	unit := map[string]int{}
	for d := range u {
		unit[op.Dom[d].Index] = d
	}
	row, col, over := "", "", len(op.Over) == 1
	for _, n := range reads(op) {
		if !c.isLarge(n.Name) {
			continue
		}
		x, ok := plainAt(n.At)
		if !ok || len(x) != u+2 {
			return false
		}
		for d := range u {
			if x[d] != op.Dom[d].Index {
				return false
			}
		}
		if row != "" && (row != x[u] || col != x[u+1]) {
			return false
		}
		row, col = x[u], x[u+1]
	}
	for p := range op.Pieces {
		for d := range u {
			if op.Pieces[p].Box[d] != (ir.Interval{Lo: 0, Hi: op.Dom[d].Hi}) {
				return false
			}
		}
	}
	for p := range op.Pieces { // the tile's place among the units is not known to the code
		for _, n := range op.Pieces[p].Body.Nodes {
			if _, ok := unit[n.Name]; ok && n.Op == ir.Index {
				return false
			}
		}
	}
	for _, n := range reads(op) {
		for _, a := range n.At {
			if _, ok := unit[a.Index]; ok && (a.Off != 0 || !a.Unit()) {
				return false
			}
		}
	}
	if op.Kind == ir.Reduce && op.Order.Kind == ir.Pairs {
		return false
	}
	isLarge := sameBox(op.Dom, c.dom)
	switch {
	case op.Kind == ir.Map && isLarge:
		if row != "" && (row != op.Dom[u].Index || col != op.Dom[u+1].Index) {
			return false
		}
		row, col = op.Dom[u].Index, op.Dom[u+1].Index
	case op.Kind != ir.Reduce:
		return false
	case isLarge:
		if newContraction(op) == nil || row != "" {
			return false
		}
		row, col = op.Dom[u].Index, op.Dom[u+1].Index
	case row == "" || !over:
		return false
	case op.Over[0].Index == row: // sums the rows away
		if newContraction(op) == nil || op.Results[0].Elem != ir.F32 && op.Results[0].Elem != ir.F64 {
			return false
		}
		c.onto[i] = true
	case newContraction(op) == nil: // a row of one number
		if len(op.Dom) != u+1 || op.Dom[u].Index != row {
			return false
		}
		for _, r := range op.Results {
			c.rows["%"+r.Name] = true
		}
	default: // sums a row with weights
		if !slices.ContainsFunc(op.Dom, func(r ir.Range) bool { return r.Index == row }) {
			return false
		}
	}
	if isLarge {
		for _, r := range op.Results {
			c.large["%"+r.Name] = true
		}
	}
	c.row[i], c.col[i] = row, col
	return true
}

// isLarge says that a value has the large domain and is computed by the function.
func (c *cluster) isLarge(name string) bool {
	i, ok := c.of[name]
	return ok && sameBox(c.g.ops[i].Dom, c.dom)
}

// levels says for every operation how often the way to it leaves the cluster and comes back: even numbers are groups, odd ones what lies
// between.
func (c *cluster) levels() []int {
	out := make([]int, len(c.g.ops))
	for i := range c.g.ops {
		l := 0
		names := []string{c.g.ops[i].From}
		for _, n := range reads(&c.g.ops[i]) {
			names = append(names, n.Name)
		}
		for _, n := range names {
			j, ok := c.of[n]
			if !ok {
				continue
			}
			k := out[j]
			if c.ops[j] && !c.ops[i] {
				k++
			}
			l = max(l, k)
		}
		if c.ops[i] && l%2 == 1 {
			l++
		}
		out[i] = l
	}
	return out
}

// inTime says that what operation i reads of operation j, of the same group, is there when its tile is: the same rows, and complete.
func (c *cluster) inTime(i, j int) bool {
	if c.onto[j] {
		return false
	}
	for _, n := range reads(&c.g.ops[i]) {
		if c.of[n.Name] != j || c.g.vals[n.Name] == nil {
			continue
		}
		for d, r := range c.g.ops[j].Dom {
			if r.Index == c.row[j] && (n.At[d].Index != c.row[i] || n.At[d].Off != 0 || !n.At[d].Unit()) {
				return false
			}
			if d < len(c.dom)-2 && n.At[d].Index != c.g.ops[i].Dom[d].Index {
				return false
			}
		}
	}
	return true
}
