package wfc

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

func baseName(path string) string { return filepath.Base(path) }

// reportLayouts notes where every axis lies.
func reportLayouts(r *report.Report, layouts []mesh.Layout) {
	for i := range r.Axes {
		if l := place.Find(layouts, r.Axes[i].Name); l != nil {
			r.Axes[i].Dim, r.Axes[i].Parts, r.Axes[i].Folded = l.Dim.String(), l.Parts, l.Folded
		}
	}
}

// reportMesh notes the classes and channels, and the memory of a PE before addresses are known: enough to see why a program that is
// refused does not fit.
func reportMesh(w *report.Wafer, p *mesh.Program, m wse.Machine) {
	mem, used := meshMemory(p, m)
	for _, c := range p.Classes {
		rc := report.Class{Name: c.Name, X: rangeOf(c.X), Y: rangeOf(c.Y), PEs: c.X.Len() * c.Y.Len(), Limit: m.MemBytes, Used: used}
		rc.Memory = append(rc.Memory, mem...)
		w.Classes = append(w.Classes, rc)
	}
	for _, ch := range p.Channels {
		w.Channels = append(w.Channels, report.Channel{Name: ch.Name, Dim: ch.Dim.String(), Kind: ch.Kind.String(), Colors: []int{}})
	}
	seen := map[string]bool{}
	for _, o := range p.Orders {
		for _, t := range o.Order.Chain {
			if !slices.ContainsFunc(p.Layouts, func(l mesh.Layout) bool { return l.Origin() == t.Axis && l.Dim != mesh.Mem }) {
				continue // it is folded in the memory of each PE
			}
			if !seen[t.Axis] { // one tree serves all reductions along an axis
				seen[t.Axis] = true
				tree := collective.Tree{ChainAxis: t, Turns: gathers(p, t.Axis)}
				w.Reductions = append(w.Reductions, report.Reduction{Axis: t.Axis, Parts: t.Parts, Tree: collective.Shape(tree), Depth: collective.MetricsOf(tree, 1).Depth})
			}
		}
	}
	setBudget(w, report.Budget{Name: "memory", Used: used, Limit: m.MemBytes, Unit: "B", Where: strings.TrimPrefix(largest(mem), "; ")})
}

// gathers reports whether the streams of stars along an axis take turns on one channel.
func gathers(p *mesh.Program, axis string) bool {
	return slices.ContainsFunc(p.Channels, func(c mesh.Channel) bool {
		return c.Kind == mesh.Gather && slices.ContainsFunc(p.Layouts, func(l mesh.Layout) bool { return l.Axis == c.Layout && l.Origin() == axis })
	})
}

func meshMemory(p *mesh.Program, m wse.Machine) (mem []report.MemoryItem, used int) {
	add := func(x report.MemoryItem) {
		x.Address, x.Bank = -1, -1
		mem = append(mem, x)
		used += x.Bytes
	}
	add(report.MemoryItem{Name: "system", Kind: "system", Bytes: m.ReservedBytes})
	add(report.MemoryItem{Name: "stack", Kind: "stack", Bytes: m.StackBytes})
	for _, a := range p.Arrays {
		add(report.MemoryItem{Name: a.Name, Kind: a.Kind.String(), Of: a.Of, Elem: a.Elem.String(), Len: a.Len,
			Bytes: (a.Len*place.Bytes(a.Elem) + 3) / 4 * 4})
	}
	return
}

