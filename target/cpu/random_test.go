package cpu

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu/native"
	"github.com/wfc-lang/wfc/tests/random"
)

var (
	cases = flag.Int("cases", 0, "random functions and programs to compare; 0: a few")
	first = flag.Uint64("first", 0, "seed of the first")
)

// maker writes random canonical programs: maps in pieces, offsets across periodic boundaries, chains of extends, reductions in all orders,
// several functions that set arrays to values, to each other and twice.
type maker struct {
	r    *rand.Rand
	p    *ir.Program
	f    *ir.Func
	vals []made
	n    int
	step bool // a function that a sweep can compute, as a rule
}

// made is a value that may be read.
type made struct {
	name string
	elem ir.Elem
	dom  []ir.Range
}

var makerElems = []ir.Elem{ir.F32, ir.F32, ir.F64, ir.F16, ir.I32}

func randomProgram(seed uint64) *ir.Program {
	m := &maker{r: rand.New(rand.NewPCG(seed, 1)), p: &ir.Program{Name: "random"}}
	for _, name := range []string{"x", "y", "z"} {
		n := []int{1, 2, 5, 16, 37, 70}[m.r.IntN(6)]
		m.p.Axes = append(m.p.Axes, ir.Axis{Name: name, N: n, H: 1, Periodic: m.r.IntN(2) == 0})
	}
	for i := range 3 + m.r.IntN(3) {
		a := ir.Array{Name: fmt.Sprintf("a%d", i), Elem: makerElems[m.r.IntN(len(makerElems))]}
		if i%2 == 1 { // two alike, so that they can be exchanged
			last := m.p.Arrays[i-1]
			a.Axes, a.Elem = last.Axes, last.Elem
		} else {
			for _, k := range m.r.Perm(3)[:m.r.IntN(4)] {
				a.Axes = append(a.Axes, m.p.Axes[k].Name)
			}
		}
		m.p.Arrays = append(m.p.Arrays, a)
	}
	for i := range 2 {
		m.function(fmt.Sprintf("f%d", i))
	}
	m.procs()
	return m.p
}

// randomStep writes a function of maps and extends on whole fields, which may be computed in passes of several steps.
func randomStep(seed uint64) *ir.Program {
	m := &maker{r: rand.New(rand.NewPCG(seed, 2)), p: &ir.Program{Name: "random"}, step: true}
	rank := 2 + m.r.IntN(2)
	for _, name := range []string{"x", "y", "z"}[:rank] {
		n := []int{3, 9, 23, 40, 70}[m.r.IntN(5)]
		m.p.Axes = append(m.p.Axes, ir.Axis{Name: name, N: n, H: 1, Periodic: m.r.IntN(3) == 0})
	}
	elem := []ir.Elem{ir.F32, ir.F32, ir.F64, ir.F16, ir.I32}[m.r.IntN(5)]
	for i := range 2 + m.r.IntN(3) {
		a := ir.Array{Name: fmt.Sprintf("a%d", i), Elem: elem}
		for d, ax := range m.p.Axes {
			if i != 1 || d != seed2(seed)%rank { // one with fewer axes, which stays
				a.Axes = append(a.Axes, ax.Name)
			}
		}
		m.p.Arrays = append(m.p.Arrays, a)
	}
	m.p.Funcs = []ir.Func{{Name: "step"}}
	m.f = &m.p.Funcs[0]
	for i := range m.p.Arrays {
		a := &m.p.Arrays[i]
		v := made{name: "@" + a.Name, elem: a.Elem}
		for d, ax := range a.Axes {
			v.dom = append(v.dom, ir.Range{Index: fmt.Sprintf("i%d", d), Axis: ax, Hi: m.p.Axis(ax).N})
		}
		m.vals = append(m.vals, v)
	}
	whole := m.vals[0].dom
	for range 1 + m.r.IntN(4) {
		v := m.vals[m.r.IntN(len(m.vals))]
		if len(v.dom) == rank && m.r.IntN(2) == 0 {
			m.extend(v)
		} else {
			m.mapOp(elem, whole)
		}
	}
	for i := range m.p.Arrays {
		if i == 1 || i > 0 && m.r.IntN(4) == 0 {
			continue
		}
		s := ir.Set{Array: m.p.Arrays[i].Name}
		if k := m.r.IntN(len(m.vals)); m.r.IntN(3) == 0 && k != i && m.alike(m.vals[i], m.vals[k].name) {
			s.Value = m.vals[k].name
		} else {
			s.Value = m.mapOp(elem, whole)
		}
		m.f.Sets = append(m.f.Sets, s)
	}
	return m.p
}

func seed2(seed uint64) int { return int(seed / 2 % 3) }

