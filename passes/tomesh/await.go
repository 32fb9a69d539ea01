package tomesh

import (
	"strings"

	"github.com/wfc-lang/wfc/ir/mesh"
)

// isFlood tells multicast channels by their names, see emit.go.
func isFlood(channel string) bool { return strings.HasSuffix(channel, "flood") }

// awaits inserts the waits for asynchronous sends: before a second multicast (so that the two can share an output queue), before the
// memory being sent is overwritten, before the channel is used again, and at the end. With together,
// sends that were started together are waited for together: they end at about the same time, and a wait costs more than what it waits
// for. Marks is parallel to ops, and stays so.
func awaits(ops []mesh.Op, marks []bool, together bool) (out []mesh.Op, outMarks []bool) {
	type pending struct {
		ch    string
		src   mesh.Operand
		batch int
	}
	var open []pending
	batch := 0
	wait := func(due func(pending) bool) {
		var chans []string
		rest := open[:0]
		last := -1
		for _, p := range open {
			if together && due(p) {
				last = max(last, p.batch)
			}
		}
		for _, p := range open {
			if p.batch <= last || due(p) {
				chans = append(chans, p.ch)
			} else {
				rest = append(rest, p)
			}
		}
		if open = rest; len(chans) > 0 {
			out, outMarks = append(out, mesh.Op{Kind: mesh.Await, Chans: chans}), append(outMarks, false)
			batch++
		}
	}
	for i, op := range ops {
		wait(func(p pending) bool {
			return op.Dst.Kind == mesh.Chan && (op.Dst.Name == p.ch || isFlood(op.Dst.Name) && isFlood(p.ch)) || op.Dst.Overlaps(p.src)
		})
		out, outMarks = append(out, op), append(outMarks, marks[i])
		if op.Async {
			open = append(open, pending{op.Dst.Name, op.Src[0], batch})
		} else {
			batch++
		}
	}
	wait(func(pending) bool { return true })
	return out, outMarks
}