// largest names the biggest array of a memory map, as what follows the name of the class.
func largest(mem []report.MemoryItem) string {
	best := -1
	for i, x := range mem {
		if x.Elem != "" && (best < 0 || x.Bytes > mem[best].Bytes) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return fmt.Sprintf("; largest array %s, %d B", mem[best].Name, mem[best].Bytes)
}

// reportRoutes notes the colors and their routes.
func reportRoutes(w *report.Wafer, p *mesh.Program, t *route.Table, m wse.Machine) {
	at := map[int]int{}
	for _, e := range t.Entries {
		if _, ok := at[e.Color]; !ok {
			at[e.Color] = len(w.Colors)
			w.Colors = append(w.Colors, report.Color{ID: e.Color, Name: t.Owner[e.Color], Channel: t.Owner[e.Color]})
		}
		c := &w.Colors[at[e.Color]]
		r := report.Route{X: rangeOf(e.Region.X), Y: rangeOf(e.Region.Y), In: []string{portName(wse.Dir(e.Rx))}}
		for d := wse.North; d <= wse.Ramp; d++ {
			if wse.DirSet(e.Tx).Has(d) {
				r.Out = append(r.Out, portName(d))
			}
		}
		c.Routes = append(c.Routes, r)
	}
	sort.SliceStable(w.Colors, func(i, j int) bool { return w.Colors[i].ID < w.Colors[j].ID })
	for i := range w.Channels {
		for _, port := range t.Ports {
			if port.Channel == w.Channels[i].Name && !slices.Contains(w.Channels[i].Colors, port.Color) {
				w.Channels[i].Colors = append(w.Channels[i].Colors, port.Color)
			}
		}
		slices.Sort(w.Channels[i].Colors)
	}
	var who []string
	for _, c := range p.Channels {
		who = append(who, c.Name)
	}
	setBudget(w, report.Budget{Name: "colors", Used: len(w.Colors), Limit: m.UsableColors, Where: strings.Join(who, ", ")})
}

// portName is a port in one letter; the ramp to the PE is R.
func portName(d wse.Dir) string { return [...]string{"N", "E", "S", "W", "R"}[d] }

func rangeOf(r mesh.Range) report.Range {
	return report.Range{Lo: r.Lo, Hi: r.Hi, Step: max(1, r.Step)}
}

// reportCode notes what the machine program holds: memory with addresses, queues, tasks, operations with estimated cycles.
func reportCode(w *report.Wafer, p *Program, out *codegen.Output, layouts []wse.ClassLayout, m wse.Machine) {
	ins, outs, tasks := report.Budget{}, report.Budget{}, report.Budget{}
	full := report.Budget{Used: -1}
	for i, c := range out.Program.Classes {
		if i >= len(w.Classes) || i >= len(layouts) {
			break
		}
		rc, l := &w.Classes[i], layouts[i]
		rc.Used, rc.Limit = l.Used(), l.Limit
		rc.Memory = classMemory(p.Mesh, c, l, m)
		if l.Used() > full.Used {
			full = report.Budget{Used: l.Used(), Where: fmt.Sprintf("class %s%s", c.Name, largest(rc.Memory))}
		}
		ids := [2]map[int]bool{{}, {}} // several colors may share a queue
		for _, q := range c.Queues {
			x := report.Queue{ID: q.ID, Dir: "in", Channel: q.Name}
			spec := m.InQueues
			if q.Out {
				x.Dir, spec = "out", m.OutQueues
				ids[1][q.ID] = true
			} else {
				ids[0][q.ID] = true
			}
			if q.ID < len(spec) {
				x.Depth = spec[q.ID].Depth
			}
			for _, k := range q.Colors {
				if !slices.Contains(x.Colors, k.Color) {
					x.Colors = append(x.Colors, k.Color)
				}
			}
			rc.Queues = append(rc.Queues, x)
		}
		for _, t := range c.Tasks {
			rc.Tasks = append(rc.Tasks, report.Task{ID: t.ID, Name: t.Name, Kind: t.Kind.String()})
		}
		ins, outs, tasks = most(ins, len(ids[0]), c.Name), most(outs, len(ids[1]), c.Name), most(tasks, len(c.Tasks), c.Name)
	}
	setBudget(w, report.Budget{Name: "memory", Used: max(0, full.Used), Limit: m.MemBytes, Unit: "B", Where: full.Where})
	setBudget(w, report.Budget{Name: "in queues", Used: ins.Used, Limit: len(m.UsableIn()), Where: ins.Where})
	setBudget(w, report.Budget{Name: "out queues", Used: outs.Used, Limit: len(m.UsableOut()), Where: outs.Where})
	setBudget(w, report.Budget{Name: "task ids", Used: tasks.Used, Limit: len(m.UsableLocalTasks()), Where: tasks.Where})
	setBudget(w, report.Budget{Name: "PEs east", Used: w.W, Limit: m.Width})
	setBudget(w, report.Budget{Name: "PEs south", Used: w.H, Limit: m.Height})
	reportOperations(w, p, out, layouts, m)
}

// most keeps the larger use.
func most(b report.Budget, n int, class string) report.Budget {
	if n > b.Used {
		return report.Budget{Used: n, Where: "class " + class}
	}
	return b
}

func setBudget(w *report.Wafer, b report.Budget) {
	for i := range w.Budgets {
		if w.Budgets[i].Name == b.Name {
			w.Budgets[i] = b
			return
		}
	}
	w.Budgets = append(w.Budgets, b)
}

// classMemory is the memory map of a class by address.
func classMemory(p *mesh.Program, c *wse.Class, l wse.ClassLayout, m wse.Machine) []report.MemoryItem {
	kind := map[string]mesh.Array{}
	for _, a := range p.Arrays {
		kind[a.Name] = a
	}
	bank := func(addr int) int {
		if m.BankCount < 1 {
			return -1
		}
		return addr / 4 % m.BankCount
	}
	out := []report.MemoryItem{
		{Name: "system", Kind: "system", Bytes: l.Reserved, Address: 0, Bank: 0},
		{Name: "code", Kind: "code", Bytes: l.Code, Address: l.Reserved, Bank: bank(l.Reserved)},
		{Name: "stack", Kind: "stack", Bytes: l.Stack, Address: l.Reserved + l.Code, Bank: bank(l.Reserved + l.Code)},
	}
	for i, a := range c.Arrays {
		x := report.MemoryItem{Name: a.Name, Kind: "temp", Elem: a.Elem.String(), Len: a.Len, Bytes: a.Bytes(), Address: l.Addr[i], Bank: bank(l.Addr[i])}
		if k, ok := kind[a.Name]; ok {
			x.Kind, x.Of = k.Kind.String(), k.Of
		} else if strings.HasPrefix(a.Name, "scalars.") {
			x.Kind = "scalars"
		}
		out = append(out, x)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Address < out[j].Address })
	return out
}

// reportOperations lists the operations with the cost model's cycles.
func reportOperations(w *report.Wafer, p *Program, out *codegen.Output, layouts []wse.ClassLayout, m wse.Machine) {
	runs := map[string]int64{}
	for _, s := range p.ReportData.Schedule {
		runs[s.Func] += s.Count
	}
	at := places(out.Program, layouts)
	for _, c := range out.Code {
		for _, o := range c.Ops {
			w.Ops = append(w.Ops, report.Operation{Class: c.Class, Func: c.Func, Text: o.String(), Line: lineNumber(strings.TrimSuffix(o.Line, codegen.InFunc+c.Func)), Elements: cost.Elements(o),
				Cycles: cost.Op(m, o, at[c.Class]), Runs: runs[c.Func], Estimate: true})
		}
	}
	worst := slowest(out, layouts, m)
	for _, f := range p.Mesh.Funcs {
		w.Cycles = append(w.Cycles, report.Cycles{Func: f, Cycles: worst[f], Estimate: true})
	}
	w.Rank()
	p.ReportData.Advise()
}
