package mesh

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// process checks the operations of one function of a class.
func (v *verifier) process(c *Class, where string, ops []Op) {
	open := map[string]bool{} // channels with an asynchronous send that is not awaited yet
	var order []string
	for i := range ops {
		o := &ops[i]
		at := fmt.Sprintf("%s, op %d (%s)", where, i, o)
		if o.Kind == Await {
			for _, ch := range o.Chans {
				if !open[ch] {
					v.fail(13, at, "nothing is being sent on %q", ch)
				}
				delete(open, ch)
			}
			continue
		}
		if o.Kind > Await {
			v.fail(7, at, "unknown kind of operation")
			continue
		}
		v.operands(c, at, o)
		if o.Dst.Kind != Chan {
			if o.Async {
				v.fail(13, at, "the destination is not a channel")
			}
			continue
		}
		if ch := v.channels[o.Dst.Name]; ch != nil && (ch.Kind == Gather && o.Async || !v.ends(c, ch, o.Dst.Last)) {
			v.fail(13, at, "a send on a gather is asynchronous, or wrongly marked as the last of a group")
		}
		if open[o.Dst.Name] {
			v.fail(13, at, "the last send on %q is not awaited", o.Dst.Name)
		}
		if o.Async {
			if o.Kind != Vector || o.Code != ir.Read || len(o.Src) != 1 || o.Src[0].Kind != Memory {
				v.fail(13, at, "not a move from memory")
			}
			open[o.Dst.Name] = true
			order = append(order, o.Dst.Name)
		}
	}
	for _, ch := range order {
		if open[ch] {
			v.fail(13, where, "ends while sending on %q", ch)
			delete(open, ch)
		}
	}
}

// stored is the element type in memory.
func stored(e ir.Elem) ir.Elem {
	if e == ir.Bool {
		return ir.I32
	}
	return e
}

func (v *verifier) operands(c *Class, at string, o *Op) {
	want := ir.Arity(o.Code)
	if o.Code == ir.Read {
		want = 1
	}
	ok := ir.CanonicalOp(o.Code) && want > 0
	if o.Kind == Fold {
		want--
		switch o.Code {
		case ir.Add, ir.Mul, ir.MinOp, ir.MaxOp, ir.FMA:
			ok = o.Dst.Kind == Memory && o.Dst.Slice.Len() == 1
		default:
			ok = false
		}
	}
	if !ok || len(o.Src) != want || o.Dst.Kind != Memory && o.Dst.Kind != Chan {
		v.fail(7, at, "destination, code or number of sources")
		return
	}
	result := o.Elem
	switch o.Code {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		result = ir.Bool
	}
	n, good := v.operand(c, at, &o.Dst, stored(result), true)
	if !good {
		return
	}
	for i := range o.Src {
		e := stored(o.Elem)
		switch {
		case o.Code == ir.Cvt || o.Code == ir.Bitcast:
			e = ir.NoElem
		case o.Code == ir.Select && i == 0:
			e = ir.I32
		}
		m, good := v.operand(c, at, &o.Src[i], e, false)
		if !good {
			return
		}
		if o.Kind == Fold && i == 0 {
			n = m
		}
		if m != n && (m != 1 || o.Src[i].Kind == Chan) {
			v.fail(8, at, "source %d has %d elements, not %d", i, m, n)
		}
	}
}

// operand checks one operand of stored type e (NoElem: any) and returns its length.
func (v *verifier) operand(c *Class, at string, o *Operand, e ir.Elem, dst bool) (int, bool) {
	before := len(v.faults)
	n := 1
	have := stored(o.Elem)
	switch o.Kind {
	case Memory:
		a := v.arrays[o.Slice.Array]
		if a == nil || !inArray(&o.Slice, a.Len) {
			v.fail(9, at, "%s is not inside an array", o.Slice)
			return 0, false
		}
		n, have = o.Slice.Len(), a.Elem
	case Chan:
		ch := v.channels[o.Name]
		if ch == nil || o.Len < 1 || o.Last && !dst || !v.connected(c, ch, dst) {
			v.fail(11, at, "%s: unknown, empty, or without a partner for some PE of the class", o)
			return 0, false
		}
		n, have = o.Len, e
	case HostScalar:
		if v.scalars[o.Name+" "+o.Elem.String()] != o.Elem || o.Elem == ir.NoElem {
			v.fail(12, at, "no host scalar %s of type %s", o.Name, o.Elem)
		}
	case Imm:
	default:
		v.fail(7, at, "an operand without a place")
	}
	if e != ir.NoElem && have != e {
		v.fail(10, at, "%s is %s, not %s", o, have, e)
	}
	return n, len(v.faults) == before
}

// inArray says whether a slice has a legal form and stays inside n elements.
func inArray(s *Slice, n int) bool {
	lo, hi := s.Off, s.Off
	if len(s.Dims) > 4 || lo < 0 || lo >= n {
		return false
	}
	for _, d := range s.Dims {
		if d.Len < 1 || d.Len > maxLen || d.Len > 1 && (d.Stride >= n || d.Stride <= -n) {
			return false
		}
		if d.Len > 1 {
			if reach := (d.Len - 1) * d.Stride; reach > 0 {
				hi += reach
			} else {
				lo += reach
			}
		}
		if lo < 0 || hi >= n {
			return false
		}
	}
	return true
}

// connected says whether every PE of the class has a partner on the channel.
func (v *verifier) connected(c *Class, ch *Channel, send bool) bool {
	l, r := v.layouts[ch.Layout], c.X
	if ch.Dim == Y {
		r = c.Y
	}
	last := r.Lo + (r.Len()-1)*r.Step
	if last >= l.Parts {
		return false
	}
	if ch.Kind == Flood {
		root := l.Pos(0)
		if send {
			return r.Len() == 1 && r.Lo == root
		}
		return !r.Contains(root)
	}
	if ch.Kind == Hop || ch.Kind == Gather {
		for x := r.Lo; x <= last; x += r.Step {
			k := l.Part(x)
			_, ok := ch.Next(l, k)
			if !send {
				ok = len(ch.Senders(l, k)) > 0
			}
			if !ok {
				return false
			}
		}
		return true
	}
	if l.Periodic || l.Folded {
		return l.Parts > 1
	}
	end := l.Pos(0) // the part that only sends (step +1) or only receives (step -1)
	if send == (ch.Step == 1) {
		end = l.Pos(l.Parts - 1)
	}
	return !r.Contains(end)
}

// ends says whether the PEs of the class are the last of their groups to send on a gather, all or none.
func (v *verifier) ends(c *Class, ch *Channel, all bool) bool {
	if ch.Kind != Gather {
		return !all
	}
	l, r := v.layouts[ch.Layout], c.X
	if ch.Dim == Y {
		r = c.Y
	}
	for x := r.Lo; x < min(r.Hi, l.Parts); x += r.Step {
		if ch.Last(l, l.Part(x)) != all {
			return false
		}
	}
	return true
}
