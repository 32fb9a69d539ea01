package machine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// colors lists the colors of the route tables in ascending order.
func colors(routes []wse.Route) (out []int) {
	for _, r := range routes {
		if !slices.Contains(out, r.Color) {
			out = append(out, r.Color)
		}
	}
	slices.Sort(out)
	return out
}

// Two colors exchanged in the final tables, while code and queues keep theirs: the checker finds every pair, and so does the run,
// which gets stuck, breaks a rule, or computes something else.
func TestSwappedColors(t *testing.T) {
	for _, name := range wfc.Machines() {
		p, m := build(t, drift, name, nil), profile(t, name)
		clean := mustRun(t, p, p.Code, m)
		list, pairs := colors(p.Code.Routes), 0
		for i, a := range list {
			for _, b := range list[i+1:] {
				swap := func(c int) int {
					switch c {
					case a:
						return b
					case b:
						return a
					}
					return c
				}
				table, err := route.Assign(p.Mesh, codegen.Fabric{Machine: m})
				if err != nil {
					t.Fatal(err)
				}
				if faults := route.Check(p.Mesh, table); len(faults) > 0 {
					t.Fatal(faults[0])
				}
				for k := range table.Entries {
					table.Entries[k].Color = swap(table.Entries[k].Color)
				}
				if len(route.Check(p.Mesh, table)) == 0 {
					t.Errorf("%s: the checker accepts colors %d and %d exchanged", name, a, b)
				}
				code := copyOf(t, p.Code)
				for k := range code.Routes {
					code.Routes[k].Color = swap(code.Routes[k].Color)
				}
				if r, err := run(p, code, m); err == nil && different(clean.Arrays["T"], r.Arrays["T"]) == 0 {
					t.Errorf("%s: the run does not notice colors %d and %d exchanged", name, a, b)
				}
				pairs++
			}
		}
		if pairs < 10 {
			t.Errorf("%s: only %d pairs of colors", name, pairs)
		}
	}
}

// deadlock is the wait-for graph in an error.
func deadlock(t *testing.T, err error) *sim.Deadlock {
	t.Helper()
	var d *sim.Deadlock
	if !errors.As(err, &d) {
		t.Fatalf("the run ended with %v, not with a deadlock", err)
	}
	return d
}

// names checks that a wait-for graph names what somebody needs who has to find the mistake.
func names(t *testing.T, d *sim.Deadlock, what ...string) {
	t.Helper()
	text := d.Error()
	for _, w := range what {
		if !strings.Contains(text, w) {
			t.Errorf("the wait-for graph does not say %q:\n%s", w, text)
		}
	}
}

// waiting finds the wait of a PE.
func waiting(d *sim.Deadlock, x, y int) (out []sim.Wait) {
	for _, w := range d.Waits {
		if w.X == x && w.Y == y {
			out = append(out, w)
		}
	}
	return out
}

// Without one of its routes a program does not run on with old values: a wavelet without a way is an error that names PE, color,
// task and line.
func TestRemovedRoute(t *testing.T) {
	for _, name := range wfc.Machines() {
		p, m := build(t, drift, name, nil), profile(t, name)
		for k, r := range p.Code.Routes {
			code := copyOf(t, p.Code)
			code.Routes = slices.Delete(code.Routes, k, k+1)
			_, err := run(p, code, m)
			if err == nil {
				t.Errorf("%s: the run does not notice that the route of color %d at %v is missing", name, r.Color, r.Region)
				continue
			}
			for _, want := range []string{fmt.Sprintf("color %d", r.Color), "PE (", "task main", "drift.wf:7"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: the message does not say %q: %v", name, want, err)
				}
			}
		}
	}
}

// A PE that never sends starves its neighbour, which is named with color, queue, task and line, and with the PE it waits for.
func TestStuckPE(t *testing.T) {
	for _, name := range wfc.Machines() {
		p, m := build(t, drift, name, nil), profile(t, name)
		code := copyOf(t, p.Code)
		c := code.ClassAt(0, 0)
		if len(c.Regions) != 1 || c.Regions[0].X.Hi != 1 || c.Regions[0].Y.Hi != 1 {
			t.Fatalf("the corner is no class of its own: %v", c.Regions)
		}
		removed := 0
		for _, task := range c.Tasks {
			task.Body = without(task.Body, func(o *wse.Op) bool { return o.Dst.Kind == wse.Fabric && o.Dst.Queue == "x+.out" }, &removed)
		}
		if removed == 0 {
			t.Fatal("the corner has no operation on x+.out")
		}
		_, err := run(p, code, m)
		d := deadlock(t, err)
		found := false
		for _, w := range waiting(d, 1, 0) {
			found = found || w.Queue == "x+.in" && w.Color == 0 && w.Task == "main" && strings.HasPrefix(w.Line, "drift.wf:7") && w.OnX == 0 && w.OnY == 0
		}
		if !found {
			t.Errorf("%s: PE (1,0) should wait on x+.in, color 0, for PE (0,0):\n%v", name, d)
		}
		names(t, d, "PE (1,0)", "color 0", "queue x+.in", "task main", "drift.wf:7")
	}
}

// without removes operations from a list of statements.
func without(list []wse.Stmt, drop func(*wse.Op) bool, n *int) (out []wse.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *wse.Op:
			if drop(s) {
				*n++
				continue
			}
		case *wse.If:
			s.Then, s.Else = without(s.Then, drop, n), without(s.Else, drop, n)
		}
		out = append(out, s)
	}
	return out
}
