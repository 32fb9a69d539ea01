package codegen

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
)

// Looks (see mesh.Look) cost an iteration nothing: the loop of a launch runs while n > at, and at is what is left of n at the next look. There
// the program waits until the host has taken the look before (a join like that of a channel, which the host unblocks), copies, offers the
// copies to the host, takes from a table how many iterations it is to the next look, and goes on. The table holds, per look, whether each
// look of the launch is due (when it has several), and the iterations from it to the next; the host fills it before a launch.

// Names of what looks need. A launch of a program with looks sets RegLook to the iterations that are left at the first one, 0 for none.
const (
	RegLook  = "look.at"
	regLookI = "look.i"
	regLookN = "look.n"
	joinHost = "join.host"
	pcLook   = -1 // main has left the iteration to the join
	// LookTable is the array with the moments; LookRows how many looks a launch may have, LookStride what a row takes.
	LookTable = "look.table"
	LookRows  = 32
)

// LookStride is the length of a row of the table: the iterations to the next look, and, when a launch has several looks, a flag for each.
func LookStride(p *mesh.Program) int {
	n := 0
	for _, l := range p.Launches() {
		n = max(n, len(p.LooksOf(l)))
	}
	if n == 1 {
		return 1
	}
	return n + 1
}

func (g *gen) looks() bool { return len(g.p.Looks) > 0 }

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

// offered ends a look: what was copied is the host's, and the next look is so many iterations away.
func (g *gen) offered() []wse.Stmt {
	return []wse.Stmt{&wse.TaskCtl{Fn: wse.Offer, Task: joinHost}, g.entry(0),
		&wse.Set{Reg: RegLook, Fn: wse.SetSub, A: wse.RegVal(RegLook), B: wse.RegVal(regLookN)},
		&wse.If{Cond: reg(RegLook, wse.Lt, 0), Then: []wse.Stmt{set(RegLook, 0)}}, // the launch was cut short
		&wse.Set{Reg: regLookI, Fn: wse.SetAdd, A: wse.RegVal(regLookI), B: wse.IntVal(1)}}
}

// plainLooks reports whether looks only copy. Then the join does what they do: a look costs one dispatch more than an iteration that goes on.
func (g *gen) plainLooks() bool {
	return !slices.ContainsFunc(g.p.Looks, func(l mesh.Look) bool { return len(l.Calls) > 0 })
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
	return append(out, g.offered()...)
}

// look builds the nodes of the looks of a launch, which come when its loop at head has no more to do and end at end when that was all.
func (f *flow) look(launch string, head, end *node) (*node, error) {
	list := f.g.p.LooksOf(launch)
	if len(list) == 0 {
		return end, nil
	}
	next := head
	if !f.g.plainLooks() {
		next = f.node(node{code: f.g.offered(), next: head})
		for k := len(list) - 1; k >= 0; k-- {
			l := &f.g.p.Looks[list[k]]
			do := f.node(node{code: f.g.copies(l.Arrays), next: next})
			for i := len(l.Calls) - 1; i >= 0; i-- {
				var err error
				if do, err = f.call(l.Calls[i], do); err != nil {
					return nil, err
				}
			}
			if LookStride(f.g.p) > 1 {
				c := reg(regLookN, wse.Ne, 0)
				do = f.node(node{code: []wse.Stmt{f.g.entry(1 + k)}, cond: &c, next: do, other: next})
			}
			next = do
		}
	}
	next.entry, next.waited = true, []string{joinHost}
	wait := f.node(node{await: []string{joinHost}, next: next})
	c := reg(RegCount, wse.Gt, 0)
	return f.node(node{cond: &c, next: wait, other: end}), nil
}
