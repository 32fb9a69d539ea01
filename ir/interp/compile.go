package interp

import (
	"fmt"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// scope is what a body can name while it is compiled.
type scope struct {
	p      *ir.Program
	env    map[string]float64
	lookup func(name string) (*buffer, error) // "%value" or "@array"
	index  []ir.Range                         // the indices of the box, in order
	box    []ir.Interval
}

func (s *scope) dim(index string) (int, bool) {
	for i, r := range s.index {
		if r.Index == index {
			return i, true
		}
	}
	return 0, false
}

// compile translates the nodes that the wanted ones need.
func (s *scope) compile(b *ir.Body, want []int) (*code, error) {
	live := make([]bool, len(b.Nodes))
	for _, w := range want {
		if w < 0 || w >= len(b.Nodes) {
			return nil, fmt.Errorf("result %d is not a node", w)
		}
		live[w] = true
	}
	for i := len(b.Nodes) - 1; i >= 0; i-- {
		for _, a := range b.Nodes[i].Args {
			if a < 0 || a >= i {
				return nil, fmt.Errorf("node %d: argument %d does not come before it", i, a)
			}
			live[a] = live[a] || live[i]
		}
	}
	c := &code{}
	regs := make([]vec, len(b.Nodes))
	for i := range b.Nodes {
		if !live[i] {
			continue
		}
		n := &b.Nodes[i]
		if n.Elem == ir.NoElem || n.Elem > ir.F64 {
			return nil, fmt.Errorf("node %d (%s) has no element type", i, n.Op)
		}
		regs[i] = newVec(n.Elem, chunk)
		args := make([]vec, len(n.Args))
		for k, a := range n.Args {
			args[k] = regs[a]
		}
		if err := s.node(c, n, regs[i], args); err != nil {
			return nil, fmt.Errorf("node %d (%s): %w", i, n.Op, err)
		}
	}
	for _, w := range want {
		c.res = append(c.res, regs[w])
	}
	return c, nil
}

func fill(d vec, x ir.Val) {
	for i := range chunk {
		d.set(i, x)
	}
}

func (s *scope) node(c *code, n *ir.Node, d vec, args []vec) error {
	switch n.Op {
	case ir.Const:
		fill(d, n.ConstVal())
		return nil
	case ir.Scalar:
		x, ok := s.env[n.Name]
		if !ok {
			return fmt.Errorf("host scalar %q has no value", n.Name)
		}
		fill(d, ir.RoundTo(n.Elem, x))
		return nil
	case ir.Read:
		return s.read(c, n, d)
	case ir.Index:
		return s.perRow(c, n, d, func(i int) ir.Val { return ir.Val{I: int64(i)} })
	case ir.Coord:
		k, ok := s.dim(n.Name)
		if !ok {
			return fmt.Errorf("no index %q here", n.Name)
		}
		ax := s.p.Axis(s.index[k].Axis)
		return s.perRow(c, n, d, func(i int) ir.Val { return ir.RoundTo(n.Elem, ax.Coord(float64(i))) })
	case ir.Deriv:
		return fmt.Errorf("a derivative; run the discretise pass first")
	case ir.Param_:
		return fmt.Errorf("parameter %q outside host scalars", n.Name)
	}
	if err := checkTypes(n, args); err != nil {
		return err
	}
	op, err := instruction(n, d, args)
	if err != nil {
		return err
	}
	c.ops = append(c.ops, op)
	if n.Elem == ir.F16 && roundsF16(n.Op) {
		c.ops = append(c.ops, func(n int) {
			for i, x := range d.f32[:n] {
				d.f32[i] = ieee.RoundHalf32(x)
			}
		})
	}
	return nil
}

// roundsF16 says whether an f32 result of the operation may need rounding to half.
func roundsF16(op ir.Code) bool {
	switch op {
	case ir.Add, ir.Sub, ir.Mul, ir.Div, ir.FMA, ir.Sqrt:
		return true
	}
	return false // exact on halves, or done by ir.Apply
}

func (s *scope) perRow(c *code, n *ir.Node, d vec, f func(i int) ir.Val) error {
	k, ok := s.dim(n.Name)
	if !ok {
		return fmt.Errorf("no index %q here", n.Name)
	}
	step := 0
	if k == len(s.index)-1 {
		step = 1
	}
	c.ops = append(c.ops, func(int) {
		for _, g := range c.segs {
			for i := range g.n {
				d.set(g.at+i, f(g.row[k]+i*step))
			}
		}
	})
	return nil
}

// access is one dimension of a read: coordinate (row[dim]*mul+off)/div rounded down, or off when dim is -1; fast when it follows the
// last index.
type access struct {
	dim, off int
	fast     bool
	mul, div int
}

// at is the coordinate for index value i.
func (a *access) at(i int) int {
	x := i*a.mul + a.off
	if a.div > 1 {
		if x < 0 {
			return -((-x + a.div - 1) / a.div)
		}
		return x / a.div
	}
	return x
}

func (s *scope) read(c *code, n *ir.Node, d vec) error {
	src, err := s.lookup(n.Name)
	if err != nil {
		return err
	}
	if src.elem != n.Elem {
		return fmt.Errorf("reads %s as %s, which is %s", n.Name, n.Elem, src.elem)
	}
	if len(n.At) != len(src.n) {
		return fmt.Errorf("%s has %d dimensions, read with %d", n.Name, len(src.n), len(n.At))
	}
	acc := make([]access, len(n.At))
	fastStride := 0
	for i, a := range n.At {
		lo, hi := a.Span(0, 1)
		acc[i] = access{dim: -1, off: lo, mul: max(1, a.Mul), div: max(1, a.Div)}
		if a.Index != "" {
			k, ok := s.dim(a.Index)
			if !ok {
				return fmt.Errorf("no index %q here", a.Index)
			}
			if a.Mul < 0 || a.Div < 0 {
				return fmt.Errorf("index %q times %d, divided by %d", a.Index, a.Mul, a.Div)
			}
			acc[i].dim, acc[i].off, acc[i].fast = k, a.Off, k == len(s.index)-1
			if lo, hi = 0, 0; s.box[k].Lo < s.box[k].Hi {
				lo, hi = a.Span(s.box[k].Lo, s.box[k].Hi)
			}
		}
		if acc[i].fast {
			fastStride += src.stride[i] * acc[i].mul
		}
		if err := src.covers(i, lo, hi); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	uniform := true
	for _, a := range acc {
		uniform = uniform && a.dim < 0
	}
	if uniform {
		c.ops = append(c.ops, func(n int) { gatherVec(&d, 0, &src.vec, src.offset(acc), 0, n) })
		return nil
	}
	c.gather(d, src, acc, fastStride)
	return nil
}

// gather appends the instruction that reads src at acc into d, run by run: a run ends where the chunk's row does or where a periodic
// axis wraps.
func (c *code) gather(d vec, src *buffer, acc []access, fastStride int) {
	c.ops = append(c.ops, func(int) {
		for si := range c.segs {
			g := &c.segs[si]
			for done := 0; done < g.n; {
				run := g.n - done
				o := 0
				for i, a := range acc {
					x := a.off
					switch {
					case a.fast:
						x = a.at(g.row[a.dim] + done)
					case a.dim >= 0:
						x = a.at(g.row[a.dim])
					}
					x = src.wrap(i, x)
					o += x * src.stride[i]
					switch {
					case !a.fast:
					case a.div > 1:
						run = 1
					default:
						run = min(run, (src.n[i]-x+a.mul-1)/a.mul)
					}
				}
				gatherVec(&d, g.at+done, &src.vec, o, fastStride, run)
				done += run
			}
		}
	})
}

// covers checks that coordinates lo..hi-1 of dimension i are in the buffer, directly or around a periodic axis.
func (b *buffer) covers(i, lo, hi int) error {
	blo, bhi := b.lo[i], b.lo[i]+b.n[i]
	if lo >= blo && hi <= bhi || hi <= lo {
		return nil
	}
	if b.period[i] > 0 && blo <= 0 && bhi >= b.period[i] {
		return nil
	}
	return fmt.Errorf("reads %d..%d of axis %s, which holds %d..%d and does not wrap", lo, hi, b.axes[i], blo, bhi)
}

// wrap returns coordinate x of dimension i relative to the buffer's low corner.
func (b *buffer) wrap(i, x int) int {
	if r := x - b.lo[i]; r >= 0 && r < b.n[i] {
		return r
	}
	p := b.period[i]
	return (x%p+p)%p - b.lo[i]
}

func (b *buffer) offset(acc []access) int {
	o := 0
	for i, a := range acc {
		o += b.wrap(i, a.off) * b.stride[i]
	}
	return o
}
