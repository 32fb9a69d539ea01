package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// model is what is known of the model of the file.
type model struct {
	decl       *syntax.Model
	dims       map[string]*dim
	weights    []*weight
	byName     map[string]*weight
	inputs     []*array
	loss       *val
	logits     *array
	rules      *ruleTable
	vocab      int      // extent of what the inputs count
	vocabParam string   // the param that holds it, "" when none
	layers     int      // of the outermost loop, for reports
	ends       []string // the value that ends each layer of outermost loops
	prefix     string   // of names inside layers: "l3."
}

// elaborate gives the statements of a model their meaning, writing into the current function.
func (e *elab) elaborate(decl *syntax.Model, global *scope) {
	e.m.decl = decl
	sc := global.child()
	e.statements(decl.Body.Stmts, sc)
	switch {
	case e.errs.HasErrors():
	case len(e.m.inputs) == 0:
		e.fail("WF0376", decl.Name.At, "the model %s has no input", decl.Name.Name).Suggest("declare `input tokens[s], next[s] in vocab`")
	case e.m.loss == nil:
		e.fail("WF0376", decl.Name.At, "the model %s has no loss", decl.Name.Name).Suggest("end it with `loss = mean over s of crossentropy(logits[s], next[s])`")
	}
}

func (e *elab) statements(list []syntax.Stmt, sc *scope) {
	for _, s := range list {
		if e.errs.HasErrors() && len(e.errs) > 40 {
			return
		}
		e.statement(s, sc)
	}
}

func (e *elab) statement(s syntax.Stmt, sc *scope) {
	switch s := s.(type) {
	case *syntax.Bad:
		for _, n := range s.Names {
			sc.put(n.Name, badVal(n.At), n.At)
		}
	case *syntax.Dim:
		for _, it := range s.Items {
			e.dimStmt(it, sc)
		}
	case *syntax.IndexDecl:
		d := e.dimOf(sc, s.Space)
		for _, n := range s.Names {
			if d == nil {
				sc.put(n.Name, badVal(n.At), n.At)
			} else {
				e.define(sc, n, e.newIndex(n.Name, d, n.At))
			}
		}
	case *syntax.Weight:
		e.weightStmt(s, sc)
	case *syntax.Input:
		e.inputStmt(s, sc)
	case *syntax.For:
		e.forStmt(s, sc)
	case *syntax.Use:
		e.use(s, sc)
	case *syntax.Bind:
		for _, it := range s.Items {
			e.let(s.Kind, it, sc)
		}
	case *syntax.Assign:
		e.assign(s, sc)
	case *syntax.Fn, *syntax.TensorFn:
		e.fail("WF0376", s.Span(), "functions stand outside of models").Suggest("move this function to the top of the file")
	default:
		e.fail("WF0376", s.Span(), "this statement has no meaning in a model").
			Suggest("a model has dims, indices, weights, inputs, lets, `for` over layers, and a loss")
	}
}

func (e *elab) dimStmt(it *syntax.DimItem, sc *scope) {
	v := e.expr(it.Value, sc)
	if !v.isNum() && !v.bad {
		e.fail("WF0374", it.Value.Span(), "the extent of %s is not known when the program is built", it.Name.Name).Suggest("make it of params and numbers")
	}
	n, ok := 1, v.isNum() && !v.bad
	if ok {
		n, ok = e.extent(v.num, it.Name)
	}
	if !ok {
		sc.put(it.Name.Name, badVal(it.Name.At), it.Name.At)
		return
	}
	d := e.newDim(it.Name.Name, n, it.Name.At)
	if e.define(sc, it.Name, d.self) {
		e.m.dims[it.Name.Name] = d
	}
}

func (e *elab) inputStmt(s *syntax.Input, sc *scope) {
	space := e.dimOf(sc, s.Space)
	if space != nil {
		e.m.vocab = space.n
		for _, p := range e.settings {
			if p.name == space.name {
				e.m.vocabParam = p.name
			}
		}
	}
	for _, it := range s.Items {
		a := &array{ref: "@" + it.Name.Name, elem: ir.I32, batched: true, forward: 1, at: it.Name.At, what: "input"}
		for _, id := range it.Dims {
			ix := e.placeIndex(sc, id)
			if ix == nil {
				sc.put(it.Name.Name, badVal(it.Name.At), it.Name.At)
				return
			}
			a.dims = append(a.dims, ix)
		}
		if !e.define(sc, it.Name, a) || space == nil {
			continue
		}
		axes := []string{e.batch.dim.name}
		for _, ix := range a.dims {
			axes = append(axes, ix.dim.name)
		}
		e.array(ir.Array{Name: it.Name.Name, Axes: axes, Elem: ir.I32, Pos: position(it.Name.At)})
		e.m.inputs = append(e.m.inputs, a)
	}
}

// array declares an array of the program; doing so again is no error, because a model is elaborated once per function.
func (e *elab) array(a ir.Array) {
	if e.p.Array(a.Name) == nil {
		e.p.Arrays = append(e.p.Arrays, a)
	}
}

