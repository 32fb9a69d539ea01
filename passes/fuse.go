package passes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// fuse joins maps over the same boxes into one map with several results, and moves a map into its only consumer when that reads it
// point by point. Values are computed from the same operands by the same operations, so no bit changes; what changes is how often
// memory is read. A producer that is read at an offset, or by an operation with more indices, stays: moving it would repeat its work.
// Maps that read nothing in common are joined up to maxUnrelated results: one operation for the weights of all layers would be as
// long as the network is deep.
func fuse(p *ir.Program, cfg *Config) error {
	for i := range p.Funcs {
		f := newFuser(&p.Funcs[i])
		for again := true; again; {
			if err := arrangeBy(f.Func, func(op *ir.Op) []string { return f.of(op).operands }); err != nil {
				return err
			}
			again = f.joinOnce() || f.moveOnce()
		}
	}
	return nil
}

const maxUnrelated = 8

// fuser fuses one function. What it knows of an operation is kept under the name of its first result until the operation changes.
type fuser struct {
	*ir.Func
	facts map[string]*facts
}

func newFuser(f *ir.Func) *fuser { return &fuser{Func: f, facts: map[string]*facts{}} }

type facts struct {
	operands []string
	boxes    string // equal for maps over the same boxes; "" for other operations
}

func (f *fuser) of(op *ir.Op) *facts {
	name := ""
	if len(op.Results) > 0 {
		name = op.Results[0].Name
	}
	x := f.facts[name]
	if x == nil {
		x = &facts{operands: operands(op)}
		if op.Kind == ir.Map {
			var s strings.Builder
			for _, r := range op.Dom {
				fmt.Fprintf(&s, "%q %d %d;", r.Axis, r.Lo, r.Hi)
			}
			for i := range op.Pieces {
				fmt.Fprint(&s, op.Pieces[i].Box)
			}
			x.boxes = s.String() + "."
		}
		f.facts[name] = x
	}
	return x
}

func (f *fuser) changed(op *ir.Op) { delete(f.facts, op.Results[0].Name) }

// joinOnce joins the first pair of maps that can be joined.
func (f *fuser) joinOnce() bool {
	g := f.dependences()
	alike := map[string][]int{}
	for j := range f.Ops {
		b := &f.Ops[j]
		boxes := f.of(b).boxes
		if boxes == "" {
			continue
		}
		var behind []bool
		for _, i := range alike[boxes] {
			a := &f.Ops[i]
			if !f.related(a, b) || !pointwise(a, b) {
				continue
			}
			if behind == nil {
				behind = g.behind(j)
			}
			if !behind[i] {
				f.changed(a)
				f.changed(b)
				f.Ops[i] = join(a, b)
				f.Ops = slices.Delete(f.Ops, j, j+1)
				return true
			}
		}
		alike[boxes] = append(alike[boxes], j)
	}
	return false
}

// related says that two maps read the same or each other, or are few.
func (f *fuser) related(a, b *ir.Op) bool {
	if len(a.Results)+len(b.Results) <= maxUnrelated || len(a.Dom) == 0 {
		return true
	}
	for _, n := range f.of(b).operands {
		if slices.Contains(f.of(a).operands, n) || resultOf(a, n) >= 0 {
			return true
		}
	}
	return false
}

// pointwise says that c reads results of p, if at all, only at its own point: dimension by dimension the same index.
func pointwise(p, c *ir.Op) bool {
	names := map[string]bool{}
	for _, r := range p.Results {
		names["%"+r.Name] = true
	}
	if names[c.From] {
		return false
	}
	all := append(append([]ir.Range(nil), c.Dom...), c.Over...)
	for i := range c.Pieces {
		for k := range c.Pieces[i].Body.Nodes {
			n := &c.Pieces[i].Body.Nodes[k]
			if n.Op != ir.Read || !names[n.Name] {
				continue
			}
			if len(n.At) != len(all) {
				return false
			}
			seen := map[string]bool{}
			for d, at := range n.At {
				x := c.Dim(at.Index)
				if x < 0 || at.Off != 0 || !at.Unit() || seen[at.Index] || all[x].Axis != p.Dom[d].Axis {
					return false
				}
				seen[at.Index] = true
				// Over the same box of the same axes only the identity is the same point for every piece.
				if c.Kind == ir.Map && x != d {
					return false
				}
			}
		}
	}
	return true
}

// join makes one map of two; b may read a's results at its own point.
func join(a, b *ir.Op) ir.Op {
	out := a.Clone()
	out.Results = append(out.Results, b.Results...)
	number := map[string]int{}
	for k, r := range a.Results {
		number["%"+r.Name] = k
	}
	for i := range out.Pieces {
		bd := newBuilder()
		first := bd.copier(&a.Pieces[i].Body).results()
		index := func(name string) string {
			if x := b.Dim(name); x >= 0 {
				return a.Dom[x].Index
			}
			return name
		}
		second := bd.copier(&b.Pieces[i].Body)
		second.instead = func(_ int, n *ir.Node) int {
			if k, ok := number[n.Name]; ok && n.Op == ir.Read {
				return first[k]
			}
			reindex(n, index)
			return -1
		}
		out.Pieces[i].Body = bd.done(append(first, second.results()...)...)
	}
	return out
}

