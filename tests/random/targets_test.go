package random

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

var (
	cases = flag.Int("cases", 300, "random programs to compare")
	first = flag.Uint64("first", 1, "seed of the first program")
)

// Random programs give the same bits on interpreter, CPU and simulated wafer. Without LLVM the CPU is left out.
func TestTargetsAgree(t *testing.T) {
	n := *cases
	if testing.Short() {
		n = 40
	}
	count, large := map[string]int{}, 0
	_, err := native.Find("")
	native := err == nil
	if !native {
		t.Log("no LLVM: comparing interpreter and wafer only")
	}
	for s := *first; s < *first+uint64(n); s++ {
		c := New(s)
		for tag := range c.Tags {
			count[tag]++
		}
		err := compare(c, []string{"wse2", "wse3"}[s%2], native)
		if errors.Is(err, errTooLarge) {
			large++
			continue
		}
		if err != nil {
			t.Errorf("seed %d on %d x %d: %v\n%s", s, c.W, c.H, err, c.Source)
		}
	}
	if large > n/100 {
		t.Errorf("%d of %d programs are refused for their memory: the generator draws too large ones", large, n)
	}
	for _, f := range Floors {
		share := float64(count[f.Tag]) / float64(n)
		t.Logf("%-42s %5.1f %% of %d programs", f.Tag, 100*share, n)
		if n >= 300 && share < f.Share {
			t.Errorf("%s: %.1f %% of the programs, below %.0f %%", f.Tag, 100*share, 100*f.Share)
		}
	}
}

// errTooLarge is a program that a PE's memory does not hold: a correct answer, and no comparison.
var errTooLarge = errors.New("refused for its memory")

func compare(c Case, machine string, native bool) error {
	p, err := wfc.Build(wfc.Source{Name: "case.wf", Text: c.Source}, wfc.BuildOptions{Machine: machine, MeshW: c.W, MeshH: c.H})
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if slices.ContainsFunc(p.Refusal, func(d *diag.Diagnostic) bool { return d.Code == "WF0401" || d.Code == "WF0509" }) {
		return errTooLarge
	}
	if p.Refusal != nil {
		return fmt.Errorf("refused: %w", p.Refusal)
	}
	want, err := arrays(p, wfc.Interp)
	if err != nil {
		return fmt.Errorf("interp: %w", err)
	}
	targets := []wfc.Target{wfc.Wafer}
	if native {
		targets = append(targets, wfc.CPU)
	}
	for _, target := range targets {
		got, err := arrays(p, target)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		for name, a := range want {
			b := got[name]
			for k := 0; k < a.Len(); k++ {
				if x, y := a.At(k), b.At(k); math.Float64bits(x) != math.Float64bits(y) && !(x != x && y != y) {
					return fmt.Errorf("%s: %s[%d] is %v, the interpreter has %v", target, name, k, y, x)
				}
			}
		}
	}
	return nil
}

// arrays runs the program and returns the final contents of its arrays.
func arrays(p *wfc.Program, target wfc.Target) (map[string]*ir.Tensor, error) {
	order := p
	if target == wfc.Wafer {
		order = nil
	}
	res, err := p.Run(context.Background(), wfc.RunOptions{Target: target, Order: order})
	if err != nil {
		return nil, err
	}
	return res.Arrays, nil
}
