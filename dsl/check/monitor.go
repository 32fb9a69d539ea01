package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
)

// Monitors are probes of single numbers that are computed for them: the host has the device compute them when it wants to look, so that
// between two looks they cost nothing.

// computed says whether a probed value is more than a name.
func computed(e syntax.Expr) bool {
	switch syntax.Unparen(e).(type) {
	case *syntax.Call, *syntax.Binary, *syntax.Unary, *syntax.Reduce:
		return true
	}
	return false
}

// monitor checks `monitor mass = sum(rho) every 10 steps drift 1e-6`, and a probe of an expression.
func (c *checker) monitor(s *syntax.Probe) {
	v := c.num(s.Value, &scope{what: "a monitor", form: true})
	if v.invalid() {
		return
	}
	if v.host {
		c.errs.Errorf("WF0321", s.Value.Span(), "this does not change while the program runs").Suggest("watch a reduction of fields, as in `monitor mass = sum(rho)`")
		return
	}
	p := &Probe{Name: s.Name.Name, Value: v, At: s.At}
	if s.When != nil {
		p.Steps, p.Seconds = c.schedule(s.When)
	}
	if s.Drift != nil {
		p.Drift = c.valueIn(s.Drift, one(), nil, s.Drift.Span(), "the tolerated drift", &scope{host: true, what: "the tolerated drift"})
		if x, ok := c.eval(p.Drift); ok && !(x > 0) {
			c.errs.Errorf("WF0321", s.Drift.Span(), "the tolerated drift must be positive").Labelled("this is %s", trimFloat(x)).
				Note("it is relative to the first value").Suggest("write for example `drift 1e-6`")
			return
		}
	}
	c.prog.Probes = append(c.prog.Probes, p)
}
