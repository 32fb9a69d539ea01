// Package lower turns a checked program into the index IR.
//
// Every assignment becomes one map over the box of its field, every reduction one reduce before it. Derivatives stay deriv nodes and
// accesses may leave the domain: the passes discretise them and apply the boundary conditions. What follows from the meaning of time
// is written out here: forward Euler for dt(T), leapfrog with a second-order start for dt(dt(u)), the count of steps, the clipped last
// step (timeloop.go). Expressions of numbers and parameters alone become host scalars, computed in f64 and rounded once at their use.
//
// A checked program always lowers; there are no errors here.
package lower

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// once is the host scalar 1: how often init and one-shot functions run.
const once = "run.once"

type lowerer struct {
	p       *check.Program
	out     *ir.Program
	hosts   map[string]string // text of a host body -> its scalar
	nhost   int
	block   *check.Block // being lowered
	classes map[*check.Node]class
	wanted  []string // see intervals
}

// Program lowers a checked program.
func Program(p *check.Program) *ir.Program {
	l := &lowerer{p: p, out: &ir.Program{Name: p.Name}, hosts: map[string]string{}, classes: map[*check.Node]class{}}
	l.axes()
	l.scalars()
	for _, b := range p.Blocks {
		l.block = b
		if !b.Once {
			l.timeScalars(b)
		}
	}
	l.block = nil
	l.arrays()
	l.init()
	for _, b := range p.Blocks {
		l.start(b)
	}
	nonce := 0
	for _, b := range p.Blocks {
		if b.Once {
			l.function(b, numbered("once", nonce))
			nonce++
			continue
		}
		step := numbered("step", b.Index)
		if wrapped(b) {
			l.function(b, step+".body")
			l.wrap(b, step, step+".body")
		} else {
			l.function(b, step)
		}
		l.schedule(b, step)
	}
	l.failures()
	l.outputs()
	return l.out
}

// numbered names the k-th of several: step, step2, step3.
func numbered(name string, k int) string {
	if k == 0 {
		return name
	}
	return fmt.Sprintf("%s%d", name, k+1)
}

func pos(s diag.Span) ir.Pos { return ir.Pos{Start: s.Start, End: s.End} }

func (l *lowerer) axes() {
	for _, a := range l.p.Axes {
		x := ir.Axis{Name: a.IR, N: a.N, Periodic: a.Periodic, Nodes: a.Nodes, Lo: a.Lo, H: a.H, Unit: a.SI, At: a.Places()}
		if a.Of != nil {
			x.Of, x.Unit = a.Of.IR, a.Of.SI
		}
		l.out.Axes = append(l.out.Axes, x)
	}
}

// scalars makes a host scalar of every param, const and host let, under its own name.
func (l *lowerer) scalars() {
	l.define(once, func(w *writer) int { return w.constant(ir.F64, 1) })
	for _, s := range l.p.Scalars {
		if s.Param {
			l.out.Params = append(l.out.Params, ir.Param{Name: s.Name, Value: s.Value, Unit: s.SI, Shape: s.Shape})
			l.define(s.Name, func(w *writer) int { return w.add(ir.Node{Op: ir.Param_, Elem: ir.F64, Name: s.Name}) })
			continue
		}
		l.define(s.Name, func(w *writer) int { return w.node(s.Def, ir.F64) })
	}
}

// define adds a host scalar; the body's result is converted to f64 by the evaluation.
func (l *lowerer) define(name string, f func(*writer) int) string {
	w := l.hostWriter()
	r := f(w)
	w.b.Results = []int{r}
	l.out.Host = append(l.out.Host, ir.HostDef{Name: name, Body: w.b})
	return name
}

func (l *lowerer) hostWriter() *writer {
	return &writer{l: l, host: true, wide: true, seen: map[string]int{}, memo: map[memoKey]int{}}
}

// hostScalar returns the host scalar of a host expression, making one where there is none.
func (l *lowerer) hostScalar(n *check.Node) string {
	switch n.Op {
	case check.ScalarRef:
		return n.Sym.Name
	case check.StepSize:
		return l.dt(l.block)
	}
	w := l.hostWriter()
	w.b.Results = []int{w.node(n, ir.F64)}
	key := fmt.Sprint(w.b)
	if name, ok := l.hosts[key]; ok {
		return name
	}
	l.nhost++
	name := fmt.Sprintf("h.%d", l.nhost)
	l.hosts[key] = name
	l.out.Host = append(l.out.Host, ir.HostDef{Name: name, Body: w.b})
	return name
}

