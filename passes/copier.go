package passes

import "github.com/wfc-lang/wfc/ir"

// copier copies nodes of a body into a builder, each once and after its arguments.
type copier struct {
	b    *builder
	src  *ir.Body
	done []int // by source node: its copy, or -1
	// instead, if set, is asked about source node i before its arguments are copied. It returns what stands for the node, or -1 for a
	// copy; n is the copy to be, and may be changed.
	instead func(i int, n *ir.Node) int
	// made, if set, adds the copy n of source node i, whose arguments are copies already.
	made func(i int, n ir.Node) int
}

func (b *builder) copier(src *ir.Body) *copier {
	c := &copier{b: b, src: src, done: make([]int, len(src.Nodes))}
	for i := range c.done {
		c.done[i] = -1
	}
	return c
}

// node copies source node i and what it needs.
func (c *copier) node(i int) int {
	if c.done[i] < 0 {
		c.done[i] = c.copy(i)
	}
	return c.done[i]
}

func (c *copier) copy(i int) int {
	n := c.src.Nodes[i]
	if c.instead != nil {
		if r := c.instead(i, &n); r >= 0 {
			return r
		}
	}
	n.Args = c.nodes(n.Args)
	if c.made != nil {
		return c.made(i, n)
	}
	return c.b.add(n)
}

// nodes copies several nodes; of none it is nil.
func (c *copier) nodes(of []int) (out []int) {
	for _, i := range of {
		out = append(out, c.node(i))
	}
	return out
}

// results copies the results of the body.
func (c *copier) results() []int { return c.nodes(c.src.Results) }

// rewrite rebuilds a body: f makes the new node of old node n, whose arguments are already new, in depth-first order from the results.
// f must return an index of b.
func rewrite(src *ir.Body, f func(b *builder, n ir.Node) int) ir.Body {
	b := newBuilder()
	c := b.copier(src)
	c.made = func(_ int, n ir.Node) int { return f(b, n) }
	b.body.Results = c.results()
	return b.body
}

// normal removes dead nodes, shares equal ones and orders nodes depth first from the results.
func normal(src *ir.Body) ir.Body {
	return rewrite(src, func(b *builder, n ir.Node) int { return b.add(n) })
}
