package fast

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
	"pgregory.net/rapid"
)

// againstRules runs a program by the rules and with laps, and gives the difference and how many laps there were.
func againstRules(t interface{ Fatal(...any) }, text string, threads int) (diff string, laps int64) {
	p, err := wse.Parse("laps.wse", text)
	if err != nil {
		t.Fatal(err, text)
	}
	m, err := wse.Profile(p.Machine)
	if err != nil {
		t.Fatal(err)
	}
	opt := sim.Options{MaxCycles: 200_000}
	s, err := sim.New(p, m, opt)
	if err != nil {
		return "", 0
	}
	r, err := plain(p, m, opt)
	if err != nil {
		t.Fatal(err)
	}
	r.Threads = threads
	want, got := observe(p, s, 2), observe(p, r, 2)
	laps, _ = r.Repeated()
	return cmp.Diff(want, got, cmp.AllowUnexported(outcome{}, event{}), cmpopts.IgnoreUnexported(sim.Stats{})), laps
}

// Random programs whose PEs do the same many times end in the same cycle with the same statistics, memory and errors, whether what repeats
// itself is carried out by the rules or not.
func TestRandomLaps(t *testing.T) {
	all, repeated := 0, 0
	check := func(t *rapid.T) {
		text := randomLoop(t, 20, 60)
		diff, laps := againstRules(t, text, 1)
		if diff != "" {
			t.Fatalf("by the rules (-) and in laps (+): %s\n%s", diff, text)
		}
		if all++; laps > 0 {
			repeated++
		}
	}
	rapid.Check(t, check)
	for i := range *seeds {
		rapid.Custom(func(t *rapid.T) int { check(t); return 0 }).Example(i)
	}
	t.Logf("%d of %d programs had laps", repeated, all)
	if 5*repeated < all {
		t.Errorf("only %d of %d programs had laps", repeated, all)
	}
}

// What ends laps, and what they must keep apart.
func TestLaps(t *testing.T) {
	for name, c := range map[string]struct {
		body string // of a loop in which PE 0 sends two words to PE 1
		none bool   // nothing repeats itself, or not twice
	}{
		"a value that decides late":   {body: "map.add.i32 d[0 : 1] = d[0], 1 load %v = d[0] if %v > 70 { map.div.f32 w[0 : 4] = w[0 : 4], 3.0 }"},
		"an index that moves":         {body: "mov.i32 seen[0 + 1*%k : 1] = d[1]"},
		"an index that leaves":        {body: "mov.i32 seen[20 + 1*%k : 1] = d[1]"},
		"a bank that changes":         {body: "add.f32 seen2[0 : 3] = w[0 + 1*%k : 3], w[0 : 3]", none: true},
		"a count in a register":       {body: "set %c = %c + 3 mov.u32 d[2 : 1] = %c"},
		"a loop that grows":           {body: "set %c = %k while %c > 0 { set %c = %c - 1 map.add.i32 d[3 : 1] = d[3], %c }"},
		"a time":                      {body: "time d[4 : 2]", none: true},
		"an exit":                     {body: "if %k == 77 { activate stop block main }"},
		"values that wrap in 16 bits": {body: "map.add.u16 h[0 : 3] = h[1 : 3], h[0 : 3]"},
	} {
		t.Run(name, func(t *testing.T) {
			text := `machine wse2
mesh 2 1
class a { at x 0..1 y 0..1
 array d i32[8] export = affine 1 + 1*i
 array w f32[100] export = affine 1 + 0.5*i
 array h u16[4] export = affine 1 + 20000*i
 array seen i32[100] export
 array seen2 f32[4] export
 queue o out 2 color 1
 task main local 8 { mov.i32 fab(o, 2) = d[0 : 2] async unblock sent activate sent }
 task sent local 9 blocked { block sent ` + c.body + ` set %k = %k + 1 if %k < 90 { activate main } else { set %k = 0 exit } }
 task stop local 10 { set %k = 0 exit }
 entry main }
class b { at x 1..2 y 0..1
 array r i32[2] export
 array sum i32[2] export
 queue i in 2 color 1
 task main local 8 { mov.i32 r[0 : 2] = fab(i, 2) map.add.i32 sum[0 : 2] = sum[0 : 2], r[0 : 2]
  set %k = %k + 1 if %k < 90 { activate main } else { set %k = 0 exit } }
 entry main }
route color 1 at x 0..1 y 0..1 rx ramp tx east
route color 1 at x 1..2 y 0..1 rx west tx ramp
`
			diff, laps := againstRules(t, text, 1)
			if diff != "" {
				t.Errorf("by the rules (-) and in laps (+): %s", diff)
			}
			if laps > 0 == c.none {
				t.Errorf("%d laps", laps)
			}
		})
	}
}
