package wse

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc/internal/diag"
)

func examples(t testing.TB) map[string]string {
	t.Helper()
	files, _ := filepath.Glob("examples/*.wse")
	if len(files) < 4 {
		t.Fatalf("found %d examples", len(files))
	}
	out := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(b)
	}
	return out
}

func TestExamplesAreLegalAndRoundTrip(t *testing.T) {
	for name, src := range examples(t) {
		for _, file := range []string{name, ""} {
			p, err := Parse(file, src)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Profile(p.Machine)
			if err != nil {
				t.Fatal(err)
			}
			if err := Check(p, m); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			text := Print(p)
			q, err := Parse("", text)
			if err != nil {
				t.Fatalf("%s: printed text does not parse: %v\n%s", name, err, text)
			}
			if d := cmp.Diff(p, q); d != "" {
				t.Errorf("%s: round trip changed the program:\n%s", name, d)
			}
			if again := Print(q); again != text {
				t.Errorf("%s: printing is not stable", name)
			}
		}
	}
}

func TestParseErrorsAreLocated(t *testing.T) {
	head := "machine wse2\nmesh 2 2\n"
	nest := strings.Repeat("if 0 == 0 {\n", maxNesting+1)
	for _, c := range []struct{ src, code, at, says string }{
		{"machine wse2\nmesh 0 1", "WF0500", "t:2:6", "whole number"},
		{head + "class a { at x 0..1 y }", "WF0500", "t:3:23", "a coordinate"},
		{head + "route color 1 at x 0..1 y 0..1 rx up tx east", "WF0500", "t:3:35", "a port"},
		{head + "class a { task m local 8 { frob.f32 u[0] = 1 } }", "WF0500", "t:3:28", "no operation"},
		{head + "class a { task m local 8 { add.u16 u[0] = 1, 2 } }", "WF0500", "t:3:28", "does not take"},
		{head + "class a { task m local 8 { add.f32 u[0] = 1 } }", "WF0500", "t:3:45", "takes 2 sources"},
		{head + "class a { task m local 8 { mov.u16 u[0] = 70000 } }", "WF0500", "t:3:43", "no constant"},
		{head + "class a { task m local 8 { " + nest, "WF0501", "", "deeper"},
		{head + "class a { array u f32[99999999999] }", "WF0500", "t:3:23", "length"},
		{head + "class \"a", "WF0500", "t:3:7", "no end"},
		{head + "class a { ?", "WF0500", "t:3:11", "unexpected character"},
		{head + "class a {", "WF0500", "t:3:10", "the end of the text"},
	} {
		_, err := Parse("t", c.src)
		var l diag.List
		if !errors.As(err, &l) || len(l) != 1 {
			t.Errorf("%q: error %v", c.src, err)
			continue
		}
		if l[0].Code != c.code || !strings.Contains(l[0].Message, c.says) || c.at != "" && l[0].Primary.String() != c.at {
			t.Errorf("%q: got %v", c.src, l[0])
		}
		if _, ok := diag.Lookup(l[0].Code); !ok {
			t.Errorf("%s is not in the catalogue", l[0].Code)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range examples(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Parse("", src)
		if err != nil {
			return
		}
		text := Print(p)
		q, err := Parse("", text)
		if err != nil {
			t.Fatalf("printed text does not parse: %v\n%s", err, text)
		}
		if again := Print(q); again != text {
			t.Fatalf("not stable:\n%s\n%s", text, again)
		}
		if m, err := Profile("wse2"); err == nil && len(p.Classes) < 50 {
			Verify(p, m) // must not panic
		}
	})
}
