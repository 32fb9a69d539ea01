// Package cost estimates cycles from the machine's constants. Every number it gives is an estimate: the simulator never uses it,
// and reports label it so. It serves placement, reports and messages.
//
// An operation takes its set-up and its rate; one that reads or writes the fabric is bound by the ramp. An iteration is the sum
// over the operations of a PE, the dispatches of its waits, and for each receive the latency from a neighbour that sent at the
// same point of its program: neighbours run in step, so a PE that receives waits for latency, not for bandwidth.
package cost

import "github.com/wfc-lang/wfc/target/wse"

// Op is the time of one machine operation in cycles, from issue to its last element; an asynchronous one takes its issue slot.
func Op(m wse.Machine, o *wse.Op) int64 {
	if o.Async {
		return int64(m.AsyncIssue)
	}
	n, fabric := elements(o)
	r := m.Rate(o.Code, o.Elem)
	if fabric {
		r.Setup = max(r.Setup, m.FabricSetup)
		r.Ticks = max(r.Ticks, m.RampTicks/o.Elem.PerWavelet())
	}
	return r.Cycles(n)
}

// elements is the vector length of an operation and whether it touches the fabric.
func elements(o *wse.Op) (n int, fabric bool) {
	n = 1
	for _, p := range append([]wse.Operand{o.Dst}, o.Src...) {
		if p.IsVector() {
			n = max(n, p.Count())
		}
		fabric = fabric || p.Kind == wse.Fabric
	}
	return n, fabric
}

// Elements is the vector length of an operation.
func Elements(o *wse.Op) int { n, _ := elements(o); return n }

// Iteration is the time of one iteration of a function in one class, whose operations are ops and which waits once for every
// entry of waits, for that many channels.
func Iteration(m wse.Machine, ops []*wse.Op, waits []int) int64 {
	var t int64
	for _, o := range ops {
		t += Op(m, o)
		for _, s := range o.Src {
			if s.Kind == wse.Fabric {
				t += Latency(m, 1)
			}
		}
	}
	for _, w := range waits {
		t += Wait(m, w)
	}
	return t
}

// Wait is the time of a wait for n asynchronous operations that are complete: each join is dispatched, blocks itself and activates
// the next; main tests where to go on.
func Wait(m wse.Machine, n int) int64 {
	return int64(n+1)*int64(m.LocalDispatch) + int64(2*n+1)*int64(m.TaskCtlCycles) + 2*int64(m.BranchFall)
}

// Latency is the time from a wavelet's leaving one PE's output queue to its arrival in the input queue hops routers away.
func Latency(m wse.Machine, hops int) int64 {
	return int64(m.RampOutCycles + hops*m.HopCycles + m.RampInCycles)
}
