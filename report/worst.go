package report

import "sort"

// Rank fills Worst with the (at most five) operations that cost most over the schedule, most first, earlier first among equals. An
// operation that several classes share is listed once, for the class in which it costs most.
func (w *Wafer) Rank() {
	var order []int
	for i := range w.Ops {
		if w.Ops[i].Total() > 0 {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return w.Ops[order[a]].Total() > w.Ops[order[b]].Total() })
	w.Worst = w.Worst[:0]
	seen := map[shared]bool{}
	for _, i := range order {
		if k := w.Ops[i].shared(); len(w.Worst) < 5 && !seen[k] {
			seen[k] = true
			w.Worst = append(w.Worst, i)
		}
	}
}

// shared is what the same operation has in common in all classes.
type shared struct {
	fn, text string
	line     int
}

func (o Operation) shared() shared { return shared{o.Func, o.Text, o.Line} }

// classes counts the classes that have an operation.
func (w *Wafer) classes(o Operation) int {
	in := map[string]bool{}
	for _, x := range w.Ops {
		if x.shared() == o.shared() {
			in[x.Class] = true
		}
	}
	return len(in)
}