func (l *lowerer) arrays() {
	for _, f := range l.p.Fields {
		a := ir.Array{Name: f.Name, Elem: f.Elem, Const: !f.State, Local: f.Local, File: f.File, Unit: f.SI, Pos: pos(f.At)}
		for _, x := range f.Axes {
			a.Axes = append(a.Axes, x.IR)
		}
		l.out.Arrays = append(l.out.Arrays, a)
		if f.Second {
			a.Name, a.File, a.Pos = previous(f), "", pos(f.At)
			l.out.Arrays = append(l.out.Arrays, a)
		}
	}
	for _, b := range l.p.Blocks {
		if l.timed(b) {
			l.out.Arrays = append(l.out.Arrays, ir.Array{Name: counter(b), Elem: ir.I32, Pos: pos(b.At)})
		}
	}
	l.methodArrays()
	for _, b := range l.p.Blocks {
		l.declareClock(b)
	}
	for _, f := range l.p.Fields {
		bcs := l.boundaries(f)
		if f.AtEnd {
			bcs = l.boundariesAt(f, timeNext)
		}
		l.out.Array(f.Name).BC = bcs
	}
}

// previous names the array that holds a second-order field one step back.
func previous(f *check.Field) string { return f.Name + ".prev" }

// counter names the array that counts the steps of a block.
func counter(b *check.Block) string { return numbered("step", b.Index) + ".n" }

// timed says whether a block needs its counter: its variable is read by an equation or by a boundary condition.
func (l *lowerer) timed(b *check.Block) bool {
	if b.Once || b.Clock {
		return !b.Once && b.Counted
	}
	if b.Timed {
		return true
	}
	for _, f := range l.p.Fields {
		if f.HeldInTime() {
			return true
		}
		for _, c := range f.BC {
			if c.Timed {
				return true
			}
		}
	}
	return false
}

// boundaries lowers the conditions of a field, in the order of its axes.
func (l *lowerer) boundaries(f *check.Field) []ir.Boundary { return l.boundariesAt(f, timeNow) }

// boundariesAt lowers them as they hold at a stage of a step.
func (l *lowerer) boundariesAt(f *check.Field, now timeOfUse) []ir.Boundary {
	var out []ir.Boundary
	for _, a := range f.Axes {
		for _, high := range []bool{false, true} {
			c := f.Cond(a, high)
			if c == nil {
				continue
			}
			w := l.writer(nil, f.Elem)
			w.now, w.byAxis = now, true
			l.withTime(func() {
				for _, n := range c.Terms() {
					w.b.Results = append(w.b.Results, w.node(n, f.Elem))
				}
			})
			out = append(out, ir.Boundary{Axis: a.IR, High: high, Kind: c.Kind, Body: w.b, Pos: pos(c.At)})
		}
	}
	return out
}

// withTime runs f with the block whose time boundary values mean: the only evolve.
func (l *lowerer) withTime(f func()) {
	old := l.block
	for _, b := range l.p.Blocks {
		if !b.Once && old == nil {
			l.block = b
		}
	}
	f()
	l.block = old
}

func (l *lowerer) outputs() {
	for _, o := range l.p.Outputs {
		x := ir.Output{Formats: o.Formats, Pos: pos(o.At)}
		for _, f := range o.Fields {
			x.Arrays = append(x.Arrays, f.Name)
		}
		if o.Steps != nil {
			x.Steps = l.hostScalar(o.Steps)
		}
		if o.Seconds != nil {
			x.Seconds = l.hostScalar(o.Seconds)
		}
		l.out.Outputs = append(l.out.Outputs, x)
	}
	for _, p := range l.p.Probes {
		x := ir.Probe{Name: p.Name, At: p.Point, Pos: pos(p.At)}
		if p.Value != nil {
			x.Array, x.Func = l.monitor(p)
		} else {
			x.Array = p.Field.Name
		}
		for _, y := range []struct {
			n    *check.Node
			name *string
		}{{p.Steps, &x.Steps}, {p.Seconds, &x.Seconds}, {p.Drift, &x.Drift}} {
			if y.n != nil {
				*y.name = l.hostScalar(y.n)
			}
		}
		l.out.Probes = append(l.out.Probes, x)
	}
}

// monitor writes the function that computes a monitored number, and returns the array it leaves it in.
func (l *lowerer) monitor(p *check.Probe) (array, fn string) {
	name := "monitor." + p.Name
	f := l.newFunc(name, false)
	w := l.writer(f, l.p.Float)
	e := w.elemOf(w.classOf(p.Value), l.p.Float)
	l.out.Arrays = append(l.out.Arrays, ir.Array{Name: name, Elem: e, Local: true, Pos: pos(p.At)})
	f.setScalar(name, p.At, func(w *writer) int { return w.node(p.Value, e) })
	l.out.Funcs = append(l.out.Funcs, f.f)
	return name, name
}
