// Package random draws programs at random, for comparing the targets with each other. It knows the language and nothing of the
// compiler: a case is a source text, a mesh to compile it for, and tags that say what it exercises. Programs for native code ([Large]) have
// more points, wider reads and other types.
package random

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Case is one random program.
type Case struct {
	Seed   uint64
	Source string
	W, H   int // mesh
	Tags   map[string]bool
}

// Tags that the test counts.
const (
	Wide      = "radius 2 or more"
	Diagonal  = "diagonals"
	Fields    = "two or more fields"
	Uneven    = "uneven blocks"
	Periodic  = "periodic"
	Variable  = "variable coefficients"
	Half      = "half precision"
	Collected = "reduction or multicast along a mesh axis"
	Control   = "loops and branches"
	Kept      = "fields that keep old values of others"
	Staggered = "fields on faces"
	Mixed     = "fields of several types"
)

// Floor is the least share of cases that must carry a tag.
type Floor struct {
	Tag   string
	Share float64
}

// Floors are the least shares of the cases of [New].
var Floors = []Floor{{Wide, 0.30}, {Diagonal, 0.20}, {Fields, 0.40}, {Uneven, 0.20}, {Periodic, 0.20}, {Variable, 0.20}, {Collected, 0.15}, {Control, 0.30}, {Kept, 0.20}}

// LargeFloors are those of [Large].
var LargeFloors = []Floor{{Wide, 0.50}, {Diagonal, 0.20}, {Fields, 0.40}, {Periodic, 0.40}, {Variable, 0.20}, {Control, 0.03}, {Kept, 0.40}, {Staggered, 0.20}, {Mixed, 0.10}}

type axis struct {
	name     string
	n        int
	length   float64
	periodic bool
	nodes    bool
	parts    int // blocks on its mesh axis, 0 for memory
}

type gen struct {
	*rand.Rand
	b      strings.Builder
	axes   []axis
	fields []string
	elem   string // annotation of the fields
	coefs  []string
	lets   []string          // names of pointwise lets and scalars usable in expressions, spelled as they are read
	kept   map[string]string // of a field that gets the old value of another, the other
	faces  map[string]string // of a field on faces their axis
	waves  []string          // fields that follow a wave equation
	radius int
	large  bool
	tags   map[string]bool
}

// New draws the case of a seed.
func New(seed uint64) Case {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 0x77666331)), tags: map[string]bool{}, kept: map[string]string{}, faces: map[string]string{}}
	if g.chance(0.06) {
		return g.product(seed)
	}
	return g.program(seed)
}

// Large draws a program for native code, without a mesh: hundreds to thousands of points, at numbers where vectors, tiles and blocks end.
func Large(seed uint64) Case {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 0x6c61)), tags: map[string]bool{}, kept: map[string]string{}, faces: map[string]string{}, large: true}
	c := g.program(seed)
	c.W, c.H = 0, 0
	return c
}

func (g *gen) program(seed uint64) Case {
	g.grid()
	g.declare()
	g.boundaries()
	g.evolve()
	c := Case{Seed: seed, Source: g.b.String(), W: 1, H: 1, Tags: g.tags}
	for i, a := range g.axes {
		switch i {
		case 0:
			c.W = a.parts
		case 1:
			c.H = a.parts
		}
	}
	return c
}

func (g *gen) chance(p float64) bool { return g.Float64() < p }

func (g *gen) pick(s []string) string { return s[g.IntN(len(s))] }

func (g *gen) num(lo, hi float64) string { return fmt.Sprintf("%.3f", lo+(hi-lo)*g.Float64()) }

