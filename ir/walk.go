package ir

import "slices"

// Live marks the nodes that the results need.
func (b *Body) Live() []bool {
	live := make([]bool, len(b.Nodes))
	for _, r := range b.Results {
		live[r] = true
	}
	for i := len(b.Nodes) - 1; i >= 0; i-- {
		if live[i] {
			for _, a := range b.Nodes[i].Args {
				live[a] = true
			}
		}
	}
	return live
}

// Only is what the body computes for some of its nodes, which are the results.
func (b *Body) Only(nodes []int) (out Body) {
	at := make([]int, len(b.Nodes))
	for i, live := range (&Body{Nodes: b.Nodes, Results: nodes}).Live() {
		if !live {
			continue
		}
		n := b.Nodes[i]
		n.Args = slices.Clone(n.Args)
		for k, a := range n.Args {
			n.Args[k] = at[a]
		}
		at[i] = len(out.Nodes)
		out.Nodes = append(out.Nodes, n)
	}
	for _, r := range nodes {
		out.Results = append(out.Results, at[r])
	}
	return out
}

// Uses counts how often each node is an argument or a result.
func (b *Body) Uses() []int {
	n := make([]int, len(b.Nodes))
	for i := range b.Nodes {
		for _, a := range b.Nodes[i].Args {
			n[a]++
		}
	}
	for _, r := range b.Results {
		n[r]++
	}
	return n
}

// Bodies calls f for every body of the program in text order. where names the place, e.g. `func step, %T1, piece 0`.
func (p *Program) Bodies(f func(where string, b *Body)) {
	for i := range p.Host {
		f("scalar "+p.Host[i].Name, &p.Host[i].Body)
	}
	for i := range p.Arrays {
		for k := range p.Arrays[i].BC {
			f("array @"+p.Arrays[i].Name+", bc "+p.Arrays[i].BC[k].Axis, &p.Arrays[i].BC[k].Body)
		}
	}
	for i := range p.Funcs {
		p.Funcs[i].Bodies(func(_ *Op, _ *Piece, b *Body) { f("func "+p.Funcs[i].Name, b) })
	}
}

// Bodies calls f for every piece of every operation in order.
func (fn *Func) Bodies(f func(op *Op, piece *Piece, b *Body)) {
	for i := range fn.Ops {
		for k := range fn.Ops[i].Pieces {
			f(&fn.Ops[i], &fn.Ops[i].Pieces[k], &fn.Ops[i].Pieces[k].Body)
		}
	}
}

// Clone returns a deep copy.
func (b *Body) Clone() Body {
	c := Body{Nodes: clone(b.Nodes), Results: clone(b.Results)}
	for i := range c.Nodes {
		c.Nodes[i].Args = clone(c.Nodes[i].Args)
		c.Nodes[i].At = clone(c.Nodes[i].At)
	}
	return c
}

// Clone returns a deep copy.
func (o Order) Clone() Order {
	o.Chain = clone(o.Chain)
	for i := range o.Chain {
		o.Chain[i].Levels = clone(o.Chain[i].Levels)
	}
	return o
}

// Clone returns a deep copy.
func (o *Op) Clone() Op {
	c := *o
	c.Results, c.Dom, c.Over, c.Pieces = clone(o.Results), clone(o.Dom), clone(o.Over), clone(o.Pieces)
	c.Order = o.Order.Clone()
	for i := range c.Pieces {
		c.Pieces[i].Box = clone(c.Pieces[i].Box)
		c.Pieces[i].Body = c.Pieces[i].Body.Clone()
	}
	return c
}

// Clone returns a deep copy.
func (fn *Func) Clone() Func {
	c := *fn
	c.Ops, c.Sets = clone(fn.Ops), clone(fn.Sets)
	for i := range c.Ops {
		c.Ops[i] = c.Ops[i].Clone()
	}
	return c
}

// Clone returns a deep copy, so that a pass may edit it in place.
func (p *Program) Clone() *Program {
	c := *p
	c.Axes, c.Params, c.Host, c.Checks, c.Arrays = clone(p.Axes), clone(p.Params), clone(p.Host), clone(p.Checks), clone(p.Arrays)
	c.Procs, c.Failures = CloneProcs(p.Procs), clone(p.Failures)
	c.Funcs, c.Schedule, c.Outputs, c.Probes = clone(p.Funcs), clone(p.Schedule), clone(p.Outputs), clone(p.Probes)
	for i := range c.Host {
		c.Host[i].Body = c.Host[i].Body.Clone()
	}
	for i := range c.Arrays {
		a := &c.Arrays[i]
		a.Axes, a.BC = clone(a.Axes), clone(a.BC)
		for k := range a.BC {
			a.BC[k].Body = a.BC[k].Body.Clone()
		}
	}
	for i := range c.Funcs {
		c.Funcs[i] = c.Funcs[i].Clone()
	}
	for i := range c.Schedule {
		c.Schedule[i].Bind = clone(c.Schedule[i].Bind)
		if k := c.Schedule[i].Clock; k != nil {
			x := *k
			x.Now, x.Due = clone(k.Now), clone(k.Due)
			c.Schedule[i].Clock = &x
		}
	}
	for i := range c.Outputs {
		c.Outputs[i].Arrays, c.Outputs[i].Formats = clone(c.Outputs[i].Arrays), clone(c.Outputs[i].Formats)
	}
	for i := range c.Probes {
		c.Probes[i].At = clone(c.Probes[i].At)
	}
	return &c
}

// CloneProcs returns a deep copy.
func CloneProcs(ps []Proc) []Proc {
	out := clone(ps)
	for i := range out {
		out[i].Body = CloneStmts(out[i].Body)
	}
	return out
}

// CloneStmts returns a deep copy.
func CloneStmts(body []Stmt) []Stmt {
	out := clone(body)
	for i := range out {
		out[i].Body, out[i].Else = CloneStmts(out[i].Body), CloneStmts(out[i].Else)
	}
	return out
}

// clone copies a slice; nil stays nil.
func clone[T any](s []T) []T {
	if s == nil {
		return nil
	}
	return append(make([]T, 0, len(s)), s...)
}

// Equal says whether two programs are the same, source positions included. Fields that do not matter for a node's operation (the Imm
// of a read, say) are not compared.
func Equal(a, b *Program) bool { return Print(a) == Print(b) }

// Dim is the position of an index in Dom followed by Over, which is that in the boxes of pieces, or -1.
func (o *Op) Dim(index string) int {
	if index == "" {
		return -1
	}
	for i, r := range o.Dom {
		if r.Index == index {
			return i
		}
	}
	for i, r := range o.Over {
		if r.Index == index {
			return len(o.Dom) + i
		}
	}
	return -1
}
