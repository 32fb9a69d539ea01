package verify

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/wfc-lang/wfc"
)

// vortices are Taylor and Green's in a stream, as Minion and Brown (J. Comput. Phys. 138, 1997) move them: a solution of the
// Navier-Stokes equations on a periodic square. The step goes with the square of the spacing, so that both orders show as 2.
const vortices = `
param n = 16, end = 0.2, nu = 0.01
const k = 2*pi
grid box { x: 0 .. 1 in n periodic; y: 0 .. 1 in n periodic }
field u: %[1]s on box.x = 1 - 2*cos(k*x)*sin(k*y)
field v: %[1]s on box.y = 1 + 2*sin(k*x)*cos(k*y)
field p: %[1]s on box = 0
evolve t from 0 to end step 0.2/(n*n) {
  let us = u + step*(nu*lap(u) - adv((u, v), u))
  let vs = v + step*(nu*lap(v) - adv((u, v), v))
  solve lap(p') = div(us, vs)/step for p' with mean(p') = 0 using cg(tol = %[2]s)
  u' = us - step*dx(p')
  v' = vs - step*dy(p')%[3]s
}
`

// againstExact measures them at the end of each step.
const againstExact = `
  let s = t + step
  let decay = exp(-2*k^2*nu*s)
  eu' = max(abs(u' - 1 + 2*cos(k*(x - s))*sin(k*(y - s))*decay))
  ev' = max(abs(v' - 1 - 2*sin(k*(x - s))*cos(k*(y - s))*decay))
  ep' = max(abs(p' + (cos(2*k*(x - s)) + cos(2*k*(y - s)))*decay^2))
  energy' = mean((u' - 1)^2) + mean((v' - 1)^2)`

// V9: velocities and pressure of order 2, momentum kept, the energy of the vortices falling by exp(-16 pi^2 nu t).
func TestTaylorGreen(t *testing.T) {
	needsNative(t)
	src := "field eu: f64 = 0; field ev: f64 = 0; field ep: f64 = 0; field energy: f64 = 0\n" + fmt.Sprintf(vortices, "f64", "1e-9", againstExact)
	errs := map[string][]float64{}
	for _, n := range []int{16, 32, 64} {
		f := solve(t, fastest(t), src, map[string]string{"n": strconv.Itoa(n)})
		for _, name := range []string{"eu", "ev", "ep"} {
			errs[name] = append(errs[name], f.at(name))
		}
		// At the start the mean of each squared component is 1.
		rate := math.Log(2/f.at("energy")) / 0.2
		errs["energy"] = append(errs["energy"], math.Abs(rate/(16*math.Pi*math.Pi*0.01)-1))
		sum := 0.0
		for i := range n * n {
			sum += f.flat("u", i) + f.flat("v", i)
		}
		if math.Abs(sum/float64(2*n*n)-1) > 1e-12 {
			t.Errorf("n = %d: the mean velocity is %.15f, 1 at the start", n, sum/float64(2*n*n))
		}
	}
	for _, name := range []string{"eu", "ev", "ep", "energy"} {
		order(t, name, errs[name], 2, 0.1)
	}
}

// The same in f32 gives the same bits on the three targets.
func TestTaylorGreenOnTheWafer(t *testing.T) {
	onAll(t, wfc.Source{Name: "vortices.wf", Text: fmt.Sprintf(vortices, "f32", "1e-4", "")}, map[string]string{"n": "8", "end": "0.009375"}, "", 8, 8)
}
