package sim

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
)

// one is a program of one PE: declarations, the body of its task, then the script.
func one(machine, decls, body, script string) string {
	return "machine " + machine + "\nmesh 1 1\nclass a { at x 0..1 y 0..1\n" + decls + "\n task main local 8 { " + body + " exit }\n entry main }\n" + script
}

// A call costs what it costs and otherwise is its body; functions call functions.
func TestCalls(t *testing.T) {
	for _, machine := range []string{"wse2", "wse3"} {
		m := profile(t, machine)
		decls := `array u i32[4] export
 fn inc { map.add.i32 u[0 : 4] = u[0 : 4], 1 }
 fn twice { call inc call inc }
`
		calls := both(t, one(machine, decls, "call twice call inc", "expect u at x 0..1 y 0..1 = fill 3\n"))
		inc := " map.add.i32 u[0 : 4] = u[0 : 4], 1"
		plain := both(t, one(machine, "array u i32[4] export", inc+inc+inc, "expect u at x 0..1 y 0..1 = fill 3\n"))
		if calls.Cycles != plain.Cycles+4*int64(m.CallCycles) {
			t.Errorf("%s: 4 calls take %d cycles, without %d", machine, calls.Cycles, plain.Cycles)
		}
		for _, c := range [][2]string{{"fn f { call g } fn g { call f }", "calls itself"}, {"fn f { } fn f { }", "two functions"}, {"fn f { call h }", "no such function"}} {
			p := parse(t, "", one(machine, c[0], "call f", ""))
			if _, err := New(p, m, Options{}); err == nil || !strings.Contains(err.Error(), c[1]) {
				t.Errorf("%s: %v", c[0], err)
			}
		}
		// Twenty functions that each call the next one twice would be a million statements.
		var s strings.Builder
		for i := 'a'; i < 'u'; i++ {
			s.WriteString("fn " + string(i) + "f { call " + string(i+1) + "f call " + string(i+1) + "f }\n")
		}
		p := parse(t, "", one(machine, s.String()+"fn uf { }", "call af", ""))
		if _, err := New(p, m, Options{}); err == nil || !strings.Contains(err.Error(), "more than 65536 statements") {
			t.Errorf("got %v", err)
		}
	}
}

// A mapped function computes what its operations compute and costs their sum.
func TestMappedFunctions(t *testing.T) {
	m := profile(t, "wse3")
	const decls = `array u f32[9] = affine -4 + 1*i
 array v f32[9] export
 map softabs f32 (x, k) { a = mul.f32 x, x  b = add.f32 a, k  r = map.sqrt.f32 b  neg = map.lt.f32 x, 0  z = neg.f32 r  s = map.select.f32 neg, z, r  return s }
`
	s, st := run(t, parse(t, "", one("wse3", decls, "apply.softabs.f32 v[0 : 9] = u[0 : 9], 2", "")), m)
	got, err := s.Floats(0, 0, "v")
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		x := float32(i - 4)
		want := float32(math.Sqrt(float64(float32(x*x) + 2)))
		if x < 0 {
			want = -want
		}
		if float32(g) != want {
			t.Errorf("at %g: %g, want %g", x, g, want)
		}
	}
	per := m.MapCall + 3*m.MapNative + m.MapFn["sqrt"] + m.MapFn["lt"] + m.MapFn["select"]
	if want := frame(m) + int64(m.Rates[wse.RateKey{Kind: "copy"}].Setup+9*per); st.Cycles != want {
		t.Errorf("%d cycles, want %d", st.Cycles, want)
	}
	both(t, one("wse3", decls, "apply.softabs.f32 v[0 : 9] = u[0 : 9], 2 mov.f32 v[0 : 9] = 4", "expect v at x 0..1 y 0..1 = fill 4\n"))
	for _, c := range [][2]string{
		{"map f f32 (x) { a = mul.f32 x, y return a }", "y is no value"}, {"map f f32 (x) { a = mul.f16 x, x return x }", "x is no value of type f16"},
		{"map f f32 (x) { a = map.lt.f32 x, 1 return a }", "returns \"a\""}, {"map f f32 (x) { x = neg.f32 x return x }", "two values"},
		{"map f f32 (x) { a = sum.f32 x, x return a }", "no scalar operation"}, {"map f f32 (a, b, c, d) { return a }", "4 arguments"},
	} {
		p := parse(t, "", one("wse3", "array u f32[4] "+c[0], "apply.f.f32 u[0 : 4] = u[0 : 4]", ""))
		if _, err := New(p, m, Options{}); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}

