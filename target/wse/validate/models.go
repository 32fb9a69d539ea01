package validate

import (
	"fmt"
	"math"
	"math/bits"
)

const (
	luczynski = "Luczynski et al., arXiv 2404.15888"
	wse2      = "wse2"
	depth     = 5     // 2 T_R + 1 with T_R = 2
	slowWork  = 30000 // cycles times PEs beyond which the test takes the committed result
)

func log2(p int) int { return int(math.Round(math.Log2(float64(p)))) }

// lineModel is one collective on a line.
type lineModel struct {
	id, what, formula string
	model             func(p, b float64) float64
	program           func(p, b int) string
	ps                []int
	note              string
}

func modelRows() []*Row {
	lines := []lineModel{
		{"bcast", "broadcast by flooding", "B + P + 2 T_R", func(p, b float64) float64 { return b + p + 4 },
			func(p, b int) string { return line(wse2, p, b, all(p)...) }, []int{4, 16, 64, 512}, ""},
		{"chain", "chain reduce", "B + (2 T_R + 2)(P - 1)", func(p, b float64) float64 { return b + 6*(p-1) }, chain, []int{4, 16, 64, 512}, ""},
		{"star", "star reduce", "B (P - 1) + 2 T_R + 1", func(p, b float64) float64 { return b*(p-1) + depth }, star, []int{4, 16, 64, 512}, "the form leaves out the hop from the nearest " +
			"sender, which that of the chain counts"},
		{"tree", "tree reduce", "max(B log P, B P log P / (2(P - 1)) + P - 1) + (2 T_R + 1) log P", func(p, b float64) float64 {
			l := math.Log2(p)
			return max(b*l, b*p/(2*(p-1))*l+p-1) + depth*l
		}, tree, []int{4, 16, 64, 512}, "the form takes the larger of contention and energy over links, and adds the latency of every round to it; in the " +
			"program a round's words arrive while the one before is still added. At B = 1 the mean load of a link that the form counts is more than the one word there is"},
		{"two-phase", "two-phase reduce", "max(2B, 2(P - √P)B/(P - 1) + P - 1) + (2 T_R + 1)(2√P - 2)", func(p, b float64) float64 {
			s := math.Sqrt(p)
			return max(2*b, 2*(p-s)*b/(p-1)+p-1) + depth*(2*s-2)
		}, twoPhase, []int{4, 16, 64, 256}, "the form takes the larger of contention and energy over links, as if the two chains overlapped " +
			"perfectly or not at all; the program is in between, and its leaders set up their second operation after the first"},
		{"allreduce", "all-reduce: chain, then flooding", "2B + (2 T_R + 2)(P - 1) + P + 2 T_R", func(p, b float64) float64 { return 2*b + 6*(p-1) + p + 4 },
			chainAll, []int{4, 16, 64, 512}, "4 cycles: the flood is an operation of its own with its own setup (`fabric.setup`), which the model leaves out"},
	}
	var rows []*Row
	for _, l := range lines {
		for _, p := range l.ps {
			for _, b := range []int{1, 16, 256, 4096} {
				cycles := l.model(float64(p), float64(b))
				if l.id == "star" && (p-1)*b >= 1<<16 {
					continue // the extent of one operation
				}
				rows = append(rows, &Row{ID: fmt.Sprintf("%s-%d-%d", l.id, p, b), Section: "models", What: fmt.Sprintf("%s, P = %d, B = %d", l.what, p, b),
					Source: luczynski, Machine: wse2, Kind: Model, Formula: l.formula, Published: cycles,
					Program: l.program(p, b), Window: stream, Slow: float64(p)*cycles > slowWork, Note: l.note})
			}
		}
	}
	for _, c := range []struct{ w, h int }{{4, 4}, {16, 16}, {32, 16}} {
		for _, b := range []int{1, 64, 1024} {
			m, n, fb := float64(c.w), float64(c.h), float64(b)
			add := func(id, what, formula string, model float64, program, note string) {
				rows = append(rows, &Row{ID: fmt.Sprintf("%s-%dx%d-%d", id, c.w, c.h, b), Section: "models",
					What: fmt.Sprintf("%s, %d x %d PEs, B = %d", what, c.w, c.h, b), Source: luczynski, Machine: wse2, Kind: Model, Formula: formula,
					Published: model, Program: program, Window: stream, Slow: m*n*model > slowWork, Note: note})
			}
			add("bcast2d", "2-D broadcast", "B + M + N - 2 + 2 T_R + 1", fb+m+n-2+depth, flood(c.w, c.h, b), "")
			add("xy", "2-D reduce, rows then a column by chains", "2B + (2 T_R + 2)(M + N - 2)", 2*fb+6*(m+n-2), xy(c.w, c.h, b), "4 cycles: the second chain is an operation of its own with its own setup (`fabric.setup`), which the model leaves out")
			add("snake", "2-D reduce by one chain along a snake", "B + (2 T_R + 2)(M N - 1)", fb+6*(m*n-1), snake(c.w, c.h, b), "")
		}
	}
	return rows
}

