package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// stream moves receives (those of halos and copies, marked) into the only vector operation that reads what they stored, which then takes the elements straight from the
// channel. A receive is delayed past computation only: not past a send, a wait or another receive of its channel, so elements of a
// channel stay in order, and a PE still starts all sends of a round before it blocks and takes all receives before the next round.
func stream(ops []mesh.Op, marked []bool) []mesh.Op {
	gone := make([]bool, len(ops))
	for i := range ops {
		r := &ops[i]
		if !marked[i] {
			continue
		}
		if j, k := onlyReader(ops[i+1:], r); j >= 0 {
			u := &ops[i+1+j]
			u.Src = append([]mesh.Operand{}, u.Src...)
			u.Src[k] = r.Src[0]
			gone[i] = true
		}
	}
	out := ops[:0]
	for i, op := range ops {
		if !gone[i] {
			out = append(out, op)
		}
	}
	return out
}

// onlyReader finds the operation and operand that r's receive can move into, or -1.
func onlyReader(after []mesh.Op, r *mesh.Op) (op, operand int) {
	op, operand = -1, -1
	blocked := false // a later reader could not take the stream any more
	for j := range after {
		u := &after[j]
		for k, s := range u.Src {
			if s.Overlaps(r.Dst) {
				if op >= 0 || blocked || !takesStream(u, k, r) {
					return -1, -1
				}
				op, operand = j, k
			}
			blocked = blocked || s.Kind == mesh.Chan && s.Name == r.Src[0].Name
		}
		blocked = blocked || u.Kind == mesh.Await || u.Dst.Kind == mesh.Chan
		if u.Dst.Overlaps(r.Dst) {
			if u.Kind == mesh.Fold || !same(u.Dst, r.Dst) && op < 0 {
				return -1, -1
			}
			if same(u.Dst, r.Dst) {
				break // what was received is gone
			}
		}
	}
	return op, operand
}

// takesStream reports whether operand k of u may be the stream that r receives: elementwise, of the same type, and the only stream.
func takesStream(u *mesh.Op, k int, r *mesh.Op) bool {
	switch u.Code {
	case ir.Cvt, ir.Bitcast, ir.Select:
		return false
	}
	if u.Kind != mesh.Vector || u.Dst.Kind != mesh.Memory || u.Elem != r.Elem || !same(u.Src[k], r.Dst) || u.Dst.Slice.Len() != r.Src[0].Len {
		return false
	}
	for _, s := range u.Src {
		if s.Kind == mesh.Chan {
			return false
		}
	}
	return true
}
