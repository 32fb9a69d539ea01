package dsl

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// EvolveBuilder describes a time loop. As a Body it takes the statements of one
// step.
type EvolveBuilder struct {
	Body
	outer *block
	e     *syntax.Evolve
	to    bool // the end was given
}

// Evolve begins a loop over time (From, then To, Until or both) or over steps (Steps).
func (p Body) Evolve(name string) *EvolveBuilder {
	body := &syntax.Block{Layout: syntax.Layout{Multi: true}}
	e := &syntax.Evolve{Var: p.b.name(name), Body: body}
	// Until its range is given the loop is `from 0 to 1`.
	e.From, e.To = &syntax.Number{Text: "0"}, &syntax.Number{Text: "1", Value: 1}
	p.b.add(e, &e.Trivia)
	return &EvolveBuilder{Body: Body{&block{stmts: &body.Stmts, tail: &body.Tail, errs: p.b.errs}}, outer: p.b, e: e}
}

// From sets the start time (default 0).
func (v *EvolveBuilder) From(t Value) *EvolveBuilder {
	v.e.From, v.e.Count = v.outer.take(t), false
	return v
}

// To sets the end time (default 1).
func (v *EvolveBuilder) To(t Value) *EvolveBuilder {
	v.e.To, v.e.Count, v.to = v.outer.take(t), false, true
	return v
}

// Until ends the loop when cond holds, for example Call("steady", u, Named("tol", Num(1e-5))). What To gives remains an end as well.
func (v *EvolveBuilder) Until(cond Value) *EvolveBuilder {
	v.e.Until = v.outer.take(cond)
	if !v.to && !v.e.Count {
		v.e.To = nil
	}
	return v
}

// Steps makes the loop count steps from lo up to, but not including, hi.
func (v *EvolveBuilder) Steps(lo, hi Value) *EvolveBuilder {
	v.e.From, v.e.To, v.e.Count = v.outer.take(lo), v.outer.take(hi), true
	return v
}

// By names the integrator, as in By(Name("rk4")) or By(Call("bdf2", Call("cg", Named("tol", Num(1e-8))))).
func (v *EvolveBuilder) By(method Value) *EvolveBuilder {
	v.e.By = v.outer.take(method)
	return v
}

// Step sets the time step. Steps that are chosen while the program runs are calls: Call("cfl", Num(0.5), Named("speed", u)) and
// Call("adaptive", Num(1e-5)).
func (v *EvolveBuilder) Step(dt Value) *EvolveBuilder {
	v.e.Step = &syntax.Step{Value: v.outer.take(dt)}
	return v
}

// StepAuto takes the time step from the stability limit; a safety factor may be
// given (in 0 to 1).
func (v *EvolveBuilder) StepAuto(safety ...Value) *EvolveBuilder {
	v.e.Step = &syntax.Step{Auto: true}
	switch len(safety) {
	case 0:
	case 1:
		v.e.Step.Safety = v.outer.take(safety[0])
	default:
		v.outer.fail(fmt.Errorf("StepAuto takes one safety factor, not %d", len(safety)))
	}
	return v
}

// Order sets the spatial order of accuracy, an even number (default 2).
func (v *EvolveBuilder) Order(n int) *EvolveBuilder {
	v.e.Order = v.outer.take(Num(float64(n)))
	return v
}

// SolveBuilder describes an implicit equation.
type SolveBuilder struct {
	b *block
	s *syntax.Solve
}

// Solve states left = right, to be solved for unknowns such as T.Next().
func (p Body) Solve(left, right Value, unknowns ...Value) *SolveBuilder {
	s := &syntax.Solve{Left: p.b.take(left), Right: p.b.take(right)}
	for _, u := range unknowns {
		e := p.b.take(u)
		if r, ok := e.(*syntax.Ref); ok {
			s.For = append(s.For, r)
		} else {
			p.b.fail(fmt.Errorf("Solve needs names as unknowns, not %s", syntax.ExprString(e)))
		}
	}
	if len(s.For) == 0 {
		p.b.fail(fmt.Errorf("Solve needs an unknown"))
		return &SolveBuilder{p.b, s}
	}
	p.b.add(s, &s.Trivia)
	return &SolveBuilder{p.b, s}
}

// With adds side conditions.
func (s *SolveBuilder) With(conds ...Condition) *SolveBuilder {
	for _, c := range conds {
		s.s.With = append(s.s.With, s.b.cond(c))
	}
	return s
}

// Using names the solver, as in Using(Call("cg", Named("tol", Num(1e-5)))).
func (s *SolveBuilder) Using(method Value) *SolveBuilder {
	s.s.Using = s.b.take(method)
	return s
}

