package wse

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
)

const legal = `machine wse2
mesh 4 2
class a { at x 0..2 y 0..2
  param k = 1
  array u f32[8] export
  array v f32[8]
  array i i32[8]
  array h f16[8]
  queue east out 2 color 0
  queue west in 3 color 1
  task main local 8 { add.f32 u[0 : 8] = u[0 : 8], v[0 : 8] activate t }
  task t local 9 { exit }
  entry main }
class b { at x 2..4 y 0..2 task main local 8 { exit } entry main }
route color 0 at x 0..1 y 0..2 rx ramp tx east
`

func TestVerifyRefuses(t *testing.T) {
	check := func(machine, src string) diag.List {
		t.Helper()
		m, _ := Profile(machine)
		p, err := Parse("t", src)
		if err != nil {
			t.Fatalf("%v in\n%s", err, src)
		}
		return Verify(p, m)
	}
	for _, machine := range []string{"wse2", "wse3"} {
		if l := check(machine, legal); len(l) != 0 {
			t.Fatalf("%s: the legal program is refused: %v", machine, l)
		}
	}
	const (
		add   = "add.f32 u[0 : 8] = u[0 : 8], v[0 : 8]"
		given = "task main local 8 { " + add
		fn    = "fn f (x mem, s imm) { mul.f32 u[0 : 8] = $x, $s } task main local 8 { "
	)
	for _, c := range []struct{ old, new, code, says string }{
		{"mesh 4 2", "mesh 800 2", "WF0505", "wse2 offers 750 x 994"},
		{"at x 2..4", "at x 1..4", "WF0505", "both claim PE (1,0)"},
		{"at x 2..4", "at x 2..5", "WF0505", "leaves the 4 x 2 mesh"},
		{"at x 2..4 y 0..2", "", "WF0505", "no region"},
		{"array v", "array u", "WF0502", `two arrays are called "u"`},
		{"task t local 9", "task main local 9", "WF0502", "two tasks"},
		{"class b", "class a", "WF0502", "two classes"},
		{"activate t", "activate s", "WF0502", "no such task"},
		{"entry main }\nclass", "entry z }\nclass", "WF0502", "entry"},
		{"local 9", "local 8", "WF0507", "same id 8"},
		{"local 9", "local 22", "WF0507", "local task id 22"},
		{"task t local 9", "task d data west { } task e data west { } task t local 9", "WF0507", "both take"},
		{"task t local 9", "task d data west { } task t local 1", "WF0507", "a data task's id is the color"},
		{"task t local 9", "task d data nix { } task t local 9", "WF0502", "no input queue"},
		{"activate t", "activate d } task d data west {", "WF0507", "only local tasks"},
		{"out 2 color 0", "out 0 color 0", "WF0503", "output queue 0"},
		{"out 2 color 0", "out 2 color 21", "WF0504", "color 21"},
		{"in 3 color 1", "in 3 color 1\nqueue z in 3 color 2", "WF0503", "both bind hardware queue 3"},
		{"in 3 color 1", "in 3 color 1\nqueue z in 4 color 1", "WF0503", "color 1 is delivered to input queues west and z at PE (0,0)"},
		{"in 3 color 1", "in 3 color 1 at x 0..2 y 0..1, 2 at x 1..2 y 0..2", "WF0503", "colors 1 and 2 at PE (1,0)"},
		{"route color 0", "route color 21", "WF0504", "colors 0 to 20"},
		{"rx ramp tx east", "rx east tx east", "WF0506", "is no route"},
		{"tx east\n", "tx east\nroute color 0 at x 0..4 step 2 y 1..2 rx west tx ramp\n", "WF0506", "routed twice at PE (0,1)"},
		{add, "add.f32 u[0 : 8] = u[0 : 7], v[0 : 8]", "WF0508", "operands of"},
		{add, "add.f32 u[0 : 8] = u[1 : 8], v[0 : 8]", "WF0508", "elements 1 to 8 of u"},
		{add, "add.f32 u[0 : 8] = h[0 : 8], v[0 : 8]", "WF0508", "holds f16"},
		{add, "add.f32 u[0 : 2] = u[0 : 2*200], v[0 : 2]", "WF0508", "8-bit"},
		{add, "fma.f32 u[0 : 8] = u[0 : 8], v[0 : 8], v[0 : 8]", "WF0508", "scalar c"},
		{add, "mov.f32 u[0 : 8] = v[0 : 8] async", "WF0508", "needs a fabric operand"},
		{add, "mov.f32 fab(east, 8) = 1 async", "WF0508", "no scalar source"},
		{add, "map.div.f32 u[0 : 8] = fab(west, 8), v[0 : 8] async", "WF0508", "cannot run asynchronously"},
		{add, "mov.f32 u[0 : 8] = fab(west, 8) async ut 3", "WF0508", "cannot be chosen"},
		{add, "mov.f32 u[0 : 8] = fab(west, 8) async activate q", "WF0502", "completion names"},
		{add, "add.f32 u[0 : 8] = fab(west, 8), fab(west, 8)", "WF0508", "one fabric source"},
		{add, "mov.f32 u[0 : 8] = fab(east, 8)", "WF0502", "no input queue"},
		{add, "mov.f32 1 = u[0]", "WF0508", "destination"},
		{add, "sum.f32 u[0 : 8] = 0, v[0 : 8]", "WF0508", "one memory element"},
		{add, "sum.f32 u[0] = v[0 : 8], v[0 : 8]", "WF0508", "initial value must be a scalar"},
		{add, "sum.f32 u[0] = 0, 0", "WF0508", "second source must be a vector"},
		{add, "set %k = 1", "WF0502", "params cannot be written"},
		{add, "while %j < 3 { }", "WF0502", `"j" is read`},
		{add, "mov.f32 u[0 + 1*%j : 2] = 1", "WF0502", `"j" is read`},
		{add, "mov.i32 i[0] = %j", "WF0502", `"j" is read`},
		{add, "mov.f32 z[0] = 1", "WF0502", `no array "z"`},
		{add, "load %r = u[0 : 4]", "WF0508", "one memory element"},
		{"array v f32[8]", "array v f32[13000]", "WF0509", "too many"},
		{"array v f32[8]", "array v f32[8] addr 8", "WF0509", "data starts at"},
		{"array v f32[8]", "array v f32[8] addr 20000 array w f32[8] addr 20016", "WF0509", "v and w overlap at address 20016"},
		{"array v f32[8]", "array v f32[8] align 3", "WF0509", "alignment 3"},
		{"array v f32[8]", "array v f32[2] = list [1, 2, 3]", "WF0508", "3 initial values"},
		{add, "call f", "WF0502", "no such function"},
		{given, fn + "call f(u[0 : 8])", "WF0513", "1 arguments for 2 parameters"},
		{given, fn + "call f(u[0 : 8], v[0])", "WF0513", "v[0] is no imm, which parameter s is"},
		{given, fn + "call f(u[0 : 2, 4], 0x0)", "WF0513", "is no mem"},
		{given, fn + "set %j = 1 call f(u[0 + 1*%j : 8], 0x0)", "WF0513", "has an index"},
		{given, fn + "call f($x, 0x0)", "WF0502", `no parameter "x" here`},
		{given, fn + "call f(u[0 : 4], 0x0)", "WF0508", "operands of"},
		{given, fn + "call f(h[0 : 8], 0x0)", "WF0508", "holds f16"},
		{given, "fn f (x mem, x imm) { } task main local 8 { call f(u[0 : 8], 0x0)", "WF0502", "two parameters"},
		{given, "fn f { mul.f32 u[0 : 8] = $y, 2 } task main local 8 { call f", "WF0502", `no parameter "y"`},
		{given, fn + "call f within (u[0 : 8], 0x0)", "WF0513", "not consecutive parameters"},
		{given, "fn f (x mem, s imm) { mul.f32 u[0 : 8] = $x, $s } fn g (a mem, b mem, s imm) { call f within ($a, $s) } task main local 8 { call g(u[0 : 8], u[0 : 8], 0x0)", "WF0513", "not consecutive parameters"},
		{given, "fn f (x mem) { call g($x) } fn g (y mem) { call f($y) } task main local 8 { call f(u[0 : 8])", "WF0513", "calls itself"},
	} {
		src := strings.Replace(legal, c.old, c.new, 1)
		if src == legal {
			t.Fatalf("%q is not in the program", c.old)
		}
		l := check("wse2", src)
		found := false
		for _, d := range l {
			if _, ok := diag.Lookup(d.Code); !ok {
				t.Errorf("%s is not in the catalogue", d.Code)
			}
			found = found || d.Code == c.code && strings.Contains(d.Message+strings.Join(d.Notes, " "), c.says)
		}
		if !found {
			t.Errorf("%q: want %s %q, got %v", c.new, c.code, c.says, l)
		}
	}
	// What only one machine allows.
	two := strings.Replace(legal, "queue west", "queue e2 out 2 color 2\nqueue west", 1)
	if l := check("wse2", two); len(l) != 0 {
		t.Errorf("WSE-2 output queues carry several colors: %v", l)
	}
	if l := check("wse3", two); len(l) == 0 {
		t.Error("WSE-3 output queues have one color")
	}
	ut := strings.Replace(legal, add, "mov.f32 u[0 : 8] = fab(west, 8) async ut 3", 1)
	if l := check("wse3", ut); len(l) != 0 {
		t.Errorf("WSE-3 lets a program choose the microthread: %v", l)
	}
}

