package validate

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

func fabricRows() []*Row {
	var rows []*Row
	for _, b := range []int{64, 512} {
		for _, n := range []int{1, 2, 4, 8} {
			rows = append(rows, &Row{ID: fmt.Sprintf("relay-%d-%d", n, b), Section: "fabric",
				What: fmt.Sprintf("store and forward, %d stages of %d words", n, b), Source: fabrica + "10g", Machine: wse3Only,
				Formula: "1.001 N B + 16.1 N + 16.5", Published: 1.001*float64(n*b) + 16.1*float64(n) + 16.5,
				Program: relay(wse3Only, n+1, b), Window: whole, Note: "the published fit is good to 4 %; its intercept holds two time stamps and the start"})
		}
	}
	for _, b := range []int{64, 512} {
		rows = append(rows, &Row{ID: fmt.Sprintf("relay-slope-%d", b), Section: "fabric",
			What: fmt.Sprintf("store and forward, 7 stages more of %d words", b), Source: fabrica + "10g", Machine: wse3Only,
			Formula: "(1.001 B + 16.1) 7", Published: (1.001*float64(b) + 16.1) * 7, Program: relay(wse3Only, 9, b), Base: relay(wse3Only, 2, b),
			Window: whole, Note: "a slope"})
	}
	rows = append(rows, &Row{ID: "p2p-8-1", Section: "fabric", What: "8 words over 1 hop, dispatch of the send to the task at the end",
		Source: fabrica + "10j", Machine: wse3Only, Published: 19, Program: line(wse3Only, 2, 8, 1),
		Window: func(m wse.Machine, c int64) float64 { return body(m, c) - 1 }, Note: ""})
	for _, h := range []int{1, 8, 32} {
		rows = append(rows, &Row{ID: fmt.Sprintf("p2p-hops-%d", h), Section: "fabric", What: fmt.Sprintf("64 words, %d hops more", h), Source: fabrica + "4",
			Machine: wse3Only, Formula: "2.000 h", Published: 2 * float64(h), Program: line(wse3Only, h+2, 64, h+1), Base: line(wse3Only, 2, 64, 1),
			Window: whole, Note: "a slope"})
	}
	for _, w := range []int{512, 4096} {
		rows = append(rows, &Row{ID: fmt.Sprintf("p2p-words-%d", w), Section: "fabric", What: fmt.Sprintf("4 hops, %d words more", w), Source: fabrica + "4",
			Machine: wse3Only, Formula: "1.000 w", Published: float64(w), Program: line(wse3Only, 5, w+64, 4), Base: line(wse3Only, 5, 64, 4),
			Window: whole, Note: "a slope"})
	}
	for _, h := range []int{1, 3, 7, 15, 31} {
		rows = append(rows, &Row{ID: fmt.Sprintf("flood-1d-%d", h+1), Section: "fabric", What: fmt.Sprintf("flood of one wavelet over %d PEs, to the last data task", h+1),
			Source: csr + "rotating_root_2d_spike RESULTS.md, row y = 0", Machine: wse3Only, Formula: "28 + 2 h", Published: 28 + 2*float64(h),
			Program: flood1D(h + 1), Window: body, Note: dispatchNote})
	}
	for _, c := range []struct {
		p   int
		pub float64
	}{{4, 67}, {8, 75}, {16, 91}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("flood-2d-%d", c.p), Section: "fabric", What: fmt.Sprintf("two-color flood over %d x %d PEs, far corner", c.p, c.p),
			Source: csr + "rotating_root_2d_spike RESULTS.md", Machine: wse3Only, Published: c.pub, Program: flood2D(c.p), Window: body,
			Note: "the published arrivals do not grow to the south: time stamps of the source and the corner are skewed by the launch there. " + dispatchNote})
	}
	for _, c := range []struct {
		n   int
		pub float64
	}{{1, 41}, {2, 69}, {3, 100}, {4, 131}, {5, 162}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("datatask-%d", c.n), Section: "fabric", What: fmt.Sprintf("%d wavelets to data tasks of one PE", c.n),
			Source: csr + "pipelined_lww_1d_spike", Machine: wse3Only, Published: c.pub, Program: dataTasks(c.n), Window: body, Note: dispatchNote})
	}
	rows = append(rows, &Row{ID: "datatask-slope", Section: "fabric", What: "4 wavelets more to data tasks of one PE", Source: csr + "pipelined_lww_1d_spike",
		Machine: wse3Only, Published: 162 - 41, Program: dataTasks(5), Base: dataTasks(1), Window: body, Note: "a slope. " + dispatchNote})
	return rows
}

