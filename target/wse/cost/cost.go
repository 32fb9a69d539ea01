// Package cost estimates cycles from the machine's constants. Every number it gives is an estimate: the simulator never uses it,
// and reports label it so. It serves placement, reports and messages.
//
// An operation takes its set-up and its rate; one that reads or writes the fabric is bound by the ramp. An iteration is the sum
// over the operations of a PE, the dispatches of its waits with the branches of main, and for each receive the latency from a neighbour
// that sent at the same point of its program: neighbours run in step, so a PE that receives waits for latency, not for bandwidth.
package cost

import "github.com/wfc-lang/wfc/target/wse"

// Place is the byte address of an array of a class.
type Place func(array string) int

// Op is the time of one machine operation in cycles, from issue to its last element; an asynchronous one takes its issue slot. Where arrays
// lie decides which sources are in one bank.
func Op(m wse.Machine, o *wse.Op, at Place) int64 {
	if o.Async {
		return int64(m.AsyncIssue)
	}
	n, fabric := elements(o)
	r := m.Rate(o.Code, o.Elem)
	if fabric {
		r.Setup = max(r.Setup, m.FabricSetup)
		r.Ticks = max(r.Ticks, m.RampTicks/o.Elem.PerWavelet())
	}
	p := m.Placement(o, r)
	first := func(i int) int {
		if i < 0 {
			return 0
		}
		return at(o.Src[i].Array) + o.Src[i].Offset*o.Code.SrcElem(o.Elem, i).Bytes()
	}
	r = p.At(first(p.Pair[0]), first(p.Pair[1]))
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

// Waiting is a wait of an iteration: for how many channels, and the cycles of the tests that find where main goes on.
type Waiting struct {
	Channels int
	Find     int64
}

// Iteration is the time of one iteration of a function in one class, whose operations are ops, in the order in which they run, with those
// waits. A receive waits for what a neighbour sent when this PE did, unless work since then has taken longer.
func Iteration(m wse.Machine, ops []*wse.Op, waits []Waiting, at Place) int64 {
	var t int64
	sent, any := int64(0), false
	for _, o := range ops {
		for _, s := range o.Src {
			if s.Kind == wse.Fabric && any {
				t = max(t, sent+Latency(m, 1))
			} else if s.Kind == wse.Fabric {
				t += Latency(m, 1)
			}
		}
		t += Op(m, o, at)
		if o.Dst.Kind == wse.Fabric {
			sent, any = t, true
		}
	}
	for _, w := range waits {
		t += joins(m, w.Channels) + w.Find
	}
	return t
}

// Wait is the time of a wait for n asynchronous operations that are complete, where few states follow: main tests where to go on.
func Wait(m wse.Machine, n int) int64 { return joins(m, n) + 2*int64(m.BranchFall) }

// joins is the time from the end of a task to the start of main: each join is dispatched, blocks itself and activates the next.
func joins(m wse.Machine, n int) int64 {
	return int64(n+1)*int64(m.LocalDispatch) + int64(2*n+1)*int64(m.TaskCtlCycles)
}

// Latency is the time from a wavelet's leaving one PE's output queue to its arrival in the input queue hops routers away.
func Latency(m wse.Machine, hops int) int64 {
	return int64(m.RampOutCycles + hops*m.HopCycles + m.RampInCycles)
}
