// Package codegen turns a mesh program and its route table into a machine program.
//
// A process becomes one local task, main, that is cut at every wait for asynchronous sends. CSL has no wait: an operation's
// completion can only activate or unblock a task, and activations do not count. So each channel has a join task, blocked until
// its send completes; to wait for channels c1..ck, main notes where to go on in the register pc, activates join c1 and ends;
// each join blocks itself again and activates the next, the last one main. A wait on a send that is already complete costs
// the dispatches only, and the number of tasks is 1 + the number of channels, whatever the program's length.
//
// Everything else is one machine operation per mesh operation, in the same order: the bits and the order of wavelets are
// decided above this level. Two rewrites know the machine: a select that changes one element is a store to it (put.go), and a square
// reads its second factor from a copy in another bank (apart).
package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/compact"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// Fabric is the machine as package route sees it.
type Fabric struct{ wse.Machine }

// RouteColors lists the colors that the host interface leaves.
func (f Fabric) RouteColors() []int {
	out := make([]int, f.UsableColors)
	for i := range out {
		out[i] = i
	}
	return out
}

// TurnColors lists those of them that routers can switch.
func (f Fabric) TurnColors() []int {
	if f.Positions < 2 {
		return nil
	}
	return slices.DeleteFunc(f.RouteColors(), func(c int) bool { return !f.CanSwitch(c) })
}

// QueueError says that a class needs more queues than a PE has.
type QueueError struct {
	Class      string
	Out        bool
	Need, Have int
	Channels   []string
}

func (e *QueueError) Error() string {
	dir := "input"
	if e.Out {
		dir = "output"
	}
	return fmt.Sprintf("class %s needs %d %s queues and %d are left by the host interface: one for each of %v", e.Class, e.Need, dir, e.Have, e.Channels)
}

// TaskError says that a class needs more local tasks than a PE has ids for.
type TaskError struct {
	Class      string
	Need, Have int
}

func (e *TaskError) Error() string {
	return fmt.Sprintf("class %s needs %d local tasks and %d ids are usable", e.Class, e.Need, e.Have)
}

// Registers and tasks of every generated class. A launch sets RegFunc to an index in mesh.Program.Launches and RegCount to the number
// of iterations.
const (
	RegFunc  = "fn"
	RegCount = "n"
	regPC    = "pc"
	taskMain = "main"
)

// Options of Generate.
type Options struct {
	// Line names the source line of a position, for traces and messages; nil leaves lines empty.
	Line func(ir.Pos) string
	// Short makes the code of every class as short as it gets. Else only code that does not fit the machine's memory beside the class's
	// arrays is rewritten with loops and functions, see package compact.
	Short bool
}

// Output is what Generate makes.
type Output struct {
	Program *wse.Program
	Code    []Code // per class and function, in order
}

// InFunc separates, in the Line of an operation of a program with procedures, the source line from the device function.
const InFunc = " in "

// Code lists the operations of one function in one class, in execution order, and its waits.
type Code struct {
	Class, Func string
	Ops         []*wse.Op
	Waits       []cost.Waiting
	waits       []wait
	Extra       int64 // estimated cycles that loops and calls add, which made the class's code shorter (package compact)
}

// Generate writes the machine program. A *QueueError or *TaskError reports a limit of the machine; other errors mean that the
// mesh program asks for what the machine cannot spell.
func Generate(p *mesh.Program, t *route.Table, m wse.Machine, o Options) (*Output, error) {
	if o.Line == nil {
		o.Line = func(ir.Pos) string { return "" }
	}
	out := &wse.Program{Name: p.Name, Machine: m.Name, W: p.W, H: p.H}
	var code []Code
	for _, e := range t.Entries {
		r := wse.Route{Color: e.Color, Region: e.Region, Rx: e.Rx, Tx: e.Tx}
		if e.Turns {
			r.Switch = &wse.Switch{Pos: []wse.Position{{Rx: e.Then, Tx: e.Tx}}, Ring: true}
		}
		out.Routes = append(out.Routes, r)
	}
	fits := true
	for i := range p.Classes {
		g := &gen{p: p, t: t, m: m, o: o, in: &p.Classes[i]}
		c, err := g.class()
		if err != nil {
			return nil, err
		}
		if fits || o.Short { // else it is too late for the others, too
			var extra int64
			fits, extra = shorten(c, m, o.Short)
			spread(g.code, extra)
		}
		out.Classes = append(out.Classes, c)
		code = append(code, g.code...)
	}
	return &Output{out, code}, nil
}

