package lattice

import "slices"

// Cover writes a set of positions as few disjoint strided ranges: repeatedly the longest progression that starts at the lowest
// position left. Positions need not be sorted; duplicates count once.
func Cover(at []int) []Range {
	s := slices.Clone(at)
	slices.Sort(s)
	left := s[:0]
	for i, v := range s {
		if i == 0 || v != s[i-1] {
			left = append(left, v)
		}
	}
	if len(left) == 0 {
		return nil
	}
	first, last := left[0], left[len(left)-1]
	in := make([]bool, last-first+1) // positions left
	for _, v := range left {
		in[v-first] = true
	}
	var out []Range
	for len(left) > 0 {
		best, bestN := 1, 1
		for j := 1; j < len(left) && j <= 12; j++ {
			step := left[j] - left[0]
			n := 1
			for v := left[0] + step; v <= last && in[v-first]; v += step {
				n++
			}
			if n > bestN {
				best, bestN = step, n
			}
		}
		r := Range{Lo: left[0], Hi: left[0] + (bestN-1)*best + 1, Step: best}
		out = append(out, r)
		rest := left[:0]
		for _, v := range left {
			if r.Contains(v) {
				in[v-first] = false
			} else {
				rest = append(rest, v)
			}
		}
		left = rest
	}
	return out
}
