package control

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
)

// program is a source with the mesh it is compiled for.
type program struct {
	name, text string
	w, h       int
}

const implicitText = `
param n = 12
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n periodic }
field T on g = 1 + x*sin(2*pi*y)
bc T { x.lo: T = 0; x.hi: dn(T) = 0 }
evolve t from 0 to 0.02 step 0.01 {
  solve T' - step*lap(T') = T for T' using METHOD
}
`

const poissonText = `
param n = 8
grid g { GRID }
field p on g = 0
field f on g = SOURCE
BC
evolve k in 0 .. 1 {
  solve -lap(p') = f for p' WITH using multigrid(tol = 1e-4, max = 30)
}
`

func programs() []program {
	var out []program
	add := func(name, text string, w, h int) { out = append(out, program{name, text, w, h}) }
	for _, m := range []string{"cg(tol = 1e-5)", "cg(tol = 1e-5, norm = max)", "cg(tol = 1e-5, pre = diagonal)", "bicgstab(tol = 1e-5)",
		"bicgstab(tol = 1e-5, pre = diagonal)", "gmres(4, tol = 1e-4)", "jacobi(tol = 1e-3, max = 500)", "chebyshev(tol = 1e-4)"} {
		add(m, strings.ReplaceAll(implicitText, "METHOD", m), 5, 4)
	}
	add("cg, a cell per PE", strings.ReplaceAll(implicitText, "METHOD", "cg(tol = 1e-5)"), 12, 12)
	for i, c := range [][4]string{
		{"x: 0 .. 1 in n; y: 0 .. 1 in n", "sin(pi*x)*sin(pi*y)", "bc p { all: p = 0 }", ""},
		{"x: 0 .. 1 in n; y: 0 .. 1 in n", "cos(pi*x)*cos(2*pi*y)", "bc p { all: dn(p) = 0 }", "with mean(p') = 0"},
		{"x: 0 .. 1 in n periodic; y: 0 .. 1 in n periodic", "sin(2*pi*x)*sin(4*pi*y)", "", "with mean(p') = 0"},
	} {
		add(fmt.Sprint("multigrid ", i), strings.NewReplacer("GRID", c[0], "SOURCE", c[1], "BC", c[2], "WITH", c[3]).Replace(poissonText), 4, 4)
	}
	decay := "grid g { x: 0 .. 1 in 6 periodic; y: 0 .. 1 in 4 }\nfield u on g = 1 + x\n"
	add("until", decay+"evolve t from 0 until mean(u') < 0.5 step 0.05 { dt(u) = -u }\n", 3, 4)
	add("until, at most", decay+"evolve t from 0 to 0.395 until mean(u') < 0.5 step 0.05 { dt(u) = -u }\noutput u every 0.1 as npy\n", 3, 4)
	add("adaptive", decay+"evolve t from 0 to 0.5 step adaptive(1e-4, first = 0.1) { dt(u) = -u*u }\n", 3, 2)
	add("steady", "grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 6 }\nfield T on g = x\nbc T { x.lo: T = 0; x.hi: T = 1; y: dn(T) = 0 }\n"+
		"evolve t from 0 until steady(T; 1e-3, every 5) step auto { dt(T) = lap(T) }\n", 3, 3)
	add("loops", `
grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 4 }
field u on g = x + y
field total = 0
bc u { all: dn(u) = 0 }
loop k in 1 .. 4 {
  loop j in 0 .. 3 {
    if j < k { u' = u + 0.01*lap(u) } else { u' = 0.5*u }
  }
}
loop x = 100 while x > 1 max 50 { x' = x/2; total' = total + 1 }
`, 3, 2)
	add("integrators", decay+"bc u { y: dn(u) = 0 }\nevolve t from 0 to 0.02 step 0.01 by rk4 { dt(u) = 0.01*lap(u) - u }\n", 3, 2)
	add("projection on a staggered grid", `
param Re = 100
grid box { x: 0 .. 1 in 8; y: 0 .. 1 in 8 }
field u on box.x = 0
field v on box.y = 0
field p on box = 0
bc (u, v) { y.hi: u = 1, v = 0; others: noslip }
bc p { all: dn(p) = 0 }
evolve t from 0 to 0.1 until steady(u, v, tol = 1e-3, every = 100) step cfl(0.5, speed = (u, v), diffusion = 1/Re) {
  let us = u + step*(lap(u)/Re - adv((u, v), u))
  let vs = v + step*(lap(v)/Re - adv((u, v), v))
  solve lap(p') = div(us, vs)/step for p' with mean(p') = 0 using cg(tol = 1e-3, max = 200)
  u' = us - step*dx(p')
  v' = vs - step*dy(p')
}
`, 8, 8)
	return out
}

// Programs of the language that loop, branch and solve give the same bits on the wafer and on the interpreter, and have a verdict.
func TestLanguage(t *testing.T) {
	for _, c := range programs() {
		t.Run(c.name, func(t *testing.T) {
			for _, machine := range []string{"wse2", "wse3"} {
				p, err := wfc.Build(wfc.Source{Name: "case.wf", Text: c.text}, wfc.BuildOptions{Machine: machine, MeshW: c.w, MeshH: c.h})
				if err != nil {
					t.Fatalf("%v\n%s", err, c.text)
				}
				if slices.ContainsFunc(p.Refusal, func(d *diag.Diagnostic) bool { return d.Code == "WF0521" || d.Code == "WF0522" }) {
					t.Logf("%s: %v", machine, p.Refusal)
					continue
				}
				if p.Refusal != nil {
					t.Fatalf("%s: refused: %v", machine, p.Refusal)
				}
				if v := p.Report().Wafer.Verdict; v.Network.Kind != "free" || v.Machine.Kind != "free" || len(v.Races) > 0 {
					t.Errorf("%s: verdict %+v", machine, v)
				}
				want, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Interp, Order: p})
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer})
				if err != nil {
					t.Fatalf("%s: %v", machine, err)
				}
				if want.Steps != got.Steps {
					t.Errorf("%s: %d steps, the interpreter makes %d", machine, got.Steps, want.Steps)
				}
				for name, a := range want.Arrays {
					b := got.Arrays[name]
					for k := range a.Len() {
						if x, y := a.At(k), b.At(k); math.Float64bits(x) != math.Float64bits(y) && !(x != x && y != y) {
							t.Fatalf("%s: %s[%d] is %v, the interpreter has %v", machine, name, k, y, x)
						}
					}
				}
				t.Logf("%s: %d x %d PEs, %d cycles", machine, p.Mesh.W, p.Mesh.H, *got.Cycles)
			}
		})
	}
}
