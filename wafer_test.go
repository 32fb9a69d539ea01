package wfc

import (
	"errors"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
)

// Each limit of the machine, lowered until it breaks, is a refusal that says by how much and leaves a report with what was decided.
func TestLimitsRefuse(t *testing.T) {
	for _, c := range []struct {
		code  string
		limit func(*wse.Machine)
		has   func(p *Program) bool
	}{
		{"WF0520", func(m *wse.Machine) { m.UsableColors = 2 }, func(p *Program) bool { return len(p.Report().Wafer.Classes) > 0 }},
		{"WF0521", func(m *wse.Machine) {
			for i := range m.InQueues {
				m.InQueues[i].Reserved = i != 1
			}
		}, func(p *Program) bool { return len(p.Report().Wafer.Colors) > 0 }},
		{"WF0522", func(m *wse.Machine) { m.LocalTaskHi = m.LocalTaskLo }, func(p *Program) bool { return len(p.Report().Wafer.Colors) > 0 }},
		{"WF0509", func(m *wse.Machine) { m.MemBytes = m.ReservedBytes + m.StackBytes + 300 },
			func(p *Program) bool {
				return len(p.Report().Wafer.Ops) > 0 && p.Report().Wafer.Classes[0].Memory[1].Name == "code"
			}},
	} {
		p := mustBuild(t, "bar.wf", bar, BuildOptions{IndexOnly: true})
		m, err := wse.Profile("wse2")
		if err != nil {
			t.Fatal(err)
		}
		m = m.Clone()
		c.limit(&m)
		if err := p.buildWafer(m); err != nil {
			t.Errorf("%s: an error instead of a refusal: %v", c.code, err)
			continue
		}
		if p.Code != nil || len(p.Refusal) != 1 || p.Refusal[0].Code != c.code || p.Refusal[0].Suggestion == nil {
			t.Errorf("%s: refusal %v", c.code, p.Refusal)
		}
		if v := p.Report().Wafer.Verdict; v == nil || v.Network.Kind != "free" || v.Machine.Kind != report.Unbuilt {
			t.Errorf("%s: verdict %+v", c.code, v)
		}
		if p.Report().Status != "refused" || !c.has(p) {
			t.Errorf("%s: report %+v", c.code, p.Report().Wafer)
		}
	}
}

// Faults of the compiler are errors that name what is wrong, not refusals.
func TestCompilerFaults(t *testing.T) {
	err := wrongRoutes("p", []error{errors.New("color 3 at (1,2)")})
	if l := err.(Diagnostics); l[0].Code != "WF0523" || l[0].Notes[0] != "color 3 at (1,2)" {
		t.Errorf("%v", err)
	}
	p := mustBuild(t, "bar.wf", bar, BuildOptions{IndexOnly: true})
	v := route.Verdict{Kind: route.Deadlocks, Func: "step", Waits: []route.Wait{{X: 1, Class: "c", Channel: "x+", Missing: 3, Pos: ir.Pos{Start: 60, End: 61}}}}
	err = wouldDeadlock("p", v, p.file)
	if l := err.(Diagnostics); l[0].Code != "WF0524" || !strings.Contains(l[0].Notes[0], "x+, line 2") {
		t.Errorf("%v", err)
	}
}
