package mms

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Draws in f32 on interpreter, CPU and a small wafer: equal bits, whatever the positions, conditions, spacing and schemes. Meshes smaller
// than the grid make blocks of cells, so that faces, their ends and ghosts meet in one PE.
func TestTargetsAgree(t *testing.T) {
	_, err := native.Find("")
	native := err == nil
	fits := 0
	for k := range 16 {
		r := rand.New(rand.NewPCG(uint64(k), 11))
		p := Transport(r, 1+k%2)
		if k%5 == 4 {
			p = Acoustics(r)
		}
		n, mesh := 8, 3+k%4
		src := p.Source(n)
		prog, err := wfc.Build(wfc.Source{Name: "mms.wf", Text: src}, wfc.BuildOptions{MeshW: mesh, MeshH: mesh})
		if err != nil {
			t.Fatalf("%s: %v\n%s", p.Name, err, src)
		}
		if prog.Refusal != nil { // too much code for one PE: an answer
			t.Logf("%s on %d x %d PEs: %v", p.Name, mesh, mesh, prog.Refusal)
			continue
		}
		fits++
		run := func(target wfc.Target) *wfc.Result {
			opt := wfc.RunOptions{Target: target}
			if target != wfc.Wafer {
				opt.Order = prog
			}
			res, err := prog.Run(context.Background(), opt)
			if err != nil {
				t.Fatalf("%s on %s: %v\n%s", p.Name, target, err, src)
			}
			return res
		}
		want := run(wfc.Interp)
		targets := []wfc.Target{wfc.Wafer}
		if native {
			targets = append(targets, wfc.CPU)
		}
		for _, target := range targets {
			if err := same(run(target), want); err != nil {
				t.Errorf("%s on %s, %d x %d PEs: %v\n%s", p.Name, target, mesh, mesh, err, src)
			}
		}
	}
	if fits < 10 {
		t.Errorf("only %d programs fit", fits)
	}
}

func same(got, want *wfc.Result) error {
	for name, a := range want.Arrays {
		b := got.Arrays[name]
		if b == nil || b.Len() != a.Len() {
			return fmt.Errorf("no %s, or of another size", name)
		}
		for k := range a.Len() {
			if math.Float64bits(a.At(k)) != math.Float64bits(b.At(k)) {
				return fmt.Errorf("%s[%d] is %v, on the interpreter %v", name, k, b.At(k), a.At(k))
			}
		}
	}
	return nil
}
