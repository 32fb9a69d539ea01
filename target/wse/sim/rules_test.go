package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
)

// launch runs a text that is legal and returns the launch's error.
func launch(t *testing.T, src string) error {
	t.Helper()
	_, err := load(t, src, Options{MaxCycles: 100000}).Launch(context.Background())
	return err
}

const pair = `machine wse2
mesh 2 1
class a { at x 0..1 y 0..1
  array u f32[4] export = fill 2
  queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 4) = u[0 : 4] exit } entry main }
class b { at x 1..2 y 0..1
  array u f32[4] export
  queue q in 2 color 0
  task main local 8 { mov.f32 u[0 : 4] = fab(q, 4) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
`

func TestBrokenRulesAreLocated(t *testing.T) {
	if err := launch(t, pair); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, says string }{
		{"no route at sender", "route color 0 at x 0..1 y 0..1 rx ramp tx east\n", "", "PE (0,0), class a, task main, test.wse:6: queue q sends color 0"},
		{"leaves the mesh", "tx east", "tx north", "PE (0,0): a wavelet of color 0 leaves the mesh to the north; it was sent by PE (0,0), task main, test.wse:6"},
		{"next router not set", "route color 0 at x 1..2 y 0..1 rx west tx ramp\n", "", "goes east to PE (1,0), whose router does not accept"},
		{"two writers", "rx west tx ramp", "rx ramp tx west", "goes east to PE (1,0), whose router does not accept"},
		{"nobody listens", "queue q in 2 color 0", "queue q in 2 color 1", "PE (1,0): a wavelet of color 0 is delivered to a PE that binds no input queue"},
		{"exit twice", "fab(q, 4) exit", "fab(q, 4) exit exit", "second time"},
		{"index outside", "mov.f32 u[0 : 4]", "set %i = 3 mov.f32 u[0 + 1*%i : 4]", "elements 3 to 6 of u are used, which has 4"},
		{"microthread busy", "mov.f32 fab(q, 4) = u[0 : 4]", "mov.f32 fab(q, 4) = u[0 : 4] async mov.f32 fab(q, 4) = u[0 : 4] async", "microthread 2 still runs"},
		{"offers twice", "mov.f32 fab(q, 4) = u[0 : 4] exit }", "mov.f32 fab(q, 4) = u[0 : 4] offer t offer t exit } task t local 9 { }", "offers again before the host has taken"},
		{"queue in use", "mov.f32 fab(q, 4) = u[0 : 4]", "mov.f32 fab(q, 2) = u[0 : 2] async mov.f32 fab(q, 2) = u[0 : 2]", "queue is still used by"},
	} {
		src := strings.Replace(pair, c.old, c.new, 1)
		if src == pair {
			t.Fatalf("%s: nothing replaced", c.name)
		}
		err := launch(t, src)
		var d *diag.Diagnostic
		if !errors.As(err, &d) || d.Code != "WF0510" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestDeadlocksExplainThemselves(t *testing.T) {
	for _, c := range []struct {
		name, src string
		cyclic    int
		says      []string
	}{
		{"receive without send", strings.Replace(pair, "mov.f32 fab(q, 4) = u[0 : 4]", "", 1), 0,
			[]string{"PE (1,0) class b task main at test.wse:10 has received 0 of 4 elements on queue q (color 0): waits for PE (0,0)", "1 of 2 PEs have exited"}},
		{"too few", strings.Replace(pair, "mov.f32 fab(q, 4) = u[0 : 4]", "mov.f32 fab(q, 3) = u[0 : 3]", 1), 0,
			[]string{"has received 3 of 4 elements"}},
		{"too many", strings.Replace(pair, "u[0 : 4] = fab(q, 4)", "u[0 : 3] = fab(q, 3)", 1), 0,
			[]string{"PE (1,0) class b leaves 1 wavelets in queue q (color 0) that nothing takes"}},
		{"missing unblock", strings.Replace(pair, "fab(q, 4) exit", "fab(q, 4) activate t } task t local 9 blocked { exit", 1), 0,
			[]string{"PE (1,0) class b task t is active but stays blocked: an unblock is missing"}},
		{"missing exit", strings.Replace(pair, "fab(q, 4) exit", "fab(q, 4)", 1), 0,
			[]string{"PE (1,0) class b task main was the last task to run", "an activate or exit is missing"}},
		{"blocked data task", strings.Replace(pair, "task main local 8 { mov.f32 u[0 : 4] = fab(q, 4) exit }",
			"task main local 8 { } task d data q blocked { exit }", 1), 0,
			[]string{"PE (1,0) class b task d stays blocked, with 4 wavelets in queue q (color 0)"}},
	} {
		err := launch(t, c.src)
		var d *Deadlock
		if !errors.As(err, &d) {
			t.Errorf("%s: got %v", c.name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q not in\n%v", c.name, s, err)
			}
		}
		if len(d.Cyclic) != c.cyclic {
			t.Errorf("%s: circle of %d, want %d", c.name, len(d.Cyclic), c.cyclic)
		}
	}
}

// Four PEs in a ring each send before they receive: short vectors fit the
// buffers, long ones deadlock in a circle of four.
func TestCyclicSends(t *testing.T) {
	src := func(n int) string {
		s := `machine wse2
mesh 2 2
class all { at x 0..2 y 0..2
  array u f32[N] export = affine 0 + 1*i + 100*px + 200*py
  array v f32[N] export
  queue give out 2 color 0 at x 0..1 y 0..1, 1 at x 1..2 y 0..1, 2 at x 1..2 y 1..2, 3 at x 0..1 y 1..2
  queue take in 2 color 3 at x 0..1 y 0..1, 0 at x 1..2 y 0..1, 1 at x 1..2 y 1..2, 2 at x 0..1 y 1..2
  task main local 8 { mov.f32 fab(give, N) = u[0 : N]  mov.f32 v[0 : N] = fab(take, N)  exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
route color 1 at x 1..2 y 0..1 rx ramp tx south
route color 1 at x 1..2 y 1..2 rx north tx ramp
route color 2 at x 1..2 y 1..2 rx ramp tx west
route color 2 at x 0..1 y 1..2 rx east tx ramp
route color 3 at x 0..1 y 1..2 rx ramp tx north
route color 3 at x 0..1 y 0..1 rx south tx ramp
`
		return strings.ReplaceAll(s, "N", fmt.Sprint(n))
	}
	s := load(t, src(16), Options{})
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatalf("16 words fit the buffers: %v", err)
	}
	if v, _ := s.Floats(1, 1, "v"); v[3] != 103 {
		t.Errorf("PE (1,1) received %v", v)
	}
	_, err := load(t, src(64), Options{}).Launch(context.Background())
	var d *Deadlock
	if !errors.As(err, &d) || len(d.Cyclic) != 4 {
		t.Fatalf("got %v", err)
	}
	if s := err.Error(); !strings.Contains(s, "PE (0,0) class all task main at test.wse:8 has sent") || !strings.Contains(s, "waits for PE (1,0)") {
		t.Error(s)
	}
}

