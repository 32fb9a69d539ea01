package validate

import "fmt"

func wideStarRows() []*Row {
	var rows []*Row
	for _, c := range []struct {
		radius, iterations int
		pub                float64
	}{{2, 1, 2127}, {2, 3, 6362}, {3, 1, 2407}, {3, 3, 7253}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("star2d-r%d-%d", c.radius, c.iterations), Section: "kernels", Kind: Kernel,
			What: fmt.Sprintf("2-D star of radius %d, 16 x 16 on 2 x 2 PEs, %d iterations", c.radius, c.iterations), Machine: wse3Only,
			Source:    fmt.Sprintf("Elia-Belli/stencil-cerebras src/wse/star2d/{pe_program.csl, star2d-%dr.csv}, cycles at 875 MHz", c.radius),
			Published: c.pub, Program: wideStar(c.radius, c.iterations, false), Window: body, Note: starNote})
	}
	return rows
}

// wideStar is star2D for any radius: edges of r rows or columns, 16-bit counters, a division in the address of every received word
// (three instructions by powers of two, as many as a multiplication by the reciprocal), and loops over the radius.
func wideStar(r, iterations int, checked bool) string {
	const n = 8
	line := n + 2*r
	size := line * line
	t := newText(wse3Only, 2, 2)
	count := func(reg string) string { return load("g") + scalar(1) + fmt.Sprintf("set %%%s = %%%s + 1 ", reg, reg) }
	type side struct {
		name, edge          string
		at, wrap            int // where words go, and how many make a row of the halo
		queue, send, recv   int
		control, oppControl int
	}
	vec := func(off, rows, cols int) string {
		return fmt.Sprintf("u[%d + 1*%%a : %d*%d, %d]", off, rows, line, cols)
	}
	box := func(reg string, off int) string {
		return fmt.Sprintf("u[%d + 1*%%%s : %d*%d, %d]", off, reg, n, line, n)
	}
	center := r*line + r
	for y := 0; y < 2; y++ {
		for x := 0; x < 2; x++ {
			var sides []side
			if x == 0 {
				sides = append(sides, side{"east", vec(r*line+n, n, r), r*line + n + r, r, 2, 0, 3, 42, 43})
				t.route(0, x, y, "ramp", "east")
				t.route(3, x, y, "east", "ramp")
			} else {
				sides = append(sides, side{"west", vec(center, n, r), r * line, r, 3, 3, 0, 43, 42})
				t.route(3, x, y, "ramp", "west")
				t.route(0, x, y, "west", "ramp")
			}
			if y == 0 {
				sides = append(sides, side{"south", vec(n*line+r, r, n), (n+r)*line + r, n, 5, 6, 5, 40, 41})
				t.route(6, x, y, "ramp", "south")
				t.route(5, x, y, "south", "ramp")
			} else {
				sides = append(sides, side{"north", vec(center, r, n), r, n, 4, 5, 6, 41, 40})
				t.route(5, x, y, "ramp", "north")
				t.route(6, x, y, "north", "ramp")
			}
			t.f("class p%d%d { at x %d..%d y %d..%d\narray u f32[%d] export = affine 1 + 1*i + 3*px + 5*py\narray c f32[%d] = affine 1 + 1*i\narray g i32[1]\n",
				x, y, x, x+1, y, y+1, 2*size, 4*r+1)
			send := ""
			for _, s := range sides {
				t.f("queue o%s out %d color %d\nqueue i%s in %d color %d\narray k%s u32[1] = fill %d\n", s.name, s.queue, s.send, s.name, s.queue, s.recv, s.name, s.oppControl<<16)
				send += load("g") + scalar(1) + load("g") + fmt.Sprintf("if %%v == 0 { mov.f32 fab(o%s, %d) = %s async activate e%s } ", s.name, n*r, s.edge, s.name) +
					load("g") + scalar(1) + load("g") + "if %v != 0 { } "
			}
			t.f("task main local 8 { set %%x = %d %s %s }\n", size, scalar(4), send)
			for i, s := range sides {
				t.f("task e%s local %d { %s mov.u32 ctl(o%s, 1) = k%s[0 : 1] async activate sync }\n", s.name, 11+i, count("sent"), s.name, s.name)
				if checked {
					t.f("task r%s data i%s (%%w) { set %%p = %%a + %%n%s mov.f32 u[%d + 1*%%p : 1] = %%w set %%n%s = %%n%s + 1 set %%m%s = %%m%s + 1 if %%m%s == %d { set %%m%s = 0 set %%n%s = %%n%s + %d } }\n",
						s.name, s.name, s.name, s.at, s.name, s.name, s.name, s.name, s.name, s.wrap, s.name, s.name, s.name, line-s.wrap)
				} else {
					// count, its quotient, times the row, plus count, the pointer, plus that, scaled; the store; count + 1, stored
					t.f("task r%s data i%s (%%w) { %s %s %s %s set %%n%s = %%n%s + 1 %s }\n", s.name, s.name, load("g"), scalar(3+2), load("g"), scalar(2+1), s.name, s.name, scalar(1))
				}
				t.f("task c%s control %d (%%w) { block r%s set %%n%s = 0 %s activate sync }\n", s.name, s.control, s.name, s.name, count("got"))
			}
			t.f("task sync local 15 { %s %s if %%sent == 2 { %s %s if %%got == 2 { set %%sent = 0 set %%got = 0 activate stencil } } }\n",
				load("g"), load("g"), load("g"), load("g"))
			t.f("task stencil local 10 { %s mul.f32 %s = %s, c[%d]\n", load("g")+load("g")+scalar(2), box("x", center), box("a", center), 2*r)
			for _, dir := range []struct {
				off, step, coeff, sign int
			}{{r, line, 0, 1}, {2*r*line + r, -line, 4 * r, -1}, {r * line, 1, r, 1}, {r*line + 2*r, -1, 2*r + 1, 1}} {
				t.f("set %%b = %%a set %%r = 0 while %%r < %d { fma.f32 %s = %s, %s, c[%d + %d*%%r] set %%b = %%b + %d set %%r = %%r + 1 }\n",
					r, box("x", center), box("x", center), box("b", dir.off), dir.coeff, dir.sign, dir.step)
			}
			t.f("%s %s if %%v == 0 {\n", load("g"), load("g"))
			if x == y {
				move := scalar(1)
				if checked {
					move = fmt.Sprintf("mov.f32 u[%d + 1*%%p : 1] = u[%d + 1*%%q : 1] ", center, center)
				}
				t.f("set %%i = 0 while %%i < %d { set %%q = %%i * %d set %%p = %%q + %%x %s set %%q = %%q + %%a %s %s %s set %%i = %%i + 1 }\n",
					n, line+1, load("g"), load("g"), load("g"), move)
			}
			t.f("} %s set %%p = %%a set %%a = %%x set %%x = %%p %s\n", load("g")+load("g"), scalar(1))
			for _, s := range sides {
				t.f("unblock r%s ", s.name)
			}
			t.f("%s set %%it = %%it + 1 if %%it == %d { exit } else { %s } }\nentry main }\n", load("g")+scalar(5), iterations, send)
		}
	}
	return t.String()
}
