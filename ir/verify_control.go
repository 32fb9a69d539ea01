package ir

import "slices"

// faces checks invariant 27.
func (v *verifier) faces() {
	for i := range v.p.Axes {
		a := &v.p.Axes[i]
		if a.Of == "" {
			continue
		}
		v.in("axis %s", a.Name)
		c := v.axes[a.Of]
		if c == nil || c.Nodes || c.Of != "" {
			v.fail(27, "no axis of cells %q", a.Of)
			continue
		}
		n := c.N + 1
		if c.Periodic {
			n = c.N
		}
		if !a.Nodes || a.N != n || a.Periodic != c.Periodic || a.Lo != c.Lo || a.H != c.H || !slices.Equal(a.At, c.At) {
			v.fail(27, "the faces of axis %s are %d nodes with its ends, spacing and topology", c.Name, n)
		}
	}
}

// flag checks that a name is a rank-0 array of type bool or i32, which device functions may write.
func (v *verifier) flag(rule int, what, name string) {
	if a := v.arrays[name]; a == nil || len(a.Axes) > 0 || a.Elem != Bool && a.Elem != I32 {
		v.fail(rule, "%s: @%s is not a rank-0 array of type bool or i32", what, name)
	}
}

// number checks that a name is a rank-0 array of a float type.
func (v *verifier) number(rule int, what, name string) {
	if a := v.arrays[name]; a == nil || len(a.Axes) > 0 || !a.Elem.IsFloat() {
		v.fail(rule, "%s: @%s is not a rank-0 array of a float type", what, name)
	}
}

// procs checks invariants 28 and 29.
func (v *verifier) procs() {
	p := v.p
	calls := map[string][]string{}
	for i := range p.Procs {
		q := &p.Procs[i]
		v.in("proc %s", q.Name)
		if q.Until != "" {
			v.flag(29, "until", q.Until)
		}
		v.stmts(q, q.Body, 0, calls)
	}
	// Recursion: a depth-first search that meets a procedure it is still in.
	const in, out = 1, 2
	state := map[string]int{}
	var visit func(name string)
	visit = func(name string) {
		state[name] = in
		for _, c := range calls[name] {
			switch state[c] {
			case in:
				v.in("proc %s", name)
				v.fail(28, "calls %s, which calls it again", c)
			case 0:
				visit(c)
			}
		}
		state[name] = out
	}
	for i := range p.Procs {
		if state[p.Procs[i].Name] == 0 {
			visit(p.Procs[i].Name)
		}
	}
}

func (v *verifier) stmts(q *Proc, body []Stmt, depth int, calls map[string][]string) {
	if depth > maxNesting {
		v.fail(29, "statements nested more than %d deep", maxNesting)
		return
	}
	for i := range body {
		s := &body[i]
		counted := s.Kind == Loop || s.Kind == While && s.Count != ""
		switch {
		case s.Kind > If:
			v.fail(29, "unknown kind of statement")
			continue
		case counted && !v.scalars[s.Count]:
			v.fail(29, "%s: no host scalar %q", s.Kind, s.Count)
		case !counted && s.Count != "", s.Kind != Call && s.Func != "", s.Kind < While && s.Cond != "",
			s.Kind == Call && len(s.Body) > 0, s.Kind != If && len(s.Else) > 0:
			v.fail(29, "%s with what belongs to other statements", s.Kind)
		}
		switch s.Kind {
		case Call:
			f := v.p.Func(s.Func)
			switch {
			case v.p.Proc(s.Func) != nil:
				calls[q.Name] = append(calls[q.Name], s.Func)
			case f == nil:
				v.fail(28, "calls %q, which is no function and no procedure", s.Func)
			case f.Host:
				v.fail(28, "calls %q, which runs on the host", s.Func)
			}
		case While, If:
			v.flag(29, s.Kind.String(), s.Cond)
		}
		v.stmts(q, s.Body, depth+1, calls)
		v.stmts(q, s.Else, depth+1, calls)
	}
}

// clock checks invariant 30 for a run.
func (v *verifier) clock(r *Run) {
	c := r.Clock
	if c == nil {
		return
	}
	if r.T0 != "" || r.DT != "" || len(c.Now) == 0 {
		v.fail(30, "a run with a clock has arrays that hold the time, and neither t0 nor dt")
	}
	for _, a := range c.Now {
		v.number(30, "clock", a)
	}
	v.flag(30, "done", c.Done)
	if c.Next != "" || c.On != "" || len(c.Due) > 0 {
		v.number(30, "next", c.Next)
		v.flag(30, "on", c.On)
		if len(c.Due) == 0 {
			v.fail(30, "a clock with a next time at which nothing is due")
		}
	}
	for i := range c.Due {
		d := &c.Due[i]
		v.flag(30, "due", d.Flag)
		v.number(30, "interval", d.Every)
		if !v.scalars[d.Seconds] {
			v.fail(30, "no host scalar %q", d.Seconds)
		}
	}
	for _, s := range v.p.intervals() {
		if !slices.ContainsFunc(c.Due, func(d Due) bool { return d.Seconds == s }) {
			v.fail(30, "the clock does not say when what is wanted every %s is due", s)
		}
	}
	if q := v.p.Proc(r.Func); q == nil || q.Until == "" {
		v.fail(30, "%s is not a procedure with an until: the host could not look at its time", r.Func)
	}
}

// failures checks invariant 31.
func (v *verifier) failures() {
	for i := range v.p.Failures {
		f := &v.p.Failures[i]
		v.in("failure %d", i)
		v.flag(31, "condition", f.Array)
		if f.History == "" {
			if f.Entries != "" {
				v.fail(31, "entries of no history")
			}
			continue
		}
		if a := v.arrays[f.History]; a == nil || len(a.Axes) != 1 || !a.Elem.IsFloat() {
			v.fail(31, "history: @%s is not a rank-1 array of a float type", f.History)
		}
		if a := v.arrays[f.Entries]; f.Entries != "" && (a == nil || len(a.Axes) > 0 || a.Elem != I32) {
			v.fail(31, "entries: @%s is not a rank-0 array of type i32", f.Entries)
		}
	}
}
