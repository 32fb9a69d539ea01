package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// stability derives the largest stable step of every evolve from its equations, by von Neumann's method, and holds given steps
// against it.
//
// The right-hand side of dt(u) is expanded into terms coefficient * derivative of u. Terms without a derivative (reactions, sources)
// do not limit the step here. Coefficients known at load stay expressions of the parameters, so that the limit follows a parameter set
// at run; coefficients that vary in space are bounded by their maximum over the initial data, and the parameters in them are frozen;
// coefficients that depend on the solution are taken at its initial values, with a note (linearisation). With, per axis j,
//
//	A   = sum over terms of even order of |coefficient| * max|symbol| / h^order   (those that damp)
//	Q   = sum over j of (sum of sqrt(K)*|coefficients| of odd order / h^order)^2 / (D_j/h_j^m)
//
// D_j the damping of lowest order m along j (its diffusion, for m = 2) and K from advectionRatio, the amplification factor of forward
// Euler is at most 1 in modulus when dt <= 2/max(A, Q): |1 + dt*(-a + i*b)|^2 <= 1 is dt*(a^2 + b^2) <= 2*a, and by Cauchy and
// Schwarz b^2 <= Q*sum a_j*(1 - a_j/A_j) <= Q*(a - a^2/A), where a = sum a_j over all damping terms and A = sum A_j. For
// order 2 this is the exact condition of Hindmarsh, Gresho and Griffiths (1984): dt <= 1/(2*sum D_j/h_j^2) and dt <= 2/sum c_j^2/D_j;
// first-order upwind gives dt <= 1/sum |c_j|/h_j. For another method the same disk is scaled to its extent R along the real axis,
// dt <= R/max(A, Q), and where its region holds a piece [0, iI] of the imaginary axis the triangle 0, -R, iI holds the spectrum for
// dt*(A/R + B/I) <= 1, B the sum of the largest odd symbols: the larger of both steps is taken. Leapfrog for dt(dt(u)) is stable for dt <= 2/sqrt(A).
//
// First derivatives of other fields that are advanced too have the limit of coupled.go. Cross derivatives of second order are those of crosslimit.go. Other cross
// derivatives, other derivatives of other fields, derivatives of next values, products of derivatives and changing times in coefficients have no
// such bound: then there is no limit, `auto` is an error and a given step passes with a note.
func (c *checker) stability() {
	for _, b := range c.prog.Blocks {
		if !b.Once && !b.Count && !b.broken && !b.Dynamic && !c.guessed() {
			c.blockLimit(b)
		}
	}
}

// guessed says whether the extent or the bounds of an axis are unknown, and with them every spacing.
func (c *checker) guessed() bool {
	return slices.ContainsFunc(c.prog.Axes, func(a *Axis) bool { return a.guess })
}

// linTerm is sign * coef * derivative of field; orders are per axis of its grid.
type linTerm struct {
	coef   *Node // nil stands for 1
	sign   float64
	field  *Field
	next   bool
	orders [3]int
	acc    int
	half   bool      // the field lives half a step away: a compact difference
	at     diag.Span // the derivative
	whole  diag.Span // the term with its coefficient
}

// limiter collects what limits the step of one block.
type limiter struct {
	c       *checker
	b       *Block
	unknown []unknownTerm
	limits  []*Node
	terms   []string
	linear  []diag.Span // terms taken at initial values
	visits  int
	coupled []coupledTerm
}

// asWritten is why assignments have no limit.
const asWritten = "an assignment is evaluated as written"

type unknownTerm struct {
	at  diag.Span
	why string
}

func (c *checker) blockLimit(b *Block) {
	l := &limiter{c: c, b: b}
	for _, s := range b.Stmts {
		switch s.Kind {
		case Euler, Second:
			l.equation(s)
		case Plain:
			if spreads(s.Value) {
				l.cannot(s.At, asWritten)
			}
		}
	}
	l.system()
	c.judge(l)
}

// spreads says whether an assigned value carries state from point to point at a rate that depends on the step.
func spreads(n *Node) bool {
	step, moves := false, n.hasDeriv()
	Visit(n, func(x *Node) {
		step = step || x.Op == StepSize
		for _, s := range x.Sub {
			moves = moves || s.Off != 0 && x.readsState()
		}
	})
	return step && moves
}

