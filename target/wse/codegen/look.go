package codegen

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
)

// Looks (see mesh.Look) cost an iteration nothing: the loop of a launch runs while n > at, and at is what is left of n at the next look whose
// iteration the host knows. There the program waits until the host has taken the look before (a join like that of a channel, which the host
// unblocks), copies, takes from a table how many iterations it is to the next look, offers the copies to the host, and goes on. A row of the
// table holds the iterations from one look to the next and, when a launch has several looks, whether each of them is due. There are two rows:
// when all PEs have offered they have read the row of that look, and the host puts the row after the next one in its place.
//
// A launch that keeps its own time (mesh.Clock) also comes here when its until is nonzero: it ends when that is for another reason than what
// is due, or when something is due that has no look. Only the PEs know which iteration that is: they show what is left of n.

// Names of what looks need. A launch of a program with looks sets RegLook to the iterations that are left at the first one, 0 for none, and
// RegCut to 0; who takes iterations off a launch that runs adds them to RegCut.
const (
	RegLook  = "look.at"
	RegCut   = "look.cut"
	regLookI = "look.i"
	regLookN = "look.n"
	joinHost = "join.host"
	pcLook   = -1 // main has left the iteration to the join
	// LookTable is the array with the next moments; LookRows how many there are, LookStride what a row takes.
	LookTable = "look.table"
	LookRows  = 2
	// LookLeft is the array in which a launch that keeps its own time leaves, at a look, the iterations it has not done, those that were taken
	// off included.
	LookLeft = "look.left"
)

// TableLooks lists the looks of a launch whose moments are in the table.
func TableLooks(p *mesh.Program, launch string) (out []int) {
	for _, i := range p.LooksOf(launch) {
		if p.Looks[i].When == "" {
			out = append(out, i)
		}
	}
	return out
}

// LookStride is the length of a row of the table: the iterations to the next look, and, when a launch has several looks in it, a flag for each.
func LookStride(p *mesh.Program) int {
	n := 0
	for _, l := range p.Launches() {
		n = max(n, len(TableLooks(p, l)))
	}
	if n <= 1 {
		return 1
	}
	return n + 1
}

func (g *gen) looks() bool { return len(g.p.Looks) > 0 }

// clocked says that some launch that keeps its own time has looks.
func clocked(p *mesh.Program) bool {
	return slices.ContainsFunc(p.Clocks, func(c mesh.Clock) bool { return p.Clock(c.Of) != nil })
}

// more is the condition under which a launch begins another iteration.
func (g *gen) more() wse.Cond {
	if g.looks() {
		return wse.Cond{A: wse.RegVal(RegCount), Cmp: wse.Gt, B: wse.RegVal(RegLook)}
	}
	return reg(RegCount, wse.Gt, 0)
}

// entry reads column k of the row of this look.
func (g *gen) entry(k int) wse.Stmt {
	from := wse.At(LookTable, k)
	from.IndexReg, from.IndexScale = regLookI, LookStride(g.p)
	return &wse.Load{Reg: regLookN, From: from}
}

// copies are the operations that show arrays.
func (g *gen) copies(arrays []string) (out []wse.Stmt) {
	for _, a := range arrays {
		from, to := g.p.Symbol(a), g.p.Shadow(a)
		x := g.out.Array(to.Local)
		o := &wse.Op{Code: wse.OpMov, Elem: x.Elem, UT: -1, Line: strings.TrimSpace(InFunc) + " output", Dst: wse.Vec(to.Local, 0, x.Len),
			Src: []wse.Operand{wse.Vec(from.Local, from.Off, x.Len)}}
		if x.Len == 1 {
			o.Src[0] = wse.At(from.Local, from.Off)
		}
		out = append(out, o)
	}
	return out
}

// offered ends a look: the next one of the table is so many iterations away, and what was copied is the host's.
func (g *gen) offered(clock bool) (out []wse.Stmt) {
	row := []wse.Stmt{g.entry(0),
		&wse.Set{Reg: RegLook, Fn: wse.SetSub, A: wse.RegVal(RegLook), B: wse.RegVal(regLookN)},
		&wse.If{Cond: reg(RegLook, wse.Lt, 0), Then: []wse.Stmt{set(RegLook, 0)}}, // the launch was cut short
		&wse.Set{Reg: regLookI, Fn: wse.SetSub, A: wse.IntVal(1), B: wse.RegVal(regLookI)}}
	if clock {
		left := &wse.Set{Reg: regLookN, Fn: wse.SetAdd, A: wse.RegVal(RegCount), B: wse.RegVal(RegCut)}
		row = []wse.Stmt{left, &wse.Op{Code: wse.OpMov, Elem: wse.I32, UT: -1, Dst: wse.Vec(LookLeft, 0, 1), Src: []wse.Operand{wse.RegOf(regLookN)}},
			&wse.If{Cond: tabled(), Then: row}}
	}
	return append(row, &wse.TaskCtl{Fn: wse.Offer, Task: joinHost})
}

