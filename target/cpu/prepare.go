package cpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// val is a tensor value of one function, or an array.
type val struct {
	name string // "%x" or "@x"
	elem ir.Elem
	axes []string
	box  []ir.Interval
	slot int
}

// fn is a device function ready for emission: no read leaves the box of its operand.
type fn struct {
	name   string
	ops    []ir.Op
	vals   map[string]*val
	set    map[string]bool // values that become arrays
	groups []*group
}

// prepare rewrites function f so that no read leaves the box of its operand: extends fill the margins that periodic reads reach. It does
// not change f.
func prepare(p *ir.Program, f *ir.Func, arrays []*val) (*fn, error) {
	g := &fn{name: f.Name, vals: map[string]*val{}}
	for _, a := range arrays {
		g.vals[a.name] = a
	}
	if err := g.addOps(p, f); err != nil {
		return nil, fmt.Errorf("function %s: %w", f.Name, err)
	}
	g.set = map[string]bool{}
	for _, s := range f.Sets {
		g.set[s.Value] = true
		a, v := g.vals["@"+s.Array], g.vals[s.Value]
		if a == nil || v == nil {
			return nil, fmt.Errorf("function %s: set @%s = %s: no such value", f.Name, s.Array, s.Value)
		}
		if v.elem != a.elem || !slices.Equal(v.box, a.box) || !slices.Equal(v.axes, a.axes) {
			return nil, fmt.Errorf("function %s: set @%s = %s: the domains or types differ", f.Name, s.Array, s.Value)
		}
	}
	return g, nil
}

// define adds an operation and its results.
func (g *fn) define(op ir.Op) {
	g.ops = append(g.ops, op)
	for _, r := range op.Results {
		v := &val{name: "%" + r.Name, elem: r.Elem}
		for _, d := range op.Dom {
			v.axes = append(v.axes, d.Axis)
			v.box = append(v.box, ir.Interval{Lo: d.Lo, Hi: d.Hi})
		}
		g.vals[v.name] = v
	}
}

// addOps copies the operations; before one that reads across a periodic boundary it puts extends that fill the operand's margins.
func (g *fn) addOps(p *ir.Program, f *ir.Func) error {
	need, err := wrapNeeds(p, f, g)
	if err != nil {
		return err
	}
	wrapped := map[string]string{} // operand -> its value with margins
	for _, op := range f.Ops {
		if op.Kind == ir.Extend && g.vals[op.From] == nil {
			return fmt.Errorf("extend of %s: no such value", op.From)
		}
		op = clonePieces(op)
		for i := range op.Pieces {
			pc := &op.Pieces[i]
			box := boxOf(&op, pc)
			for j := range pc.Body.Nodes {
				n := &pc.Body.Nodes[j]
				if n.Op != ir.Read {
					continue
				}
				v := g.vals[n.Name]
				if v == nil {
					return fmt.Errorf("%s reads %s before it is defined", opName(&op), n.Name)
				}
				n.At = wrapConstants(p, v, n.At)
				if inBox(v, n.At, box) {
					continue
				}
				w, ok := wrapped[n.Name]
				if !ok {
					w = g.addWraps(p, v, need[n.Name])
					wrapped[n.Name] = w
				}
				n.Name = w
				if !inBox(g.vals[w], n.At, box) {
					return fmt.Errorf("%s reads %s outside its box", opName(&op), v.name)
				}
			}
		}
		g.define(op)
	}
	return nil
}

func opName(op *ir.Op) string {
	if len(op.Results) == 0 {
		return op.Kind.String()
	}
	return "%" + op.Results[0].Name
}

func clonePieces(op ir.Op) ir.Op {
	op.Pieces = slices.Clone(op.Pieces)
	for i := range op.Pieces {
		b := &op.Pieces[i].Body
		b.Nodes = slices.Clone(b.Nodes)
	}
	return op
}

// boxOf gives the range of every index in a piece.
func boxOf(op *ir.Op, pc *ir.Piece) map[string]ir.Interval {
	m := map[string]ir.Interval{}
	for d, r := range slices.Concat(op.Dom, op.Over) {
		m[r.Index] = pc.Box[d]
	}
	return m
}