func (l *limiter) cannot(at diag.Span, why string) {
	for _, u := range l.unknown {
		if u.at == at {
			return
		}
	}
	l.unknown = append(l.unknown, unknownTerm{at, why})
}

// equation adds the limit of one equation.
func (l *limiter) equation(s *Assign) {
	ts := l.expand(s.Value, linTerm{sign: 1, acc: 2})
	var damp []linTerm
	var odd [3][]linTerm
	var diffusion [3][]linTerm
	var cross crossTerms
	for _, t := range ts {
		total, axes, oddAxes := 0, 0, 0
		for _, k := range t.orders {
			total += k
			if k > 0 {
				axes++
			}
			oddAxes += k % 2
		}
		switch {
		case t.field != s.Field && l.couples(s, t):
		case t.field != s.Field || t.next:
			l.cannot(t.at, "it couples two unknowns by a derivative")
		case t.half:
			l.cannot(t.at, "it is the derivative of a nonlinear expression")
		case cross.put(t):
		case oddAxes > 0 && axes > 1:
			l.cannot(t.at, "it is a cross derivative")
		case oddAxes == 1:
			for j, k := range t.orders {
				if k > 0 {
					odd[j] = append(odd[j], t)
				}
			}
		default:
			if total/2%2 == 1 { // d^2, d^6: negative symbol damps with a positive coefficient
				damp = append(damp, t)
			} else {
				t.sign = -t.sign
				damp = append(damp, t)
			}
			for j, k := range t.orders {
				if k > 0 && axes == 1 {
					diffusion[j] = append(diffusion[j], damp[len(damp)-1])
				}
			}
		}
	}
	hasOdd := len(odd[0])+len(odd[1])+len(odd[2]) > 0
	if len(damp) == 0 && !hasOdd && !cross.any() {
		return
	}
	l.limits = append(l.limits, l.bound(s, damp, odd, diffusion, hasOdd, &cross)...)
	for _, t := range ts {
		text := t.whole.Text()
		known := text == ""
		for _, x := range l.terms {
			known = known || x == text
		}
		if !known {
			l.terms = append(l.terms, text)
		}
	}
}

// bound makes the limit expression of one equation.
func (l *limiter) bound(s *Assign, damp []linTerm, odd, diffusion [3][]linTerm, hasOdd bool, cross *crossTerms) []*Node {
	if s.Kind == Second && hasOdd {
		l.cannot(s.At, "a first derivative in space beside dt(dt(..)) has no bound here")
		return nil
	}
	var a *Node
	for _, t := range damp {
		n := l.size(t, s.Field)
		if n == nil {
			return nil
		}
		if a == nil {
			a = n
		} else {
			a = add(a, n)
		}
	}
	if a == nil {
		a = number(0, one(), s.At)
	}
	if cross.any() {
		n := l.crossed(s, cross, diffusion)
		if n == nil {
			return nil
		}
		a = add(a, n)
	}
	most := a
	if hasOdd {
		q := l.advective(s, odd, diffusion, cross)
		if q == nil {
			return nil
		}
		most = compute(ir.MaxOp, a.Unit, s.At, a, q)
	}
	if s.Kind == Second {
		return []*Node{div(number(2, one(), s.At), compute(ir.Sqrt, one(), s.At, most))}
	}
	m := l.b.By
	disk := l.diskBound(m, most, s)
	if !hasOdd || m.Imag == 0 {
		return []*Node{disk}
	}
	b := l.spread(s, odd)
	if b == nil {
		return nil
	}
	return []*Node{compute(ir.MaxOp, one(), s.At, disk, l.wedgeBound(m, a, b, s))}
}

// size is |coefficient| * max|symbol| / h^order of a term that damps, zero when its coefficient has the other sign.
func (l *limiter) size(t linTerm, f *Field) *Node {
	w := 1.0
	for j, k := range t.orders {
		if k > 0 {
			w *= symbolMax(k, t.acc) / math.Pow(f.Grid.Axes[j].H, float64(k))
		}
	}
	n := mul(number(w, one(), t.at), compute(ir.MaxOp, one(), t.at, number(0, one(), t.at), t.signed()))
	return l.largest(n, t.at)
}

// signed is the coefficient with its sign.
func (t linTerm) signed() *Node {
	switch {
	case t.coef == nil:
		return number(t.sign, one(), t.at)
	case t.sign < 0:
		return compute(ir.Neg, one(), t.at, t.coef)
	}
	return t.coef
}

