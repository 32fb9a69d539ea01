package interp

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// function is a compiled ir.Func: steps over buffers that are allocated once and reused by every iteration.
type function struct {
	steps []func()
}

func (f *function) run() {
	for _, s := range f.steps {
		s()
	}
}

type builder struct {
	m      *Machine
	values map[string]*buffer
	steps  []func()
	ops    int
	last   map[string]int // the operation that reads a value last; ops for what a set takes
	free   map[storage][]vec
}

// storage is a kind of memory that dead values leave to later ones. Values that are set have their own: they change hands with arrays.
type storage struct {
	elem ir.Elem
	n    int
}

// lastUses finds for every SSA value the last operation that reads it, its own if none does.
func lastUses(fn *ir.Func) map[string]int {
	last := map[string]int{}
	for i := range fn.Ops {
		op := &fn.Ops[i]
		for _, r := range op.Results {
			last["%"+r.Name] = i
		}
		last[op.From] = i
		for k := range op.Pieces {
			for j := range op.Pieces[k].Body.Nodes {
				if n := &op.Pieces[k].Body.Nodes[j]; n.Op == ir.Read {
					last[n.Name] = i
				}
			}
		}
	}
	for _, s := range fn.Sets {
		last[s.Value] = len(fn.Ops)
	}
	return last
}

func (m *Machine) compile(fn *ir.Func) (*function, error) {
	b := &builder{m: m, values: map[string]*buffer{}, ops: len(fn.Ops), last: lastUses(fn), free: map[storage][]vec{}}
	for i := range fn.Ops {
		op := &fn.Ops[i]
		if err := b.op(op); err != nil {
			name := ""
			if len(op.Results) > 0 {
				name = " %" + op.Results[0].Name
			}
			return nil, fmt.Errorf("op %d (%s%s): %w", i, op.Kind, name, err)
		}
		b.release(fn.Ops[:i+1])
	}
	if err := b.sets(fn.Sets); err != nil {
		return nil, err
	}
	return &function{b.steps}, nil
}

// kept says whether a set takes the value.
func (b *builder) kept(value string) bool { return b.last[value] == b.ops }

// release frees the storage of values that the last of the given operations was the last to read.
func (b *builder) release(ops []ir.Op) {
	for i := range ops {
		for _, r := range ops[i].Results {
			if name := "%" + r.Name; b.last[name] == len(ops)-1 && !b.kept(name) {
				v := b.values[r.Name].vec
				at := storage{r.Elem, v.len()}
				b.free[at] = append(b.free[at], v)
			}
		}
	}
}

// lookup finds the buffer of "%value" or "@array".
func (b *builder) lookup(name string) (*buffer, error) {
	if name == "" {
		return nil, fmt.Errorf("operand without a name")
	}
	var buf *buffer
	switch name[0] {
	case '@':
		buf = b.m.arrays[name[1:]]
	case '%':
		buf = b.values[name[1:]]
	}
	if buf == nil {
		return nil, fmt.Errorf("%s is not defined before its use", name)
	}
	return buf, nil
}

func (b *builder) results(op *ir.Op) ([]*buffer, error) {
	if len(op.Results) == 0 {
		return nil, fmt.Errorf("no result")
	}
	var outs []*buffer
	for _, r := range op.Results {
		if r.Elem == ir.I64 {
			return nil, fmt.Errorf("%%%s: i64 lives in bodies only", r.Name)
		}
		if b.values[r.Name] != nil {
			return nil, fmt.Errorf("%%%s is assigned twice", r.Name)
		}
		var buf *buffer
		var err error
		if b.kept("%" + r.Name) {
			buf, err = b.m.newBuffer(r.Elem, op.Dom, nil)
		} else {
			buf, err = b.m.newBuffer(r.Elem, op.Dom, b.free)
		}
		if err != nil {
			return nil, fmt.Errorf("%%%s: %w", r.Name, err)
		}
		outs = append(outs, buf)
	}
	return outs, nil
}

func (b *builder) op(op *ir.Op) error {
	outs, err := b.results(op)
	if err != nil {
		return err
	}
	switch op.Kind {
	case ir.Map:
	case ir.Extend:
		if err := b.extend(op, outs[0]); err != nil {
			return err
		}
	case ir.Reduce:
		var err error
		if sel := ir.Selected(op); sel != nil && outs[0].elem == op.Pieces[0].Body.Nodes[sel.Value].Elem && op.Pieces[0].Body.Nodes[sel.At].Elem == ir.I32 {
			err = b.selection(op, sel, outs[0])
		} else {
			err = b.reduce(op, outs)
		}
		if err != nil {
			return err
		}
		b.define(op, outs)
		return nil
	default:
		return fmt.Errorf("unknown operation %d", op.Kind)
	}
	for i := range op.Pieces {
		k, err := b.kernel(op, &op.Pieces[i], op.Dom, op.Pieces[i].Body.Results)
		if err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
		if err := inside(k.box, intervals(op.Dom)); err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
		if len(k.codes[0].res) != len(outs) {
			return fmt.Errorf("piece %d yields %d values for %d results", i, len(k.codes[0].res), len(outs))
		}
		for r, v := range k.codes[0].res {
			if v.elem != outs[r].elem {
				return fmt.Errorf("piece %d yields %s for %%%s, which is %s", i, v.elem, op.Results[r].Name, outs[r].elem)
			}
		}
		k.outs = outs
		b.steps = append(b.steps, func() { k.run(nil) })
	}
	b.define(op, outs)
	return nil
}

