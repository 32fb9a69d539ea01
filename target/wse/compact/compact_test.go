package compact_test

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/compact"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

const arrays = ` array a f32[64] export = affine 1 + 0.25*i
 array b f32[64] export = affine 3 + -0.125*i
 array c f32[64] export
 array d f32[64] export = affine 0.5 + 1*i
`

// text is a program of one PE that runs body once.
func text(body string) string {
	return "machine wse2\nmesh 1 1\nclass k {\n at x 0..1 y 0..1\n" + arrays + " task main local 8 {\n" + body + " exit\n }\n entry main\n}\n"
}

func parse(t *testing.T, src string) *wse.Program {
	t.Helper()
	p, err := wse.Parse("", src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return p
}

type engine interface {
	Launch(context.Context, ...int32) (sim.Stats, error)
	ReadArray(x, y int, name string, off int, dst []uint32) error
}

// run returns the memory that both engines leave, and the cycles.
func run(t *testing.T, p *wse.Program, m wse.Machine) ([]uint32, int64) {
	t.Helper()
	if err := wse.Check(p, m); err != nil {
		t.Fatalf("%v\n%s", err, wse.Print(p))
	}
	var mem [2][]uint32
	var cycles [2]int64
	plain, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	quick, err := fast.New(p, m, sim.Options{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range []engine{plain, quick} {
		st, err := e.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		cycles[i] = st.Cycles
		for _, a := range []string{"a", "b", "c", "d"} {
			dst := make([]uint32, 64)
			if err := e.ReadArray(0, 0, a, 0, dst); err != nil {
				t.Fatal(err)
			}
			mem[i] = append(mem[i], dst...)
		}
	}
	if !slices.Equal(mem[0], mem[1]) || cycles[0] != cycles[1] {
		t.Fatalf("the engines differ: %d and %d cycles\n%s", cycles[0], cycles[1], wse.Print(p))
	}
	return mem[0], cycles[0]
}

func profile(t *testing.T) wse.Machine {
	t.Helper()
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Sixteen terms of a contraction are one operation in a loop; the sequence around it, on other arrays, is one function.
func TestLoopAndFunction(t *testing.T) {
	term := func(to, x, y string) string {
		s := fmt.Sprintf(" mul.f32 %s[0 : 4] = %s[0 : 4*4], %s[0 : 4] @ \"m.wf:1 in %s\"\n", to, x, y, to)
		for k := 1; k < 16; k++ {
			s += fmt.Sprintf(" map.fma.f32 %s[0 : 4] = %s[0 : 4], %s[%d : 4*4], %s[%d : 4] @ \"m.wf:2 in %s\"\n", to, to, x, k, y, 2*k, to)
		}
		return s + fmt.Sprintf(" map.sqrt.f32 %s[0 : 4] = %s[0 : 4] @ \"m.wf:3 in %s\"\n", to, to, to)
	}
	src := text(term("c", "a", "b") + term("d", "b", "a"))
	m := profile(t)
	want, straight := run(t, parse(t, src), m)
	p := parse(t, src)
	r := compact.Class(p.Classes[0], m, 0)
	if r.Loops != 2 || r.Funcs != 1 || r.After*4 > r.Before {
		t.Errorf("%+v\n%s", r, wse.Print(p))
	}
	got, cycles := run(t, p, m)
	if !slices.Equal(want, got) {
		t.Errorf("memory differs\n%s", wse.Print(p))
	}
	if more := cycles - straight; more <= 0 || 10*r.Cycles < 9*more || 9*r.Cycles > 10*more {
		t.Errorf("calls and turns take %d cycles and are estimated to take %d", more, r.Cycles)
	}
	// Every operation keeps the source line of the place it stands for.
	lines := ""
	var walk func(body []wse.Stmt)
	walk = func(body []wse.Stmt) {
		wse.Walk(body, func(s wse.Stmt) {
			switch s := s.(type) {
			case *wse.Op:
				lines += s.Line + " "
			case *wse.Call:
				walk(p.Classes[0].Callee(s))
			}
		})
	}
	walk(p.Classes[0].Tasks[0].Body)
	if want := "m.wf:1 in c m.wf:2 in c m.wf:3 in c m.wf:1 in d m.wf:2 in d m.wf:3 in d "; lines != want {
		t.Errorf("lines %q, want %q", lines, want)
	}
}

// Code that fits is left alone, and no more is shortened than is needed.
func TestLimit(t *testing.T) {
	var b strings.Builder
	for i := range 4 {
		for _, op := range []string{"add", "sub", "mul", "max"} {
			for j := range 4 {
				fmt.Fprintf(&b, " %s.f32 %c[%d : 4] = a[%d : 4], %d\n map.%s.f32 b[%d : 4] = d[%d : 4], c[%d]\n", op, "cd"[i%2], i*j%7, i+j*j, j,
					[]string{"min", "div"}[j%2], j, (i*i+j*j)%5, i)
			}
			fmt.Fprintf(&b, " set %%q = %d\n", i)
		}
	}
	m := profile(t)
	src := text(b.String())
	size := wse.CodeSize(parse(t, src).Classes[0], m)
	p := parse(t, src)
	if r := compact.Class(p.Classes[0], m, size); r.Loops+r.Funcs != 0 || wse.Print(p) != wse.Print(parse(t, src)) {
		t.Errorf("code that fits was changed: %+v", r)
	}
	least := compact.Class(parse(t, src).Classes[0], m, 0).After
	if least >= size {
		t.Fatalf("nothing found in %d bytes", size)
	}
	most := compact.Class(parse(t, src).Classes[0], m, size-1).After
	if most <= least || most >= size {
		t.Errorf("%d bytes where %d would do; all there is gives %d", most, size-1, least)
	}
}

// Random programs full of repetitions: the same memory, on both engines, and text that is read back.
func TestRandom(t *testing.T) {
	m := profile(t)
	functions, loops, within := 0, 0, 0
	for seed := range int64(150) {
		r := rand.New(rand.NewSource(seed))
		array := func() byte { return "abcd"[r.Intn(4)] }
		var macros []func() string
		for range 3 {
			n, k := 1+r.Intn(5), r.Intn(7)
			codes := make([]string, n)
			for i := range codes {
				codes[i] = []string{"add", "sub", "mul", "max", "map.min"}[r.Intn(5)]
			}
			macros = append(macros, func() string {
				s, to, x, at := "", array(), array(), r.Intn(8)
				for i, c := range codes {
					s += fmt.Sprintf(" %s.f32 %c[%d : 4] = %c[%d : 4], %c[%d]\n", c, to, at, x, at+i*k, array(), r.Intn(8))
				}
				return s
			})
		}
		src := ""
		for range 4 + r.Intn(12) {
			s := macros[r.Intn(3)]()
			if src += s; r.Intn(3) == 0 {
				src += s
			}
			if r.Intn(6) == 0 {
				src += fmt.Sprintf(" set %%q = %d\n if %%q == 1 {\n%s }\n", r.Intn(2), s)
			}
		}
		src = text(src)
		want, _ := run(t, parse(t, src), m)
		p := parse(t, src)
		limit := 0
		if seed%2 == 1 { // loops come first and are all that is needed
			limit = wse.CodeSize(p.Classes[0], m) * 4 / 5
		}
		res := compact.Class(p.Classes[0], m, limit)
		functions += res.Funcs
		loops += res.Loops
		within += strings.Count(wse.Print(p), " within ")
		if got, _ := run(t, p, m); !slices.Equal(want, got) {
			t.Fatalf("seed %d: memory differs\n%s\n%s", seed, src, wse.Print(p))
		}
		if res.After > res.Before || res.After != wse.CodeSize(p.Classes[0], m) {
			t.Fatalf("seed %d: %+v and %d bytes", seed, res, wse.CodeSize(p.Classes[0], m))
		}
		if again := parse(t, wse.Print(p)); wse.Print(again) != wse.Print(p) {
			t.Fatalf("seed %d: the text is not read back\n%s", seed, wse.Print(p))
		}
	}
	if functions < 100 || loops < 100 || within < 30 {
		t.Errorf("%d functions, %d loops and %d calls within tables in all: the programs repeat too little", functions, loops, within)
	}
}
