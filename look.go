package wfc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
)

// Outputs that do not stop the wafer cost the memory of a copy and some code. They are given up, the largest first, where a PE has no room: the
// wafer then pauses for them.

// generate makes the machine code of a routed program with as many of its looks as fit.
func (p *Program) generate(mp *mesh.Program, t *route.Table, m wse.Machine) (pl placed) {
	looks, plan := p.looks(mp)
	of := make([]int, len(looks)) // the number in plan
	for i := range of {
		of[i] = i
	}
	giveUp := func(i int, why string) {
		plan[of[i]].Beside, plan[of[i]].Why = false, why
		looks, of = slices.Delete(looks, i, i+1), slices.Delete(of, i, i+1)
	}
	if p.shows != nil {
		keep := p.shows(len(looks))
		for i := len(looks) - 1; i >= 0; i-- {
			if !slices.Contains(keep, i) {
				giveUp(i, "it was asked for")
			}
		}
	}
	for {
		pl = placed{mesh: withLooks(mp, p.IR, looks), table: t, outputs: plan}
		if pl.code, pl.err = codegen.Generate(pl.mesh, t, m, codegen.Options{Line: p.lineName}); pl.err == nil {
			pl.layout, pl.err = wse.Layout(pl.code.Program, m)
		}
		if pl.err == nil || len(looks) == 0 {
			return pl
		}
		why := ""
		var o *wse.Overflow
		var tasks *codegen.TaskError
		switch {
		case errors.As(pl.err, &o):
			why = fmt.Sprintf("a PE lacks %d bytes for the copy", o.Layout.Used()-o.Layout.Limit)
		case errors.As(pl.err, &tasks):
			why = "a PE has no task left to wait for the host"
		default:
			return pl
		}
		worst := 0
		for i := range looks {
			if shadowBytes(pl.mesh, &looks[i]) > shadowBytes(pl.mesh, &looks[worst]) {
				worst = i
			}
		}
		giveUp(worst, why)
	}
}

// looks lists what the program wants seen, and for each of it what the report says.
func (p *Program) looks(mp *mesh.Program) (looks []mesh.Look, plan []report.Shown) {
	launches := mp.Launches()
	own := map[string]bool{} // of clocks, which every look shows
	for i := range p.IR.Schedule {
		r := &p.IR.Schedule[i]
		for _, a := range r.Clock.Arrays() {
			own[a] = true
		}
		if q := p.IR.Proc(r.Func); q != nil {
			own[q.Until] = true
		}
	}
	for _, l := range p.IR.Looks(p.checkpoints) {
		if !slices.Contains(launches, l.Of) {
			continue // it does nothing on the wafer
		}
		looks = append(looks, l)
		x := report.Shown{Func: l.Of, Whole: l.Whole(), Beside: true}
		for _, a := range l.Arrays {
			if !own[a] {
				x.Arrays = append(x.Arrays, a)
			}
		}
		plan = append(plan, x)
	}
	return looks, plan
}

// withLooks is a program with looks and the shadows they need.
func withLooks(mp *mesh.Program, prog *ir.Program, looks []mesh.Look) *mesh.Program {
	q := *mp
	q.Arrays, q.Looks = slices.Clip(slices.Clone(mp.Arrays)), nil
	for _, l := range looks {
		var have []string
		for _, a := range l.Arrays {
			if q.AddShadow(a, prog.Array(a).Axes) { // else no device function uses it: it never changes
				have = append(have, a)
			}
		}
		l.Arrays = have
		q.Looks = append(q.Looks, l)
	}
	return &q
}

// shadowBytes is the memory that a look's copies take in a PE.
func shadowBytes(mp *mesh.Program, l *mesh.Look) (n int) {
	for i := range mp.Arrays {
		if a := &mp.Arrays[i]; a.Kind == mesh.Shadow && slices.Contains(l.Arrays, a.Of) {
			n += a.Len
		}
	}
	return n
}

// outputNotes says which outputs stop the wafer and why.
func outputNotes(plan []report.Shown) (notes []string) {
	for _, x := range plan {
		if !x.Beside {
			what := "outputs and probes"
			if len(x.Arrays) > 0 {
				what += " of " + strings.Join(x.Arrays, ", ")
			}
			if x.Whole {
				what = "checkpoints"
			}
			notes = append(notes, fmt.Sprintf("the wafer pauses for %s: %s", what, x.Why))
		}
	}
	return notes
}
