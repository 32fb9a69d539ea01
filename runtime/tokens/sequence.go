package tokens

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"
)

// Tokens is a sequence of tokens: those of a file, or of several, one after another. Nothing is copied when sequences are cut or joined.
type Tokens struct {
	parts []part
	n     int
	vocab int    // 0 when the file does not say
	kind  string // of the tokenizer, "" when the file does not say
	unmap func() error
}

// part is a stretch of tokens that lie side by side, little-endian.
type part struct {
	b      []byte
	width  int // bytes per token: 1, 2, 4, 8
	signed bool
	at     int // place of its first token in the sequence
}

func (p *part) len() int { return len(p.b) / p.width }

// value is token i as the file has it.
func (p *part) value(i int) int64 {
	le := binary.LittleEndian
	switch p.width {
	case 1:
		if p.signed {
			return int64(int8(p.b[i]))
		}
		return int64(p.b[i])
	case 2:
		v := le.Uint16(p.b[2*i:])
		if p.signed {
			return int64(int16(v))
		}
		return int64(v)
	case 4:
		v := le.Uint32(p.b[4*i:])
		if p.signed {
			return int64(int32(v))
		}
		return int64(v)
	}
	v := le.Uint64(p.b[8*i:])
	if !p.signed && v > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(v)
}

// read fills dst with the tokens from place i of the part on.
func (p *part) read(dst []int32, i int) {
	if p.width == 2 && !p.signed { // what most files have
		b := p.b[2*i:]
		for k := range dst {
			dst[k] = int32(binary.LittleEndian.Uint16(b[2*k:]))
		}
		return
	}
	for k := range dst {
		dst[k] = int32(p.value(i + k))
	}
}

// whole is a sequence of one part.
func whole(p part) *Tokens { return &Tokens{parts: []part{p}, n: p.len()} }

// Of holds tokens in memory.
func Of(ids []int32) *Tokens {
	b := make([]byte, 4*len(ids))
	for i, id := range ids {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(id))
	}
	return whole(part{b: b, width: 4, signed: true})
}

// Join is some sequences one after another. It is valid as long as they are.
func Join(list ...*Tokens) *Tokens {
	t := &Tokens{}
	for _, l := range list {
		for _, p := range l.parts {
			if p.len() > 0 {
				p.at = t.n
				t.parts = append(t.parts, p)
				t.n += p.len()
			}
		}
	}
	return t
}

// Len is the number of tokens.
func (t *Tokens) Len() int { return t.n }

// Vocab is the vocabulary the file states, 0 when it states none.
func (t *Tokens) Vocab() int { return t.vocab }

// Kind is the kind of tokenizer the file states, "" when it states none.
func (t *Tokens) Kind() string { return t.kind }

// part is the number of the part that holds token i.
func (t *Tokens) part(i int) int {
	return sort.Search(len(t.parts), func(k int) bool { return t.parts[k].at > i }) - 1
}

// At is token i.
func (t *Tokens) At(i int) int32 {
	p := &t.parts[t.part(i)]
	return int32(p.value(i - p.at))
}

// Read fills dst with the tokens from place i on.
func (t *Tokens) Read(dst []int32, i int) {
	for k := t.part(i); len(dst) > 0; k++ {
		p := &t.parts[k]
		n := min(len(dst), p.len()-(i-p.at))
		p.read(dst[:n], i-p.at)
		dst, i = dst[n:], i+n
	}
}

// Slice is tokens i to j-1; it stays valid as long as t.
func (t *Tokens) Slice(i, j int) *Tokens {
	s := &Tokens{vocab: t.vocab}
	for _, p := range t.parts {
		if from, to := max(i-p.at, 0), min(j-p.at, p.len()); from < to {
			s.parts = append(s.parts, part{b: p.b[from*p.width : to*p.width], width: p.width, signed: p.signed, at: s.n})
			s.n += to - from
		}
	}
	return s
}

// Close gives the mapping of a file back; its tokens must not be read afterwards.
func (t *Tokens) Close() error {
	if t.unmap == nil {
		return nil
	}
	f := t.unmap
	t.parts, t.n, t.unmap = nil, 0, nil
	return f()
}

// largest is the largest token, -1 when there are none, and its place. A token that is below 0 or beyond 31 bits is an error.
func (t *Tokens) largest() (token int32, at int, err error) {
	m := int64(-1)
	for k := range t.parts {
		p := &t.parts[k]
		for i := range p.len() {
			v := p.value(i)
			if v < 0 || v > math.MaxInt32 {
				return 0, 0, fmt.Errorf("the number %d at place %d is no token", v, p.at+i)
			}
			if v > m {
				m, at = v, p.at+i
			}
		}
	}
	return int32(m), at, nil
}

// Window reads a sequence at a place and the tokens after each of its tokens.
func (t *Tokens) Window(at int, x, y []int32) {
	if len(x) == 0 {
		return
	}
	t.Read(x, at)
	copy(y, x[1:])
	y[len(x)-1] = t.At(at + len(x))
}

// Spread is the place of window i of n windows of a context, spread evenly over the data: what evaluation reads. With as many windows
// as fit, they follow one another.
func (t *Tokens) Spread(i, n, context int) int {
	all := (t.Len() - 1) / context
	return int(int64(i)*int64(all)/int64(max(n, 1))) * context
}
