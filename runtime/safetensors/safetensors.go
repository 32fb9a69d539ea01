// Package safetensors reads and writes the safetensors format: a little-endian u64 N, N bytes of JSON that name every tensor with its
// type, shape and byte range, then the bytes (https://github.com/huggingface/safetensors, README "Format").
//
// A file is data, not a program, and a header cannot lie: names are distinct, ranges have the length that type and shape give, and
// cover the buffer without holes or overlaps. [Open] checks all of it before a byte of a tensor is read, so that a cut file is found at
// once. Tensors are read one by one, from the file, in row-major order.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
)

// DType is the type of the elements.
type DType string

// The types of the format. Those whose elements are smaller than a byte are F4, F6E2M3 and F6E3M2.
const (
	Bool       DType = "BOOL"
	F4         DType = "F4"
	F6E2M3     DType = "F6_E2M3"
	F6E3M2     DType = "F6_E3M2"
	U8         DType = "U8"
	I8         DType = "I8"
	F8E5M2     DType = "F8_E5M2"
	F8E4M3     DType = "F8_E4M3"
	F8E8M0     DType = "F8_E8M0"
	F8E4M3FNUZ DType = "F8_E4M3FNUZ"
	F8E5M2FNUZ DType = "F8_E5M2FNUZ"
	I16        DType = "I16"
	U16        DType = "U16"
	F16        DType = "F16"
	BF16       DType = "BF16"
	I32        DType = "I32"
	U32        DType = "U32"
	F32        DType = "F32"
	C64        DType = "C64"
	F64        DType = "F64"
	I64        DType = "I64"
	U64        DType = "U64"
)

var bits = map[DType]int64{Bool: 8, F4: 4, F6E2M3: 6, F6E3M2: 6, U8: 8, I8: 8, F8E5M2: 8, F8E4M3: 8, F8E8M0: 8, F8E4M3FNUZ: 8, F8E5M2FNUZ: 8,
	I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64}

// Bits is the size of an element, 0 for an unknown type.
func (d DType) Bits() int { return int(bits[d]) }

// Limits of the format.
const (
	MaxHeader = 100_000_000 // bytes of JSON
	maxRank   = 64
	metaKey   = "__metadata__"
)

// Entry is a tensor as the header describes it.
type Entry struct {
	Name  string
	DType DType
	Shape []int
	begin int64 // in the buffer
	size  int64
}

// Len is the number of elements.
func (e *Entry) Len() int {
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	return n
}

// Bytes is the size of the data.
func (e *Entry) Bytes() int64 { return e.size }

// byteSize is the size that type and shape give.
func byteSize(d DType, shape []int) (int64, error) {
	b, ok := bits[d]
	if !ok {
		return 0, fmt.Errorf("unknown type %q", d)
	}
	if len(shape) > maxRank {
		return 0, fmt.Errorf("%d dimensions", len(shape))
	}
	n := int64(1)
	if slices.Contains(shape, 0) {
		n = 0
	}
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("a dimension of %d", s)
		}
		if n > 0 && int64(s) > (1<<56)/n {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n *= int64(s)
	}
	if n*b%8 != 0 {
		return 0, fmt.Errorf("%d elements of %d bits are no whole number of bytes", n, b)
	}
	return n * b / 8, nil
}

// Header is what a file holds.
type Header struct {
	Entries []Entry // in the order of their data
	Meta    map[string]string
	index   map[string]int
	data    int64 // where the buffer starts
}

// Entry finds a tensor, or nil.
func (h *Header) Entry(name string) *Entry {
	if i, ok := h.index[name]; ok {
		return &h.Entries[i]
	}
	return nil
}

// ErrCut is wrapped by errors about files that end too early.
var ErrCut = errors.New("the file is cut")

