package wse

import (
	"strings"
	"testing"
)

func TestVerifySwitches(t *testing.T) {
	const head = `
mesh 4 1
class a { at x 0..4 y 0..1 queue q in 2 color 0 queue o out 2 color 0 task d data q { }
  task main local 8 { STMT exit } entry main }
`
	for _, c := range []struct{ machine, route, stmt, says string }{
		{"wse2", "color 0 at x 0..1 y 0..1 rx ramp tx east pos rx west pos tx ramp ring pop always", "", ""},
		{"wse3", "color 0 at x 0..1 y 0..1 rx ramp tx east pos rx west tx ramp start 1", "", ""},
		{"wse2", "color 0 at x 0..1 y 0..1 rx ramp tx east pos rx west tx ramp", "", "changes both rx and tx"},
		{"wse3", "color 10 at x 0..1 y 0..1 rx ramp tx east pos rx west", "", "cannot switch this color"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx ramp tx east pos rx west pos rx ramp pos rx west pos rx ramp", "", "a router has 4 per color"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx ramp tx east pos rx west start 2", "", "starts in position 2 of 2"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx ramp tx east pos rx east", "", "is no route"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx ramp tx east pos tx west, south", "", "names one direction"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx ramp tx east filter range 1 2", "", "no tx ramp"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp filter range 3 2", "", "out of order"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp filter counter init 3 max 1 limit 2", "", "out of order"},
		{"wse3", "color 0 at x 0..4 y 0..1 rx west tx ramp filter range 3 9 route color 1 at x 1..4 y 0..1 rx west tx ramp filter range 3 9 " +
			"route color 2 at x 2..4 y 0..1 rx west tx ramp filter range 3 9", "", ""},
		{"wse3", "color 0 at x 0..4 y 0..1 rx west tx ramp filter range 3 9 route color 1 at x 1..4 y 0..1 rx west tx ramp filter range 3 9 " +
			"route color 2 at x 2..4 y 0..1 rx west tx ramp filter range 3 9 route color 3 at x 3..4 y 0..1 rx west tx ramp filter range 3 9", "",
			"PE (3,0) filters 4 colors"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp teardown", "reroute color 0 rx ramp tx east", ""},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "reroute color 1 rx ramp tx east", "no PE of the class has a route"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "reroute color 0 rx ramp tx ramp", "is no route"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp teardown", "reroute color 0 rx ramp tx east pos rx west ring pop advance", ""},
		{"wse2", "color 0 at x 0..1 y 0..1 rx west tx ramp teardown", "reroute color 0 rx ramp tx east pos rx west tx ramp", "changes both rx and tx"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp teardown", "exit } task h teardown 0 { reroute color 0 rx west tx ramp", ""},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "exit } task h teardown 1 { exit", "no PE of the class has a route of color 1"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "exit } task h teardown 0 { } task k teardown 0 { exit", "the same id 0"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "exit } task h teardown 0 blocked { exit", "neither blocked"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "activate h exit } task h teardown 0 { exit", "runs when its color is torn down"},
		{"wse3", "color 0 at x 0..1 y 0..1 rx west tx ramp", "rebind q color 3 block queue q unblock queue q", ""},
		{"wse2", "color 0 at x 0..1 y 0..1 rx west tx ramp", "rebind q color 3", "whose id is the queue's color"},
		{"wse2", "color 0 at x 0..1 y 0..1 rx west tx ramp", "rebind o color 30", "programs may use 0 to 20"},
		{"wse2", "color 0 at x 0..1 y 0..1 rx west tx ramp", "rebind p color 3", "is no queue"},
		{"wse2", "color 0 at x 0..1 y 0..1 rx west tx ramp", "block queue o", "no input queue"},
		{"wse2", "color 0 at x 0..1 y 0..1 rx west tx ramp", "activate queue q", "not activated"},
	} {
		src := "machine " + c.machine + strings.Replace(head, "STMT", c.stmt, 1) + "route " + c.route
		p, err := Parse("t", src)
		if err != nil {
			t.Fatalf("%v in\n%s", err, src)
		}
		if q, err := Parse("", Print(p)); err != nil || Print(q) != Print(p) {
			t.Errorf("%s\nprints as\n%s: %v", src, Print(p), err)
		}
		m, _ := Profile(c.machine)
		l := Verify(p, m)
		if c.says == "" && len(l) > 0 || c.says != "" && (len(l) == 0 || !strings.Contains(l.Error(), c.says)) {
			t.Errorf("%s %s: got %v, want %q", c.route, c.stmt, l, c.says)
		}
		if want := strings.Contains(src, "pos") || strings.Contains(src, "filter") || strings.Contains(src, "teardown") || strings.Contains(src, "re"+"bind") ||
			strings.Contains(src, "reroute"); p.Dynamic() != want {
			t.Errorf("%s: Dynamic is %v", src, p.Dynamic())
		}
	}
}

func TestControlWords(t *testing.T) {
	w := ControlWord(-1, 0, CmdAdvance, CmdReset)
	if CommandOf(w) != CmdAdvance || !IgnoredByCE(w) {
		t.Errorf("%#x", w)
	}
	for i, want := range []Command{CmdReset, CmdNop, CmdNop} {
		if w = PopCommand(w); CommandOf(w) != want || !IgnoredByCE(w) {
			t.Errorf("after %d pops %#x", i+1, w)
		}
	}
	w = PopCommand(ControlWord(5, 0x123, CmdNop, CmdTeardown))
	if w>>16&63 != 5 || w&0xffff != 0x123 || CommandOf(w) != CmdTeardown || IgnoredByCE(w) {
		t.Errorf("%#x", w)
	}
	f := &Filter{Kind: FilterCounter, Init: 4, Max: 1, Limit: 5}
	var got []bool
	for c, i := f.Init, 0; i < 8; i++ {
		var ok bool
		ok, c = f.Passes(0, c)
		got = append(got, ok)
	}
	for i, want := range []bool{false, false, true, true, false, false, false, false} {
		if got[i] != want {
			t.Fatalf("the counter passes %v", got)
		}
	}
}
