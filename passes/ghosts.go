package passes

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// ghosts gives every read beyond a wall a value from the boundary conditions of the array, and refuses what has none.
//
// An operand read beyond its box along non-periodic axes is extended by a chain of extend operations, one axis at a time in the order
// of the array's axes, each over all of the previous extent, as deep as the deepest read of the function. Ghost k = 1, 2, .. outside the
// low wall is (mirrored at the high one)
//
//	cells, value v:              2v - T(k-1)
//	cells, outward derivative d: T(k-1) + (2k-1)*h*d
//	nodes, value v:              2v - T(k)
//	nodes, outward derivative d: T(k) + 2k*h*d
//	mixed conditions:            see mixed.go
//
// the odd or even reflection, which is also the closure of formulas of high order. Where another axis is already extended, a condition
// that depends on it is evaluated at the ghost's own coordinate, and reads its arrays at the nearest point inside.
//
// A value that becomes the next value of an array (Set) has the conditions of that array. Periodic axes need no ghosts: reads wrap.
func ghosts(p *ir.Program, cfg *Config) error {
	h := newHostDefs(p)
	for i := range p.Funcs {
		g := &ghoster{p: p, f: &p.Funcs[i], cfg: cfg, h: h}
		if err := arrange(g.f); err != nil {
			return err
		}
		if err := g.run(); err != nil {
			return err
		}
	}
	return nil
}

type ghoster struct {
	p   *ir.Program
	f   *ir.Func
	cfg *Config
	h   *hostDefs
	ops []ir.Op // the chains so far
	err error   // the first condition that cannot be solved
}

// extent is what reads need beyond an operand's box, and where first.
type extent struct {
	name string
	box  []ir.Range
	lo   []int // depth per dimension
	hi   []int
	at   ir.Pos
}

func (g *ghoster) run() error {
	need := map[string]*extent{}
	var order []string
	for i := range g.f.Ops {
		op := &g.f.Ops[i]
		beyond := func(n *ir.Node, dim, lo, hi int) {
			e := need[n.Name]
			if e == nil {
				box, _ := operandBox(g.p, g.f, n.Name)
				e = &extent{n.Name, box, make([]int, len(box)), make([]int, len(box)), op.Pos}
				need[n.Name] = e
				order = append(order, n.Name)
			}
			e.lo[dim], e.hi[dim] = max(e.lo[dim], lo), max(e.hi[dim], hi)
		}
		if err := g.reads(op, beyond); err != nil {
			return err
		}
	}
	final := map[string]string{}
	chains := map[string][]ir.Op{}
	for _, name := range order {
		ops, err := g.chain(need[name])
		if err == nil {
			err = g.err
		}
		if err != nil {
			return err
		}
		chains[name] = ops
		g.ops = append(g.ops, ops...)
		final[name] = "%" + ops[len(ops)-1].Results[0].Name
	}
	var out []ir.Op
	placed := map[string]bool{}
	for i := range g.f.Ops {
		op := g.f.Ops[i]
		outside := map[string]bool{}
		if err := g.reads(&op, func(n *ir.Node, _, _, _ int) { outside[n.Name] = true }); err != nil {
			return err
		}
		for _, name := range order {
			if outside[name] && !placed[name] {
				placed[name] = true
				out = append(out, chains[name]...)
			}
		}
		if len(outside) > 0 {
			for k := range op.Pieces {
				op.Pieces[k].Body = rewrite(&op.Pieces[k].Body, func(b *builder, n ir.Node) int {
					if n.Op == ir.Read && outside[n.Name] {
						n.Name = final[n.Name]
					}
					return b.add(n)
				})
			}
		}
		out = append(out, op)
	}
	g.f.Ops = out
	return nil
}

