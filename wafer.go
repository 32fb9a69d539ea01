package wfc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
)

// site is a machine as package place sees it.
type site struct {
	m    wse.Machine
	code int // bytes per PE that code takes, where it is known
}

func (s site) Extent() (w, h int) { return s.m.Width, s.m.Height }

// MemoryBytes is what the system, the stack and the code leave for arrays.
func (s site) MemoryBytes() int { return s.m.MemBytes - s.m.ReservedBytes - s.m.StackBytes - s.code }

// buildWafer takes canonical IR to a machine program. A program that does not fit is refused (Refusal says why and the report shows
// what was decided until then); errors are those of the compiler.
func (p *Program) buildWafer(m wse.Machine) error {
	ways, err := p.ways(m)
	if err != nil {
		return p.refuseOr(err)
	}
	way, pl, err := p.choose(ways, m)
	if err != nil {
		return p.refuseOr(err)
	}
	reportLayouts(p.ReportData, way.layouts)
	err = p.onto(pl, ways, m)
	if slices.ContainsFunc(asDiagnostics(err), func(d *diag.Diagnostic) bool { return d.Code == "WF0524" }) {
		if pl, err = p.lowerToMesh(way, m, false); err != nil {
			return p.refuseOr(err)
		}
		err = p.onto(pl, ways, m)
	}
	return err
}

// onto judges a program that has been lowered to the mesh, and reports it.
func (p *Program) onto(pl placed, ways []*way, m wse.Machine) error {
	p.Mesh = pl.mesh
	w := &report.Wafer{Machine: m.Name, W: pl.mesh.W, H: pl.mesh.H, Products: reportWays(ways)}
	p.ReportData.Wafer = w
	reportMesh(w, pl.mesh, m)
	w.Outputs = pl.outputs
	if pl.code == nil || pl.err != nil { // what does not fit has no machine code to judge
		if err := p.judgeNetwork(m); err != nil {
			return err
		}
	}
	if pl.table == nil {
		return p.refuseOr(pl.err)
	}
	reportRoutes(w, pl.mesh, pl.table, m)
	if faults := route.Check(pl.mesh, pl.table); len(faults) > 0 {
		return wrongRoutes(p.Name, faults)
	}
	if pl.code == nil {
		return p.refuseOr(pl.err)
	}
	reportCode(w, p, pl.code, pl.layout, m)
	if pl.err != nil {
		return p.refuseMemory(pl.err, m)
	}
	if err := p.judge(pl.code.Program, m); err != nil {
		return err
	}
	p.Code = pl.code.Program
	p.ReportData.Status = "fits"
	return nil
}

// wrongRoutes is the finding of the independent route checker.
func wrongRoutes(name string, faults []error) error {
	d := diag.New("WF0523", diag.Span{}, "the route tables of %s are wrong", name)
	for _, f := range faults[:min(5, len(faults))] {
		d.Note("%v", f)
	}
	return diag.List{d}
}

// refuseOr turns a limit that broke into a refusal; other errors stay errors.
func (p *Program) refuseOr(err error) error {
	var (
		colors *route.BudgetError
		queues *codegen.QueueError
		tasks  *codegen.TaskError
	)
	switch {
	case errors.As(err, &colors):
		p.refuse(diag.List{diag.New("WF0520", diag.Span{}, "%v", colors).
			Note("%d too many", colors.Need-colors.Have).
			Suggest("make a periodic axis non-periodic, or declare the longest axis last so that it stays in PE memory")})
	case errors.As(err, &queues):
		p.refuse(diag.List{diag.New("WF0521", diag.Span{}, "%v", queues).
			Note("%d too many", queues.Need-queues.Have).
			Suggest("keep one of the axes in PE memory by bounding the mesh, for example with --mesh %dx1", max(1, p.meshW()))})
	case errors.As(err, &tasks):
		p.refuse(diag.List{diag.New("WF0522", diag.Span{}, "%v", tasks).
			Note("%d too many", tasks.Need-tasks.Have).
			Suggest("keep one of the axes in PE memory by bounding the mesh, for example with --mesh %dx1", max(1, p.meshW()))})
	default:
		list := asDiagnostics(err)
		if list == nil {
			return err
		}
		for _, d := range list {
			if d.Code == "WF0523" || d.Code == "WF0524" {
				return list
			}
		}
		p.refuse(list)
	}
	return nil
}

// refuseMemory explains a class that does not fit: by the arrays of the program where they alone are too much, else by the machine's
// own account, which knows the padding between them.
func (p *Program) refuseMemory(err error, m wse.Machine) error {
	var o *wse.Overflow
	if !errors.As(err, &o) {
		return err
	}
	var d *diag.Diagnostic
	if s := (site{m: m, code: o.Layout.Code + o.Layout.Pad}); s.MemoryBytes() > 0 { // else the code alone is too much
		d = place.CheckMemory(p.Mesh, p.IR, s, p.file)
	}
	if d == nil {
		d = diag.New("WF0509", p.arraySpan(o.Array), "%v", o)
		d.Suggest("use more PEs, a shorter axis in PE memory, fewer fields, or f16")
	}
	if o.Layout.Code > o.Layout.Data {
		d.Note("the code takes %d of the %d bytes of a PE: more than the arrays", o.Layout.Code, o.Layout.Limit)
		d.Suggest("write fewer different expressions: what is repeated with other operands is code once; fewer grids of a multigrid, levels = 2, or the solver without a preconditioner")
	}
	p.refuse(diag.List{d})
	return nil
}

func (p *Program) meshW() int {
	if p.Mesh == nil {
		return 1
	}
	return p.Mesh.W
}

// arraySpan is where the array of the source that a local array serves is declared.
func (p *Program) arraySpan(local string) diag.Span {
	if p.Mesh == nil || p.file == nil {
		return diag.Span{}
	}
	for _, a := range p.Mesh.Arrays {
		if a.Name != local {
			continue
		}
		if x := p.IR.Array(a.Of); x != nil && x.Pos != (ir.Pos{}) {
			return diag.Span{File: p.file, Start: x.Pos.Start, End: x.Pos.End}
		}
	}
	return diag.Span{}
}

// lineName is the source line of a position as traces and messages print it.
func (p *Program) lineName(at ir.Pos) string {
	n := lineOf(p.file, at)
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", baseName(p.Source.Name), n)
}

// ReplayOrders writes the orders in which a mesh program reduces onto canonical IR, so that interpreter and CPU give the wafer's bits.
func ReplayOrders(p *ir.Program, m *mesh.Program) error {
	for _, o := range m.Orders {
		f := p.Func(o.Func)
		if f == nil {
			return fmt.Errorf("the order of %s %%%s is for another program: it has no such function", o.Func, o.Value)
		}
		found := false
		for i := range f.Ops {
			if op := &f.Ops[i]; op.Kind == ir.Reduce && len(op.Results) > 0 && op.Results[0].Name == o.Value {
				op.Order, found = o.Order, true
			}
		}
		if !found {
			return fmt.Errorf("the order of %s %%%s is for another program: it has no such reduction", o.Func, o.Value)
		}
	}
	return nil
}

// lineNumber reads the line back from what lineName wrote.
func lineNumber(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ':' {
			n, _ := strconv.Atoi(s[i+1:]) // 0 when it is no number
			return n
		}
	}
	return 0
}
