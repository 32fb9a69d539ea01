package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/ir"
)

// raw is a file with the given header text and data.
func raw(head string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(b, head...), data...)
}

func sample() []Tensor {
	return []Tensor{
		{Name: "b", DType: F32, Shape: []int{2, 1}, Data: []byte{0, 0, 128, 63, 0, 0, 0, 64}},
		{Name: "scalar", DType: I64, Shape: nil, Data: make([]byte, 8)},
		{Name: "empty", DType: F16, Shape: []int{0, 3}},
		{Name: "a", DType: F4, Shape: []int{4}, Data: []byte{1, 2}},
	}
}

func TestRoundTrip(t *testing.T) {
	var w bytes.Buffer
	if err := Write(&w, sample(), map[string]string{"format": "pt", "by": "\"test\""}); err != nil {
		t.Fatal(err)
	}
	f, err := Decode("x", w.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if f.data%8 != 0 {
		t.Errorf("the data begins at byte %d", f.data)
	}
	if d := cmp.Diff(map[string]string{"format": "pt", "by": "\"test\""}, f.Meta); d != "" {
		t.Error(d)
	}
	for _, s := range sample() {
		b, err := f.Read(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		e := f.Entry(s.Name)
		if !bytes.Equal(b, s.Data) || e.DType != s.DType || len(e.Shape) != len(s.Shape) {
			t.Errorf("%s: %v %v %v", s.Name, e, b, s.Data)
		}
	}
	if _, err := f.Read("none"); err == nil {
		t.Error("a tensor that is not there was read")
	}
	var again bytes.Buffer
	if err := Write(&again, sample(), map[string]string{"by": "\"test\"", "format": "pt"}); err != nil || !bytes.Equal(again.Bytes(), w.Bytes()) {
		t.Error("the bytes depend on more than the contents")
	}
}

// Every file cut at every byte is refused.
func TestCut(t *testing.T) {
	var w bytes.Buffer
	if err := Write(&w, sample(), nil); err != nil {
		t.Fatal(err)
	}
	for n := range w.Len() {
		if _, err := Decode("x", w.Bytes()[:n]); err == nil {
			t.Fatalf("cut at byte %d of %d: read without an error", n, w.Len())
		} else if n > 20 && !errors.Is(err, ErrCut) {
			t.Fatalf("cut at byte %d: %v", n, err)
		}
	}
	if _, err := Decode("x", append(w.Bytes(), 0)); err == nil {
		t.Error("a byte too many was read")
	}
}

func TestRefused(t *testing.T) {
	f32 := func(shape, off string) string {
		return `{"dtype":"F32","shape":` + shape + `,"data_offsets":` + off + `}`
	}
	cases := []struct{ head, want string }{
		{`[]`, "begin with {"},
		{`{"a":` + f32("[1]", "[0,4]") + `,"a":` + f32("[1]", "[0,4]") + `}`, "twice"},
		{`{"a":` + f32("[1]", "[0,4]") + `,"b":` + f32("[1]", "[0,4]") + `}`, "begins at byte 0"},
		{`{"a":` + f32("[1]", "[4,8]") + `}`, "begins at byte 4"},
		{`{"a":` + f32("[1]", "[0,8]") + `}`, "which has 4"},
		{`{"a":` + f32("[-1]", "[0,4]") + `}`, "dimension of -1"},
		{`{"a":` + f32("[4611686018427387904,16]", "[0,0]") + `}`, "too large"},
		{`{"a":` + f32("[1e3]", "[0,4]") + `}`, `tensor "a"`},
		{`{"a":{"dtype":"Q4","shape":[],"data_offsets":[0,0]}}`, "unknown type"},
		{`{"a":{"dtype":"F32","shape":[1]}}`, "data_offsets"},
		{`{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,0]}}`, "whole number of bytes"},
		{`{} x`, "follow the JSON"},
		{`{"a":`, "header"},
		{`{"__metadata__":{"a":1}}`, "metadata"},
	}
	for _, c := range cases {
		if _, err := Decode("x", raw(c.head, 0, 0, 0, 0)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.head, err, c.want)
		}
	}
	if _, err := Decode("x", binary.LittleEndian.AppendUint64(nil, math.MaxUint64)); err == nil {
		t.Error("a header of 2^64 bytes was accepted")
	}
	for _, bad := range [][]Tensor{
		{{Name: "a", DType: U8}, {Name: "a", DType: U8}},
		{{Name: "a", DType: U8, Shape: []int{2}, Data: []byte{1}}},
		{{Name: metaKey, DType: U8, Data: []byte{1}}},
	} {
		if err := Write(&bytes.Buffer{}, bad, nil); err == nil {
			t.Errorf("%v was written", bad)
		}
	}
}

func TestConversions(t *testing.T) {
	// All halves and all bfloat16 values survive a round trip (NaNs as NaNs).
	for _, d := range []DType{F16, BF16} {
		b := make([]byte, 2<<16)
		for i := range 1 << 16 {
			binary.LittleEndian.PutUint16(b[2*i:], uint16(i))
		}
		v, err := Floats(d, b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := FromFloats(d, v)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range v {
			if x == x && !bytes.Equal(b[2*i:2*i+2], back[2*i:2*i+2]) {
				t.Fatalf("%s %04x -> %v -> %x", d, i, x, back[2*i:2*i+2])
			}
		}
	}
	for _, c := range []struct {
		v    uint32
		want uint16
	}{{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x7f7fffff, 0x7f80}, {0xff800000, 0xff80}, {0x7f800001, 0x7fc0}, {0x80000001, 0x8000}} {
		if got := BF16Bits(math.Float32frombits(c.v)); got != c.want {
			t.Errorf("bf16(%08x) = %04x, want %04x", c.v, got, c.want)
		}
	}
	for _, e := range []ir.Elem{ir.Bool, ir.I32, ir.F16, ir.F32, ir.F64} {
		x := ir.NewTensor(e, 2, 3)
		for i := range 6 {
			switch {
			case x.F32 != nil:
				x.F32[i] = float32(i) * 0.5
			case x.F64 != nil:
				x.F64[i] = math.Pi * float64(i)
			case e == ir.Bool:
				x.I32[i] = int32(i % 2)
			default:
				x.I32[i] = int32(-i)
			}
		}
		s, err := FromTensor("x", x)
		if err != nil {
			t.Fatal(err)
		}
		y, err := ToTensor(&Entry{Name: "x", DType: s.DType, Shape: s.Shape}, s.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(x, y); d != "" {
			t.Errorf("%v: %s", e, d)
		}
		long := ir.NewTensor(e, 3, 1<<16-7) // several pieces, the last one short
		for i := range long.F32 {
			long.F32[i] = float32(i % 1000)
		}
		for i := range long.F64 {
			long.F64[i] = float64(i)
		}
		for i := range long.I32 {
			long.I32[i] = int32(i)
		}
		whole, err := FromTensor("x", long)
		if err != nil {
			t.Fatal(err)
		}
		var pieces bytes.Buffer
		if err := WriteTensor(&pieces, long); err != nil || !bytes.Equal(pieces.Bytes(), whole.Data) {
			t.Errorf("%v in pieces: %d bytes of %d, %v", e, pieces.Len(), len(whole.Data), err)
		}
	}
	if err := WriteStream(io.Discard, []Tensor{{Name: "a", DType: F32, Shape: []int{2}}}, nil, func(int, io.Writer) error { return nil }); err == nil {
		t.Error("a tensor without its data was written")
	}
}

func TestShards(t *testing.T) {
	dir := t.TempDir()
	var all []Tensor
	for _, n := range []string{"a", "b", "c", "d"} {
		all = append(all, Tensor{Name: n, DType: F32, Shape: []int{2}, Data: []byte{1, 2, 3, 4, 5, 6, 7, n[0]}})
	}
	files, names, index, err := Shards(all, 17)
	if err != nil || len(files) != 2 || index == nil || index.Meta.TotalSize != 32 {
		t.Fatal(files, names, index, err)
	}
	for i, f := range files {
		var w bytes.Buffer
		if err := Write(&w, f, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, names[i]), w.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write := func(ix *Index) {
		b, err := json.Marshal(ix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, IndexName), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(index)
	s, err := OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b", "c", "d"}, s.Names()); d != "" {
		t.Error(d)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	index.Map["a"] = names[1]
	write(index)
	if _, err := OpenSet(dir); err == nil || !strings.Contains(err.Error(), `"a" is not in`) {
		t.Errorf("a wrong index: %v", err)
	}
	index.Map["a"] = "../x"
	write(index)
	if _, err := OpenSet(dir); err == nil || !strings.Contains(err.Error(), "beside the index") {
		t.Errorf("a shard elsewhere: %v", err)
	}
	if _, names, ix, _ := Shards(all, 0); ix != nil || names[0] != SingleName {
		t.Error("without a limit there is one file")
	}
}

func FuzzDecode(f *testing.F) {
	var w bytes.Buffer
	if err := Write(&w, sample(), map[string]string{"a": "b"}); err != nil {
		f.Fatal(err)
	}
	f.Add(w.Bytes())
	f.Add(raw(`{"a":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,0]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode("x", b)
		if err != nil {
			return
		}
		n := int64(0)
		for i := range s.Entries {
			e := &s.Entries[i]
			data, err := s.Read(e.Name)
			if err != nil || int64(len(data)) != e.Bytes() {
				t.Fatalf("%v: %v", e, err)
			}
			n += e.Bytes()
			if x, err := ToTensor(e, data); err == nil && x.Len() != e.Len() {
				t.Fatalf("%v has %d elements", e, x.Len())
			}
		}
		if n+s.data != int64(len(b)) {
			t.Fatalf("%d bytes of data in a file of %d", n, len(b))
		}
	})
}
