package ranks

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// stage is a part of a function that needs no other rank once its operands are there. At its end some arrays take their values, and the
// partial results of reductions over cut axes are combined among the ranks; the next stage may use them.
type stage struct {
	fn       ir.Func
	partials []*partial
}

// partial is a reduction to single numbers whose elements are shared among the ranks. Result i goes into the rank-0 array into[i].
type partial struct {
	op   ir.Op
	into []string
}

// stages is the program cut into stages: p with arrays added for what goes from one stage to another.
type stages struct {
	p     *ir.Program
	of    map[string][]*stage // function -> its stages
	order []*stage
}

// cutFuncs cuts the device functions of p.
func cutFuncs(p *ir.Program, l *layout) *stages {
	s := &stages{p: p.Clone(), of: map[string][]*stage{}}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host {
			continue
		}
		list := newCutter(s.p, f, l).cut()
		s.of[f.Name] = list
		s.order = append(s.order, list...)
	}
	return s
}

// cutter cuts one function.
type cutter struct {
	p      *ir.Program
	f      *ir.Func
	def    map[string]int // "%value" -> operation
	level  []int
	shared []bool // reductions whose elements are shared among ranks
	out    []*stage
	kept   map[string]string // "%value" -> array that carries it
	again  []map[int]bool    // per stage: operations of earlier ones that are done again
}

func newCutter(p *ir.Program, f *ir.Func, l *layout) *cutter {
	c := &cutter{p: p, f: f, def: map[string]int{}, level: make([]int, len(f.Ops)), shared: make([]bool, len(f.Ops)), kept: map[string]string{}}
	for i := range f.Ops {
		op := &f.Ops[i]
		for _, r := range op.Results {
			c.def["%"+r.Name] = i
		}
		for _, name := range reads(op) {
			c.level[i] = max(c.level[i], c.after(name))
		}
		c.shared[i] = l.partial(op)
	}
	return c
}

// after is the first stage in which a name can be read.
func (c *cutter) after(name string) int {
	d, ok := c.def[name]
	switch {
	case !ok:
		return 0
	case c.shared[d]:
		return c.level[d] + 1
	}
	return c.level[d]
}

// partial says whether the elements of a reduction are shared among the ranks in such a way that each has successive ones: the first reduced
// axis is cut, and no other. Others are computed by every rank that needs the result, from all elements.
func (l *layout) partial(op *ir.Op) bool {
	if op.Kind != ir.Reduce || op.Order.Kind != ir.Canon || len(op.Dom) > 0 || len(op.Over) == 0 || !l.unwrapped(op.Over[0].Axis) {
		return false
	}
	for _, r := range op.Results {
		if r.Elem == ir.I64 {
			return false
		}
	}
	x := l.axes[op.Over[0].Axis]
	if op.Over[0].Lo < 0 || op.Over[0].Hi > x.n {
		return false
	}
	for d, g := range l.grid {
		if d != x.dim && g > 1 {
			return false
		}
	}
	return true
}

