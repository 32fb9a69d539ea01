package wse

import "slices"

// rounds bounds how often banks are chosen anew.
const rounds = 8

// bankPair is an operation that reads two arrays at once: the weight it adds for
// each distance of their first words modulo 4.
type bankPair struct {
	other  int // index of the other array
	shift  int // words by which this array's source starts after the other's, less the arrays' own distance
	weight [4]int
}

// chooseBanks gives each array without address and bank a residue modulo 4 words,
// so that operations with two memory sources meet as few bank conflicts as
// possible: greedily in the order of declaration, and again while that helps, an
// operation weighing its length times its rate. It returns -1 where nothing is gained.
func chooseBanks(c *Class, m Machine) []int {
	out := make([]int, len(c.Arrays))
	index := map[string]int{}
	for i, a := range c.Arrays {
		out[i] = -1
		index[a.Name] = i
		switch {
		case a.Addr >= 0:
			out[i] = a.Addr / 4 % 4
		case a.Bank >= 0:
			out[i] = a.Bank % 4
		}
	}
	if m.Banks == BanksFlat {
		return out
	}
	pairs := make([][]bankPair, len(c.Arrays))
	for _, body := range c.Bodies() {
		Walk(body, func(s Stmt) {
			o, ok := s.(*Op)
			if !ok || RateClass(o.Code) == "map" {
				return
			}
			var src []Operand
			for _, x := range o.Src {
				if x.Kind == Mem && len(x.Dims) == 1 && x.Dims[0].Stride == 1 && x.IndexReg == "" {
					src = append(src, x)
				}
			}
			if len(src) != 2 {
				return
			}
			i, okI := index[src[0].Array]
			j, okJ := index[src[1].Array]
			if !okI || !okJ || i == j {
				return
			}
			var w [4]int
			for d := range w {
				w[d] = int(m.BankedRate(o.Code, o.Elem, 4*d, 0).Cycles(src[0].Count()))
			}
			shift := (src[0].Offset*o.Elem.Bytes() - src[1].Offset*o.Elem.Bytes()) >> 2
			pairs[i] = append(pairs[i], bankPair{j, shift, w})
			w[1], w[3] = w[3], w[1] // the distance seen from the other side
			pairs[j] = append(pairs[j], bankPair{i, -shift, w})
		})
	}
	fixed := make([]bool, len(out))
	for i, a := range c.Arrays {
		fixed[i] = out[i] >= 0 || len(pairs[i]) == 0 || a.Align > 4
	}
	choose := func(i int) {
		best, bestCost := 0, -1
		for r := 0; r < 4; r++ {
			cost := 0
			for _, p := range pairs[i] {
				if out[p.other] >= 0 {
					cost += p.weight[(r-out[p.other]+p.shift)&3]
				}
			}
			if bestCost < 0 || cost < bestCost || cost == bestCost && r == out[i] {
				best, bestCost = r, cost
			}
		}
		out[i] = best
	}
	for range rounds {
		before := slices.Clone(out)
		for i := range out {
			if !fixed[i] {
				choose(i)
			}
		}
		if slices.Equal(before, out) {
			break
		}
	}
	return out
}
