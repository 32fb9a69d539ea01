package codegen

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
)

// Procedures make main a state machine. Its states are nodes of the control flow: stretches of a function between waits, and the tests
// of loops and branches. A node that only one other leads to stands where that one ends; the others have a number in pc, and main picks
// them by it until it must wait:
//
//	go = 1; while go == 1 { the code of state pc, found by halving }
//
// A function that is called from one place is part of the flow there; one with several callers has its code once, and the caller leaves in
// ret the state to go on with. Conditions are loaded from memory, where every PE has the same bits; counters are registers, one per
// nesting depth.

// Names of what procedures need beside the tasks.
const (
	regGo   = "go"
	regRet  = "ret"
	regCond = "c"
	// LeftArray is the array in which a launch leaves the iterations it has not done, in programs whose procedures may end early.
	LeftArray = "launch.left"
)

// EndsEarly reports whether a launch may do fewer iterations than it was asked for.
func EndsEarly(p *mesh.Program) bool {
	return slices.ContainsFunc(p.Procs, func(q ir.Proc) bool { return q.Until != "" })
}

// node is a piece of the control flow. What it does at its end: wait for await and go on with next; call, to go on with next; return;
// end the launch; branch to next when cond holds, else to other; go on with next.
type node struct {
	code  []wse.Stmt
	await []string
	list  int // of gen.code, of what waits
	call  *node
	ret   bool
	end   bool
	fresh bool // of a launch: the code has set pc
	cond  *wse.Cond
	next  *node
	other *node

	depth  int      // of loops around it
	lead   int      // nodes that lead here
	entry  bool     // reached by its number in any case
	waited []string // the waits that lead here: all of one chain of joins, which go by the number
	pc     int32    // 0: stands where the only one that leads here ends
	seen   bool
}

// flow builds the nodes of a class.
type flow struct {
	g      *gen
	nodes  []*node
	calls  map[string]int // callers of a function, over all launches
	deep   map[string]int // loops around its innermost caller
	depth  int            // loops around what is being built
	shared map[string]*node
}

func (f *flow) node(n node) *node {
	p := &n
	p.depth = f.depth
	f.nodes = append(f.nodes, p)
	return p
}

// machine builds the body of main for a program with procedures.
func (g *gen) machine() ([]wse.Stmt, error) {
	f := &flow{g: g, calls: map[string]int{}, deep: map[string]int{}, shared: map[string]*node{}}
	var bodies [][]ir.Stmt
	var untils []string
	for _, name := range g.p.Launches() {
		body, until := []ir.Stmt{{Kind: ir.Call, Func: name}}, ""
		if q := g.p.Proc(name); q != nil {
			body, until = q.Body, q.Until
		}
		bodies, untils = append(bodies, body), append(untils, until)
		f.count(body, 0)
		for _, i := range g.p.LooksOf(name) {
			for _, c := range g.p.Looks[i].Calls {
				if q := g.p.Proc(c); q != nil {
					f.count(q.Body, 0)
				} else {
					f.calls[c]++
				}
			}
		}
	}
	end := f.node(node{end: true})
	if EndsEarly(g.p) {
		end.code = []wse.Stmt{&wse.Op{Code: wse.OpMov, Elem: wse.I32, UT: -1, Dst: wse.Vec(LeftArray, 0, 1), Src: []wse.Operand{wse.RegOf(RegCount)}}}
	}
	var launch []*node
	for i, body := range bodies {
		head := f.node(node{})
		none, until, err := f.look(g.p.Launches()[i], head, end)
		if err != nil {
			return nil, err
		}
		down := f.node(node{code: []wse.Stmt{&wse.Set{Reg: RegCount, Fn: wse.SetSub, A: wse.RegVal(RegCount), B: wse.IntVal(1)}}, next: head})
		if untils[i] != "" {
			load, err := f.load(untils[i])
			if err != nil {
				return nil, err
			}
			c := reg(regCond, wse.Ne, 0)
			down.code, down.next = append(down.code, load), f.node(node{cond: &c, next: until, other: head})
		}
		first, err := f.body(body, 0, down)
		if err != nil {
			return nil, err
		}
		c := g.more()
		head.cond, head.next, head.other = &c, first, none
		head.entry = true
		launch = append(launch, head)
	}
	f.number(launch)
	var start []wse.Stmt
	for i, n := range launch {
		start = append(start, &wse.If{Cond: reg(RegFunc, wse.Eq, int32(i)), Then: []wse.Stmt{set(regPC, n.pc)}})
	}
	if g.looks() {
		start = append(start, set(regLookI, 0))
	}
	f.depth = 0
	states := []*node{f.node(node{code: start, fresh: true})}
	for _, n := range f.nodes {
		if n.pc > 0 {
			states = append(states, n)
		}
	}
	slices.SortFunc(states, func(a, b *node) int { return int(a.pc - b.pc) })
	return []wse.Stmt{set(regGo, 1), &wse.While{Cond: reg(regGo, wse.Eq, 1), Body: f.pick(states)}}, nil
}

