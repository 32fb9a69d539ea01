package validate

import "fmt"

// tiles are kernels of FABRICA on 2 x 2 PEs with a tile of 4 x 4 words each: words are exchanged with asynchronous operations, the rest is
// scalar loops by the rule.
const side = 4

// launched is a window that launches of the host open and close: f_tic before the function and f_toc after it.
func launched(r *Row) *Row {
	r.Launched = true
	return r
}

func tileRows() []*Row {
	row := func(id, name, what string, pub float64, program string) *Row {
		return &Row{ID: id, Section: "kernels", Kind: Kernel, What: what + ", 8 x 8 on 2 x 2 PEs, scalar loops", Machine: wse3Only,
			Source: "luozoupi/FABRICA kernels/" + name + "/CSL/pe.csl, kernels/baselines_wse3.json", Published: pub, Program: program, Window: body}
	}
	rows := []*Row{
		row("laplacian2d-halo", "Laplacian2D-Halo", "2-D Laplacian with halos", 1274, laplacian2D(false)),
		launched(row("laplacian2d-reduce", "Laplacian2D-Reduce", "2-D Laplacian with halos and the largest change", 1950, laplacian2D(true))),
		launched(row("lorenzo", "LorenzoPredictor-Tile", "Lorenzo predictor with halos", 1315, lorenzo())),
	}
	rows[2].Note = "the corner is one of four words: counted as four addresses and three choices in every place, where the compiler may take the first row and column out of the loops"
	return rows
}

// edge is a side of a PE that has a neighbour.
type edge struct {
	name, src         string
	queue, send, recv int
}

// edges declares a PE's class with arrays of a tile, its queues and the routes.
func (t *text) edges(x, y int, sides ...edge) {
	t.f("class p%d%d { at x %d..%d y %d..%d\n", x, y, x, x+1, y, y+1)
	for _, a := range []string{"ce", "cw", "hn", "hs", "he", "hw", "rs", "rr"} {
		t.f("array %s f32[%d]\n", a, side+1)
	}
	t.f("array tile f32[%d]\narray nrm f32[2]\narray g i32[1]\n", side*side)
	for _, s := range sides {
		if s.send >= 0 {
			t.f("queue o%s out %d color %d\n", s.name, s.queue, s.send)
		}
		if s.recv >= 0 {
			t.f("queue i%s in %d color %d\n", s.name, s.queue, s.recv)
		}
	}
}