func (g *gen) grid() {
	dims := 1 + g.IntN(3)
	g.radius = 1
	if g.chance(0.45) {
		g.radius = 2 + g.IntN(2)
	}
	if g.large {
		dims, g.radius = 2+g.IntN(2), 1+g.IntN(4)
	}
	nodes := g.chance(0.3)
	for i := 0; i < dims; i++ {
		a := axis{name: "xyz"[i : i+1], n: g.extent(i, dims), length: 0.5 + 1.5*g.Float64(), periodic: g.chance(0.25), nodes: nodes}
		if i < 2 {
			a.parts = a.n
			if g.chance(0.45) {
				a.parts = 1 + g.IntN(a.n)
			}
			if a.n%a.parts != 0 {
				g.tags[Uneven] = true
			}
		}
		if a.periodic {
			g.tags[Periodic] = true
		}
		g.axes = append(g.axes, a)
	}
	g.b.WriteString("grid g {")
	for i, a := range g.axes {
		if i > 0 {
			g.b.WriteString(";")
		}
		fmt.Fprintf(&g.b, " %s: 0..%.3f in %d", a.name, a.length, a.n)
		if a.nodes {
			g.b.WriteString(" nodes")
		}
		if a.periodic {
			g.b.WriteString(" periodic")
		}
	}
	g.b.WriteString(" }\n")
}

// extent is the number of points along axis i of several: few for a mesh, for native code next to multiples of vectors and primes.
func (g *gen) extent(i, axes int) int {
	least := 2*g.radius + 2
	if !g.large {
		return least + g.IntN(6)
	}
	sizes := []int{least, 13, 16, 17, 23, 31, 33, 37}
	if axes == 2 || i == axes-1 {
		sizes = append(sizes, 47, 63, 64, 65, 73)
	}
	if axes == 2 {
		sizes = append(sizes, 96, 97, 127, 129)
	}
	return max(least, sizes[g.IntN(len(sizes))])
}

// initial is an expression of the coordinates without symmetry.
func (g *gen) initial() string {
	terms := []string{g.num(-1, 1)}
	for i, a := range g.axes {
		switch g.IntN(3) {
		case 0:
			terms = append(terms, g.num(-1, 1)+"*"+a.name)
		case 1:
			terms = append(terms, fmt.Sprintf("sin(%s*%s + %s)", g.num(1, 6), a.name, g.num(0, 3)))
		default:
			terms = append(terms, fmt.Sprintf("%s*%s*%s", g.num(-1, 1), a.name, g.axes[g.IntN(i+1)].name))
		}
	}
	return strings.Join(terms, " + ")
}

func (g *gen) declare() {
	if g.chance(0.1) {
		g.elem = ": f16"
		g.tags[Half] = true
	}
	n := 1
	if g.chance(0.6) {
		n = 2 + g.IntN(2)
		g.tags[Fields] = true
	}
	mixed := g.large && g.chance(0.3)
	if g.large && g.elem == "" && g.chance(0.25) {
		g.elem = ": f64"
	}
	types := map[string]string{}
	field := func(name, elem, place string) {
		types[name] = elem
		fmt.Fprintf(&g.b, "field %s%s on g%s = %s\n", name, elem, place, g.initial())
	}
	for i := 0; i < n; i++ {
		f := fmt.Sprintf("U%d", i)
		elem := g.elem
		if mixed && i > 0 {
			elem = g.pick([]string{"", ": f64", ": f16"})
			g.tags[Mixed] = g.tags[Mixed] || elem != g.elem
		}
		field(f, elem, "")
		g.fields = append(g.fields, f)
	}
	if g.chance(0.3) || g.large && g.chance(0.3) {
		g.tags[Kept] = true
		for i := 0; i <= g.IntN(3); i++ {
			f, of := fmt.Sprintf("w%d", i), g.pick(g.fields)
			field(f, types[of], "")
			g.kept[f], g.fields = of, append(g.fields, f)
		}
	}
	for i := 0; i <= g.IntN(2) && g.chance(0.2); i++ {
		f := fmt.Sprintf("v%d", i)
		field(f, g.elem, "")
		g.waves, g.fields = append(g.waves, f), append(g.fields, f)
	}
	if g.large && !g.axes[0].nodes && g.chance(0.4) {
		g.tags[Staggered] = true
		for _, a := range g.axes {
			f := "S" + a.name
			field(f, g.elem, "."+a.name)
			g.faces[f] = a.name
		}
	}
	if g.chance(0.4) {
		g.tags[Variable] = true
		for i := 0; i <= g.IntN(2); i++ {
			k := fmt.Sprintf("k%d", i)
			g.coefs = append(g.coefs, k)
			fmt.Fprintf(&g.b, "field %s%s on g = 0.3 + 0.1*(%s)\n", k, g.elem, g.initial())
		}
	}
}

