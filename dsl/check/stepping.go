package check

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Stepping is what an evolve decides while it runs, on the device: how long its steps are and when it ends.
type Stepping struct {
	// Clock says that the program keeps the time itself, because the lengths of steps are not known before, or the end is not.
	Clock bool
	// Want is the step that cfl(..) asks for, from the values before the step, every Every steps.
	Want  *Node
	Every int
	// Tol and First are of an error-controlled step: the largest error of a step relative to the largest value of each field, and the
	// first step. Most bounds the steps; nil when there is no bound.
	Tol, First, Most *Node
	// Until ends the run after a step that makes it true; Ended holds whether it did.
	Until *Node
	Ended *Field
	// Steady ends it when the fields change, per unit of time, by at most SteadyTol of their largest value, looked at every SteadyEvery
	// steps over just these steps. In an evolve that counts steps the unit of time is the step.
	Steady      []*Field
	SteadyTol   *Node
	SteadyEvery int
	// Open says that there is no end but by condition; Dynamic that the step is cfl(..) or adaptive(..).
	Open, Dynamic bool
	// Counted says that the number of the step is read, besides the time.
	Counted bool
}

// stepCall is the step when it is a call of that name.
func stepCall(e *syntax.Evolve, name string) *syntax.Call {
	if e.Step == nil || e.Step.Value == nil {
		return nil
	}
	if call, ok := syntax.Unparen(e.Step.Value).(*syntax.Call); ok && call.Func.Name == name {
		return call
	}
	return nil
}

// prepareStepping decides, before statements are checked, who keeps the time.
func (b *Block) prepareStepping(e *syntax.Evolve) {
	s := &Stepping{Every: 1, SteadyEvery: 1, Open: e.To == nil}
	b.Stepping = s
	s.Dynamic = stepCall(e, "cfl") != nil || stepCall(e, "adaptive") != nil
	s.Clock = !b.Count && (s.Dynamic || e.Until != nil && e.To != nil && e.Step != nil && !e.Step.Auto)
}

// options reads the arguments of cfl, adaptive and steady: positional ones first, then named ones.
func (c *checker) options(call *syntax.Call, names ...string) (pos []*syntax.Arg, named map[string]*syntax.Arg, ok bool) {
	named, ok = map[string]*syntax.Arg{}, true
	for _, a := range call.Args {
		if a.Name == nil {
			pos = append(pos, a)
			continue
		}
		known := false
		for _, n := range names {
			known = known || n == a.Name.Name
		}
		if !known || named[a.Name.Name] != nil {
			d := c.errs.Errorf("WF0317", a.At, "%s has no argument %s here", call.Func.Name, a.Name.Name)
			if s := closest(a.Name.Name, names); s != "" && !known {
				d.Replace(a.Name.At, s, "did you mean %s?", s)
			} else {
				d.Suggest("its arguments are %s, each once", join(names))
			}
			ok = false
			continue
		}
		named[a.Name.Name] = a
	}
	return pos, named, ok
}

