package wse

import "fmt"

// extras checks what a route does besides being a route: switch positions the machine has, one change per position where it can do no
// more, a filter where wavelets reach a CE.
func (v *verifier) extras(what string, r Route) {
	fail := func(format string, args ...any) {
		v.fail("WF0512", "%s: %s", what, fmt.Sprintf(format, args...))
	}
	toCE := false
	for i := 0; i < r.Positions(); i++ {
		toCE = toCE || r.At(i).Tx.Has(Ramp)
	}
	if f := r.Filter; f != nil {
		bad := f.Kind > FilterCounter || f.Kind == FilterRange && (f.Lo < 0 || f.Hi > 1<<16-1 || f.Lo > f.Hi) ||
			f.Kind == FilterCounter && (f.Init < 0 || f.Init > f.Limit || f.Max < 0 || f.Limit > 1<<16-1)
		switch {
		case bad:
			fail("the filter's figures are out of order: 16 bits, init at most limit, lo at most hi")
		case !toCE && !r.Teardown:
			fail("a filter selects what the CE gets, and the route has no tx ramp")
		}
	}
	s := r.Switch
	if s == nil {
		return
	}
	switch {
	case !v.m.CanSwitch(r.Color):
		fail("%s cannot switch this color", v.m.Name)
	case r.Positions() > v.m.Positions:
		fail("%d switch positions; a router has %d per color, the route itself included", r.Positions(), v.m.Positions)
	case s.Start < 0 || s.Start >= r.Positions() || s.Pop > PopOnAdvance:
		fail("it starts in position %d of %d", s.Start, r.Positions())
	}
	for i := 1; i < r.Positions(); i++ {
		was, p := r.At(i-1), r.At(i)
		if !p.valid() {
			fail("position %d, rx %s, tx {%s}, is no route", i, p.Rx, p.Tx)
		}
		if p.Tx != was.Tx && !single(p.Tx) {
			fail("position %d sends to {%s}: a position names one direction", i, p.Tx)
		}
		if p.Rx != was.Rx && p.Tx != was.Tx && !v.m.SwitchBoth {
			v.fail("WF0512", "%s: position %d changes both rx and tx, which %s cannot", what, i, v.m.Name).
				Suggest("use two positions and two advances")
		}
	}
}

func (p Position) valid() bool { return p.Tx != 0 && p.Rx <= Ramp && !p.Tx.Has(p.Rx) && p.Tx < 1<<5 }

const maxFilters = 128

// filters finds a PE with more filters than its router has.
func (v *verifier) filters() {
	var with []Route
	for _, r := range v.p.Routes {
		if r.Filter != nil {
			with = append(with, r)
		}
	}
	if len(with) > maxFilters {
		v.fail("WF0501", "%d routes with filters; a machine program may have %d", len(with), maxFilters)
		return
	}
	var dig func(from int, chosen []Region) bool
	dig = func(from int, chosen []Region) bool {
		for i := from; i < len(with); i++ {
			all := append(chosen[:len(chosen):len(chosen)], with[i].Region)
			x, y, ok := all[0].Meets(all[1:]...)
			if !ok {
				continue
			}
			if len(all) > v.m.Filters {
				v.fail("WF0512", "PE (%d,%d) filters %d colors or more; a program may use %d filters per PE on %s", x, y, len(all), v.m.Filters, v.m.Name)
				return true
			}
			if dig(i+1, all) {
				return true
			}
		}
		return false
	}
	dig(0, nil)
}

// reroute checks a Reroute statement.
func (v *verifier) reroute(s *Reroute) {
	if s.Color < 0 || s.Color >= v.m.UsableColors {
		v.fail("WF0504", "reroute: programs may use colors 0 to %d on %s", v.m.UsableColors-1, v.m.Name)
	}
	if !(Position{s.Rx, s.Tx}).valid() {
		v.fail("WF0506", "reroute: rx %s, tx {%s} is no route", s.Rx, s.Tx)
	}
	v.extras("reroute", s.Route())
	if !v.routed(s.Color) {
		v.fail("WF0512", "reroute: no PE of the class has a route of color %d", s.Color).Suggest("give it one with `teardown`, parked until this statement")
	}
}

// routed reports whether a PE of the class has a route of a color.
func (v *verifier) routed(color int) bool {
	for _, r := range v.p.Routes {
		if r.Color != color {
			continue
		}
		for _, c := range v.c.Regions {
			if _, _, ok := c.Meets(r.Region); ok {
				return true
			}
		}
	}
	return false
}

// handler checks a teardown handler.
func (v *verifier) handler(t *Task) {
	switch {
	case t.Blocked || t.Priority != MediumPriority || t.Arg != "":
		v.fail("WF0507", "a teardown handler is neither blocked nor has it a priority or an argument")
	case !v.routed(t.ID):
		v.fail("WF0512", "teardown handler: no PE of the class has a route of color %d", t.ID)
	}
}

// rebind checks a Rebind statement.
func (v *verifier) rebind(s *Rebind) {
	q, ok := v.c.Queue(s.Queue)
	if !ok {
		v.fail("WF0502", "rebind: %q is no queue of the class", s.Queue)
		return
	}
	q.Colors = s.Colors
	v.queue(q)
	for _, t := range v.c.Tasks {
		if t.Kind == Data && t.Queue == s.Queue && !v.m.DataTaskIDIsQueue {
			v.fail("WF0503", "rebind: queue %s starts data task %s, whose id is the queue's color on %s", s.Queue, t.Name, v.m.Name)
		}
	}
}
