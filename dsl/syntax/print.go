package syntax

import (
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

const (
	lineWidth  = 100
	indentUnit = "  "
)

// Format returns the canonical form of a source text, or the text as it is
// with the errors that keep it from being read.
func Format(name string, src []byte) ([]byte, diag.List) {
	f, errs := Parse(name, string(src))
	if errs.HasErrors() {
		return src, errs
	}
	return Print(f), errs
}

// Print returns the canonical text of a tree. Parsing it gives an Equal tree.
func Print(f *File) []byte {
	p := &printer{}
	p.entries(f.Stmts, f.Tail)
	return []byte(p.out.String())
}

// ExprString returns the text of an expression on one line.
func ExprString(e Expr) string {
	l := &liner{}
	l.expr(e)
	return l.flat()
}

// printer writes statements with indentation.
type printer struct {
	out    strings.Builder
	indent int
}

// entries writes the statements of a file or of a broken block, with their
// comments and blank lines.
func (p *printer) entries(list []Stmt, tail []Comment) {
	first := true
	line := func(blank bool, text string) {
		if blank && !first {
			p.out.WriteByte('\n')
		}
		first = false
		p.out.WriteString(strings.Repeat(indentUnit, p.indent) + text + "\n")
	}
	for _, s := range list {
		tr := s.trivia()
		for _, c := range tr.Lead {
			line(c.Blank, c.Text)
		}
		text := p.stmt(s)
		if tr.Trail != "" {
			text += " " + tr.Trail
		}
		line(tr.Blank, text)
	}
	for _, c := range tail {
		line(c.Blank, c.Text)
	}
}

// part is a stretch of a statement: a line that may be wrapped, then perhaps a
// braced list.
type part struct {
	line    *liner
	braced  bool
	entries []Stmt
	lay     Layout
}

// stmt returns the text of a statement without the indentation of its first
// line and without the last line end.
func (p *printer) stmt(s Stmt) string {
	parts := partsOf(s)
	if text, ok := flatParts(parts); ok && len([]rune(text)) <= lineWidth-2*p.indent {
		return text
	}
	indent := strings.Repeat(indentUnit, p.indent)
	var b strings.Builder
	for _, pt := range parts {
		b.WriteString(strings.Join(pt.line.wrap(lineWidth-2*p.indent), "\n"+indent))
		if !pt.braced {
			continue
		}
		if len(pt.entries) == 0 && len(pt.lay.Tail) == 0 {
			b.WriteString(" {}")
			continue
		}
		inner := &printer{indent: p.indent + 1}
		inner.entries(pt.entries, pt.lay.Tail)
		b.WriteString(" {\n" + inner.out.String() + indent + "}")
	}
	return b.String()
}

// flatParts returns the statement on one line, if nothing in it asks for more.
func flatParts(parts []part) (string, bool) {
	var b strings.Builder
	for _, pt := range parts {
		b.WriteString(pt.line.flat())
		if !pt.braced {
			continue
		}
		if pt.lay.Multi && len(pt.entries) > 0 || len(pt.lay.Tail) > 0 {
			return "", false
		}
		b.WriteString(" {")
		for i, e := range pt.entries {
			tr := e.trivia()
			text, ok := flatParts(partsOf(e))
			if !ok || len(tr.Lead) > 0 || tr.Trail != "" {
				return "", false
			}
			b.WriteString(map[bool]string{true: " ", false: "; "}[i == 0] + text)
		}
		if len(pt.entries) > 0 {
			b.WriteString(" ")
		}
		b.WriteString("}")
	}
	return b.String(), true
}

// partsOf lays a statement out as parts.
func partsOf(s Stmt) []part {
	if parts := modelParts(s); parts != nil {
		return parts
	}
	l := &liner{}
	one := func() []part { return []part{{line: l}} }
	switch s := s.(type) {
	case *Field:
		return fieldParts(s)
	case *Grid:
		l.text("grid " + s.Name.Name)
		l.flag(s.Nodes, "nodes")
		return []part{{l, true, stmts(s.Axes), s.Layout}}
	case *BC:
		l.text("bc ")
		if len(s.Fields) == 1 {
			l.names(s.Fields)
		} else {
			l.text("(")
			l.names(s.Fields)
			l.text(")")
		}
		return []part{{l, true, stmts(s.Entries), s.Layout}}
	case *Evolve:
		l.evolve(s)
		return []part{{l, true, s.Body.Stmts, s.Body.Layout}}
	case *Loop:
		l.loop(s)
		return []part{{l, true, s.Body.Stmts, s.Body.Layout}}
	case *If:
		return ifParts(s)
	}
	l.stmt(s)
	return one()
}

func fieldParts(s *Field) []part {
	l := &liner{}
	if s.Kind != "" {
		l.text(s.Kind + " ")
	} else {
		l.text("field ")
	}
	var parts []part
	for i, it := range s.Items {
		if i > 0 {
			l.text(",")
			l.soft(" ")
		}
		l.fieldItem(it)
		if len(it.Regions) > 0 || len(it.Layout.Tail) > 0 {
			parts = append(parts, part{l, true, stmts(it.Regions), it.Layout})
			l = &liner{}
		}
	}
	if len(l.pieces) > 0 {
		parts = append(parts, part{line: l})
	}
	return parts
}

func stmts[T Stmt](list []T) []Stmt {
	var out []Stmt
	for _, s := range list {
		out = append(out, s)
	}
	return out
}
