package tensor

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// The rule tables against table 1 of arXiv 2505.01618: what a weight's role does to its deviation, rate, decay and epsilon.
func TestRuleTables(t *testing.T) {
	const width, depth = 8.0, 5.0
	type row struct{ init, lr, decay, eps, forward float64 }
	for _, c := range []struct {
		rules string
		want  map[string]row
	}{
		{"sp(8, 5)", map[string]row{"embedding": {1, 1, 1, 1, 1}, "hidden": {1, 1, 1, 1, 1}, "output": {1, 1, 1, 1, 1}, "attention": {1, 1, 1, 1, 0.5}}},
		{"mup(8, 5)", map[string]row{"embedding": {1, 1, 1, 1, 1}, "hidden": {1 / math.Sqrt(width), 1 / width, width, 1 / width, 1},
			"norm": {1, 1, 1, 1 / width, 1}, "final": {1, 1, 1, 1, 1}, "output": {1, 1, 1, 1, 1 / width}, "residual": {1, 1, 1, 1, 1}, "attention": {1, 1, 1, 1, 1}}},
		{"completep(width = 8, depth = 5)", map[string]row{"hidden": {1 / math.Sqrt(width), 1 / width, width, 1 / (width * depth), 1},
			"bias": {1, 1, 1, 1 / (width * depth), 1}, "norm": {1, 1, 1, 1 / (width * depth), 1}, "residual": {1, 1, 1, 1, 1 / depth}}},
		{"completep(width = 8, depth = 5, alpha = 0.5)", map[string]row{"hidden": {1 / math.Sqrt(width), 1 / (width * math.Sqrt(depth)), width,
			1 / (width * math.Sqrt(depth)), 1}, "bias": {1, 1 / math.Sqrt(depth), 1, 1 / (width * math.Sqrt(depth)), 1},
			"norm": {1, 1 / math.Sqrt(depth), 1, 1 / (width * math.Sqrt(depth)), 1}, "residual": {1, 1, 1, 1, 1 / math.Sqrt(depth)}}},
	} {
		f, errs := syntax.Parse("r.wf", "model m(n = 2) { using "+c.rules+" }")
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		e := newElab(f, Options{})
		m, _ := e.find(f)
		e.params(f, m, nil, e.global)
		e.statements(m.Body.Stmts, e.global.child())
		if len(e.errs) > 0 {
			t.Fatal(e.errs)
		}
		for role, want := range c.want {
			r := e.m.rules
			got := row{r.get(role, "init"), r.get(role, "lr"), r.get(role, "decay"), r.get(role, "eps"), r.get(role, "forward")}
			for _, x := range [][2]float64{{got.init, want.init}, {got.lr, want.lr}, {got.decay, want.decay}, {got.eps, want.eps}, {got.forward, want.forward}} {
				if math.Abs(x[0]-x[1]) > 1e-12 {
					t.Errorf("%s: %s is %+v, table 1 has %+v", c.rules, role, got, want)
					break
				}
			}
		}
	}
}
