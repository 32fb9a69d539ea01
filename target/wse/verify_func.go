package wse

import "slices"

// maxExpanded bounds the statements of a class with all its calls carried out.
const maxExpanded = 1 << 16

// functions checks names, calls without recursion, and the code of mapped functions.
func (v *verifier) functions() {
	names := map[string]bool{}
	for _, f := range v.c.Funcs {
		if f.Name == "" || names[f.Name] {
			v.fail("WF0502", "two functions are called %q, or one has no name", f.Name)
		}
		names[f.Name] = true
		params := map[string]bool{}
		for _, p := range f.Params {
			if p.Name == "" || params[p.Name] || p.Type > ParamImm {
				v.fail("WF0502", "function %s: two parameters are called %q, or one has no name or type", f.Name, p.Name)
			}
			params[p.Name] = true
		}
	}
	for _, t := range v.c.Tasks {
		v.within(t.Body, nil)
	}
	for _, f := range v.c.Funcs {
		v.within(f.Body, f)
	}
	size, open := map[string]int{}, map[string]bool{}
	var count func(list []Stmt) int
	count = func(list []Stmt) int {
		n := 0
		Walk(list, func(s Stmt) {
			n++
			c, ok := s.(*Call)
			if !ok || n > maxExpanded {
				return
			}
			f := v.c.Func(c.Func)
			switch _, done := size[c.Func]; {
			case f == nil: // said elsewhere
			case open[c.Func]:
				v.fail("WF0513", "function %s calls itself", c.Func).Note("a PE has no stack of calls to speak of").Suggest("use while, or a task that activates itself")
				size[c.Func] = 0
			case !done:
				open[c.Func] = true
				size[c.Func] = count(f.Body)
				open[c.Func] = false
			}
			n = min(n+size[c.Func], maxExpanded+1)
		})
		return n
	}
	total := 0
	for _, t := range v.c.Tasks {
		total = min(total+count(t.Body), maxExpanded+1)
	}
	for _, f := range v.c.Funcs { // those nobody calls, too
		if _, done := size[f.Name]; !done {
			open[f.Name] = true
			size[f.Name] = count(f.Body)
			open[f.Name] = false
		}
	}
	if total > maxExpanded {
		v.fail("WF0501", "with its calls the class has more than %d statements", maxExpanded)
	}
	maps := map[string]bool{}
	for _, f := range v.c.Maps {
		if !plainName(f.Name) || maps[f.Name] {
			v.fail("WF0502", "two mapped functions are called %q, or one has no name of letters, digits and _", f.Name)
		}
		maps[f.Name] = true
		v.mapFunc(f)
	}
}

// within checks calls that use a part of their caller's table.
func (v *verifier) within(list []Stmt, caller *Func) {
	Walk(list, func(s Stmt) {
		c, ok := s.(*Call)
		if !ok || !c.Within {
			return
		}
		first := -1
		for i, a := range c.Args {
			at := -1
			if caller != nil && a.Kind == Formal {
				at = slices.IndexFunc(caller.Params, func(p FuncParam) bool { return p.Name == a.Param })
			}
			if i == 0 {
				first = at
			}
			if at < 0 || at != first+i {
				v.fail("WF0513", "call %s: its arguments are not consecutive parameters of its caller", c.Func).Suggest("remove within: the arguments are then copied")
				return
			}
		}
	})
}