// dynamicStep checks `step cfl(..)` and `step adaptive(..)`; false when the step is neither.
func (c *checker) dynamicStep(e *syntax.Evolve, b *Block, scale float64) bool {
	sc := &scope{host: true, what: "the step"}
	s := b.Stepping
	if call := stepCall(e, "cfl"); call != nil {
		b.Step = number(1, b.Unit, e.Step.At)
		pos, named, ok := c.options(call, "speed", "diffusion", "every", "max")
		if len(pos) != 1 || named["speed"] == nil && named["diffusion"] == nil {
			c.errs.Errorf("WF0317", call.At, "cfl needs a number, and a speed or a diffusivity").
				Note("the step is number/max(sum |c|/h + 2*sum D/h^2)").Suggest("write `step cfl(0.5, speed = (u, v), diffusion = nu)`")
			b.Step = bad(e.Step.At)
			return true
		}
		if !ok {
			b.Step = bad(e.Step.At)
			return true
		}
		s.Every = c.stepCount(named["every"], 1, sc)
		s.Most = c.stepOption(named["max"], b, &scale, sc)
		return true
	}
	call := stepCall(e, "adaptive")
	if call == nil {
		return false
	}
	b.Step = number(1, b.Unit, e.Step.At)
	pos, named, ok := c.options(call, "tol", "first", "max")
	if len(pos) > 1 || len(pos) == 1 && named["tol"] != nil || len(pos) == 0 && named["tol"] == nil {
		c.errs.Errorf("WF0317", call.At, "adaptive needs one tolerance").
			Note("it is the largest error of a step, relative to the largest value of each field").Suggest("write `step adaptive(tol = 1e-5)`")
		ok = false
	}
	if !ok {
		b.Step = bad(e.Step.At)
		return true
	}
	if len(pos) == 1 {
		named["tol"] = pos[0]
	}
	s.Tol = c.valueIn(named["tol"].Value, one(), nil, named["tol"].At, "the tolerance", sc)
	if v, ok := c.eval(s.Tol); ok && !(v > 0 && v < 1) {
		c.errs.Errorf("WF0317", s.Tol.At, "the tolerance must be above 0 and below 1").Labelled("this is %s", trimFloat(v)).
			Suggest("write `step adaptive(tol = 1e-5)`")
	}
	s.First = c.stepOption(named["first"], b, &scale, sc)
	s.Most = c.stepOption(named["max"], b, &scale, sc)
	if e.By == nil {
		for _, m := range integrators {
			if m.Err != nil {
				b.By = m
			}
		}
		b.ByAt = e.Step.At
	} else if b.By.Err == nil {
		c.errs.Errorf("WF0317", e.Step.At, "%s has no error estimate", b.By.Name).With(b.ByAt, "given here").
			Suggest("integrate `by rk23`, or leave `by` out")
	}
	return true
}

// stepOption checks an optional length of a step.
func (c *checker) stepOption(a *syntax.Arg, b *Block, scale *float64, sc *scope) *Node {
	if a == nil {
		return nil
	}
	n := c.valueIn(a.Value, b.Unit, scale, a.At, "a step", sc)
	if v, ok := c.eval(n); ok && !(v > 0) {
		c.errs.Errorf("WF0305", n.At, "a step must be positive").Labelled("this is %s", trimFloat(v)).Suggest("write a positive step")
		return bad(n.At)
	}
	return n
}

// stepCount checks an optional whole number of at least 1, known at build.
func (c *checker) stepCount(a *syntax.Arg, otherwise int, sc *scope) int {
	if a == nil {
		return otherwise
	}
	n := c.valueIn(a.Value, one(), nil, a.At, "a count", sc)
	v, ok := c.frozen(n)
	if !ok {
		return otherwise
	}
	if v != math.Trunc(v) || v < 1 || v > 1<<30 {
		c.errs.Errorf("WF0317", a.Value.Span(), "this counts steps: a whole number from 1").Labelled("this is %s", trimFloat(v)).Suggest("write `every = 10`")
		return otherwise
	}
	return int(v)
}

