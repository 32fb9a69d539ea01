package npy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

const magic = "\x93NUMPY"

// maxHeader bounds the header text. NumPy itself refuses longer ones than 10,000 characters unless told to trust the file.
const maxHeader = 1 << 16

// ReadFile reads a .npy file.
func ReadFile(path string) (*Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	a, err := Read(bufio.NewReader(f), st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Decode reads a .npy file held in memory.
func Decode(b []byte) (*Array, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// View is Decode where the elements stay where they are: Data is a part of b, unless their order has to be changed.
func View(b []byte) (*Array, error) {
	r := bytes.NewReader(b)
	h, n, err := readHeader(r, int64(len(b)))
	if err != nil {
		return nil, err
	}
	if h.big && h.typ.Size > 1 || h.fortran && len(h.dims) > 1 {
		return Decode(b)
	}
	at := len(b) - r.Len()
	return &Array{Type: h.typ, Dims: h.dims, Data: b[at : at+n]}, nil
}

// Read reads a .npy file of size bytes. Bytes after the elements are an error: they mean that the header is wrong.
func Read(r io.Reader, size int64) (*Array, error) {
	h, n, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	data, err := readN(r, n)
	if err != nil {
		return nil, fmt.Errorf(".npy file is cut inside its elements: %w", err)
	}
	a := &Array{Type: h.typ, Dims: h.dims, Data: data}
	if h.big {
		swap(a.Data, h.typ.Size)
	}
	if h.fortran && len(h.dims) > 1 {
		a.Data = fromFortran(a.Data, h.dims, h.typ.Size)
	}
	return a, nil
}

// readHeader reads what stands before the elements, and says how many bytes these have: all that is left.
func readHeader(r io.Reader, size int64) (h header, n int, err error) {
	var pre [8]byte
	if _, err := io.ReadFull(r, pre[:]); err != nil {
		return h, 0, fmt.Errorf("not a .npy file: it has %d bytes, fewer than the format's 10-byte prefix", size)
	}
	if string(pre[:6]) != magic {
		return h, 0, fmt.Errorf("not a .npy file: it does not begin with the bytes \\x93NUMPY")
	}
	lenSize := 2
	switch pre[6] {
	case 1:
	case 2, 3:
		lenSize = 4
	default:
		return h, 0, fmt.Errorf(".npy format version %d.%d is unknown; versions 1 to 3 can be read", pre[6], pre[7])
	}
	var lb [4]byte
	if _, err := io.ReadFull(r, lb[:lenSize]); err != nil {
		return h, 0, fmt.Errorf(".npy file is cut inside its header length")
	}
	hlen := int64(binary.LittleEndian.Uint32(lb[:]))
	left := size - 8 - int64(lenSize) - hlen
	if left < 0 {
		return h, 0, fmt.Errorf(".npy file is cut: the header should have %d bytes, the whole file has %d", hlen, size)
	}
	if hlen > maxHeader {
		return h, 0, fmt.Errorf(".npy header of %d bytes is longer than the limit of %d", hlen, maxHeader)
	}
	text := make([]byte, hlen)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, 0, fmt.Errorf(".npy file is cut inside its header")
	}
	if h, err = parseHeader(string(text)); err != nil {
		return h, 0, err
	}
	n, ok := volume(h.dims, h.typ.Size)
	if !ok || int64(n) > left {
		return h, 0, fmt.Errorf(".npy file is cut: shape %s of %s needs %s, %d are there", shapeText(h.dims), h.typ, needText(n, ok), left)
	}
	if int64(n) < left {
		return h, 0, fmt.Errorf(".npy file has %d bytes after its last element: shape %s of %s needs %d, %d are there",
			left-int64(n), shapeText(h.dims), h.typ, n, left)
	}
	return h, n, nil
}

// readN reads n bytes. Memory grows with what arrives: the size of a compressed entry is only a claim.
func readN(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(min(n, 1<<24) + bytes.MinRead)
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func needText(n int, ok bool) string {
	if !ok {
		return "more bytes than a file can have"
	}
	return fmt.Sprintf("%d bytes", n)
}

func swap(b []byte, size int) {
	for i := 0; i+size <= len(b); i += size {
		slices.Reverse(b[i : i+size])
	}
}

// fromFortran turns column-major elements into row-major ones.
func fromFortran(b []byte, dims []int, size int) []byte {
	out := make([]byte, len(b))
	idx := make([]int, len(dims))
	stride := make([]int, len(dims))
	s := size
	for i := range dims {
		stride[i] = s
		s *= dims[i]
	}
	src := 0
	for dst := 0; dst < len(out); dst += size {
		copy(out[dst:dst+size], b[src:])
		for d := len(dims) - 1; d >= 0; d-- {
			idx[d]++
			src += stride[d]
			if idx[d] < dims[d] {
				break
			}
			src -= idx[d] * stride[d]
			idx[d] = 0
		}
	}
	return out
}

type header struct {
	typ          Type
	big, fortran bool
	dims         []int
}

// parseHeader reads the Python dictionary literal of the header: string keys; values are a string, True/False, a tuple of integers.
func parseHeader(s string) (header, error) {
	var h header
	bad := func(format string, args ...any) (header, error) {
		return h, fmt.Errorf("bad .npy header: "+format, args...)
	}
	p := &scanner{s: s}
	if !p.eat('{') {
		return bad("it is not a dictionary")
	}
	seen := map[string]bool{}
	for !p.eat('}') {
		key, ok := p.str()
		if !ok || !p.eat(':') {
			return bad("expected 'key': value at byte %d", p.i)
		}
		if seen[key] {
			return bad("key %q occurs twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			d, ok := p.str()
			if !ok {
				return bad("descr is not a plain type; structured types cannot be read, save one array per file")
			}
			if err := h.setType(d); err != nil {
				return h, err
			}
		case "fortran_order":
			switch w := p.word(); w {
			case "True":
				h.fortran = true
			case "False":
			default:
				return bad("fortran_order is %q, not True or False", w)
			}
		case "shape":
			if !p.eat('(') {
				return bad("shape is not a tuple")
			}
			for !p.eat(')') {
				w := strings.TrimSuffix(p.word(), "L") // Python 2 wrote long integers with an L
				d, err := strconv.Atoi(w)
				if err != nil || d < 0 {
					return bad("shape has the extent %q", w)
				}
				if h.dims = append(h.dims, d); len(h.dims) > 32 {
					return bad("shape has more than 32 dimensions")
				}
				if !p.eat(',') && !p.at(')') {
					return bad("shape is not a tuple of integers")
				}
			}
		default:
			return bad("unknown key %q", key)
		}
		if !p.eat(',') && !p.at('}') {
			return bad("expected , or } at byte %d", p.i)
		}
	}
	for _, k := range []string{"descr", "fortran_order", "shape"} {
		if !seen[k] {
			return bad("key %q is missing", k)
		}
	}
	if p.skip(); p.i < len(s) {
		return bad("text after the dictionary")
	}
	return h, nil
}

func (h *header) setType(d string) error {
	t := d
	if len(t) > 0 && strings.ContainsRune("<>|=", rune(t[0])) {
		h.big = t[0] == '>'
		t = t[1:]
	}
	if len(t) == 2 {
		h.typ = Type{t[0], int(t[1] - '0')}
		if h.typ.valid() {
			return nil
		}
	}
	return fmt.Errorf("elements of type %q cannot be read; f2 f4 f8, i1 to i8, u1 to u8 and b1 can: convert with a.astype('f4')", d)
}

type scanner struct {
	s string
	i int
}

func (p *scanner) skip() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n\x00", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *scanner) at(c byte) bool {
	p.skip()
	return p.i < len(p.s) && p.s[p.i] == c
}

func (p *scanner) eat(c byte) bool {
	if p.at(c) {
		p.i++
		return true
	}
	return false
}

func (p *scanner) str() (string, bool) {
	p.skip()
	if p.i >= len(p.s) || p.s[p.i] != '\'' && p.s[p.i] != '"' {
		return "", false
	}
	end := strings.IndexByte(p.s[p.i+1:], p.s[p.i])
	if end < 0 {
		return "", false
	}
	v := p.s[p.i+1 : p.i+1+end]
	p.i += end + 2
	return v, true
}

func (p *scanner) word() string {
	p.skip()
	j := p.i
	for p.i < len(p.s) && (p.s[p.i] >= '0' && p.s[p.i] <= '9' || p.s[p.i]|32 >= 'a' && p.s[p.i]|32 <= 'z' || p.s[p.i] == '-') {
		p.i++
	}
	return p.s[j:p.i]
}

func shapeText(dims []int) string {
	parts := make([]string, len(dims))
	for i, d := range dims {
		parts[i] = strconv.Itoa(d)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
