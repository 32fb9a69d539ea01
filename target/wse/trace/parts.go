package trace

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// parts sums up the operations of a procedure by the function they are of, which their lines name. Calls are those of the operation of a
// function that runs most often in some class.
func (p *Profile) parts(f *function) []report.PartProfile {
	pes := make([]int64, len(p.codes))
	for _, c := range p.class {
		if c >= 0 {
			pes[c]++
		}
	}
	all := int64(0)
	at := map[string]*report.PartProfile{}
	var out []*report.PartProfile
	for c := range p.codes {
		all += pes[c]
		least := map[string]*[3]int64{} // of the class: computing, wavelets sent and taken
		for i := range f.ops[c] {
			in, o := &p.codes[c].Ins[i], &f.ops[c][i]
			name, ok := partOf(in.Line)
			if !ok || o.runs == 0 || in.Op == nil {
				continue
			}
			x := at[name]
			if x == nil {
				x = &report.PartProfile{Func: name}
				at[name] = x
				out = append(out, x)
			}
			total, waits := 0.0, float64(o.c[operand]+o.c[queueFull]+o.c[linkBusy])
			for _, n := range o.c {
				total += float64(n)
			}
			x.Calls = max(x.Calls, float64(o.runs)/float64(pes[c]))
			x.Cycles += total
			x.Waits += waits
			if collective(in) {
				x.Collective += total
			}
			b := least[name]
			if b == nil {
				b = &[3]int64{}
				least[name] = b
			}
			if pace(in) == arithmetic {
				b[0] += o.runs * work(in)
			}
			wavelets := o.runs * int64((in.N*in.Op.Elem.Bytes()+3)/4)
			if in.Out {
				b[1] += wavelets
			}
			if in.In {
				b[2] += wavelets
			}
		}
		for name, b := range least {
			ramp := max(b[1], b[2]) * int64(p.m.RampTicks) / wse.TicksPerCycle
			at[name].Bound = max(at[name].Bound, float64(max(b[0], ramp))/float64(max(1, pes[c])))
		}
	}
	list := []report.PartProfile{}
	for _, x := range out {
		n := float64(max(1, f.iterations))
		x.Calls /= n
		x.Bound /= n
		n *= float64(max(1, all))
		x.Cycles, x.Waits, x.Collective = x.Cycles/n, x.Waits/n, x.Collective/n
		list = append(list, *x)
	}
	slices.SortStableFunc(list, func(a, b report.PartProfile) int { return cmp.Compare(b.Cycles, a.Cycles) })
	return list
}

// partOf is the function that the line of an operation names.
func partOf(line string) (string, bool) {
	if name, ok := strings.CutPrefix(line, strings.TrimSpace(codegen.InFunc)+" "); ok {
		return name, true
	}
	_, name, ok := strings.Cut(line, codegen.InFunc)
	return name, ok
}

// collective reports whether an operation is part of a reduction along the mesh or copies its result. Halos are moves between memory and
// the channels of neighbours, and are sent in the background; the chain of a reduction combines, passes on, or sends and waits.
func collective(in *sim.Ins) bool {
	if in.Op == nil {
		return false
	}
	out := in.Op.Dst.Kind == wse.Fabric
	for _, x := range append([]wse.Operand{in.Op.Dst}, in.Op.Src...) {
		if x.Kind != wse.Fabric {
			continue
		}
		switch strings.TrimSuffix(strings.TrimSuffix(x.Queue, ".in"), ".out") {
		case "x+", "y+":
		case "x-", "y-":
			if out && !in.Op.Async {
				return true
			}
		default:
			return true
		}
	}
	return in.In && !out && reduces(in.Op)
}

// reduces reports an operation that combines what it holds with what arrives, in place.
func reduces(o *wse.Op) bool {
	if o.Code == wse.OpMov || len(o.Src) != 2 || o.Dst.Kind != wse.Mem {
		return false
	}
	for _, s := range o.Src {
		if (s.Kind == wse.Mem || s.Kind == wse.Scalar) && s.Array == o.Dst.Array && s.Offset == o.Dst.Offset {
			return true
		}
	}
	return false
}