// placeIndex is the index that names a place of a declaration: an index of that name, or that of the dim.
func (e *elab) placeIndex(sc *scope, id *syntax.Ident) *index {
	if ix, ok := e.indexOf(sc, id); ok {
		return ix
	}
	if d := e.dimOf(sc, id); d != nil {
		return d.self
	}
	return nil
}

// let names a value: with indices a tensor, without a number or a single value.
func (e *elab) let(kind syntax.BindKind, it *syntax.BindItem, sc *scope) {
	if kind == syntax.Param {
		e.fail("WF0376", it.At, "params stand outside of models, or in their parentheses").Suggest("write `model name(%s = ..)`", it.Name.Name)
		return
	}
	if it.Ann != nil {
		e.fail("WF0386", it.Ann.At, "values of models have no units and no types of their own").Suggest("remove the annotation")
	}
	e.stmt = it.Value
	if it.Index == nil {
		v := e.expr(it.Value, sc)
		if v.isNum() || v.bad {
			e.define(sc, it.Name, v)
			return
		}
		v = e.settle(v, nil, it.Value.Span())
		if v.bad {
			e.define(sc, it.Name, v)
			return
		}
		e.define(sc, it.Name, e.store(e.m.prefix+it.Name.Name, e.stored(v), nil, it.Name.At))
		return
	}
	a := e.tensor(it.Name, it.Index, it.Value, sc)
	if a == nil {
		sc.put(it.Name.Name, badVal(it.Name.At), it.Name.At)
		return
	}
	e.define(sc, it.Name, a)
	if it.Name.Name == "logits" && len(e.m.prefix) == 0 {
		e.m.logits = a
	}
}

// tensor evaluates and stores `name[i, j] = value`; nil when it is in error.
func (e *elab) tensor(name *syntax.Ident, ids []*syntax.Ident, x syntax.Expr, sc *scope) *array {
	e.infer(ids, x, sc)
	var left []*index
	for _, id := range ids {
		ix, ok := e.indexOf(sc, id)
		if !ok {
			if v, is := sc.find(id.Name); is {
				if n, is := v.(*val); is && n.isNum() {
					if d := e.dimOf(sc, id); d != nil {
						ix, ok = d.self, true
					}
				}
			}
		}
		if !ok {
			if _, taken := sc.find(id.Name); taken {
				e.fail("WF0203", id.At, "%s is no index", id.Name).With(sc.where(id.Name), "declared here").Suggest("use an index over a dim")
				return nil
			}
			e.unknown(sc, id, "index", func(x any) bool { _, ok := x.(*index); return ok })
			return nil
		}
		if has(left, ix) {
			e.fail("WF0370", id.At, "the index %s stands twice on the left side", id.Name).
				Suggest("every place has its own index: `index %s2 in %s`", id.Name, ix.dim.name)
			return nil
		}
		left = append(left, ix)
	}
	e.left, e.stmt = left, x
	defer func() { e.left = nil }()
	v := e.expr(x, sc.binding(left...))
	v = e.needNumber(v, x.Span())
	v = e.settle(v, left, x.Span())
	if v.bad {
		return nil
	}
	if v.isNum() {
		v = as(v, e.float)
	}
	return e.store(e.m.prefix+name.Name, e.stored(v), left, name.At)
}

// infer declares indices that stand on both sides of a definition and nowhere else: `q[g,s] = a[s,d]*wq[d,g]` makes g an index over the
// second place of wq.
func (e *elab) infer(ids []*syntax.Ident, x syntax.Expr, sc *scope) {
	for _, id := range ids {
		if _, known := sc.find(id.Name); known || e.m.dims[id.Name] != nil {
			continue
		}
		var found *dim
		syntax.Walk(x, func(n syntax.Node) bool {
			r, ok := n.(*syntax.Ref)
			if !ok || found != nil {
				return found == nil
			}
			what, _ := sc.find(r.Name.Name)
			a, ok := what.(*array)
			if !ok || len(a.dims) != len(r.Index) {
				return true
			}
			for i, arg := range r.Index {
				if u, ok := syntax.Unparen(arg.Value).(*syntax.Ref); ok && u.Name.Name == id.Name && arg.Name == nil && u.Index == nil {
					found = a.dims[i].dim
				}
			}
			return true
		})
		if found != nil {
			top := sc
			for top.up != nil && top.up.up != nil {
				top = top.up
			}
			top.put(id.Name, e.newIndex(id.Name, found, id.At), id.At)
		}
	}
}

