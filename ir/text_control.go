package ir

import "github.com/wfc-lang/wfc/ir/internal/text"

// maxNesting bounds how deep statements are nested, so that reading and walking them cannot exhaust a stack.
const maxNesting = 64

// optional writes a name after a word, or nothing for no name.
func optional(before, name string) string {
	if name == "" {
		return ""
	}
	return before + text.Name(name)
}

func printProc(w *text.Printer, p *Proc) {
	w.Gap()
	w.Line(0, "proc %s%s%s {", text.Name(p.Name), optional(" until @", p.Until), pos(p.Pos))
	printStmts(w, 1, p.Body)
	w.Line(0, "}")
}

func printStmts(w *text.Printer, level int, body []Stmt) {
	for i := range body {
		s := &body[i]
		switch s.Kind {
		case Call:
			w.Line(level, "call %s%s", text.Name(s.Func), pos(s.Pos))
			continue
		case Loop:
			w.Line(level, "loop %s%s {", text.Name(s.Count), pos(s.Pos))
		case While:
			w.Line(level, "while @%s%s%s {", text.Name(s.Cond), optional(" max ", s.Count), pos(s.Pos))
		default:
			w.Line(level, "if @%s%s {", text.Name(s.Cond), pos(s.Pos))
		}
		printStmts(w, level+1, s.Body)
		if len(s.Else) > 0 {
			w.Line(level, "} else {")
			printStmts(w, level+1, s.Else)
		}
		w.Line(level, "}")
	}
}

// array0 reads "@name".
func (r reader) array0() string {
	r.Expect("@")
	return r.Name()
}

func (r reader) proc() Proc {
	p := Proc{Name: r.Name()}
	if r.Accept("until") {
		p.Until = r.array0()
	}
	p.Pos = r.pos()
	p.Body = r.stmts(0)
	return p
}

// stmts reads a bracketed list of statements.
func (r reader) stmts(depth int) (body []Stmt) {
	if depth > maxNesting {
		r.Fail(r.Peek(), "statements nested more than %d deep", maxNesting)
		return nil
	}
	r.Expect("{")
	for r.More("}") {
		t := r.Peek()
		var s Stmt
		switch r.Word() {
		case "call":
			s.Func = r.Name()
			s.Pos = r.pos()
			body = append(body, s)
			continue
		case "loop":
			s.Kind, s.Count = Loop, r.Name()
		case "while":
			s.Kind, s.Cond = While, r.array0()
			if r.Accept("max") {
				s.Count = r.Name()
			}
		case "if":
			s.Kind, s.Cond = If, r.array0()
		default:
			r.Fail(t, "expected call, loop, while or if, found %s", t)
		}
		s.Pos = r.pos()
		s.Body = r.stmts(depth + 1)
		if s.Kind == If && r.Accept("else") {
			s.Else = r.stmts(depth + 1)
		}
		body = append(body, s)
	}
	return body
}

func (r reader) failure() Failure {
	f := Failure{Array: r.array0(), Code: r.Name(), Message: r.Str()}
	if r.Accept("history") {
		f.History = r.array0()
	}
	if r.Accept("entries") {
		f.Entries = r.array0()
	}
	f.Pos = r.pos()
	return f
}