// count finds how often functions are called and in how many loops.
func (f *flow) count(body []ir.Stmt, depth int) {
	for i := range body {
		s := &body[i]
		if s.Kind == ir.Call {
			f.calls[s.Func]++
			f.deep[s.Func] = max(f.deep[s.Func], depth)
		}
		inner := depth
		if s.Kind == ir.Loop || s.Kind == ir.While {
			inner++
		}
		f.count(s.Body, inner)
		f.count(s.Else, depth)
	}
}

// body builds the nodes of statements that go on with next, last statement first.
func (f *flow) body(body []ir.Stmt, depth int, next *node) (*node, error) {
	var err error
	for i := len(body) - 1; i >= 0 && err == nil; i-- {
		switch s := &body[i]; s.Kind {
		case ir.Call:
			next, err = f.call(s.Func, next)
		case ir.If:
			next, err = f.branch(s, depth, next)
		default:
			next, err = f.loop(s, depth, next)
		}
	}
	return next, err
}

func (f *flow) branch(s *ir.Stmt, depth int, next *node) (*node, error) {
	load, err := f.load(s.Cond)
	if err != nil {
		return nil, err
	}
	yes, err := f.body(s.Body, depth, next)
	if err != nil {
		return nil, err
	}
	no, err := f.body(s.Else, depth, next)
	c := reg(regCond, wse.Ne, 0)
	return f.node(node{code: []wse.Stmt{load}, cond: &c, next: yes, other: no}), err
}

// loop is a Loop or a While: count down, then look at the condition.
func (f *flow) loop(s *ir.Stmt, depth int, next *node) (*node, error) {
	f.depth++
	head := f.node(node{})
	body, err := f.body(s.Body, depth+1, head)
	f.depth--
	if err != nil {
		return nil, err
	}
	if s.Cond != "" {
		load, err := f.load(s.Cond)
		if err != nil {
			return nil, err
		}
		c := reg(regCond, wse.Ne, 0)
		if s.Count == "" {
			head.code, head.cond, head.next, head.other = []wse.Stmt{load}, &c, body, next
			return head, nil
		}
		body = f.node(node{code: []wse.Stmt{load}, cond: &c, next: body, other: next})
	}
	k := fmt.Sprintf("k%d", depth)
	array, slot, ok := ScalarSlot(f.g.p, mesh.Scalar{Name: s.Count, Elem: ir.I32, Count: true})
	if !ok {
		return nil, fmt.Errorf("count %s is not among the program's scalars", s.Count)
	}
	c := reg(k, wse.Gt, 0)
	down := &wse.Set{Reg: k, Fn: wse.SetSub, A: wse.RegVal(k), B: wse.IntVal(1)}
	head.cond, head.next, head.other = &c, f.node(node{code: []wse.Stmt{down}, next: body}), next
	return f.node(node{code: []wse.Stmt{&wse.Load{Reg: k, From: wse.At(array, slot)}}, next: head}), nil
}

// load fetches a condition.
func (f *flow) load(array string) (wse.Stmt, error) {
	s := f.g.p.Symbol(array)
	if s == nil {
		return nil, fmt.Errorf("condition @%s has no place on the wafer", array)
	}
	return &wse.Load{Reg: regCond, From: wse.At(s.Local, s.Off)}, nil
}

// call builds the nodes of a function, in place or once for all callers.
func (f *flow) call(name string, next *node) (*node, error) {
	if f.calls[name] == 1 {
		return f.function(name, next)
	}
	first := f.shared[name]
	if first == nil {
		var err error
		if first, err = f.function(name, f.node(node{ret: true})); err != nil {
			return nil, err
		}
		f.shared[name] = first
	}
	next.entry = true
	return f.node(node{call: first, next: next}), nil
}

