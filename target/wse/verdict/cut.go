package verdict

import (
	"strings"

	"github.com/wfc-lang/wfc/target/wse"
)

// periods of a repeating stretch that are kept: 8 of a short period, 4 of a long one.
func periods(step int) int {
	if step <= 4 {
		return 8
	}
	return 4
}

// keep lists the positions of one axis that remain after cutting repetitions: all of them when a param depends on the position.
func keep(p *wse.Program, yAxis bool) []int {
	extent := p.W
	axis := func(r wse.Region) wse.Range { return r.X }
	if yAxis {
		extent = p.H
		axis = func(r wse.Region) wse.Range { return r.Y }
	}
	pos := make([]int, extent)
	for i := range pos {
		pos[i] = i
	}
	var ranges []wse.Range
	seen := map[wse.Range]bool{}
	add := func(r wse.Region) {
		if a := axis(r); !seen[a] {
			seen[a] = true
			ranges = append(ranges, a)
		}
	}
	for _, c := range p.Classes {
		for _, q := range c.Params {
			if !yAxis && q.PX != 0 || yAxis && q.PY != 0 {
				return pos
			}
		}
		for _, r := range c.Regions {
			add(r)
		}
		for _, q := range c.Queues {
			for _, at := range q.Colors {
				add(at.Region)
			}
		}
	}
	for _, r := range p.Routes {
		add(r.Region)
	}
	names := map[string]int{}
	sig := make([]int, extent)
	for i := range sig {
		var b strings.Builder
		for _, r := range ranges {
			if r.Contains(i) {
				b.WriteByte(1)
			} else {
				b.WriteByte(0)
			}
		}
		n, ok := names[b.String()]
		if !ok {
			n = len(names)
			names[b.String()] = n
		}
		sig[i] = n
	}
	for _, step := range []int{1, 2, 3, 4, 6, 8, 12, 24} {
		for i := 0; i+step < len(pos); i++ {
			j := i
			for j+step < len(pos) && sig[j] == sig[j+step] {
				j++
			}
			// Positions i .. j+step repeat with the period.
			if run := (j - i) / step; run > periods(step) {
				drop := (run - periods(step)) * step
				at := i + periods(step)/2*step
				pos = append(pos[:at:at], pos[at+drop:]...)
				sig = append(sig[:at:at], sig[at+drop:]...)
			}
		}
	}
	return pos
}
