package cpu

import "slices"

// timeGroup is what is done at one time: its calls take turns in blocks of rows.
type timeGroup struct {
	blocks, first, rows int
	calls               []planeCall
}

// planeCall is a kernel and its arguments; lo, hi and skew say which rows of a block it computes.
type planeCall struct {
	code, plane, lo, hi, skew int64
	args                      []int64
	fetch                     []planeFetch // last of the arguments
	linewise                  bool         // at most one, line by line
	own                       planeFetch   // what the call reads anyway
}

// mostPeriod bounds the length of what is looked for as a pattern.
const mostPeriod = 64

// compress writes the groups as segments: (groups, repetitions), then per group (calls, blocks, first row, rows of a block), then per call (code,
// plane, its increment, lo, hi, skew, arguments) and per argument (address, its increment). In the middle of a field everything comes again
// after as many planes as the rings have, with addresses in the arrays moved on, so a table takes a few pages.
func (tab *tileTable) compress(groups []timeGroup, period int) {
	for i := 0; i < len(groups); {
		if n := repetitions(groups[i:], period); n > 2 {
			tab.segment(groups[i:i+period], groups[i+period:i+2*period], n)
			i += n * period
			continue
		}
		j := i + 1
		for j < len(groups) && repetitions(groups[j:], period) <= 2 {
			j++
		}
		tab.segment(groups[i:j], groups[i:j], 1)
		i = j
	}
}

// repetitions is how often the first period groups come one after the other, each time with the same increments.
func repetitions(groups []timeGroup, period int) int {
	n := 1
	for ; (n+1)*period <= len(groups); n++ {
		for j := range period {
			a, b, c := &groups[j], &groups[period+j], &groups[n*period+j]
			if !a.like(c) || !a.moves(b, c, int64(n)) {
				return n
			}
		}
	}
	return n
}

// like says that groups differ in planes and addresses only.
func (g *timeGroup) like(h *timeGroup) bool {
	return g.blocks == h.blocks && g.first == h.first && g.rows == h.rows && slices.EqualFunc(g.calls, h.calls, func(a, b planeCall) bool {
		return a.code == b.code && a.lo == b.lo && a.hi == b.hi && a.skew == b.skew && len(a.args) == len(b.args)
	})
}

// moves says that group h is n times as far from g as group b is.
func (g *timeGroup) moves(b, h *timeGroup, n int64) bool {
	for i := range g.calls {
		x, y, z := &g.calls[i], &b.calls[i], &h.calls[i]
		if z.plane-x.plane != n*(y.plane-x.plane) {
			return false
		}
		for k := range x.args {
			if d := y.args[k] - x.args[k]; z.args[k]-x.args[k] != n*d || d&0xffff != 0 {
				return false
			}
		}
	}
	return true
}

// segment writes groups that are done n times; next is their first repetition.
func (tab *tileTable) segment(groups, next []timeGroup, n int) {
	tab.segments++
	tab.words = append(tab.words, int64(len(groups)), int64(n))
	for i := range groups {
		g := &groups[i]
		tab.words = append(tab.words, int64(len(g.calls)), int64(g.blocks), int64(g.first), int64(g.rows))
		for j, c := range g.calls {
			d := &next[i].calls[j]
			tab.words = append(tab.words, c.code, c.plane, d.plane-c.plane, c.lo, c.hi, c.skew, int64(len(c.args)))
			for k, a := range c.args {
				tab.words = append(tab.words, a, d.args[k]-a)
			}
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