// assign is `loss = ..` or the next value of what a loop carries.
func (e *elab) assign(s *syntax.Assign, sc *scope) {
	t := s.Target
	if !t.Prime {
		if t.Name.Name != "loss" || t.Index != nil {
			e.fail("WF0376", t.At, "only `loss` and next values like x' are assigned in a model").Suggest("write `let %s = ..`", t.At.Text())
			return
		}
		if e.m.loss != nil {
			e.fail("WF0202", t.At, "the loss is assigned twice").Suggest("keep one")
			return
		}
		e.stmt = s.Value
		v := e.settle(e.needNumber(e.expr(s.Value, sc), s.Value.Span()), nil, s.Value.Span())
		e.m.loss = v
		return
	}
	what, ok := sc.find("carry " + t.Name.Name)
	if !ok {
		e.fail("WF0377", t.At, "%s is carried by no loop here", t.Name.Name).Suggest("write `for l in layers carrying %s { .. }`", t.Name.Name)
		return
	}
	if _, again := sc.find(t.Name.Name + "'"); again {
		e.fail("WF0377", t.At, "%s' is assigned twice", t.Name.Name).Suggest("name what comes before with `let`")
		return
	}
	old := what.(*array)
	ids := []*syntax.Ident{}
	for _, a := range t.Index {
		r, ok := a.Value.(*syntax.Ref)
		if !ok || a.Name != nil || r.Index != nil || r.Prime {
			e.fail("WF0371", a.At, "the left side names an index for every place").Suggest("write %s'%s", t.Name.Name, indexList(old.dims))
			return
		}
		ids = append(ids, r.Name)
	}
	a := e.tensor(t.Name, ids, s.Value, sc)
	if a == nil {
		sc.put(t.Name.Name+"'", badVal(t.At), t.At)
		return
	}
	if len(a.dims) != len(old.dims) {
		e.fail("WF0371", t.At, "%s has %s, its next value %d", t.Name.Name, count(len(old.dims), "index", "indices"), len(a.dims)).
			With(old.at, "%s comes from here", t.Name.Name).Suggest("write %s'%s", t.Name.Name, indexList(old.dims))
		return
	}
	for i := range a.dims {
		if a.dims[i].dim != old.dims[i].dim {
			e.dimError(t.At, a.dims[i], old.dims[i], t.Name.Name)
			return
		}
	}
	a.dims = old.dims
	sc.put(t.Name.Name+"'", a, t.At)
}

// lastOf is the value among arrays that is computed last.
func (e *elab) lastOf(list map[string]*array) string {
	for i := len(e.fn.f.Ops) - 1; i >= 0; i-- {
		for _, a := range list {
			if a.ref == "%"+e.fn.f.Ops[i].Results[0].Name {
				return a.ref
			}
		}
	}
	return ""
}

// forStmt writes the layers out. In a report the body is looked at once.
func (e *elab) forStmt(s *syntax.For, sc *scope) {
	n := 0
	if what, ok := sc.find(s.Space.Name); ok {
		switch v := what.(type) {
		case *val:
			if v.isNum() {
				n, _ = e.extent(v.num, s.Space)
			}
		case *index:
			n = v.dim.n
		}
	} else {
		e.unknown(sc, s.Space, "dim", func(x any) bool { _, is := x.(*val); return is })
	}
	if n == 0 {
		if !e.errs.HasErrors() {
			e.fail("WF0374", s.Space.At, "%s is no number of layers", s.Space.Name).Suggest("use a param or a dim")
		}
		return
	}
	if n > 4096 {
		e.fail("WF0388", s.Space.At, "%d layers", n).Suggest("at most 4096 layers are written out")
		return
	}
	carried := map[string]*array{}
	for _, c := range s.Carry {
		what, ok := sc.find(c.Name)
		a, isArray := what.(*array)
		if !ok || !isArray || a.what != "let" {
			if v, is := what.(*val); !is || !v.bad {
				e.fail("WF0377", c.At, "%s has no value before the loop", c.Name).Suggest("give it one: `let %s[..] = ..`", c.Name)
			}
			return
		}
		carried[c.Name] = a
	}
	times := n
	if e.report != nil {
		e.report.enter(n)
		defer e.report.leave(n)
		times = 1
	}
	if e.m.layers == 0 {
		e.m.layers = n
	}
	prefix := e.m.prefix
	for k := range times {
		e.m.prefix = prefix + s.Var.Name + itoa(k) + "."
		in := sc.child()
		in.put(s.Var.Name, num(float64(k)), s.Var.At)
		in.put("#"+s.Var.Name, num(float64(n)), s.Var.At)
		for _, c := range s.Carry {
			in.put(c.Name, carried[c.Name], c.At)
			in.put("carry "+c.Name, carried[c.Name], c.At)
		}
		e.statements(s.Body.Stmts, in)
		for _, c := range s.Carry {
			next, ok := in.names[c.Name+"'"].(*array)
			if !ok {
				if _, bad := in.names[c.Name+"'"]; !bad && !e.errs.HasErrors() {
					e.fail("WF0377", s.At, "the layer does not say the next value of %s", c.Name).Suggest("end the layer with %s'%s = ..", c.Name, indexList(carried[c.Name].dims))
				}
				e.m.prefix = prefix
				return
			}
			carried[c.Name] = next
		}
		if prefix == "" && len(s.Carry) > 0 {
			e.m.ends = append(e.m.ends, e.lastOf(carried))
		}
	}
	e.m.prefix = prefix
	for _, c := range s.Carry {
		outer := sc
		for outer != nil {
			if _, ok := outer.names[c.Name]; ok {
				outer.names[c.Name] = carried[c.Name]
				break
			}
			outer = outer.up
		}
	}
}