// advective is Q, or nil after noting why there is none.
func (l *limiter) advective(s *Assign, odd, diffusion [3][]linTerm, cross *crossTerms) *Node {
	q := number(0, one(), s.At)
	for j := range odd {
		if len(odd[j]) == 0 {
			continue
		}
		a := s.Field.Grid.Axes[j]
		d := number(0, one(), s.At)
		m, acc := damper(diffusion[j], odd[j], j)
		for _, t := range diffusion[j] {
			if t.orders[j] == m && t.acc == acc {
				w := number(math.Pow(a.H, float64(-m)), one(), t.at)
				d = add(d, mul(w, compute(ir.MaxOp, one(), t.at, number(0, one(), t.at), t.signed())))
			}
		}
		if cross.axes[j] {
			weak := cross.weakened(d, j, a.H)
			none := compute(ir.Neg, one(), s.At, weak)
			if v, _, why := l.c.largest(none); m != 2 || why != "" || v >= 0 {
				l.cannot(cross.at(), "it is a cross derivative beside a first one, and no bound is known where it outweighs the diffusion")
				return nil
			}
			freezeData(none)
			d = weak
		}
		speed := number(0, one(), s.At)
		for _, t := range odd[j] {
			w := math.Sqrt(advectionRatio(t.orders[j], t.acc, m, acc)) / math.Pow(a.H, float64(t.orders[j]))
			speed = add(speed, mul(number(w, one(), t.at), compute(ir.Abs, one(), t.at, t.signed())))
		}
		// no speed, no limit; speed without damping along this axis: unstable at every step
		none := compute(ir.Le, one(), s.At, speed, number(0, one(), s.At))
		n := l.largest(compute(ir.Select, one(), s.At, none, number(0, one(), s.At), div(mul(speed, speed), d)), odd[j][0].at)
		if n == nil {
			return nil
		}
		q = add(q, n)
	}
	return q
}

// damper chooses which damping terms along axis j hold the odd ones: those of the lowest order m, and of these the lowest accuracy.
// Long waves need m <= 2n for every odd order n; without such a term m is 2 and the damping zero.
func damper(ts, odd []linTerm, j int) (m, acc int) {
	least := odd[0].orders[j]
	for _, t := range odd {
		least = min(least, t.orders[j])
	}
	m, acc = 2, 2
	found := false
	for _, t := range ts {
		k := t.orders[j]
		if k <= 2*least && (!found || k < m || k == m && t.acc < acc) {
			m, acc, found = k, t.acc, true
		}
	}
	return m, acc
}

// largest makes an expression of coefficients a host value: itself, or its maximum over the initial data.
func (l *limiter) largest(n *Node, at diag.Span) *Node {
	if n.host {
		return n
	}
	v, state, why := l.c.largest(n)
	if why != "" {
		l.cannot(at, why)
		return nil
	}
	if state {
		l.linear = append(l.linear, at)
	}
	freezeData(n)
	return number(v, one(), at)
}

// freezeData freezes the params of an expression and of the initial values it reads.
func freezeData(n *Node) {
	freeze(n)
	Visit(n, func(x *Node) {
		if x.Op == Read && !x.Next {
			freeze(x.Field.Init)
			for _, r := range x.Field.Regions {
				freeze(r.Where)
				freeze(r.Value)
			}
		}
	})
}

// sampleBudget bounds the nodes that all extrema of a program evaluate, about a second's work.
const sampleBudget = 1 << 24

// largest is the maximum of n over all points, with fields at their initial values. It fails with a reason.
func (c *checker) largest(n *Node) (v float64, state bool, why string) {
	const unknown, large = "its coefficient is not known before the run", "its coefficient varies over too many points to be bounded"
	free := n.Free()
	count := 1
	for _, x := range free {
		if count *= x.Axis.N; count > c.samples {
			return 0, false, large
		}
	}
	at := map[IndexVar]int{}
	best := math.Inf(-1)
	for k := 0; k < count; k++ {
		r := k
		for i := len(free) - 1; i >= 0; i-- {
			at[free[i]] = r % free[i].Axis.N
			r /= free[i].Axis.N
		}
		e := evaluator{at: at, budget: c.samples}
		x, good := e.value(n)
		c.samples = max(0, e.budget)
		switch {
		case c.samples == 0:
			return 0, false, large
		case !good || math.IsNaN(x):
			return 0, false, unknown
		}
		state = state || e.state
		best = max(best, x)
	}
	return best, state, ""
}