func (m *maker) function(name string) {
	m.p.Funcs = append(m.p.Funcs, ir.Func{Name: name})
	m.f = &m.p.Funcs[len(m.p.Funcs)-1]
	m.vals = nil
	for i := range m.p.Arrays {
		a := &m.p.Arrays[i]
		v := made{name: "@" + a.Name, elem: a.Elem}
		for d, ax := range a.Axes {
			v.dom = append(v.dom, ir.Range{Index: fmt.Sprintf("i%d", d), Axis: ax, Hi: m.p.Axis(ax).N})
		}
		m.vals = append(m.vals, v)
	}
	for range 4 + m.r.IntN(6) {
		v := m.vals[m.r.IntN(len(m.vals))]
		switch m.r.IntN(4) {
		case 0:
			m.reduce(v)
		case 1:
			m.extend(v)
		default:
			m.mapOp(v.elem, v.dom)
		}
	}
	for i := range m.p.Arrays {
		a := m.vals[i]
		switch m.r.IntN(4) {
		case 0: // carries over
		case 1:
			m.f.Sets = append(m.f.Sets, ir.Set{Array: a.name[1:], Value: m.vals[i^1&(len(m.p.Arrays)-1)].name})
			if s := &m.f.Sets[len(m.f.Sets)-1]; !m.alike(a, s.Value) {
				s.Value = m.mapOp(a.elem, a.dom)
			}
		case 2:
			if k := slices.IndexFunc(m.vals[len(m.p.Arrays):], func(v made) bool { return m.alike(a, v.name) }); k >= 0 {
				m.f.Sets = append(m.f.Sets, ir.Set{Array: a.name[1:], Value: m.vals[len(m.p.Arrays)+k].name})
				break
			}
			fallthrough
		default:
			m.f.Sets = append(m.f.Sets, ir.Set{Array: a.name[1:], Value: m.mapOp(a.elem, a.dom)})
		}
	}
}

func (m *maker) alike(a made, name string) bool {
	for _, v := range m.vals {
		if v.name == name {
			return v.elem == a.elem && slices.EqualFunc(a.dom, v.dom, func(p, q ir.Range) bool { return p.Axis == q.Axis && p.Lo == q.Lo && p.Hi == q.Hi })
		}
	}
	return false
}

func (m *maker) define(op ir.Op, e ir.Elem) string {
	m.n++
	name := fmt.Sprintf("v%d", m.n)
	op.Results = []ir.Result{{Name: name, Elem: e}}
	m.f.Ops = append(m.f.Ops, op)
	m.vals = append(m.vals, made{"%" + name, e, op.Dom})
	return "%" + name
}

// cut splits a box into pieces at random planes.
func (m *maker) cut(box []ir.Interval) [][]ir.Interval {
	boxes := [][]ir.Interval{box}
	for range m.r.IntN(4) {
		k := m.r.IntN(len(boxes))
		if len(box) == 0 {
			break
		}
		d := m.r.IntN(len(box))
		iv := boxes[k][d]
		if iv.Hi-iv.Lo < 2 {
			continue
		}
		at := iv.Lo + 1 + m.r.IntN(iv.Hi-iv.Lo-1)
		other := slices.Clone(boxes[k])
		boxes[k] = slices.Clone(boxes[k])
		boxes[k][d].Hi, other[d].Lo = at, at
		boxes = append(boxes, other)
	}
	return boxes
}

// term reads something under the ranges of box at random offsets, or constants where no index fits.
func (m *maker) term(b *ir.BodyBuilder, e ir.Elem, ranges []ir.Range, box []ir.Interval) int {
	v := m.vals[m.r.IntN(len(m.vals))]
	var acc []ir.Affine
	for _, d := range v.dom {
		ax := m.p.Axis(d.Axis)
		var fits []int
		for k, r := range ranges {
			if r.Axis == d.Axis {
				fits = append(fits, k)
			}
		}
		if m.step && len(v.dom) == len(ranges) {
			fits = []int{len(acc)}
		} else if len(ranges) > 0 && !m.step && m.r.IntN(6) == 0 {
			if a, ok := m.strided(ranges, box, d); ok {
				acc = append(acc, a)
				continue
			}
		}
		if len(fits) == 0 {
			acc = append(acc, ir.At("", d.Lo+m.r.IntN(d.Hi-d.Lo)))
			continue
		}
		k := fits[m.r.IntN(len(fits))]
		if len(fits) == 1 && m.step && ranges[k].Axis != d.Axis {
			panic("axes of a step are in one order")
		}
		lo, hi := d.Lo-box[k].Lo, d.Hi-box[k].Hi // offsets that stay inside
		if ax.Periodic && d.Lo <= 0 && d.Hi >= ax.N {
			lo, hi = lo-3, hi+3
		}
		if lo > hi {
			acc = append(acc, ir.At("", d.Lo))
			continue
		}
		lo, hi = max(lo, min(-4, hi)), min(hi, max(4, lo))
		acc = append(acc, ir.At(ranges[k].Index, lo+m.r.IntN(hi-lo+1)))
	}
	return b.Cvt(e, b.Read(v.elem, v.name, acc...))
}

