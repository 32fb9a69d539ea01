package wfc

import (
	"math"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/report"
)

// reportProgram fills what the canonical IR says. The error is that of the host scalars.
func reportProgram(r *report.Report, p *ir.Program) error {
	for _, q := range p.Params {
		r.Params = append(r.Params, report.Param{Name: q.Name, Value: q.Value, Unit: unit(q.Unit), Shape: q.Shape})
	}
	for _, a := range p.Axes {
		r.Axes = append(r.Axes, report.Axis{Name: a.Name, N: a.N, Periodic: a.Periodic, Nodes: a.Nodes})
	}
	for _, a := range p.Arrays {
		r.Arrays = append(r.Arrays, report.Array{Name: a.Name, Axes: append([]string{}, a.Axes...), Elem: a.Elem.String(), Unit: unit(a.Unit), Const: a.Const})
	}
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		return err
	}
	for _, s := range p.Schedule {
		if f := p.Func(s.Func); f == nil || f.Host {
			continue
		}
		n := math.Round(env[s.Count])
		if !(n > 0 && n <= 1<<53) {
			continue // nothing runs, or the run will say what is wrong
		}
		r.Schedule = append(r.Schedule, report.Run{Func: s.Func, Count: int64(n)})
	}
	return nil
}

// unit drops the unit of numbers without one.
func unit(u string) string {
	if u == "1" {
		return ""
	}
	return u
}

// reportDiagnostics turns findings into their form in the report.
func reportDiagnostics(list Diagnostics) []report.Diagnostic {
	var out []report.Diagnostic
	for _, d := range list.Sorted() {
		x := report.Diagnostic{Code: d.Code, Severity: d.Severity.String(), Message: d.Message, Notes: d.Notes}
		x.Line, x.Col = d.Primary.Position()
		x.Start, x.End = d.Primary.Start, d.Primary.End
		if d.Suggestion != nil {
			x.Suggestion = d.Suggestion.Text
		}
		out = append(out, x)
	}
	return out
}

// findings is the inverse of reportDiagnostics for the errors among them.
func findings(file *diag.File, list []report.Diagnostic) Diagnostics {
	var out Diagnostics
	for _, x := range list {
		if x.Severity != diag.Error.String() {
			continue
		}
		d := &diag.Diagnostic{Code: x.Code, Message: x.Message, Notes: x.Notes}
		if x.End > 0 && x.Start >= 0 && x.Start <= x.End && x.End <= len(file.Text) {
			d.Primary = diag.Span{File: file, Start: x.Start, End: x.End}
		}
		if x.Suggestion != "" {
			d.Suggest("%s", x.Suggestion)
		}
		out = append(out, d)
	}
	return out
}

// lineOf is the line of a position in the source, from 1, or 0.
func lineOf(f *diag.File, p ir.Pos) int {
	if f == nil || p == (ir.Pos{}) {
		return 0
	}
	line, _ := f.Position(p.Start)
	return line
}
