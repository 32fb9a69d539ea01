package tensor

import (
	"bytes"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Elaborating a source again gives the same text of the IR and the same plan, byte for byte.
func TestDeterministic(t *testing.T) {
	for _, name := range []string{"gpt2", "btlm", "llama"} {
		text := modelText(t, name)
		first := buildText(t, name+".wf", text, nil)
		plan, err := first.Plan.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			p := buildText(t, name+".wf", text, nil)
			again, err := p.Plan.JSON()
			if err != nil {
				t.Fatal(err)
			}
			if ir.Print(p.IR) != ir.Print(first.IR) || !bytes.Equal(plan, again) {
				t.Errorf("%s: another result", name)
			}
		}
	}
}
