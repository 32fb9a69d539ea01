package syntax

import "strings"

// liner collects the text of a statement as pieces between which a line may be
// broken. Breaks are ranked by nesting: a long line is broken at its outermost
// operators and commas first, and only where a rank does not suffice inside
// them. All breaks stand after an operator or a comma, or in brackets, where
// the language lets a line go on.
type liner struct {
	pieces []piece
	depth  int  // bracket nesting
	unit   bool // the text so far ends in a unit
	tight  int  // inside index brackets: no spaces
}

// piece is a text, and the break that may follow it.
type piece struct {
	text string
	rank int    // 0: no break
	sep  string // what stands there when the line is not broken
}

// text adds text that stays on the line.
func (l *liner) text(s string) {
	if s == "" {
		return
	}
	l.unit = false
	if n := len(l.pieces); n > 0 && l.pieces[n-1].rank == 0 {
		l.pieces[n-1].text += s
		return
	}
	l.pieces = append(l.pieces, piece{text: s})
}

// soft allows a break here, of the rank of the present nesting.
func (l *liner) soft(sep string) { l.softAt(3*l.depth+1, sep) }

func (l *liner) softAt(rank int, sep string) {
	if n := len(l.pieces); n > 0 {
		l.pieces[n-1].rank, l.pieces[n-1].sep = rank, sep
	}
}

// flat is the text on one line.
func (l *liner) flat() string { return flatten(l.pieces) }

func flatten(ps []piece) string {
	var b strings.Builder
	for i, p := range ps {
		b.WriteString(p.text)
		if i < len(ps)-1 {
			b.WriteString(p.sep)
		}
	}
	return b.String()
}

// wrap returns the text as lines of at most width characters where its breaks
// allow. Lines after the first are indented twice.
func (l *liner) wrap(width int) []string {
	lines := fill(nil, l.pieces, width)
	for i := range lines {
		if i > 0 {
			lines[i] = indentUnit + indentUnit + lines[i]
		}
	}
	return lines
}

// fill appends pieces to lines, breaking at the lowest rank that occurs.
func fill(lines []string, ps []piece, width int) []string {
	if len(lines) > 0 {
		width -= 2 * len(indentUnit)
	}
	rank := 0
	for _, p := range ps[:max(0, len(ps)-1)] {
		if p.rank > 0 && (rank == 0 || p.rank < rank) {
			rank = p.rank
		}
	}
	cur, sep, started := "", "", false
	flush := func(next string) {
		if started {
			lines = append(lines, cur)
		}
		cur, started = next, true
	}
	for len(ps) > 0 {
		n := 1
		for n < len(ps) && ps[n-1].rank != rank {
			n++
		}
		group, text := ps[:n], flatten(ps[:n])
		ps = ps[n:]
		switch room := width - runes(cur) - len(sep); {
		case !started:
			cur, started = text, true
			if runes(text) > width && n > 1 {
				lines = fill(lines, group, width)
				cur, lines = lines[len(lines)-1], lines[:len(lines)-1]
			}
		case runes(text) <= room:
			cur += sep + text
		case runes(text) <= width || n == 1:
			flush(text)
		default:
			flush("")
			inner := fill(nil, group, width)
			lines = append(lines, inner[:len(inner)-1]...)
			cur = inner[len(inner)-1]
		}
		sep = group[n-1].sep
	}
	if started {
		lines = append(lines, cur)
	}
	return lines
}

func runes(s string) int { return len([]rune(s)) }

// flag adds ` word` if set.
func (l *liner) flag(set bool, word string) {
	if set {
		l.text(" " + word)
	}
}

// names adds `a, b`.
func (l *liner) names(ids []*Ident) {
	for i, id := range ids {
		if i > 0 {
			l.text(",")
			l.soft(" ")
		}
		l.text(id.Name)
	}
}

// comma separates the items of a list.
func (l *liner) comma(i int) {
	if i > 0 {
		l.text(",")
		if l.tight > 0 {
			l.soft("")
		} else {
			l.soft(" ")
		}
	}
}
