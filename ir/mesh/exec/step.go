package exec

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// step executes one operation, or returns false when it must wait: for elements to arrive, or for the end of a send.
func (m *Machine) step(q *pe, op *mesh.Op) (bool, error) {
	if op.Kind == mesh.Await {
		for _, ch := range op.Chans {
			i := slices.IndexFunc(q.open, func(t transfer) bool { return t.op.Dst.Name == ch })
			if i < 0 {
				return false, fmt.Errorf("waits for %s, which sends nothing", ch)
			}
			if !q.open[i].ended() {
				return false, nil
			}
		}
		q.open = slices.DeleteFunc(q.open, func(t transfer) bool { return slices.Contains(op.Chans, t.op.Dst.Name) })
		return true, nil
	}
	n, err := m.count(op)
	if err != nil {
		return false, err
	}
	for _, s := range op.Src {
		if s.Kind == mesh.Chan {
			if len(q.in[s.Name]) < n {
				return false, nil
			}
		}
	}
	if op.Async {
		if op.Dst.Kind != mesh.Chan || len(op.Src) != 1 || op.Src[0].Kind != mesh.Memory {
			return false, fmt.Errorf("an asynchronous operation must send from memory")
		}
	}
	if op.Dst.Kind == mesh.Chan {
		for _, t := range q.open {
			if t.op.Dst.Name == op.Dst.Name {
				return false, fmt.Errorf("send on %s before the last one is waited for", op.Dst.Name)
			}
		}
		if turn, err := m.turn(q, op.Dst.Name); err != nil || !turn {
			return false, err
		}
	}
	src := make([][]ir.Val, len(op.Src))
	elems := make([]ir.Elem, len(op.Src))
	for i, s := range op.Src {
		if src[i], elems[i], err = m.load(q, op, s, n); err != nil {
			return false, err
		}
	}
	if op.Kind == mesh.Fold {
		return true, m.fold(q, op, src)
	}
	out := make([]ir.Val, n)
	store := func(k int) {}
	if op.Dst.Kind == mesh.Memory {
		at, err := m.addresses(q, op.Dst.Slice)
		if err != nil {
			return false, err
		}
		mem := q.mem[op.Dst.Slice.Array]
		for _, t := range q.open {
			o := t.op
			if o.Src[0].Slice.Array != op.Dst.Slice.Array {
				continue
			}
			from, _ := m.addresses(q, o.Src[0].Slice)
			for _, a := range from {
				for _, b := range at {
					if a == b {
						return false, fmt.Errorf("overwrites element %d of %s while %s sends it", a, o.Src[0].Slice.Array, o.Dst.Name)
					}
				}
			}
		}
		store = func(k int) { mem[at[k]] = out[k] }
	}
	args := make([]ir.Val, len(src))
	for k := range n {
		for i, s := range op.Src { // memory is read element by element: overlapping operands show
			args[i] = src[i][min(k, len(src[i])-1)]
			if s.Kind == mesh.Memory {
				at, _ := m.address(s.Slice, k)
				args[i] = q.mem[s.Slice.Array][at]
			}
		}
		if op.Code == ir.Read {
			out[k] = args[0]
		} else {
			node := &ir.Node{Op: op.Code, Elem: op.Elem}
			if op.Code >= ir.Lt && op.Code <= ir.Ne {
				node.Elem = ir.Bool
				for i := range elems {
					elems[i] = op.Elem
				}
			}
			if out[k], err = ir.Apply(node, elems, args); err != nil {
				return false, err
			}
		}
		store(k)
	}
	if op.Dst.Kind == mesh.Chan {
		return true, m.send(q, op, out)
	}
	return true, nil
}

// count is the number of elements of an operation: of its destination, or of the vector a fold reads.
func (m *Machine) count(op *mesh.Op) (int, error) {
	length := func(o mesh.Operand) int {
		if o.Kind == mesh.Chan {
			return o.Len
		}
		return o.Slice.Len()
	}
	n := length(op.Dst)
	if op.Kind == mesh.Fold {
		if n != 1 || op.Dst.Kind != mesh.Memory {
			return 0, fmt.Errorf("a fold needs one element of memory")
		}
		n = length(op.Src[0])
	}
	for _, s := range op.Src {
		if s.Kind == mesh.Chan && s.Len != n || s.Kind == mesh.Memory && s.Slice.Len() != n && len(s.Slice.Dims) > 0 {
			return 0, fmt.Errorf("operands of %d and %d elements", n, length(s))
		}
	}
	return n, nil
}

