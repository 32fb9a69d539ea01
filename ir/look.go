package ir

import (
	"slices"
	"strings"
)

// Look is something that the host wants to see again and again during a run: the arrays of the outputs and probes of one interval. An engine
// that can show it while it goes on computing makes copies of Arrays between two iterations, after running Calls, functions that compute some
// of them.
type Look struct {
	Of             string   // the function or procedure between whose iterations it happens
	Steps, Seconds string   // the interval: host scalars, as in Output
	When           string   // in a program that keeps its own time: the flag that says when it is due, of an interval of time
	Calls          []string // device functions and procedures
	Arrays         []string // without constant ones, which can be seen at any time
}

// Whole says that a look is of everything that changes, at moments that only the host knows: for checkpoints.
func (l *Look) Whole() bool { return l.Steps == "" && l.Seconds == "" }

// Moment is when looks happen: after so many iterations of a run.
type Moment struct {
	At    int
	Looks []int // numbers of looks, ascending
}

// Looks lists what a program wants seen during the runs of its schedule that are steps; with whole, also all that changes. The moments of
// looks after steps, or after intervals of time where all steps are equal, are known to the host before a launch; in a program that keeps
// its own time the latter are found by the program, and every look shows the time and what is due.
func (p *Program) Looks(whole bool) (out []Look) {
	for i := range p.Schedule {
		r := &p.Schedule[i]
		if !r.Steps() || slices.ContainsFunc(out, func(l Look) bool { return l.Of == r.Func }) {
			continue
		}
		first := len(out)
		out = append(out, p.looks(r)...)
		if whole {
			l := Look{Of: r.Func}
			for j := range p.Arrays {
				l.add(p, p.Arrays[j].Name)
			}
			out = append(out, l) // the last: it also shows what others call functions for
		}
		if r.Clock != nil {
			q := p.Proc(r.Func)
			for k := first; k < len(out); k++ {
				l := &out[k]
				l.add(p, r.Clock.Now...)
				l.add(p, r.Clock.Flags()...)
				if q != nil {
					l.add(p, q.Until)
				}
			}
		}
	}
	return out
}

// looks lists those of outputs and probes during a run.
func (p *Program) looks(r *Run) (out []Look) {
	at := func(steps, seconds string) *Look {
		for k := range out {
			if out[k].Steps == steps && out[k].Seconds == seconds {
				return &out[k]
			}
		}
		l := Look{Of: r.Func, Steps: steps, Seconds: seconds}
		if r.Clock != nil {
			for _, d := range r.Clock.Due {
				if d.Seconds == seconds {
					l.When = d.Flag
				}
			}
		}
		out = append(out, l)
		return &out[len(out)-1]
	}
	for j := range p.Outputs {
		o := &p.Outputs[j]
		if o.Steps == "" && o.Seconds == "" {
			continue
		}
		l := at(o.Steps, o.Seconds)
		l.add(p, o.Arrays...)
		for k := range p.Probes { // those without an interval are taken at every output
			if q := &p.Probes[k]; q.Steps == "" && q.Seconds == "" {
				l.probe(p, q)
			}
		}
	}
	for j := range p.Probes {
		if q := &p.Probes[j]; q.Steps != "" || q.Seconds != "" {
			at(q.Steps, q.Seconds).probe(p, q)
		}
	}
	return out
}

// intervals lists the intervals of time after which outputs and probes are wanted.
func (p *Program) intervals() (out []string) {
	add := func(s string) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for i := range p.Outputs {
		add(p.Outputs[i].Seconds)
	}
	for i := range p.Probes {
		add(p.Probes[i].Seconds)
	}
	return out
}

// Steps says whether the iterations of a run are steps of time, not what is done once before or between.
func (r *Run) Steps() bool { return strings.HasPrefix(r.Func, "step") || r.DT != "" || r.Clock != nil }

func (l *Look) add(p *Program, arrays ...string) {
	for _, name := range arrays {
		if a := p.Array(name); a != nil && !a.Const && !slices.Contains(l.Arrays, name) {
			l.Arrays = append(l.Arrays, name)
		}
	}
}

func (l *Look) probe(p *Program, q *Probe) {
	if q.Func != "" && !slices.Contains(l.Calls, q.Func) {
		l.Calls = append(l.Calls, q.Func)
	}
	l.add(p, q.Array)
}
