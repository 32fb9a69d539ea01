package check

import "github.com/wfc-lang/wfc/internal/diag"

// unitVar is an unknown unit. Unification binds it once; at is where it was declared and boundAt what fixed it.
type unitVar struct {
	name    string
	at      diag.Span
	bound   bool
	value   Unit
	boundAt diag.Span
}

// freshUnit makes a unit variable for something that did not say its unit.
func (c *checker) freshUnit(name string, at diag.Span) Unit {
	c.vars = append(c.vars, unitVar{name: name, at: at})
	u := one()
	u.vars = []varPower{{len(c.vars) - 1, rat{1, 1}}}
	return u
}

// resolve replaces bound variables by their units.
func (c *checker) resolve(u Unit) Unit {
	for {
		i := -1
		for k, v := range u.vars {
			if c.vars[v.id].bound {
				i = k
				break
			}
		}
		if i < 0 {
			return u
		}
		v := u.vars[i]
		rest := u
		rest.vars = append(append([]varPower(nil), u.vars[:i]...), u.vars[i+1:]...)
		u = rest.mulPow(c.vars[v.id].value, v.p)
	}
}

// unify makes two units equal by binding variables: units form a vector space over the rational exponents, so that one equation
// determines one variable, the newest. It reports whether they can be equal.
func (c *checker) unify(a, b Unit, at diag.Span) bool {
	if c.noUnits > 0 {
		return true
	}
	d := c.resolve(a.div(b))
	if len(d.vars) == 0 {
		return d.dimensionless()
	}
	v := d.vars[len(d.vars)-1]
	rest := d
	rest.vars = d.vars[:len(d.vars)-1]
	x := &c.vars[v.id]
	x.bound, x.value, x.boundAt = true, rest.pow(mkRat(-v.p.d, v.p.n)), at
	return true
}

// sameUnit unifies the units of two nodes and reports a contradiction with both places. what says why they must agree.
func (c *checker) sameUnit(a, b *Node, what string) bool {
	if a.invalid() || b.invalid() || c.unify(a.Unit, b.Unit, b.At) {
		return true
	}
	ua, ub := c.resolve(a.Unit), c.resolve(b.Unit)
	d := c.errs.Errorf("WF0220", b.At, "units do not agree: %s and %s %s", named(ua), named(ub), what).
		Labelled("%s", in(ub)).With(a.At, "%s", in(ua))
	c.unitOrigins(d, a.Unit, b.Unit)
	c.unitAdvice(d, a, b)
	return false
}

// in is a unit in a sentence: "in m/s", or "dimensionless".
func in(u Unit) string {
	if s := u.String(); s != "1" {
		return "in " + s
	}
	return "dimensionless"
}

// named is a unit as the name of a quantity: "m/s", or "a plain number".
func named(u Unit) string {
	if s := u.String(); s != "1" {
		return s
	}
	return "a plain number"
}

// needUnit unifies the unit of a node with a unit declared at another place.
func (c *checker) needUnit(n *Node, u Unit, from diag.Span, what string) {
	if n.invalid() || c.unify(u, n.Unit, n.At) {
		return
	}
	want, got := c.resolve(u), c.resolve(n.Unit)
	d := c.errs.Errorf("WF0220", n.At, "units do not agree: %s must be %s, this is %s", what, in(want), in(got)).Labelled("%s", in(got))
	if !from.IsZero() && from != n.At {
		d.With(from, "%s", in(want))
	}
	c.unitOrigins(d, u, n.Unit)
	c.unitAdvice(d, n, n)
}

// needOne demands a dimensionless node.
func (c *checker) needOne(n *Node, what string) bool {
	if n.invalid() || c.unify(one(), n.Unit, n.At) {
		return true
	}
	d := c.errs.Errorf("WF0223", n.At, "%s must be dimensionless, this is in %s", what, c.resolve(n.Unit))
	c.unitOrigins(d, n.Unit)
	d.Suggest("divide by a reference value with the unit, as in x/(1 m)")
	return false
}

// unitOrigins shows what fixed the variables that take part, at most three.
func (c *checker) unitOrigins(d *diag.Diagnostic, us ...Unit) {
	shown := map[int]bool{}
	for _, u := range us {
		for _, v := range u.vars {
			x := &c.vars[v.id]
			if shown[v.id] || !x.bound || x.boundAt.IsZero() || x.boundAt == d.Primary || len(shown) == 3 {
				continue
			}
			shown[v.id] = true
			d.With(x.boundAt, "the unit of %s, %s, follows from here", x.name, c.resolve(u1(v.id)))
		}
	}
}

func u1(id int) Unit {
	u := one()
	u.vars = []varPower{{id, rat{1, 1}}}
	return u
}

func (c *checker) unitAdvice(d *diag.Diagnostic, a, b *Node) {
	for _, n := range []*Node{a, b} {
		if n.Op == Num && n.bare {
			d.Note("a bare number has the unit of its place only as an initial value, a boundary value or a bound; elsewhere it is dimensionless")
			d.Suggest("give the number its unit, as in `%s %s`", trimFloat(n.Val), c.resolve(otherUnit(a, b, n)))
			return
		}
	}
	d.Suggest("multiply or divide by a quantity that makes the units equal, or correct the declared unit")
}

func otherUnit(a, b, n *Node) Unit {
	if n == a {
		return b.Unit
	}
	return a.Unit
}
