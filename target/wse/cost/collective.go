package cost

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/target/wse"
)

// Collective gives the constants of collectives that combine f32 (or, with half, f16) vectors on m.
func Collective(m wse.Machine, half bool) collective.Machine {
	e := wse.F32
	if half {
		e = wse.F16
	}
	var depths []int
	for _, q := range m.UsableIn() {
		depths = append(depths, m.InQueues[q].Depth)
	}
	return collective.Machine{Queues: depths, RampOut: m.RampOutCycles, RampIn: m.RampInCycles, Hop: m.HopCycles, Issue: m.FabricSetup, Spread: 1, Turns: m.Positions > 1 && m.SwitchColors != 0,
		PerWavelet: max(m.RampTicks, m.LinkTicks, m.Rate(wse.OpAdd, e).Ticks*e.PerWavelet())}
}

// Wavelets is how many wavelets n elements take.
func Wavelets(e ir.Elem, n int) int {
	if e == ir.F16 {
		return (n + 1) / 2
	}
	return n
}
