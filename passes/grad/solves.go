package grad

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Solves finds the loops of a program that solve equations, as the solvers of the language write them: a failure with the code of solvers
// names the loop's arrays (T.cg for the unknown T by cg), and the function that takes a solution y over as x computes the true residual e
// of y. By cg the operator is symmetric and definite. A function that computes the residual of a value and takes that over (jacobi, gmres) gets
// a sister for the residual of the array. Loops whose residual depends on more that they change, as a line search does, are not found.
func Solves(p *ir.Program) (out []Solve) {
	for _, f := range p.Failures {
		prefix, ok := strings.CutSuffix(f.Array, ".unconverged")
		if !ok || f.Code != codeUnconverged {
			continue
		}
		s := Solve{Cond: prefix + ".cond", Residual: prefix + ".e", Solution: prefix + ".x", Symmetric: strings.HasSuffix(prefix, ".cg")}
		for i := range p.Procs {
			ir.Walk(p.Procs[i].Body, func(loop *ir.Stmt) {
				if loop.Kind != ir.While || loop.Cond != s.Cond {
					return
				}
				for _, st := range loop.Body {
					fn := p.Func(st.Func)
					if st.Kind != ir.Call || fn == nil || s.Func != "" {
						continue
					}
					sets := map[string]string{}
					for _, set := range fn.Sets {
						sets[set.Array] = set.Value
					}
					if sets[s.Residual] != "" && sets[s.Solution] != "" {
						s.Func, s.Argument = fn.Name, copied(p, fn, sets[s.Solution])
						if s.Argument == "" {
							s.Func, s.Argument = alone(p, fn, loop.Body, &s), s.Solution
						}
					}
				}
			})
		}
		if s.Func != "" && s.Argument != "" {
			out = append(out, s)
		}
	}
	return out
}

// codeUnconverged is the diagnostic code of a solver that did not converge.
const codeUnconverged = "WF0631"

// copied returns the array that a value is a copy of, "" if it is none.
func copied(p *ir.Program, fn *ir.Func, value string) string {
	if value[0] == '@' {
		return value[1:]
	}
	w := newWriter(p, fn)
	d, ok := w.defs[value]
	if !ok || fn.Ops[d.op].Kind != ir.Map || len(fn.Ops[d.op].Pieces) != 1 {
		return ""
	}
	op := &fn.Ops[d.op]
	b := &op.Pieces[0].Body
	n := &b.Nodes[b.Results[d.result]]
	if n.Op == ir.Select { // kept unless it has become useless: bicgstab
		n = &b.Nodes[n.Args[1]]
	}
	if n.Op != ir.Read || n.Name[0] != '@' || len(n.At) != len(op.Dom) {
		return ""
	}
	for k, at := range n.At {
		if at.Index != op.Dom[k].Index || at.Off != 0 || !at.Unit() {
			return ""
		}
	}
	return n.Name[1:]
}

// alone adds the part of a function that computes the residual of the value it sets the solution to, as a function that reads the solution
// instead. It returns its name, "" when that part reads something else that the loop changes.
func alone(p *ir.Program, fn *ir.Func, body []ir.Stmt, s *Solve) string {
	f := fn.Clone()
	f.Name = s.Residual + ".alone"
	value, live := "", map[string]bool{}
	for _, set := range fn.Sets {
		switch set.Array {
		case s.Solution:
			value = set.Value
		case s.Residual:
			f.Sets, live[set.Value] = []ir.Set{set}, true
		}
	}
	changed := map[string]bool{}
	ir.Walk(body, func(st *ir.Stmt) {
		if g := p.Func(st.Func); st.Kind == ir.Call && g != nil {
			for _, set := range g.Sets {
				changed["@"+set.Array] = true
			}
		}
	})
	delete(changed, "@"+s.Solution)
	ok := true
	read := func(name *string) {
		if *name == value {
			*name = "@" + s.Solution
		}
		live[*name] = true
		ok = ok && !changed[*name]
	}
	var ops []ir.Op
	for i := len(f.Ops) - 1; i >= 0; i-- {
		op, used := &f.Ops[i], false
		for _, r := range op.Results {
			used = used || live["%"+r.Name]
		}
		if !used {
			continue
		}
		if op.From != "" {
			read(&op.From)
		}
		for _, pc := range op.Pieces {
			for n := range pc.Body.Nodes {
				if node := &pc.Body.Nodes[n]; node.Op == ir.Read {
					read(&node.Name)
				}
			}
		}
		ops = append(ops, *op)
	}
	slices.Reverse(ops)
	if f.Ops = ops; !ok || len(f.Sets) == 0 {
		return ""
	}
	if p.Func(f.Name) == nil {
		p.Funcs = append(p.Funcs, f)
	}
	return f.Name
}