// tabled is the condition under which a launch that keeps its own time has a look of the table.
func tabled() wse.Cond {
	return wse.Cond{A: wse.RegVal(RegCount), Cmp: wse.Le, B: wse.RegVal(RegLook)}
}

// plainLooks reports whether looks only copy. Then the join does what they do: a look costs one dispatch more than an iteration that goes on.
func (g *gen) plainLooks() bool {
	return !clocked(g.p) && !slices.ContainsFunc(g.p.Looks, func(l mesh.Look) bool { return len(l.Calls) > 0 })
}

// shown is what the join does when looks only copy.
func (g *gen) shown() (out []wse.Stmt) {
	if !g.looks() || !g.plainLooks() {
		return nil
	}
	launches := g.p.Launches()
	var of []string
	for i := range g.p.Looks {
		if l := g.p.Looks[i].Of; !slices.Contains(of, l) {
			of = append(of, l)
		}
	}
	for _, launch := range of {
		var do []wse.Stmt
		for k, i := range g.p.LooksOf(launch) {
			ops := g.copies(g.p.Looks[i].Arrays)
			if LookStride(g.p) > 1 {
				ops = []wse.Stmt{g.entry(1 + k), &wse.If{Cond: reg(regLookN, wse.Ne, 0), Then: ops}}
			}
			do = append(do, ops...)
		}
		if pc, ok := g.resume[launch]; ok {
			do = append(do, set(regPC, pc))
		}
		if len(of) > 1 {
			do = []wse.Stmt{&wse.If{Cond: reg(RegFunc, wse.Eq, int32(slices.Index(launches, launch))), Then: do}}
		}
		out = append(out, do...)
	}
	return append(out, g.offered(false)...)
}

// look builds the nodes of the looks of a launch: those to which its loop at head comes when it has no more to do, and those to which an
// iteration comes whose until is nonzero. Both end at end.
func (f *flow) look(launch string, head, end *node) (none, until *node, err error) {
	p := f.g.p
	if len(p.LooksOf(launch)) == 0 {
		return end, end, nil
	}
	clock := p.Clock(launch)
	next := head
	if !f.g.plainLooks() {
		next = f.node(node{code: f.g.offered(clock != nil), next: head})
		if next, err = f.tableLooks(launch, next, clock != nil); err == nil && clock != nil {
			next, err = f.dueLooks(launch, next)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	next.entry, next.waited = true, []string{joinHost}
	wait := f.node(node{await: []string{joinHost}, next: next})
	c := reg(RegCount, wse.Gt, 0)
	none = f.node(node{cond: &c, next: wait, other: end})
	if clock == nil {
		return none, end, nil
	}
	until = none
	unseen := p.Unseen(launch)
	for k := len(unseen) - 1; k >= 0; k-- {
		if until, err = f.test(unseen[k], end, until); err != nil {
			return nil, nil, err
		}
	}
	until, err = f.test(clock.On, until, end)
	return none, until, err
}

// test goes on with yes where a flag is nonzero, else with no.
func (f *flow) test(flag string, yes, no *node) (*node, error) {
	load, err := f.load(flag)
	c := reg(regCond, wse.Ne, 0)
	return f.node(node{code: []wse.Stmt{load}, cond: &c, next: yes, other: no}), err
}

// tableLooks builds what looks of the table do.
func (f *flow) tableLooks(launch string, after *node, clock bool) (*node, error) {
	next := after
	list := TableLooks(f.g.p, launch)
	for k := len(list) - 1; k >= 0; k-- {
		do, err := f.show(&f.g.p.Looks[list[k]], next)
		if err != nil {
			return nil, err
		}
		if LookStride(f.g.p) > 1 {
			c := reg(regLookN, wse.Ne, 0)
			do = f.node(node{code: []wse.Stmt{f.g.entry(1 + k)}, cond: &c, next: do, other: next})
		}
		next = do
	}
	if clock && len(list) > 0 {
		c := tabled()
		next = f.node(node{cond: &c, next: next, other: after})
	}
	return next, nil
}

// dueLooks builds what looks do whose moments the program finds; their flags mean something when its until is nonzero.
func (f *flow) dueLooks(launch string, after *node) (next *node, err error) {
	next = after
	list := f.g.p.LooksOf(launch)
	for k := len(list) - 1; k >= 0; k-- {
		l := &f.g.p.Looks[list[k]]
		if l.When == "" {
			continue
		}
		do, err := f.show(l, next)
		if err != nil {
			return nil, err
		}
		if next, err = f.test(l.When, do, next); err != nil {
			return nil, err
		}
	}
	return f.test(f.g.p.Proc(launch).Until, next, after)
}

// show builds what a look does before the copies are offered.
func (f *flow) show(l *mesh.Look, next *node) (do *node, err error) {
	do = f.node(node{code: f.g.copies(l.Arrays), next: next})
	for i := len(l.Calls) - 1; i >= 0 && err == nil; i-- {
		if q := f.g.p.Proc(l.Calls[i]); q != nil {
			do, err = f.body(q.Body, 0, do)
		} else {
			do, err = f.call(l.Calls[i], do)
		}
	}
	return do, err
}
