// Package machine shows that the wafer target is a machine and not a formula: what is broken in a compiled program or on the way
// between two PEs shows in the result, and what is only slower does not.
package machine

import (
	"context"
	"math"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// drift is a stencil with neighbours on both mesh axes, different in every direction. z lies in PE memory.
const drift = `
param n = 6, m = 5, nz = 6, steps = 4
grid box nodes { x: n; y: m; z: nz }
field T on box = 1 + x*0.5 - y*0.25 + 0.125*z*x
bc T { all: T = 0.5 }
evolve k in 0 .. steps {
  T'[x,y,z] = 0.4*T[x,y,z] + 0.1*T[x+1,y,z] + 0.05*T[x-1,y,z] + 0.15*T[x,y+1,z] + 0.2*T[x,y-1,z]
}
`

func build(t testing.TB, src, machine string, set map[string]string) *wfc.Program {
	t.Helper()
	p, err := wfc.Build(wfc.Source{Name: "drift.wf", Text: src}, wfc.BuildOptions{Machine: machine, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	return p
}

func profile(t testing.TB, name string) wse.Machine {
	t.Helper()
	m, err := wse.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// copyOf is a machine program that may be changed.
func copyOf(t testing.TB, p *wse.Program) *wse.Program {
	t.Helper()
	c, err := wse.Parse("", wse.Print(p))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs machine code of p on a machine.
func run(p *wfc.Program, code *wse.Program, m wse.Machine, faults ...sim.Fault) (*wfc.Result, error) {
	prep, err := runtime.Prepare(p.IR, runtime.Options{})
	if err != nil {
		return nil, err
	}
	e, err := host.New(p.IR, p.Mesh, code, m, sim.Options{Faults: faults, MaxCycles: 10_000_000})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return prep.Run(context.Background(), e)
}

func mustRun(t testing.TB, p *wfc.Program, code *wse.Program, m wse.Machine, faults ...sim.Fault) *wfc.Result {
	t.Helper()
	r, err := run(p, code, m, faults...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// different counts the elements in which two fields differ.
func different(a, b *ir.Tensor) (n int) {
	for k := 0; k < a.Len(); k++ {
		if math.Float64bits(a.At(k)) != math.Float64bits(b.At(k)) {
			n++
		}
	}
	return n
}

// inner is a sender of a region whose receiver computes with what it gets: a node that does not lie on the rim.
func inner(r wse.Route, w, h int) (x, y int, ok bool) {
	for y := r.Region.Y.Lo; y < r.Region.Y.Hi; y += r.Region.Y.Step {
		for x := r.Region.X.Lo; x < r.Region.X.Hi; x += r.Region.X.Step {
			for _, d := range []wse.Dir{wse.North, wse.East, wse.South, wse.West} {
				dx, dy := d.Delta()
				if r.Tx.Has(d) && x+dx > 0 && x+dx < w-1 && y+dy > 0 && y+dy < h-1 {
					return x, y, true
				}
			}
		}
	}
	return 0, 0, false
}

// A flipped bit of a wavelet, on any color and in any step, shows in the field.
func TestFlippedBitShows(t *testing.T) {
	for _, name := range wfc.Machines() {
		p, m := build(t, drift, name, nil), profile(t, name)
		clean := mustRun(t, p, p.Code, m)
		flipped := 0
		for _, r := range p.Code.Routes {
			x, y, ok := inner(r, p.Code.W, p.Code.H)
			if r.Rx != wse.Ramp || !ok {
				continue
			}
			for n := int64(0); n < 16; n += 5 { // 4 values in each of 4 steps
				for _, bit := range []int{22, 23, 31} {
					dirty := mustRun(t, p, p.Code, m, sim.Fault{X: x, Y: y, Color: r.Color, N: n, Bit: bit})
					if different(clean.Arrays["T"], dirty.Arrays["T"]) == 0 {
						t.Errorf("%s: bit %d of wavelet %d of color %d from PE (%d,%d) changed nothing", name, bit, n, r.Color, x, y)
					}
					flipped++
				}
			}
		}
		if flipped < 50 {
			t.Errorf("only %d bits flipped", flipped)
		}
		// The control: a fault that never happens changes nothing, and two runs are equal.
		same := mustRun(t, p, p.Code, m, sim.Fault{X: 1, Y: 1, Color: 0, N: 1 << 40, Bit: 22})
		if d := different(clean.Arrays["T"], same.Arrays["T"]); d != 0 {
			t.Errorf("%d elements differ without a fault", d)
		}
	}
}

// Shallower queues and routers change the time of a run; no value depends on them.
func TestDepthsChangeCyclesOnly(t *testing.T) {
	halve := map[string]func(*wse.Machine){
		"input queues": func(m *wse.Machine) {
			for i := range m.InQueues {
				m.InQueues[i].Depth = max(1, m.InQueues[i].Depth/2)
			}
		},
		"output queues": func(m *wse.Machine) {
			for i := range m.OutQueues {
				m.OutQueues[i].Depth = max(1, m.OutQueues[i].Depth/2)
			}
		},
		"routers": func(m *wse.Machine) { m.RouterDepth = max(1, m.RouterDepth/2) },
	}
	for _, name := range wfc.Machines() {
		p := build(t, drift, name, map[string]string{"nz": "60"})
		whole := mustRun(t, p, p.Code, profile(t, name))
		for what, f := range halve {
			m := profile(t, name)
			f(&m)
			r := mustRun(t, p, p.Code, m)
			t.Logf("%s, %s halved: %d cycles, %d with all", name, what, *r.Cycles, *whole.Cycles)
			// Output queues of one wavelet and of two are the same where the ramp is as fast as the sender.
			if *r.Cycles == *whole.Cycles && what != "output queues" {
				t.Errorf("%s: halving the %s does not change the cycles, %d", name, what, *r.Cycles)
			}
			if d := different(whole.Arrays["T"], r.Arrays["T"]); d != 0 {
				t.Errorf("%s: halving the %s changes %d values", name, what, d)
			}
		}
	}
}