// An interval between two stamps is what lies between, and one stamp.
func TestTimeStamps(t *testing.T) {
	for _, machine := range []string{"wse2", "wse3"} {
		m := profile(t, machine)
		s, _ := run(t, parse(t, "", one(machine, "array a u16[3] export array b u32[4] export array u f16[64] array v f16[64]",
			"set %i = 2 time a[0] mov.f16 u[0 : 64] = v[0 : 64] time b[0 + 1*%i]", "")), m)
		a, _ := s.Floats(0, 0, "a")
		b, _ := s.Floats(0, 0, "b")
		got := int64(b[2]) + int64(b[3])<<32 - int64(a[0]) - int64(a[1])<<16
		if want := int64(m.StampCycles-m.DSRCycles) + m.Rate(wse.OpMov, wse.F16).Cycles(64); got != want || a[2] != 0 {
			t.Errorf("%s: %d cycles between stamps, want %d (%v, %v)", machine, got, want, a, b)
		}
		// FABRICA: a copy of n halves takes 15 + n/8 end to end.
		if machine == "wse3" && got != 15+64/8 {
			t.Errorf("%d cycles, published 15 + 64/8", got)
		}
	}
}

// The most urgent runnable task runs first, whatever its id and kind.
func TestPriorities(t *testing.T) {
	src := func(a, b, c string) string {
		return one("wse2", "array u i32[1] export\n task x local 9 "+a+" { map.mul.i32 u[0 : 1] = u[0 : 1], 10 map.add.i32 u[0 : 1] = u[0 : 1], 1 activate last }\n"+
			" task y local 10 "+b+" { map.mul.i32 u[0 : 1] = u[0 : 1], 10 map.add.i32 u[0 : 1] = u[0 : 1], 2 }\n"+
			" task z local 11 "+c+" { map.mul.i32 u[0 : 1] = u[0 : 1], 10 map.add.i32 u[0 : 1] = u[0 : 1], 3 }\n task last local 12 priority low { exit }\n",
			"activate z activate y activate x", "")
	}
	for want, p := range map[string][3]string{"123": {}, "312": {"", "", "priority high"}, "231": {"priority low", "", ""}, "321": {"priority low", "", "priority high"}} {
		text := strings.Replace(src(p[0], p[1], p[2]), "activate x exit }", "activate x }", 1)
		both(t, text+"expect u at x 0..1 y 0..1 = list ["+want+"]\n")
	}
}

