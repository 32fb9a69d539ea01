package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/wfc-lang/wfc/internal/diag"
)

// foreign maps operators of other languages to ours.
var foreign = map[string]struct{ ours, why string }{
	"&&": {"and", "conditions are joined with words"},
	"||": {"or", "conditions are joined with words"},
	"!":  {"not", "a condition is negated with a word"},
	"&":  {"and", "there are no bit operators"},
	"|":  {"or", "there are no bit operators"},
	"**": {"^", "a power is written with one sign"},
	":=": {"=", "`let` declares a name"},
	"==": {"=", "`=` states an equation, `==` compares two values"},
	"%":  {"", "write the remainder as `a - b*floor(a/b)`"},
	"?":  {"", "write a choice as `where(condition, a, b)`"},
	"\\": {"", "remove it: a line goes on by itself after an operator, a comma or an open bracket"},
}

// unexpected fails at a token where something else was expected.
func (p *parser) unexpected(t *lexer.Token, expected string) {
	d := p.unexpectedError(t, expected)
	if d.Suggestion == nil {
		switch {
		case strings.HasPrefix(expected, "a value"):
			d.Suggest("write a number, a name, a call or a bracketed expression here")
		case p.form != "":
			d.Suggest("%s", p.form)
		default:
			d.Suggest("complete what stands before it, or remove it")
		}
	}
	p.fail(d)
}

// clauses are the words that go on with a statement.
var clauses = []string{"every", "until", "order", "step", "using", "with", "where", "drift", "while", "else", "nodes", "periodic", "stretched"}

func (p *parser) unexpectedError(t *lexer.Token, expected string) *diag.Diagnostic {
	at := p.at(t)
	switch {
	case t.EOF() || t.Type == tokNewline || t.Type == tokIdent || t.Type == tokNumber || t.Type == tokString:
		d := diag.New("WF0101", at, "expected %s, found %s", expected, describe(t))
		word, near := diag.Nearest(t.Value, clauses)
		switch near = near && t.Type == tokIdent && expected == endOfStatement && len(t.Value) > 3; {
		case near:
			d.Replace(at, word, "did you mean `%s`?", word)
		case t.Type == tokIdent && expected == endOfStatement && p.glued(t) && !notUnits[t.Value]:
			d.Suggest("put an operator between `%s` and `%s`, or a new line", p.lastToken(), t.Value)
		}
		return d
	case t.Type != tokOp:
		return p.strange(t)
	}
	if f, ok := foreign[t.Value]; ok {
		if f.ours == "" {
			return diag.New("WF0113", at, "`%s` is not an operator of the language", t.Value).Suggest("%s", f.why)
		}
		d := diag.New("WF0113", at, "`%s` is not an operator here: %s", t.Value, f.why)
		return d.Replace(at, f.ours, "write `%s`", f.ours)
	}
	switch t.Value {
	case "+=", "-=", "*=", "/=":
		return diag.New("WF0113", at, "`%s` updates in place; here the next value is an equation of the old one", t.Value).
			Suggest("write `X' = X %s ...`", t.Value[:1])
	case "'":
		return diag.New("WF0106", at, "`'` marks the next value, as in `T'`; it does not begin a text").
			Suggest("put texts in double quotes")
	case "=":
		if expected == endOfStatement {
			return diag.New("WF0101", at, "expected %s, found `=`", expected).
				Suggest("separate declarations with commas, as in `param a = 1, b = 2`, and equations with new lines")
		}
	case "#":
		return diag.New("WF0113", at, "`#` takes the extent of an index, as in `#k`; it does not begin a comment").
			Replace(at, "//", "begin comments with `//`")
	case ")", "]", "}":
		if !strings.Contains(expected, "`"+t.Value+"`") {
			return diag.New("WF0103", at, "this `%s` closes nothing; expected %s", t.Value, expected).
				Suggest("remove it, or complete what stands before it")
		}
	case ".":
		if strings.HasSuffix(p.file.Text[:p.prevEnd], p.lastDigits()) && p.lastDigits() != "" && p.prevEnd == t.Pos.Offset {
			return diag.New("WF0107", at, "a digit must follow the decimal point").
				Replace(at, ".0", "write `%s.0`", p.lastDigits())
		}
	}
	return diag.New("WF0101", at, "expected %s, found %s", expected, describe(t))
}

// strange explains a character that begins no token.
func (p *parser) strange(t *lexer.Token) *diag.Diagnostic {
	at := p.at(t)
	r, size := utf8.DecodeRuneInString(t.Value)
	switch {
	case t.Value == `"`:
		return diag.New("WF0106", at, "the text that begins here is not closed on its line").
			Suggest("close it with `\"`")
	case r == utf8.RuneError && size <= 1:
		return diag.New("WF0105", at, "byte 0x%02x is not UTF-8 text", t.Value[0]).Suggest("save the file as UTF-8 text")
	}
	d := diag.New("WF0105", at, "character %q (U+%04X) has no meaning in the language", string(r), r)
	for _, s := range []struct{ chars, ours string }{{"−–—", "-"}, {"×·⋅∙", "*"}, {"÷", "/"}, {"≤", "<="}, {"≥", ">="},
		{"≠", "!="}, {"’‘′´`", "'"}, {"“”", `"`}, {"\u00a0\u2003\u2009", " "}, {"∂", "dx"}, {"∇", "grad"}, {"²", "^2"}, {"³", "^3"}} {
		if strings.ContainsRune(s.chars, r) {
			return d.Replace(at, s.ours, "write `%s`", s.ours)
		}
	}
	return d.Suggest("remove it")
}

// lastToken is the text of the word or number before the cursor.
func (p *parser) lastToken() string {
	s := p.file.Text[:p.prevEnd]
	i := len(s)
	for i > 0 && (isWordByte(s[i-1]) || s[i-1] >= utf8.RuneSelf) {
		i--
	}
	return s[i:]
}

// lastDigits is the number before the cursor, or "".
func (p *parser) lastDigits() string {
	s := p.lastToken()
	if s == "" || s[0] < '0' || s[0] > '9' {
		return ""
	}
	return s
}

// glued says that a word follows a word or a number on one line.
func (p *parser) glued(t *lexer.Token) bool {
	return p.lastToken() != "" && p.prevEnd <= t.Pos.Offset &&
		!strings.Contains(p.file.Text[p.prevEnd:t.Pos.Offset], "\n")
}

func isWordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
