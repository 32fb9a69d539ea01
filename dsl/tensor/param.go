package tensor

import (
	"sort"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// setting is where the value of a param comes from.
type setting struct {
	value syntax.Expr
	at    diag.Span
}

// presets chooses the preset that `param preset = "name"` or --set names and returns its values.
func (e *elab) presets(file *syntax.File) map[string]setting {
	out := map[string]setting{}
	byName := map[string]*syntax.Preset{}
	var names []string
	chosen, at, declared := "", diag.Span{}, false
	for _, s := range file.Stmts {
		switch s := s.(type) {
		case *syntax.Preset:
			if old := byName[s.Name.Value]; old != nil {
				e.fail("WF0202", s.Name.At, "the preset %s is declared twice", s.Name.Value).With(old.Name.At, "declared here").Suggest("rename one of them")
				continue
			}
			byName[s.Name.Value] = s
			names = append(names, s.Name.Value)
		case *syntax.Bind:
			for _, it := range s.Items {
				if v, ok := it.Value.(*syntax.String); ok && s.Kind == syntax.Param && it.Name.Name == "preset" {
					chosen, at, declared = v.Value, v.At, true
				}
			}
		}
	}
	if v, ok := e.opts.Set["preset"]; ok && declared {
		chosen, at = v, diag.Span{}
	}
	if chosen == "" {
		return out
	}
	p := byName[chosen]
	if p == nil {
		sort.Strings(names)
		d := e.fail("WF0380", at, "there is no preset %q", chosen).Note("presets are %q", names)
		if best, ok := diag.Nearest(chosen, names); ok {
			d.Suggest("did you mean %q?", best)
		} else {
			d.Suggest("choose one of them, or declare `preset %q { .. }`", chosen)
		}
		return out
	}
	for _, a := range p.Values {
		if _, twice := out[a.Name.Name]; twice {
			e.fail("WF0380", a.At, "%s has two values", a.Name.Name).Suggest("keep one")
		}
		out[a.Name.Name] = setting{a.Value, a.Name.At}
	}
	return out
}

// params gives the params and constants of the file and of the model their values: defaults, then the preset, then --set.
func (e *elab) params(file *syntax.File, m *syntax.Model, t *syntax.Train, global *scope) {
	preset := e.presets(file)
	used := map[string]bool{}
	var all []string
	bind := func(id *syntax.Ident, value syntax.Expr, settable bool) {
		if settable {
			all = append(all, id.Name)
			if s, ok := preset[id.Name]; ok && id.Name != "preset" {
				value, used["preset "+id.Name] = s.value, true
			}
			if text, ok := e.opts.Set[id.Name]; ok {
				used[id.Name] = true
				if _, isText := value.(*syntax.String); isText {
					value = &syntax.String{Loc: syntax.Loc{At: id.At}, Value: text}
				} else if v, errs := syntax.ParseExpr("--set "+id.Name, text); errs.HasErrors() {
					e.fail("WF0206", id.At, "--set %s=%s: this is no number", id.Name, text).Suggest("write a number, as in --set %s=64", id.Name)
				} else {
					value = v
				}
			}
		}
		if t, ok := value.(*syntax.String); ok {
			e.define(global, id, t.Value)
			return
		}
		v := e.expr(value, global)
		if !v.isNum() && !v.bad {
			e.fail("WF0204", value.Span(), "the value of %s is not known when the program is built", id.Name).Suggest("make it of numbers and params declared before")
			v = badVal(id.At)
		}
		e.define(global, id, v)
		if !v.bad {
			e.settings = append(e.settings, namedNumber{id.Name, v.num})
		}
	}
	for _, s := range file.Stmts {
		if b, ok := s.(*syntax.Bind); ok {
			for _, it := range b.Items {
				if it.Index != nil {
					e.fail("WF0376", it.At, "tensors are made inside models").Suggest("move this `let` into the model")
					continue
				}
				bind(it.Name, it.Value, b.Kind == syntax.Param)
			}
		}
	}
	for _, a := range m.Params {
		value := a.Value
		if c := contextOf(t); c != nil && (a.Name.Name == "ctx" || a.Name.Name == "context") {
			value = c
		}
		bind(a.Name, value, true)
	}
	for _, name := range sorted(e.opts.Set) {
		if !used[name] && !trainSettings[name] {
			d := e.fail("WF0205", diag.Span{}, "--set %s: the program has no param %s", name, name)
			if best, ok := diag.Nearest(name, all); ok {
				d.Suggest("did you mean %s?", best)
			} else {
				d.Suggest("params are %v", all)
			}
		}
	}
	for _, name := range sorted(preset) {
		if !used["preset "+name] {
			e.fail("WF0380", preset[name].at, "the program has no param %s", name).Suggest("params are %v", all)
		}
	}
}

// namedNumber is a param with its value.
type namedNumber struct {
	name  string
	value float64
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
