package random

import (
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// Every case is in the grammar.
func TestCasesParse(t *testing.T) {
	for s := uint64(0); s < 300; s++ {
		for _, c := range []Case{New(s), Large(s)} {
			if _, errs := syntax.Parse("case.wf", c.Source); errs.HasErrors() {
				t.Fatalf("seed %d: %v\n%s", s, errs, c.Source)
			}
		}
	}
}
