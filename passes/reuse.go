package passes

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Reuse plans the storage of the device functions of a program without derivatives and coordinates. Reads across periodic boundaries
// are no problem of the plan: they stay inside their operand.
func Reuse(p *ir.Program, st Storage) (*Plan, error) {
	pl := &Plan{}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		s := Slot{Name: a.Name, Elem: a.Elem}
		for _, x := range a.Axes {
			ax := p.Axis(x)
			if ax == nil {
				return nil, fmt.Errorf("array %s has no axis %s", a.Name, x)
			}
			s.Dom = append(s.Dom, ir.Range{Index: x, Axis: x, Hi: ax.N})
		}
		pl.Slots = append(pl.Slots, s)
	}
	for i := range p.Funcs {
		if f := &p.Funcs[i]; !f.Host {
			if err := newPlanner(p, f, pl, st).run(); err != nil {
				return nil, err
			}
		}
	}
	pl.finish()
	return pl, nil
}

// planner places the values of one function by a scan over its operations: storage is free when what it holds is read no more.
type planner struct {
	p    *ir.Program
	f    *ir.Func
	st   Storage
	pl   *Plan
	out  FuncPlan
	slot map[string]int    // "@array" or "%value" to slot
	root map[string]string // a sharing extend to the value it is around
	last map[string]int    // a root to the last operation that reads it; len(ops) if the end does
	free []bool            // per slot: holds nothing that is needed
	in   []*Group          // per operation: its group, or nil
	gone map[string]bool   // roots whose storage a result took in place
}

func newPlanner(p *ir.Program, f *ir.Func, pl *Plan, st Storage) *planner {
	return &planner{p: p, f: f, pl: pl, st: st, out: FuncPlan{Func: f.Name, Scratch: make([][]int, len(f.Ops))}, slot: map[string]int{},
		root: map[string]string{}, last: map[string]int{}, gone: map[string]bool{}}
}

func (q *planner) run() error {
	q.in = make([]*Group, len(q.f.Ops))
	if q.st.Groups != nil {
		for _, g := range q.st.Groups(q.f.Name) {
			for i := g.Lo; i < g.Hi; i++ {
				q.in[i] = &g
			}
		}
	}
	q.liveness()
	for i := range q.pl.Slots {
		dead := i >= len(q.p.Arrays)
		if !dead {
			name := "@" + q.p.Arrays[i].Name
			q.slot[name] = i
			_, read := q.last[name]
			dead = !read
		}
		q.free = append(q.free, dead)
	}
	for i := range q.f.Ops {
		if err := q.place(i); err != nil {
			return err
		}
	}
	q.end()
	q.pl.Funcs = append(q.pl.Funcs, q.out)
	return nil
}

// liveness finds which extends share storage, and the last reader of everything.
func (q *planner) liveness() {
	q.share()
	for i := range q.f.Ops {
		for _, n := range operands(&q.f.Ops[i]) {
			q.last[q.rootOf(n)] = q.done(i)
		}
	}
	for i := range q.f.Ops { // what nothing reads is written all the same
		for _, res := range q.f.Ops[i].Results {
			if r := q.rootOf("%" + res.Name); q.in[i] != nil {
				q.last[r] = max(q.last[r], q.done(i))
			}
		}
	}
	set := map[string]bool{}
	for _, s := range q.f.Sets {
		set[s.Array] = true
		q.last[q.rootOf(s.Value)] = len(q.f.Ops)
	}
	for i := range q.p.Arrays {
		if a := &q.p.Arrays[i]; !set[a.Name] {
			q.last["@"+a.Name] = len(q.f.Ops)
		}
	}
}

// done is the operation after which operation i is done: itself, or the last of its group.
func (q *planner) done(i int) int {
	if g := q.in[i]; g != nil {
		return g.Hi - 1
	}
	return i
}

// local says that a value has no storage in the plan.
func (q *planner) local(i int, name string) bool { return q.in[i] != nil && q.in[i].Local[name] }

func (q *planner) rootOf(name string) string {
	if r, ok := q.root[name]; ok {
		return r
	}
	return name
}

