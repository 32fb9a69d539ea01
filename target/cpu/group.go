package cpu

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// A group is operations joined by values that are much larger than what they are made of, such as the scores between all pairs of
// positions of a sequence: a contraction makes such a value, maps change it point by point, reductions along its last dimension make
// rows of it, contractions sum it away. It runs tile by tile: for each part of the leading dimensions ("unit") and each stretch of rows
// ("tile") all operations in turn, so that the large values exist only as tiles in a thread's cache. Every element is computed by the same
// operations in the same order as without, so no bit changes; sums over the rows go on from tile to tile in ascending order. Nothing here
// knows what the operations mean.
//
// When a later group (of a derivative) reads large values of an earlier one, it computes them again from what they were made of (T. Dao et
// al., "FlashAttention", NeurIPS 2022, do so for attention).
type group struct {
	lo, hi int             // operations of the function
	local  map[string]bool // large values, and others that only the group reads
	units  []ir.Range      // leading dimensions
	rows   ir.Range        // what is cut into tiles: the dimension after them
	cols   ir.Range        // the last dimension
	size   int             // rows of a tile
	row    []string        // per operation: its index along rows
	col    []string        // per operation: its index along columns, "" if it has none
	onto   []bool          // per operation: it sums over the rows
}

// Sizes that make grouping pay.
const (
	groupUnits = 4         // there is something to divide
	tileRows   = 64        // of a tile at least: packing the other factor of a contraction is paid for by so many rows
	tileCount  = 8         // tiles at most: each is code of its own
	tileBytes  = 768 << 10 // of a tile of one large value
)

// groupBytes is how large a value must be; tests make it small.
var groupBytes = 1 << 20

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

// group finds the groups of a function and puts the operations of each side by side.
func (g *fn) group(sets []ir.Set) {
	tried := map[string]bool{}
	for again := true; again; {
		again = false
		for i := range g.ops {
			name := opName(&g.ops[i])
			if tried[name] || g.grouped(i) || !g.expands(&g.ops[i]) {
				continue
			}
			tried[name] = true
			c := g.cluster(i, sets)
			if c == nil {
				continue
			}
			if g.arrange(c) {
				again = true
				break
			}
		}
	}
}

func (g *fn) grouped(i int) bool {
	return slices.ContainsFunc(g.groups, func(x *group) bool { return i >= x.lo && i < x.hi })
}

func points(rs []ir.Range) int {
	n := 1
	for _, r := range rs {
		n *= max(0, r.Hi-r.Lo)
	}
	return n
}

// expands says that an operation is a contraction whose result is larger than what it reads.
func (g *fn) expands(op *ir.Op) bool {
	if len(op.Dom) < 3 || newContraction(op) == nil {
		return false
	}
	n := points(op.Dom)
	if n*storageBytes(op.Results[0].Elem) < groupBytes {
		return false
	}
	lead := points(op.Dom[:len(op.Dom)-2])
	rows, cols := op.Dom[len(op.Dom)-2], op.Dom[len(op.Dom)-1]
	_, fit := rowsPerTile(rows.Hi-rows.Lo, cols.Hi-cols.Lo)
	return lead >= groupUnits && fit && n > operandPoints(g, op)
}

func operandPoints(g *fn, op *ir.Op) int {
	n := 0
	box := boxOf(op, &op.Pieces[0])
	for i := range op.Pieces[0].Body.Nodes {
		if nd := &op.Pieces[0].Body.Nodes[i]; nd.Op == ir.Read {
			m := 1
			for _, a := range nd.At {
				s := span(a, box)
				m *= s.Hi - s.Lo
			}
			n += m
		}
	}
	return n
}

// rowsPerTile cuts rows into tiles of equal size, if a tile fits into a cache.
func rowsPerTile(rows, cols int) (size int, ok bool) {
	n := max(1, min(tileCount, rows/tileRows))
	size = (rows + n - 1) / n
	return size, size*cols*4 <= tileBytes
}

// reads lists the read nodes of an operation.
func reads(op *ir.Op) (out []*ir.Node) {
	for i := range op.Pieces {
		for j := range op.Pieces[i].Body.Nodes {
			if n := &op.Pieces[i].Body.Nodes[j]; n.Op == ir.Read {
				out = append(out, n)
			}
		}
	}
	return out
}

