package validate

import "fmt"

const starSource = "Elia-Belli/stencil-cerebras src/wse/1r-star2d/{pe_program.csl, star2d-1r.csv}, cycles at 875 MHz"

func starRows() []*Row {
	var rows []*Row
	for _, c := range []struct {
		iterations int
		pub        float64
	}{{1, 906}, {4, 3598}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("star2d-%d", c.iterations), Section: "kernels", Kind: Kernel,
			What: fmt.Sprintf("2-D star of radius 1, 16 x 16 on 2 x 2 PEs, %d iterations", c.iterations), Source: starSource, Machine: wse3Only,
			Published: c.pub, Program: star2D(c.iterations, false), Window: body, Note: starNote})
	}
	return rows
}

const starNote = "data tasks, one per received word, and f32 FMAs are what counts. The instructions of a task's body are those of " +
	"the source, not of its compiled form. With a radius of 2 the tile's rows are 12 words, so that sources above and below are in one bank: those FMAs conflict"

// star2D: every PE sends its edges east, west, south and north word by word; each arriving word is stored by a data task; a control
// wavelet ends a side. With all sides done, one multiply and four FMAs over the 8 x 8 interior of the 10 x 10 tile. The matrix and
// its double are the halves of one array, chosen by registers a and x. checked stores words with one-element moves, so that values
// can be looked at; without it a store is one instruction, as in the source.
func star2D(iterations int, checked bool) string {
	t := newText(wse3Only, 2, 2)
	store := func(at, val string) string {
		if checked {
			return fmt.Sprintf("mov.f32 u[%s : 1] = %s ", at, val)
		}
		return scalar(1)
	}
	type side struct {
		name, edge, dst, row    string
		queue, sendC, recvC, id int
	}
	for y := 0; y < 2; y++ {
		for x := 0; x < 2; x++ {
			var sides []side
			if x == 0 {
				sides = append(sides, side{"east", "u[18 + 1*%a : 8*10]", "19 + 1*%p", "10", 2, 0, 3, 42})
				t.route(0, x, y, "ramp", "east")
				t.route(3, x, y, "east", "ramp")
			} else {
				sides = append(sides, side{"west", "u[11 + 1*%a : 8*10]", "10 + 1*%p", "10", 3, 3, 0, 43})
				t.route(3, x, y, "ramp", "west")
				t.route(0, x, y, "west", "ramp")
			}
			if y == 0 {
				sides = append(sides, side{"south", "u[81 + 1*%a : 8]", "91 + 1*%p", "1", 5, 6, 5, 40})
				t.route(6, x, y, "ramp", "south")
				t.route(5, x, y, "south", "ramp")
			} else {
				sides = append(sides, side{"north", "u[11 + 1*%a : 8]", "1 + 1*%p", "1", 4, 5, 6, 41})
				t.route(5, x, y, "ramp", "north")
				t.route(6, x, y, "north", "ramp")
			}
			opposite := map[string]int{"east": 43, "west": 42, "south": 41, "north": 40}
			t.f("class p%d%d { at x %d..%d y %d..%d\narray u f32[200] export = affine 1 + 1*i + 3*px + 5*py\narray c f32[5] = list [0.25, 0.25, 0.5, 0.25, 0.25]\narray g i32[1]\n",
				x, y, x, x+1, y, y+1)
			for _, s := range sides {
				t.f("queue o%s out %d color %d\nqueue i%s in %d color %d\narray k%s u32[1] = fill %d\n", s.name, s.queue, s.sendC, s.name, s.queue, s.recvC, s.name, opposite[s.name]<<16)
			}
			// The four conditions on idx and idy are evaluated at run time; a DSD on a pointer is a load and an addition.
			sendHalo := ""
			for _, s := range sides {
				sendHalo += scalar(2) + load("g") + "if %v == 0 { " + load("g") + scalar(1) +
					fmt.Sprintf("mov.f32 fab(o%s, 8) = %s async activate e%s } ", s.name, s.edge, s.name)
				sendHalo += scalar(2) + load("g") + "if %v != 0 { } "
			}
			t.f("task main local 8 { set %%x = 100 %s %s }\n", scalar(4), sendHalo)
			for i, s := range sides {
				t.f("task e%s local %d { %s mov.u32 ctl(o%s, 1) = k%s[0 : 1] async activate sync }\n", s.name, 11+i, bump("sent"), s.name, s.name)
				t.f("task r%s data i%s (%%w) { %s set %%p = %%a + %%n%s set %%n%s = %%n%s + %s set %%t = %%n%s %s %s }\n", s.name, s.name, load("g")+scalar(1),
					s.name, s.name, s.name, s.row, s.name, load("g")+scalar(1), store(s.dst, "%w"))
				t.f("task c%s control %d (%%w) { block r%s set %%n%s = 0 %s activate sync }\n", s.name, s.id, s.name, s.name, bump("got"))
			}
			t.f("task sync local 15 { %s %s if %%sent == 2 { %s %s if %%got == 2 { set %%sent = 0 set %%got = 0 activate stencil } } }\n",
				load("g")+scalar(1), load("g"), load("g")+scalar(1), load("g"))
			ptr := load("g") + scalar(1)
			t.f("task stencil local 10 { %s mul.f32 u[11 + 1*%%x : 8*10, 8] = u[11 + 1*%%a : 8*10, 8], c[2]\n", ptr+ptr)
			for _, o := range []struct{ off, c int }{{1, 0}, {21, 4}, {10, 1}, {12, 3}} {
				t.f("%s fma.f32 u[11 + 1*%%x : 8*10, 8] = u[11 + 1*%%x : 8*10, 8], u[%d + 1*%%a : 8*10, 8], c[%d]\n", scalar(1), o.off, o.c)
			}
			t.f("%s %s %s if %%v == 0 {\n", load("g"), load("g"), scalar(1))
			if x == y { // the diagonal keeps its value: a scalar loop
				t.f("set %%i = 0 while %%i < 8 { set %%q = 11 * %%i set %%p = %%q + %%x %s set %%q = %%q + %%a %s %s %s set %%i = %%i + 1 %s }\n",
					load("g"), load("g"), load("g"), store("11 + 1*%p", "u[11 + 1*%q : 1]"), scalar(1))
			}
			t.f("} %s set %%p = %%a set %%a = %%x set %%x = %%p %s\n", load("g")+load("g"), scalar(1))
			for _, s := range sides {
				t.f("unblock r%s ", s.name)
			}
			t.f("%s set %%it = %%it + 1 if %%it == %d { exit } else { %s } }\nentry main }\n", scalar(2)+load("g")+load("g")+scalar(8), iterations, sendHalo)
		}
	}
	return t.String()
}
