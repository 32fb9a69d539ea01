package fast

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Long streams that come again and again are moved in trains, and then in laps, without anything to be seen of it.
func TestTrainsAndLaps(t *testing.T) {
	const text = `machine wse2
mesh 8 2
class s { at x 0..8 step 2 y 0..2
 array u f32[300] export = affine 1 + 1*i + 2*px
 queue q out 2 color 0
 task main local 8 { mov.f32 fab(q, 300) = u[0 : 300] async activate next }
 task next local 9 { mul.f32 u[0 : 300] = u[0 : 300], 0.5 set %k = %k + 1 if %k < 80 { activate main } else { exit } }
 entry main }
class r { at x 1..8 step 2 y 0..2
 array v f32[300] export
 queue q in 3 color 0
 task main local 8 { add.f32 v[0 : 300] = v[0 : 300], fab(q, 300) async activate next }
 task next local 9 { set %k = %k + 1 if %k < 80 { activate main } else { exit } }
 entry main }
route color 0 at x 0..8 step 2 y 0..2 rx ramp tx east
route color 0 at x 1..8 step 2 y 0..2 rx west tx ramp
`
	p, err := wse.Parse("both.wse", text)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := wse.Profile("wse2")
	s, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := plain(p, m, sim.Options{Trains: true})
	if err != nil {
		t.Fatal(err)
	}
	want, got := observe(p, s, 1), observe(p, r, 1)
	if d := cmp.Diff(want, got, cmp.AllowUnexported(outcome{}, event{}), cmpopts.IgnoreUnexported(sim.Stats{})); d != "" {
		t.Errorf("by the rules (-) and otherwise (+): %s", d)
	}
	laps, _ := r.Repeated()
	if trains := r.Carried(); laps == 0 || trains == 0 {
		t.Errorf("%d laps, %d wavelets in trains", laps, trains)
	}
}