// OutputBuilder says when and in which formats fields are written.
type OutputBuilder struct {
	b *block
	o *syntax.Output
}

// Output writes fields.
func (p Body) Output(fields ...Value) *OutputBuilder {
	s := &syntax.Output{Fields: p.fieldNames("Output", fields)}
	p.b.add(s, &s.Trivia)
	return &OutputBuilder{p.b, s}
}

// Every writes each time dt of simulated time has passed.
func (o *OutputBuilder) Every(dt Value) *OutputBuilder {
	o.o.When = &syntax.Schedule{Kind: syntax.EveryTime, Value: o.b.take(dt)}
	return o
}

// EverySteps writes each n steps.
func (o *OutputBuilder) EverySteps(n Value) *OutputBuilder {
	o.o.When = &syntax.Schedule{Kind: syntax.EverySteps, Value: o.b.take(n)}
	return o
}

// AtEnd writes once, after the last step.
func (o *OutputBuilder) AtEnd() *OutputBuilder {
	o.o.When = &syntax.Schedule{Kind: syntax.AtEnd}
	return o
}

// As adds a file format (vti, npy, npz, png). Arguments are made with Slice and
// Named.
func (o *OutputBuilder) As(format string, args ...Value) *OutputBuilder {
	f := &syntax.OutputFormat{Name: o.b.name(format)}
	for _, v := range args {
		list, err := arguments([]Value{v}, nil)
		if s, ok := v.(slice); ok {
			list[0].Name, err = &syntax.Ident{Name: s.axis}, checkName(s.axis)
			e := operand(s.at)
			list[0].Value, err = e.e, first(err, e.err)
			f.Slices = append(f.Slices, list[0])
		} else {
			f.Args = append(f.Args, list[0])
		}
		o.b.fail(err)
	}
	o.o.Formats = append(o.o.Formats, f)
	return o
}

type slice struct {
	axis string
	at   Value
}

func (s slice) value() Expr {
	e := operand(s.at)
	return Expr{e.e, first(e.err, fmt.Errorf("Slice stands outside a format"))}
}

// Slice returns the format argument `slice axis = at`.
func Slice(axis string, at Value) Value { return slice{axis, at} }

// ProbeBuilder says where and when a value is recorded.
type ProbeBuilder struct {
	b *block
	p *syntax.Probe
}

// Probe records a value: a field At a point, or a reduction such as
// Call("sum", T).
func (p Body) Probe(name string, v Value) *ProbeBuilder {
	s := &syntax.Probe{Name: p.b.name(name), Value: p.b.take(v)}
	p.b.add(s, &s.Trivia)
	return &ProbeBuilder{p.b, s}
}

// Point fixes one coordinate of the place.
func (p *ProbeBuilder) Point(axis string, at Value) *ProbeBuilder {
	p.p.Point = append(p.p.Point, &syntax.Arg{Name: p.b.name(axis), Value: p.b.take(at)})
	return p
}

// Every records each time dt of simulated time has passed.
func (p *ProbeBuilder) Every(dt Value) *ProbeBuilder {
	p.p.When = &syntax.Schedule{Kind: syntax.EveryTime, Value: p.b.take(dt)}
	return p
}

// EverySteps records each n steps.
func (p *ProbeBuilder) EverySteps(n Value) *ProbeBuilder {
	p.p.When = &syntax.Schedule{Kind: syntax.EverySteps, Value: p.b.take(n)}
	return p
}

// MonitorBuilder says when a monitored number is looked at.
type MonitorBuilder struct {
	b *block
	p *syntax.Probe
}

// Monitor watches a number that is computed from the fields when it is due, such as Call("sum", T).
func (p Body) Monitor(name string, v Value) *MonitorBuilder {
	s := &syntax.Probe{Name: p.b.name(name), Value: p.b.take(v), Monitor: true}
	p.b.add(s, &s.Trivia)
	return &MonitorBuilder{p.b, s}
}

// Every looks each time dt of simulated time has passed.
func (m *MonitorBuilder) Every(dt Value) *MonitorBuilder {
	m.p.When = &syntax.Schedule{Kind: syntax.EveryTime, Value: m.b.take(dt)}
	return m
}

// EverySteps looks each n steps.
func (m *MonitorBuilder) EverySteps(n Value) *MonitorBuilder {
	m.p.When = &syntax.Schedule{Kind: syntax.EverySteps, Value: m.b.take(n)}
	return m
}

// Drift ends the run when the number has moved by more than this part of its first value.
func (m *MonitorBuilder) Drift(part Value) *MonitorBuilder {
	m.p.Drift = m.b.take(part)
	return m
}