func (g *gen) boundaries() {
	for _, f := range slices.Concat(g.fields, slices.Sorted(maps.Keys(g.faces))) {
		var sides []string
		for _, a := range g.axes {
			if a.periodic {
				continue
			}
			for _, end := range []string{"lo", "hi"} {
				if g.chance(0.5) {
					v := g.num(-1, 1)
					if g.chance(0.3) && len(g.axes) > 1 {
						for _, b := range g.axes {
							if b.name != a.name {
								v += " + 0.2*" + b.name
								break
							}
						}
					}
					sides = append(sides, fmt.Sprintf("%s.%s: %s = %s", a.name, end, f, v))
				} else {
					sides = append(sides, fmt.Sprintf("%s.%s: dn(%s) = %s", a.name, end, f, g.num(-0.5, 0.5)))
				}
			}
		}
		if len(sides) > 0 {
			fmt.Fprintf(&g.b, "bc %s { %s }\n", f, strings.Join(sides, "; "))
		}
	}
}

// index is the subscript of all axes with the given offsets.
func (g *gen) index(off map[string]int) string {
	var s []string
	for _, a := range g.axes {
		switch o := off[a.name]; {
		case o > 0:
			s = append(s, fmt.Sprintf("%s+%d", a.name, o))
		case o < 0:
			s = append(s, fmt.Sprintf("%s-%d", a.name, -o))
		default:
			s = append(s, a.name)
		}
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// read is an access to a field, at an offset more often than not.
func (g *gen) read() string {
	off := map[string]int{}
	if g.chance(0.75) {
		a := g.axes[g.IntN(len(g.axes))]
		o := 1 + g.IntN(g.radius)
		if o > 1 {
			g.tags[Wide] = true
		}
		if g.chance(0.5) {
			o = -o
		}
		off[a.name] = o
		if len(g.axes) > 1 && g.chance(0.4) {
			b := g.axes[g.IntN(len(g.axes))]
			if b.name != a.name {
				off[b.name] = 1 - 2*g.IntN(2)
				if a.parts > 0 && b.parts > 0 {
					g.tags[Diagonal] = true
				}
			}
		}
	}
	return g.pick(g.fields) + g.index(off)
}

// expr is an expression whose values stay moderate over a few steps.
func (g *gen) expr(depth int) string {
	if depth == 0 {
		switch k := g.IntN(11); {
		case k < 7:
			return g.read()
		case k < 8 && len(g.lets) > 0:
			return g.pick(g.lets)
		case k < 9 && len(g.coefs) > 0:
			return g.pick(g.coefs) + g.index(nil)
		case k < 10:
			return g.num(-0.5, 0.5) + "*" + g.axes[g.IntN(len(g.axes))].name
		}
		return g.num(-0.5, 0.5)
	}
	a, b := g.expr(depth-1), g.expr(g.IntN(depth))
	switch g.IntN(17) {
	case 0, 1, 2, 3:
		return "(" + a + " + " + b + ")"
	case 4, 5:
		return "(" + a + " - " + b + ")"
	case 6, 7, 8:
		return g.num(-0.4, 0.4) + "*" + a
	case 9:
		return "max(" + a + ", " + b + ")"
	case 10:
		return "min(" + a + ", abs(" + b + "))"
	case 11:
		return "where(" + a + " < " + b + ", " + g.num(-0.5, 0.5) + ", " + a + ")"
	case 12:
		return a + "/(1.5 + abs(" + b + "))"
	case 13:
		return "exp(-abs(" + a + "))"
	case 14:
		return "sin(" + a + " + n)"
	case 15:
		return "floor(3*" + a + ")"
	}
	return "sqrt(abs(" + a + "))"
}

func (g *gen) evolve() {
	steps := 1 + g.IntN(3)
	if g.large {
		steps = 1 + g.IntN(9)
	}
	if len(g.waves) > 0 { // they need a time
		fmt.Fprintf(&g.b, "evolve n from 0 to %d step 1 order %d {\n", steps, 2*(1+g.IntN(g.radius)))
	} else {
		fmt.Fprintf(&g.b, "evolve n in 0 .. %d {\n", steps)
	}
	rare := 0.3 // of what keeps steps apart
	if g.large {
		rare = 0.1
	}
	if g.chance(rare) {
		g.reduction()
	}
	if g.chance(0.3) {
		fmt.Fprintf(&g.b, "  let w%s = %s\n", g.index(nil), g.expr(2))
		g.lets = append(g.lets, "w"+g.index(nil))
	}
	cond := ""
	if g.elem == "" && (!g.large || g.chance(rare)) {
		cond = g.control()
	}
	branch := -1 // the field whose update stands in both arms of an if
	if cond != "" && g.chance(0.6) {
		branch = g.IntN(len(g.fields) - len(g.waves))
	}
	var next []string // fields whose next values are known
	for i, f := range g.fields {
		if i > 0 && i != branch && !slices.Contains(g.waves, f) && g.chance(0.1) {
			continue // carries over
		}
		if of := g.kept[f]; of != "" && i != branch {
			fmt.Fprintf(&g.b, "  %s'%s = %s%s\n", f, g.index(nil), of, g.index(nil))
			continue
		}
		if slices.Contains(g.waves, f) {
			h := math.Inf(1)
			for _, a := range g.axes {
				h = min(h, a.length/float64(a.n))
			}
			fmt.Fprintf(&g.b, "  dt(dt(%s)) = %.3g*lap(%s)\n", f, 0.1*h*h, f)
			continue
		}
		if i == branch {
			g.tags[Control] = true
			fmt.Fprintf(&g.b, "  if %s { %s'%s = 0.4*%s + 0.3*(%s) }", cond, f, g.index(nil), f+g.index(nil), g.expr(2))
			if g.chance(0.6) {
				fmt.Fprintf(&g.b, " else { %s'%s = 0.6*%s }", f, g.index(nil), g.read())
			}
			g.b.WriteString("\n")
			continue
		}
		coef := ""
		if len(g.coefs) > 0 {
			coef = " + 0.1*" + g.coefs[0] + g.index(nil) + "*" + g.read()
		}
		for _, s := range slices.Sorted(maps.Keys(g.faces)) {
			if g.chance(0.5) {
				coef += fmt.Sprintf(" + %s*(%s - %s)", g.num(0.1, 0.3), s+g.index(map[string]int{g.faces[s]: 1}), s+g.index(nil))
			}
		}
		if len(next) > 0 && g.chance(0.3) {
			read := g.read()
			coef += " + 0.1*" + g.pick(next) + "'" + read[strings.IndexByte(read, '['):]
		}
		fmt.Fprintf(&g.b, "  %s'%s = 0.5*%s + 0.3*(%s)%s\n", f, g.index(nil), f+g.index(nil), g.expr(2+g.IntN(2)), coef)
		next = append(next, f)
	}
	for _, s := range slices.Sorted(maps.Keys(g.faces)) {
		f := g.pick(g.fields)
		if len(next) > 0 && g.chance(0.5) {
			f = g.pick(next) + "'"
		}
		fmt.Fprintf(&g.b, "  %s'%s = 0.6*%s + %s*(%s - %s)\n", s, g.index(nil), s+g.index(nil), g.num(0.1, 0.3),
			f+g.index(nil), f+g.index(map[string]int{g.faces[s]: -1}))
	}
	g.b.WriteString("}\n")
	if g.large && g.chance(0.3) {
		fmt.Fprintf(&g.b, "monitor total = %s(%s) every %d steps\n", g.pick([]string{"sum", "max"}), g.pick(g.fields), 1+g.IntN(3))
	}
}

// control adds a loop over a field, and a loop over numbers that ends when it may; both make values that the updates then read. It
// returns a condition that is the same everywhere.
func (g *gen) control() string {
	cond := fmt.Sprintf("n < %d", g.IntN(3))
	if g.chance(0.25) {
		g.tags[Control] = true
		at, beside := g.index(nil), g.read()
		fmt.Fprintf(&g.b, "  loop v = U0%s like U0 for k in 0 .. %d { v'%s = 0.5*v%s + 0.3*v%s }\n", at, 1+g.IntN(3), at, at, beside[strings.IndexByte(beside, '['):])
		g.lets = append(g.lets, "v"+at)
	}
	if g.chance(0.25) {
		g.tags[Control] = true
		var over []string
		for _, a := range g.axes {
			over = append(over, a.name)
			if a.parts > 1 {
				g.tags[Collected] = true
			}
		}
		fmt.Fprintf(&g.b, "  let top = max over %s of abs(%s)\n", strings.Join(over, ", "), g.pick(g.fields)+g.index(nil))
		fmt.Fprintf(&g.b, "  loop s = 0.1, c = 0 while s < 0.4 + top max %d { s' = 1.7*s; c' = c + 0.25 }\n", 1+g.IntN(5))
		g.lets = append(g.lets, "s", "c")
		cond = g.pick([]string{"top < 0.7", "c > 0.6", cond + " or c > 0.8", "n > 0 and top > 0.5"})
	}
	return cond
}

// reduction adds a sum, maximum or minimum over some axes, which the updates then read.
func (g *gen) reduction() {
	over := []string{}
	keep := []string{}
	mesh := false
	for _, a := range g.axes {
		if g.chance(0.6) {
			over = append(over, a.name)
			mesh = mesh || a.parts > 1
		} else {
			keep = append(keep, a.name)
		}
	}
	if len(over) == 0 {
		over, keep = []string{g.axes[0].name}, keep[1:]
		mesh = g.axes[0].parts > 1
	}
	if mesh {
		g.tags[Collected] = true
	}
	name := "m"
	if len(keep) > 0 {
		name += "[" + strings.Join(keep, ", ") + "]"
	}
	scale := 0.3
	for _, a := range g.axes {
		scale /= float64(a.n)
	}
	fmt.Fprintf(&g.b, "  let %s = %s over %s of %.5f*%s\n", name, g.pick([]string{"sum", "sum", "max", "min"}), strings.Join(over, ", "), scale, g.pick(g.fields)+g.index(nil))
	g.lets = append(g.lets, name, name)
}

// product is a one-shot program over dims: a matrix product with a vector and its transpose.
func (g *gen) product(seed uint64) Case {
	n, m := 2+g.IntN(12), 2+g.IntN(12)
	w, h := 1+g.IntN(n), 1+g.IntN(m)
	fmt.Fprintf(&g.b, "dim i = %d, j = %d\nfield A[i, j] = sin(%s*i + %s*j)\nfield x[j] = %s*j - %s\nfield y[i] = 0\nfield z[j] = 0\n",
		n, m, g.num(1, 3), g.num(1, 3), g.num(0.1, 0.4), g.num(0, 1))
	g.b.WriteString("y[i] = A[i, j]*x[j]\n")
	g.b.WriteString("z[j] = A[i, j]*y[i]\n")
	if w > 1 || h > 1 {
		g.tags[Collected] = true
	}
	if n%w != 0 || m%h != 0 {
		g.tags[Uneven] = true
	}
	return Case{Seed: seed, Source: g.b.String(), W: w, H: h, Tags: g.tags}
}