// reads calls beyond for every read outside its operand's box along a non-periodic axis, with the depth below and above.
func (g *ghoster) reads(op *ir.Op, beyond func(n *ir.Node, dim, lo, hi int)) error {
	for k := range op.Pieces {
		pc := &op.Pieces[k]
		for j := range pc.Body.Nodes {
			n := &pc.Body.Nodes[j]
			if n.Op != ir.Read {
				continue
			}
			box, ok := operandBox(g.p, g.f, n.Name)
			if !ok || len(box) != len(n.At) {
				return fmt.Errorf("function %s reads %s with %d indices, it has %d", g.f.Name, n.Name, len(n.At), len(box))
			}
			for d, at := range n.At {
				lo, hi := at.Span(0, 1)
				if at.Index != "" {
					x := op.Dim(at.Index)
					if x < 0 || x >= len(pc.Box) {
						return fmt.Errorf("function %s reads %s at %q, which is no index of the operation", g.f.Name, n.Name, at.Index)
					}
					if pc.Box[x].Hi <= pc.Box[x].Lo {
						continue
					}
					lo, hi = at.Span(pc.Box[x].Lo, pc.Box[x].Hi)
				}
				if ax := g.p.Axis(box[d].Axis); ax == nil || ax.Periodic {
					continue
				}
				if lo < box[d].Lo || hi > box[d].Hi {
					beyond(n, d, max(0, box[d].Lo-lo), max(0, hi-box[d].Hi))
				}
			}
		}
	}
	return nil
}

// operandBox returns the axes and extents of "@array" or "%value".
func operandBox(p *ir.Program, f *ir.Func, name string) ([]ir.Range, bool) {
	if len(name) < 2 {
		return nil, false
	}
	if name[0] == '@' {
		a := p.Array(name[1:])
		if a == nil {
			return nil, false
		}
		box := make([]ir.Range, len(a.Axes))
		for i, x := range a.Axes {
			ax := p.Axis(x)
			if ax == nil {
				return nil, false
			}
			box[i] = ir.Range{Index: x, Axis: x, Lo: 0, Hi: ax.N}
		}
		return box, true
	}
	op, _ := producer(f, name)
	if op == nil {
		return nil, false
	}
	return op.Dom, true
}

// producer returns the operation and result number of "%value".
func producer(f *ir.Func, name string) (*ir.Op, int) {
	for i := range f.Ops {
		for k, r := range f.Ops[i].Results {
			if "%"+r.Name == name {
				return &f.Ops[i], k
			}
		}
	}
	return nil, 0
}

// rules returns the array whose conditions hold for an operand.
func (g *ghoster) rules(name string) *ir.Array {
	if name[0] == '@' {
		return g.p.Array(name[1:])
	}
	for _, s := range g.f.Sets {
		if s.Value == name {
			return g.p.Array(s.Array)
		}
	}
	return nil
}

func (g *ghoster) elem(name string) ir.Elem {
	if name[0] == '@' {
		return g.p.Array(name[1:]).Elem
	}
	op, k := producer(g.f, name)
	return op.Results[k].Elem
}

func (g *ghoster) chain(e *extent) ([]ir.Op, error) {
	arr := g.rules(e.name)
	dom := make([]ir.Range, len(e.box))
	for i, r := range e.box {
		dom[i] = ir.Range{Index: r.Axis, Axis: r.Axis, Lo: r.Lo, Hi: r.Hi}
	}
	var ops []ir.Op
	from := e.name
	for d := range dom {
		if e.lo[d] == 0 && e.hi[d] == 0 {
			continue
		}
		inner := append([]ir.Range(nil), dom...)
		dom[d].Lo, dom[d].Hi = dom[d].Lo-e.lo[d], dom[d].Hi+e.hi[d]
		op := ir.Op{Kind: ir.Extend, From: from, Dom: append([]ir.Range(nil), dom...), Pos: e.at,
			Results: []ir.Result{{Name: g.fresh(e.name[1:] + ".g" + dom[d].Axis), Elem: g.elem(e.name)}}}
		for _, high := range []bool{false, true} {
			depth := e.lo[d]
			if high {
				depth = e.hi[d]
			}
			if depth == 0 {
				continue
			}
			bc := condition(arr, dom[d].Axis, high)
			ax := g.p.Axis(dom[d].Axis)
			if bc == nil || inner[d].Lo != 0 || inner[d].Hi != ax.N {
				return nil, g.noRule(e, arr, ax, high, depth)
			}
			mirror := depth
			if ax.Nodes {
				mirror++
			}
			if mirror > ax.N {
				return nil, g.tooSmall(e, ax, depth)
			}
			for k := 1; k <= depth; k++ {
				op.Pieces = append(op.Pieces, g.layer(bc, from, op.Results[0].Elem, inner, d, ax, high, k)...)
			}
		}
		ops = append(ops, op)
		from = "%" + op.Results[0].Name
	}
	return ops, nil
}

