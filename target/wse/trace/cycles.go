package trace

import (
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// kind is what a cycle of a compute element, or of the critical path, was spent on.
type kind uint8

const (
	arithmetic kind = iota
	ramp
	setup
	issue
	control
	dispatch
	bank
	operand
	queueFull
	linkBusy
	sends
	idle
	network
	congestion
	kinds
)

// cycles counts by kind.
type cycles [kinds]int64

func (c *cycles) add(o *cycles) {
	for i, n := range o {
		c[i] += n
	}
}

func (c *cycles) report() report.Breakdown {
	return report.Breakdown{Arithmetic: c[arithmetic], Ramp: c[ramp], Setup: c[setup], Issue: c[issue], Control: c[control],
		Dispatch: c[dispatch], Bank: c[bank], Operand: c[operand], Queue: c[queueFull], Link: c[linkBusy], Sends: c[sends], Idle: c[idle],
		Network: c[network], Congestion: c[congestion]}
}

// stall is the kind of a wait.
func stall(w sim.Why) kind {
	switch w {
	case sim.WhyQueue:
		return queueFull
	case sim.WhyLink:
		return linkBusy
	}
	return operand
}

// pace is the kind of the elements of an operation: those that compute are arithmetic even when each comes by the ramp.
func pace(in *sim.Ins) kind {
	if in.Op != nil && in.Op.Code == wse.OpMov && (in.In || in.Out) {
		return ramp
	}
	return arithmetic
}

// conflict is the cycles that bank conflicts add to n elements.
func conflict(in *sim.Ins) int64 {
	return int64(in.N) * int64(max(0, in.Ticks-in.Plain)) / wse.TicksPerCycle
}

// work is the cycles of the elements of an operation without conflicts, rounded up.
func work(in *sim.Ins) int64 {
	return (int64(in.N)*int64(min(in.Ticks, in.Plain)) + wse.TicksPerCycle - 1) / wse.TicksPerCycle
}

// split divides the n cycles of an instruction that waited for nothing.
func split(in *sim.Ins, n int64) (c cycles) {
	switch {
	case in.Op == nil:
		c[control] = n
		return
	case in.Async:
		c[issue] = n
		return
	}
	take := func(k kind, want int64) {
		want = max(0, min(want, n))
		c[k] += want
		n -= want
	}
	take(setup, int64(in.Setup))
	if pace(in) == ramp {
		take(ramp, n)
		return
	}
	take(bank, conflict(in))
	take(arithmetic, work(in))
	if in.In || in.Out {
		take(ramp, n) // slower than its rate: one wavelet per cycle
	}
	take(arithmetic, n)
	return
}
