package tensor

import (
	"os"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// Every block of the language page builds and trains, and is in the one format.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/language-tensors.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(b), "```wf\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		text, _, ok := strings.Cut(block, "```")
		if !ok {
			t.Fatal("a block is not closed")
		}
		set := map[string]string{"ctx": "10", "vocab": "8", "steps": "6"}
		if !strings.Contains(text, "d = ") {
			delete(set, "d")
		}
		p := buildText(t, "docs.wf", text, set)
		if err := p.Plan.Check(p.IR); err != nil {
			t.Error(err)
		}
		first, last := trained(t, p, 6)
		if !(last < first) {
			t.Errorf("the loss goes from %.5f to %.5f:\n%s", first, last, text)
		}
		tree, _ := syntax.Parse("docs.wf", text)
		if got := string(syntax.Print(tree)); got != text {
			t.Errorf("not in the format:\n%s\nbut\n%s", text, got)
		}
	}
}
