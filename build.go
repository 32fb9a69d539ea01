package wfc

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime/train"
	"github.com/wfc-lang/wfc/target/wse"
)

// BuildOptions are the choices made outside the source. The zero value builds for the default machine with default parameters.
type BuildOptions struct {
	Set     map[string]string // parameters: a number, with a unit or in the unit of the declaration
	Machine string            // profile name or a file *.machine; DefaultMachine when empty
	// MeshW and MeshH bound the rectangle of PEs; 0 means the machine's. No more PEs are used than the program has columns.
	MeshW, MeshH int
	// Products says how matrices are distributed: ProductsAuto chooses by the estimated cycles of what fits.
	Products Products
	// Checkpoints makes room on the wafer for a copy of all that changes, so that checkpoints after a number of steps do not stop it.
	Checkpoints bool
	// IndexOnly stops at canonical IR, which is all that interpreter and CPU need.
	IndexOnly bool
	phases    []train.Phase       // of the run when Set is that of one of them
	looks     func(all int) []int // in tests: which of them the wafer shows while it goes on
	// PrintAfter is the name of a pass, or "all": the IR after it is written to Log.
	PrintAfter string
	Log        io.Writer
}

// DefaultMachine is the profile programs are built for when none is named.
const DefaultMachine = "wse2"

// Program is a compiled program. Fields are read-only.
type Program struct {
	Name       string
	Source     Source
	IR         *ir.Program // canonical: its meaning in bits is the program's
	Plan       *train.Plan // how it is trained; nil when the source does not say
	Machine    string      // profile
	Mesh       *mesh.Program
	Code       *wse.Program   // machine program; nil when it was not asked for or does not fit
	Refusal    Diagnostics    // why Code is nil
	Warnings   Diagnostics    // findings that are no errors
	ReportData *report.Report // always there
	// Model is what a model takes, nil for fields. A model that is larger than the machine is not lowered: IR is nil then, and Refusal says why.
	Model *Model

	products    Products
	checkpoints bool
	shows       func(all int) []int
	set         map[string]string // settings and bounds of the mesh, as BuildOptions had them
	bounds      [2]int
	file        *diag.File
	frozen      bool // from a .wfx file: shape parameters cannot be set
}

// Build compiles a program. The error is Diagnostics when the program is at fault. A program that is correct but does not fit the
// machine is no error of Build: Code is nil and Refusal says why. Whenever the source could be read at all, the returned program is
// not nil and has a report.
func Build(src Source, opt BuildOptions) (*Program, error) {
	p := &Program{Name: programName(src.Name), Source: src, Machine: opt.Machine, products: opt.Products, checkpoints: opt.Checkpoints, shows: opt.looks,
		set: opt.Set, bounds: [2]int{opt.MeshW, opt.MeshH}}
	if p.Machine == "" {
		p.Machine = DefaultMachine
	}
	r := &report.Report{Program: p.Name, Source: filepath.Base(src.Name), Status: "failed"}
	p.ReportData = r
	m, err := machine(p.Machine, opt.MeshW, opt.MeshH)
	if err != nil {
		return p, p.fail(err)
	}
	p.Machine = m.Name
	if !opt.IndexOnly && !p.measureModel(src, opt.Set, m) {
		return p, nil
	}
	prog, plan, file, list := frontendPlan(src, opt.Set, opt.phases)
	p.file, p.Plan = file, plan
	r.Diagnostics = reportDiagnostics(list)
	if err := list.Err(); err != nil {
		return p, err
	}
	p.Warnings = list.Sorted()
	if prog.Name != "" {
		p.Name, r.Program = prog.Name, prog.Name
	}
	var times []passes.Timing
	cfg := &passes.Config{PrintAfter: opt.PrintAfter, Writer: opt.Log, Verify: true, File: file, Times: &times}
	err = passes.Run(prog, cfg)
	for _, t := range times {
		r.Passes = append(r.Passes, report.Pass{Name: t.Pass, Ops: t.Ops})
	}
	if err != nil {
		return p, p.fail(err)
	}
	p.IR = prog
	if err := reportProgram(r, prog); err != nil {
		return p, p.fail(err)
	}
	if opt.IndexOnly {
		return p, nil
	}
	if err := p.buildWafer(m); err != nil {
		return p, p.fail(err)
	}
	return p, nil
}

// fail puts an error into the report and returns it.
func (p *Program) fail(err error) error {
	p.ReportData.Status = "failed"
	list := asDiagnostics(err)
	p.ReportData.Diagnostics = append(p.ReportData.Diagnostics, reportDiagnostics(list)...)
	if list == nil {
		p.ReportData.Diagnostics = append(p.ReportData.Diagnostics, report.Diagnostic{Severity: "error", Message: err.Error()})
		return err
	}
	return list
}

// refuse notes that the program does not fit the machine.
func (p *Program) refuse(list Diagnostics) {
	p.Refusal = append(p.Refusal, list...)
	p.ReportData.Status = "refused"
	p.ReportData.Diagnostics = append(p.ReportData.Diagnostics, reportDiagnostics(list)...)
	for _, d := range list {
		if d.Suggestion != nil {
			p.ReportData.Suggestions = append(p.ReportData.Suggestions, d.Suggestion.Text)
		}
	}
}

