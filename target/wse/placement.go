package wse

import "slices"

// Placement is what the addresses and strides of an operation's memory operands make of its rate.
type Placement struct {
	// Pair are the indices of the two memory sources whose distance decides: they run through memory in step, at unit stride. Pair[0] is -1
	// when there are none, and all rates are equal then.
	Pair  [2]int
	rates [4]Rate // by the distance of the pair's first words modulo 4
}

// Placement prepares the rate of operation o, whose rate is r when nothing but its opcode and type counts.
func (m Machine) Placement(o *Op, r Rate) Placement {
	p := Placement{Pair: [2]int{-1, -1}}
	var mem []int
	for i, x := range o.Src {
		if x.Kind == Mem {
			mem = append(mem, i)
		}
	}
	r.Ticks = max(r.Ticks, m.stride(o))
	switch RateClass(o.Code) {
	case "copy", "add", "mul", "fma":
		r.Setup = max(0, r.Setup-m.DSRCycles*max(0, 2-len(mem)))
	}
	for d := range p.rates {
		p.rates[d] = r
	}
	if m.Banks == BanksFlat || len(mem) != 2 || RateClass(o.Code) == "map" {
		return p
	}
	a, b := o.Src[mem[0]].Dims, o.Src[mem[1]].Dims
	if !slices.Equal(a, b) || a[len(a)-1].Stride != 1 {
		return p
	}
	p.Pair = [2]int(mem)
	for d := range p.rates {
		p.rates[d] = m.BankedRate(o.Code, o.Elem, 4*d, 0)
	}
	return p
}

// At is the rate when the pair's first elements lie at these byte addresses.
func (p *Placement) At(first, second int) Rate { return p.rates[(first>>2-second>>2)&3] }

// stride is the least ticks per element that the strides of o's memory sources allow: the machine reads SpanWords 16-bit words that lie side by
// side in a cycle, and at worst one element.
func (m Machine) stride(o *Op) int {
	if m.SpanWords == 0 || RateClass(o.Code) == "map" {
		return 0
	}
	ticks := 0
	for i, x := range o.Src {
		if x.Kind != Mem {
			continue
		}
		last := x.Dims[len(x.Dims)-1]
		if n := max(last.Stride, -last.Stride); n > 1 && last.Len > 1 {
			words := n * o.Code.SrcElem(o.Elem, i).Bytes() / 2
			ticks = max(ticks, min(TicksPerCycle, words*TicksPerCycle/m.SpanWords))
		}
	}
	return ticks
}