// A FIFO lets a stream arrive while the PE is busy, as long as it is large enough.
func TestFifo(t *testing.T) {
	src := func(size, n string) string {
		return strings.NewReplacer("SIZE", size, "N", n).Replace(`machine wse2
mesh 3 1
class a { at x 0..1 y 0..1 array u f32[N] = affine 0 + 1*i queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, N) = u[0 : N] exit } entry main }
class b { at x 1..2 y 0..1 fifo f f32[SIZE] queue i in 2 color 0 queue o out 2 color 1 array w f32[9]
  task main local 8 { mov.f32 fifo(f, N) = fab(i, N) async ADD add.f32 fab(o, N) = fifo(f, N), 1 exit } entry main }
class c { at x 2..3 y 0..1 array v f32[N] export queue q in 2 color 1
  task main local 8 { mov.f32 v[0 : N] = fab(q, N) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
route color 1 at x 1..2 y 0..1 rx ramp tx east
route color 1 at x 2..3 y 0..1 rx west tx ramp
expect v at x 2..3 y 0..1 = affine 1 + 1*i
`)
	}
	busy := "map.div.f32 w[0 : 9] = w[0 : 9], 3"
	wait := func(size string) int64 {
		return both(t, strings.Replace(src(size, "100"), "ADD", busy, 1)).Classes[0].WaitOut
	}
	// What the sender has to wait is what the FIFO does not take.
	if d := wait("10") - wait("60"); d != 50 {
		t.Errorf("50 places more save the sender %d cycles", d)
	}
	if w := wait("120"); w != 0 {
		t.Errorf("with room for all the sender waits %d cycles", w)
	}
	both(t, strings.NewReplacer("ADD", "", "f32", "f16").Replace(src("3", "41")))
	// Activations at both ends.
	both(t, strings.Replace(one("wse2", "fifo f i32[4] push p pop q array u i32[2] export array w i32[3] = list [5, 6, 7]\n"+
		" task p local 9 { map.add.i32 u[0 : 1] = u[0 : 1], 1 activate go }\n task q local 10 { map.add.i32 u[1 : 1] = u[1 : 1], 1 exit }\n"+
		" task go local 11 { mov.i32 w[0 : 3] = fifo(f, 3) }\n", "mov.i32 fifo(f, 3) = w[0 : 3]", "expect u at x 0..1 y 0..1 = list [1, 1]\n"), "= w[0 : 3] exit", "= w[0 : 3]", 1))
	var dead *Deadlock
	err := launch(t, one("wse2", "fifo f i32[2] array w i32[3]", "mov.i32 fifo(f, 3) = w[0 : 3]", "launch\n"))
	if !errors.As(err, &dead) || !strings.Contains(err.Error(), "FIFO f is full") {
		t.Errorf("got %v", err)
	}
	for _, c := range [][2]string{{"mov.i32 fifo(f, 1) = fifo(f, 1)", "same FIFO"}, {"mov.i32 f[0 : 1] = 1", "is a FIFO"}, {"mov.i32 fifo(w, 1) = 1", "is no FIFO"},
		{"mov.f32 fifo(h, 1) = 1", "holds f16"}} {
		p := parse(t, "", one("wse2", "fifo f i32[2] fifo h f16[2] array w i32[3]", c[0], ""))
		if _, err := New(p, profile(t, "wse2"), Options{}); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}

// A control wavelet ends a receive of unknown length.
func TestOnControl(t *testing.T) {
	for _, n := range []string{"1", "3", "7"} {
		both(t, strings.NewReplacer("M", map[string]string{"1": "0", "3": "2", "7": "6"}[n], "N", n).Replace(`machine wse3
mesh 2 1
class a { at x 0..1 y 0..1 array u f32[N] = affine 1 + 1*i queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, N) = u[0 : N] mov.u32 ctl(q, 1) = 0 exit } entry main }
class b { at x 1..2 y 0..1 array v f32[8] export array s f32[1] export queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 8] = fab(q, 8) async activate full on control activate short }
  task full local 9 { }
  task short local 10 { add.f32 s[0 : 1] = v[M : 1], s[0] exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
expect s at x 1..2 y 0..1 = fill N
`))
	}
}

// What microthreads take of the CE is a constant nobody has measured: none by default, at most a cycle per cycle.
func TestMicrothreadsCompete(t *testing.T) {
	src := strings.Replace(line("wse2", 2, 400, 1), "= u[0 : 400]", "= u[0 : 400] async map.div.f32 u[0 : 5] = u[0 : 5], 3 ", 1)
	at := func(steal int) int64 {
		m := profile(t, "wse2")
		m.StealTicks = steal
		_, st := run(t, parse(t, "", src), m)
		return st.Classes[0].Busy
	}
	m := profile(t, "wse2")
	work := m.Rate(wse.OpDiv, wse.F32).Cycles(5) // all of it under the stream
	free, half, full := at(0), at(500), at(1000)
	if half < free+work/2 || half > free+work || full < free+work*9/10 || full > free+400 {
		t.Errorf("the CE is busy %d, %d and %d cycles; its operation alone takes %d", free, half, full, work)
	}
}
