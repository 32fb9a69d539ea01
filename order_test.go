package wfc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/cpu/native"
	"github.com/wfc-lang/wfc/target/wse"
)

const sums = `param nz = %d
grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 5; z: 0 .. 1 in nz }
field T on g = sin(9*x) + 0.3*cos(5*y) + z*z
field u on g = 1/(1.3 + x + 2*y*z)
bc T { all: dn(T) = 0 }
evolve k in 0 .. 3 {
  T' = T + 0.1*lap(T)/nz^2 + 0.01*sum(T*u)/nz
  u' = u + 0.001*max(abs(T)) - 1e-4*sum(u*u)/nz
}
probe a = T at (x = 0.5, y = 0.5, z = 0.5)
monitor m = sum(T)
monitor n = min(u)
monitor q = sum(where(z > 0.3, T*T, 0))
`

// Long folds in memory are trees, with one and with several columns in a PE. Interpreter and CPU replay them to the bit.
func TestFoldsInMemoryReplay(t *testing.T) {
	for _, c := range []struct{ nz, mesh int }{{31, 0}, {33, 2}, {64, 3}} {
		p := mustBuild(t, "sums.wf", fmt.Sprintf(sums, c.nz), BuildOptions{MeshW: c.mesh, MeshH: c.mesh})
		if p.Code == nil {
			t.Fatal(p.Refusal)
		}
		trees := 0
		for _, o := range p.Mesh.Orders {
			for _, a := range o.Order.Chain {
				if a.Parts == c.nz {
					trees++
				}
			}
		}
		if want := c.nz >= 32; trees > 0 != want {
			t.Errorf("nz = %d: %d folds are trees", c.nz, trees)
		}
		want := runIn(t, p, RunOptions{})
		for _, o := range []RunOptions{{Engine: PlainEngine}, {Target: Interp, Order: p}, {Target: CPU, Order: p}} {
			got, err := p.Run(context.Background(), o)
			if errors.Is(err, native.ErrNoToolchain) {
				t.Log(err)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []string{"T", "u"} {
				if !slices.Equal(want.Arrays[f].F32, got.Arrays[f].F32) {
					t.Errorf("nz = %d on %d x %d PEs: %s differs on %s %s", c.nz, p.Mesh.W, p.Mesh.H, f, o.Target, o.Engine)
				}
			}
			for _, m := range []string{"m", "n", "q"} {
				if want.Probes[m] != got.Probes[m] {
					t.Errorf("nz = %d: %s is %v and %v on %s %s", c.nz, m, want.Probes[m], got.Probes[m], o.Target, o.Engine)
				}
			}
		}
	}
}

const failing = `param most = %d
grid box { x: 6;  y: 6;  z: 40 }
field T on box = where(x > 3, 1, 0) + where(z > 20, 1, 0)
bc T { x: T = 0;  y: dn(T) = 0;  z: T = 0 }
evolve n in 0 .. 1 {
  solve T' - 50*lap(T') = T for T' using cg(tol = 1e-6, max = most)
}
`

// The history of a solve is one store per iteration, not a select over all of it, and says what the interpreter's says.
func TestHistoryIsStored(t *testing.T) {
	for _, most := range []int{3, 9, 33} {
		p := mustBuild(t, "failing.wf", fmt.Sprintf(failing, most), BuildOptions{})
		text := wse.Print(p.Code)
		if !strings.Contains(text, "%put") || strings.Contains(text, "map.select.f32 T.cg2.trace[0 : 32]") {
			t.Fatalf("max = %d: the history is not stored", most)
		}
		_, err := p.Run(context.Background(), RunOptions{})
		_, want := p.Run(context.Background(), RunOptions{Target: Interp, Order: p})
		if err == nil || want == nil || err.Error() != want.Error() || !strings.Contains(err.Error(), "WF0631") {
			t.Errorf("max = %d: %v\nthe interpreter says %v", most, err, want)
		}
	}
}