// cflStep makes the step that cfl(C, speed = (u, v), diffusion = D) asks for:
//
//	C/(sum over axes of max |c|/h + 2*max D*sum over axes of 1/h^2)
//
// For C = 1 it is the limit of first-order upwind advection, and of diffusion by forward Euler (R. Courant, K. Friedrichs, H. Lewy,
// 1928; C. Hirsch, Numerical Computation of Internal and External Flows, 1988). The maxima of the components are taken apart, so that
// they may live at different places of the grid; one that is the same everywhere needs no reduction.
func (c *checker) cflStep(e *syntax.Evolve, bs *blockState) {
	call := stepCall(e, "cfl")
	b := bs.block
	if call == nil || b.Step.invalid() {
		return
	}
	pos, named, _ := c.options(call, "speed", "diffusion", "every", "max")
	number0 := c.valueIn(pos[0].Value, one(), nil, pos[0].At, "the Courant number", &scope{host: true, what: "the Courant number"})
	if v, ok := c.eval(number0); ok && !(v > 0) {
		c.errs.Errorf("WF0317", pos[0].At, "the number of cfl must be positive").Labelled("this is %s", trimFloat(v)).Suggest("write `step cfl(0.5, speed = (u, v))`")
		return
	}
	if v, ok := c.eval(number0); ok && hasEquations(b) {
		// Damped terms have a spectrum up to 2*C along the real axis, central differences one up to C along the imaginary axis.
		if most := max(b.By.Real/2, b.By.Imag); v > most*(1+1e-9) {
			c.errs.Errorf("WF0307", pos[0].At, "cfl(%s) is beyond what %s can take", trimFloat(v), b.By.Name).
				Note("no scheme in space is stable with %s above %s", b.By.Name, trimFloat(roundDown(most))).
				Suggest("write a number of at most %s, or integrate by a method with a larger region of stability", trimFloat(roundDown(most)))
			return
		}
	}
	if v, ok := c.eval(number0); ok && !c.leapfrogTakes(b, v, pos[0].At) {
		return
	}
	rate := number(0, one().div(b.Unit), call.At)
	put := func(n *Node) bool {
		if !c.unify(n.Unit, rate.Unit, n.At) {
			c.errs.Errorf("WF0220", n.At, "this is no speed or diffusivity for a step in %s", c.withUnit(1, b.Unit)).
				Note("|c|/h and D/h^2 must be rates").Suggest("give the speed in units of length per time, the diffusivity in its square")
			return false
		}
		rate = add(rate, n)
		return true
	}
	if a := named["speed"]; a != nil {
		parts := []syntax.Expr{a.Value}
		if t, ok := syntax.Unparen(a.Value).(*syntax.Tuple); ok {
			parts = t.Elems
		}
		g, _ := c.wholePlace(a.Value, &scope{block: bs})
		if g == nil || len(parts) != len(g.Axes) {
			d := c.errs.Errorf("WF0317", a.At, "the speed of cfl has one component for each axis of the grid")
			if g != nil {
				d.With(g.At, "its axes are %s", axisNames(g.Axes))
			}
			d.Suggest("write `speed = (u, v)`")
			return
		}
		for i, x := range parts {
			ax := g.Axes[i]
			n := c.extreme(x, g, bs, func(n *Node, on []*Axis) *Node {
				return div(compute(ir.Abs, n.Unit, n.At, n), c.width(along(on, ax), n.At))
			})
			if n.invalid() || !put(n) {
				return
			}
		}
	}
	if a := named["diffusion"]; a != nil {
		g, _ := c.wholePlace(a.Value, &scope{block: bs})
		if g == nil {
			for f := range bs.assigned {
				if f.Grid != nil && (g == nil || f.Grid.At.Start < g.At.Start) {
					g = f.Grid
				}
			}
		}
		if g == nil {
			c.errs.Errorf("WF0317", a.At, "cfl finds no grid for this diffusivity").Suggest("integrate a field on a grid in this `evolve`")
			return
		}
		n := c.extreme(a.Value, g, bs, func(n *Node, on []*Axis) *Node {
			var sum *Node
			for _, ax := range g.Axes {
				w := c.width(along(on, ax), a.At)
				x := div(number(2, one(), a.At), mul(w, w))
				if sum != nil {
					x = add(sum, x)
				}
				sum = x
			}
			return mul(n, sum)
		})
		if n.invalid() || !put(n) {
			return
		}
	}
	b.Stepping.Want = div(number0, rate)
	if m := b.Stepping.Most; m != nil {
		b.Stepping.Want = compute(ir.MinOp, b.Unit, call.At, b.Stepping.Want, m)
	}
}

// leapfrogTakes says whether cfl(v) is within what leapfrog can take, as far as that is known: waves on n axes need
// dt <= 1/(c*sqrt(sum 1/h^2)), which is at most sqrt(n)/(c*sum 1/h).
func (c *checker) leapfrogTakes(b *Block, v float64, at diag.Span) bool {
	for _, s := range b.Stmts {
		if s.Kind != Second || s.Field.Grid == nil {
			continue
		}
		if most := math.Sqrt(float64(len(s.Field.Grid.Axes))); v > most*(1+1e-9) {
			c.errs.Errorf("WF0307", at, "cfl(%s) is beyond what leapfrog can take", trimFloat(v)).
				With(s.At, "dt(dt(%s)) is advanced by leapfrog", s.Field.Name).
				Suggest("write a number of at most %s; central differences on even spacing take 1 with any number of axes", trimFloat(roundDown(most)))
			return false
		}
	}
	return true
}

