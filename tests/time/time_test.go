// Package time runs programs that integrate, choose their steps and end themselves on every target: the same bits, the same steps, the
// same samples, and a wafer that needs no host inside a stretch between two looks.
package time

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

const fluid = `
grid g { x: 0 .. 1 in 7; y: 0 .. 1 in 5 periodic }
field u on g = 1 + x*sin(2*pi*y)
field v on g = 0.5*x
bc u { x.lo: u = 1 + 0.1*sin(3*t); x.hi: dn(u) = 0 }
bc v { all: dn(v) = 0 }
`

// cases are evolves of fluid, by name.
func cases() map[string]string {
	out := map[string]string{}
	for _, by := range []string{"euler", "rk2", "ssprk3", "rk4", "rk23", "ab2"} {
		out[by] = "evolve t from 0 to 0.011 step 0.002 by " + by + " { dt(u) = 0.1*lap(u) - v*u;  dt(v) = 0.1*lap(v) + u }\n"
	}
	for _, by := range []string{"backward_euler", "crank_nicolson", "bdf2"} {
		out[by] = "evolve t from 0 to 0.05 step 0.02 by " + by + "(bicgstab(tol = 1e-5)) { dt(u) = 0.1*lap(u) - v;  dt(v) = 0.1*lap(v) + u }\n"
	}
	for _, by := range []string{"imex", "cnab2"} {
		out[by] = "evolve t from 0 to 0.05 step 0.02 by " + by + "(cg(tol = 1e-5)) { dt(u) = implicit(0.1*lap(u)) - u*v }\n"
	}
	out["cfl"] = "evolve t from 0 to 0.05 step cfl(0.5, speed = (u, v), diffusion = 0.1, every = 2) by ssprk3 { dt(u) = 0.1*lap(u) - upwind((u, v), u) }\n" +
		"monitor mass = sum(u) every 0.01\n"
	out["leapfrog"] = "evolve t from 0 to 0.1 step cfl(0.5, speed = (1 + 0.3*sin(20*t), 1 + 0*u)) { dt(dt(u)) = lap(u);  dt(v) = u }\nmonitor top = max(u) every 0.03\n"
	out["adaptive"] = "evolve t from 0 to 0.3 step adaptive(1e-4, first = 0.1) { dt(u) = 0.1*lap(u) - u*u;  dt(v) = u }\nmonitor top = max(u) every 3 steps\n"
	out["steady"] = "evolve t from 0 until steady(v; 3e-1, every 7) step auto { dt(v) = lap(v) }\n"
	out["until"] = "evolve t from 0 to 5 until mean(u') < 0.9 or t > 0.5 step 0.002 { dt(u) = -u }\n"
	out["random"] = "evolve t from 0 to 0.05 step 0.01 { u' = u + 0.1*random(4);  v' = v + random(4, 1) }\n"
	return out
}

func TestTargetsAgree(t *testing.T) {
	targets := []wfc.Target{wfc.Wafer}
	if _, err := native.Find(""); err == nil {
		targets = append(targets, wfc.CPU)
	}
	for name, text := range cases() {
		t.Run(name, func(t *testing.T) {
			mesh := "3x2" // blocks of several points; tests/control has one point per PE
			if strings.Contains(text, "bicgstab") {
				mesh = "7x3" // the code for coupled equations on larger blocks does not fit
			}
			{
				var w, h int
				fmt.Sscanf(mesh, "%dx%d", &w, &h)
				p, err := wfc.Build(wfc.Source{Name: "case.wf", Text: fluid + text}, wfc.BuildOptions{MeshW: w, MeshH: h})
				if err != nil {
					t.Fatal(err)
				}
				if p.Refusal != nil {
					t.Fatal(p.Refusal)
				}
				want, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Interp, Order: p})
				if err != nil {
					t.Fatal(err)
				}
				for _, target := range targets {
					opt := wfc.RunOptions{Target: target}
					if target != wfc.Wafer {
						opt.Order = p
					}
					got, err := p.Run(context.Background(), opt)
					if err != nil {
						t.Fatalf("%s: %v", target, err)
					}
					if got.Steps != want.Steps || got.Time != want.Time || fmt.Sprint(got.Samples) != fmt.Sprint(want.Samples) {
						t.Fatalf("%s on %s: %d steps to %v with samples %v, the interpreter has %d, %v, %v", target, mesh, got.Steps, got.Time, got.Samples,
							want.Steps, want.Time, want.Samples)
					}
					for f, a := range want.Arrays {
						for k := range a.Len() {
							if x, y := a.At(k), got.Arrays[f].At(k); math.Float64bits(x) != math.Float64bits(y) {
								t.Fatalf("%s on %s: %s[%d] = %v, the interpreter has %v", target, mesh, f, k, y, x)
							}
						}
					}
				}
			}
		})
	}
}

// A run on the wafer that stops at a checkpoint goes on, on any target, with the bits of a run that never stopped.
func TestRestartAcrossTargets(t *testing.T) {
	for _, name := range []string{"ab2", "leapfrog", "adaptive", "bdf2", "random"} {
		p, err := wfc.Build(wfc.Source{Name: "case.wf", Text: fluid + cases()[name]}, wfc.BuildOptions{MeshW: 3, MeshH: 2})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		whole, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer, OutDir: dir, Checkpoints: &runtime.Checkpoints{Dir: dir, Steps: 2}})
		if err != nil {
			t.Fatal(name, err)
		}
		from := filepath.Join(dir, "checkpoints", "step-0000000002")
		if _, err := os.Stat(from); err != nil {
			t.Fatal(err)
		}
		for _, target := range []wfc.Target{wfc.Wafer, wfc.Interp} {
			opt := wfc.RunOptions{Target: target, Restart: from}
			if target == wfc.Interp {
				opt.Order = p
			}
			part, err := p.Run(context.Background(), opt)
			if err != nil {
				t.Fatal(name, target, err)
			}
			for f, a := range whole.Arrays {
				for k := range a.Len() {
					if x, y := a.At(k), part.Arrays[f].At(k); math.Float64bits(x) != math.Float64bits(y) {
						t.Fatalf("%s on %s: %s[%d] = %v, want %v", name, target, f, k, y, x)
					}
				}
			}
		}
	}
}
