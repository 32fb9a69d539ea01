package text

import (
	"math"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
)

// MaxSource is the largest text that is read, in bytes.
const MaxSource = 64 << 20

// Code is the diagnostic code of malformed text.
const Code = "WF0701"

// Reader reads tokens. After the first error it stands at the end of the file and returns zero values; Err tells.
type Reader struct {
	file *diag.File
	tok  Token
	prev Token
	err  *diag.Diagnostic
}

// NewReader starts reading.
func NewReader(name, src string) *Reader {
	r := &Reader{}
	if len(src) > MaxSource {
		r.file = diag.NewFile(name, "")
		r.Fail(Token{}, "%d bytes of text; the reader takes at most %d", len(src), MaxSource)
		return r
	}
	r.file = diag.NewFile(name, src)
	r.advance(0)
	return r
}

func (r *Reader) advance(at int) {
	r.tok = scan(r.file.Text, at)
	if r.tok.Kind == Bad {
		r.Fail(r.tok, "%s", r.tok.Text)
	}
}

// Err returns the first error or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Fail records an error at a token; only the first counts.
func (r *Reader) Fail(t Token, format string, args ...any) {
	if r.err == nil {
		r.err = diag.New(Code, diag.Span{File: r.file, Start: t.Start, End: t.End}, format, args...)
		n := len(r.file.Text)
		r.tok = Token{EOF, "", n, n}
	}
}

// Peek returns the next token.
func (r *Reader) Peek() Token { return r.tok }

// Prev returns the token that was read last.
func (r *Reader) Prev() Token { return r.prev }

// Next reads a token.
func (r *Reader) Next() Token {
	t := r.tok
	r.prev = t
	if t.Kind != EOF {
		r.advance(t.End)
	}
	return t
}

// At says whether the next token is this word or mark.
func (r *Reader) At(s string) bool {
	return (r.tok.Kind == Ident || r.tok.Kind == Punct) && r.tok.Text == s
}

// Accept reads the word or mark if it is next.
func (r *Reader) Accept(s string) bool {
	if r.At(s) {
		r.Next()
		return true
	}
	return false
}

// Expect reads the word or mark or fails.
func (r *Reader) Expect(s string) {
	if !r.Accept(s) {
		r.Fail(r.tok, "expected '%s', found %s", s, r.tok)
	}
}

// More drives the loop over a bracketed group: it is false once the closing mark is read or the text ends.
func (r *Reader) More(end string) bool {
	if r.Accept(end) {
		return false
	}
	if r.tok.Kind == EOF {
		r.Fail(r.tok, "expected '%s', found the end of the file", end)
		return false
	}
	return true
}

// List reads a bracketed, comma-separated list.
func (r *Reader) List(open, close string, item func()) {
	r.Expect(open)
	for first := true; r.More(close); first = false {
		if !first {
			r.Expect(",")
		}
		item()
	}
}

// Word reads a keyword-like identifier.
func (r *Reader) Word() string {
	if r.tok.Kind != Ident {
		r.Fail(r.tok, "expected a word, found %s", r.tok)
		return ""
	}
	return r.Next().Text
}

// Name reads an identifier or a quoted name.
func (r *Reader) Name() string {
	if r.tok.Kind != Ident && r.tok.Kind != String {
		r.Fail(r.tok, "expected a name, found %s", r.tok)
		return ""
	}
	return r.Next().Text
}

// Str reads a quoted string.
func (r *Reader) Str() string {
	if r.tok.Kind != String {
		r.Fail(r.tok, "expected a quoted string, found %s", r.tok)
		return ""
	}
	return r.Next().Text
}

// Int64 reads a signed integer.
func (r *Reader) Int64() int64 {
	t, s := r.number()
	if t.Kind != Number {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		r.Fail(t, "expected an integer, found %s", s)
	}
	return v
}

// Int reads an integer of at most 2^40 in magnitude, so that sums of a few cannot overflow.
func (r *Reader) Int() int {
	v := r.Int64()
	if v > 1<<40 || v < -1<<40 {
		r.Fail(r.prev, "%d is out of range", v)
		return 0
	}
	return int(v)
}

// number reads an optional minus and a number token.
func (r *Reader) number() (Token, string) {
	sign := ""
	if r.Accept("-") {
		sign = "-"
	}
	if r.tok.Kind != Number {
		r.Fail(r.tok, "expected a number, found %s", r.tok)
		return Token{}, ""
	}
	t := r.Next()
	return t, sign + t.Text
}

// Float reads a number of the given size in bits (32 or 64; a hexadecimal one is always read as 64), inf, -inf or nan(0x..).
func (r *Reader) Float(bits int) float64 {
	neg := false
	if r.At("-") {
		if t := scan(r.file.Text, r.tok.End); t.Kind == Ident {
			r.Next()
			neg = true
		}
	}
	switch {
	case r.Accept("inf"):
		if neg {
			return math.Inf(-1)
		}
		return math.Inf(1)
	case !neg && r.Accept("nan"):
		r.Expect("(")
		t := r.Next()
		v, err := strconv.ParseUint(t.Text, 0, 64)
		if x := math.Float64frombits(v); err != nil || x == x {
			r.Fail(t, "expected the bits of a NaN, found %s", t)
		}
		r.Expect(")")
		return math.Float64frombits(v)
	}
	t, s := r.number()
	if t.Kind != Number {
		return 0
	}
	if len(t.Text) > 2 && t.Text[:2] == "0x" {
		bits = 64
	}
	v, err := strconv.ParseFloat(s, bits)
	if err != nil {
		r.Fail(t, "%s is not a number of %d bits", s, bits)
	}
	return v
}

// Pos reads an optional source range "!start:end".
func (r *Reader) Pos() (start, end int) {
	if r.Accept("!") {
		start = r.Int()
		r.Expect(":")
		end = r.Int()
	}
	return start, end
}
