// Package text reads and writes the tokens that the text forms of the index IR and the mesh IR share: names, numbers, source positions.
//
// The forms are token streams; line breaks and indentation mean nothing. Reading never recurses and stops at the first error.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the kind of a token.
type Kind uint8

// Token kinds. Punct covers one-character marks and "..".
const (
	EOF Kind = iota
	Ident
	Number
	String
	Punct
	Bad
)

// Token is a piece of the source; Text of a String is unquoted, of a Bad token what is wrong.
type Token struct {
	Kind       Kind
	Text       string
	Start, End int
}

func (t Token) String() string {
	switch t.Kind {
	case EOF:
		return "the end of the file"
	case String:
		return strconv.Quote(t.Text)
	}
	return "'" + t.Text + "'"
}

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

// scan returns the token at or after byte i.
func scan(s string, i int) Token {
	for i < len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '/' && strings.HasPrefix(s[i:], "//"):
			j := strings.IndexByte(s[i:], '\n')
			if j < 0 {
				return Token{EOF, "", len(s), len(s)}
			}
			i += j
		case letter(c):
			j := identEnd(s, i)
			return Token{Ident, s[i:j], i, j}
		case digit(c):
			j := numberEnd(s, i)
			return Token{Number, s[i:j], i, j}
		case c == '"':
			return scanString(s, i)
		case strings.HasPrefix(s[i:], ".."):
			return Token{Punct, "..", i, i + 2}
		case strings.IndexByte("@%$[](){},=+-*/!:", c) >= 0:
			return Token{Punct, s[i : i+1], i, i + 1}
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			return Token{Bad, fmt.Sprintf("unexpected character %q", r), i, i + n}
		}
	}
	return Token{EOF, "", len(s), len(s)}
}

// identEnd returns where the identifier that starts at i ends: letters, digits, _ and ', and a dot between such.
func identEnd(s string, i int) int {
	part := func(j int) bool { return j < len(s) && (letter(s[j]) || digit(s[j]) || s[j] == '\'') }
	j := i + 1
	for part(j) || j < len(s) && s[j] == '.' && part(j+1) {
		j++
	}
	return j
}

// isIdent says whether a name may be written without quotes.
func isIdent(s string) bool { return s != "" && letter(s[0]) && identEnd(s, 0) == len(s) }

func numberEnd(s string, i int) int {
	hex := strings.HasPrefix(s[i:], "0x")
	j := i + 1
	if hex {
		j++
	}
	for j < len(s) {
		c := s[j]
		switch {
		case digit(c), letter(c) && c != '_':
		case c == '.' && !strings.HasPrefix(s[j:], ".."):
		case (c == '+' || c == '-') && (!hex && (s[j-1] == 'e' || s[j-1] == 'E') || hex && s[j-1] == 'p'):
		default:
			return j
		}
		j++
	}
	return j
}

func scanString(s string, i int) Token {
	for j := i + 1; j < len(s) && s[j] != '\n'; j++ {
		switch s[j] {
		case '\\':
			j++
		case '"':
			u, err := strconv.Unquote(s[i : j+1])
			if err != nil {
				return Token{Bad, "malformed string", i, j + 1}
			}
			return Token{String, u, i, j + 1}
		}
	}
	return Token{Bad, "string without end", i, i + 1}
}
