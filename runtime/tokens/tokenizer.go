// Package tokens turns text into tokens and tokens into batches.
//
// A [Tokenizer] is bytes, the characters of a text, or GPT-2's byte pairs. Tokens lie in files that are mapped into memory ([Open]), so
// that data larger than memory cost nothing. A [Sampler] cuts them into sequences and gives them in an order that is a function of
// seed and epoch alone: a keyed permutation is computed, not stored, and a [Cursor] of a few numbers continues it exactly.
package tokens

import (
	"bytes"
	"fmt"
	"sort"
	"sync"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer/codec"
)

// Kinds of tokenizers.
const (
	Byte = "byte" // 256 tokens: the bytes
	Char = "char" // the distinct characters of a text, sorted
	GPT2 = "gpt2" // 50,257 byte pairs; 50,256 ends a document
)

// Kinds lists them.
func Kinds() []string { return []string{Byte, Char, GPT2} }

// EndOfText is GPT-2's token between documents.
const EndOfText = 50256

// Spec is what it takes to make a tokenizer again.
type Spec struct {
	Kind  string `json:"kind"`
	Chars string `json:"chars,omitempty"` // Char: the characters in the order of their tokens
}

// Tokenizer turns text into tokens and back. It is safe for concurrent use.
type Tokenizer interface {
	Spec() Spec
	Vocab() int // tokens are 0 to Vocab-1
	// Encode fails on text that has no tokens: an unknown character.
	Encode(text []byte) ([]int32, error)
	// Decode gives the bytes of tokens; bytes of one character may be spread over several tokens.
	Decode(tokens []int32) ([]byte, error)
}

// New makes the tokenizer of a specification.
func New(s Spec) (Tokenizer, error) {
	switch s.Kind {
	case Byte:
		return byteTokenizer{}, nil
	case Char:
		return newChars(s.Chars)
	case GPT2:
		return gpt2{}, nil
	}
	return nil, fmt.Errorf("unknown tokenizer %q; there are byte, char and gpt2", s.Kind)
}

// For makes a tokenizer of a kind for some texts: Char takes its characters from them. It fails on a text that has none, and says which.
func For(kind string, texts ...[]byte) (Tokenizer, error) {
	if kind != Char {
		return New(Spec{Kind: kind})
	}
	seen := map[rune]bool{}
	for i, text := range texts {
		for at := 0; at < len(text); {
			r, n := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && n <= 1 {
				return nil, &notText{i, fmt.Errorf("byte %d is no UTF-8 character: the tokenizer byte takes any bytes", at)}
			}
			seen[r] = true
			at += n
		}
	}
	chars := make([]rune, 0, len(seen))
	for r := range seen {
		chars = append(chars, r)
	}
	sort.Slice(chars, func(i, j int) bool { return chars[i] < chars[j] })
	return newChars(string(chars))
}

// notText is what is wrong with text i of several.
type notText struct {
	i int
	error
}

type byteTokenizer struct{}

func (byteTokenizer) Spec() Spec { return Spec{Kind: Byte} }
func (byteTokenizer) Vocab() int { return 256 }

func (byteTokenizer) Encode(text []byte) ([]int32, error) {
	out := make([]int32, len(text))
	for i, b := range text {
		out[i] = int32(b)
	}
	return out, nil
}

func (byteTokenizer) Decode(tokens []int32) ([]byte, error) {
	out := make([]byte, len(tokens))
	for i, t := range tokens {
		if t < 0 || t > 255 {
			return nil, fmt.Errorf("token %d is no byte", t)
		}
		out[i] = byte(t)
	}
	return out, nil
}

// chars has a token for each of some characters.
type chars struct {
	text []rune
	of   map[rune]int32
}

func newChars(s string) (Tokenizer, error) {
	if s == "" || !utf8.ValidString(s) {
		return nil, fmt.Errorf("a character tokenizer needs the characters, in UTF-8")
	}
	c := &chars{text: []rune(s), of: map[rune]int32{}}
	for i, r := range c.text {
		if _, ok := c.of[r]; ok {
			return nil, fmt.Errorf("character %q has two tokens", r)
		}
		c.of[r] = int32(i)
	}
	return c, nil
}

func (c *chars) Spec() Spec { return Spec{Kind: Char, Chars: string(c.text)} }
func (c *chars) Vocab() int { return len(c.text) }

func (c *chars) Encode(text []byte) ([]int32, error) {
	out := make([]int32, 0, len(text))
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRune(text[at:])
		t, ok := c.of[r]
		if !ok || r == utf8.RuneError && n <= 1 {
			return nil, fmt.Errorf("character %q at byte %d has no token: the model knows %d characters", text[at:at+n], at, len(c.text))
		}
		out = append(out, t)
		at += n
	}
	return out, nil
}

func (c *chars) Decode(tokens []int32) ([]byte, error) {
	var out []byte
	for _, t := range tokens {
		if t < 0 || int(t) >= len(c.text) {
			return nil, fmt.Errorf("token %d is outside the vocabulary of %d", t, len(c.text))
		}
		out = utf8.AppendRune(out, c.text[t])
	}
	return out, nil
}

// gpt2 is the vocabulary r50k_base, embedded in the library.
type gpt2 struct{}

var r50k = sync.OnceValue(codec.NewR50kBase)

func (gpt2) Spec() Spec { return Spec{Kind: GPT2} }
func (gpt2) Vocab() int { return EndOfText + 1 }

// piece is about what the library sees at once. Text is cut after a single line break between printable characters: the pattern that
// splits text into words makes that line break a match of its own in any case, so the tokens are those of the whole text.
const piece = 1 << 16

func printable(b byte) bool { return b > ' ' && b < 0x7f }

func (gpt2) Encode(text []byte) ([]int32, error) {
	var out []int32
	for len(text) > 0 {
		n := len(text)
		for i := piece; i < len(text); i++ {
			if text[i-1] == '\n' && printable(text[i]) && printable(text[i-2]) {
				n = i
				break
			}
		}
		ids, err := encodePiece(text[:n])
		if err != nil {
			return nil, err
		}
		out = append(out, ids...)
		text = text[n:]
	}
	return out, nil
}

// The library's splitting pattern loses the character DEL. It is given the character 01 instead, which like DEL is neither space, letter
// nor digit and is in no token but its own, and the tokens of those that were DEL are changed back.
const (
	soh, del           = 0x01, 0x7f
	sohToken, delToken = 189, 221
)

func encodePiece(text []byte) ([]int32, error) {
	changed := bytes.IndexByte(text, del) >= 0
	given := text
	if changed {
		given = bytes.ReplaceAll(text, []byte{del}, []byte{soh})
	}
	ids, _, err := r50k().Encode(string(given))
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(ids))
	at := 0
	for i, id := range ids {
		out[i] = int32(id)
		if changed && id == sohToken {
			at += bytes.IndexAny(text[at:], "\x01\x7f") + 1
			if text[at-1] == del {
				out[i] = delToken
			}
		}
	}
	return out, nil
}

func (gpt2) Decode(tokens []int32) ([]byte, error) {
	var out []byte
	var ids []uint
	flush := func() error {
		s, err := r50k().Decode(ids)
		out, ids = append(out, s...), ids[:0]
		return err
	}
	for _, t := range tokens {
		switch {
		case t < 0 || t > EndOfText:
			return nil, fmt.Errorf("token %d is outside the vocabulary of GPT-2", t)
		case t == EndOfText: // the library knows it as text only
			if err := flush(); err != nil {
				return nil, err
			}
			out = append(out, "<|endoftext|>"...)
		default:
			ids = append(ids, uint(t))
		}
	}
	return out, flush()
}