// reads are the names an operation reads, with its operand if it extends one.
func reads(op *ir.Op) (names []string) {
	if op.Kind == ir.Extend {
		names = append(names, op.From)
	}
	for i := range op.Pieces {
		for k := range op.Pieces[i].Body.Nodes {
			if n := &op.Pieces[i].Body.Nodes[k]; n.Op == ir.Read {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

func (c *cutter) cut() []*stage {
	last := 0
	for _, s := range c.f.Sets {
		last = max(last, c.after(s.Value))
	}
	for i := range c.f.Ops {
		if c.level[i] > last { // nothing needs it
			c.level[i] = last
		}
	}
	for k := range last + 1 {
		name := c.f.Name
		if k > 0 {
			name = fmt.Sprintf("%s.%d", name, k)
		}
		c.out = append(c.out, &stage{fn: ir.Func{Name: name}})
		c.again = append(c.again, map[int]bool{})
	}
	for i := range c.f.Ops {
		op := &c.f.Ops[i]
		st := c.out[c.level[i]]
		if c.shared[i] {
			p := &partial{op: c.rewrite(op, c.level[i])}
			for _, r := range op.Results {
				name := c.array("sum", r.Name, ir.Array{Elem: r.Elem})
				c.kept["%"+r.Name] = name
				p.into = append(p.into, name)
			}
			st.partials = append(st.partials, p)
			continue
		}
		st.fn.Ops = append(st.fn.Ops, c.rewrite(op, c.level[i]))
	}
	end := c.out[last]
	for _, s := range c.f.Sets {
		v := c.use(s.Value, last)
		end.fn.Sets = append(end.fn.Sets, ir.Set{Array: s.Array, Value: v, Pos: s.Pos})
	}
	c.exchange(end)
	return c.out
}

// exchange turns a set of an array from a carrying one into an exchange of the two, which copies nothing.
func (c *cutter) exchange(end *stage) {
	set := map[string]bool{}
	uses := map[string]int{}
	for _, s := range end.fn.Sets {
		set[s.Array] = true
		uses[s.Value]++
	}
	for _, s := range end.fn.Sets {
		carried := strings.TrimPrefix(s.Value, "@")
		if carried == s.Value || uses[s.Value] > 1 || set[carried] || !c.carries(carried) || len(c.p.Array(s.Array).Axes) == 0 {
			continue
		}
		end.fn.Sets = append(end.fn.Sets, ir.Set{Array: carried, Value: "@" + s.Array, Pos: s.Pos})
		set[carried] = true
	}
}

func (c *cutter) carries(array string) bool {
	for _, a := range c.kept {
		if a == array {
			return true
		}
	}
	return false
}

// rewrite is the operation with the names of stage at.
func (c *cutter) rewrite(op *ir.Op, at int) ir.Op {
	o := op.Clone()
	if o.Kind == ir.Extend {
		o.From = c.use(o.From, at)
	}
	for i := range o.Pieces {
		for k := range o.Pieces[i].Body.Nodes {
			if n := &o.Pieces[i].Body.Nodes[k]; n.Op == ir.Read {
				n.Name = c.use(n.Name, at)
			}
		}
	}
	return o
}

// use makes a value available in stage at and returns its name there: it is of this stage, or an array carries it, or it is computed again,
// which gives the same, because arrays change at the end of the function only.
func (c *cutter) use(name string, at int) string {
	d, ok := c.def[name]
	if !ok || c.level[d] == at && !c.shared[d] {
		return name
	}
	if a := c.kept[name]; a != "" {
		return "@" + a
	}
	op := &c.f.Ops[d]
	if axes, ok := c.whole(op); ok && op.Kind != ir.Extend {
		for _, r := range op.Results {
			if "%"+r.Name != name {
				continue
			}
			a := c.array("keep", r.Name, ir.Array{Elem: r.Elem, Axes: axes})
			c.kept[name] = a
			st := c.out[c.level[d]]
			st.fn.Sets = append(st.fn.Sets, ir.Set{Array: a, Value: name, Pos: op.Pos})
			return "@" + a
		}
	}
	if !c.again[at][d] {
		c.again[at][d] = true
		again := c.rewrite(op, at)
		c.out[at].fn.Ops = append(c.out[at].fn.Ops, again)
	}
	return name
}

// whole returns the axes of an operation that covers them wholly and whose results an array can hold.
func (c *cutter) whole(op *ir.Op) (axes []string, ok bool) {
	for _, r := range op.Dom {
		if r.Lo != 0 || r.Hi != c.p.Axis(r.Axis).N {
			return nil, false
		}
		axes = append(axes, r.Axis)
	}
	for _, r := range op.Results {
		if r.Elem == ir.I64 {
			return nil, false
		}
	}
	return axes, true
}

// array adds an array to the program.
func (c *cutter) array(what, value string, a ir.Array) string {
	a.Name = fmt.Sprintf("ranks.%s.%s.%s", what, c.f.Name, value)
	a.Local = true
	c.p.Arrays = append(c.p.Arrays, a)
	return a.Name
}
