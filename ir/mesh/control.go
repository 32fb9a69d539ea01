package mesh

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/internal/text"
)

// Procedures of the mesh IR are those of the index IR whose calls name functions only: procedures that procedures call stand where they
// are called. Every PE walks the tree by itself. Conditions are copies of one rank-0 array in every PE, counts are host scalars of type
// i32, so all PEs take the same branches, and a run of a procedure is one sequence of functions, the same everywhere.
//
// A function begins and ends with empty channels. So if each function ends when it is run on its own, every sequence of functions ends:
// running them one after the other, each to its end in all PEs, is one schedule of the sequence, and in a network of deterministic
// processes with bounded channels whether a schedule ends does not depend on the schedule (Kahn 1974, Parks 1995). That holds for any
// trip counts, also when PEs run ahead of others into the next function, as they do.

// Launches lists what the host can run, in the order of the launch argument: the procedures, then the functions that none of them calls.
func (p *Program) Launches() []string {
	called := map[string]bool{}
	var out []string
	for i := range p.Procs {
		out = append(out, p.Procs[i].Name)
		ir.Walk(p.Procs[i].Body, func(s *ir.Stmt) {
			if s.Kind == ir.Call {
				called[s.Func] = true
			}
		})
	}
	for _, f := range p.Funcs {
		if !called[f] {
			out = append(out, f)
		}
	}
	return out
}

// Proc returns the procedure of that name, or nil.
func (p *Program) Proc(name string) *ir.Proc {
	for i := range p.Procs {
		if p.Procs[i].Name == name {
			return &p.Procs[i]
		}
	}
	return nil
}

// Symbol returns where an array of the index IR lies, or nil.
func (p *Program) Symbol(array string) *Symbol {
	for i := range p.Symbols {
		if p.Symbols[i].Index == "" && p.Symbols[i].Array == array {
			return &p.Symbols[i]
		}
	}
	return nil
}

// Controls lists the arrays of the index IR whose values decide branches.
func (p *Program) Controls() []string {
	var out []string
	add := func(a string) {
		if a != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for i := range p.Procs {
		ir.Walk(p.Procs[i].Body, func(s *ir.Stmt) { add(s.Cond) })
		add(p.Procs[i].Until)
	}
	for i := range p.Clocks {
		add(p.Clocks[i].On)
		for _, d := range p.Clocks[i].Due {
			add(d)
		}
	}
	return out
}

func printProc(w *text.Printer, p *ir.Proc) {
	until := ""
	if p.Until != "" {
		until = " until @" + text.Name(p.Until)
	}
	w.Gap()
	w.Line(0, "proc %s%s {%s", text.Name(p.Name), until, text.Pos(p.Pos.Start, p.Pos.End))
	printStmts(w, 1, p.Body)
	w.Line(0, "}")
}

func printStmts(w *text.Printer, level int, body []ir.Stmt) {
	for i := range body {
		s := &body[i]
		at := text.Pos(s.Pos.Start, s.Pos.End)
		if s.Kind == ir.Call {
			w.Line(level, "call %s%s", text.Name(s.Func), at)
			continue
		}
		head := s.Kind.String()
		if s.Cond != "" {
			head += " @" + text.Name(s.Cond)
		}
		if s.Count != "" {
			head += " times " + text.Name(s.Count)
		}
		w.Line(level, "%s {%s", head, at)
		printStmts(w, level+1, s.Body)
		if len(s.Else) > 0 {
			w.Line(level, "} else {")
			printStmts(w, level+1, s.Else)
		}
		w.Line(level, "}")
	}
}

func (r reader) proc() ir.Proc {
	p := ir.Proc{Name: r.Name()}
	if r.Accept("until") {
		r.Expect("@")
		p.Until = r.Name()
	}
	r.Expect("{")
	p.Pos.Start, p.Pos.End = r.Pos()
	p.Body = r.stmts(0)
	return p
}

// maxNesting bounds statements within statements, in the text and in the verifier.
const maxNesting = 64

func (r reader) stmts(depth int) []ir.Stmt {
	var out []ir.Stmt
	for r.More("}") {
		t := r.Peek()
		if depth > maxNesting {
			r.Fail(t, "statements nested more than %d deep", maxNesting)
			return nil
		}
		var s ir.Stmt
		switch w := r.Word(); w {
		case "call":
			s.Func = r.Name()
			s.Pos.Start, s.Pos.End = r.Pos()
			out = append(out, s)
			continue
		case "loop":
			s.Kind = ir.Loop
		case "while":
			s.Kind = ir.While
		case "if":
			s.Kind = ir.If
		default:
			r.Fail(t, "expected call, loop, while or if, found %s", t)
			return nil
		}
		if r.Accept("@") {
			s.Cond = r.Name()
		}
		if r.Accept("times") {
			s.Count = r.Name()
		}
		r.Expect("{")
		s.Pos.Start, s.Pos.End = r.Pos()
		s.Body = r.stmts(depth + 1)
		if r.Accept("else") {
			r.Expect("{")
			s.Else = r.stmts(depth + 1)
		}
		out = append(out, s)
	}
	return out
}

// control checks invariants 15 and 16.
func (v *verifier) control() {
	p := v.p
	seen := map[string]bool{}
	for i := range p.Procs {
		q := &p.Procs[i]
		where := "proc " + q.Name
		if q.Name == "" || seen[q.Name] {
			v.fail(1, where, "no name, or declared twice")
		}
		seen[q.Name] = true
		if q.Until != "" {
			v.condition(where, q.Until)
		}
		v.stmts(where, q.Body, 0)
	}
}

func (v *verifier) stmts(where string, body []ir.Stmt, depth int) {
	if depth > maxNesting {
		v.fail(15, where, "statements nested more than %d deep", maxNesting)
		return
	}
	for i := range body {
		s := &body[i]
		at := where + ", statement " + strconv.Itoa(i)
		ok := false
		switch s.Kind {
		case ir.Call:
			ok = slices.Contains(v.p.Funcs, s.Func) && s.Count == "" && s.Cond == ""
		case ir.Loop:
			ok = s.Count != "" && s.Cond == ""
		case ir.While:
			ok = s.Cond != ""
		case ir.If:
			ok = s.Cond != "" && s.Count == ""
		}
		if !ok || s.Kind != ir.If && len(s.Else) > 0 || s.Kind == ir.Call && len(s.Body) > 0 {
			v.fail(15, at, "a %s of function %q, count %q, condition %q", s.Kind, s.Func, s.Count, s.Cond)
			continue
		}
		if s.Count != "" && v.counts[s.Count] != ir.I32 {
			v.fail(16, at, "no count %s of type i32", s.Count)
		}
		if s.Cond != "" {
			v.condition(at, s.Cond)
		}
		v.stmts(at, s.Body, depth+1)
		v.stmts(at, s.Else, depth+1)
	}
}

func (v *verifier) condition(where, array string) {
	s := v.p.Symbol(array)
	if s == nil || len(s.Strides) != 0 || !s.Replicated && v.p.W*v.p.H > 1 {
		v.fail(16, where, "@%s is not one value that every PE holds", array)
		return
	}
	if a := v.arrays[s.Local]; a.Elem != ir.I32 || s.Off < 0 || s.Off >= a.Len {
		v.fail(16, where, "@%s is element %d of %s", array, s.Off, fmt.Sprint(a.Elem, a.Len))
	}
}