// sameBox says that two domains have the same axes and ranges, whatever the indices are called.
func sameBox(a, b []ir.Range) bool {
	return slices.EqualFunc(a, b, func(x, y ir.Range) bool { return x.Axis == y.Axis && x.Lo == y.Lo && x.Hi == y.Hi })
}

// plainAt says that an access reads the dimensions of dom by plain indices, one each, and returns these.
func plainAt(at []ir.Affine) ([]string, bool) {
	var out []string
	for _, a := range at {
		if a.Index == "" || a.Off != 0 || !a.Unit() || slices.Contains(out, a.Index) {
			return nil, false
		}
		out = append(out, a.Index)
	}
	return out, true
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
	if len(op.Dom) < u || !sameBox(op.Dom[:u], c.dom[:u]) || len(op.Pieces) == 0 {
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

// arrange cuts the cluster into groups, makes later ones independent of the large values of earlier ones, and puts each side by side in the
// function. It reports whether it did.
func (g *fn) arrange(c *cluster) bool {
	level := c.levels()
	byLevel := map[int][]int{}
	var order []int
	for i := range g.ops {
		if c.ops[i] {
			if byLevel[level[i]] == nil {
				order = append(order, level[i])
			}
			byLevel[level[i]] = append(byLevel[level[i]], i)
		}
	}
	slices.Sort(order)
	u := len(c.dom) - 2
	size, _ := rowsPerTile(c.dom[u].Hi-c.dom[u].Lo, c.dom[u+1].Hi-c.dom[u+1].Lo)
	type part struct {
		ops  []ir.Op
		row  []string
		col  []string
		onto []bool
		last int // index of its last operation in the function
	}
	var parts []part
	for _, l := range order {
		var p part
		again := map[string]string{} // large value of an earlier group to its copy in this one
		var copyOf func(name string) string
		copyOf = func(name string) string {
			j, ok := c.of[name]
			if !ok || !c.large[name] || level[j] == l {
				return name
			}
			if n, ok := again[name]; ok {
				return n
			}
			op := clonePieces(g.ops[j])
			op.Results = slices.Clone(op.Results)
			for _, n := range reads(&op) {
				n.Name = copyOf(n.Name)
			}
			for k, r := range g.ops[j].Results {
				op.Results[k].Name = g.fresh(r.Name)
				again["%"+r.Name] = "%" + op.Results[k].Name
			}
			g.define2(op)
			p.ops, p.row, p.col, p.onto = append(p.ops, op), append(p.row, c.row[j]), append(p.col, c.col[j]), append(p.onto, false)
			return again[name]
		}
		for _, i := range byLevel[l] {
			op := clonePieces(g.ops[i])
			for _, n := range reads(&op) {
				n.Name = copyOf(n.Name)
			}
			p.ops, p.row, p.col = append(p.ops, op), append(p.row, c.row[i]), append(p.col, c.col[i])
			p.onto, p.last = append(p.onto, c.onto[i]), i
		}
		for _, i := range byLevel[l] {
			for _, n := range reads(&g.ops[i]) {
				if j, ok := c.of[n.Name]; ok && c.ops[j] && level[j] == l && !c.inTime(i, j) {
					return false
				}
			}
		}
		for k := range p.ops {
			if p.onto[k] && !g.resumes(&p.ops[k], p.row[k], c.dom[u], size) {
				return false
			}
		}
		parts = append(parts, p)
	}
	// What lies between the operations of a group and needs them comes after it.
	var ops []ir.Op
	begin := make([]int, len(parts))
	var waiting []int
	for i := range g.ops {
		if !c.ops[i] {
			held := false
			for k := range order {
				held = held || level[i] > order[k] && i < parts[k].last
			}
			if held {
				waiting = append(waiting, i)
				continue
			}
			ops = append(ops, g.ops[i])
			continue
		}
		for k := range parts {
			if parts[k].last == i {
				begin[k] = len(ops)
				ops = append(ops, parts[k].ops...)
				for _, j := range waiting {
					ops = append(ops, g.ops[j])
				}
				waiting = nil
			}
		}
	}
	if len(waiting) > 0 || !defined(ops) {
		return false
	}
	shift := func(x *group) { // groups that were there keep their operations side by side
		first := opName(&g.ops[x.lo])
		n := x.hi - x.lo
		x.lo = slices.IndexFunc(ops, func(o ir.Op) bool { return opName(&o) == first })
		x.hi = x.lo + n
	}
	for _, x := range g.groups {
		shift(x)
	}
	g.ops = ops
	for k, p := range parts {
		x := &group{lo: begin[k], hi: begin[k] + len(p.ops), local: map[string]bool{}, units: c.dom[:u], rows: c.dom[u], cols: c.dom[u+1], size: size,
			row: p.row, col: p.col, onto: p.onto}
		g.groups = append(g.groups, x)
	}
	for _, x := range g.groups {
		g.locals(x)
	}
	return true
}

// resumes says that the sum over the rows of an operation can go on from tile to tile.
func (g *fn) resumes(op *ir.Op, row string, rows ir.Range, size int) bool {
	for lo := rows.Lo; lo < rows.Hi; lo += size {
		t := restricted(op, nil, map[string]ir.Interval{row: {Lo: lo, Hi: min(rows.Hi, lo+size)}})
		if newContraction(&t) == nil {
			return false
		}
	}
	return true
}

// fresh is a name for a value computed again.
func (g *fn) fresh(name string) string {
	for name += ".again"; g.vals["%"+name] != nil; {
		name += "'"
	}
	return name
}

// define2 adds the values of an operation that is put in later.
func (g *fn) define2(op ir.Op) {
	n := len(g.ops)
	g.define(op)
	g.ops = g.ops[:n]
}

// defined says that every operation comes after those it reads.
func defined(ops []ir.Op) bool {
	later := map[string]bool{}
	for i := range ops {
		for _, r := range ops[i].Results {
			later["%"+r.Name] = true
		}
	}
	for i := range ops {
		for _, n := range reads(&ops[i]) {
			if later[n.Name] {
				return false
			}
		}
		if later[ops[i].From] {
			return false
		}
		for _, r := range ops[i].Results {
			delete(later, "%"+r.Name)
		}
	}
	return true
}

// locals finds which values only the group reads.
func (g *fn) locals(x *group) {
	clear(x.local)
	for i := x.lo; i < x.hi; i++ {
		for _, r := range g.ops[i].Results {
			if !x.onto[i-x.lo] {
				x.local["%"+r.Name] = true
			}
		}
	}
	for i := range g.ops {
		if i >= x.lo && i < x.hi {
			continue
		}
		delete(x.local, g.ops[i].From)
		for _, n := range reads(&g.ops[i]) {
			delete(x.local, n.Name)
		}
	}
	for n := range g.set {
		delete(x.local, n)
	}
}

// restricted is an operation on one unit (its dimensions units are 0) and a part of the ranges of other indices.
func restricted(op *ir.Op, units []ir.Range, part map[string]ir.Interval) ir.Op {
	out := *op
	out.Dom, out.Over = slices.Clone(op.Dom), slices.Clone(op.Over)
	out.Pieces = nil
	all := len(out.Dom) + len(out.Over)
	cut := make([]*ir.Interval, all)
	set := func(r *ir.Range, d int, iv ir.Interval) {
		r.Lo, r.Hi = iv.Lo, iv.Hi
		cut[d] = &iv
	}
	for d := range units {
		set(&out.Dom[d], d, ir.Interval{Lo: 0, Hi: 1})
	}
	for d := range out.Dom {
		if iv, ok := part[out.Dom[d].Index]; ok && d >= len(units) {
			set(&out.Dom[d], d, iv)
		}
	}
	for d := range out.Over {
		if iv, ok := part[out.Over[d].Index]; ok {
			set(&out.Over[d], len(out.Dom)+d, iv)
		}
	}
pieces:
	for _, pc := range op.Pieces {
		pc.Box = slices.Clone(pc.Box)
		for d, iv := range cut {
			switch {
			case iv == nil:
			case d < len(units): // a unit is any of its range; pieces that part it are not admitted
				pc.Box[d] = *iv
			default:
				pc.Box[d] = ir.Interval{Lo: max(pc.Box[d].Lo, iv.Lo), Hi: min(pc.Box[d].Hi, iv.Hi)}
				if pc.Box[d].Lo >= pc.Box[d].Hi {
					continue pieces
				}
			}
		}
		out.Pieces = append(out.Pieces, pc)
	}
	return out
}

func trimmed(name string) string { return strings.TrimPrefix(name, "%") }