// strided is an access with a factor and a divisor through any index, shifted so that it stays inside d, or wraps.
func (m *maker) strided(ranges []ir.Range, box []ir.Interval, d ir.Range) (ir.Affine, bool) {
	k := m.r.IntN(len(ranges))
	a := ir.Affine{Index: ranges[k].Index, Mul: m.r.IntN(4), Div: m.r.IntN(4)}
	lo, hi := a.Span(box[k].Lo, box[k].Hi)
	div := max(1, a.Div)
	switch ax := m.p.Axis(d.Axis); {
	case ax.Periodic && d.Lo <= 0 && d.Hi >= ax.N:
		a.Off = m.r.IntN(9) - 4 - lo*div
	case hi-lo <= d.Hi-d.Lo:
		a.Off = (d.Lo - lo + m.r.IntN(d.Hi-d.Lo-(hi-lo)+1)) * div
	default:
		return a, false
	}
	return a, true
}

// expression is a random expression of element type e.
func (m *maker) expression(e ir.Elem, ranges []ir.Range, box []ir.Interval) ir.Body {
	var b ir.BodyBuilder
	x := m.term(&b, e, ranges, box)
	for range m.r.IntN(5) {
		y := m.term(&b, e, ranges, box)
		ops := []ir.Code{ir.Add, ir.Sub, ir.Mul, ir.MinOp, ir.MaxOp}
		if e == ir.I32 {
			ops = append(ops, ir.Xor, ir.And)
		}
		x = b.Op(ops[m.r.IntN(len(ops))], x, y)
		if m.r.IntN(4) == 0 {
			x = b.Select(b.Op(ir.Lt, x, y), y, x)
		}
	}
	if e.IsFloat() { // keep the numbers in range
		x = b.Mul(x, b.Const(e, 0.25))
	}
	return b.Body(x)
}

func (m *maker) mapOp(e ir.Elem, dom []ir.Range) string {
	op := ir.Op{Kind: ir.Map, Dom: slices.Clone(dom)}
	for _, box := range m.cut(boxIntervals(dom)) {
		op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: m.expression(e, op.Dom, box)})
	}
	return m.define(op, e)
}

func (m *maker) extend(v made) {
	var along []int
	for d, r := range v.dom {
		if !m.p.Axis(r.Axis).Periodic {
			along = append(along, d)
		}
	}
	if len(along) == 0 {
		return
	}
	d := along[m.r.IntN(len(along))]
	op := ir.Op{Kind: ir.Extend, Dom: slices.Clone(v.dom), From: v.name}
	op.Dom[d].Lo -= 1 + m.r.IntN(2)
	op.Dom[d].Hi += m.r.IntN(3)
	for _, side := range []ir.Interval{{Lo: op.Dom[d].Lo, Hi: v.dom[d].Lo}, {Lo: v.dom[d].Hi, Hi: op.Dom[d].Hi}} {
		if side.Lo < side.Hi {
			box := boxIntervals(op.Dom)
			box[d] = side
			op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: m.expression(v.elem, op.Dom, box)})
		}
	}
	m.define(op, v.elem)
}

func (m *maker) reduce(v made) {
	if len(v.dom) == 0 {
		return
	}
	op := ir.Op{Kind: ir.Reduce, Order: ir.Order{Kind: ir.OrderKind(m.r.IntN(3))}, Comb: ir.Combiner(m.r.IntN(4))}
	for k, d := range m.r.Perm(len(v.dom)) {
		r := v.dom[d]
		if k > 0 && m.r.IntN(2) == 0 {
			op.Dom = append(op.Dom, r)
			continue
		}
		op.Over = append(op.Over, r)
		if ax := m.p.Axis(r.Axis); op.Order.Kind == ir.Mesh && m.r.IntN(3) > 0 {
			c := ir.ChainAxis{Axis: r.Axis, Parts: 1 + m.r.IntN(min(ax.N, 9))}
			for stride := 1; stride < c.Parts && (stride > 1 || m.r.IntN(2) == 0); {
				l := ir.Level{Size: 2 + m.r.IntN(4), Star: m.r.IntN(2) == 0}
				c.Levels = append(c.Levels, l)
				stride *= l.Size
			}
			op.Order.Chain = append(op.Order.Chain, c)
		}
	}
	if len(op.Over) == 1 && len(op.Dom) > 1 && m.r.IntN(2) == 0 {
		most := op.Over[0].Hi - op.Over[0].Lo
		for _, r := range op.Dom[:2] {
			most = min(most, r.Hi-r.Lo)
		}
		op.Order = ir.Order{Kind: ir.Turned, Turn: ir.Turn{Parts: [2]int{1 + m.r.IntN(most), 1 + m.r.IntN(most)}, By: [2]int{0, 1}}}
		if op.Order.Turn.Check(&op) != nil {
			op.Order.Turn.Parts[1] = op.Order.Turn.Parts[0]
		}
	}
	op.FMA = op.Comb == ir.Sum && v.elem.IsFloat() && m.r.IntN(2) == 0
	all := slices.Concat(op.Dom, op.Over)
	for _, box := range m.cut(boxIntervals(all)) {
		b := m.expression(v.elem, all, box)
		if op.FMA && b.Nodes[b.Results[0]].Op != ir.Mul {
			op.FMA = false
		}
		op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: b})
	}
	m.define(op, v.elem)
}

