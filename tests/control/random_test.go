package control

import (
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse/verdict"
)

var (
	cases = flag.Int("cases", 120, "random programs to compare")
	first = flag.Int64("first", 1, "seed of the first program")
)

// random writes a program with procedures drawn at random: functions that exchange halos, reduce, count and set conditions, and a tree of
// statements over them.
type random struct {
	*rand.Rand
	grid
	funcs []string
	procs []string
	stmts int
}

func (g *random) function(name string) {
	g.f("func %s {", name)
	sets := map[string]string{}
	set := func(array, value string) {
		sets[array] = value
	}
	field := []string{"@u", "@v", "@l0", "@l1", "@l2", "@l3"}
	for i := range 1 + g.Intn(3) {
		v := fmt.Sprintf("t%d", i)
		to := []string{"u", "v", "l0", "l1", "l2", "l3"}[g.Intn(6)]
		switch g.Intn(6) {
		case 0, 1:
			g.apply(v, field[g.Intn(len(field))])
			g.field(v+"s", "read f32 %"+v+"[x, y, z]", "const f32 0.25", "mul f32 $0, $1", "read f32 @s[]", "const f32 0.01", "mul f32 $3, $4", "add f32 $2, $5")
			field = append(field, "%"+v+"s")
			set(to, "%"+v+"s")
		case 2:
			g.dot(v, field[g.Intn(len(field))], field[g.Intn(len(field))])
			g.scalar(v+"s", "f32", "read f32 %"+v+"[]", "const f32 0.001", "mul f32 $0, $1", "const f32 1", "min f32 $2, $3", "const f32 -1", "max f32 $4, $5")
			set("s", "%"+v+"s")
			if g.Intn(2) == 0 {
				g.scalar(v+"c", "bool", "read f32 %"+v+"s[]", "read f32 @s[]", "lt bool $0, $1")
				set([]string{"c0", "c1"}[g.Intn(2)], "%"+v+"c")
			}
		case 3:
			n := []string{"n0", "n1"}[g.Intn(2)]
			g.scalar(v, "i32", "read i32 @"+n+"[]", fmt.Sprintf("const i32 %d", 1+g.Intn(2)), "add i32 $0, $1")
			set(n, "%"+v)
			g.scalar(v+"c", "bool", "read i32 %"+v+"[]", fmt.Sprintf("const i32 %d", 1+g.Intn(7)), "and i32 $0, $1", "const i32 2", "lt bool $2, $3")
			set([]string{"c0", "c1"}[g.Intn(2)], "%"+v+"c")
			g.scalar(v+"d", "bool", fmt.Sprintf("const i32 %d", 1+g.Intn(5)), "read i32 %"+v+"[]", "lt bool $0, $1")
			if g.Intn(3) == 0 {
				set("done", "%"+v+"d")
			}
		case 4:
			g.field(v, "read f32 "+field[g.Intn(len(field))]+"[x, y, z]", "read f32 @s[]", "add f32 $0, $1", "const f32 0.5", "mul f32 $2, $3")
			field = append(field, "%"+v)
			set(to, "%"+v)
		default: // the largest of every column along z, kept at part 0 when x is reduced too
			g.f("reduce %%%s f32 [y in y 0..%d] over [x in x 0..%d, z in z 0..%d] max order seq {\nbox [0..%d, 0..%d, 0..%d]", v, g.ny, g.nx, g.nz, g.ny, g.nx, g.nz)
			g.lines([]string{"read f32 " + field[g.Intn(len(field))] + "[x, y, z]"})
			set("m", "%"+v)
			if g.Intn(2) == 0 {
				g.field(v+"s", "read f32 @v[x, y, z]", "read f32 %"+v+"[y]", "sub f32 $0, $1", "const f32 0.5", "mul f32 $2, $3")
				set("v", "%"+v+"s")
			}
		}
	}
	for _, a := range []string{"u", "v", "l0", "l1", "l2", "l3", "s", "n0", "n1", "c0", "c1", "done", "m"} {
		if sets[a] != "" {
			g.f("set @%s = %s", a, sets[a])
		}
	}
	g.f("}")
	g.funcs = append(g.funcs, name)
}

