package syntax

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/wfc-lang/wfc/internal/diag"
)

// tokens is the lexer. It knows no keywords and no units: words get their
// meaning where they stand, so `step` or `order` may also name a field. The
// last rule catches every other character, so that lexing never fails and the
// parser can say what the character was doing there.
var tokens = lexer.MustStateful(lexer.Rules{"Root": {
	{Name: "Comment", Pattern: `//[^\n]*`},
	{Name: "Newline", Pattern: `\n`},
	{Name: "Space", Pattern: `[ \t\r\x{FEFF}]+`},
	{Name: "Number", Pattern: `[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?`},
	{Name: "Ident", Pattern: `[\pL_][\pL\pN_]*`},
	{Name: "String", Pattern: `"(\\[^\n]|[^"\\\n])*"`},
	{Name: "Op", Pattern: `\.\.|==|!=|<=|>=|&&|\|\||\*\*|\+=|-=|\*=|/=|:=|[-+*/^<>=(){}\[\],;:.'#!%~&|?@$\\]`},
	{Name: "Other", Pattern: `(?s).`},
}})

var (
	symbols = tokens.Symbols()

	tokComment = symbols["Comment"]
	tokNewline = symbols["Newline"]
	tokSpace   = symbols["Space"]
	tokNumber  = symbols["Number"]
	tokIdent   = symbols["Ident"]
	tokString  = symbols["String"]
	tokOp      = symbols["Op"]
)

// sourceComment is a comment as it stands in the source.
type sourceComment struct {
	text       string
	start, end int
	blank      bool // a blank line stands before it
}

// sliceLexer hands prepared tokens to participle.
type sliceLexer struct {
	toks []lexer.Token
	next int
}

func (l *sliceLexer) Next() (lexer.Token, error) {
	t := l.toks[l.next]
	if l.next < len(l.toks)-1 {
		l.next++
	}
	return t, nil
}

// scan splits a file into tokens without spaces, and comments.
func scan(file *diag.File) (*lexer.PeekingLexer, []sourceComment, error) {
	lex, err := tokens.LexString(file.Name, file.Text)
	if err != nil {
		return nil, nil, err
	}
	all, err := lexer.ConsumeAll(lex)
	if err != nil {
		return nil, nil, err
	}
	var toks []lexer.Token
	var comments []sourceComment
	for _, t := range all {
		switch t.Type {
		case tokSpace:
		case tokComment:
			comments = append(comments, sourceComment{
				text:  cleanComment(t.Value),
				start: t.Pos.Offset,
				end:   t.Pos.Offset + len(t.Value),
				blank: blankBefore(file.Text, t.Pos.Offset),
			})
		default:
			toks = append(toks, t)
		}
	}
	peeking, err := lexer.Upgrade(&sliceLexer{toks: toks})
	return peeking, comments, err
}

// cleanComment drops trailing space and bytes that are no text.
func cleanComment(s string) string {
	s = strings.TrimRight(strings.ReplaceAll(s, "\r", ""), " \t\u00a0")
	return strings.ToValidUTF8(s, "\uFFFD")
}

// blankBefore says whether a blank line stands directly before the line of
// offset, and nothing but space between the line's start and offset.
func blankBefore(text string, offset int) bool {
	newlines := 0
	for i := offset - 1; i >= 0; i-- {
		switch text[i] {
		case '\n':
			if newlines++; newlines == 2 {
				return true
			}
		case ' ', '\t', '\r':
		default:
			return false
		}
	}
	return false
}

// describe names a token in a message.
func describe(t *lexer.Token) string {
	switch {
	case t.EOF():
		return "the end of the file"
	case t.Type == tokNewline:
		return "the end of the line"
	case t.Type == tokString:
		return "the text " + t.Value
	case t.Type == tokNumber:
		return "the number `" + t.Value + "`"
	}
	return "`" + t.Value + "`"
}
