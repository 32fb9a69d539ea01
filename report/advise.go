package report

import "fmt"

// A budget is near its limit from this share on.
const nearPercent = 80

// shortVector is the number of elements below which the cycles to start an operation are comparable to those of its elements.
const shortVector = 8

// Advise adds suggestions to a program that fits: which limits it is close to, where PEs wait for others with more to do, and whether
// operations are too short for their start-up. Programs that do not fit have the suggestions of their refusals.
func (r *Report) Advise() {
	w := r.Wafer
	if w == nil {
		return
	}
	for _, b := range w.Budgets {
		if b.Limit <= 0 || b.Used > b.Limit || 100*b.Used < nearPercent*b.Limit {
			continue
		}
		switch b.Name {
		case "PEs east", "PEs south":
			continue // to use the whole machine is no shortage
		}
		where := ""
		if b.Where != "" {
			where = " (" + b.Where + ")"
		}
		r.suggest("%s: %d of %d%s are used%s; little can be added before the program no longer fits", b.Name, b.Used, b.Limit, space(b.Unit), where)
	}
	for _, a := range r.Axes {
		if (a.Dim == "x" || a.Dim == "y") && a.Parts > 1 && a.N%a.Parts != 0 {
			big := (a.N + a.Parts - 1) / a.Parts
			r.suggest("axis %s: %d points on %d PEs make blocks of %d and %d, and all wait for the larger; %d or %d points would fill them evenly",
				a.Name, a.N, a.Parts, big-1, big, a.Parts*(big-1), a.Parts*big)
		}
	}
	short, total := int64(0), int64(0)
	for _, o := range w.Ops {
		total += o.Total()
		if o.Elements < shortVector {
			short += o.Total()
		}
	}
	if total > 0 && 2*short > total {
		r.suggest("%d %% of the cycles are in operations of fewer than %d elements, which mostly start up; a longer axis in PE memory, or fewer PEs (--mesh), would use them better",
			100*short/total, shortVector)
	}
}

func (r *Report) suggest(format string, args ...any) {
	r.Suggestions = append(r.Suggestions, fmt.Sprintf(format, args...))
}

func space(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}