// stops names the PEs of a path by position.
type stop struct{ x, y int }

func toward(a, b stop) (tx, rx string) {
	switch {
	case b.x > a.x:
		return "east", "west"
	case b.x < a.x:
		return "west", "east"
	case b.y > a.y:
		return "south", "north"
	}
	return "north", "south"
}

const ownValue = " = affine 1 + 1*i + 1*px + 1*py"

// chainOn is a reduce along neighbours: the first sends, the others add what they receive to their own and pass it on, the last
// keeps the sum. then runs at the last after it. Colors base and base+1 alternate.
func (t *text) chainOn(path []stop, b, base, inQ, outQ int) {
	color := func(i int) int { return base + i%2 }
	for i, s := range path {
		if i < len(path)-1 {
			tx, _ := toward(s, path[i+1])
			t.route(color(i), s.x, s.y, "ramp", tx)
		}
		if i > 0 {
			_, rx := toward(path[i-1], s)
			t.route(color(i-1), s.x, s.y, rx, "ramp")
		}
	}
	in := func(par int) string { return fmt.Sprintf("queue w in %d color %d\n", inQ, base+(par+1)%2) }
	out := func(par int) string { return fmt.Sprintf("queue e out %d color %d\n", outQ, base+par) }
	t.chainClass("first", path[:1], 1, in, out, b, fmt.Sprintf("mov.f32 fab(e, %d) = u[0 : %d]", b, b))
	for par := 0; par < 2; par++ {
		t.chainClass(fmt.Sprintf("mid%d", par), path[1:len(path)-1], 1+par, in, out, b, fmt.Sprintf("add.f32 fab(e, %d) = fab(w, %d), u[0 : %d]", b, b, b))
	}
	last := len(path) - 1
	t.f("class last { at x %d..%d y %d..%d\narray u f32[%d] export%s\n%s task main local 8 { add.f32 u[0 : %d] = fab(w, %d), u[0 : %d] exit } entry main }\n",
		path[last].x, path[last].x+1, path[last].y, path[last].y+1, b, ownValue, in(last), b, b, b)
}

// chainClass is the class of the stops of one parity; "first" is the class of position 0, "midK" of positions 1, 2, .. with parity K.
func (t *text) chainClass(name string, stops []stop, start int, in, out func(int) string, b int, op string) {
	var at string
	par := 0
	for i, s := range stops {
		pos := i + 1
		if name == "first" {
			pos = 0
		}
		if name != "first" && pos%2 != start-1 {
			continue
		}
		par = pos % 2
		at += fmt.Sprintf("at x %d..%d y %d..%d\n", s.x, s.x+1, s.y, s.y+1)
	}
	if at == "" {
		return
	}
	queues := out(par)
	if name != "first" {
		queues += in(par)
	}
	t.f("class %s {\n%sarray u f32[%d]%s\n%stask main local 8 { %s exit } entry main }\n", name, at, b, ownValue, queues, op)
}

func straight(p int) []stop {
	out := make([]stop, p)
	for i := range out {
		out[i] = stop{i, 0}
	}
	return out
}

func chain(p, b int) string {
	t := newText(wse2, p, 1)
	t.chainOn(straight(p), b, 0, 2, 2)
	t.expectSum(p-1, 0, p, p*(p-1)/2)
	return t.String()
}

// expectSum: the sum over n PEs of 1 + i + px + py, where the sum of px + py is pos, at PE (x, y).
func (t *text) expectSum(x, y, n, pos int) {
	t.f("expect u at x %d..%d y %d..%d = affine %d + %d*i\n", x, x+1, y, y+1, n+pos, n)
}

