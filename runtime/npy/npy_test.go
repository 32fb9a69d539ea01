package npy

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// raw makes a file from a version, header text and element bytes.
func raw(version byte, header string, data []byte) []byte {
	b := append([]byte(magic), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), data...)
}

func TestReadNumpyTypes(t *testing.T) {
	cases := []struct {
		descr string
		data  []byte
		want  []float64
	}{
		{"<f8", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, []float64{1.5}},
		{">f8", []byte{0x3f, 0xf8, 0, 0, 0, 0, 0, 0}, []float64{1.5}},
		{"<f4", []byte{0, 0, 0xc0, 0xbf}, []float64{-1.5}},
		{">f4", []byte{0xbf, 0xc0, 0, 0}, []float64{-1.5}},
		{"<f2", []byte{0x00, 0x3e, 0x01, 0x00}, []float64{1.5, 0x1p-24}},
		{">i4", []byte{0xff, 0xff, 0xff, 0xfe}, []float64{-2}},
		{"<i2", []byte{0xfe, 0xff}, []float64{-2}},
		{"<i8", []byte{1, 0, 0, 0, 0, 0, 0, 0x80}, []float64{math.MinInt64}},
		{"<u8", []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, []float64{0x1p63}},
		{"|u1", []byte{200, 3}, []float64{200, 3}},
		{"|i1", []byte{200}, []float64{-56}},
		{"|b1", []byte{1, 0}, []float64{1, 0}},
	}
	for _, c := range cases {
		size := int(c.descr[2] - '0')
		h := "{'descr': '" + c.descr + "', 'fortran_order': False, 'shape': (" + itoa(len(c.data)/size) + ",), }\n"
		for version := byte(1); version <= 3; version++ {
			a, err := Decode(raw(version, h, c.data))
			if err != nil {
				t.Fatalf("%s: %v", c.descr, err)
			}
			for k, w := range c.want {
				if got := a.Float(k); got != w {
					t.Errorf("%s element %d: got %v, want %v", c.descr, k, got, w)
				}
			}
		}
	}
}

func itoa(n int) string { return string(rune('0' + n)) }

func TestFortranOrder(t *testing.T) {
	// np.asfortranarray([[1,2,3],[4,5,6]]) stores 1 4 2 5 3 6.
	a, err := Decode(raw(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", []byte{1, 4, 2, 5, 3, 6}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 2, 3, 4, 5, 6}; !bytes.Equal(a.Data, want) {
		t.Errorf("got %v, want %v", a.Data, want)
	}
	// A 3-D array of two-byte elements: element (i,j,k) has value 100i+10j+k.
	var f []byte
	for k := range 4 {
		for j := range 3 {
			for i := range 2 {
				f = binary.BigEndian.AppendUint16(f, uint16(100*i+10*j+k))
			}
		}
	}
	a, err = Decode(raw(2, `{"shape": (2L, 3L, 4L), "fortran_order": True, "descr": ">u2"}`, f))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range 2 {
		for j := range 3 {
			for k := range 4 {
				if v, ok := a.Int(n); !ok || v != int64(100*i+10*j+k) {
					t.Errorf("(%d,%d,%d) is %d", i, j, k, v)
				}
				n++
			}
		}
	}
}

func TestWriteIsNumpysLayout(t *testing.T) {
	x := ir.NewTensor(ir.F32, 2, 3)
	copy(x.F32, []float32{1, 2, 3, 4, 5, float32(math.Inf(-1))})
	var b bytes.Buffer
	if err := Write(&b, FromTensor(x)); err != nil {
		t.Fatal(err)
	}
	head := "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
	if !strings.HasPrefix(b.String(), head) || b.Len() != 128+24 || b.Bytes()[127] != '\n' {
		t.Fatalf("unexpected bytes %q", b.String()[:min(b.Len(), 140)])
	}
	for _, e := range []ir.Elem{ir.F64, ir.F32, ir.F16, ir.I32, ir.Bool} {
		x := ir.NewTensor(e, 2, 2)
		for k := range 4 {
			v := float64(k % 2)
			switch e {
			case ir.F64:
				x.F64[k] = v + 1e-9
			case ir.F32, ir.F16:
				x.F32[k] = float32(v + 0.25)
			default:
				x.I32[k] = int32(v)
			}
		}
		b.Reset()
		if err := Write(&b, FromTensor(x)); err != nil {
			t.Fatal(err)
		}
		a, err := Decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		y, err := a.Tensor(e)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(x, y); d != "" {
			t.Errorf("%s: %s", e, d)
		}
	}
	scalar := ir.NewTensor(ir.I32)
	scalar.I32[0] = 7
	b.Reset()
	if err := Write(&b, FromTensor(scalar)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "'shape': ()") {
		t.Errorf("a scalar's shape is not (): %q", b.String())
	}
}

func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		f := ieee.HalfTo64(uint16(h))
		if math.IsNaN(f) {
			continue
		}
		if g := ieee.HalfFrom64(f); g != uint16(h) {
			t.Fatalf("%#04x -> %v -> %#04x", h, f, g)
		}
	}
	// Ties to even between neighbours, and one bit to either side of the tie.
	for h := uint16(0); h < 0x7bff; h++ {
		mid := (ieee.HalfTo64(h) + ieee.HalfTo64(h+1)) / 2
		even := h + h&1
		if ieee.HalfFrom64(mid) != even || ieee.HalfFrom64(math.Nextafter(mid, 0)) != h || ieee.HalfFrom64(math.Nextafter(mid, 1e9)) != h+1 {
			t.Fatalf("rounding near %#04x", h)
		}
	}
	if ieee.HalfFrom64(65519.999) != 0x7bff || ieee.HalfFrom64(65520) != 0x7c00 || ieee.HalfFrom64(math.Inf(-1)) != 0xfc00 {
		t.Error("overflow")
	}
}

