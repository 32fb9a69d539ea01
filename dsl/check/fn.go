package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// function is a function written in the language: pure, and written out at every call, so that derivatives of its arguments mean what
// they mean where it is called, and arguments keep their boundary conditions.
type function struct {
	name   string
	params []*syntax.Ident
	lets   []*syntax.BindItem
	value  syntax.Expr
	at     diag.Span
	used   bool
	active bool // being written out
}

// declareFn enters a function.
func (c *checker) declareFn(s *syntax.Fn) {
	c.enterFn(&function{name: s.Name.Name, params: s.Params, value: s.Value, at: s.At}, s.Name)
}

// declareFnBody enters a function with a body: lets, and an assignment to its own name.
func (c *checker) declareFnBody(s *syntax.TensorFn) {
	f := &function{name: s.Name.Name, at: s.At, value: s.Value}
	for _, p := range s.Params {
		if p.Value != nil || p.Name == nil {
			c.errs.Errorf("WF0211", p.At, "parameters of a function of fields have no default values").Suggest("give every argument at the call")
			continue
		}
		f.params = append(f.params, p.Name)
	}
	if s.Body != nil {
		for _, st := range s.Body.Stmts {
			switch st := st.(type) {
			case *syntax.Bind:
				if st.Kind != syntax.Let {
					c.errs.Errorf("WF0302", st.At, "`%s` stands outside functions", st.Kind).Suggest("move it above, or use `let`")
				}
				f.lets = append(f.lets, st.Items...)
			case *syntax.Assign:
				if st.Target.Name.Name == f.name && !st.Target.Prime && st.Target.Index == nil && f.value == nil {
					f.value = st.Value
					continue
				}
				c.errs.Errorf("WF0318", st.At, "a function changes nothing; its body gives its own value once").Suggest("write `%s = value`, and `let` for what leads to it", f.name)
			case *syntax.Bad:
			default:
				c.errs.Errorf("WF0318", st.Span(), "this statement cannot stand in a function").Note("a function is pure: lets, and its value").Suggest("move it out of the function")
			}
		}
	}
	if f.value == nil {
		c.errs.Errorf("WF0318", s.Name.At, "the function %s has no value", f.name).Suggest("end its body with `%s = ..`", f.name)
	}
	c.enterFn(f, s.Name)
}

func (c *checker) enterFn(f *function, id *syntax.Ident) {
	if c.fns == nil {
		c.fns = map[string]*function{}
	}
	seen := map[string]bool{}
	for _, p := range f.params {
		if seen[p.Name] {
			c.errs.Errorf("WF0202", p.At, "the parameter %s stands twice", p.Name).Suggest("rename one of them")
		}
		seen[p.Name] = true
	}
	if c.define(id, &symbol{what: "function"}) {
		c.fns[f.name] = f
		c.fnOrder = append(c.fnOrder, f)
	}
}

// unusedFns checks the bodies of functions nobody calls, with arguments of which nothing is known, so that their mistakes are found.
func (c *checker) unusedFns() {
	for _, f := range c.fnOrder {
		if f.used || f.value == nil {
			continue
		}
		args := make([][]*Node, len(f.params))
		for i, p := range f.params {
			args[i] = []*Node{bad(p.At)}
		}
		sc := &scope{what: "a function"}
		if len(c.prog.Grids) > 0 {
			sc.grid = c.prog.Grids[0]
		}
		c.writeOut(f, args, f.at, sc)
	}
}

// apply writes a call of a function out; nil when the call names none.
func (c *checker) apply(e *syntax.Call, sc *scope) *Node {
	if n := c.solverCall(e, sc); n != nil {
		return n
	}
	f := c.fns[e.Func.Name]
	if f == nil {
		return c.reported(e, sc)
	}
	f.used = true
	if later := f.at.Start > e.At.Start && f.at.File == e.At.File; later && f.at.End > e.At.Start && f.active {
		return c.recursive(f, e.At)
	}
	if len(e.Args) != len(f.params) {
		c.errs.Errorf("WF0211", e.At, "%s takes %d arguments, %d are given", f.name, len(f.params), len(e.Args)).With(f.at, "declared here").
			Suggest("give one argument per parameter")
		return bad(e.At)
	}
	if f.active {
		return c.recursive(f, e.At)
	}
	args := make([][]*Node, len(e.Args))
	for i, a := range e.Args {
		n := c.expr(a.Value, sc)
		if n.invalid() {
			return bad(e.At)
		}
		args[i] = []*Node{n}
	}
	return c.writeOut(f, args, e.At, sc)
}

func (c *checker) recursive(f *function, at diag.Span) *Node {
	c.errs.Errorf("WF0319", at, "the function %s calls itself", f.name).With(f.at, "declared here").
		Note("functions are written out where they are called").Suggest("use a `loop`")
	return bad(at)
}

// writeOut checks the value of a function with its parameters bound.
func (c *checker) writeOut(f *function, args [][]*Node, at diag.Span, sc *scope) *Node {
	if f.value == nil {
		return bad(at)
	}
	f.active = true
	defer func() { f.active = false }()
	in := *sc
	in.args, in.sums, in.fn = map[string][]*Node{}, nil, f
	for i, p := range f.params {
		in.args[p.Name] = args[i]
	}
	c.nblocks++
	bs := &blockState{block: &Block{Once: true, Acc: 2}, assigned: map[*Field]*Assign{}, lets: map[string]*localLet{}, vars: map[string]*carried{}, id: c.nblocks}
	if sc.block != nil {
		bs.block, bs.caller = sc.block.block, sc.block
	}
	bs.pure = true
	in.block = bs
	for _, it := range f.lets {
		if len(it.Index) > 0 {
			c.errs.Errorf("WF0203", it.At, "a `let` of a function has no indices").Suggest("write the value at the point")
			continue
		}
		if bs.lets[it.Name.Name] != nil || in.args[it.Name.Name] != nil {
			c.errs.Errorf("WF0202", it.Name.At, "the name %s is declared twice", it.Name.Name).Suggest("rename one of them")
			continue
		}
		bs.lets[it.Name.Name] = &localLet{item: it}
	}
	return c.expr(f.value, &in)
}

// argument is the value of a parameter of the function being written out; nil when the name is none.
func (c *checker) argument(e *syntax.Ref, sc *scope) *Node {
	a, ok := sc.args[e.Name.Name]
	if !ok {
		return nil
	}
	n := a[min(sc.comp, len(a)-1)]
	if n.invalid() || c.plainArg(e) {
		return n
	}
	return bad(e.At)
}

func (c *checker) plainArg(e *syntax.Ref) bool {
	switch {
	case e.Prime:
		c.errs.Errorf("WF0303", e.At, "%s is a parameter and has no next value", e.Name.Name).Suggest("pass the next value at the call")
	case e.Index != nil:
		c.errs.Errorf("WF0250", e.At, "%s is a value at the point and has no indices", e.Name.Name).Suggest("use derivatives, or pass the shifted value at the call")
	default:
		return true
	}
	return false
}
