package verdict

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// periods of a repeating stretch that are kept beside the last: as many as leave 6 positions, three times the farthest neighbour, but at
// most 3.
func periods(step int) int { return min(3, (6+step-1)/step-1) }

// longest period that is looked for.
const longest = 256

// codes names, for every class, the first one with the same code. Classes differ in nothing else where one process is spread over several
// ranges of positions.
func codes(p *wse.Program) []string {
	out := make([]string, len(p.Classes))
	var firsts []*wse.Class
	for i, c := range p.Classes {
		k := slices.IndexFunc(firsts, func(f *wse.Class) bool { return sameCode(f, c) })
		if k < 0 {
			k = len(firsts)
			firsts = append(firsts, c)
		}
		out[i] = firsts[k].Name
	}
	return out
}

// passes reports whether a route leads along an axis in some position.
func passes(r wse.Route, yAxis bool) bool {
	a, b := wse.East, wse.West
	if yAxis {
		a, b = wse.North, wse.South
	}
	for i := range r.Positions() {
		if p := r.At(i); p.Rx == a || p.Rx == b || p.Tx.Has(a) || p.Tx.Has(b) {
			return true
		}
	}
	return false
}

func sameCode(a, b *wse.Class) bool {
	if len(a.Tasks) != len(b.Tasks) || len(a.Queues) != len(b.Queues) || len(a.Arrays) != len(b.Arrays) || a.Entry != b.Entry || !slices.Equal(a.Args, b.Args) {
		return false
	}
	for i := range a.Queues {
		x, y := a.Queues[i], b.Queues[i]
		if x.Name != y.Name || x.Out != y.Out || x.ID != y.ID {
			return false
		}
	}
	return reflect.DeepEqual(a.Params, b.Params) && reflect.DeepEqual(a.Arrays, b.Arrays) && reflect.DeepEqual(a.Tasks, b.Tasks) &&
		reflect.DeepEqual(a.Funcs, b.Funcs) && reflect.DeepEqual(a.Maps, b.Maps)
}

// keep lists the positions of one axis that remain after cutting repetitions: all of them when a param depends on the position. code is
// that of codes. Without groups no positions are cut along which routers with switches pass wavelets on.
func keep(p *wse.Program, code []string, yAxis, groups bool) []int {
	extent := p.W
	if yAxis {
		extent = p.H
	}
	pos := make([]int, extent)
	for i := range pos {
		pos[i] = i
	}
	// Two positions are alike when the same things hold there: classes, queue colors, routes, in the same stretch of the other axis. What
	// range of positions says so does not matter.
	index := map[any]int{}
	var ranges [][]wse.Range
	add := func(what any, r wse.Region) {
		along, across := r.X, r.Y
		if yAxis {
			along, across = r.Y, r.X
		}
		k := [2]any{what, across}
		n, ok := index[k]
		if !ok {
			n = len(ranges)
			index[k], ranges = n, append(ranges, nil)
		}
		ranges[n] = append(ranges[n], along)
	}
	for k, c := range p.Classes {
		for _, q := range c.Params {
			if !yAxis && q.PX != 0 || yAxis && q.PY != 0 {
				return pos
			}
		}
		for _, r := range c.Regions {
			add(code[k], r)
		}
		for _, q := range c.Queues {
			for _, at := range q.Colors {
				add([3]any{code[k], q.Name, at.Color}, at.Region)
			}
		}
	}
	for n, r := range p.Routes {
		setting := any([3]any{r.Color, r.Rx, r.Tx})
		if r.Filter != nil || r.Teardown {
			setting = n
		} else if r.Switch != nil {
			setting = fmt.Sprint(r.Color, r.Rx, r.Tx, *r.Switch)
		}
		add(setting, r.Region)
		if r.Switch == nil || groups || !passes(r, yAxis) {
			continue
		}
		along := r.Region.X
		if yAxis {
			along = r.Region.Y
		}
		for i := max(along.Lo, 0); i < min(along.Hi, extent); i += along.Stride() {
			add([2]int{r.Color, i}, wse.Region{X: wse.Range{Lo: i, Hi: i + 1, Step: 1}, Y: wse.Range{Lo: i, Hi: i + 1, Step: 1}})
		}
	}
	holds := make([]byte, extent*len(ranges)) // position by position
	for n, rs := range ranges {
		for _, r := range rs {
			for i := max(r.Lo, 0); i < min(r.Hi, extent); i += r.Stride() {
				holds[i*len(ranges)+n] = 1
			}
		}
	}
	names := map[string]int{}
	sig := make([]int, extent)
	for i := range sig {
		key := holds[i*len(ranges) : (i+1)*len(ranges)]
		n, ok := names[string(key)]
		if !ok {
			n = len(names)
			names[string(key)] = n
		}
		sig[i] = n
	}
	// Short periods first: within the groups of a reduction's tree the positions between the ends are alike, and then the groups are.
	for step := 1; step <= longest && step < len(pos); step++ {
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
