package route

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

func mem(n int) mesh.Operand {
	return mesh.Operand{Kind: mesh.Memory, Slice: mesh.Slice{Array: "a", Dims: []mesh.Extent{{Len: n, Stride: 1}}}}
}
func ch(name string, n int) mesh.Operand { return mesh.Operand{Kind: mesh.Chan, Name: name, Len: n} }
func move(dst, src mesh.Operand, async bool) mesh.Op {
	return mesh.Op{Kind: mesh.Vector, Code: ir.Read, Elem: ir.F32, Dst: dst, Src: []mesh.Operand{src}, Async: async}
}

// line is a 1-D exchange of n elements in both directions on w PEs: sends first.
func line(w, n int, async bool) *mesh.Program {
	p := halo(w, 1, false, false, false, false)
	p.Funcs = []string{"step"}
	r := func(lo, hi int) mesh.Range { return mesh.Range{Lo: lo, Hi: hi, Step: 1} }
	for _, c := range []struct {
		name   string
		x      mesh.Range
		lo, hi bool
	}{{"first", r(0, 1), false, true}, {"inner", r(1, w-1), true, true}, {"last", r(w-1, w), true, false}} {
		var ops []mesh.Op
		var chans []string
		if c.hi {
			ops, chans = append(ops, move(ch("x+", n), mem(n), async)), append(chans, "x+")
		}
		if c.lo {
			ops, chans = append(ops, move(ch("x-", n), mem(n), async)), append(chans, "x-")
		}
		if c.lo {
			ops = append(ops, move(mem(n), ch("x+", n), false))
		}
		if c.hi {
			ops = append(ops, move(mem(n), ch("x-", n), false))
		}
		ops = append(ops, mesh.Op{Kind: mesh.Await, Chans: chans})
		p.Classes = append(p.Classes, mesh.Class{Name: c.name, X: c.x, Y: r(0, 1), Funcs: [][]mesh.Op{ops}})
	}
	return p
}

func TestAsynchronousSendsAreFree(t *testing.T) {
	for _, w := range []int{3, 8, 750} {
		if v := Deadlock(line(w, 1000, true), 1); v.Kind != Free {
			t.Errorf("width %d: %v", w, v)
		}
	}
}

func TestSynchronousSendsDeadlockUnlessBuffered(t *testing.T) {
	v := Deadlock(line(750, 1000, false), 4)
	if v.Kind != Deadlocks || len(v.Waits) == 0 || !strings.Contains(v.String(), "room in x") {
		t.Fatalf("cyclic sends: %v", v)
	}
	if v := Deadlock(line(6, 4, false), 8); v.Kind != Free {
		t.Fatalf("messages that fit the queues: %v", v)
	}
}

func TestUnbalancedCountsAreFound(t *testing.T) {
	p := line(5, 10, true)
	p.Classes[2].Funcs[0] = append(p.Classes[2].Funcs[0], move(mem(1), ch("x+", 1), false))
	if v := Deadlock(p, 2); v.Kind != Deadlocks || !strings.Contains(v.String(), "data from x+") {
		t.Fatalf("a receive too many: %v", v)
	}
	p = line(5, 10, true)
	p.Classes[0].Funcs[0] = append(p.Classes[0].Funcs[0], move(ch("x+", 3), mem(3), true))
	if v := Deadlock(p, 2); v.Kind != Deadlocks {
		t.Fatalf("a send too many: %v", v)
	}
}

// A chain reduction followed by a flood, the collectives' pattern.
func TestReduceThenFlood(t *testing.T) {
	const w = 200
	p := halo(w, 1, false, false, false, false)
	p.Funcs = []string{"sum"}
	add := func(dst, a, b mesh.Operand) mesh.Op {
		return mesh.Op{Kind: mesh.Vector, Code: ir.Add, Elem: ir.F32, Dst: dst, Src: []mesh.Operand{a, b}}
	}
	for _, c := range []struct {
		name   string
		lo, hi int
		ops    []mesh.Op
	}{
		{"root", 0, 1, []mesh.Op{add(mem(1), mem(1), ch("x-", 1)), move(ch("xflood", 1), mem(1), true), {Kind: mesh.Await, Chans: []string{"xflood"}}}},
		{"mid", 1, w - 1, []mesh.Op{add(ch("x-", 1), mem(1), ch("x-", 1)), move(mem(1), ch("xflood", 1), false)}},
		{"end", w - 1, w, []mesh.Op{move(ch("x-", 1), mem(1), false), move(mem(1), ch("xflood", 1), false)}},
	} {
		p.Classes = append(p.Classes, mesh.Class{Name: c.name, X: mesh.Range{Lo: c.lo, Hi: c.hi, Step: 1}, Y: mesh.Range{Lo: 0, Hi: 1, Step: 1}, Funcs: [][]mesh.Op{c.ops}})
	}
	if v := Deadlock(p, 1); v.Kind != Free {
		t.Fatal(v)
	}
}

// A wait names the class, the channel and the place in the source; so do elements that nobody receives.
func TestWaitsAreLocated(t *testing.T) {
	p := line(5, 100, false)
	for i := range p.Classes {
		for k := range p.Classes[i].Funcs[0] {
			p.Classes[i].Funcs[0][k].Pos = ir.Pos{Start: 10*i + k, End: 10*i + k + 1}
		}
	}
	for _, w := range Deadlock(p, 2).Waits {
		if w.Class == "" || w.Channel == "" || w.Pos == (ir.Pos{}) {
			t.Errorf("%+v", w)
		}
	}
	// The last PE receives nothing.
	last := p.Classes[2].Funcs[0]
	for i := range last {
		if len(last[i].Src) > 0 && last[i].Src[0].Kind == mesh.Chan {
			last[i].Src[0], last[i].Dst = mem(1), mem(1)
		}
	}
	for i := range p.Classes {
		for k := range p.Classes[i].Funcs[0] {
			o := &p.Classes[i].Funcs[0][k]
			if o.Dst.Kind == mesh.Chan {
				o.Dst.Len, o.Src[0] = 1, mem(1)
			} else if len(o.Src) > 0 && o.Src[0].Kind == mesh.Chan {
				o.Dst, o.Src[0].Len = mem(1), 1
			}
		}
	}
	v := Deadlock(p, 4)
	if v.Kind != Deadlocks || len(v.Waits) != 1 {
		t.Fatalf("%v", v)
	}
	if w := v.Waits[0]; !w.Left || w.Class != "last" || w.Channel != "x+" || w.Pos.Start != 10 || !strings.Contains(v.String(), "never receives 2 elements that are sent to it on x+") {
		t.Errorf("%+v: %v", w, w)
	}
}