func condition(a *ir.Array, axis string, high bool) *ir.Boundary {
	if a == nil {
		return nil
	}
	for i := range a.BC {
		if a.BC[i].Axis == axis && a.BC[i].High == high {
			return &a.BC[i]
		}
	}
	return nil
}

// fresh is a name for a value that no other has: an array and its next value may have the same name, and both ghosts.
func (g *ghoster) fresh(name string) string {
	for {
		op, _ := producer(g.f, "%"+name)
		if op == nil && !slices.ContainsFunc(g.ops, func(op ir.Op) bool { return op.Results[0].Name == name }) {
			return name
		}
		name += "'"
	}
}

// layer makes the pieces of ghost layer k: one, or one per ghost layer of the axes extended before on which the condition depends.
func (g *ghoster) layer(bc *ir.Boundary, from string, e ir.Elem, inner []ir.Range, d int, ax *ir.Axis, high bool, k int) []ir.Piece {
	pos, src := -k, k-1
	if ax.Nodes {
		src = k
	}
	if high {
		pos, src = ax.N-1+k, ax.N-1-src
	}
	box := make([]ir.Interval, len(inner))
	for i, r := range inner {
		box[i] = ir.Interval{Lo: r.Lo, Hi: r.Hi}
	}
	box[d] = ir.Interval{Lo: pos, Hi: pos + 1}
	at := make([]ir.Affine, len(inner))
	for i, r := range inner {
		at[i].Index = r.Index
	}
	at[d].Off = src - pos

	pieces := []ir.Piece{{Box: box}}
	for i, r := range inner {
		a := g.p.Axis(r.Axis)
		if i == d || r.Lo == 0 && r.Hi == a.N || !dependsOn(&bc.Body, r.Index) {
			continue
		}
		var split []ir.Piece
		for _, pc := range pieces {
			cut := func(lo, hi int) {
				b := append([]ir.Interval(nil), pc.Box...)
				b[i] = ir.Interval{Lo: lo, Hi: hi}
				split = append(split, ir.Piece{Box: b})
			}
			for x := r.Lo; x < 0; x++ {
				cut(x, x+1)
			}
			cut(0, a.N)
			for x := a.N; x < r.Hi; x++ {
				cut(x, x+1)
			}
		}
		pieces = split
	}
	for i := range pieces {
		pieces[i].Body = g.formula(bc, from, e, at, ax, k, d, src, inner, pieces[i].Box)
	}
	return pieces
}

func (g *ghoster) formula(bc *ir.Boundary, from string, e ir.Elem, at []ir.Affine, ax *ir.Axis, k, dim, src int, inner []ir.Range, box []ir.Interval) ir.Body {
	dist := 2*k - 1 // in steps of the mirror image
	if ax.Nodes {
		dist = 2 * k
	}
	b := newBuilder()
	t := b.add(ir.Node{Op: ir.Read, Elem: e, Name: from, At: at})
	if bc.Kind == ir.Mixed {
		end := 0
		if bc.High {
			end = ax.N - 1
		}
		return b.done(g.mixed(bc, b, e, t, at, from, ax, dist, dim, src, end, inner, box))
	}
	d := &differ{p: g.p, h: g.h, src: &bc.Body}
	d.analyse()
	if r := bc.Body.Results[0]; d.host[r] && bc.Body.Nodes[r].Elem.IsFloat() && e.IsFloat() {
		c := d.coefficient(r)
		if bc.Kind == ir.Value {
			if c = c.scale(big.NewRat(2, 1)); len(c) == 0 {
				return b.done(b.op(ir.Neg, e, t))
			}
			return b.done(b.op(ir.Sub, e, b.coefficient(g.h, e, c), t))
		}
		if c = c.scale(big.NewRat(int64(dist), 1)).mul(stepPower(ax.H, -1)); len(c) == 0 {
			return b.done(t)
		}
		return b.done(b.op(ir.Add, e, t, b.coefficient(g.h, e, c)))
	}
	v := g.boundary(b, &bc.Body, inner, box).node(bc.Body.Results[0])
	if b.elem(v) != e {
		v = b.op(ir.Cvt, e, v)
	}
	if bc.Kind == ir.Value {
		return b.done(b.op(ir.Sub, e, g.times(b, e, 2, v), t))
	}
	return b.done(b.op(ir.Add, e, t, g.times(b, e, float64(dist)*ax.H, v)))
}

