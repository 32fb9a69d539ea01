package cpu

import (
	"fmt"
	"testing"
)

// Rows of a periodic axis need no ghosts where their ends are ends of vectors, and rows of ghosts are made by the tiles that read them; elsewhere
// ghosts are made as the rows are read. All the same, nothing of an array is gone through before the pass.
func TestClosedRows(t *testing.T) {
	needsLLVM(t)
	const text = `
param n = %%d, m = %d
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic;  z: 0 .. 1 in m periodic }
field u: %s on g = x*y + z
field c on g = 1 + 0.1*z
evolve %s`
	const wave = "t from 0 to 10 step 0.1/n order %d { dt(dt(u)) = %s }"
	const far = "k in 0 .. 50 { u'[x,y,z] = u[x,y,z] + 0.1*(u[x,y,z+8] - 2*u[x,y,z] + u[x,y,z-8] + u[x+1,y,z] - u[x-1,y,z]) }"
	const mixed = "c*lap(u) + 0.1*dx(dy(dz(u)))"
	for _, c := range []struct {
		points int
		elem   string
		steps  string
		closed bool
	}{{32, "f32", fmt.Sprintf(wave, 8, "lap(u)"), true}, {48, "f64", fmt.Sprintf(wave, 2, mixed), true}, {32, "f16", fmt.Sprintf(wave, 2, mixed), true},
		{40, "f32", fmt.Sprintf(wave, 4, mixed), false}, {16, "f32", fmt.Sprintf(wave, 2, mixed), false}, {48, "f64", far, true}} { // the last by whole vectors
		p := compile(t, fmt.Sprintf(text, c.points, c.elem, c.steps), 20)
		s := sweptPlan(t, p).funcs["step"].sweep
		if s == nil {
			t.Fatalf("%+v: not computed in passes", c)
		}
		if got := s.closed > 0; got != c.closed || len(s.before) > 0 {
			t.Errorf("%+v: closed rows of %d points; %d operations before the pass", c, s.closed, len(s.before))
		}
		sweptAsInterpreted(t, toolchains()[0], p, "step", 7)
	}
}

// Conditions of different kinds along the axes: what the pass itself makes are the ghosts of rows, and those of the periodic axis, unless corners are
// read, which are made of one another.
func TestMixedGhosts(t *testing.T) {
	needsLLVM(t)
	for term, before := range map[string]int{"lap(u)": 1, "lap(u) + 0.1*dy(dz(u))": 3} {
		p := compile(t, fmt.Sprintf(`
param n = %%d
grid g { x: 0 .. 1 in n;  y: 0 .. 1 in n periodic;  z: 0 .. 1 in n }
field u on g = x*y + z
bc u { x: u = y;  z: dn(u) = x + y }
evolve t from 0 to 1 step 0.1/n^2 { dt(u) = %s }`, term), 20)
		s := sweptPlan(t, p).funcs["step"].sweep
		if s == nil {
			t.Fatalf("%s: not computed in passes", term)
		}
		if len(s.before) != before {
			t.Errorf("%s: %d operations before the pass, not %d", term, len(s.before), before)
		}
		sweptAsInterpreted(t, toolchains()[0], p, "step", 7)
	}
}
