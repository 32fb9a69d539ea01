package sim

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
)

func profile(t testing.TB, name string) wse.Machine {
	t.Helper()
	m, err := wse.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(t testing.TB, name, src string) *wse.Program {
	t.Helper()
	p, err := wse.Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// load makes a simulation of a text, on the machine the text names.
func load(t testing.TB, src string, opt Options) *Sim {
	t.Helper()
	p := parse(t, "test.wse", src)
	s, err := New(p, profile(t, p.Machine), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExamples(t *testing.T) {
	files, _ := filepath.Glob("../examples/*.wse")
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			p := parse(t, filepath.Base(f), string(src))
			s, err := New(p, profile(t, p.Machine), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = s.RunScript(context.Background(), &out)
			if strings.HasPrefix(filepath.Base(f), "deadlock") {
				var d *Deadlock
				if !errors.As(err, &d) {
					t.Fatalf("expected a deadlock, got %v", err)
				}
				t.Log(err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Log(out.String())
		})
	}
}