// define makes the results visible; an operation cannot read its own.
func (b *builder) define(op *ir.Op, outs []*buffer) {
	for i, r := range op.Results {
		b.values[r.Name] = outs[i]
	}
}

func inside(box, dom []ir.Interval) error {
	for d := range box {
		if box[d].Lo < dom[d].Lo || box[d].Hi > dom[d].Hi {
			return fmt.Errorf("box %d..%d lies outside the domain %d..%d", box[d].Lo, box[d].Hi, dom[d].Lo, dom[d].Hi)
		}
	}
	return nil
}

// kernel compiles one body for every worker.
func (b *builder) kernel(op *ir.Op, p *ir.Piece, index []ir.Range, want []int) (*kernel, error) {
	if len(p.Box) != len(index) {
		return nil, fmt.Errorf("box has %d dimensions, the domain %d", len(p.Box), len(index))
	}
	n, err := boxLen(p.Box)
	if err != nil {
		return nil, err
	}
	s := &scope{p: b.m.p, env: b.m.env, lookup: b.lookup, index: index, box: p.Box}
	k := &kernel{box: p.Box}
	for range max(1, min(workers(), n/grain)) {
		c, err := s.compile(&p.Body, want)
		if err != nil {
			return nil, err
		}
		k.codes = append(k.codes, c)
	}
	return k, nil
}

// extend copies the operand's box into the result; the pieces fill the ghosts around it.
func (b *builder) extend(op *ir.Op, out *buffer) error {
	src, err := b.lookup(op.From)
	if err != nil {
		return err
	}
	if len(op.Results) != 1 || src.elem != out.elem || len(src.n) != len(out.n) {
		return fmt.Errorf("extend yields one value of its operand's type and rank")
	}
	k := &kernel{codes: []*code{{}}, outs: []*buffer{out}}
	c := k.codes[0]
	acc := make([]access, len(src.n))
	for d := range src.n {
		if src.axes[d] != out.axes[d] {
			return fmt.Errorf("dimension %d is over axis %s, the operand's over %s", d, out.axes[d], src.axes[d])
		}
		if src.lo[d] < out.lo[d] || src.lo[d]+src.n[d] > out.lo[d]+out.n[d] {
			return fmt.Errorf("the domain does not contain the operand's box on axis %s", src.axes[d])
		}
		k.box = append(k.box, ir.Interval{Lo: src.lo[d], Hi: src.lo[d] + src.n[d]})
		acc[d] = access{dim: d, fast: d == len(src.n)-1, mul: 1, div: 1}
	}
	c.res = []vec{newVec(src.elem, chunk)}
	c.gather(c.res[0], src, acc, 1)
	b.steps = append(b.steps, func() { k.run(nil) })
	return nil
}

// sets assigns arrays together: values that must be copied are copied aside first, then everything changes hands. A value that fills
// a whole array and goes nowhere else swaps storage with it.
func (b *builder) sets(sets []ir.Set) error {
	uses := map[string]int{}
	for _, s := range sets {
		uses[s.Value]++
	}
	var stage, commit []func()
	done := map[string]bool{}
	for _, s := range sets {
		dst, err := b.m.array(s.Array)
		if err != nil {
			return err
		}
		if done[s.Array] {
			return fmt.Errorf("array %s is set twice", s.Array)
		}
		done[s.Array] = true
		src, err := b.lookup(s.Value)
		if err != nil {
			return fmt.Errorf("set @%s: %w", s.Array, err)
		}
		if src.elem != dst.elem || !slices.Equal(src.n, dst.n) || !slices.Equal(src.lo, dst.lo) {
			return fmt.Errorf("set @%s = %s: type or shape differs", s.Array, s.Value)
		}
		if s.Value[0] == '%' && uses[s.Value] == 1 {
			commit = append(commit, func() { dst.vec, src.vec = src.vec, dst.vec })
			continue
		}
		n := 1
		for _, d := range dst.n {
			n *= d
		}
		tmp := newVec(dst.elem, n)
		stage = append(stage, func() { copyVec(&tmp, 0, &src.vec, 0, n) })
		commit = append(commit, func() { copyVec(&dst.vec, 0, &tmp, 0, n) })
	}
	b.steps = append(append(b.steps, stage...), commit...)
	return nil
}
