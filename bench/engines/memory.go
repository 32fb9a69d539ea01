//go:build unix

package main

import (
	"fmt"
	"runtime"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// heap is what the program holds on to.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// events prints the memory of a PE and the time of an event: an element operation of a PE, or a visit of a group by the rules.
func events() error {
	const side, nz, steps = 256, 100, 2
	k, err := model("heat.wf", "nx", fmt.Sprint(side), "ny", fmt.Sprint(side), "nz", fmt.Sprint(nz), "steps", fmt.Sprint(steps))()
	if err != nil {
		return err
	}
	lays, err := wse.Layout(k.code, k.machine)
	if err != nil {
		return err
	}
	data := 0
	for _, l := range lays {
		data = max(data, l.Data)
	}
	before := heap()
	s, err := sim.New(k.code, k.machine, sim.Options{})
	if err != nil {
		return err
	}
	plainBytes := heap() - before
	runtime.KeepAlive(s)
	s = nil
	before = heap()
	var f *fast.Sim
	t, err := measure(k, func(p *wse.Program, m wse.Machine) (w fast.Wafer, err error) {
		f, err = fast.New(p, m, sim.Options{}, 0)
		return f, err
	})
	if err != nil {
		return err
	}
	bytes := heap() - before
	const pes = side * side
	fmt.Printf("heat %d x %d x %d, %d steps: %d cycles, %.2f s, %d B of arrays in the fullest PE\n", side, side, nz, steps, t.cycles, t.cpu.Seconds(), data)
	fmt.Printf("memory per PE: fast %d B with the copy for errors, plain %d B\n", bytes/pes, plainBytes/pes)
	w := f.Work
	fmt.Printf("%.1f ns per element operation (%d of them, %d per PE and step); %.1f PEs per visit, %d visits\n", t.cpu.Seconds()*1e9/float64(w.Elements),
		w.Elements, w.Elements/pes/steps, float64(w.Of)/float64(w.Visits), w.Visits)
	runtime.KeepAlive(f)
	return nil
}