// shorten makes the code of a class fit beside its arrays, or as short as it gets, and reports whether it fits and what that costs in cycles.
// Code that fits stays straight: it is the fastest.
func shorten(c *wse.Class, m wse.Machine, most bool) (fits bool, extra int64) {
	l, err := wse.Layout(&wse.Program{Classes: []*wse.Class{c}}, m)
	limit := l[0].Code + l[0].Free()
	switch {
	case most:
		limit = 0
	case err == nil:
		return true, 0
	case limit <= 0: // the arrays alone are too much
		return false, 0
	}
	r := compact.Class(c, m, limit)
	return r.After <= limit, r.Cycles
}

// spread divides what shortening costs a class among its functions by their numbers of operations.
func spread(code []Code, extra int64) {
	all := 0
	for i := range code {
		all += len(code[i].Ops)
	}
	for i := range code {
		code[i].Extra = extra * int64(len(code[i].Ops)) / int64(max(1, all))
	}
}

// ScalarArray is the name of the array that holds the host scalars of one element type.
func ScalarArray(e ir.Elem) string { return "scalars." + e.String() }

// ScalarSlot returns where a host scalar lies.
func ScalarSlot(p *mesh.Program, s mesh.Scalar) (array string, index int, ok bool) {
	n := 0
	for _, k := range p.Scalars {
		if k.Elem != s.Elem {
			continue
		}
		if k == s {
			return ScalarArray(s.Elem), n, true
		}
		n++
	}
	return "", 0, false
}

// Elem is the machine's element type for e. Bool is a word, 0 or 1.
func Elem(e ir.Elem) (wse.Elem, error) {
	switch e {
	case ir.F32:
		return wse.F32, nil
	case ir.F16:
		return wse.F16, nil
	case ir.I32:
		return wse.I32, nil
	case ir.Bool:
		return wse.U32, nil
	}
	return 0, fmt.Errorf("the wafer has no %v arithmetic; use f32, or the targets cpu and interp", e)
}

type gen struct {
	p      *mesh.Program
	t      *route.Table
	m      wse.Machine
	o      Options
	in     *mesh.Class
	out    *wse.Class
	code   []Code
	behind map[string]bool   // channels that receive in the background
	next   map[string][]link // join task -> where to go from it
	resume map[string]int32  // launch -> state with which it goes on after a look, in the short form of main
}

// link: in state pc, the join of a channel activates task.
type link struct {
	pc   int32
	task string
}

func (g *gen) class() (*wse.Class, error) {
	g.out = &wse.Class{Name: g.in.Name, Regions: []wse.Region{{X: g.in.X, Y: g.in.Y}}, Args: []string{RegFunc, RegCount}, Entry: taskMain}
	g.next, g.resume = map[string][]link{}, map[string]int32{}
	if g.looks() {
		g.out.Args = append(g.out.Args, RegLook)
		if clocked(g.p) {
			g.out.Args = append(g.out.Args, RegCut)
		}
	}
	if err := g.arrays(); err != nil {
		return nil, err
	}
	in := *g.in
	in.Funcs = nil
	for _, ops := range g.in.Funcs {
		in.Funcs = append(in.Funcs, g.puts(ops))
	}
	g.in = &in
	g.behind = g.calm()
	if err := g.queues(); err != nil {
		return nil, err
	}
	build := g.main
	if len(g.p.Procs) > 0 || !g.plainLooks() {
		build = g.machine
	}
	body, err := build()
	if err != nil {
		return nil, err
	}
	ids := g.m.UsableLocalTasks()
	if need := 1 + len(g.next); need > len(ids) {
		return nil, &TaskError{g.in.Name, need, len(ids)}
	}
	g.out.Tasks = append(g.out.Tasks, &wse.Task{Name: taskMain, Kind: wse.Local, ID: ids[0], Body: body})
	join := func(name string, blocked bool, work []wse.Stmt) {
		if links, ok := g.next[name]; ok {
			slices.SortFunc(links, func(a, b link) int { return int(a.pc - b.pc) })
			body := append([]wse.Stmt{&wse.TaskCtl{Fn: wse.Block, Task: name}}, work...)
			g.out.Tasks = append(g.out.Tasks, &wse.Task{Name: name, Kind: wse.Local, ID: ids[len(g.out.Tasks)], Blocked: blocked, Body: append(body, follow(links)...)})
		}
	}
	for _, c := range g.p.Channels {
		join(joinTask(c.Name, true), true, nil)
		join(joinTask(c.Name, false), true, nil)
	}
	join(joinHost, false, g.shown()) // before the first look the host has nothing to take
	g.findStates(body)
	return g.out, nil
}

