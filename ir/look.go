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
	Calls          []string // device functions
	Arrays         []string // without constant ones, which can be seen at any time
}

// Moment is when looks happen: after so many iterations of a run.
type Moment struct {
	At    int
	Looks []int // numbers of looks, ascending
}

// Looks lists what a program wants seen during the runs of its schedule that are steps. A program that keeps its own time has none: the
// host does not know the moments.
func (p *Program) Looks() (out []Look) {
	for i := range p.Schedule {
		r := &p.Schedule[i]
		if !r.Steps() || r.Clock != nil || slices.ContainsFunc(out, func(l Look) bool { return l.Of == r.Func }) {
			continue
		}
		first := len(out)
		at := func(steps, seconds string) *Look {
			for k := first; k < len(out); k++ {
				if out[k].Steps == steps && out[k].Seconds == seconds {
					return &out[k]
				}
			}
			out = append(out, Look{Of: r.Func, Steps: steps, Seconds: seconds})
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
	}
	return out
}

// Steps says whether the iterations of a run are steps of time, not what is done once before or between.
func (r *Run) Steps() bool { return strings.HasPrefix(r.Func, "step") || r.DT != "" || r.Clock != nil }

// Periodic reports whether anything is wanted during a run, not only at its end.
func (p *Program) Periodic() bool {
	return slices.ContainsFunc(p.Outputs, func(o Output) bool { return o.Steps != "" || o.Seconds != "" }) ||
		slices.ContainsFunc(p.Probes, func(q Probe) bool { return q.Steps != "" || q.Seconds != "" })
}

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