// call checks a call and, of a function with parameters, what it runs.
func (v *verifier) call(s *Call, depth int) {
	f := v.c.Func(s.Func)
	if f == nil {
		v.fail("WF0502", "call %s: no such function in the class", s.Func)
		return
	}
	if len(s.Args) != len(f.Params) {
		v.fail("WF0513", "call %s: %d arguments for %d parameters", s.Func, len(s.Args), len(f.Params))
		return
	}
	for i, a := range s.Args {
		if t, ok := ParamTypeOf(a); a.Kind == Formal {
			v.fail("WF0502", "call %s: there is no parameter %q here", s.Func, a.Param)
			return
		} else if a.IndexReg != "" {
			v.fail("WF0513", "call %s: %s has an index", s.Func, a.text(U32)).Note("the table of a call is constant").Suggest("use the index in the function")
			return
		} else if !ok || t != f.Params[i].Type {
			v.fail("WF0513", "call %s: %s is no %v, which parameter %s is", s.Func, a.text(U32), f.Params[i].Type, f.Params[i].Name)
			return
		}
	}
	if len(f.Params) == 0 || v.calls[s.Func] || v.expanded > maxExpanded {
		return
	}
	body := v.c.Callee(s)
	Walk(body, func(Stmt) { v.expanded++ })
	v.calls[s.Func] = true
	v.stmts(body, depth+1)
	delete(v.calls, s.Func)
}

func (v *verifier) mapFunc(f *MapFunc) {
	if len(f.Args) < 1 || len(f.Args) > 3 || len(f.Ops) > maxMapOps || f.Elem > U16 {
		v.fail("WF0513", "mapped function %s: it has %d arguments and %d operations; one to three and at most %d are possible", f.Name, len(f.Args), len(f.Ops), maxMapOps)
		return
	}
	types := map[string]Elem{}
	for _, a := range f.Args {
		if _, ok := types[a]; ok || !plainName(a) {
			v.fail("WF0513", "mapped function %s: two arguments are called %q, or it is no name", f.Name, a)
		}
		types[a] = f.Elem
	}
	for _, o := range f.Ops {
		info, ok := o.Code.Info()
		if !ok || o.Code == OpApply || info.Reduce || !o.Code.Takes(o.Elem) || len(o.Src) != info.Src {
			v.fail("WF0513", "mapped function %s: %s = %v.%v of %d sources is no scalar operation", f.Name, o.Name, o.Code, o.Elem, len(o.Src))
			return
		}
		for i, a := range o.Src {
			want := o.Code.SrcElem(o.Elem, i)
			if have, ok := types[a.Name]; a.Name != "" && (!ok || have != want && !(isInt(have) && isInt(want) && have.Bytes() == want.Bytes())) {
				v.fail("WF0513", "mapped function %s: %s is no value of type %v here", f.Name, a.Name, want)
			}
		}
		if _, ok := types[o.Name]; ok || !plainName(o.Name) {
			v.fail("WF0513", "mapped function %s: two values are called %q, or it is no name", f.Name, o.Name)
		}
		types[o.Name] = o.Code.DstElem(o.Elem)
	}
	if have, ok := types[f.Ret]; !ok || have != f.Elem {
		v.fail("WF0513", "mapped function %s returns %q, which is no value of type %v", f.Name, f.Ret, f.Elem)
	}
}

// stamp checks a Stamp statement.
func (v *verifier) stamp(s *Stamp) {
	if s.To.Kind != Scalar {
		v.fail("WF0508", "time writes to one place in memory")
		return
	}
	a := v.memory1(s.To, "time")
	if a == nil {
		return
	}
	if !isInt(a.Elem) {
		v.fail("WF0508", "time writes u16, u32 or i32 words, and %s holds %v", a.Name, a.Elem)
	}
	if n := StampWords(a.Elem); s.To.IndexReg == "" && s.To.Offset+n > a.Len {
		v.fail("WF0508", "time writes %d elements from %s[%d] on, which has %d", n, a.Name, s.To.Offset, a.Len)
	}
}

// fifo checks the declaration of a FIFO.
func (v *verifier) fifo(a *Array) {
	if a.Len < 1 || a.Init != nil || a.Export {
		v.fail("WF0509", "FIFO %s: it has at least one element, no initial values, and the host cannot reach it", a.Name)
	}
	for _, name := range []string{a.Fifo.Push, a.Fifo.Pop} {
		if t := v.c.Task(name); name != "" && (t == nil || t.Kind != Local) {
			v.fail("WF0507", "FIFO %s activates %q, which is no local task of the class", a.Name, name)
		}
	}
}