func snake(w, h, b int) string {
	var path []stop
	for y := 0; y < h; y++ {
		for i := 0; i < w; i++ {
			x := i
			if y%2 == 1 {
				x = w - 1 - i
			}
			path = append(path, stop{x, y})
		}
	}
	t := newText(wse2, w, h)
	t.chainOn(path, b, 0, 2, 2)
	end := path[len(path)-1]
	t.expectSum(end.x, end.y, w*h, h*w*(w-1)/2+w*h*(h-1)/2)
	return t.String()
}

// star: every PE sends to PE 0 on one color; its router lets its own words pass first and, advanced by what follows them, those from the
// east from then on. The root adds all of them in one operation over its vector, again and again.
func star(p, b int) string {
	t := newText(wse2, p, 1)
	all := fmt.Sprintf("u[0 : %d*0, %d]", p-1, b)
	t.f("class root { at x 0..1 y 0..1\narray u f32[%d] export%s\nqueue q in 2 color 0\ntask main local 8 { add.f32 %s = fab(q, %d), %s exit } entry main }\n",
		b, ownValue, all, (p-1)*b, all)
	t.f("class leaf { at x 1..%d y 0..1\narray u f32[%d]%s\nqueue q out 2 color 0\ntask main local 8 { mov.f32 fab(q, %d, advance own) = u[0 : %d] exit } entry main }\n",
		p, b, ownValue, b, b)
	t.f("route color 0 at x 0..1 y 0..1 rx east tx ramp\n")
	t.f("route color 0 at x 1..%d y 0..1 rx ramp tx west pos rx east\n", p-1)
	t.f("route color 0 at x %d..%d y 0..1 rx ramp tx west\n", p-1, p)
	t.expectSum(0, 0, p, p*(p-1)/2)
	return t.String()
}

// tree: in round r the odd multiples of 2^r send to the even ones below them. As in the authors' program (modules/tree_runtime.csl) two
// colors and one queue each way do: a PE receives on the color of its parity of set bits and sends on the other, so that a stream passes
// routers that have received, on the same color, or sent. Its own send turns a router to pass on what comes behind; the last words for a
// PE that sends next are followed by a control wavelet, which turns the router of the receiver.
func tree(p, b int) string {
	k := log2(p)
	t := newText(wse2, p, 1)
	mem := fmt.Sprintf("u[0 : %d]", b)
	for r := 0; r <= k; r++ { // what sends in round r, the root in round k
		for par := range 2 {
			for _, ctl := range []bool{false, true} {
				var at text
				for x := 0; x < p; x++ {
					if round(x, k) == r && bits.OnesCount(uint(x))%2 == par && turns(x, r, k) == ctl {
						at.f("at x %d..%d y 0..1\n", x, x+1)
						t.treeRoutes(x, r, k, par)
					}
				}
				if at.Len() == 0 {
					continue
				}
				t.f("class round%d.%d.%v {\n%sarray u f32[%d] export%s\n", r, par, ctl, at.String(), b, ownValue)
				if r > 0 {
					t.f("queue in in 2 color %d\n", par)
				}
				out := fmt.Sprintf("fab(out, %d, advance own)", b)
				if ctl {
					out = fmt.Sprintf("fab(out, %d)", b)
				}
				if r < k {
					t.f("queue out out 2 color %d\n", 1-par)
				} else {
					out = mem
				}
				t.f("task main local 10 {\n")
				for range r - 1 {
					t.f("add.f32 %s = fab(in, %d), %s\n", mem, b, mem)
				}
				if r > 0 {
					t.f("add.f32 %s = fab(in, %d), %s\n", out, b, mem)
				} else {
					t.f("mov.f32 %s = %s\n", out, mem)
				}
				if ctl {
					t.f("mov.u32 ctl(out, 1) = cmd(advance)\n")
				}
				t.f("exit } entry main }\n")
			}
		}
	}
	t.expectSum(0, 0, p, p*(p-1)/2)
	return t.String()
}

// round is the round of a tree over 2^k PEs in which PE x sends: k for the root.
func round(x, k int) int {
	if x == 0 {
		return k
	}
	return bits.TrailingZeros(uint(x))
}

// turns reports whether what PE x sends in round r is the last that its receiver gets before it sends itself.
func turns(x, r, k int) bool { return r < k-1 && x>>(r+1)&1 == 1 }