// place gives operation i's results their slots.
func (q *planner) place(i int) error {
	op := &q.f.Ops[i]
	var dying []string // roots that operation i, or its group that ends, reads last
	from := i
	if g := q.in[i]; g != nil && i == g.Hi-1 {
		from = g.Lo
	}
	for j := from; j <= i; j++ {
		for _, n := range operands(&q.f.Ops[j]) {
			r := q.rootOf(n)
			if q.local(i, n) {
				continue
			}
			if _, ok := q.slot[r]; !ok {
				return fmt.Errorf("function %s reads %s before it is defined", q.f.Name, n)
			}
			if q.last[r] == i && !slices.Contains(dying, r) {
				dying = append(dying, r)
			}
		}
	}
	dom := make([]ir.Range, len(op.Dom))
	for k, r := range op.Dom {
		dom[k] = ir.Range{Index: r.Axis, Axis: r.Axis, Lo: r.Lo, Hi: r.Hi}
	}
	for _, res := range op.Results {
		name := "%" + res.Name
		if q.local(i, name) {
			continue
		}
		pl := Placed{Value: name}
		if r, ok := q.root[name]; ok {
			pl.Slot, pl.Shares = q.slot[r], op.From
			q.slot[name] = pl.Slot
			q.pl.grow(pl.Slot, dom)
			q.out.Values = append(q.out.Values, pl)
			continue
		}
		pl.Slot = -1
		ending := dying
		if q.in[i] != nil {
			ending = q.ownIn(i)
		}
		for _, r := range ending {
			if s := q.slot[r]; !q.gone[r] && q.fits(s, res.Elem, dom) && q.inPlace(op, r) {
				q.gone[r], pl.Slot, pl.InPlace = true, s, r
				break
			}
		}
		if pl.Slot < 0 {
			pl.Slot = q.take(res.Elem, dom)
		}
		q.slot[name], q.free[pl.Slot] = pl.Slot, false
		q.pl.grow(pl.Slot, dom)
		q.out.Values = append(q.out.Values, pl)
	}
	if q.st.Scratch != nil && q.in[i] == nil {
		for _, n := range q.st.Scratch(op) {
			box := []ir.Range{{Hi: n.N}}
			s := q.take(n.Elem, box)
			q.free[s] = false
			q.pl.grow(s, box)
			q.out.Scratch[i] = append(q.out.Scratch[i], s)
		}
		for _, s := range q.out.Scratch[i] {
			q.free[s] = true
		}
	}
	for _, r := range dying {
		if !q.gone[r] {
			q.free[q.slot[r]] = true
		}
	}
	for _, res := range op.Results { // a result that nothing reads
		if _, ok := q.last[q.rootOf("%"+res.Name)]; !ok && q.in[i] == nil {
			q.free[q.slot["%"+res.Name]] = true
		}
	}
	return nil
}

// ownIn lists what operation i of a group reads and nothing else in the group or after it does: the group goes over every point once, so a result
// at the same points may take its place.
func (q *planner) ownIn(i int) (own []string) {
	g := q.in[i]
	for _, n := range operands(&q.f.Ops[i]) {
		r := q.rootOf(n)
		alone := !q.local(i, n) && q.last[r] == q.done(i) && !slices.Contains(own, r)
		for j := g.Lo; j < g.Hi && alone; j++ {
			alone = j == i || !slices.ContainsFunc(operands(&q.f.Ops[j]), func(m string) bool { return q.rootOf(m) == r })
		}
		if alone {
			own = append(own, r)
		}
	}
	return own
}

// fits says that a slot may hold a value: the type and the axes are the same.
func (q *planner) fits(s int, e ir.Elem, dom []ir.Range) bool {
	t := &q.pl.Slots[s]
	return t.Elem == e && slices.EqualFunc(t.Dom, dom, func(a, b ir.Range) bool { return a.Axis == b.Axis })
}

// inPlace says that a map reads everything stored with root r at its own point only.
func (q *planner) inPlace(op *ir.Op, r string) bool {
	if op.Kind != ir.Map {
		return false
	}
	for i := range op.Pieces {
		for k := range op.Pieces[i].Body.Nodes {
			n := &op.Pieces[i].Body.Nodes[k]
			if n.Op != ir.Read || q.rootOf(n.Name) != r {
				continue
			}
			if len(n.At) != len(op.Dom) {
				return false
			}
			for d, at := range n.At {
				if at.Index != op.Dom[d].Index || at.Off != 0 || !at.Unit() {
					return false
				}
			}
		}
	}
	return true
}

