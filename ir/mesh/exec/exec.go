// Package exec runs mesh IR directly: every PE of the rectangle interprets its class's process. Channels are first-in first-out
// streams without any room: a send ends only when all of it has been received, so a program that ends here cannot deadlock for want
// of buffers. There is no notion of time, colors or queues; what it computes is what the machine program of a mesh program must compute.
//
// Memory starts as NaN (integers as an odd number), so that a value read before it is written shows up in the result. A missing Await
// is an error: memory that is being sent must not be overwritten, nor a channel used twice.
package exec

import (
	"context"
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Machine executes a mesh program. It has the methods of a runtime engine.
type Machine struct {
	p     *mesh.Program
	elems map[string]ir.Elem
	syms  map[string]*mesh.Symbol
	host  *ir.Program
	pes   []pe
	env   map[string]float64
	Ops   int // operations executed, over all PEs
}

// transfer is a send: it has ended when every receiver has read it.
type transfer struct {
	op *mesh.Op
	to []receipt
}

type receipt struct {
	q     *pe
	count int // of read elements of the channel
}

func (t transfer) ended() bool {
	for _, r := range t.to {
		if r.q.read[t.op.Dst.Name] < r.count {
			return false
		}
	}
	return true
}

type pe struct {
	x, y  int
	class *mesh.Class
	mem   map[string][]ir.Val
	in    map[string][]ir.Val // by channel: arrived and not yet read
	sent  map[string]int      // by channel: elements that ever arrived
	read  map[string]int      // by channel: elements that were ever read
	turn  map[string]int      // by gather: the member of the group that sends next
	open  []transfer          // asynchronous sends not yet waited for
	block []transfer          // the synchronous send that has not ended
	next  int
}

// New builds the machine; host is the canonical program p was lowered from (for the shapes of its arrays). Every PE must be in
// exactly one class.
func New(p *mesh.Program, host *ir.Program) (*Machine, error) {
	m := &Machine{p: p, host: host, elems: map[string]ir.Elem{}, syms: map[string]*mesh.Symbol{}, env: map[string]float64{}}
	for _, a := range p.Arrays {
		if _, dup := m.elems[a.Name]; dup {
			return nil, fmt.Errorf("two arrays are called %s", a.Name)
		}
		m.elems[a.Name] = a.Elem
	}
	for y := range p.H {
		for x := range p.W {
			q := pe{x: x, y: y, mem: map[string][]ir.Val{}, in: map[string][]ir.Val{}, sent: map[string]int{}, read: map[string]int{}, turn: map[string]int{}}
			for i := range p.Classes {
				if c := &p.Classes[i]; c.X.Contains(x) && c.Y.Contains(y) {
					if q.class != nil {
						return nil, fmt.Errorf("PE (%d, %d) is in classes %s and %s", x, y, q.class.Name, c.Name)
					}
					q.class = c
				}
			}
			if q.class == nil {
				return nil, fmt.Errorf("PE (%d, %d) is in no class", x, y)
			}
			for _, a := range p.Arrays {
				v := make([]ir.Val, a.Len)
				for i := range v {
					v[i] = ir.Val{F: math.NaN(), I: -123456789}
				}
				q.mem[a.Name] = v
			}
			m.pes = append(m.pes, q)
		}
	}
	for i := range p.Symbols {
		s := &p.Symbols[i]
		m.syms[s.Array] = s
		if s.Index == "" {
			continue
		}
		ls, err := p.Lay(s, []string{s.Index})
		if err != nil {
			return nil, err
		}
		n := ls[0].N
		t := ir.NewTensor(ir.I32, n)
		for k := range n {
			t.I32[k] = int32(k)
		}
		if err := m.each(s, []string{s.Index}, func(q *pe, local, global int) { q.mem[s.Local][local] = ir.Val{I: int64(t.I32[global])} }); err != nil {
			return nil, err
		}
	}
	delete(m.syms, "")
	return m, nil
}

func (m *Machine) layout(axis string) *mesh.Layout {
	for i := range m.p.Layouts {
		if m.p.Layouts[i].Axis == axis {
			return &m.p.Layouts[i]
		}
	}
	return nil
}

// each visits the elements of a symbol in every PE that holds them: local and global (row-major) positions, global -1 for padding.
func (m *Machine) each(s *mesh.Symbol, axes []string, f func(q *pe, local, global int)) error {
	ls, err := m.p.Lay(s, axes)
	if err != nil {
		return err
	}
	has := map[mesh.Dim]bool{}
	for _, l := range ls {
		has[l.Dim] = true
	}
	for i := range m.pes {
		q := &m.pes[i]
		if !s.Replicated && (!has[mesh.X] && q.x > 0 || !has[mesh.Y] && q.y > 0) {
			continue
		}
		var walk func(d, local, global int, pad bool)
		walk = func(d, local, global int, pad bool) {
			if d == len(axes) {
				if pad {
					global = -1
				}
				f(q, local, global)
				return
			}
			for _, x := range m.p.Pieces(s, d, ls[d], q.x, q.y) {
				for k := x.Lo; k < x.Hi; k++ {
					walk(d+1, local+(x.Slot+k-x.Lo)*s.Strides[d], global*ls[d].N+k, pad || x.Pad)
				}
			}
		}
		walk(0, s.Off, 0, false)
	}
	return nil
}

// Set loads an array of the index IR.
func (m *Machine) Set(array string, t *ir.Tensor) error {
	s, a := m.syms[array], m.host.Array(array)
	if a == nil {
		return fmt.Errorf("no array %q", array)
	}
	if s == nil {
		return nil // host only
	}
	pad := ir.Val{F: math.Copysign(0, mesh.PadSign(s))}
	return m.each(s, a.Axes, func(q *pe, local, global int) {
		if q.mem[s.Local][local] = pad; global >= 0 {
			q.mem[s.Local][local] = val(t, global)
		}
	})
}

// Get fetches an array of the index IR from the PEs that own it; copies are read at part 0.
func (m *Machine) Get(array string) (*ir.Tensor, error) {
	s, a := m.syms[array], m.host.Array(array)
	if s == nil || a == nil {
		return nil, fmt.Errorf("no array %q on the mesh", array)
	}
	t := ir.NewTensor(a.Elem, m.host.Shape(a)...)
	owner := *s
	owner.Replicated = false
	return t, m.each(&owner, a.Axes, func(q *pe, local, global int) {
		if global >= 0 {
			put(t, global, q.mem[s.Local][local])
		}
	})
}

// Scalars sets the host scalars.
func (m *Machine) Scalars(env map[string]float64) error {
	m.env = env
	return nil
}

// Close does nothing.
func (m *Machine) Close() error { return nil }

// once executes function number f.
func (m *Machine) once(ctx context.Context, f int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range m.pes {
		m.pes[i].next = 0
	}
	for busy := true; busy; {
		busy = false
		for i := range m.pes {
			q := &m.pes[i]
			ops := q.class.Funcs[f]
			for q.next <= len(ops) {
				if len(q.block) > 0 && !q.block[0].ended() {
					break
				}
				if q.block = nil; q.next == len(ops) {
					break
				}
				ok, err := m.step(q, &ops[q.next])
				if err != nil {
					return fmt.Errorf("PE (%d, %d) of class %s, operation %d: %w", q.x, q.y, q.class.Name, q.next, err)
				}
				if !ok {
					break
				}
				q.next++
				m.Ops++
				busy = true
			}
		}
	}
	for i := range m.pes {
		q := &m.pes[i]
		if ops := q.class.Funcs[f]; q.next < len(ops) {
			return fmt.Errorf("deadlock: PE (%d, %d) of class %s waits in operation %d of %d: %+v", q.x, q.y, q.class.Name, q.next, len(ops), ops[q.next])
		}
		if len(q.block) > 0 {
			return fmt.Errorf("deadlock: PE (%d, %d) of class %s never ends its last send on %s", q.x, q.y, q.class.Name, q.block[0].op.Dst.Name)
		}
		if len(q.open) > 0 {
			return fmt.Errorf("PE (%d, %d) ends without waiting for %s", q.x, q.y, q.open[0].op.Dst.Name)
		}
		for _, c := range m.p.Channels {
			if k := len(q.in[c.Name]); k > 0 {
				return fmt.Errorf("PE (%d, %d) leaves %d elements on %s", q.x, q.y, k, c.Name)
			}
		}
	}
	return nil
}

func val(t *ir.Tensor, k int) ir.Val {
	if t.I32 != nil {
		return ir.Val{I: int64(t.I32[k])}
	}
	return ir.Val{F: t.At(k)}
}

func put(t *ir.Tensor, k int, v ir.Val) {
	if t.I32 != nil {
		t.I32[k] = int32(v.I)
	} else {
		t.F32[k] = float32(v.F)
	}
}
