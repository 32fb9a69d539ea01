package validate

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

const allreduceSource = "Cerebras/sdk-examples benchmarks/benchmark-libs/allreduce/pe.csl"

// reducer is the all-reduce library of the vendor's examples on w x h PEs, as fragments of a class: rows are reduced to the last PE of each,
// the last column to the last PE of that, and its value goes back to all. One color does it all: it is torn down after every phase, whose
// handler starts the next, and gets the routes and switches of that. A PE's state, its counters and the list of phases are globals: loads
// and stores are counted, registers hold the values.
type reducer struct {
	w, h  int
	color int
	task  int    // first of four local tasks
	array string // its element %red is reduced in place
	after string // what the caller does when a reduction has ended, its callback
}

// send is the start of an operation with a fabric operand: the DSRs it loads are instructions.
func dsrs(n int, op string) string { return scalar(n) + op + " " }

// tasks are the library's tasks in PE (x, y); the class has array g i32[1] and queues ro and ri of the color.
func (r reducer) tasks(x, y int) string {
	lastX, lastY := x == r.w-1, y == r.h-1
	t := &text{}
	row, col, bcast := r.routes(x, y)
	// A reduction: who is first and last, the number of PEs, then the operands' bases and lengths.
	reduce := func(state int, route string, first, last bool, pes int) string {
		flag := map[bool]int{true: 1}
		return fmt.Sprintf("%s %s set %%pes = %d set %%first = %d set %%last = %d %s block lock set %%cnt = 0 %s activate senddata %s set %%nx = %d %s",
			route, scalar(6-3), pes, flag[first], flag[last], load("g"), scalar(1+3+2+2+2), load("g")+scalar(2)+load("g"), state+1, scalar(1))
	}
	spread := fmt.Sprintf("%s %s block lock %s ", bcast, load("g"), scalar(3+2+2+2))
	if lastX && lastY {
		spread += dsrs(2, fmt.Sprintf("mov.f32 fab(ro, 1) = %s[0 + 1*%%red : 1] async activate sendctl", r.array))
	} else {
		spread += dsrs(2, fmt.Sprintf("mov.f32 %s[0 + 1*%%red : 1] = fab(ri, 1) async unblock lock", r.array))
	}
	spread += load("g") + scalar(2) + load("g") + "set %nx = %then " + scalar(1)
	// The scaled square: the exponent of the maximum, the value times its inverse, squared; the root times the exponent.
	scale := load("g") + scalar(11+5+2) + "set %op = 0 set %then = 4 set %st = 0 " + load("g") + scalar(3) + "activate state"
	norm := load("g") + fmt.Sprintf("map.sqrt.f32 %[1]s[0 + 1*%%red : 1] = %[1]s[0 + 1*%%red : 1] ", r.array) + scalar(1+2) + "set %st = 5 " + load("g") + scalar(3) + "activate state"
	t.f("task state local %d { %s if %%st == 0 { %s } else { if %%st == 1 { %s } else { if %%st == 2 { %s } else { if %%st == 3 { %s } else { if %%st == 4 { %s } else { %s %s } } } } } }\n",
		r.task, load("g"), reduce(0, row, x == 0, lastX, r.w-1), reduce(1, col, y == 0, lastY, r.h-1), spread, scale, norm, scalar(6), r.after)
	fold := func(op string) string {
		return dsrs(3, fmt.Sprintf("%[1]s.f32 %[2]s[0 + 1*%%red : 1] = %[2]s[0 + 1*%%red : 1], fab(ri, 1) async activate senddata", op, r.array))
	}
	t.f("task senddata local %d { %s if %%last == 1 { %s %s if %%cnt < %%pes { %s if %%op == 0 { %s } else { %s } set %%cnt = %%cnt + 1 %s } else { unblock lock } }\n",
		r.task+1, load("g"), load("g"), load("g"), load("g"), fold("add"), fold("max"), scalar(1))
	t.f(" else { %s if %%cnt < 1 { %s set %%cnt = %%cnt + 1 %s } else { unblock lock %s if %%first == 1 { %s } } } }\n", load("g"),
		dsrs(2, fmt.Sprintf("mov.f32 fab(ro, 1) = %s[0 + 1*%%red : 1] async activate sendctl", r.array)), scalar(1), load("g"),
		dsrs(2, "mov.u32 ctl(ro, 1) = ktd[0 : 1] async"))
	t.f("task sendctl local %d { %s if %%st == 2 { %s } else { %s } }\n", r.task+2, load("g"), dsrs(2, "mov.u32 ctl(ro, 1) = ktd[0 : 1] async unblock lock"),
		dsrs(2, "mov.u32 ctl(ro, 1) = kadv[0 : 1] async activate senddata"))
	t.f("task lock local %d { %s set %%st = %%nx activate state }\n", r.task+3, load("g"))
	t.f("task torn teardown %d { activate lock }\n", r.color)
	t.f("array kadv u32[1] = fill %d\narray ktd u32[1] = fill %d\n", wse.ControlWord(-1, 0, wse.CmdAdvance, wse.CmdAdvance), wse.ControlWord(-1, 0, wse.CmdTeardown))
	return t.String()
}

