package control

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/wse/verdict"
)

// space is one of the axes that lie over each other: cells, their faces, cells of half the resolution and theirs of half again.
type space struct {
	name     string
	n        int
	per      int // points of it per point of the coarsest
	periodic bool
}

// spaces writes programs on grids with faces and coarser grids, with all the reads between them.
type spaces struct {
	*rand.Rand
	b      strings.Builder
	axes   [2][]space
	arrays []field
}

type field struct {
	name string
	on   [2]int // which space along x and along y
}

func (g *spaces) f(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }

const depth = 3 // points in memory

// reach gives an access of a point of space s along an axis from space t, and the points of t for which it stays inside s.
func (g *spaces) reach(t, s space, index string) (at string, lo, hi int) {
	off := g.Intn(5) - 2
	a := ir.Affine{Index: index, Off: off}
	switch {
	case s.per > t.per:
		a.Mul = s.per / t.per
		off += g.Intn(a.Mul)
		a.Off = off
		at = fmt.Sprintf("%d*%s%+d", a.Mul, index, off)
	case s.per < t.per:
		a.Div = t.per / s.per
		at = fmt.Sprintf("(%s%+d)/%d", index, off, a.Div)
	default:
		at = fmt.Sprintf("%s%+d", index, off)
	}
	at = strings.ReplaceAll(at, "+0", "")
	if s.periodic {
		return at, 0, t.n
	}
	for lo = 0; lo < t.n && a.Of(lo) < 0; lo++ {
	}
	for hi = lo; hi < t.n && a.Of(hi) < s.n; hi++ {
	}
	return at, lo, hi
}

func (g *spaces) at(on [2]int) (x, y space) { return g.axes[0][on[0]], g.axes[1][on[1]] }

func (g *spaces) mapOp(name string, on [2]int) {
	x, y := g.at(on)
	lo, hi := [2]int{0, 0}, [2]int{x.n, y.n}
	var body []string
	sum := -1
	for range 1 + g.Intn(3) {
		a := g.arrays[g.Intn(len(g.arrays))]
		var at [2]string
		for d := range at {
			var l, h int
			at[d], l, h = g.reach(g.axes[d][on[d]], g.axes[d][a.on[d]], []string{"i", "j"}[d])
			lo[d], hi[d] = max(lo[d], l), min(hi[d], h)
		}
		body = append(body, fmt.Sprintf("read f32 %s[%s, %s, z]", a.name, at[0], at[1]))
		if sum >= 0 {
			body = append(body, fmt.Sprintf("add f32 $%d, $%d", sum, len(body)-1))
		}
		sum = len(body) - 1
	}
	body = append(body, "const f32 0.4", fmt.Sprintf("mul f32 $%d, $%d", sum+1, sum))
	if g.Intn(4) == 0 {
		body = append(body, "index i32 i", fmt.Sprintf("cvt f32 $%d", len(body)), fmt.Sprintf("add f32 $%d, $%d", len(body)-1, len(body)+1))
	}
	g.f("map %%%s f32 [i in %s 0..%d, j in %s 0..%d, z in z 0..%d] {", name, x.name, x.n, y.name, y.n, depth)
	piece := func(x0, x1, y0, y1 int, body []string) {
		if x0 >= x1 || y0 >= y1 {
			return
		}
		g.f("box [%d..%d, %d..%d, 0..%d]", x0, x1, y0, y1, depth)
		for i, l := range body {
			g.f("$%d = %s", i, l)
		}
		g.f("yield $%d", len(body)-1)
	}
	if lo[0] >= hi[0] || lo[1] >= hi[1] {
		lo, hi = [2]int{}, [2]int{}
	}
	edge := []string{"const f32 0.125"}
	piece(lo[0], hi[0], lo[1], hi[1], body)
	piece(0, lo[0], 0, y.n, edge)
	piece(hi[0], x.n, 0, y.n, edge)
	piece(lo[0], hi[0], 0, lo[1], edge)
	piece(lo[0], hi[0], hi[1], y.n, edge)
	g.f("}")
	g.arrays = append(g.arrays, field{"%" + name, on})
}