// judge reports what follows from the limit of a block.
func (c *checker) judge(l *limiter) {
	b := l.b
	if b.Step.invalid() {
		return
	}
	var limit *Node
	if len(l.unknown) == 0 && len(l.limits) > 0 {
		limit = l.limits[0]
		for _, n := range l.limits[1:] {
			limit = compute(ir.MinOp, one(), b.At, limit, n)
		}
	}
	if len(l.terms) > 6 {
		l.terms = append(l.terms[:6:6], "and others")
	}
	b.Terms = strings.Join(l.terms, ", ")
	at := b.Step.At
	if limit == nil {
		c.noLimit(l, at)
		return
	}
	most, ok := c.eval(limit)
	if !ok || math.IsNaN(most) {
		l.cannot(b.At, "its coefficients have no value")
		c.noLimit(l, at)
		return
	}
	if most <= 0 {
		c.errs.Errorf("WF0307", at, "no step is stable: %s", b.Terms).
			Note("%s with central first differences amplifies every wave unless there is diffusion along the same axis", l.b.By.Name).
			Suggest("use upwind(c, T) for the first derivative, add diffusion, or integrate `by rk4`")
		return
	}
	if len(l.linear) > 0 {
		d := &diag.Diagnostic{Code: "WF0312", Severity: diag.Info, Primary: l.linear[0],
			Message: "the stability limit takes this term at the initial values",
			Notes:   []string{"when the solution grows beyond them the limit shrinks"}}
		seen := []diag.Span{d.Primary}
		for _, s := range l.linear[1:] {
			if !slices.Contains(seen, s) {
				d.With(s, "and this one")
				seen = append(seen, s)
			}
		}
		c.errs.Add(d)
	}
	switch {
	case b.Auto && math.IsInf(most, 0):
		c.noLimit(l, at)
	case b.Auto:
		b.Limit = limit
	default:
		if math.IsInf(most, 0) {
			return
		}
		b.Limit = limit
		if v, ok := c.eval(b.Step); ok && v > most*(1+1e-9) {
			d := c.errs.Errorf("WF0307", at, "the step %s is beyond the stability limit %s", c.withUnit(v, b.Unit), c.withUnit(most, b.Unit)).
				Note("the limit is set by %s", b.Terms)
			d.Suggest("write `step auto`, or a step of at most %s", c.withUnit(roundDown(most), b.Unit))
		}
	}
}

// roundDown shortens a limit to three digits, downwards.
func roundDown(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v))-2)
	return math.Floor(v/p+1e-9) * p
}

func (c *checker) withUnit(v float64, u Unit) string {
	u = c.resolve(u)
	u.vars = nil
	if s := u.String(); s != "1" {
		return fmt.Sprintf("%s %s", trimFloat(v), s)
	}
	return trimFloat(v)
}

// noLimit reports that there is no limit: an error for auto, a note for a given step.
func (c *checker) noLimit(l *limiter, at diag.Span) {
	b := l.b
	if c.broken { // what is missing may be in a statement that has an error
		return
	}
	if b.Auto {
		d := c.errs.Errorf("WF0308", at, "`auto` finds no stability limit here")
		for _, u := range l.unknown {
			if !u.at.IsZero() {
				d.With(u.at, "%s", u.why)
			}
		}
		if len(l.unknown) == 0 {
			d.Note("no term with a derivative in space limits the step")
		}
		d.Suggest("give a step, as in `step 0.01%s`", unitSuffix(c, b.Unit))
		return
	}
	spoken := false
	for _, u := range l.unknown {
		spoken = spoken || u.why != asWritten
	}
	if !spoken { // a scheme of the author's own
		return
	}
	d := &diag.Diagnostic{Code: "WF0312", Severity: diag.Info, Primary: at, Message: "the stability of this step is not checked"}
	for _, u := range l.unknown {
		if !u.at.IsZero() {
			d.With(u.at, "%s", u.why)
		}
	}
	c.errs.Add(d)
}

func unitSuffix(c *checker, u Unit) string {
	u = c.resolve(u)
	u.vars = nil
	if s := u.String(); s != "1" {
		return " " + s
	}
	return ""
}
