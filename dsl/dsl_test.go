package dsl_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
)

// models returns every program of the models directory.
func models(t *testing.T) []string {
	t.Helper()
	a, _ := filepath.Glob("../models/*.wf")
	b, _ := filepath.Glob("../models/*/*.wf")
	if len(a)+len(b) < 2 {
		t.Fatal("no models found")
	}
	return append(a, b...)
}

func compile(t *testing.T, path string, set map[string]string) *ir.Program {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, errs := dsl.Compile(path, string(text), dsl.Options{Set: set})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	return p
}

func TestModelsLower(t *testing.T) {
	for _, m := range models(t) {
		p := compile(t, m, nil)
		if err := ir.Verify(p); err != nil {
			t.Errorf("%s: %v\n%s", m, err, ir.Print(p))
		}
		if testing.Verbose() {
			t.Logf("%s", ir.Print(p))
		}
	}
}
