package tokens

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wfc-lang/wfc/runtime/npy"
)

// list is the tokens of a sequence.
func list(t *Tokens) []int32 {
	out := make([]int32, t.Len())
	if len(out) > 0 {
		t.Read(out, 0)
	}
	return out
}

// Joined, cut and joined again, tokens of any width are what they are in one piece: alone, in windows and for a sampler.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var flat []int32
		var parts []*Tokens
		for range rapid.IntRange(1, 6).Draw(r, "files") {
			ids := rapid.SliceOfN(rapid.Int32Range(0, 127), 0, 30).Draw(r, "ids")
			width := rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(r, "width")
			b := make([]byte, width*len(ids))
			for i, id := range ids {
				b[i*width] = byte(id)
			}
			k := whole(part{b: b, width: width, signed: rapid.Bool().Draw(r, "signed")})
			if n := k.Len(); n > 0 && rapid.Bool().Draw(r, "cut") {
				at := rapid.IntRange(0, n).Draw(r, "at")
				k = Join(k.Slice(0, at), k.Slice(at, n))
			}
			flat, parts = append(flat, ids...), append(parts, k)
		}
		all := Join(parts...)
		if d := cmp.Diff(list(Of(flat)), list(all)); d != "" {
			r.Fatal(d)
		}
		for i, want := range flat {
			if all.At(i) != want {
				r.Fatalf("token %d is %d, want %d", i, all.At(i), want)
			}
		}
		if len(flat) < 2 {
			return
		}
		i := rapid.IntRange(0, len(flat)-1).Draw(r, "i")
		j := rapid.IntRange(i, len(flat)).Draw(r, "j")
		if d := cmp.Diff(list(Of(flat[i:j])), list(all.Slice(i, j))); d != "" {
			r.Fatalf("%d to %d: %s", i, j, d)
		}
		m, at, err := all.largest()
		if err != nil || m != slices.Max(flat) || flat[at] != m || slices.Index(flat, m) != at {
			r.Fatalf("largest %d at %d, %v", m, at, err)
		}
		ctx := rapid.IntRange(1, len(flat)-1).Draw(r, "context")
		a, errA := NewSampler(Of(flat), Shuffle, 5, ctx, Cursor{})
		b, errB := NewSampler(all, Shuffle, 5, ctx, Cursor{})
		if errA != nil || errB != nil {
			r.Fatal(errA, errB)
		}
		x, y, u, v := make([]int32, 2*ctx), make([]int32, 2*ctx), make([]int32, 2*ctx), make([]int32, 2*ctx)
		for range 5 {
			a.Next(x, y)
			b.Next(u, v)
			if !slices.Equal(x, u) || !slices.Equal(y, v) || a.Cursor() != b.Cursor() {
				r.Fatalf("%v %v, want %v %v", u, v, x, y)
			}
		}
	})
}

