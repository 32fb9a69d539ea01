package validate

import "fmt"

// ringFrom lists the PEs of a ring folded onto a line of p, an even number: the even ones to the east, the odd ones back, so that
// neighbours are two PEs apart at most.
func ringFrom(p int) []int {
	out := make([]int, 0, p)
	for x := 0; x < p; x += 2 {
		out = append(out, x)
	}
	for x := p - 1; x > 0; x -= 2 {
		out = append(out, x)
	}
	return out
}

// ringStep is the public program (spcl/spatial-collectives modules/allreduce_ring_sync.csl, whose text has the first half): a task per step
// starts the send of one piece, which activates it again, and the receive of the next, which unblocks it. The pieces of each PE lie turned
// by its place in the ring, so that all run one program.
func ringStep(p, b int) string {
	n := b / p
	return ring(p, b, fmt.Sprintf(`task main local 8 { set %%s = 0 set %%r = %[1]d activate step }
task step local 9 {
 if %%t < %[2]d {
  block step
  mov.f32 fab(out, %[3]d) = u[0 + 1*%%s : %[3]d] async activate step
  if %%t < %[4]d { add.f32 u[0 + 1*%%r : %[3]d] = fab(in, %[3]d), u[0 + 1*%%r : %[3]d] async unblock step }
  else { mov.f32 u[0 + 1*%%r : %[3]d] = fab(in, %[3]d) async unblock step }
  set %%t = %%t + 1 set %%s = %%r set %%r = %%r - %[3]d if %%r < 0 { set %%r = %[1]d }
 } else { exit }
} entry main
`, b-n, 2*(p-1), n, p-1))
}

// ring is a folded ring of p PEs with vectors of b words, all running the same statements.
func ring(p, b int, code string) string {
	t := newText(wse2, p, 1)
	at := ringFrom(p)
	var in, out text
	for i, x := range at {
		y := at[(i+1)%p]
		color, dx, tx, rx := x/2%2, 1, "east", "west"
		if y < x {
			color, dx, tx, rx = 2+x/2%2, -1, "west", "east"
		}
		sep := ", "
		if i == 0 {
			sep = ""
		}
		out.f("%s%d at x %d..%d y 0..1", sep, color, x, x+1)
		in.f("%s%d at x %d..%d y 0..1", sep, color, y, y+1)
		t.route(color, x, 0, "ramp", tx)
		for z := x + dx; z != y; z += dx {
			t.route(color, z, 0, rx, tx)
		}
		t.route(color, y, 0, rx, "ramp")
	}
	t.f("class a { at x 0..%d y 0..1\narray u f32[%d] export = affine 1 + 1*px\nqueue in in 2 color %s\nqueue out out 3 color %s\n%s}\n", p, b, in.String(), out.String(), code)
	t.f("launch\nexpect u at x 0..%d y 0..1 = fill %d\n", p, p*(p+1)/2)
	return t.String()
}

const ringNote = "each of the 2(P - 1) steps waits for its send and its receive in a task, as in the authors' text: dispatch, two set-ups, the instructions " +
	"and branches of the step, of which the form knows nothing"

func ringRows() []*Row {
	var rows []*Row
	for _, p := range []int{4, 16, 64} {
		for _, b := range []int{256, 4096} {
			f, n := float64(p), float64(b)
			model := 2*(f-1)*n/f + 4*f - 6 + 2*(f-1)*depth
			rows = append(rows, &Row{ID: fmt.Sprintf("ring-%d-%d", p, b), Section: "models", What: fmt.Sprintf("ring all-reduce, P = %d, B = %d", p, b),
				Source: luczynski, Machine: wse2, Kind: Model, Formula: "2 (P - 1) B / P + 4P - 6 + 2 (P - 1)(2 T_R + 1)", Published: model,
				Program: ringStep(p, b), Window: stream, Slow: f*model > slowWork, Note: ringNote})
		}
	}
	return rows
}