// joinTask names the task that the end of a send on, or of a receive from, a channel unblocks.
func joinTask(channel string, out bool) string { return "join." + queueName(channel, out) }

func joinTasks(channels []string, out bool) []string {
	var names []string
	for _, c := range channels {
		names = append(names, joinTask(c, out))
	}
	return names
}

// follow activates the successor of a join, found by halving the states of pc, which are in ascending order.
func follow(links []link) []wse.Stmt {
	same := true
	for _, l := range links {
		same = same && l.task == links[0].task
	}
	if same {
		return []wse.Stmt{&wse.TaskCtl{Fn: wse.Activate, Task: links[0].task}}
	}
	mid := len(links) / 2
	return []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Lt, links[mid].pc), Then: follow(links[:mid]), Else: follow(links[mid:])}}
}

func (g *gen) arrays() error {
	for i := range g.p.Arrays {
		a := &g.p.Arrays[i]
		e, err := Elem(a.Elem)
		if err != nil {
			return fmt.Errorf("array %s: %w", a.Name, err)
		}
		g.out.Arrays = append(g.out.Arrays, &wse.Array{Name: a.Name, Elem: e, Len: a.Len, Bank: -1, Addr: -1, Export: a.Kind == mesh.State || a.Kind == mesh.Data || a.Kind == mesh.Shadow})
	}
	if EndsEarly(g.p) {
		g.out.Arrays = append(g.out.Arrays, &wse.Array{Name: LeftArray, Elem: wse.I32, Len: 1, Bank: -1, Addr: -1, Export: true})
	}
	if g.looks() {
		g.out.Arrays = append(g.out.Arrays, &wse.Array{Name: LookTable, Elem: wse.I32, Len: LookRows * LookStride(g.p), Bank: -1, Addr: -1, Export: true})
		if clocked(g.p) {
			g.out.Arrays = append(g.out.Arrays, &wse.Array{Name: LookLeft, Elem: wse.I32, Len: 1, Bank: -1, Addr: -1, Export: true})
		}
	}
	counts := map[ir.Elem]int{}
	for _, s := range g.p.Scalars {
		counts[s.Elem]++
	}
	for e := ir.NoElem; e <= ir.F64; e++ {
		if counts[e] > 0 {
			we, err := Elem(e)
			if err != nil {
				return err
			}
			g.out.Arrays = append(g.out.Arrays, &wse.Array{Name: ScalarArray(e), Elem: we, Len: counts[e], Bank: -1, Addr: -1, Export: true})
		}
	}
	return nil
}

// queues binds a queue to every channel end the class uses; its colors are the route table's ports.
func (g *gen) queues() error {
	sends, receives := map[string]bool{}, map[string]bool{}
	for _, ops := range g.in.Funcs {
		for i := range ops {
			if d := &ops[i].Dst; d.Kind == mesh.Chan {
				sends[d.Name] = true
			}
			for _, s := range ops[i].Src {
				if s.Kind == mesh.Chan {
					receives[s.Name] = true
				}
			}
		}
	}
	here := wse.Region{X: g.in.X, Y: g.in.Y}
	bind := func(used map[string]bool, out bool, ids []int) error {
		// The lowest output queue has the ramp first: what neighbours receive in the background, they need before they go on.
		var names []string
		for _, early := range []bool{true, false} {
			for _, c := range g.p.Channels {
				if used[c.Name] && (out && g.behind[c.Name]) == early {
					names = append(names, c.Name)
				}
			}
		}
		share := make([]int, len(names)) // index of the queue in ids
		for i := range share {
			share[i] = i
		}
		if out && len(names) > len(ids) && !g.m.OneColorPerQueue {
			share = shareQueues(names, g.in.Funcs)
		}
		for i, n := range names {
			if share[i] >= len(ids) {
				return &QueueError{g.in.Name, out, 1 + slices.Max(share), len(ids), names}
			}
			q := wse.Queue{Name: queueName(n, out), Out: out, ID: ids[share[i]]}
			for _, port := range g.t.Ports {
				if port.Channel == n && port.Send == out && meets(port.Region, here) {
					q.Colors = append(q.Colors, wse.ColorAt{Color: port.Color, Region: port.Region})
				}
			}
			if len(q.Colors) == 0 {
				return fmt.Errorf("class %s uses channel %s, which has no stream there", g.in.Name, n)
			}
			g.out.Queues = append(g.out.Queues, q)
		}
		return nil
	}
	if err := bind(sends, true, g.m.UsableOut()); err != nil {
		return err
	}
	return bind(receives, false, g.inputIDs(receives))
}

