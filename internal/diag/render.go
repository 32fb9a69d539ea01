package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Style says how Render writes.
type Style struct {
	Color bool // ANSI colours
}

const (
	ansiReset  = "\x1b[0m"
	ansiBold   = "\x1b[1m"
	ansiRed    = "\x1b[1;31m"
	ansiYellow = "\x1b[1;33m"
	ansiBlue   = "\x1b[1;34m"
	ansiCyan   = "\x1b[1;36m"
	ansiGreen  = "\x1b[1;32m"
)

// Render writes every diagnostic of the list, sorted, with its source lines,
// and a summary line.
func (l List) Render(w io.Writer, st Style) error {
	var b strings.Builder
	for _, d := range l.Sorted() {
		d.render(&b, st)
		b.WriteByte('\n')
	}
	if s := l.Summary(); s != "" {
		b.WriteString(s + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Render returns the diagnostic with its source lines:
//
//	error WF0203: units do not match
//	  --> heat.wf:4:11
//	   |
//	 4 | let a = T + x
//	   |         ^ K
//	   |             - m
//	   = note: a sum needs equal units
//	   = help: multiply x by K/m
func (d *Diagnostic) Render(st Style) string {
	var b strings.Builder
	d.render(&b, st)
	return b.String()
}

func (d *Diagnostic) render(b *strings.Builder, st Style) {
	paint := func(color, s string) string {
		if !st.Color || s == "" {
			return s
		}
		return color + s + ansiReset
	}
	color := map[Severity]string{Error: ansiRed, Warning: ansiYellow, Info: ansiCyan}[d.Severity]
	fmt.Fprintf(b, "%s: %s\n", paint(color, d.Severity.String()+" "+d.Code), paint(ansiBold, clean(d.Message)))

	marks := d.marks()
	width := 1
	for _, m := range marks {
		width = max(width, len(fmt.Sprint(m.line)))
	}
	gutter := func(s string) string { return paint(ansiBlue, fmt.Sprintf("%*s |", width+1, s)) }
	var file *File
	lastLine := 0
	for _, m := range marks {
		if m.file != file {
			arrow, place := "-->", d.Primary
			if file != nil || place.File != m.file {
				arrow, place = ":::", Span{m.file, m.start, m.end}
			}
			fmt.Fprintf(b, "%s %s\n", paint(ansiBlue, fmt.Sprintf("%*s%s", width, "", arrow)), place)
			b.WriteString(gutter("") + "\n")
			file, lastLine = m.file, 0
		}
		if m.line != lastLine {
			if lastLine > 0 && m.line > lastLine+1 {
				b.WriteString(paint(ansiBlue, fmt.Sprintf("%*s", width+3, "...")) + "\n")
			}
			line, _ := window(m.file.Line(m.line), m.col, m.width)
			b.WriteString(strings.TrimRight(gutter(fmt.Sprint(m.line))+" "+line, " ") + "\n")
			lastLine = m.line
		}
		_, indent := window(m.file.Line(m.line), m.col, m.width)
		mark, c := "-", ansiBlue
		if m.primary {
			mark, c = "^", color
		}
		text := strings.Repeat(mark, max(1, min(m.width, maxLine-indent)))
		if m.label != "" {
			text += " " + clean(m.label)
		}
		b.WriteString(gutter("") + " " + strings.Repeat(" ", indent) + paint(c, text) + "\n")
	}
	foot := func(color, word, text string) {
		fmt.Fprintf(b, "%s %s %s\n", paint(ansiBlue, fmt.Sprintf("%*s", width+2, "=")), paint(color, word+":"), clean(text))
	}
	for _, n := range d.Notes {
		foot(ansiCyan, "note", n)
	}
	if d.Suggestion != nil {
		foot(ansiGreen, "help", d.Suggestion.Text)
	}
}

// maxLine is the width of the source excerpt; longer lines are cut around the
// mark.
const maxLine = 160

// window returns the part of a source line to show, with tabs and control
// characters as single spaces, and the column (from 0) of the mark in it.
func window(line string, col, width int) (string, int) {
	r := []rune(clean(line))
	at := min(col-1, len(r))
	if len(r) <= maxLine {
		return string(r), at
	}
	from := max(0, min(at-maxLine/4, len(r)-maxLine))
	return string(r[from:min(len(r), from+maxLine)]), at - from
}

// clean makes text safe for a terminal: one space for each character that
// does not print.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// mark is one underlined stretch of one line.
type mark struct {
	file       *File
	line, col  int
	width      int
	label      string
	primary    bool
	start, end int
}

// marks lists the places of a diagnostic: the primary's file first, and within
// a file by line, then column.
func (d *Diagnostic) marks() []mark {
	var out []mark
	add := func(s Span, label string, primary bool) {
		if s.IsZero() {
			return
		}
		line, col := s.Position()
		_, endCol := s.File.Position(s.End)
		endLine, _ := s.File.Position(s.End)
		width := endCol - col
		if endLine > line {
			width = len([]rune(s.File.Line(line))) - col + 1
		}
		out = append(out, mark{s.File, line, col, max(1, width), label, primary, s.Start, s.End})
	}
	add(d.Primary, d.Label, true)
	for _, r := range d.Related {
		add(r.Span, r.Text, false)
	}
	var ordered []mark
	for len(out) > 0 {
		file := out[0].file
		var here, rest []mark
		for _, m := range out {
			if m.file == file {
				here = append(here, m)
			} else {
				rest = append(rest, m)
			}
		}
		for i := 1; i < len(here); i++ {
			for j := i; j > 0 && before(here[j], here[j-1]); j-- {
				here[j], here[j-1] = here[j-1], here[j]
			}
		}
		ordered, out = append(ordered, here...), rest
	}
	return ordered
}

func before(a, b mark) bool {
	if a.line != b.line {
		return a.line < b.line
	}
	return a.col < b.col
}
