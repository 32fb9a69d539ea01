package validate

import (
	"fmt"
	"strings"
)

// stencil7 is the seven-point product of the vendor's examples on w x h PEs, as fragments of a class. Sends and receives of a block go round
// the four sides one after the other, each by a state machine of its own; when both are round, four FMAs with the received blocks; after
// the last block three FMAs along z. A DSD that is changed is a load, an operation and a store. Lengths are known when a program is
// written, so the short last block is a branch. y of the same place as x gets the product: a caller with several vectors has them side by
// side in x, every one room words long, and gives the first word in register xo.
type stencil7 struct {
	w, h, z, block int
	vectors, room  int
	coeff          string // west, east, south, north, below, above, center
	task           int    // first of three local tasks
	after          string // what the caller does then, its callback
}

// side is a neighbour: where a send goes and a receive comes from, colors by parity as in layout.csl.
type side7 struct {
	to, from   string
	send, recv int
	out, in    bool
}

func (s stencil7) sides(x, y int) []side7 {
	ex, ey := x%2, y%2
	return []side7{
		{"east", "west", 0 + ex, 1 - ex, x < s.w-1, x > 0},
		{"west", "east", 3 - ex, 2 + ex, x > 0, x < s.w-1},
		{"north", "south", 5 - ey, 4 + ey, y > 0, y < s.h-1},
		{"south", "north", 6 + ey, 7 - ey, y < s.h-1, y > 0},
	}
}

// dsd is the cost of n changes of DSDs.
func dsd(n int) string { return strings.Repeat(load("g")+scalar(2), n) }

// call is the library's entry for the vector in the given place.
func (s stencil7) call(vector int) string {
	xo := vector * s.room
	return fmt.Sprintf("%s set %%len = %d set %%at = %d set %%xo = %d set %%end = %d set %%tail = %d %s mov.f32 y[%d : %d] = 0 activate comm ",
		scalar(14+2-4), s.block, xo, xo, xo+s.z, xo+(s.z-1)/s.block*s.block, dsd(2+14+13), xo, s.z)
}

// parts are the declarations, the tasks and the routes of PE (x, y); the class has an array g i32[1].
func (s stencil7) parts(x, y int) (decls, tasks, routes string) {
	var d, t, r text
	rest := s.z % s.block
	sized := func(f func(n int) string) string {
		if rest == 0 {
			return f(s.block)
		}
		return fmt.Sprintf("if %%len == %d { %s } else { %s } ", s.block, f(s.block), f(rest))
	}
	sides := s.sides(x, y)
	d.f("array y f32[%d] export\narray c f32[7] = list [%s]\n", s.vectors*s.room, s.coeff)
	for i, n := range sides {
		d.f("array b%s f32[%d]\n", n.from, s.block)
		if n.out {
			d.f("queue o%s out %d color %d\n", n.to, 4+i, n.send)
			r.route(n.send, x, y, "ramp", n.to)
		}
		if n.in {
			d.f("queue i%s in %d color %d\n", n.from, 4+i, n.recv)
			r.route(n.recv, x, y, n.from, "ramp")
		}
	}
	next := fmt.Sprintf("%s if %%n >= 2 { %s set %%at = %%at + %d %s activate comm } ", bump("n"), sized(func(n int) string {
		out := ""
		for i, side := range []string{"west", "east", "south", "north"} {
			out += fmt.Sprintf("fma.f32 y[0 + 1*%%at : %d] = y[0 + 1*%%at : %d], b%s[0 : %d], c[%d] ", n, n, side, n, i)
		}
		return out
	}), s.block, dsd(2))
	machine := func(name string, step func(side7) string) string {
		out := fmt.Sprintf("set %%%s = 0 %s", name, next)
		for i := 3; i >= 0; i-- {
			out = fmt.Sprintf("if %%%s == %d { %s set %%%s = %d } else { %s } ", name, i, step(sides[i]), name, i+1, out)
		}
		return load("g") + out
	}
	t.f("task send local %d { %s }\n", s.task, machine("sent", func(n side7) string {
		if !n.out {
			return "activate send "
		}
		return sized(func(k int) string {
			return fmt.Sprintf("mov.f32 fab(o%s, %d) = x[0 + 1*%%at : %d] async activate send ut 3 ", n.to, k, k)
		})
	}))
	t.f("task recv local %d { %s }\n", s.task+1, machine("received", func(n side7) string {
		if !n.in {
			return "activate recv "
		}
		return sized(func(k int) string {
			return fmt.Sprintf("mov.f32 b%s[0 : %d] = fab(i%s, %d) async activate recv ", n.from, k, n.from, k)
		})
	}))
	short := ""
	if rest > 0 {
		short = fmt.Sprintf("if %%at >= %%tail { set %%len = %d %s } ", rest, dsd(14))
	}
	t.f("task comm local %d { %s if %%at < %%end { %s set %%n = 0 activate send activate recv } else {\n", s.task+2, load("g")+scalar(2), load("g")+short)
	t.f("fma.f32 y[1 + 1*%%xo : %[1]d] = y[1 + 1*%%xo : %[1]d], x[0 + 1*%%xo : %[1]d], c[4] fma.f32 y[0 + 1*%%xo : %[1]d] = y[0 + 1*%%xo : %[1]d], x[1 + 1*%%xo : %[1]d], c[5] "+
		"fma.f32 y[0 + 1*%%xo : %[2]d] = y[0 + 1*%%xo : %[2]d], x[0 + 1*%%xo : %[2]d], c[6] %[3]s } }\n", s.z-1, s.z, s.after)
	return d.String(), t.String(), r.String()
}

// spmv7 is the product alone.
func spmv7(w, h, z, block int) string {
	t, routes := newText(wse3Only, w, h), &text{}
	s := stencil7{w: w, h: h, z: z, block: block, vectors: 1, room: z, coeff: "1, 2, 4, 8, 16, 32, 64", task: 10, after: "exit"}
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			decls, tasks, r := s.parts(x, y)
			routes.f("%s", r)
			t.f("class p%d.%d { at x %d..%d y %d..%d\narray x f32[%d] = affine 1 + 1*i + 10*px + 100*py\narray g i32[1]\n%s", x, y, x, x+1, y, y+1, z, decls)
			t.f("task main local 8 { %s }\n%sentry main }\n", s.call(0), tasks)
		}
	}
	return t.String() + routes.String()
}
