package fast

import (
	"context"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// A program that offers five times and is held up by the transfers; half of its PEs compute longer.
const offering = `machine wse2
mesh 6 4
class a { at x 0..6 y 0..4
  param px = 0 + 1*px
  array u f32[40] export = fill 2
  args n
  task main local 8 {
    if %n == 0 { exit } else {
      mul.f32 u[0 : 40] = u[0 : 40], 0.5
      if %px > 2 { mul.f32 u[0 : 40] = u[0 : 40], 0.5 }
      set %n = %n - 1
      activate host
    } }
  task host local 9 { block host offer host activate main } entry main }
`

// What is offered is taken in the same cycles on both engines, also when the plain one takes over in the middle.
func TestOffersAgree(t *testing.T) {
	p, err := wse.Parse("offering.wse", offering)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	type engine interface {
		Wafer
		Launch(ctx context.Context, args ...int32) (sim.Stats, error)
	}
	launch := func(e engine) (st sim.Stats, seen int) {
		e.OnOffer(func(k int) {
			seen = k + 1
			for y := range 4 {
				for x := range 6 {
					if err := e.ReadArray(x, y, "u", 0, make([]uint32, 40)); err != nil {
						t.Error(err)
					}
				}
			}
		})
		if st, err = e.Launch(context.Background(), 5); err != nil {
			t.Fatal(err)
		}
		return st, seen
	}
	plain, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, n := launch(plain)
	if n != 5 || want.Offers != 5 || want.HeldCycles == 0 || want.HostCycles == 0 || want.OfferCycles+want.HostCycles != 5*279 {
		t.Fatalf("%d offers, %+v", n, want)
	}
	for _, leave := range []int64{0, 2, 50, 130, 400, 900, want.Cycles - 3} {
		f, err := New(p, m, sim.Options{}, -1)
		if err != nil {
			t.Fatal(err)
		}
		f.leaveAt = leave
		got, k := launch(f)
		if got.Cycles != want.Cycles || got.Offers != want.Offers || got.OfferCycles != want.OfferCycles || got.HeldCycles != want.HeldCycles ||
			got.HostCycles != want.HostCycles || k != n {
			t.Errorf("left at %d: %d offers, %+v, want %+v", leave, k, got, want)
		}
	}
}

// A PE that has nothing to do but to wait for what it has just offered is waited for, not stuck.
func TestOnlyTheHostIsWaitedFor(t *testing.T) {
	p, err := wse.Parse("resting.wse", `machine wse2
mesh 1 1
class a { at x 0..1 y 0..1
  array u f32[4] export = fill 2
  task main local 8 { block host activate host offer host }
  task host local 9 { exit } entry main }
`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(p, m, sim.Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []interface {
		Wafer
		Launch(ctx context.Context, args ...int32) (sim.Stats, error)
	}{plain, f} {
		e.OnOffer(func(int) {
			if err := e.ReadArray(0, 0, "u", 0, make([]uint32, 4)); err != nil {
				t.Error(err)
			}
		})
		st, err := e.Launch(context.Background())
		if err != nil || st.Offers != 1 || st.OfferCycles <= int64(m.HostLatency) || st.Cycles <= st.OfferCycles {
			t.Errorf("%T: %+v, %v", e, st, err)
		}
	}
}
