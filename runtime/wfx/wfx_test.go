package wfx

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() *File {
	return &File{Program: "heat", Machine: "wse2", SourceName: "heat.wf", Source: "param n = 4\n", IR: "program heat\n",
		Report: []byte("{}\n"), Train: []byte("{}\n"), Mesh: "mesh\n", Code: "machine\n"}
}

func encode(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	refused := sample()
	refused.Code, refused.Refusal = "", "error WF0401: too large\n"
	for _, f := range []*File{sample(), refused} {
		b := encode(t, f)
		if !bytes.Equal(b, encode(t, f)) {
			t.Error("the same program gave other bytes")
		}
		g, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(f, g); d != "" {
			t.Error(d)
		}
	}
	path := filepath.Join(t.TempDir(), "a.wfx")
	if err := WriteFile(path, sample()); err != nil {
		t.Fatal(err)
	}
	if g, err := ReadFile(path); err != nil || g.Program != "heat" {
		t.Errorf("%v %v", g, err)
	}
}

// Every file in testdata is of a released version and must load for ever.
func TestOldVersionsLoad(t *testing.T) {
	files, err := filepath.Glob("testdata/*.wfx")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		f, err := ReadFile(path)
		if err != nil {
			t.Error(err)
		} else if f.IR == "" || f.Program == "" {
			t.Errorf("%s: no program", path)
		}
	}
}

// archive makes a zip file of name, contents pairs.
func archive(t *testing.T, method uint16, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: pairs[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostile(t *testing.T) {
	good := encode(t, sample())
	flipped := bytes.Clone(good)
	flipped[bytes.Index(flipped, []byte("program heat"))]++
	huge := bytes.Clone(good)
	at := bytes.LastIndex(huge, []byte("source.wf")) - 46 + 20 // sizes in the directory entry
	binary.LittleEndian.PutUint32(huge[at:], 0xfffffff0)
	binary.LittleEndian.PutUint32(huge[at+4:], 0xfffffff0)
	m := `{"format":"wfx","version":1}`
	many := make([]string, 0, 200)
	for i := range 100 {
		many = append(many, strings.Repeat("x", i+1), "")
	}
	cases := []struct {
		name, want string
		b          []byte
	}{
		{"empty", "not a .wfx file", nil},
		{"text", "not a .wfx file", []byte("field T = 1\n")},
		{"cut", "cut", good[:len(good)-30]},
		{"flipped", "is damaged", flipped},
		{"huge", "more than the file has", huge},
		{"other zip", "first section is not manifest.json", archive(t, zip.Store, "a.txt", "hello")},
		{"no entries", "first section", archive(t, zip.Store)},
		{"bomb", "are stored", archive(t, zip.Deflate, "manifest.json", m, "source.wf", strings.Repeat("0", 1<<20))},
		{"twice", "occurs twice", archive(t, zip.Store, "manifest.json", m, "a", "", "a", "")},
		{"many", "at most 64", archive(t, zip.Store, many...)},
		{"format", "does not say so", archive(t, zip.Store, "manifest.json", `{"version":1}`)},
		{"version", "version 7 of the .wfx format", archive(t, zip.Store, "manifest.json", `{"format":"wfx","version":7}`)},
		{"missing", "program.wfir is missing", archive(t, zip.Store, "manifest.json", m, "source.wf", "")},
		{"runs", "disagree", archive(t, zip.Store, "manifest.json", m, "source.wf", "", "program.wfir", "", "report.json", "", "machine.txt", "")},
		{"binary", "not UTF-8", archive(t, zip.Store, "manifest.json", m, "source.wf", "\xff")},
	}
	for _, c := range cases {
		if _, err := Decode(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// Sections a later release may add without a new version are skipped.
func TestUnknownSection(t *testing.T) {
	f, err := Decode(archive(t, zip.Store, "manifest.json", `{"format":"wfx","version":1,"program":"p"}`, "source.wf", "", "program.wfir", "x",
		"report.json", "{}", "future.bin", "\xff"))
	if err != nil || f.Program != "p" || f.IR != "x" {
		t.Errorf("%v %v", f, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encode(f, sample()))
	if b, err := os.ReadFile("testdata/v1.wfx"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := Decode(b)
		if err != nil {
			return
		}
		if n := len(g.Source) + len(g.IR) + len(g.Report) + len(g.Mesh) + len(g.Code) + len(g.Refusal); n > len(b) {
			t.Fatalf("%d bytes held %d", len(b), n)
		}
		h, err := Decode(encode(t, g))
		if err != nil {
			t.Fatal(err)
		}
		if g.Report == nil {
			g.Report = []byte{}
		}
		if d := cmp.Diff(g, h); d != "" {
			t.Fatal(d)
		}
	})
}
