package trace

import (
	"fmt"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
)

// maxSteps bounds the list of steps of a critical path.
const maxSteps = 60

var portNames = [ports]string{"N", "E", "S", "W", "in", "out"}

// Report is the profile of the launches so far.
func (p *Profile) Report() *report.Profile {
	out := &report.Profile{Machine: p.m.Name, Functions: []report.FuncProfile{}}
	pes := make([]int64, len(p.codes)+1) // the last are those without program
	for _, c := range p.class {
		if c < 0 {
			c = int32(len(p.codes))
		}
		pes[c]++
	}
	for _, f := range p.funcs {
		out.Cycles += f.cycles
		out.Functions = append(out.Functions, p.function(f, pes))
	}
	return out
}

func (p *Profile) function(f *function, pes []int64) report.FuncProfile {
	out := report.FuncProfile{Func: f.name, Launches: f.launches, Iterations: f.iterations, Cycles: f.cycles}
	for c := range p.codes {
		all := f.idle[c]
		list := func(o *opCount, x report.OpProfile) {
			all.add(&o.c)
			if o.runs > 0 {
				x.Class, x.Runs, x.Cycles, x.Async = p.codes[c].Class, o.runs, o.c.report(), o.async
				if o.async > 0 {
					w := o.waits
					x.Waits = &w
				}
				out.Ops = append(out.Ops, x)
			}
		}
		for i := range f.dispatch[c] {
			list(&f.dispatch[c][i], report.OpProfile{Task: p.codes[c].Tasks[i].Name, Text: "start of task " + p.codes[c].Tasks[i].Name})
		}
		for i := range f.ops[c] {
			in := &p.codes[c].Ins[i]
			list(&f.ops[c][i], report.OpProfile{Task: p.codes[c].Tasks[in.Task].Name, Text: in.Text, Line: in.Line, Elements: in.N})
		}
		out.Classes = append(out.Classes, report.ClassProfile{Class: p.codes[c].Class, PEs: pes[c], Cycles: all.report(), Sent: f.sent[c], Taken: f.taken[c]})
	}
	out.Parts = p.parts(f)
	out.Critical = p.critical(f)
	busiest := p.links(f, pes, &out)
	p.bound(f, pes, busiest, &out)
	ids := make([]int, 0, len(f.colors))
	for id := range f.colors {
		ids = append(ids, int(id))
	}
	sort.Ints(ids)
	for _, id := range ids {
		c := f.colors[int32(id)]
		names := make([]string, 0, len(c.names))
		for n := range c.names {
			names = append(names, n)
		}
		sort.Strings(names)
		out.Colors = append(out.Colors, report.ColorProfile{Color: id, Name: strings.Join(names, ", "), Wavelets: c.wavelets, Hops: c.hops})
	}
	out.Close()
	return out
}

// links sums up the ports of classes and returns the wavelets of the busiest link between routers.
func (p *Profile) links(f *function, pes []int64, out *report.FuncProfile) (busiest int64) {
	n := len(p.codes) + 1
	sum, most := make([]int64, n*ports), make([]int64, n*ports)
	for i, k := range f.links {
		c := int(p.class[i/ports])
		if c < 0 {
			c = n - 1
		}
		at := c*ports + i%ports
		sum[at] += int64(k)
		most[at] = max(most[at], int64(k))
		if i%ports < int(wse.Ramp) {
			busiest = max(busiest, int64(k))
		}
	}
	for at := range sum {
		if sum[at] == 0 {
			continue
		}
		l := report.LinkProfile{Port: portNames[at%ports], PEs: pes[at/ports], Wavelets: sum[at]}
		if c := at / ports; c < len(p.codes) {
			l.Class = p.codes[c].Class
		}
		rate := p.m.LinkTicks
		if at%ports >= int(wse.Ramp) {
			rate = p.m.RampTicks
		}
		whole := float64(max(1, f.cycles)) * float64(wse.TicksPerCycle)
		l.Mean = float64(sum[at]*int64(rate)) / (whole * float64(l.PEs))
		l.Busiest = float64(most[at]*int64(rate)) / whole
		out.Links = append(out.Links, l)
	}
	return
}

// bound is the least an iteration can take: a CE computes one operation at a time, a ramp and a link carry their rate.
func (p *Profile) bound(f *function, pes []int64, busiest int64, out *report.FuncProfile) {
	b := report.Bound{}
	n := float64(max(1, f.iterations))
	b.Link = float64(busiest*int64(p.m.LinkTicks)) / wse.TicksPerCycle / n
	for c := range p.codes {
		per := n * float64(max(1, pes[c]))
		var compute int64
		for i := range f.ops[c] {
			in, o := &p.codes[c].Ins[i], &f.ops[c][i]
			if in.Op != nil && pace(in) == arithmetic {
				compute += o.runs * work(in)
			}
		}
		a := float64(compute) / per
		r := float64(max(f.sent[c], f.taken[c])*int64(p.m.RampTicks)) / wse.TicksPerCycle / per
		if c == 0 || max(a, r) > max(b.Arithmetic, b.Ramp) {
			b.Arithmetic, b.Ramp, b.Class = a, r, p.codes[c].Class
		}
	}
	b.Cycles = max(b.Arithmetic, b.Ramp, b.Link)
	b.Latency = float64(out.Critical.Cycles.Latency()) / n
	switch {
	case b.Latency > b.Cycles:
		b.HeldBy = "latency"
	case b.Cycles == b.Arithmetic:
		b.HeldBy = "arithmetic"
	case b.Cycles == b.Ramp:
		b.HeldBy = "ramp"
	default:
		b.HeldBy = "link"
	}
	out.Bound = b
}

func (p *Profile) critical(f *function) report.Critical {
	out := report.Critical{Cycles: f.critical.report()}
	for _, s := range f.steps {
		x := p.step(s)
		if n := len(out.Steps); n > 0 {
			if l := &out.Steps[n-1]; l.X == x.X && l.Y == x.Y && (l.What == x.What && l.Line == x.Line) {
				l.Cycles += x.Cycles
				continue
			}
		}
		out.Steps = append(out.Steps, x)
	}
	if n := len(out.Steps); n > maxSteps {
		out.Steps, out.More = out.Steps[n-maxSteps:], n-maxSteps
	}
	return out
}

func (p *Profile) step(s *step) report.Step {
	pe := int(s.pe)
	x := report.Step{X: pe % p.w, Y: pe / p.w, Cycles: s.n}
	code := &p.codes[p.class[pe]]
	x.Class = code.Class
	switch s.pc {
	case stepNetwork:
		x.What = fmt.Sprintf("a wavelet to PE (%d,%d)", int(s.task)%p.w, int(s.task)/p.w)
	case stepDispatch:
		x.What = "start of task " + code.Tasks[s.task].Name
	case stepIdle:
		x.What = "idle"
	default:
		in := &code.Ins[s.pc]
		x.What, x.Line = in.Text, in.Line
		if in.Op == nil {
			x.What, x.Line = "scalar code", ""
		}
	}
	return x
}