// call is the library's entry for element at: vector, operation, length and the list of states are stored. op 0 adds, 1 is the maximum.
func (r reducer) call(op, at int) string {
	return fmt.Sprintf("%s set %%op = %d set %%red = %d set %%then = 5 set %%st = 0 activate state ", scalar(2+1+1+8+1-2), op, at)
}

// norm is the entry for the norm of a vector with one element per PE: the largest, then the scaled sum of squares.
func (r reducer) norm(at int) string {
	return load("g") + fmt.Sprintf("%s set %%op = 1 set %%red = %d set %%then = 3 set %%st = 0 activate state ", scalar(1+2+2+18+1-3), at)
}

// routes are the statements that give the color the routes of the three phases.
func (r reducer) routes(x, y int) (row, col, bcast string) {
	line := func(at, n int, from, to string) string {
		const own = " pos rx ramp ring pop advance"
		switch at {
		case 0: // its own position 1 is as position 0
			return fmt.Sprintf("reroute color %d rx ramp tx %s%s", r.color, to, own)
		case n - 1:
			return fmt.Sprintf("reroute color %d rx %s tx ramp ring pop advance", r.color, from)
		}
		return fmt.Sprintf("reroute color %d rx %s tx %s%s", r.color, from, to, own)
	}
	rx, tx := "east", "west, ramp"
	switch {
	case x == r.w-1 && y == r.h-1:
		rx, tx = "ramp", "west, north"
	case x == r.w-1 && y == 0:
		rx, tx = "south", "west, ramp"
	case x == r.w-1:
		rx, tx = "south", "west, north, ramp"
	case x == 0:
		tx = "ramp"
	}
	return line(x, r.w, "west", "east"), line(y, r.h, "north", "south"), fmt.Sprintf("reroute color %d rx %s tx %s ring pop advance", r.color, rx, tx)
}

// roles cuts a side into its first, its inner and its last PEs.
func roles(n int) [][2]int {
	if n == 2 {
		return [][2]int{{0, 1}, {1, 2}}
	}
	return [][2]int{{0, 1}, {1, n - 1}, {n - 1, n}}
}

// allreduceLoop is the published measurement: calls one after the other, each started by the callback of the one before.
func allreduceLoop(w, h, calls int) string {
	t := newText(wse3Only, w, h)
	for i, ys := range roles(h) {
		for j, xs := range roles(w) {
			r := reducer{w: w, h: h, task: 9, array: "flag"}
			r.after = load("g") + scalar(2) + "set %rem = %rem - 1 if %rem > 0 { call again } else { exit }"
			t.f("class p%d%d { at x %d..%d y %d..%d\narray flag f32[1] export = affine 1 + 2*px + 3*py\narray g i32[1]\n", i, j, xs[0], xs[1], ys[0], ys[1])
			t.f("queue ro out 2 color 0\nqueue ri in 2 color 0\nfn again { %s }\n", r.call(1, 0))
			t.f("task main local 8 { set %%rem = %d %s call again }\n%s entry main }\n", calls, scalar(6), r.tasks(xs[0], ys[0]))
		}
	}
	t.f("route color 0 at x 0..%d y 0..%d rx west tx east pos rx ramp ring pop advance teardown\n", w, h)
	t.f("launch\nexpect flag at x 0..%d y 0..%d = fill %d\n", w, h, 1+2*(w-1)+3*(h-1))
	return t.String()
}

const teardownNote = "three teardowns a call, each with a handler and new routes: how long these take is not published, and is assumed by counting register " +
	"accesses (`route.cycles`, `task.teardown.dispatch`); the growth with the side, which is tasks and wavelets, is 0.88 of the published one"

func allreduceRows() []*Row {
	var rows []*Row
	for _, c := range []struct {
		side int
		pub  float64
	}{{2, 735.1}, {4, 874.1}, {8, 1282.1}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("allreduce-%d", c.side), Section: "kernels", Kind: Kernel, Machine: wse3Only,
			What:      fmt.Sprintf("all-reduce library, one word, maximum, %d x %d PEs, 10 calls more", c.side, c.side),
			Source:    allreduceSource + "; cycles: " + csr + "allreduce_spike RESULTS.md",
			Published: 10 * c.pub, Program: allreduceLoop(c.side, c.side, 11), Base: allreduceLoop(c.side, c.side, 1), Window: whole, Note: teardownNote})
	}
	return rows
}