func TestConversionErrors(t *testing.T) {
	a := &Array{Type: Type{'f', 8}, Dims: []int{2, 2}, Data: make([]byte, 32)}
	binary.LittleEndian.PutUint64(a.Data[24:], math.Float64bits(0.5))
	if _, err := a.Tensor(ir.I32); err == nil || !strings.Contains(err.Error(), "element [1 1] is 0.5") {
		t.Errorf("got %v", err)
	}
	b := &Array{Type: Type{'u', 8}, Dims: []int{1}, Data: []byte{1, 0, 0, 0, 1, 0, 0, 0}}
	if _, err := b.Tensor(ir.I32); err == nil {
		t.Error("2^32+1 became an i32")
	}
	// 2^25+1 as f32 rounds once to 2^25 (ties to even), 2^25+3 to 2^25+4.
	c := &Array{Type: Type{'i', 8}, Dims: []int{1}, Data: []byte{3, 0, 0, 2, 0, 0, 0, 0}}
	if x, err := c.Tensor(ir.F32); err != nil || x.F32[0] != 1<<25+4 {
		t.Errorf("got %v, %v", x, err)
	}
}

// Each hostile file ends in an error that says what is wrong.
func TestHostile(t *testing.T) {
	head := func(descr, shape string) []byte {
		return raw(1, "{'descr': '"+descr+"', 'fortran_order': False, 'shape': "+shape+", }", make([]byte, 8))
	}
	cases := []struct {
		name, want string
		b          []byte
	}{
		{"empty", "fewer than", nil},
		{"magic", "does not begin", []byte("PK\x03\x04 and more")},
		{"version", "version 9.0 is unknown", []byte(magic + "\x09\x00\x00\x00")},
		{"cut length", "cut inside its header length", []byte(magic + "\x01\x00\x01")},
		{"cut header", "the header should have", []byte(magic + "\x01\x00\xff\x00{")},
		{"long header", "longer than the limit", raw(2, strings.Repeat(" ", 1<<17), nil)},
		{"no dict", "not a dictionary", raw(1, "descr", nil)},
		{"key", "unknown key", raw(1, "{'a': 1}", nil)},
		{"twice", "occurs twice", raw(1, "{'descr': '<f4', 'descr': '<f4'}", nil)},
		{"missing", `"shape" is missing`, raw(1, "{'descr': '<f4', 'fortran_order': False}", nil)},
		{"tail", "text after", raw(1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", nil)},
		{"huge", "needs more bytes than a file can have", head("<f8", "(4611686018427387904, 4)")},
		{"large", "needs 8000000000000 bytes, 8 are there", head("<f8", "(1000000, 1000000)")},
		{"long", "4 bytes after its last element", head("<f4", "(1,)")},
		{"negative", `extent "-1"`, head("<f4", "(-1,)")},
		{"object", `type "|O" cannot be read`, head("|O", "(1,)")},
		{"complex", `type "<c8" cannot be read`, head("<c8", "(1,)")},
		{"structured", "structured types", raw(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", nil)},
		{"order", "not True or False", raw(1, "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", nil)},
		{"dims", "more than 32", head("<f4", "("+strings.Repeat("1,", 40)+")")},
	}
	for _, c := range cases {
		if _, err := Decode(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestNPZ(t *testing.T) {
	x := ir.NewTensor(ir.F32, 3)
	x.F32[1] = 2
	y := ir.NewTensor(ir.I32)
	in := []Named{{"T", FromTensor(x)}, {"n", FromTensor(y)}}
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := WriteNPZFile(path, in); err != nil {
		t.Fatal(err)
	}
	out, err := ReadNPZFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 2 || out[0].Name != "T" || out[1].Name != "n" || !bytes.Equal(out[0].Data, in[0].Data) {
		t.Errorf("got %v", out)
	}
	first, _ := os.ReadFile(path)
	if err := WriteNPZFile(path, in); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(first, again) {
		t.Error("the same arrays gave other bytes")
	}
	if _, err := ReadNPZ(bytes.NewReader(first[:len(first)-10]), int64(len(first)-10)); err == nil {
		t.Error("a cut .npz was read")
	}
}

// Whatever the bytes, Decode returns an array that is as large as its file, or an error; what it reads it can write and read again.
func FuzzRead(f *testing.F) {
	f.Add(raw(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", make([]byte, 8)))
	f.Add(raw(2, "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 0, 3), }", nil))
	f.Add(raw(3, "{'descr': '|b1', 'fortran_order': True, 'shape': (1, 2), }", make([]byte, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Decode(b)
		if err != nil {
			return
		}
		if len(a.Data) > len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(a.Data))
		}
		var w bytes.Buffer
		if err := Write(&w, a); err != nil {
			t.Fatal(err)
		}
		c, err := Decode(w.Bytes())
		if err != nil || !bytes.Equal(a.Data, c.Data) || !cmp.Equal(a.Dims, c.Dims) || a.Type != c.Type {
			t.Fatalf("round trip: %v", err)
		}
		if _, err := a.Tensor(ir.F32); err != nil {
			t.Fatal(err)
		}
	})
}

// View is Decode without the copy, in every order of bytes and axes.
func TestView(t *testing.T) {
	head := func(descr, fortran, shape string) string {
		h := "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + "}"
		return "\x93NUMPY\x01\x00" + string([]byte{byte(len(h)), 0}) + h
	}
	for _, file := range []string{head("<u2", "False", "(2,)") + "\x01\x02\x03\x04", head(">u2", "False", "(2,)") + "\x01\x02\x03\x04",
		head("|u1", "True", "(2, 2)") + "\x01\x02\x03\x04", head("<i8", "False", "(0,)"), head("<i4", "False", "()") + "\x01\x02\x03\x04"} {
		b := []byte(file)
		want, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := View(b)
		if err != nil || !bytes.Equal(got.Data, want.Data) || got.Type != want.Type || !slices.Equal(got.Dims, want.Dims) {
			t.Errorf("%q: %v, %v, want %v", file, got, err, want)
		}
	}
	b := []byte(head("<u2", "False", "(2,)") + "\x01\x02\x03\x04")
	a, err := View(b)
	if err != nil || &a.Data[0] != &b[len(b)-4] {
		t.Error("the elements were copied", err)
	}
	for _, cut := range [][]byte{b[:len(b)-1], b[:20], b[:7], append(b, 0)} {
		if _, err := View(cut); err == nil {
			t.Errorf("%q was read", cut)
		}
	}
}