// load fetches an operand; memory is checked here and read later, element by element.
func (m *Machine) load(q *pe, op *mesh.Op, s mesh.Operand, n int) ([]ir.Val, ir.Elem, error) {
	switch s.Kind {
	case mesh.Memory:
		at, err := m.addresses(q, s.Slice)
		if err != nil {
			return nil, 0, err
		}
		v := make([]ir.Val, len(at))
		for i, a := range at {
			v[i] = q.mem[s.Slice.Array][a]
		}
		return v, m.elems[s.Slice.Array], nil
	case mesh.Chan:
		v := q.in[s.Name][:n:n]
		q.in[s.Name] = q.in[s.Name][n:]
		q.read[s.Name] += n
		return v, op.Elem, nil
	case mesh.HostScalar:
		f, ok := m.env[s.Name]
		if !ok {
			return nil, 0, fmt.Errorf("host scalar %s has no value", s.Name)
		}
		return []ir.Val{ir.RoundTo(s.Elem, f)}, s.Elem, nil
	case mesh.Imm:
		return []ir.Val{{F: s.Imm, I: s.Int}}, s.Elem, nil
	}
	return nil, 0, fmt.Errorf("operand without a place")
}

func (m *Machine) fold(q *pe, op *mesh.Op, src [][]ir.Val) error {
	at, err := m.addresses(q, op.Dst.Slice)
	if err != nil {
		return err
	}
	acc := &q.mem[op.Dst.Slice.Array][at[0]]
	node := &ir.Node{Op: op.Code, Elem: op.Elem}
	for k := range src[0] {
		args, elems := []ir.Val{*acc, src[0][k]}, []ir.Elem{op.Elem, op.Elem, op.Elem}
		if op.Code == ir.FMA {
			args = []ir.Val{src[0][k], src[1][min(k, len(src[1])-1)], *acc}
		}
		if *acc, err = ir.Apply(node, elems[:len(args)], args); err != nil {
			return err
		}
	}
	return nil
}

// address of element k of a slice; scalars repeat.
func (m *Machine) address(s mesh.Slice, k int) (int, error) {
	at := s.Off
	for d := len(s.Dims) - 1; d >= 0; d-- {
		at += k % s.Dims[d].Len * s.Dims[d].Stride
		k /= s.Dims[d].Len
	}
	return at, nil
}

func (m *Machine) addresses(q *pe, s mesh.Slice) ([]int, error) {
	mem, ok := q.mem[s.Array]
	if !ok {
		return nil, fmt.Errorf("no array %q", s.Array)
	}
	if len(s.Dims) > 4 {
		return nil, fmt.Errorf("slice of %s has %d dimensions", s.Array, len(s.Dims))
	}
	out := make([]int, s.Len())
	for k := range out {
		out[k], _ = m.address(s, k)
		if out[k] < 0 || out[k] >= len(mem) {
			return nil, fmt.Errorf("slice %+v leaves array %s of %d elements", s, s.Array, len(mem))
		}
	}
	return out, nil
}

// channel finds a channel, its layout and the part of q along it.
func (m *Machine) channel(q *pe, name string) (c *mesh.Channel, l *mesh.Layout, part int, err error) {
	for i := range m.p.Channels {
		if c = &m.p.Channels[i]; c.Name == name {
			l = m.layout(c.Layout)
			if part = l.Part(q.x); c.Dim == mesh.Y {
				part = l.Part(q.y)
			}
			return c, l, part, nil
		}
	}
	return nil, nil, 0, fmt.Errorf("no channel %q", name)
}

// at is the PE of another part along a channel of q.
func (m *Machine) at(q *pe, c *mesh.Channel, l *mesh.Layout, part int) *pe {
	if c.Dim == mesh.Y {
		return &m.pes[l.Pos(part)*m.p.W+q.x]
	}
	return &m.pes[q.y*m.p.W+l.Pos(part)]
}

// turn says whether q may send on a channel: on a gather when it is its turn.
func (m *Machine) turn(q *pe, name string) (bool, error) {
	c, l, k, err := m.channel(q, name)
	if err != nil || c.Kind != mesh.Gather {
		return err == nil, err
	}
	to, ok := c.Next(l, k)
	if !ok {
		return false, fmt.Errorf("part %d is no member of a group of %s", k, name)
	}
	return c.Senders(l, to)[m.at(q, c, l, to).turn[name]] == k, nil
}

// send appends elements to the streams that leave q on the channel op sends on.
func (m *Machine) send(q *pe, op *mesh.Op, v []ir.Val) error {
	ch := op.Dst.Name
	c, l, k, err := m.channel(q, ch)
	if err != nil {
		return err
	}
	var to []int
	if c.Kind == mesh.Flood {
		if k != 0 {
			return fmt.Errorf("part %d floods %s", k, ch)
		}
		for t := 1; t < l.Parts; t++ {
			to = append(to, t)
		}
	} else {
		t, ok := c.Next(l, k)
		if !ok {
			return fmt.Errorf("part %d has no neighbour on %s", k, ch)
		}
		to = append(to, t)
	}
	tr := transfer{op: op}
	for _, t := range to {
		r := m.at(q, c, l, t)
		r.in[ch] = append(r.in[ch], v...)
		r.sent[ch] += len(v)
		if c.Kind == mesh.Gather {
			r.turn[ch] = (r.turn[ch] + 1) % len(c.Senders(l, t))
		}
		tr.to = append(tr.to, receipt{r, r.sent[ch]})
	}
	if op.Async {
		q.open = append(q.open, tr)
	} else {
		q.block = []transfer{tr}
	}
	return nil
}