// treeRoutes are the routes of PE x, which sends in round r, receives on color par and sends on the other.
func (t *text) treeRoutes(x, r, k, par int) {
	at := fmt.Sprintf("at x %d..%d y 0..1", x, x+1)
	switch {
	case r == k:
		t.f("route color %d %s rx east tx ramp\n", par, at)
		return
	case r == 0: // receives nothing, passes on
		if x < 1<<k-1 {
			t.f("route color %d %s rx east tx west\n", par, at)
		}
	default:
		t.f("route color %d %s rx east tx ramp pos tx west\n", par, at)
	}
	if x == 1<<k-1 {
		t.f("route color %d %s rx ramp tx west\n", 1-par, at)
		return
	}
	t.f("route color %d %s rx ramp tx west pos rx east\n", 1-par, at)
}

// twoPhase: chains in groups of √P towards their first PE (colors 0 and 1), then a chain over those (colors 2 and 3).
func twoPhase(p, b int) string {
	s := int(math.Round(math.Sqrt(float64(p))))
	t := newText(wse2, p, 1)
	add := func(dst, src string) string {
		return fmt.Sprintf("add.f32 %s = fab(%s, %d), u[0 : %d] ", dst, src, b, b)
	}
	mem, send, lead := fmt.Sprintf("u[0 : %d]", b), fmt.Sprintf("fab(e, %d)", b), fmt.Sprintf("fab(l, %d)", b)
	for x := 0; x < p; x++ {
		i, g := x%s, x/s
		var queues, code string
		if i > 0 {
			queues += fmt.Sprintf("queue e out 2 color %d\n", x%2)
			t.route(x%2, x, 0, "ramp", "west")
		}
		if i < s-1 {
			queues += fmt.Sprintf("queue w in 2 color %d\n", (x+1)%2)
			t.route((x+1)%2, x, 0, "east", "ramp")
		}
		switch {
		case i == s-1:
			code = fmt.Sprintf("mov.f32 %s = %s ", send, mem)
		case i > 0:
			code = add(send, "w")
		}
		if g < s-1 { // the stream of the next leader passes here, or ends
			if i == 0 {
				queues += fmt.Sprintf("queue k in 3 color %d\n", 2+(g+1)%2)
				t.route(2+(g+1)%2, x, 0, "east", "ramp")
			} else {
				t.route(2+(g+1)%2, x, 0, "east", "west")
			}
		}
		if i == 0 {
			if g > 0 {
				queues += fmt.Sprintf("queue l out 3 color %d\n", 2+g%2)
				t.route(2+g%2, x, 0, "ramp", "west")
			}
			switch {
			case g == s-1:
				code = add(lead, "w")
			case g > 0:
				code = add(mem, "w") + add(lead, "k")
			default:
				code = add(mem, "w") + add(mem, "k")
			}
		}
		t.f("class p%d { at x %d..%d y 0..1\narray u f32[%d] export%s\n%stask main local 10 { %s exit } entry main }\n", x, x, x+1, b, ownValue, queues, code)
	}
	t.expectSum(0, 0, p, p*(p-1)/2)
	return t.String()
}

// chainAll is a chain to the east end and a flood back to the west on color 2.
func chainAll(p, b int) string {
	t := newText(wse2, p, 1)
	for x := 0; x < p; x++ {
		var queues, code string
		if x < p-1 {
			queues += fmt.Sprintf("queue e out 2 color %d\nqueue back in 3 color 2\n", x%2)
			t.route(x%2, x, 0, "ramp", "east")
		}
		if x > 0 {
			queues += fmt.Sprintf("queue w in 2 color %d\n", (x+1)%2)
			t.route((x+1)%2, x, 0, "west", "ramp")
		}
		back := fmt.Sprintf("mov.f32 u[0 : %d] = fab(back, %d)", b, b)
		switch {
		case x == 0:
			code = fmt.Sprintf("mov.f32 fab(e, %d) = u[0 : %d] ", b, b) + back
			t.route(2, x, 0, "east", "ramp")
		case x < p-1:
			code = fmt.Sprintf("add.f32 fab(e, %d) = fab(w, %d), u[0 : %d] ", b, b, b) + back
			t.route(2, x, 0, "east", "west, ramp")
		default:
			queues += "queue back out 3 color 2\n"
			code = fmt.Sprintf("add.f32 u[0 : %d] = fab(w, %d), u[0 : %d] mov.f32 fab(back, %d) = u[0 : %d]", b, b, b, b, b)
			t.route(2, x, 0, "ramp", "west")
		}
		t.f("class p%d { at x %d..%d y 0..1\narray u f32[%d] export%s\n%stask main local 8 { %s exit } entry main }\n", x, x, x+1, b, ownValue, queues, code)
	}
	t.expectSum(0, 0, p, p*(p-1)/2)
	return t.String()
}

