package collective

// Bounds holds the least energy of reductions, from which lower bounds on their time follow: for up to some number of parts and every
// depth.
type Bounds struct{ energy [][]int32 } // by depth, then by parts

const noTree = 1 << 29

// NewBounds computes the least energy of reducing one wavelet per part, for all p <= parts and all depths: the parts [0, i) combine
// within the depth, the parts [i, p) within one less, and the latter send their partial over i links. It takes O(parts^3) steps.
func NewBounds(parts int) *Bounds {
	b := &Bounds{}
	for d := 0; d < max(1, parts); d++ {
		row := make([]int32, parts+1)
		for p := 2; p <= parts; p++ {
			row[p] = noTree
			if d == 0 {
				continue
			}
			below := b.energy[d-1]
			for i := 1; i < p; i++ {
				row[p] = min(row[p], row[i]+below[p-i]+int32(i))
			}
		}
		b.energy = append(b.energy, row)
	}
	return b
}

// Reduce is the published lower bound on the time of a reduction of wavelets elements on a line of parts:
//
//	min over D of B E*(P, D)/(P-1) + (P-1) hops + D (2 T_R + 1)
//
// where E* is the least energy of depth D over trees of any shape. It adds the time of bandwidth to that of distance, and counts the mean
// over the links of what they carry. Streams that follow each other closely overlap the two, so runs of short vectors take less: see [Arrives].
func (b *Bounds) Reduce(m Machine, parts, wavelets int) float64 {
	if parts < 2 {
		return 0
	}
	best := -1.0
	for d := 1; d < parts; d++ {
		e := b.energy[d][parts]
		if e >= noTree {
			continue
		}
		t := float64(wavelets)*float64(e)/float64(parts-1) + float64((parts-1)*m.Hop*max(1, m.Spread)+d*(m.RampOut+m.RampIn+1))
		if best < 0 || t < best {
			best = t
		}
	}
	return best
}

// Arrives is a bound for programs of any kind: when the last of the wavelets of the farthest part can have arrived and been combined.
func Arrives(m Machine, parts, wavelets int) int {
	if parts < 2 {
		return 0
	}
	return m.latency(parts-1) + (wavelets*m.PerWavelet+999)/1000 - 1
}