// ReadHeader reads and checks the header of a file of size bytes.
func ReadHeader(r io.ReaderAt, size int64) (*Header, error) {
	var head [8]byte
	if size < 8 {
		return nil, fmt.Errorf("%w: %d bytes, not even the length of the header", ErrCut, size)
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > MaxHeader {
		return nil, fmt.Errorf("not a safetensors file: a header of %d bytes (at most %d)", n, MaxHeader)
	}
	if int64(n) > size-8 {
		return nil, fmt.Errorf("%w: a header of %d bytes in a file of %d", ErrCut, n, size)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, 8); err != nil && !(err == io.EOF && n == 0) {
		return nil, err
	}
	if n == 0 || text[0] != '{' {
		return nil, fmt.Errorf("not a safetensors file: the header does not begin with {")
	}
	h, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	h.data = int64(8 + n)
	return h, h.cover(size - h.data)
}

// cover sorts the entries by their place and checks that they fill the buffer exactly.
func (h *Header) cover(size int64) error {
	sort.SliceStable(h.Entries, func(i, j int) bool {
		a, b := &h.Entries[i], &h.Entries[j]
		if a.begin != b.begin {
			return a.begin < b.begin
		}
		return a.size < b.size // empty ones first
	})
	h.index = make(map[string]int, len(h.Entries))
	at := int64(0)
	for i := range h.Entries {
		e := &h.Entries[i]
		h.index[e.Name] = i
		if e.begin != at {
			return fmt.Errorf("tensor %q begins at byte %d of the data, the one before ends at %d", e.Name, e.begin, at)
		}
		at += e.size
	}
	switch {
	case at > size:
		return fmt.Errorf("%w: the tensors have %d bytes, the file holds %d", ErrCut, at, size)
	case at < size:
		return fmt.Errorf("%d bytes follow the last tensor", size-at)
	}
	return nil
}

type rawEntry struct {
	DType   *DType  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// parseHeader reads the JSON token by token, because a decoder into a map would hide names that occur twice.
func parseHeader(text []byte) (*Header, error) {
	h := &Header{Meta: map[string]string{}}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("a name is expected, not %v", t)
		}
		if seen[name] {
			return nil, fmt.Errorf("the name %q occurs twice", name)
		}
		seen[name] = true
		if name == metaKey {
			if err := d.Decode(&h.Meta); err != nil {
				return nil, fmt.Errorf("%s: %w", metaKey, err)
			}
			continue
		}
		var raw rawEntry
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		e, err := raw.entry(name)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		h.Entries = append(h.Entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if rest := bytes.TrimRight(text[d.InputOffset():], " "); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the JSON object", len(rest))
	}
	return h, nil
}

func (r *rawEntry) entry(name string) (Entry, error) {
	e := Entry{Name: name}
	if r.DType == nil || r.Shape == nil || len(r.Offsets) != 2 {
		return e, fmt.Errorf("dtype, shape and two data_offsets are expected")
	}
	e.DType, e.Shape = *r.DType, make([]int, len(r.Shape))
	for i, s := range r.Shape {
		e.Shape[i] = int(s)
		if int64(e.Shape[i]) != s {
			return e, fmt.Errorf("a dimension of %d", s)
		}
	}
	n, err := byteSize(e.DType, e.Shape)
	if err != nil {
		return e, err
	}
	e.begin, e.size = r.Offsets[0], n
	if e.begin < 0 || r.Offsets[1] < e.begin || r.Offsets[1]-e.begin != n {
		return e, fmt.Errorf("bytes %d to %d for %v of %s, which has %d", r.Offsets[0], r.Offsets[1], e.Shape, e.DType, n)
	}
	return e, nil
}

// File is an open file.
type File struct {
	Header
	Path string
	r    io.ReaderAt
	c    io.Closer
}

// Open opens a file and checks its header.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	h, err := ReadHeader(f, st.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &File{Header: *h, Path: path, r: f, c: f}, nil
}

// Decode reads a file held in memory; name is for messages.
func Decode(name string, b []byte) (*File, error) {
	r := bytes.NewReader(b)
	h, err := ReadHeader(r, int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &File{Header: *h, Path: name, r: r}, nil
}

// Close closes the file.
func (f *File) Close() error {
	if f.c == nil {
		return nil
	}
	return f.c.Close()
}

// Read returns the bytes of a tensor.
func (f *File) Read(name string) ([]byte, error) {
	e := f.Entry(name)
	if e == nil {
		return nil, fmt.Errorf("%s holds no tensor %q", f.Path, name)
	}
	b := make([]byte, e.size)
	if _, err := f.r.ReadAt(b, f.data+e.begin); err != nil && !(err == io.EOF && e.size == 0) {
		return nil, fmt.Errorf("%s: tensor %q: %w", f.Path, name, err)
	}
	return b, nil
}
