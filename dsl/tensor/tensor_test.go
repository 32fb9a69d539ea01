package tensor

import (
	"os"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

func buildText(t *testing.T, name, text string, set map[string]string) *Program {
	t.Helper()
	f, errs := syntax.Parse(name, text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	p, list := Build(f, Options{Set: set})
	if p == nil || list.HasErrors() {
		t.Fatal(list)
	}
	if err := ir.Verify(p.IR); err != nil {
		t.Fatal(err)
	}
	return p
}

func modelText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../models/" + name + ".wf")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGPT2Builds(t *testing.T) {
	p := buildText(t, "gpt2.wf", modelText(t, "gpt2"), nil)
	t.Log(ir.Print(p.IR))
}
