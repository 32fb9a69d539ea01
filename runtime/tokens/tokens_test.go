package tokens

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	texts := []string{"", "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak.", "naïve café — 東京 🙂  two  spaces\t\n\n\n x",
		"a\x01\x7f \x7f\x7f!\x01 x\x7fy", "don't they'll I'm we've 12345 x1y2 <|endoftext|> !!", strings.Repeat("a line of text\nand\n\n\nanother  \n x", 9000)}
	for _, kind := range Kinds() {
		for _, text := range texts {
			tk, err := For(kind, []byte(text+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			ids, err := tk.Encode([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				if id < 0 || int(id) >= tk.Vocab() {
					t.Fatalf("%s: token %d of %d", kind, id, tk.Vocab())
				}
			}
			back, err := tk.Decode(ids)
			if err != nil || string(back) != text {
				t.Errorf("%s: %.40q came back as %.40q, %v", kind, text, back, err)
			}
			again, err := New(tk.Spec())
			if err != nil {
				t.Fatal(err)
			}
			if other, err := again.Encode([]byte(text)); err != nil || !cmp.Equal(ids, other) {
				t.Errorf("%s: the specification makes another tokenizer: %v", kind, err)
			}
			if _, err := tk.Decode([]int32{int32(tk.Vocab())}); err == nil {
				t.Errorf("%s: a token outside the vocabulary was decoded", kind)
			}
			if _, err := tk.Decode([]int32{-1}); err == nil {
				t.Errorf("%s: token -1 was decoded", kind)
			}
		}
	}
}

// Published token numbers of GPT-2.
func TestGPT2(t *testing.T) {
	tk, err := New(Spec{Kind: GPT2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tk.Encode([]byte("Hello world, this is a test."))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int32{15496, 995, 11, 428, 318, 257, 1332, 13}, got); d != "" {
		t.Error(d)
	}
	// Cutting a long text must not show: the library sees it whole here.
	text := strings.Repeat("The quick brown fox\n\n jumps 12 over\nthe lazy dog's back. \n\n\nEnd\n", 4000)
	whole, _, err := r50k().Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := tk.Encode([]byte(text))
	if err != nil || len(parts) != len(whole) {
		t.Fatalf("%d tokens in parts, %d whole, %v", len(parts), len(whole), err)
	}
	for i := range parts {
		if uint(parts[i]) != whole[i] {
			t.Fatalf("token %d is %d in parts, %d whole", i, parts[i], whole[i])
		}
	}
	b, err := tk.Decode([]int32{15496, EndOfText, 995})
	if err != nil || string(b) != "Hello<|endoftext|> world" {
		t.Errorf("%q %v", b, err)
	}
}

func TestRefused(t *testing.T) {
	if _, err := New(Spec{Kind: "sentence"}); err == nil {
		t.Error("an unknown kind was made")
	}
	for _, s := range []string{"", "aa", "\xff"} {
		if _, err := New(Spec{Kind: Char, Chars: s}); err == nil {
			t.Errorf("characters %q were taken", s)
		}
	}
	if _, err := For(Char, []byte("a\xffb")); err == nil {
		t.Error("bytes that are no text were taken as characters")
	}
	tk, err := For(Char, []byte("abc"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tk.Encode([]byte("abd")); err == nil || !strings.Contains(err.Error(), `"d" at byte 2`) {
		t.Errorf("an unknown character: %v", err)
	}
}

// The counts published for nanoGPT's preparation of tinyshakespeare; WFC_TINYSHAKESPEARE names the file.
func TestShakespeare(t *testing.T) {
	path := os.Getenv("WFC_TINYSHAKESPEARE")
	if path == "" {
		t.Skip("WFC_TINYSHAKESPEARE names no file")
	}
	d, err := Load([]string{path}, Options{Kind: GPT2, Val: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 301966 || d.Val.Len() != 36059 {
		t.Errorf("GPT-2: %d and %d tokens", d.Train.Len(), d.Val.Len())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := d.Tokenizer.Encode(text); err != nil || len(ids) != 338025 {
		t.Errorf("GPT-2: %d tokens in all, %v", len(ids), err)
	}
	if d, err = Load([]string{path}, Options{Kind: Char, Val: 0.1}); err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 1003854 || d.Val.Len() != 111540 || d.Vocab != 65 {
		t.Errorf("characters: %d, %d, vocabulary %d", d.Train.Len(), d.Val.Len(), d.Vocab)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, vocab := range []int{256, 1 << 17} {
		ids := make([]int32, 1000)
		for i := range ids {
			ids[i] = int32(rand.N(vocab))
		}
		path := filepath.Join(dir, "x.tok")
		if err := WriteFile(path, ids, vocab, ""); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Len() != 1000 || f.Vocab() != vocab {
			t.Fatal(f.Len(), f.Vocab())
		}
		for i, id := range ids {
			if f.At(i) != id {
				t.Fatalf("token %d is %d, was %d", i, f.At(i), id)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{len(b) - 1, headerLen, headerLen - 1, 3} {
			if _, err := decode(b[:n], false); err == nil {
				t.Errorf("a file cut to %d bytes was read", n)
			}
		}
	}
	if err := WriteFile(filepath.Join(dir, "y.tok"), []int32{7}, 7, ""); err == nil {
		t.Error("a token outside the vocabulary was written")
	}
	if m, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(m) > 0 {
		t.Errorf("left behind: %v", m)
	}
	llmc := make([]byte, 1024+4)
	for i, v := range []uint32{llmcMagic, 1, 2} {
		binary.LittleEndian.PutUint32(llmc[4*i:], v)
	}
	llmc[1024], llmc[1026] = 5, 6
	if f, err := decode(llmc, true); err != nil || f.Len() != 2 || f.At(1) != 6 {
		t.Errorf("llm.c: %v", err)
	}
	if _, err := decode(llmc[:1026], true); err == nil {
		t.Error("a cut llm.c file was read")
	}
	if f, err := decode([]byte{1, 0, 2, 1}, true); err != nil || f.At(1) != 258 {
		t.Errorf("nanoGPT: %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b := write("a", strings.Repeat("é", 10)), write("b", "0123456789")
	d, err := Load([]string{a, b}, Options{Kind: Byte, Val: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 14+7 || d.Val.Len() != 6+3 || d.Train.At(14) != '0' || d.Val.At(6) != '7' {
		t.Errorf("%d and %d tokens", d.Train.Len(), d.Val.Len())
	}
	if d, err = Load([]string{b}, Options{Kind: Char, ValFiles: []string{a}}); err != nil || d.Train.Len() != 10 || d.Val.Len() != 10 || d.Vocab != 11 {
		t.Error(d, err)
	}
	tok := filepath.Join(dir, "c.tok")
	if err := WriteFile(tok, make([]int32, 100), 50, ""); err != nil {
		t.Fatal(err)
	}
	if d, err = Load([]string{tok}, Options{Val: 0.1}); err != nil || d.Train.Len() != 90 || d.Val.Len() != 10 || d.Vocab != 50 {
		t.Error(d, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	empty := write("empty", "")
	for _, bad := range [][]string{{}, {empty}, {dir}, {filepath.Join(dir, "none")}, {tok, a}} {
		if _, err := Load(bad, Options{Kind: Byte}); err == nil {
			t.Errorf("%v was loaded", bad)
		}
	}
	if _, err := Load([]string{a}, Options{Kind: Byte, Val: 1}); err == nil {
		t.Error("nothing was left to train on")
	}
}

// A token file made piece by piece holds the tokens that Load makes of the texts.
func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i, text := range []string{strings.Repeat("Some words, a number 12 and\nlines.\n\n  Indented text\n", 170000), "short", strings.Repeat("x", chunk+10)} {
		p := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	for kind, files := range map[string][]string{Byte: paths, GPT2: paths[:2]} {
		out := filepath.Join(dir, kind+".tok")
		n, err := Prepare(files, kind, out)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load([]string{out}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := Load(files, Options{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		if got.Tokenizer == nil || got.Tokenizer.Spec().Kind != kind || got.Vocab != want.Vocab || got.Train.Len() != want.Train.Len() || int(n) != want.Train.Len() {
			t.Fatalf("%s: %d tokens, %d by Load", kind, n, want.Train.Len())
		}
		for i := range got.Train.Len() {
			if got.Train.At(i) != want.Train.At(i) {
				t.Fatalf("%s: token %d is %d, %d by Load", kind, i, got.Train.At(i), want.Train.At(i))
			}
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Prepare(paths, Char, filepath.Join(dir, "x")); err == nil {
		t.Error("a file of characters was made")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(magic+strings.Repeat("\x02\x00\x00\x00", 14)), true)
	f.Add([]byte("\x93NUMPY\x01\x00\x3c\x00{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }    \x05\x00\x06\x00"), false)
	f.Fuzz(func(t *testing.T, b []byte, bare bool) {
		k, err := decode(b, bare)
		if err != nil {
			return
		}
		m, at, err := k.largest()
		if k.Len() > len(b) || err == nil && (m >= 0) != (k.Len() > 0) || err == nil && k.Len() > 0 && k.At(at) != m {
			t.Fatal(k.Len(), m, at, err)
		}
	})
}

func FuzzGPT2(f *testing.F) {
	f.Add([]byte("a\n\n b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tk := gpt2{}
		ids, err := tk.Encode(b)
		if err != nil {
			return
		}
		// Bytes that are no UTF-8 become the replacement character in the library.
		if back, err := tk.Decode(ids); err != nil || !bytes.Equal(back, b) && bytes.Equal(bytes.ToValidUTF8(b, nil), b) {
			t.Fatalf("%q -> %q, %v", b, back, err)
		}
	})
}