func (g *ghoster) times(b *builder, e ir.Elem, c float64, v int) int {
	if !e.IsFloat() {
		return b.op(ir.Mul, e, b.int(e, int64(c)), v)
	}
	return b.op(ir.Mul, e, b.num(e, c), v)
}

// boundary copies the body of a condition, with indices fixed where the box is a ghost layer of another axis.
func (g *ghoster) boundary(b *builder, body *ir.Body, inner []ir.Range, box []ir.Interval) *copier {
	fixed := func(index string) (int, *ir.Axis, bool) {
		for i, r := range inner {
			a := g.p.Axis(r.Axis)
			if r.Index == index && box[i].Hi == box[i].Lo+1 && (box[i].Lo < 0 || box[i].Lo >= a.N) {
				return box[i].Lo, a, true
			}
		}
		return 0, nil, false
	}
	c := b.copier(body)
	c.instead = func(_ int, n *ir.Node) int {
		switch n.Op {
		case ir.Coord:
			if x, a, ok := fixed(n.Name); ok {
				return b.num(n.Elem, a.Coord(float64(x)))
			}
		case ir.Index:
			if x, _, ok := fixed(n.Name); ok {
				return b.int(n.Elem, int64(x))
			}
		case ir.Read:
			n.At = append([]ir.Affine(nil), n.At...)
			for i, at := range n.At {
				x, a, ok := fixed(at.Index)
				switch {
				case ok && at.Unit():
					n.At[i].Off = min(max(x+at.Off, 0), a.N-1) - x
				case ok:
					n.At[i] = ir.At("", min(max(at.Of(x), 0), g.extentOf(n.Name, i)-1))
				}
			}
		}
		return -1
	}
	return c
}

// extentOf is the number of points of an array along its dimension d.
func (g *ghoster) extentOf(name string, d int) int {
	if box, ok := operandBox(g.p, g.f, name); ok && d < len(box) {
		return box[d].Hi
	}
	return 1
}

func dependsOn(b *ir.Body, index string) bool {
	for i := range b.Nodes {
		n := &b.Nodes[i]
		if (n.Op == ir.Coord || n.Op == ir.Index) && n.Name == index {
			return true
		}
		for _, a := range n.At {
			if a.Index == index {
				return true
			}
		}
	}
	return false
}

func (g *ghoster) noRule(e *extent, arr *ir.Array, ax *ir.Axis, high bool, depth int) error {
	side, edge := "low", "0"
	if high {
		side, edge = "high", fmt.Sprintf("%d", ax.N-1)
	}
	d := g.cfg.blame(codeOutside, e.at, "%s is read %d beyond the %s end of %s and has no boundary condition there", e.name[1:], depth, side, ax.Name)
	if arr != nil {
		d.With(g.cfg.span(arr.Pos), "%s is declared here", arr.Name)
		return d.Note("%s runs over 0..%d; nothing says what lies beyond %s", ax.Name, ax.N-1, edge).
			Suggest("add a condition for %s at %s.%s, or make %s periodic", arr.Name, ax.Name, side[:2], ax.Name)
	}
	return d.Note("an intermediate value has no boundary conditions of its own").
		Suggest("write the expression out where it is read, or make %s periodic", ax.Name)
}

func (g *ghoster) tooSmall(e *extent, ax *ir.Axis, depth int) *diag.Diagnostic {
	return g.cfg.blame(codeShort, e.at, "%s is read %d beyond its wall along %s, which has only %d points", e.name[1:], depth, ax.Name, ax.N).
		Note("values beyond a wall are reflections of values inside; there are not enough of them").
		Suggest("use more points along %s or a lower order of accuracy", ax.Name)
}
