package codegen

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// A receive into memory that nothing reads for a while runs in the background: it becomes asynchronous where it stands, and the
// process waits for it before the first operation that touches what it stores, or the next receive of its channel. This only
// removes waiting: whatever the process could do before it still can, with the same values, so neither bits nor freedom from
// deadlock change. It pays where the work in between outweighs the dispatches of the wait.

// calm lists the channels of the class for whose receives the background is worth it.
func (g *gen) calm() map[string]bool {
	out := map[string]bool{}
	for _, ops := range g.in.Funcs {
		for until, rs := range waiting(ops) {
			if g.worth(ops, rs, until) {
				for _, i := range rs {
					out[ops[i].Src[0].Name] = true
				}
			}
		}
	}
	return out
}

// background marks receives of ops to run asynchronously and returns, for each operation, the channels whose receives to wait for
// before it (index len(ops): at the end).
func (g *gen) background(ops []mesh.Op) (marked []mesh.Op, before [][]string) {
	marked = append([]mesh.Op(nil), ops...)
	before = make([][]string, len(ops)+1)
	for j, rs := range waiting(ops) {
		if !g.worth(ops, rs, j) {
			continue
		}
		for _, i := range rs {
			if name := ops[i].Src[0].Name; g.behind[name] {
				marked[i].Async = true
				before[j] = append(before[j], name)
			}
		}
	}
	return marked, before
}

// waiting lists the receives of ops by the first operation that uses what they store.
func waiting(ops []mesh.Op) map[int][]int {
	until := map[int][]int{}
	for i := range ops {
		if receives(&ops[i]) {
			j := firstUse(ops, i)
			until[j] = append(until[j], i)
		}
	}
	return until
}

// inputIDs gives the channels that the class receives on, in the program's order, their input queues: those of the background get
// queues whose number no output queue has, because an asynchronous operation runs on the microthread of its queue's number. Where
// such queues are short, nothing receives in the background.
func (g *gen) inputIDs(receives map[string]bool) []int {
	ids := g.m.UsableIn()
	sending := map[int]bool{}
	for _, q := range g.out.Queues {
		sending[q.ID] = true
	}
	var own []int // queues with a microthread of their own
	for _, id := range ids {
		if !sending[id] {
			own = append(own, id)
		}
	}
	if len(g.behind) > len(own) || len(receives) > len(ids) {
		g.behind = nil
	}
	own = own[len(own)-len(g.behind):]
	rest := slices.DeleteFunc(ids, func(id int) bool { return slices.Contains(own, id) })
	var out []int
	for _, c := range g.p.Channels {
		switch {
		case g.behind[c.Name]:
			out, own = append(out, own[0]), own[1:]
		case receives[c.Name] && len(rest) > 0:
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
	return out
}

// receives reports whether o moves a channel's elements to memory.
func receives(o *mesh.Op) bool {
	return o.Kind == mesh.Vector && o.Code == ir.Read && !o.Async && o.Dst.Kind == mesh.Memory && o.Src[0].Kind == mesh.Chan
}

// firstUse is the first operation after receive i that touches its memory or its channel.
func firstUse(ops []mesh.Op, i int) int {
	r := &ops[i]
	for j := i + 1; j < len(ops); j++ {
		o := &ops[j]
		if o.Dst.Overlaps(r.Dst) {
			return j
		}
		for _, s := range o.Src {
			if s.Overlaps(r.Dst) || s.Kind == mesh.Chan && s.Name == r.Src[0].Name {
				return j
			}
		}
	}
	return len(ops)
}

// worth compares what overlapping saves, the shorter of receiving and working, with twice the estimate of a wait.
func (g *gen) worth(ops []mesh.Op, rs []int, until int) bool {
	wavelets, work := 0, 0
	for _, i := range rs {
		wavelets += ops[i].Src[0].Len
	}
	for j := rs[0] + 1; j < until; j++ {
		if o := &ops[j]; !o.Async && !receives(o) && o.Kind != mesh.Await {
			n := o.Dst.Slice.Len()
			for _, s := range o.Src {
				if s.Kind == mesh.Chan {
					n = 0 // it waits for its own wavelets
				}
			}
			work += n
		}
	}
	return int64(min(wavelets, work)) > 2*cost.Wait(g.m, len(rs))
}
