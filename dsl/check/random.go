package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// random checks random(seed) and random(seed, stream): a number in [0, 1) that is a function of the seed, the stream, the index of the
// point and the step alone, so that it does not depend on where the point is computed. Two calls with one seed and one stream give the
// same numbers; initial values have a step of their own.
func (c *checker) random(e *syntax.Call, sc *scope) *Node {
	if len(e.Args) < 1 || len(e.Args) > 2 {
		return c.arity(e, "random(seed) or random(seed, stream)")
	}
	if sc.host || sc.side != nil {
		c.errs.Errorf("WF0204", e.At, "%s cannot be random", sc.what).Note("random(..) gives every point and every step its own number").
			Suggest("use it in initial values, assignments and equations")
		return bad(e.At)
	}
	n := &Node{Op: Random, Unit: one(), At: e.At}
	host := &scope{host: true, what: "a seed"}
	for _, a := range e.Args {
		x := c.num(a.Value, host)
		if x.invalid() || !c.needOne(x, "a seed") {
			return bad(e.At)
		}
		if v, ok := c.eval(x); !ok || v != math.Trunc(v) || v < 0 || v > 1<<24 {
			c.errs.Errorf("WF0257", a.Value.Span(), "a seed is a whole number from 0 to 2^24").Suggest("write for example random(1) or random(seed, 2)")
			return bad(e.At)
		}
		n.Args = append(n.Args, x)
	}
	if len(n.Args) == 1 {
		n.Args = append(n.Args, number(0, one(), e.At))
	}
	var vs []IndexVar
	switch {
	case len(sc.index) > 0:
		vs = sc.index
	case sc.grid != nil && !sc.form:
		vs = axisVars(sc.axes())
	}
	for _, v := range vs {
		n.Args = append(n.Args, &Node{Op: IndexVal, Var: v, Unit: one(), At: e.At})
	}
	if sc.block != nil && !sc.block.top().once {
		b := sc.block.top().block
		b.Timed, b.Counted = true, true
	}
	return n
}
