package validate

import (
	"fmt"
	"strings"
)

// text assembles machine text.
type text struct{ strings.Builder }

func (t *text) f(format string, args ...any) { fmt.Fprintf(&t.Builder, format, args...) }

func newText(machine string, w, h int) *text {
	t := &text{}
	t.f("machine %q\nmesh %d %d\n", machine, w, h)
	return t
}

// route sends what enters a router of PE (x, y) by port rx to the ports tx.
func (t *text) route(color, x, y int, rx, tx string) {
	t.f("route color %d at x %d..%d y %d..%d rx %s tx %s\n", color, x, x+1, y, y+1, rx, tx)
}

// one is a program of a single PE that runs the statements, with arrays declared before them.
func one(machine, arrays, stmts string) string {
	t := newText(machine, 1, 1)
	t.f("class a { at x 0..1 y 0..1\n%s\ntask main local 8 { %s exit } entry main }\n", arrays, stmts)
	return t.String()
}

// line is a program on p x 1 PEs: PE 0 sends n words and the PEs in take receive them, all others pass them on.
func line(machine string, p, n int, take ...int) string {
	t := newText(machine, p, 1)
	t.f("class src { at x 0..1 y 0..1\narray u f32[%d] = affine 1 + 1*i\nqueue q out 2 color 0\n", n)
	t.f("task main local 8 { mov.f32 fab(q, %d) = u[0 : %d] exit } entry main }\n", n, n)
	t.f("class dst {\n")
	last := take[len(take)-1]
	takes := make([]bool, last+1)
	for _, x := range take {
		takes[x] = true
	}
	var routes text
	for x := 1; x <= last; {
		end := x + 1
		for end < last && takes[end] == takes[x] {
			end++
		}
		tx := "east"
		switch {
		case x == last:
			tx = "ramp"
		case takes[x]:
			tx = "east, ramp"
		}
		if takes[x] {
			t.f("at x %d..%d y 0..1\n", x, end)
		}
		routes.f("route color 0 at x %d..%d y 0..1 rx west tx %s\n", x, end, tx)
		x = end
	}
	t.f("array u f32[%d] export\nqueue q in 2 color 0\ntask main local 8 { mov.f32 u[0 : %d] = fab(q, %d) exit } entry main }\n", n, n, n)
	t.route(0, 0, 0, "ramp", "east")
	t.f("%sexpect u at x %d..%d y 0..1 = affine 1 + 1*i\n", routes.String(), last, last+1)
	return t.String()
}

// all is 1, 2, .., p-1: every PE of a line but the first.
func all(p int) []int {
	out := make([]int, p-1)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// relay is a line of p PEs that each receive b words completely before they send them on.
func relay(machine string, p, b int) string {
	t := newText(machine, p, 1)
	send := fmt.Sprintf("mov.f32 fab(e, %d) = u[0 : %d] async activate done", b, b)
	recv := fmt.Sprintf("mov.f32 u[0 : %d] = fab(w, %d) async activate ", b, b)
	class := func(name string, lo, hi int, init, tasks string) {
		if lo >= hi {
			return
		}
		t.f("class %s { at x %d..%d y 0..1\narray u f32[%d] export%s\n", name, lo, hi, b, init)
		if lo > 0 {
			t.f("queue w in 2 color 0 at x 1..%d step 2 y 0..1, 1 at x 2..%d step 2 y 0..1\n", p+1, p+2)
		}
		if hi < p {
			t.f("queue e out 3 color 0 at x 0..%d step 2 y 0..1, 1 at x 1..%d step 2 y 0..1\n", p+1, p+1)
		}
		t.f("%s task done local 10 { exit } entry main }\n", tasks)
	}
	class("first", 0, 1, " = affine 1 + 1*i", "task main local 8 { "+send+" }")
	class("mid", 1, p-1, "", "task main local 8 { "+recv+"pass } task pass local 9 { "+send+" }")
	class("last", p-1, p, "", "task main local 8 { "+recv+"done }")
	for x := 0; x < p; x++ {
		if x < p-1 {
			t.route(x%2, x, 0, "ramp", "east")
		}
		if x > 0 {
			t.route((x+1)%2, x, 0, "west", "ramp")
		}
	}
	t.f("expect u at x %d..%d y 0..1 = affine 1 + 1*i\n", p-1, p)
	return t.String()
}