const dispatchNote = "the published task bodies read the time stamp counter and update counters, 10 to 20 instructions, which the program " +
	"transcribes; the floods alone ask for a `task.data.dispatch` of 10, the slope for one near 0: 6 lies between, and how many instructions the " +
	"compiler made of a body is not published"

// flood1D: PE 0 takes its time stamp and sends one word; the others take theirs in a data task. The window ends with the first word
// of the last time stamp.
func flood1D(p int) string {
	t := newText(wse3Only, p, 1)
	t.f("class src { at x 0..1 y 0..1\narray d u32[1]\nqueue q out 2 color 0\ntask main local 8 { %s mov.u32 fab(q, 1) = d[0] exit } entry main }\n",
		stamp+scalar(2))
	t.f("class dst { at x 1..%d y 0..1\nqueue q in 2 color 0\ntask main local 8 { } task take data q (%%w) { exit } entry main }\n", p)
	t.route(0, 0, 0, "ramp", "east")
	for x := 1; x < p; x++ {
		tx := "east, ramp"
		if x == p-1 {
			tx = "ramp"
		}
		t.route(0, x, 0, "west", tx)
	}
	return t.String()
}

// flood2D: color 1 floods column 0 to the south, each of its PEs sends the word on along its row on color 0.
func flood2D(p int) string {
	t := newText(wse3Only, p, p)
	t.f("class root { at x 0..1 y 0..1\narray d u32[1]\nqueue e out 2 color 0\nqueue s out 3 color 1\n")
	t.f("task main local 8 { %s mov.u32 fab(s, 1) = d[0] mov.u32 fab(e, 1) = d[0] exit } entry main }\n", stamp+scalar(2))
	t.f("class spine { at x 0..1 y 1..%d\narray d u32[1]\nqueue e out 2 color 0\nqueue s in 3 color 1\n", p)
	t.f("task main local 8 { } task take data s (%%w) { %s mov.u32 d[0] = %%w mov.u32 fab(e, 1) = d[0] exit } entry main }\n", stamp+scalar(5))
	t.f("class row { at x 1..%d y 0..%d\nqueue e in 2 color 0\ntask main local 8 { } task take data e (%%w) { exit } entry main }\n", p, p)
	for y := 0; y < p; y++ {
		t.route(0, 0, y, "ramp", "east")
		for x := 1; x < p; x++ {
			tx := "east, ramp"
			if x == p-1 {
				tx = "ramp"
			}
			t.route(0, x, y, "west", tx)
		}
		switch {
		case y == 0:
			t.route(1, 0, 0, "ramp", "south")
		case y == p-1:
			t.route(1, 0, y, "north", "ramp")
		default:
			t.route(1, 0, y, "north", "south, ramp")
		}
	}
	return t.String()
}

// dataTasks: n PEs send one word each, on colors of their own, to the PE east of them, which takes them in data tasks that read the
// time stamp counter, count, keep the largest and store both (u32 additions and comparisons are two 16-bit instructions each).
func dataTasks(n int) string {
	t := newText(wse3Only, n+1, 1)
	for x := 0; x < n; x++ {
		t.f("class s%d { at x %d..%d y 0..1\narray d u32[1]\nqueue q out 2 color %d\ntask main local 8 { %s mov.u32 fab(q, 1) = d[0] exit } entry main }\n",
			x, x, x+1, x, stamp+scalar(5))
	}
	t.f("class sink { at x %d..%d y 0..1\n", n, n+1)
	for x := 0; x < n; x++ {
		t.f("queue q%d in %d color %d\n", x, 3+x, x)
	}
	t.f("task main local 8 { %s }\n", stamp)
	for x := 0; x < n; x++ {
		t.f("task take%d data q%d (%%w) { %s set %%n = %%n + 1 if %%n == %d { exit } else { %s if %%w > %%max { set %%max = %%w } %s } }\n",
			x, x, stamp, n, scalar(5), scalar(4))
	}
	t.f("entry main }\n")
	for x := 0; x < n; x++ {
		t.route(x, x, 0, "ramp", "east")
		for y := x + 1; y <= n; y++ {
			tx := "east"
			if y == n {
				tx = "ramp"
			}
			t.route(x, y, 0, "west", tx)
		}
	}
	return t.String()
}