// machine finds a profile, or reads a file that describes a variant of one, and bounds its mesh.
func machine(name string, w, h int) (wse.Machine, error) {
	m, err := wse.Find(name)
	var located diag.List
	if errors.As(err, &located) {
		return m, located
	}
	if err != nil {
		d := diag.New("WF0606", diag.Span{}, "%v", err)
		if n, ok := diag.Nearest(name, wse.Profiles()); ok {
			d.Suggest("did you mean %s?", n)
		}
		return m, diag.List{d}
	}
	if w != 0 || h != 0 {
		if m, err = m.WithMesh(w, h); err != nil {
			return m, diag.List{diag.New("WF0606", diag.Span{}, "%v", err)}
		}
	}
	return m, nil
}

// Report is what is known of the build, whatever became of it.
func (p *Program) Report() *report.Report { return p.ReportData }

// Check finds everything that is wrong with a source, without compiling it for a machine.
func Check(src Source, set map[string]string) Diagnostics {
	prog, file, list := frontend(src, set)
	if prog == nil || list.HasErrors() {
		return list.Sorted()
	}
	if err := passes.Run(prog, &passes.Config{File: file}); err != nil {
		var d *diag.Diagnostic
		var l diag.List
		switch {
		case errors.As(err, &d):
			list = append(list, d)
		case errors.As(err, &l):
			list = append(list, l...)
		default:
			list = append(list, diag.New("", diag.Span{}, "%v", err))
		}
		return list.Sorted()
	}
	env, err := ir.EvalHost(prog, nil, nil)
	if err != nil {
		return list.Sorted()
	}
	for _, f := range ir.EvalChecks(prog, env) {
		list = append(list, checkFailure(file, f))
	}
	return list.Sorted()
}

// checkFailure is the diagnostic of a host check: the first line of its message says what, the others why.
func checkFailure(file *diag.File, f ir.CheckFailure) *diag.Diagnostic {
	lines := strings.Split(f.Message, "\n")
	var at diag.Span
	if f.Pos != (ir.Pos{}) {
		at = diag.Span{File: file, Start: f.Pos.Start, End: f.Pos.End}
	}
	d := diag.New(f.Code, at, "%s", lines[0])
	d.Notes = lines[1:]
	return d
}

// programName is the base name of a file without its extension.
func programName(path string) string {
	b := filepath.Base(path)
	return strings.TrimSuffix(b, filepath.Ext(b))
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Summary is a short table of what a program takes.
func (p *Program) Summary() string {
	var b strings.Builder
	r := p.ReportData
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("program", "%s: %s", p.Name, r.Status)
	if r.Model != nil {
		for _, l := range modelRows(r.Model) {
			row(l[0], "%s", l[1])
		}
	}
	for _, a := range r.Axes {
		where := ""
		switch a.Dim {
		case "mem":
			where = ", in PE memory"
		case "x", "y":
			where = fmt.Sprintf(", %d blocks along mesh %s", a.Parts, a.Dim)
			if a.Folded {
				where += ", folded"
			}
		}
		row("axis "+a.Name, "%d points%s", a.N, where)
	}
	for _, run := range r.Schedule {
		row("runs "+run.Func, "%d times", run.Count)
	}
	w := r.Wafer
	if w == nil {
		return b.String()
	}
	row("machine", "%s, %d x %d PEs in %d classes", w.Machine, w.W, w.H, len(w.Classes))
	for _, x := range w.Budgets {
		at := ""
		if x.Where != "" {
			at = " (" + x.Where + ")"
		}
		unit := x.Unit
		if unit != "" {
			unit = " " + unit
		}
		row(x.Name, "%d of %d%s%s", x.Used, x.Limit, unit, at)
	}
	for _, x := range w.Reductions {
		row("reduces "+x.Axis, "%d parts in %s, depth %d", x.Parts, x.Tree, x.Depth)
	}
	for i, x := range w.Products {
		name, text := "products", fmt.Sprintf("%s, %d cycles (estimate) and %d B per PE", x.Name, x.Cycles, x.Bytes)
		if i > 0 {
			name, text = "", "not "+text
		}
		if x.Why != "" {
			text = fmt.Sprintf("not %s: %s", x.Name, x.Why)
		}
		row(name, "%s", text)
	}
	if v := w.Verdict; v != nil {
		row("deadlock", "network %s, machine code %s", v.Network.Text(), v.Machine.Text())
		switch {
		case v.Machine.Kind == report.Unbuilt: // and no code that could race
		case len(v.Races) == 0:
			row("races", "none")
		default:
			row("races", "%d", len(v.Races))
		}
	}
	for _, x := range w.Outputs {
		how := "the wafer copies them and goes on"
		if !x.Beside {
			how = "the wafer pauses: " + x.Why
		}
		row("outputs", "%s of %s: %s", strings.Join(x.Arrays, ", "), x.Func, how)
	}
	for _, c := range w.Cycles {
		kind := "simulated"
		if c.Estimate {
			kind = "estimate"
		}
		row("cycles", "%d per iteration of %s (%s)", c.Cycles, c.Func, kind)
	}
	return b.String()
}
