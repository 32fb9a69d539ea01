package report

import "sort"

// Rank fills Worst with the (at most five) operations that cost most over the schedule, most first, earlier first among equals.
func (w *Wafer) Rank() {
	w.Worst = w.Worst[:0]
	for i := range w.Ops {
		if w.Ops[i].Total() > 0 {
			w.Worst = append(w.Worst, i)
		}
	}
	sort.SliceStable(w.Worst, func(a, b int) bool { return w.Ops[w.Worst[a]].Total() > w.Ops[w.Worst[b]].Total() })
	w.Worst = w.Worst[:min(5, len(w.Worst))]
}