// span is the range of coordinates an affine access touches.
func span(a ir.Affine, box map[string]ir.Interval) ir.Interval {
	r := box[a.Index]
	if a.Index != "" && r.Lo >= r.Hi {
		return ir.Interval{}
	}
	lo, hi := a.Span(r.Lo, r.Hi)
	return ir.Interval{Lo: lo, Hi: hi}
}

func inBox(v *val, at []ir.Affine, box map[string]ir.Interval) bool {
	if len(at) != len(v.box) {
		return false
	}
	for d, a := range at {
		if s := span(a, box); s.Lo < s.Hi && (s.Lo < v.box[d].Lo || s.Hi > v.box[d].Hi) {
			return false
		}
	}
	return true
}

// wrapConstants brings constant coordinates on periodic axes into the box.
func wrapConstants(p *ir.Program, v *val, at []ir.Affine) []ir.Affine {
	for d, a := range at {
		if d >= len(v.box) || a.Index != "" || a.Off >= v.box[d].Lo && a.Off < v.box[d].Hi {
			continue
		}
		if ax := p.Axis(v.axes[d]); ax != nil && ax.Periodic {
			at = slices.Clone(at)
			at[d].Off = mod(a.Off, ax.N)
		}
	}
	return at
}

func mod(a, n int) int { return ((a % n) + n) % n }

// wrapNeed is what reads of an operand need that leave its box along periodic axes.
type wrapNeed struct {
	box    []ir.Interval   // what all of them need
	across [][]ir.Interval // by dimension: what those need that leave the box there
}

// wrapNeeds finds what is needed of every operand that is read outside its box.
func wrapNeeds(p *ir.Program, f *ir.Func, g *fn) (map[string]*wrapNeed, error) {
	boxes := map[string][]ir.Range{}
	for n, v := range g.vals {
		for d := range v.box {
			boxes[n] = append(boxes[n], ir.Range{Axis: v.axes[d], Lo: v.box[d].Lo, Hi: v.box[d].Hi})
		}
	}
	need := map[string]*wrapNeed{}
	for i := range f.Ops {
		op := &f.Ops[i]
		for j := range op.Pieces {
			box := boxOf(op, &op.Pieces[j])
			for k := range op.Pieces[j].Body.Nodes {
				n := &op.Pieces[j].Body.Nodes[k]
				if n.Op != ir.Read {
					continue
				}
				b := boxes[n.Name]
				if len(b) != len(n.At) {
					return nil, fmt.Errorf("%s reads %s with %d indices, not %d", opName(op), n.Name, len(n.At), len(b))
				}
				spans := make([]ir.Interval, len(n.At))
				for d, a := range n.At {
					spans[d] = span(a, box)
				}
				for d, a := range n.At {
					s := spans[d]
					if s.Lo >= s.Hi || s.Lo >= b[d].Lo && s.Hi <= b[d].Hi || a.Index == "" {
						continue
					}
					if ax := p.Axis(b[d].Axis); ax == nil || !ax.Periodic {
						return nil, fmt.Errorf("%s reads %s outside its box on axis %s", opName(op), n.Name, b[d].Axis)
					}
					w := need[n.Name]
					if w == nil {
						w = &wrapNeed{across: make([][]ir.Interval, len(b))}
						for _, r := range b {
							w.box = append(w.box, ir.Interval{Lo: r.Lo, Hi: r.Hi})
						}
						need[n.Name] = w
					}
					w.box[d] = hull(w.box[d], s)
					if w.across[d] == nil {
						w.across[d] = make([]ir.Interval, len(b))
					}
					for e := range spans {
						w.across[d][e] = hull(w.across[d][e], spans[e])
					}
				}
			}
		}
		for _, r := range op.Results {
			boxes["%"+r.Name] = op.Dom
		}
	}
	return need, nil
}