// laplacian2D: sends and receives of four words per side, then a new tile, copied back. With a norm also the largest change of
// the tile, and the larger of that and the southern neighbour's.
func laplacian2D(norm bool) string {
	t := newText(wse3Only, 2, 2)
	for y := 0; y < 2; y++ {
		for x := 0; x < 2; x++ {
			var sides []edge
			if y == 0 {
				sides = append(sides, edge{"s", "tile[12 : 4]", 3, 6, 5})
				t.route(6, x, y, "ramp", "south")
				t.route(5, x, y, "south", "ramp")
				t.route(7, x, y, "south", "ramp")
			} else {
				sides = append(sides, edge{"n", "tile[0 : 4]", 2, 5, 6})
				t.route(5, x, y, "ramp", "north")
				t.route(6, x, y, "north", "ramp")
				t.route(7, x, y, "ramp", "north")
			}
			if x == 0 {
				sides = append(sides, edge{"e", "ce[0 : 4]", 4, 0, 3})
				t.route(0, x, y, "ramp", "east")
				t.route(3, x, y, "east", "ramp")
			} else {
				sides = append(sides, edge{"w", "cw[0 : 4]", 5, 3, 0})
				t.route(3, x, y, "ramp", "west")
				t.route(0, x, y, "west", "ramp")
			}
			var send, recv string
			for _, s := range sides {
				send += fmt.Sprintf("mov.f32 fab(o%s, 4) = %s async ut %d ", s.name, s.src, (s.queue+4)%8)
				recv += fmt.Sprintf("mov.f32 h%s[0 : 4] = fab(i%s, 4) async activate got ut %d ", s.name, s.name, s.queue)
			}
			if norm && y == 0 {
				t.edges(x, y, append(sides, edge{"m", "", 6, -1, 7})...)
			} else if norm {
				t.edges(x, y, append(sides, edge{"m", "", 6, 7, -1})...)
			} else {
				t.edges(x, y, sides...)
			}
			start := scalar(6) // the rest of the time stamp, the flag, the iterations
			if norm {
				start = scalar(3)
			}
			t.f("task main local 8 { %s activate send }\n", start)
			column := scalar(1) + scaled + element + element + scaled + written + written
			t.f("task send local 12 { set %%got = 0 %s %s %s }\n", times("i", side, column), send, recv)
			t.f("task got local 13 { %s if %%got == 2 { activate compute } }\n", bump("got"))
			cell := scalar(1) + scaled + scaled + picked + picked + picked + picked + scalar(1) + chained + chained + chained + written
			after, before := "activate done ", scalar(0)
			if norm {
				cell += element + chained + select2 + select2
				before = scalar(1 + 2)
				after = "mov.f32 fab(om, 1) = nrm[0 : 1] async activate merge "
				if y == 0 {
					after = "mov.f32 nrm[1 : 1] = fab(im, 1) async activate merge "
				}
			}
			copied := times("i", side*side, scaled+element+written)
			t.f("task compute local 14 { %s %s %s %s }\n", before, times("i", side, scalar(1)+scaled+times("j", side, cell)), copied, after)
			if norm {
				merge := load("g") + scalar(2)
				if y == 0 {
					merge = load("g") + load("g") + select2 + scalar(1) + merge
				}
				t.f("task merge local 16 { %s activate done }\n", merge)
			}
			t.f("task done local 15 { exit }\nentry main }\n")
		}
	}
	return t.String()
}

// lorenzo: the last column goes east; then the word that came with it last, and the last row, go south; then a difference of four
// neighbours in each place.
func lorenzo() string {
	t := newText(wse3Only, 2, 2)
	for y := 0; y < 2; y++ {
		for x := 0; x < 2; x++ {
			var sides []edge
			columns := times("i", side, scalar(2)+scaled+element+scaled+written)
			rows := load("g") + scalar(1) + times("j", side, scaled+element+written)
			if x == 0 {
				sides = append(sides, edge{"e", "", 3, 0, -1})
				t.route(0, x, y, "ramp", "east")
				columns += "mov.f32 fab(oe, 4) = ce[0 : 4] async activate rows "
			} else {
				sides = append(sides, edge{"w", "", 3, -1, 0})
				t.route(0, x, y, "west", "ramp")
				columns += "mov.f32 hw[0 : 4] = fab(iw, 4) async activate rows "
			}
			if y == 0 {
				sides = append(sides, edge{"s", "", 2, 1, -1})
				t.route(1, x, y, "ramp", "south")
				rows += "mov.f32 fab(os, 5) = rs[0 : 5] async activate compute "
			} else {
				sides = append(sides, edge{"n", "", 2, -1, 1})
				t.route(1, x, y, "north", "ramp")
				rows += "mov.f32 rr[0 : 5] = fab(in, 5) async activate got "
			}
			t.edges(x, y, sides...)
			t.f("task main local 8 { %s }\ntask rows local 12 { %s }\n", columns, rows)
			t.f("task got local 13 { %s activate compute }\n", load("g")+scalar(1)+times("j", side, scaled+element+written))
			// The corner is one of four: three choices.
			corner := address + address + select2 + address + select2 + address + select2 + load("g")
			cell := scalar(1) + scaled + scaled + element + picked + picked + corner + scalar(1) + chained + chained + written
			t.f("task compute local 14 { %s activate done }\n", times("i", side, scalar(1)+scaled+times("j", side, cell)))
			t.f("task done local 15 { exit }\nentry main }\n")
		}
	}
	return t.String()
}