// shareQueues puts channels that never send at the same time on one output queue, the lowest that is free. A send is under way from its
// operation to its wait; a function ends with no send under way.
func shareQueues(names []string, funcs [][]mesh.Op) []int {
	meets := map[[2]string]bool{}
	for _, ops := range funcs {
		open := map[string]bool{}
		for i := range ops {
			o := &ops[i]
			for _, c := range o.Chans {
				delete(open, c)
			}
			if o.Dst.Kind != mesh.Chan {
				continue
			}
			for c := range open {
				meets[[2]string{c, o.Dst.Name}], meets[[2]string{o.Dst.Name, c}] = true, true
			}
			if o.Async {
				open[o.Dst.Name] = true
			}
		}
	}
	share := make([]int, len(names))
	for i, n := range names {
		taken := map[int]bool{}
		for j, k := range names[:i] {
			taken[share[j]] = taken[share[j]] || meets[[2]string{n, k}]
		}
		for taken[share[i]] {
			share[i]++
		}
	}
	return share
}

func queueName(channel string, out bool) string {
	if out {
		return channel + ".out"
	}
	return channel + ".in"
}

// meets reports whether two regions share a PE.
func meets(a, b wse.Region) bool {
	_, _, ok := a.Meets(b)
	return ok
}

// segment is the code between two waits.
type segment struct {
	ops   []mesh.Op
	await []string // join tasks of what is waited for after it; nil for the last
}

// segments cuts a function at its waits: those of the mesh program for sends, and those for receives in the background.
func (g *gen) segments(ops []mesh.Op) []segment {
	ops, before := g.background(ops)
	out := []segment{{}}
	wait := func(joins []string) {
		last := &out[len(out)-1]
		switch {
		case len(joins) == 0:
		case len(last.ops) == 0 && len(out) > 1: // two waits in a row are one
			out[len(out)-2].await = append(out[len(out)-2].await, joins...)
		default:
			last.await = joins
			out = append(out, segment{})
		}
	}
	for i, o := range ops {
		wait(joinTasks(before[i], false))
		if o.Kind == mesh.Await {
			wait(joinTasks(o.Chans, true))
			continue
		}
		last := &out[len(out)-1]
		last.ops = append(last.ops, o)
	}
	wait(joinTasks(before[len(ops)], false))
	return out
}

func reg(name string, c wse.Cmp, v int32) wse.Cond {
	return wse.Cond{A: wse.RegVal(name), Cmp: c, B: wse.IntVal(v)}
}

func set(name string, v int32) wse.Stmt { return &wse.Set{Reg: name, Fn: wse.SetMov, A: wse.IntVal(v)} }

// main builds the body of the main task. States of pc: 0 is a fresh launch; each segment of each function has a number.
func (g *gen) main() ([]wse.Stmt, error) {
	pc := int32(1)
	var start []wse.Stmt // pc 0: go to the function's first segment, or end at once
	var states []wse.Stmt
	for f := range g.in.Funcs {
		segs := g.segments(g.in.Funcs[f])
		first := pc
		pc += int32(len(segs))
		parts, err := g.segmentCode(segs, g.p.Funcs[f])
		if err != nil {
			return nil, err
		}
		leave := []wse.Stmt{set(regPC, 0), &wse.Exit{}}
		if len(g.p.LooksOf(g.p.Funcs[f])) > 0 {
			g.resume[g.p.Funcs[f]] = first
			g.next[joinHost] = append(g.next[joinHost], link{first, taskMain})
			leave = []wse.Stmt{&wse.If{Cond: reg(RegCount, wse.Eq, 0), Then: leave,
				Else: []wse.Stmt{set(regPC, pcLook), &wse.TaskCtl{Fn: wse.Activate, Task: joinHost}}}}
		}
		code := g.function(segs, parts, first, leave)
		start = append(start, &wse.If{Cond: reg(RegFunc, wse.Eq, int32(f)), Then: []wse.Stmt{set(regPC, first)}})
		states = append(states, &wse.If{Cond: wse.Cond{A: wse.RegVal(regPC), Cmp: wse.Ge, B: wse.IntVal(first)},
			Then: []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Lt, pc), Then: code}}})
	}
	if len(states) == 1 { // one function: no need to look which
		states = states[0].(*wse.If).Then[0].(*wse.If).Then
	}
	if g.looks() {
		start = append(start, set(regLookI, 0))
	}
	fresh := &wse.If{Cond: reg(regPC, wse.Eq, 0), Then: start}
	body := []wse.Stmt{fresh}
	idle := []wse.Stmt{set(regPC, 0), &wse.Exit{}}
	run := &wse.If{Cond: g.more(), Then: states, Else: idle}
	return append(body, run), nil
}