func TestRandomPrograms(t *testing.T) {
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		n := 8
		if tc != toolchains()[0] {
			n = 3
		}
		for seed := range uint64(n) {
			p := randomProgram(seed)
			if err := ir.VerifyCanonical(p); err != nil {
				t.Fatalf("seed %d: the test makes programs that are not canonical: %v", seed, err)
			}
			sameAsInterpreter(t, tc, p, 2, nil, "f0", "f1", "f0", "p0", "p1")
			if t.Failed() {
				t.Fatalf("seed %d:\n%s", seed, ir.Print(p))
			}
		}
	})
}

// Programs of the language, computed in passes of any tiling and number of steps, by any number of threads, for vectors and caches of any
// machine, in calls of any number of steps in turns with other functions, have the interpreter's bits.
func TestRandomFields(t *testing.T) {
	needsLLVM(t)
	defer func(v int) { forceVector = v }(forceVector)
	n, swept := max(*cases, 8), 0
	for seed := *first; seed < *first+uint64(n); seed++ {
		c := random.Large(seed)
		src, errs := dsl.Compile("case.wf", c.Source, dsl.Options{Float: ir.F32})
		if errs.HasErrors() {
			t.Fatalf("seed %d: %v\n%s", seed, errs, c.Source)
		}
		p, err := passes.Canonical(src)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, c.Source)
		}
		if slices.ContainsFunc(slices.Collect(maps.Values(sweptPlan(t, p).funcs)), func(c *compiled) bool { return c.sweep != nil }) {
			swept++
		}
		randomCalls(t, p, rand.New(rand.NewPCG(seed, 3)))
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, c.Source)
		}
	}
	if swept < n/2 {
		t.Errorf("%d of %d programs are computed in passes", swept, n)
	}
}

// call is some iterations of a function.
type call struct {
	fn    string
	steps int
}

// randomCalls compares an engine with the interpreter in calls of the functions of p in turns.
func randomCalls(t *testing.T, p *ir.Program, r *rand.Rand) {
	t.Helper()
	fns := slices.Sorted(maps.Keys(sweptPlan(t, p).funcs))
	most := 0
	if i := slices.Index(fns, "step"); i >= 0 { // else it has loops, and functions in between
		most = i
	}
	calls := []call{{fns[most], 1 + r.IntN(9)}}
	for range r.IntN(3) {
		calls = append(calls, call{fns[r.IntN(len(fns))], 1}, call{fns[most], 1 + r.IntN(9)})
	}
	run := func(m machine) []*ir.Tensor {
		defer m.Close()
		start(t, m, p, nil)
		for _, c := range calls {
			proceed(t, m, c.fn, c.steps)
		}
		var all []*ir.Tensor
		for i := range p.Arrays {
			a, err := m.Get(p.Arrays[i].Name)
			check(t, err)
			all = append(all, a)
		}
		return all
	}
	ref, err := interp.New(p)
	check(t, err)
	want := run(ref)
	forceVector = []int{0, 0, 16, 32, 64}[r.IntN(5)]
	for k := range 3 {
		o := Options{Threads: 1 + r.IntN(3), PassSteps: []int{0, 0, 1, 2, 3, 5}[r.IntN(6)], divide: []int{0, 1 << 10}[r.IntN(2)], sweep: 1}
		if k > 0 {
			steps := 1 + r.IntN(9)
			o.tiling = &tiling{steps: steps, tile: 1 + r.IntN(70), chunks: 1 + r.IntN(3), rows: 1 + r.IntN(70), stream: r.IntN(2) == 0}
			if len(p.Axes) == 2 {
				o.tiling.tile = (o.tiling.tile + 63) / 64 * 64
			}
		}
		e, err := newEngine(p, toolchains()[0], o)
		check(t, err)
		for i, got := range run(e) {
			name := fmt.Sprintf("vectors %d, %+v, tiling %+v, calls %v: %s", forceVector, o, o.tiling, calls, p.Arrays[i].Name)
			compare(t, name, o.Threads, got, want[i])
		}
	}
}
