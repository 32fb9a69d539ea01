package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
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