// shards writes the same tokens in every format, and a text.
func shards(t *testing.T) (dir string) {
	dir = t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	le := binary.LittleEndian
	text := []byte("abcdefghij")
	bare := []byte{}
	for _, c := range text {
		bare = le.AppendUint16(bare, uint16(c))
	}
	write("a.txt", text)
	write("bare.bin", bare)
	head := make([]byte, 1024)
	for i, v := range []uint32{llmcMagic, 1, uint32(len(text))} {
		le.PutUint32(head[4*i:], v)
	}
	write("llmc.bin", append(head, bare...))
	for name, typ := range map[string]npy.Type{"u1": {Kind: 'u', Size: 1}, "u2": {Kind: 'u', Size: 2}, "i4": {Kind: 'i', Size: 4}, "i8": {Kind: 'i', Size: 8}} {
		a := &npy.Array{Type: typ, Dims: []int{len(text)}}
		for _, c := range text {
			a.Data = append(append(a.Data, c), make([]byte, typ.Size-1)...)
		}
		f, err := os.Create(filepath.Join(dir, name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		if err := npy.Write(f, a); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []string{Byte, GPT2} {
		if _, err := Prepare([]string{filepath.Join(dir, "a.txt")}, k, filepath.Join(dir, k+".tok")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Files of all formats, and texts, become one sequence in the order they are named in; each gives its end to validation.
func TestSeveralFiles(t *testing.T) {
	dir := shards(t)
	in := func(names ...string) (out []string) {
		for _, n := range names {
			out = append(out, filepath.Join(dir, n))
		}
		return out
	}
	files := in("u2.npy", "bare.bin", "a.txt", "llmc.bin", "byte.tok", "i4.npy", "u1.npy", "i8.npy")
	d, err := Load(files, Options{Kind: Char, Means: Byte, Val: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	text := func(k *Tokens) string {
		b := make([]byte, 0, k.Len())
		for _, id := range list(k) {
			b = append(b, byte(id))
		}
		return string(b)
	}
	if got := text(d.Train); got != strings.Repeat("abcdefgh", 8) {
		t.Errorf("trained on %q", got)
	}
	if got := text(d.Val); got != strings.Repeat("ij", 8) {
		t.Errorf("held back %q", got)
	}
	if d.Vocab != 256 || d.Tokenizer == nil || d.Tokenizer.Spec().Kind != Byte {
		t.Errorf("vocabulary %d", d.Vocab)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	// A file says its tokenizer, and so that of a text beside it. What is held back may be several files.
	d, err = Load(in("a.txt", "byte.tok"), Options{Kind: Char, ValFiles: in("byte.tok", "a.txt")})
	if err != nil {
		t.Fatal(err)
	}
	if text(d.Train) != "abcdefghijabcdefghij" || text(d.Val) != "abcdefghijabcdefghij" || d.Tokenizer.Spec().Kind != Byte {
		t.Errorf("%q and %q", text(d.Train), text(d.Val))
	}
	// Nobody says what these tokens mean: the largest is the vocabulary, and known by its place.
	d, err = Load(in("bare.bin", "u2.npy"), Options{Kind: Char, Val: 0.5})
	if err != nil || d.Tokenizer != nil || d.Vocab != 'j'+1 || !strings.Contains(d.Largest, "place 9 of "+files[1]) {
		t.Errorf("%+v, %v", d, err)
	}
}

// Documents are kept apart by GPT-2's token, whether the files are texts, tokens or were joined by tokenize; one that is there is not doubled.
func TestDocuments(t *testing.T) {
	dir := shards(t)
	txt, tok := filepath.Join(dir, "a.txt"), filepath.Join(dir, "gpt2.tok")
	ended := filepath.Join(dir, "ended.tok")
	if err := WriteFile(ended, append(list(mustOpen(t, tok)), EndOfText), EndOfText+1, GPT2); err != nil {
		t.Fatal(err)
	}
	joined := filepath.Join(dir, "joined.tok")
	if _, err := Prepare([]string{txt, txt, txt}, GPT2, joined); err != nil {
		t.Fatal(err)
	}
	want := list(mustOpen(t, joined))
	for _, files := range [][]string{{txt, txt, txt}, {tok, tok, tok}, {tok, txt, tok}, {ended, ended, tok}, {joined}} {
		d, err := Load(files, Options{Kind: GPT2})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, list(d.Train)); diff != "" {
			t.Errorf("%v: %s", files, diff)
		}
	}
}

func mustOpen(t *testing.T, path string) *Tokens {
	t.Helper()
	k, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What is wrong is said with its file and place.
func TestSeveralRefused(t *testing.T) {
	dir := shards(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	save := func(name string, b []byte) {
		if err := os.WriteFile(in(name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(in("i4.npy"))
	if err != nil {
		t.Fatal(err)
	}
	save("cut.npy", good[:len(good)-2])
	negative := slices.Clone(good)
	copy(negative[len(negative)-4:], []byte{255, 255, 255, 255})
	save("negative.npy", negative)
	save("odd.bin", []byte{1, 0, 2})
	save("large.bin", []byte{1, 0, 0, 3})
	save("latin.txt", []byte("ab\xff"))
	if err := WriteFile(in("few.tok"), []int32{1, 2}, 3, ""); err != nil {
		t.Fatal(err)
	}
	low, err := os.ReadFile(in("few.tok"))
	if err != nil {
		t.Fatal(err)
	}
	low[12] = 2
	save("low.tok", low)
	matrix := &npy.Array{Type: npy.Type{Kind: 'u', Size: 2}, Dims: []int{1, 1}, Data: []byte{1, 0}}
	f, err := os.Create(in("matrix.npy"))
	if err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(f, matrix); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, c := range []struct {
		files []string
		o     Options
		want  string
	}{
		{[]string{"u2.npy", "cut.npy"}, Options{}, "cut.npy: .npy file is cut"},
		{[]string{"u2.npy", "odd.bin"}, Options{}, "odd.bin: 3 bytes are no 16-bit tokens"},
		{[]string{"u2.npy", "negative.npy"}, Options{}, "negative.npy: the number -1 at place 9 is no token"},
		{[]string{"u2.npy", "matrix.npy"}, Options{}, "matrix.npy: tokens are whole numbers in one dimension"},
		{[]string{"u2.npy", "low.tok"}, Options{}, "low.tok: token 2 at place 1 of a file that states a vocabulary of 2"},
		{[]string{"u2.npy", "large.bin"}, Options{Means: Byte}, "large.bin: token 768 at place 1: the tokenizer byte has 256"},
		{[]string{"byte.tok", "gpt2.tok"}, Options{}, "gpt2.tok has tokens of the tokenizer gpt2"},
		{[]string{"bare.bin", "a.txt"}, Options{Kind: Byte}, "bare.bin does not say whose tokens it has"},
		{[]string{"bare.bin", "a.txt"}, Options{Kind: Char, Means: Char}, "bare.bin does not say whose tokens it has"},
		{[]string{"a.txt", "latin.txt"}, Options{Kind: Char}, "latin.txt: byte 2 is no UTF-8"},
		{[]string{"byte.tok"}, Options{Use: gpt2{}}, "byte.tok has tokens of the tokenizer byte, the run those of gpt2"},
	} {
		var files []string
		for _, n := range c.files {
			files = append(files, in(n))
		}
		if _, err := Load(files, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.files, err, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"b.bin", "a.bin", "a*", "c.tok"} {
		if err := os.WriteFile(filepath.Join(dir, n), []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	got, err := Expand([]string{"c.tok", "*.bin", "a*", "none"})
	if d := cmp.Diff([]string{"c.tok", "a.bin", "b.bin", "a*", "none"}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, bad := range []string{"*.npy", "[a"} {
		if _, err := Expand([]string{bad}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