func TestLayout(t *testing.T) {
	m, _ := Profile("wse2")
	p, err := Parse("", `machine wse2
mesh 1 1
class a { at x 0..1 y 0..1
  array a u16[3]
  array b f32[4] align 16
  array c f32[2] bank 3
  array d f32[4] addr 20000
  array e f32[1] bank 0
  task main local 8 { exit } entry main }`)
	if err != nil {
		t.Fatal(err)
	}
	ls, err := Layout(p, m)
	if err != nil {
		t.Fatal(err)
	}
	l := ls[0]
	if l.Addr[0] != l.DataStart || l.Addr[1]%16 != 0 || l.Addr[2]/4%8 != 3 || l.Addr[3] != 20000 || l.Addr[4]/4%8 != 0 {
		t.Errorf("addresses %v from %d", l.Addr, l.DataStart)
	}
	if l.Addr[4] >= 20000 {
		t.Errorf("array e must fill the gap before 20000: %v", l.Addr)
	}
	if l.Data != 6+16+8+16+4 || l.End != 20016 || l.Pad != l.End-l.DataStart-l.Data {
		t.Errorf("%+v", l)
	}
	if l.DataStart != l.Reserved+l.Code+l.Stack || l.Code < CodeSize(p.Classes[0], m) {
		t.Errorf("%+v", l)
	}
}

