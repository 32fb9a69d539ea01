package grad

import (
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Solves finds the loops of a program that solve equations, as the solvers of the language write them: a failure with the code of solvers
// names the loop's arrays (T.cg for the unknown T by cg), and the function that takes a solution y over as x computes the true residual e
// of y. By cg the operator is symmetric and definite. Solvers that compute the residual of something else than an array are not found.
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
