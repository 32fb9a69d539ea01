package wse

import (
	"fmt"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
)

// MaxText is the longest machine text Parse accepts, in bytes.
const MaxText = 64 << 20

type tokKind uint8

const (
	tEOF    tokKind = iota
	tIdent          // name, possibly with dots; or a quoted string
	tNumber         // decimal or 0x.. without sign
	tPunct          // one of { } [ ] ( ) , : = + - * % $ @ .. == != < <= > >=
)

type token struct {
	kind       tokKind
	text       string // decoded for quoted names
	quoted     bool
	start, end int
}

// bail carries the first syntax error out of the recursive descent.
type bail struct{ d *diag.Diagnostic }

type lexer struct {
	f   *diag.File
	pos int
}

func (l *lexer) fail(start, end int, format string, args ...any) {
	panic(bail{diag.New("WF0500", diag.Span{File: l.f, Start: start, End: end}, format, args...)})
}

func (l *lexer) next() token {
	src := l.f.Text
	for l.pos < len(src) {
		switch c := src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.pos++
		case c == '/' && l.pos+1 < len(src) && src[l.pos+1] == '/':
			for l.pos < len(src) && src[l.pos] != '\n' {
				l.pos++
			}
		default:
			return l.token()
		}
	}
	return token{kind: tEOF, start: len(src), end: len(src)}
}

func (l *lexer) token() token {
	src, start := l.f.Text, l.pos
	c := src[start]
	switch {
	case identByte(c, true):
		for l.pos < len(src) && identByte(src[l.pos], false) {
			l.pos++
		}
		return token{kind: tIdent, text: src[start:l.pos], start: start, end: l.pos}
	case c >= '0' && c <= '9':
		return l.number()
	case c == '"':
		q, err := strconv.QuotedPrefix(src[start:])
		if err != nil {
			l.fail(start, start+1, "this string has no end")
		}
		s, err := strconv.Unquote(q)
		if err != nil {
			l.fail(start, start+len(q), "this string is not a valid Go string literal")
		}
		l.pos += len(q)
		return token{kind: tIdent, text: s, quoted: true, start: start, end: l.pos}
	}
	if start+1 < len(src) {
		switch two := src[start : start+2]; two {
		case "..", "==", "!=", "<=", ">=":
			l.pos += 2
			return token{kind: tPunct, text: two, start: start, end: l.pos}
		}
	}
	switch c {
	case '{', '}', '[', ']', '(', ')', ',', ':', '=', '+', '-', '*', '%', '$', '@', '<', '>':
		l.pos++
		return token{kind: tPunct, text: src[start:l.pos], start: start, end: l.pos}
	}
	l.fail(start, start+1, "unexpected character %q", c)
	return token{}
}

// number reads 12, 1.5, 2e-3 or 0x1f; "0..8" is the number 0 and the mark "..".
func (l *lexer) number() token {
	src, start := l.f.Text, l.pos
	digits := func(hex bool) {
		for l.pos < len(src) {
			c := src[l.pos]
			if c >= '0' && c <= '9' || hex && (c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				l.pos++
				continue
			}
			return
		}
	}
	if src[start] == '0' && start+1 < len(src) && src[start+1] == 'x' {
		l.pos += 2
		digits(true)
		return token{kind: tNumber, text: src[start:l.pos], start: start, end: l.pos}
	}
	digits(false)
	if l.pos+1 < len(src) && src[l.pos] == '.' && src[l.pos+1] >= '0' && src[l.pos+1] <= '9' {
		l.pos++
		digits(false)
	}
	if l.pos < len(src) && (src[l.pos] == 'e' || src[l.pos] == 'E') {
		mark := l.pos
		l.pos++
		if l.pos < len(src) && (src[l.pos] == '+' || src[l.pos] == '-') {
			l.pos++
		}
		first := l.pos
		digits(false)
		if l.pos == first {
			l.pos = mark
		}
	}
	return token{kind: tNumber, text: src[start:l.pos], start: start, end: l.pos}
}

func (t token) String() string {
	if t.kind == tEOF {
		return "the end of the text"
	}
	return fmt.Sprintf("%q", t.text)
}