func (f *flow) function(name string, next *node) (*node, error) {
	g := f.g
	i := slices.Index(g.p.Funcs, name)
	if i < 0 {
		return nil, fmt.Errorf("no device function %s", name)
	}
	segs := g.segments(g.in.Funcs[i])
	code, err := g.segmentCode(segs, g.p.Funcs[i])
	if err != nil {
		return nil, err
	}
	before := f.depth
	f.depth = f.deep[name]
	defer func() { f.depth = before }()
	for k := len(segs) - 1; k >= 0; k-- {
		if k == len(segs)-1 && k > 0 && len(code[k]) == 0 && (next.waited == nil || slices.Equal(next.waited, segs[k-1].await)) {
			continue // the last wait goes on with what follows the function
		}
		n := node{code: code[k], await: segs[k].await, list: len(g.code) - 1, next: next}
		if len(n.await) > 0 {
			next.entry, next.waited = true, n.await
		}
		next = f.node(n)
	}
	return next, nil
}

// number gives a pc to every node that is not part of the only one that leads to it, in the order in which they are met.
func (f *flow) number(launch []*node) {
	var order []*node
	var visit func(n *node)
	visit = func(n *node) {
		if n == nil {
			return
		}
		n.lead++
		if n.seen {
			return
		}
		n.seen = true
		order = append(order, n)
		for _, m := range []*node{n.call, n.next, n.other} {
			visit(m)
		}
		if n.call != nil {
			n.call.entry = true
		}
	}
	for _, n := range launch {
		visit(n)
	}
	pc := int32(0)
	for _, n := range order {
		// The code of a small node is as short as the jump to it.
		if n.entry || n.lead > 1 && !(n.ret) {
			pc++
			n.pc = pc
		}
	}
}

// weight says how often a node is likely to run: every loop around it counts eight times.
func (n *node) weight() int { return 1 << (3 * min(n.depth, 8)) }

// pick is the code that finds the state of pc among states, which are in ascending order: what runs often has few tests before it, and a
// test that holds is the cheaper way.
func (f *flow) pick(states []*node) []wse.Stmt {
	if len(states) == 1 {
		return f.emit(states[0])
	}
	total, left, mid := 0, 0, 1
	for _, n := range states {
		total += n.weight()
	}
	for i, n := range states[:len(states)-1] {
		if i > 0 && 2*left+n.weight() > total {
			break
		}
		left, mid = left+n.weight(), i+1
	}
	lo, hi := f.pick(states[:mid]), f.pick(states[mid:])
	if 2*left >= total {
		return []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Lt, states[mid].pc), Then: lo, Else: hi}}
	}
	return []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Ge, states[mid].pc), Then: hi, Else: lo}}
}

// emit is the code of a node and of those that stand at its end.
func (f *flow) emit(n *node) []wse.Stmt {
	out := slices.Clone(n.code)
	stop := set(regGo, 0)
	switch {
	case n.fresh:
		return out
	case n.end:
		return append(out, set(regPC, 0), stop, &wse.Exit{})
	case n.ret:
		return append(out, &wse.Set{Reg: regPC, Fn: wse.SetMov, A: wse.RegVal(regRet)})
	case n.call != nil:
		return append(out, set(regRet, n.next.pc), set(regPC, n.call.pc))
	case len(n.await) > 0:
		list := &f.g.code[n.list]
		list.waits = append(list.waits, wait{n.await, n.next.pc})
		for k, name := range n.await {
			task := taskMain
			if k+1 < len(n.await) {
				task = n.await[k+1]
			}
			f.g.next[name] = append(f.g.next[name], link{n.next.pc, task})
		}
		return append(out, set(regPC, n.next.pc), stop, &wse.TaskCtl{Fn: wse.Activate, Task: n.await[0]})
	case n.cond != nil:
		return append(out, &wse.If{Cond: *n.cond, Then: f.jump(n.next), Else: f.jump(n.other)})
	}
	return append(out, f.jump(n.next)...)
}

func (f *flow) jump(n *node) []wse.Stmt {
	if n.pc > 0 {
		return []wse.Stmt{set(regPC, n.pc)}
	}
	return f.emit(n)
}
