package wfc

import (
	"fmt"
	"io"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/verdict"
)

// judge decides whether the program can deadlock, on the process network and again on its machine code, and notes both in the report. The
// error is a deadlock, a race, or illegal code: faults of the compiler.
func (p *Program) judge(code *wse.Program, m wse.Machine) error {
	network := make(chan error, 1) // decided beside the machine code
	go func() { network <- p.judgeNetwork(m) }()
	mv, err := verdict.Judge(code, m, trials(p.Mesh))
	if e := <-network; e != nil {
		return e
	}
	if err != nil {
		return err
	}
	r := p.ReportData.Wafer.Verdict
	r.Machine, r.PEs = report.Answer{Kind: mv.Kind.String(), Reason: mv.Reason.String()}, mv.PEs
	if mv.Kind != verdict.Free {
		r.Machine.Detail = []string{mv.String()}
	}
	for _, x := range mv.Races {
		r.Races = append(r.Races, x.String())
	}
	if mv.Kind == verdict.Deadlocks || len(mv.Races) > 0 {
		return machineFault(p.Name, mv)
	}
	return nil
}

// judgeNetwork decides whether the process network can deadlock, and notes it in the report. The error is a deadlock.
func (p *Program) judgeNetwork(m wse.Machine) error {
	v := route.Deadlock(p.Mesh, capacity(m.Smallest()))
	r := &report.Verdict{Network: report.Answer{Kind: v.Kind.String(), Reason: v.Reason}, Machine: report.Answer{Kind: report.Unbuilt}}
	p.ReportData.Wafer.Verdict = r
	if v.Kind != route.Deadlocks {
		return nil
	}
	list := wouldDeadlock(p.Name, v, p.file)
	r.Network.Detail = list[0].Notes
	return list
}

// trials are the launches that decide a compiled program.
func trials(p *mesh.Program) verdict.Options {
	launches, loaded, shared := codegen.Trials(p)
	return verdict.Options{Launches: launches, Loaded: loaded, Shared: shared}
}

// machineFault is the finding of a deadlock or race in generated code.
func machineFault(name string, v verdict.Verdict) diag.List {
	var list diag.List
	if v.Kind == verdict.Deadlocks {
		d := diag.New("WF0524", diag.Span{}, "the machine code of %s %s", name, v.Summary())
		waits := v.Circle
		if len(waits) == 0 {
			waits = v.Waits
		}
		for _, w := range waits[:min(5, len(waits))] {
			d.Note("%v", w)
		}
		list = append(list, d)
	}
	if len(v.Races) > 0 {
		d := diag.New("WF0525", diag.Span{}, "operations in the machine code of %s race", name)
		for _, x := range v.Races[:min(5, len(v.Races))] {
			d.Note("%v", x)
		}
		list = append(list, d)
	}
	return list
}

// CheckMachineText judges a machine program written as text (docs/machine-text.md) before it runs, and writes the verdict: whether every
// launch of its script ends, and which operations race. machineName is a profile; when empty, the program's own. launches are arguments
// instead of the script's, nil for those. ok is false when it deadlocks, is undecided, or has races. Errors are those of the text and of
// an illegal program.
func CheckMachineText(src Source, machineName string, launches [][]int32, w io.Writer) (ok bool, err error) {
	p, err := wse.Parse(src.Name, src.Text)
	if err != nil {
		return false, err
	}
	if machineName == "" {
		machineName = p.Machine
	}
	m, err := machine(machineName, 0, 0)
	if err != nil {
		return false, err
	}
	v, err := verdict.Judge(p, m, verdict.Options{Launches: launches})
	if err != nil {
		return false, err
	}
	_, err = fmt.Fprint(w, v)
	return v.Kind == verdict.Free && len(v.Races) == 0, err
}

func wouldDeadlock(name string, v route.Verdict, file *diag.File) diag.List {
	d := diag.New("WF0524", diag.Span{}, "function %s of %s would deadlock", v.Func, name)
	for _, x := range v.Waits[:min(5, len(v.Waits))] {
		at := ""
		if n := lineOf(file, x.Pos); n > 0 {
			at = fmt.Sprintf(", line %d", n)
		}
		d.Note("%v%s", x, at)
	}
	return diag.List{d}
}

// capacity is the least a channel holds between sender and receiver, in wavelets: one router and one input queue.
func capacity(m wse.Machine) int {
	depth := m.RouterDepth
	least := 0
	for _, id := range m.UsableIn() {
		if q := m.InQueues[id].Depth; least == 0 || q < least {
			least = q
		}
	}
	return max(1, depth+least)
}