// function is the code of one function in main. The last segment is followed by the first of the next iteration in the same run
// of the task: an iteration costs one dispatch of main per wait. leave is what follows the last iteration.
func (g *gen) function(segs []segment, code [][]wse.Stmt, first int32, leave []wse.Stmt) []wse.Stmt {
	last := len(segs) - 1
	end := []wse.Stmt{&wse.Set{Reg: RegCount, Fn: wse.SetSub, A: wse.RegVal(RegCount), B: wse.IntVal(1)}}
	if last == 0 {
		loop := &wse.While{Cond: g.more(), Body: append(code[0], end...)}
		return append([]wse.Stmt{loop}, leave...)
	}
	wait := func(i int) []wse.Stmt {
		joins := segs[i].await
		to := first + int32(i) + 1
		list := &g.code[len(g.code)-1]
		list.waits = append(list.waits, wait{joins, to})
		for k, name := range joins {
			task := taskMain
			if k+1 < len(joins) {
				task = joins[k+1]
			}
			g.next[name] = append(g.next[name], link{to, task})
		}
		return []wse.Stmt{set(regPC, to), &wse.TaskCtl{Fn: wse.Activate, Task: joins[0]}}
	}
	begin := append(code[0], wait(0)...)
	finish := &wse.If{Cond: reg(regPC, wse.Eq, first+int32(last)),
		Then: append(append(code[last], end...), &wse.If{Cond: g.more(), Then: []wse.Stmt{set(regPC, first)}, Else: leave})}
	out := []wse.Stmt{finish, &wse.If{Cond: reg(regPC, wse.Eq, first), Then: begin}}
	if last > fewStates {
		waiting := halve(first, 1, last, func(i int) []wse.Stmt { return append(code[i], wait(i)...) })
		return []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Gt, first), Then: []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Lt, first+int32(last)), Then: waiting,
			Else: []wse.Stmt{finish}}}}, out[1]}
	}
	for i := last - 1; i > 0; i-- {
		out = []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Eq, first+int32(i)), Then: append(code[i], wait(i)...), Else: out}}
	}
	return out
}

// fewStates is up to how many states of a function are looked for one by one.
const fewStates = 8

// halve finds the state first+i that pc holds among lo <= i < hi, and does what state says.
func halve(first int32, lo, hi int, state func(i int) []wse.Stmt) []wse.Stmt {
	if hi-lo == 1 {
		return state(lo)
	}
	mid := (lo + hi) / 2
	return []wse.Stmt{&wse.If{Cond: reg(regPC, wse.Lt, first+int32(mid)), Then: halve(first, lo, mid, state), Else: halve(first, mid, hi, state)}}
}

// segmentCode translates the operations of a function's segments and lists them.
func (g *gen) segmentCode(segs []segment, name string) ([][]wse.Stmt, error) {
	list := Code{Class: g.in.Name, Func: name}
	code := make([][]wse.Stmt, len(segs))
	for i, s := range segs {
		for k := range s.ops {
			ops, err := g.op(&s.ops[k])
			if err != nil {
				return nil, err
			}
			code[i] = append(code[i], ops...)
			wse.Walk(ops, func(s wse.Stmt) {
				o, ok := s.(*wse.Op)
				if !ok {
					return
				}
				list.Ops = append(list.Ops, o)
				if len(g.p.Procs) > 0 {
					o.Line = strings.TrimSpace(o.Line + InFunc + name)
				}
			})
		}
	}
	g.code = append(g.code, list)
	return code, nil
}
