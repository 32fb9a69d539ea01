package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// ruleTable is a parametrisation with numbers: multipliers by role.
type ruleTable struct {
	name string
	rows map[string]map[string]float64
}

// get is a multiplier; what a table does not say is 1.
func (r *ruleTable) get(role, what string) float64 {
	if x, ok := r.rows[role][what]; ok {
		return x
	}
	return 1
}

// knownRole says whether some rule table has a role.
func (e *elab) knownRole(role string) bool {
	for _, r := range e.rules {
		for _, row := range r.Entries {
			if row.Role.Name == role {
				return true
			}
		}
	}
	return false
}

// use evaluates `using mup(width = .., depth = ..)`; a param that holds a text may name the table.
func (e *elab) use(s *syntax.Use, sc *scope) {
	var id *syntax.Ident
	var args []*syntax.Arg
	switch x := syntax.Unparen(s.Rules).(type) {
	case *syntax.Call:
		id, args = x.Func, x.Args
	case *syntax.Ref:
		id = x.Name
	default:
		e.fail("WF0381", s.Rules.Span(), "this names no rule table").Suggest("write `using mup(width = d/256)`")
		return
	}
	name := id.Name
	if t, ok := sc.find(name); ok {
		if text, is := t.(string); is {
			name = text
		}
	}
	r := e.rules[name]
	if r == nil {
		d := e.fail("WF0381", id.At, "there is no rule table %s", name)
		if best, ok := diag.Nearest(name, sorted(e.rules)); ok {
			d.Suggest("did you mean %s?", best)
		} else {
			d.Suggest("tables are %v", sorted(e.rules))
		}
		return
	}
	if len(e.m.weights) > 0 && e.m.rules == nil {
		e.fail("WF0381", s.At, "weights stand before the rule table they should follow").Suggest("move `using` to the head of the model")
		return
	}
	in := e.root.child()
	given := map[string]*syntax.Arg{}
	for i, a := range args {
		switch {
		case a.Name != nil:
			given[a.Name.Name] = a
		case i < len(r.Params):
			given[r.Params[i].Name.Name] = a
		}
	}
	for _, p := range r.Params {
		v := num(1)
		if a, ok := given[p.Name.Name]; ok {
			v = e.expr(a.Value, sc)
			delete(given, p.Name.Name)
		} else if p.Value != nil {
			v = e.expr(p.Value, in)
		}
		if !v.isNum() || v.bad {
			if !v.bad {
				e.fail("WF0381", s.At, "%s of %s is a number known when the program is built", p.Name.Name, name).Suggest("make it of params")
			}
			return
		}
		in.put(p.Name.Name, v, p.At)
	}
	for _, k := range sorted(given) {
		e.fail("WF0381", given[k].At, "%s has no parameter %s", name, k).Suggest("remove it")
	}
	t := &ruleTable{name: name, rows: map[string]map[string]float64{}}
	for _, row := range r.Entries {
		m := map[string]float64{}
		for _, a := range row.Values {
			switch a.Name.Name {
			case "init", "lr", "decay", "eps", "forward":
			default:
				e.fail("WF0381", a.Name.At, "a rule has no %s", a.Name.Name).Suggest("rules are init, lr, decay, eps and forward")
				return
			}
			if v := e.expr(a.Value, in); v.isNum() && !v.bad {
				m[a.Name.Name] = v.num
			}
		}
		t.rows[row.Role.Name] = m
	}
	e.m.rules = t
}

// forwardOf is `forward(residual)`: the forward multiplier of a role in the table the model uses.
func (e *elab) forwardOf(x *syntax.Call, sc *scope) *val {
	if len(x.Args) == 1 && x.Args[0].Name == nil {
		if r, ok := x.Args[0].Value.(*syntax.Ref); ok && r.Index == nil && !r.Prime {
			if !e.knownRole(r.Name.Name) {
				e.fail("WF0381", r.At, "no rule table has the role %s", r.Name.Name).Suggest("roles of the prelude's tables are embedding, norm, hidden, bias, final, output, attention, residual")
				return badVal(x.At)
			}
			if e.m.rules == nil {
				return num(1)
			}
			return num(e.m.rules.get(r.Name.Name, "forward"))
		}
	}
	e.fail("WF0383", x.At, "forward takes the name of a role").Suggest("write forward(residual)")
	return badVal(x.At)
}