// hasEquations says whether a block has equations that its explicit method advances.
func hasEquations(b *Block) bool {
	for _, s := range b.Stmts {
		if s.Kind == Euler {
			return true
		}
	}
	return false
}

// extreme is the maximum of f(e) over the place of e on the grid, or f(e) itself where that is the same everywhere.
func (c *checker) extreme(e syntax.Expr, g *Grid, bs *blockState, f func(n *Node, on []*Axis) *Node) *Node {
	on := g.Axes
	if h, at := c.wholePlace(e, &scope{block: bs}); h == g {
		on = at
	}
	n := c.num(e, &scope{what: "the step", block: bs, grid: g, on: on})
	if n.invalid() {
		return n
	}
	if n = f(n, on); n.invalid() || len(n.Free()) == 0 {
		return n
	}
	m, _ := c.wholeReduce(ir.Max, on, n, n.At)
	return m
}

// along is the axis at a place that runs along an axis of the grid.
func along(on []*Axis, a *Axis) *Axis {
	for _, x := range on {
		if base(x) == a {
			return x
		}
	}
	return a
}

// ending checks what ends an evolve early; it may read next values.
func (c *checker) ending(e *syntax.Evolve, bs *blockState) {
	if e.Until == nil {
		return
	}
	b := bs.block
	s := b.Stepping
	call, ok := syntax.Unparen(e.Until).(*syntax.Call)
	if !ok || call.Func.Name != "steady" {
		s.Until = c.truth(e.Until, &scope{what: "the end", form: true, atEnd: true, block: bs})
		if !s.Until.invalid() && s.Until.host {
			c.errs.Errorf("WF0323", e.Until.Span(), "this condition does not change while the program runs").
				Suggest("compare a reduction, as in `until max(abs(T' - T)) < 1e-6`, or use `steady(T)`")
		}
		if s.Until.invalid() || s.Until.host {
			s.Until = nil
			return
		}
		s.Ended = &Field{Name: numberedStep(b.Index) + ".ended", Elem: ir.I32, Unit: one(), Scale: 1, Init: number(0, one(), e.At), State: true,
			Local: true, At: e.Until.Span()}
		c.prog.Fields = append(c.prog.Fields, s.Ended)
		v := compute(ir.Select, one(), e.Until.Span(), s.Until, number(1, one(), e.At), number(0, one(), e.At))
		bs.add(&Assign{Kind: Plain, Field: s.Ended, Value: v, At: e.Until.Span()})
		return
	}
	pos, named, ok := c.options(call, "tol", "every")
	for _, a := range pos {
		r, isRef := syntax.Unparen(a.Value).(*syntax.Ref)
		var sym *symbol
		if isRef && !r.Prime && r.Index == nil {
			sym = c.names[r.Name.Name]
		}
		if sym == nil || sym.field == nil || bs.assigned[sym.field] == nil {
			c.errs.Errorf("WF0323", a.At, "steady names fields that this `evolve` changes").Suggest("write `until steady(T, tol = 1e-5, every = 100)`")
			ok = false
			continue
		}
		s.Steady = append(s.Steady, sym.field)
	}
	if !ok {
		return
	}
	if len(pos) == 0 {
		c.errs.Errorf("WF0323", call.At, "steady names the fields that become steady").Suggest("write `until steady(T, tol = 1e-5, every = 100)`")
		return
	}
	rate, sc := one().div(b.Unit), &scope{host: true, what: "the tolerance"}
	if a := named["tol"]; a != nil {
		s.SteadyTol = c.valueIn(a.Value, rate, nil, a.At, "the tolerance (relative change per time)", sc)
	} else {
		s.SteadyTol = number(1e-6, rate, call.At)
	}
	if v, ok := c.eval(s.SteadyTol); ok && !(v > 0) {
		c.errs.Errorf("WF0323", s.SteadyTol.At, "the tolerance must be positive").Labelled("this is %s", trimFloat(v)).Suggest("write `tol = 1e-5`")
	}
	s.SteadyEvery = c.stepCount(named["every"], 1, sc)
}

// numberedStep is the name of the step of an evolve in the IR.
func numberedStep(k int) string {
	if k == 0 {
		return "step"
	}
	return fmt.Sprintf("step%d", k+1)
}
