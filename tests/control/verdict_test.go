package control

import (
	"testing"

	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/verdict"
)

// judge gives the verdict on the machine code.
func judge(b *built) (verdict.Verdict, error) {
	launches, loaded, shared := codegen.Trials(b.mesh)
	return verdict.Judge(b.code, b.m, verdict.Options{Launches: launches, Loaded: loaded, Shared: shared})
}

// A solver of unknown trip count has a definite verdict.
func TestVerdictOfASolver(t *testing.T) {
	for _, trees := range []bool{false, true} {
		b, err := build(cg(t, 5, 6, 7), "wse2", 5, 6, trees)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := judge(b); err != nil || v.Kind != verdict.Free || len(v.Races) > 0 {
			t.Errorf("%v, %v", v, err)
		}
		// Without the warrant that all PEs load the same, it must not decide.
		launches, _, _ := codegen.Trials(b.mesh)
		if v, err := verdict.Judge(b.code, b.m, verdict.Options{Launches: launches}); err != nil || v.Kind != verdict.Undecided || v.Reason != verdict.ReasonData {
			t.Errorf("%v, %v", v, err)
		}
	}
}