// take returns a free slot, making one when there is none.
func (q *planner) take(e ir.Elem, dom []ir.Range) int {
	for s := range q.free {
		if q.free[s] && q.fits(s, e, dom) {
			return s
		}
	}
	n := len(q.pl.Slots)
	q.pl.Slots = append(q.pl.Slots, Slot{Name: fmt.Sprintf("scratch.%d", n-len(q.p.Arrays)), Elem: e, Dom: slices.Clone(dom)})
	q.free = append(q.free, true)
	return n
}

func (pl *Plan) grow(s int, dom []ir.Range) {
	t := pl.Slots[s].Dom
	for k := range t {
		t[k].Lo, t[k].Hi = min(t[k].Lo, dom[k].Lo), max(t[k].Hi, dom[k].Hi)
	}
}

// end decides, for every array, whose buffer it gets. Arrays that keep their value keep their buffer; a value goes to the first array
// that is set to it, the others get copies.
func (q *planner) end() {
	owner := map[int]int{} // slot to the array that gets its buffer
	perm := make([]int, len(q.p.Arrays))
	set := map[string]string{}
	for _, s := range q.f.Sets {
		set[s.Array] = s.Value
	}
	for i := range perm {
		perm[i] = -1
		v, ok := set[q.p.Arrays[i].Name]
		if !ok || q.slot[v] == i {
			perm[i] = i
			owner[i] = i
		}
	}
	var copies []int
	for i := range perm {
		if perm[i] >= 0 {
			continue
		}
		s := q.slot[set[q.p.Arrays[i].Name]]
		if _, ok := owner[s]; ok {
			copies = append(copies, i)
			continue
		}
		perm[i], owner[s] = s, i
	}
	for _, i := range copies {
		from := q.slot[set[q.p.Arrays[i].Name]]
		to := i
		if _, ok := owner[to]; ok {
			for s := range q.free {
				_, owned := owner[s]
				q.free[s] = !owned
			}
			to = q.take(q.pl.Slots[i].Elem, q.pl.Slots[i].Dom)
		}
		perm[i], owner[to] = to, i
		q.out.Copies = append(q.out.Copies, Copy{from, to})
	}
	// The buffers left over go to the slots left over, in order. Arrays and their new buffers fit in pairs, so what is left does too.
	var rest []int
	for s := range q.pl.Slots {
		if _, ok := owner[s]; !ok {
			rest = append(rest, s)
		}
	}
	for len(perm) < len(q.pl.Slots) {
		perm = append(perm, -1)
	}
	for i := range perm { // a scratch slot keeps its own buffer when it can
		if k := slices.Index(rest, i); perm[i] < 0 && k >= 0 {
			perm[i] = i
			rest = slices.Delete(rest, k, k+1)
		}
	}
	for i := range perm {
		if perm[i] < 0 {
			t := &q.pl.Slots[i]
			k := slices.IndexFunc(rest, func(s int) bool { return q.fits(s, t.Elem, t.Dom) })
			perm[i] = rest[k]
			rest = slices.Delete(rest, k, k+1)
		}
	}
	q.out.Perm = perm
}

// finish gives slots that exchange or copy buffers one common box, and every permutation its full length.
func (pl *Plan) finish() {
	for i := range pl.Funcs {
		f := &pl.Funcs[i]
		for s := len(f.Perm); s < len(pl.Slots); s++ {
			f.Perm = append(f.Perm, s)
		}
	}
	for again := true; again; {
		again = false
		for i := range pl.Funcs {
			for a, b := range pl.Funcs[i].Perm {
				again = pl.unite(a, b) || again
			}
			for _, c := range pl.Funcs[i].Copies {
				again = pl.unite(c.From, c.To) || again
			}
		}
	}
}

// unite gives two slots the smallest box that holds both, and says whether that changed one.
func (pl *Plan) unite(a, b int) bool {
	changed := false
	x, y := pl.Slots[a].Dom, pl.Slots[b].Dom
	for k := range x {
		lo, hi := min(x[k].Lo, y[k].Lo), max(x[k].Hi, y[k].Hi)
		changed = changed || x[k].Lo != lo || y[k].Lo != lo || x[k].Hi != hi || y[k].Hi != hi
		x[k].Lo, x[k].Hi, y[k].Lo, y[k].Hi = lo, hi, lo, hi
	}
	return changed
}