// Arrays that are read together land in banks that do not conflict.
func TestLayoutAvoidsBankConflicts(t *testing.T) {
	m, _ := Profile("wse2")
	p, err := Parse("", `machine wse2
mesh 1 1
class a { at x 0..1 y 0..1
  array a f32[16]
  array b f32[16]
  array c f32[18]
  task main local 8 {
    add.f32 a[0 : 16] = a[0 : 16], b[0 : 16]
    add.f32 a[0 : 16] = b[0 : 16], c[1 : 16]
    add.f32 a[0 : 16] = b[0 : 16], c[1 : 16]
    exit } entry main }`)
	if err != nil {
		t.Fatal(err)
	}
	ls, err := Layout(p, m)
	if err != nil {
		t.Fatal(err)
	}
	l := ls[0]
	if d := (l.Addr[1] - l.Addr[0]) / 4 % 4; d%2 == 0 {
		t.Errorf("a and b are %d words apart modulo 4", d)
	}
	if d := (l.Addr[2] + 4 - l.Addr[1]) / 4 % 4; d%2 == 0 {
		t.Errorf("c[1] and b are %d words apart modulo 4", d)
	}
	// Without room for padding the arrays stay dense.
	m.MemBytes = l.DataStart + (16+16+18)*4
	if ls, err = Layout(p, m); err != nil || ls[0].Pad != 0 {
		t.Errorf("%+v %v", ls[0], err)
	}
}
