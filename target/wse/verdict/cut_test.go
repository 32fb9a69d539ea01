package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/verdict"
)

// A cut mesh has the verdict of the whole one, also when the program is broken; and verdicts do not depend on chance.
func TestCutAgrees(t *testing.T) {
	kinds := map[string]int{}
	for i, c := range []struct {
		text string
		w, h int
	}{
		{"grid g nodes { x: 60; y: 3; z: 12 }\nfield T on g = 1\nbc T { all: T = 0 }\nevolve k in 0 .. 3 { T'[x,y,z] = 0.4*T[x,y,z] + 0.1*T[x+1,y,z] + 0.2*T[x,y-1,z] }\n", 60, 3},
		{"grid g nodes { x: 160 periodic; z: 9 }\nfield T on g = 1\nbc T { z: T = 0 }\nevolve k in 0 .. 3 { T'[x,z] = 0.4*T[x,z] + 0.1*T[x+1,z] + 0.2*T[x-1,z] }\n", 160, 1},
		{"grid g nodes { x: 90; z: 6 }\nfield T on g = 1\nbc T { all: T = 0 }\nevolve k in 0 .. 3 { T'[x,z] = 0.4*T[x,z] + 0.1*T[x+3,z] + 0.2*T[x-2,z] }\n", 90, 1},
	} {
		p, m := compiled(t, wfc.Source{Name: "cut.wf", Text: c.text}, wfc.BuildOptions{Machine: []string{"wse2", "wse3"}[i%2], MeshW: c.w, MeshH: c.h})
		if p == nil {
			t.Fatal("does not fit")
		}
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for n := range 2 * len(mutations) {
			code, err := wse.Parse("", wse.Print(p.Code))
			if err != nil {
				t.Fatal(err)
			}
			name := "as it is"
			if n > 0 {
				mu := mutations[n%len(mutations)]
				if name = mu.name; !mu.f(code, r) {
					continue
				}
			}
			cut, err := judge(t, p, code, m)
			if err != nil {
				continue
			}
			again, _ := judge(t, p, code, m)
			if cut.String() != again.String() {
				t.Errorf("%s: two verdicts:\n%v\n%v", name, cut, again)
			}
			launches, _, _ := codegen.Trials(p.Mesh)
			whole, err := verdict.JudgeWhole(code, m, launches)
			if err != nil {
				t.Fatal(err)
			}
			raw := verdict.JudgeCut(code, m, launches)
			if whole.Kind != raw.Kind || whole.Reason != raw.Reason || (len(whole.Races) > 0) != (len(raw.Races) > 0) || raw.PEs >= c.w*c.h {
				t.Errorf("%d, %s: the whole mesh of %d PEs: %v\ncut to %d: %v", i, name, whole.PEs, whole, raw.PEs, raw)
			}
			kinds[fmt.Sprint(whole.Kind)]++
		}
	}
	t.Log(kinds)
	if kinds["free"] < 8 || kinds["deadlocks"] < 8 {
		t.Error("too one-sided")
	}
}