// flood: color 0 floods row 0 to the east and from there every column to the south.
func flood(w, h, b int) string {
	t := newText(wse2, w, h)
	t.f("class root { at x 0..1 y 0..1\narray u f32[%d] = affine 1 + 1*i\nqueue q out 2 color 0\ntask main local 8 { mov.f32 fab(q, %d) = u[0 : %d] exit } entry main }\n", b, b, b)
	t.f("class dst { at x 1..%d y 0..1\nat x 0..%d y 1..%d\narray u f32[%d] export\nqueue q in 2 color 0\ntask main local 8 { mov.f32 u[0 : %d] = fab(q, %d) exit } entry main }\n",
		w, w, h, b, b, b)
	t.route(0, 0, 0, "ramp", "east, south")
	t.f("route color 0 at x 1..%d y 0..1 rx west tx east, south, ramp\nroute color 0 at x %d..%d y 0..1 rx west tx south, ramp\n", w-1, w-1, w)
	t.f("route color 0 at x 0..%d y 1..%d rx north tx south, ramp\nroute color 0 at x 0..%d y %d..%d rx north tx ramp\n", w, h-1, w, h-1, h)
	t.f("expect u at x %d..%d y %d..%d = affine 1 + 1*i\n", w-1, w, h-1, h)
	return t.String()
}

// xy: every row is a chain to its east end (colors 0, 1), the last column a chain to the south (colors 2, 3).
func xy(w, h, b int) string {
	t := newText(wse2, w, h)
	mem := fmt.Sprintf("u[0 : %d]", b)
	fab := func(q string) string { return fmt.Sprintf("fab(%s, %d)", q, b) }
	t.f("class first { at x 0..1 y 0..%d\narray u f32[%d]%s\nqueue e out 2 color 0\ntask main local 8 { mov.f32 %s = %s exit } entry main }\n", h, b, ownValue, fab("e"), mem)
	t.f("class mid { at x 1..%d y 0..%d\narray u f32[%d]%s\nqueue w in 2 color 0 at x 1..%d step 2 y 0..%d, 1 at x 2..%d step 2 y 0..%d\n", w-1, h, b, ownValue, w, h, w, h)
	t.f("queue e out 2 color 1 at x 1..%d step 2 y 0..%d, 0 at x 2..%d step 2 y 0..%d\ntask main local 8 { add.f32 %s = %s, %s exit } entry main }\n",
		w, h, w, h, fab("e"), fab("w"), mem)
	in := w % 2 // the color that comes from x = w-2
	for y := 0; y < h; y++ {
		queues := fmt.Sprintf("queue w in 2 color %d\n", in)
		code := fmt.Sprintf("add.f32 %s = %s, %s ", mem, fab("w"), mem)
		if y > 0 {
			queues += fmt.Sprintf("queue n in 3 color %d\n", 2+(y+1)%2)
			t.route(2+(y+1)%2, w-1, y, "north", "ramp")
		}
		if y < h-1 {
			queues += fmt.Sprintf("queue s out 3 color %d\n", 2+y%2)
			t.route(2+y%2, w-1, y, "ramp", "south")
		}
		switch {
		case y == 0:
			code += fmt.Sprintf("mov.f32 %s = %s", fab("s"), mem)
		case y < h-1:
			code += fmt.Sprintf("add.f32 %s = %s, %s", fab("s"), fab("n"), mem)
		default:
			code += fmt.Sprintf("add.f32 %s = %s, %s", mem, fab("n"), mem)
		}
		t.f("class last%d { at x %d..%d y %d..%d\narray u f32[%d] export%s\n%stask main local 8 { %s exit } entry main }\n", y, w-1, w, y, y+1, b, ownValue, queues, code)
		for x := 0; x < w; x++ {
			if x < w-1 {
				t.route(x%2, x, y, "ramp", "east")
			}
			if x > 0 {
				t.route((x+1)%2, x, y, "west", "ramp")
			}
		}
	}
	t.expectSum(w-1, h-1, w*h, h*w*(w-1)/2+w*h*(h-1)/2)
	return t.String()
}
