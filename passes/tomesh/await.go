package tomesh

import "github.com/wfc-lang/wfc/ir/mesh"

// awaits inserts the waits for asynchronous sends: before the memory being sent is overwritten, before the channel is used again, and
// at the end.
func awaits(ops []mesh.Op) []mesh.Op {
	type pending struct {
		ch  string
		src mesh.Operand
	}
	var open []pending
	var out []mesh.Op
	wait := func(due func(pending) bool) {
		var chans []string
		rest := open[:0]
		for _, p := range open {
			if due(p) {
				chans = append(chans, p.ch)
			} else {
				rest = append(rest, p)
			}
		}
		if open = rest; len(chans) > 0 {
			out = append(out, mesh.Op{Kind: mesh.Await, Chans: chans})
		}
	}
	for _, op := range ops {
		wait(func(p pending) bool {
			return op.Dst.Kind == mesh.Chan && op.Dst.Name == p.ch || overlap(op.Dst, p.src)
		})
		out = append(out, op)
		if op.Async {
			open = append(open, pending{op.Dst.Name, op.Src[0]})
		}
	}
	wait(func(pending) bool { return true })
	return out
}
