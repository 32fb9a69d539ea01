package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// procs translates the procedures that the schedule runs, or all that no other calls when there is no schedule. A procedure within
// another stands where it is called; a function that the schedule runs and a procedure calls becomes a procedure of one call.
func (l *lowering) procs() {
	called := map[string]bool{}
	for i := range l.p.Procs {
		ir.Walk(l.p.Procs[i].Body, func(s *ir.Stmt) {
			if s.Kind == ir.Call {
				called[s.Func] = true
			}
		})
	}
	scheduled := func(name string) bool {
		return slices.ContainsFunc(l.p.Schedule, func(r ir.Run) bool { return r.Func == name })
	}
	for i := range l.p.Procs {
		q := l.p.Procs[i]
		if called[q.Name] && !scheduled(q.Name) {
			continue
		}
		q.Body = l.inline(q.Body, q.Name, 0)
		l.control = append(l.control, q)
	}
	for i := range l.p.Funcs {
		if f := &l.p.Funcs[i]; !f.Host && called[f.Name] && scheduled(f.Name) {
			l.control = append(l.control, ir.Proc{Name: f.Name, Body: []ir.Stmt{{Func: f.Name}}})
		}
	}
	everywhere := func(name string, at ir.Pos) {
		a := l.p.Array(name)
		switch {
		case name == "":
		case a == nil || len(a.Axes) > 0 || a.Elem != ir.Bool && a.Elem != ir.I32:
			l.errorf("WF0406", at, "@%s is no condition: that is an array without axes, of type bool or i32", name)
		default:
			l.wanted[name] = [3]bool{mesh.X: l.lay[mesh.X] != nil, mesh.Y: l.lay[mesh.Y] != nil}
		}
	}
	l.clockFlags(everywhere)
	for i := range l.control {
		q := &l.control[i]
		everywhere(q.Until, q.Pos)
		ir.Walk(q.Body, func(s *ir.Stmt) {
			everywhere(s.Cond, s.Pos)
			if s.Count != "" {
				l.scalars[mesh.Scalar{Name: s.Count, Elem: ir.I32, Count: true}] = true
			}
		})
	}
}

// clockFlags notes the flags of runs that keep their own time.
func (l *lowering) clockFlags(everywhere func(name string, at ir.Pos)) {
	for i := range l.p.Schedule {
		r := &l.p.Schedule[i]
		flags := r.Clock.Flags()
		if len(flags) == 0 || slices.ContainsFunc(l.clocks, func(c mesh.Clock) bool { return c.Of == r.Func }) {
			continue
		}
		l.clocks = append(l.clocks, mesh.Clock{Of: r.Func, On: flags[0], Due: flags[1:]})
		for _, a := range flags {
			everywhere(a, ir.Pos{})
		}
	}
}

// maxCalls bounds how deep procedures call procedures.
const maxCalls = 32

func (l *lowering) inline(body []ir.Stmt, within string, depth int) []ir.Stmt {
	var out []ir.Stmt
	for _, s := range body {
		if s.Kind == ir.Call && l.p.Func(s.Func) == nil {
			q := l.p.Proc(s.Func)
			if q == nil || depth > maxCalls {
				l.errorf("WF0406", s.Pos, "%s calls %s, which is no function, or calls itself", within, s.Func)
				return nil
			}
			out = append(out, l.inline(q.Body, q.Name, depth+1)...)
			continue
		}
		s.Body, s.Else = l.inline(s.Body, within, depth), l.inline(s.Else, within, depth)
		out = append(out, s)
	}
	return out
}