func TestFaultFlipsOneBit(t *testing.T) {
	clean := load(t, pair, Options{})
	if _, err := clean.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := load(t, pair, Options{Faults: []Fault{{X: 0, Y: 0, Color: 0, N: 2, Bit: 22}}})
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	a, _ := clean.Floats(1, 0, "u")
	b, _ := s.Floats(1, 0, "u")
	for i := range a {
		want := a[i]
		if i == 2 {
			want = float64(math.Float32frombits(math.Float32bits(float32(a[i])) ^ 1<<22))
		}
		if b[i] != want {
			t.Errorf("element %d is %g, want %g", i, b[i], want)
		}
	}
	if _, err := New(parse(t, "", pair), profile(t, "wse2"), Options{Faults: []Fault{{X: 0, Y: 0, Color: 5}}}); err == nil {
		t.Error("a fault on a color nobody routes must be refused")
	}
}

func TestHostAccess(t *testing.T) {
	s := load(t, strings.Replace(pair, "array u f32[4] export\n", "array u f32[4] export\n array v f32[4]\n", 1), Options{})
	if err := s.WriteArray(0, 0, "u", 1, []uint32{math.Float32bits(7), math.Float32bits(8)}); err != nil {
		t.Fatal(err)
	}
	if got, want := s.HostCycles(), int64(1); got != want { // 2 words at 290 ticks
		t.Errorf("host cycles %d, want %d", got, want)
	}
	st, err := s.Launch(context.Background())
	if err != nil || st.HostCycles != 1 {
		t.Fatal(st, err)
	}
	if u, _ := s.Floats(1, 0, "u"); u[0] != 2 || u[1] != 7 || u[2] != 8 {
		t.Errorf("received %v", u)
	}
	for _, err := range []error{
		s.WriteArray(2, 0, "u", 0, nil), s.WriteArray(0, 0, "w", 0, nil), s.WriteArray(1, 0, "v", 0, nil),
		s.WriteArray(0, 0, "u", 3, make([]uint32, 2)), s.WriteArray(0, 0, "u", -1, nil),
	} {
		if err == nil {
			t.Error("illegal host access must be refused")
		}
	}
	// A second launch starts where the first ended.
	if _, err := s.Launch(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestCancelAndLimit(t *testing.T) {
	endless := strings.Replace(pair, "fab(q, 4) exit", "fab(q, 4) while 0 == 0 { set %i = %i + 1 } exit", 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := load(t, endless, Options{}).Launch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := launch(t, endless); err == nil || !strings.Contains(err.Error(), "100000 cycles") {
		t.Errorf("got %v", err)
	}
}

// Swapping two colors in the tables must not go unnoticed.
func TestSwappedColorsFail(t *testing.T) {
	src := strings.Replace(pair, "route color 0 at x 1..2", "route color 1 at x 1..2", 1)
	if err := launch(t, src); err == nil {
		t.Error("a program with swapped colors ran")
	}
}

// Registers, loops, branches, params and loads.
func TestScalarCode(t *testing.T) {
	src := `machine wse3
mesh 3 2
class a { at x 0..3 y 0..2
  args n
  param k = 5 + 10*px + 100*py
  array out i32[4] export
  array tab u16[4] export = list [3, 1, 4, 1]
  array m f32[6] export = affine 0 + 1*i
  array t f32[6] export
  task main local 8 {
    set %sum = 0
    set %i = 0
    while %i < %n {
      if %i >= 2 { set %sum = %sum + %k } else { set %sum = %sum - 1 }
      set %i = %i + 1
    }
    mov.i32 out[0] = %sum
    load %x = tab[0 + 1*%n]
    mov.i32 out[1] = %x
    mov.f32 t[0 : 3*2, 2] = m[0 : 3, 2*3]
    map.lt.f32 out[2] = m[1], m[2]
    mov.i32 out[3] = -7
    exit
  }
  entry main }
`
	s := load(t, src, Options{OpCycles: true})
	if _, err := s.Launch(context.Background()); err == nil {
		t.Error("a missing launch argument must be refused")
	}
	if _, err := s.Launch(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Launch(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	got, _ := s.Floats(2, 1, "out")
	want := []float64{123, 1, 1, -7}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("out[%d] = %g, want %g", i, got[i], want[i])
		}
	}
	tr, _ := s.Floats(0, 0, "t")
	for i, w := range []float64{0, 3, 1, 4, 2, 5} {
		if tr[i] != w {
			t.Errorf("transpose gives %v", tr)
			break
		}
	}
	if len(s.OpCycles()) == 0 {
		t.Error("no cycles per operation")
	}
	var busy int64
	for _, o := range s.OpCycles() {
		busy += o.Cycles
	}
	if busy == 0 {
		t.Error("cycles per operation are empty")
	}
}

// What has one element may be written as an element: folds and fma of length 1.
func TestOneElementOperations(t *testing.T) {
	s := load(t, `machine wse2
mesh 1 1
class a { at x 0..1 y 0..1
  array u f32[4] export = list [1, 2, 3, 4]
  task main local 8 {
    sum.f32 u[0] = u[0], u[1]
    fma.f32 u[2] = u[2], u[3], u[1]
    map.dot.f32 u[3] = u[3], u[1], u[2]
    exit }
  entry main }`, Options{})
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, _ := s.Floats(0, 0, "u")
	for i, w := range []float64{3, 2, 11, 26} {
		if got[i] != w {
			t.Errorf("u = %v", got)
			break
		}
	}
}

// Control wavelets start the control task they name and carry 16 bits.
func TestControlTask(t *testing.T) {
	src := `machine wse3
mesh 2 1
class a { at x 0..1 y 0..1
  queue q out 2 color 0
  task main local 8 { mov.u32 ctl(q, 1) = 0x00050123 exit } entry main }
class b { at x 1..2 y 0..1
  array got u32[1] export
  queue q in 2 color 0
  task main local 8 { }
  task c control 5 (%w) { mov.u32 got[0] = %w exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
`
	s := load(t, src, Options{})
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	if g, _ := s.Floats(1, 0, "got"); g[0] != 0x123 {
		t.Errorf("payload %g", g[0])
	}
	if err := launch(t, strings.Replace(src, "control 5", "control 6", 1)); err == nil || !strings.Contains(err.Error(), "asks for control task 5") {
		t.Errorf("got %v", err)
	}
}

// An offer is taken when all PEs have made it, at the rate of the edge ports, beside the program, which waits for it when it says so. What is
// taken after the last exit is a pause.
func TestOffers(t *testing.T) {
	const src = `machine wse2
mesh 2 1
class a { at x 0..2 y 0..1
  param px = 0 + 1*px
  array u f32[500] export = fill 2
  task main local 8 { if %px == 1 { mul.f32 u[0 : 500] = u[0 : 500], 0.5 } offer t activate t }
  task t local 9 blocked { %WHAT exit } entry main }
`
	one := func(what, old, new string) (Stats, int) {
		text := strings.Replace(strings.Replace(src, "%WHAT", what, 1), old, new, 1)
		s := load(t, text, Options{MaxCycles: 100000})
		taken := 0
		s.OnOffer(func(k int) {
			if k != taken {
				t.Errorf("offer %d after %d", k, taken)
			}
			taken++
			for x := range 2 {
				if err := s.ReadArray(x, 0, "u", 0, make([]uint32, 500)); err != nil {
					t.Error(err)
				}
			}
		})
		st, err := s.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return st, taken
	}
	// 1000 words take 290 cycles, after the 500 of the slower PE.
	if st, n := one("", "", ""); n != 1 || st.Offers != 1 || st.OfferCycles != 290 || st.Cycles < 790 || st.HeldCycles < 790 || st.HostCycles != 0 {
		t.Errorf("a program that waits: %+v, %d taken", st, n)
	}
	if st, _ := one("", "activate t }", "exit }"); st.Cycles > 600 || st.OfferCycles > 5 || st.OfferCycles+st.HostCycles != 290 || st.HeldCycles != 0 {
		t.Errorf("a program that ends: %+v", st)
	}
}