func (g *spaces) program(t testing.TB) (p *ir.Program, w, h int) {
	g.f("wfir 1\nprogram spaces\nscalar one { $0 = const f64 1 yield $0 }")
	var coarsest [2]int
	for d, name := range []string{"x", "y"} {
		n := 1 + g.Intn(5)
		coarsest[d] = n
		periodic := g.Intn(4) == 0
		mark := map[bool]string{true: " periodic"}[periodic]
		faces := 4*n + 1
		if periodic {
			faces--
		}
		g.f("axis %s %d cells%s lo 0 h 1", name, 4*n, mark)
		g.f("axis %s.f %d nodes%s lo 0 h 1 of %s", name, faces, mark, name)
		g.f("axis %s2 %d cells%s lo 0 h 2", name, 2*n, mark)
		g.axes[d] = []space{{name, 4 * n, 4, periodic}, {name + ".f", faces, 4, periodic}, {name + "2", 2 * n, 2, periodic}}
		if g.Intn(2) == 0 {
			g.f("axis %s4 %d cells%s lo 0 h 4", name, n, mark)
			g.axes[d] = append(g.axes[d], space{name + "4", n, 1, periodic})
		} else {
			coarsest[d] = 2 * n
		}
	}
	g.f("axis z %d cells lo 0 h 1", depth)
	var all []field
	for i := range g.axes[0] {
		for j := range g.axes[1] {
			if i == j || g.Intn(3) == 0 {
				x, y := g.at([2]int{i, j})
				f := field{fmt.Sprintf("@a%d%d", i, j), [2]int{i, j}}
				g.f("array %s[%s, %s, z] f32", f.name, x.name, y.name)
				all = append(all, f)
			}
		}
	}
	g.f("array @s[] f32\narray @n[] i32")
	for k := range 1 + g.Intn(2) {
		g.f("func f%d {", k)
		g.arrays = append([]field{}, all...)
		sets := map[string]string{}
		for i := range 2 + g.Intn(4) {
			to := all[g.Intn(len(all))]
			v := fmt.Sprintf("v%d", i)
			g.mapOp(v, to.on)
			sets[to.name] = "%" + v
		}
		if a := g.arrays[g.Intn(len(g.arrays))]; g.Intn(2) == 0 {
			x, y := g.at(a.on)
			g.f("reduce %%r f32 [] over [i in %s 0..%d, j in %s 0..%d, z in z 0..%d] sum fma order seq {\nbox [0..%d, 0..%d, 0..%d]", x.name, x.n, y.name, y.n, depth, x.n, y.n, depth)
			g.f("$0 = read f32 %s[i, j, z]\n$1 = mul f32 $0, $0\nyield $1\n}", a.name)
			sets["@s"] = "%r"
		}
		for _, a := range append(all, field{name: "@s"}) {
			if sets[a.name] != "" {
				g.f("set %s = %s", a.name, sets[a.name])
			}
		}
		g.f("}\nrun f%d count one", k)
	}
	return parse(t, g.b.String()), 1 + g.Intn(coarsest[0]+1), 1 + g.Intn(coarsest[1]+1)
}

// Cells, faces and coarser grids lie over each other in every PE, whatever the blocks.
func TestSpaces(t *testing.T) {
	limits, spread := 0, 0
	n := *cases
	if testing.Short() {
		n = 30
	}
	for seed := *first; seed < *first+int64(n); seed++ {
		g := &spaces{Rand: rand.New(rand.NewSource(seed))}
		p, w, h := g.program(t)
		b, err := build(p, []string{"wse2", "wse3"}[seed%2], w, h, seed%3 == 0)
		if errors.Is(err, errLimit) {
			limits++
			continue
		}
		if err != nil {
			t.Errorf("seed %d on %d x %d: %v\n%s", seed, w, h, err, ir.Print(p))
			continue
		}
		if b.mesh.W*b.mesh.H > 1 {
			spread++
		}
		if v, err := judge(b); err != nil || v.Kind != verdict.Free || len(v.Races) > 0 {
			t.Errorf("seed %d on %d x %d: %v, %v", seed, w, h, v, err)
		}
		data := map[string]*ir.Tensor{}
		for _, a := range p.Arrays {
			if len(a.Axes) > 0 {
				data[a.Name] = source(p.Shape(&a)...)
			}
		}
		if _, _, err := agree(b, data, 2, true, false); err != nil {
			t.Errorf("seed %d on %d x %d: %v\n%s", seed, w, h, err, ir.Print(p))
		}
	}
	t.Logf("%d programs, %d beyond a limit of the machine, %d on more than one PE", n, limits, spread)
	if limits > n/5 || spread < n/2 {
		t.Error("the programs say too little")
	}
}