// reindex renames the indices of a leaf.
func reindex(n *ir.Node, index func(string) string) {
	switch n.Op {
	case ir.Index, ir.Coord, ir.Deriv, ir.Shift:
		n.Name = index(n.Name)
	case ir.Read:
		n.At = slices.Clone(n.At)
		for d := range n.At {
			if n.At[d].Index != "" {
				n.At[d].Index = index(n.At[d].Index)
			}
		}
	}
}

// moveOnce moves the first producer that can be moved into its only consumer.
func (f *fuser) moveOnce() bool {
	readers := map[string][]int{}
	for j := range f.Ops {
		for _, n := range f.of(&f.Ops[j]).operands {
			readers[n] = append(readers[n], j)
		}
	}
	for _, s := range f.Sets {
		readers[s.Value] = append(readers[s.Value], -1)
	}
	for i := range f.Ops {
		p := &f.Ops[i]
		if p.Kind != ir.Map {
			continue
		}
		if c := onlyConsumer(p, readers); c >= 0 && movable(p, &f.Ops[c]) {
			f.changed(p)
			f.changed(&f.Ops[c])
			move(p, &f.Ops[c])
			f.Ops = slices.Delete(f.Ops, i, i+1)
			return true
		}
	}
	return false
}

// onlyConsumer returns the one operation that reads p's results, or -1. readers are operations by operand, -1 for sets.
func onlyConsumer(p *ir.Op, readers map[string][]int) int {
	only := -1
	for _, r := range p.Results {
		for _, j := range readers["%"+r.Name] {
			if j < 0 || only >= 0 && only != j {
				return -1
			}
			only = j
		}
	}
	return only
}

func movable(p, c *ir.Op) bool {
	if c.Kind == ir.Extend || !pointwise(p, c) {
		return false
	}
	for i := range c.Pieces {
		b := &c.Pieces[i].Body
		for k := range b.Nodes {
			n := &b.Nodes[k]
			if n.Op != ir.Read || resultOf(p, n.Name) < 0 {
				continue
			}
			if pieceFor(p, c, i, n) < 0 {
				return false
			}
			if c.FMA && slices.Contains(b.Results, k) { // the result must stay a product
				return false
			}
		}
	}
	return true
}

func resultOf(p *ir.Op, name string) int {
	for k, r := range p.Results {
		if "%"+r.Name == name {
			return k
		}
	}
	return -1
}

// pieceFor returns the piece of p that covers what piece i of c reads through n, or -1 if it takes several.
func pieceFor(p, c *ir.Op, i int, n *ir.Node) int {
next:
	for k := range p.Pieces {
		for d, at := range n.At {
			in, out := c.Pieces[i].Box[c.Dim(at.Index)], p.Pieces[k].Box[d]
			if in.Lo < out.Lo || in.Hi > out.Hi {
				continue next
			}
		}
		return k
	}
	return -1
}

func move(p, c *ir.Op) {
	for i := range c.Pieces {
		c.Pieces[i].Body = inlined(&c.Pieces[i].Body, p, func(n *ir.Node) *ir.Body { return &p.Pieces[pieceFor(p, c, i, n)].Body })
	}
}

// Inline is a body with what a map of one piece makes in place of all reads of its results. They must be point by point: of every dimension of
// the map by an index, without offset.
func Inline(b *ir.Body, p *ir.Op) ir.Body {
	return inlined(b, p, func(*ir.Node) *ir.Body { return &p.Pieces[0].Body })
}

// inlined is [Inline] of a map of several pieces; from is the body of the piece that a read is of.
func inlined(b *ir.Body, p *ir.Op, from func(n *ir.Node) *ir.Body) ir.Body {
	bd := newBuilder()
	reader := bd.copier(b)
	reader.instead = func(_ int, n *ir.Node) int {
		if n.Op != ir.Read || resultOf(p, n.Name) < 0 {
			return -1
		}
		body := from(n)
		index := func(name string) string {
			if d := p.Dim(name); d >= 0 {
				return n.At[d].Index
			}
			return name
		}
		read := bd.copier(body)
		read.instead = func(_ int, m *ir.Node) int {
			reindex(m, index)
			return -1
		}
		return read.node(body.Results[resultOf(p, n.Name)])
	}
	return bd.done(reader.results()...)
}

// graph holds which operations each operation reads.
type graph [][]int

func (f *fuser) dependences() graph {
	def := map[string]int{}
	for i := range f.Ops {
		for _, r := range f.Ops[i].Results {
			def["%"+r.Name] = i
		}
	}
	g := make(graph, len(f.Ops))
	for i := range f.Ops {
		for _, n := range f.of(&f.Ops[i]).operands {
			if d, ok := def[n]; ok && !slices.Contains(g[i], d) {
				g[i] = append(g[i], d)
			}
		}
	}
	return g
}

// behind marks the operations on which j depends by way of another one.
func (g graph) behind(j int) []bool {
	seen := make([]bool, len(g))
	var stack []int
	for _, d := range g[j] {
		stack = append(stack, g[d]...)
	}
	for len(stack) > 0 {
		k := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !seen[k] {
			seen[k] = true
			stack = append(stack, g[k]...)
		}
	}
	return seen
}