func (g *random) body(depth int) {
	for range 1 + g.Intn(3) {
		g.stmts++
		k := g.Intn(8)
		if depth > 2 || g.stmts > 12 {
			k = 0
		}
		switch {
		case k < 3:
			g.f("call %s", g.funcs[g.Intn(len(g.funcs))])
		case k == 3 && len(g.procs) > 0:
			g.f("call %s", g.procs[g.Intn(len(g.procs))])
		case k < 5:
			g.f("loop k%d {", g.Intn(4))
			g.body(depth + 1)
			g.f("}")
		case k == 5:
			g.f("while @c%d max k%d {", g.Intn(2), g.Intn(4))
			g.body(depth + 1)
			g.f("}")
		default:
			g.f("if @c%d {", g.Intn(2))
			g.body(depth + 1)
			if g.Intn(3) > 0 {
				g.f("} else {")
				g.body(depth + 1)
			}
			g.f("}")
		}
	}
}

func draw(t testing.TB, seed int64) (p *ir.Program, w, h int) {
	g := &random{Rand: rand.New(rand.NewSource(seed))}
	g.nx, g.ny, g.nz = 2+g.Intn(6), 2+g.Intn(6), 1+g.Intn(5)
	g.f(header, "random", g.nx, g.ny, g.nz)
	for i := range 4 {
		g.f("scalar k%d { $0 = const f64 %d yield $0 }", i, i)
	}
	g.f("array @u[x, y, z] f32\narray @v[x, y, z] f32\narray @m[y] f32")
	for i := range 4 {
		g.f("array @l%d[x, y, z] f32 local", i)
	}
	g.f("array @s[] f32\narray @n0[] i32\narray @n1[] i32\narray @c0[] bool\narray @c1[] bool\narray @done[] bool")
	for i := range 2 + g.Intn(4) {
		g.function(fmt.Sprintf("f%d", i))
	}
	for i := range 1 + g.Intn(2) {
		name := fmt.Sprintf("p%d", i)
		until := ""
		if g.Intn(2) == 0 {
			until = " until @done"
		}
		g.f("proc %s%s {", name, until)
		g.stmts = 0
		g.body(0)
		g.f("}\nrun %s count one", name)
		g.procs = append(g.procs, name)
	}
	if g.Intn(3) == 0 {
		g.f("run f0 count one")
	}
	return parse(t, g.b.String()), 1 + g.Intn(g.nx), 1 + g.Intn(g.ny)
}

func TestRandomProcedures(t *testing.T) {
	limits, early, shared := 0, 0, 0
	n := *cases
	if testing.Short() {
		n = 30
	}
	for seed := *first; seed < *first+int64(n); seed++ {
		p, w, h := draw(t, seed)
		b, err := build(p, []string{"wse2", "wse3"}[seed%2], w, h, seed%3 == 0)
		if errors.Is(err, errLimit) {
			limits++
			continue
		}
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		places := map[string]bool{}
		for i := range 4 {
			places[b.mesh.Symbol(fmt.Sprintf("l%d", i)).Local] = true
		}
		if len(places) < 4 {
			shared++
		}
		v, err := judge(b)
		if err != nil || v.Kind != verdict.Free || len(v.Races) > 0 {
			t.Errorf("seed %d on %d x %d: %v, %v", seed, w, h, v, err)
		}
		dims := p.Shape(p.Array("u"))
		r, _, err := agree(b, map[string]*ir.Tensor{"u": source(dims...), "v": source(dims...)}, 3, true, seed%4 == 0)
		if err != nil {
			t.Errorf("seed %d on %d x %d: %v\n%s", seed, w, h, err, ir.Print(p))
			continue
		}
		for _, d := range r.done {
			if d < 3 {
				early++
			}
		}
	}
	t.Logf("%d programs, %d beyond a limit of the machine, %d runs ended early, %d share scratch arrays", n, limits, early, shared)
	if limits > n/5 || early < n/30 || shared < n/20 {
		t.Error("the programs say too little")
	}
}

// Reductions that do not depend on each other cross the mesh together: BiCGStab has five per iteration and waits three times.
func TestReductionsTravelTogether(t *testing.T) {
	b, err := build(bicgstab(t, 6, 6, 4), "wse2", 6, 6, false)
	if err != nil {
		t.Fatal(err)
	}
	var lengths []int
	for _, c := range b.mesh.Classes {
		if !c.X.Contains(0) || !c.Y.Contains(0) {
			continue
		}
		for i := range c.Funcs[1] {
			if o := &c.Funcs[1][i]; o.Dst.Kind == mesh.Chan && o.Dst.Name == "xflood" {
				lengths = append(lengths, o.Dst.Len)
			}
		}
	}
	if fmt.Sprint(lengths) != "[1 2 2]" {
		t.Errorf("copies of %v elements, want 1, 2 and 2", lengths)
	}
}