// addWraps adds extends of v to the box that is needed, one per periodic axis in order of dimension, each copying whole runs that differ from
// their source by a multiple of N, no wider than they are read: ghosts of other axes are rarely. It returns the name of the last.
func (g *fn) addWraps(p *ir.Program, v *val, need *wrapNeed) string {
	name := v.name
	cur := slices.Clone(v.box)
	for d, to := range need.box {
		if to == v.box[d] {
			continue
		}
		n := p.Axis(v.axes[d]).N
		next := slices.Clone(cur)
		next[d] = to
		read := slices.Clone(next)
		for e, r := range need.across[d] {
			if e != d && v.box[e].Lo <= r.Lo && r.Hi <= v.box[e].Hi { // else corners of two periodic axes are read
				read[e] = r
			}
		}
		op := ir.Op{Kind: ir.Extend, From: name, Results: []ir.Result{{Name: strings.TrimPrefix(name, "%") + ".wrap", Elem: v.elem}}}
		for e := range next {
			op.Dom = append(op.Dom, ir.Range{Index: fmt.Sprintf("i%d", e), Axis: v.axes[e], Lo: next[e].Lo, Hi: next[e].Hi})
		}
		for c := to.Lo; c < to.Hi; {
			if c >= v.box[d].Lo && c < v.box[d].Hi {
				c = v.box[d].Hi
				continue
			}
			end, shift := c+1, mod(c, n)-c
			for end < to.Hi && mod(end, n)-end == shift && (end < v.box[d].Lo || end >= v.box[d].Hi) {
				end++
			}
			box := slices.Clone(read)
			box[d] = ir.Interval{Lo: c, Hi: end}
			at := make([]ir.Affine, len(next))
			for e := range at {
				at[e].Index = op.Dom[e].Index
			}
			at[d].Off = shift
			op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: readBody(name, v.elem, at)})
			c = end
		}
		g.define(op)
		name = "%" + op.Results[0].Name
		cur = next
	}
	return name
}

func readBody(name string, e ir.Elem, at []ir.Affine) ir.Body {
	return ir.Body{Nodes: []ir.Node{{Op: ir.Read, Elem: e, Name: name, At: at}}, Results: []int{0}}
}

// copyPiece copies v.
func copyPiece(v *val, dom []ir.Range) ir.Piece {
	at := make([]ir.Affine, len(v.box))
	for d := range at {
		at[d].Index = dom[d].Index
	}
	return ir.Piece{Box: v.box, Body: readBody(v.name, v.elem, at)}
}

// copyOp is a map that copies from to a value of the same box.
func copyOp(from, to *val) ir.Op {
	op := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: strings.TrimPrefix(to.name, "%"), Elem: to.elem}}}
	for d, b := range from.box {
		op.Dom = append(op.Dom, ir.Range{Index: fmt.Sprintf("i%d", d), Axis: from.axes[d], Lo: b.Lo, Hi: b.Hi})
	}
	op.Pieces = []ir.Piece{copyPiece(from, op.Dom)}
	return op
}

// store gives the values their slots. An extend that does not share its operand's storage copies the operand.
func (g *fn) store(f *passes.FuncPlan) {
	place := map[string]*passes.Placed{}
	for i := range f.Values {
		place[f.Values[i].Value] = &f.Values[i]
		g.vals[f.Values[i].Value].slot = f.Values[i].Slot
	}
	for k := range g.ops {
		if op := &g.ops[k]; op.Kind == ir.Extend && place["%"+op.Results[0].Name].Shares == "" {
			op.Pieces = append([]ir.Piece{copyPiece(g.vals[op.From], op.Dom)}, op.Pieces...)
		}
	}
}

// copies appends the copies at the function's end.
func (g *fn) copies(f *passes.FuncPlan, arrays []*val) {
	for k, c := range f.Copies {
		a := *arrays[slices.Index(f.Perm[:len(arrays)], c.To)]
		from, to := a, a
		from.name, from.slot = fmt.Sprintf("%%copy%d.from", k), c.From
		to.name, to.slot = fmt.Sprintf("%%copy%d.to", k), c.To
		g.vals[from.name], g.vals[to.name] = &from, &to
		g.ops = append(g.ops, copyOp(&from, &to))
	}
}
