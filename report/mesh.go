package report

import (
	"fmt"
	"html/template"
	"sort"
	"strings"
)

// The mesh is drawn from representative positions: between two borders of any class or route nothing changes but by the steps of
// ranges, so a few columns and rows of each stretch show all there is. The picture of 750 x 994 PEs has as many cells as its program
// has classes, and every cell drawn is a real PE with its real coordinates.

const cell = 46 // pixels

// axisMap lists the positions drawn along one mesh axis and where there are gaps between them.
type axisMap struct {
	pos []int
	gap []bool // a gap stands before pos[i]
}

// positions chooses representative positions below n for ranges.
func positions(n int, ranges []Range) axisMap {
	var m axisMap
	if n <= 12 {
		for i := range n {
			m.pos, m.gap = append(m.pos, i), append(m.gap, false)
		}
		return m
	}
	cut := map[int]bool{0: true, n - 1: true, n: true}
	period := 1
	for _, r := range ranges {
		if s := r.Step; s > 1 && s <= 6 {
			period = lcm(period, s)
		}
		// Where a range begins and ends to matter: its first member, and the first position after its last.
		for _, c := range []int{r.Lo, r.Lo + (r.Len()-1)*max(1, r.Step) + 1} {
			if c > 0 && c < n {
				cut[c] = true
			}
		}
	}
	period = min(period, 6)
	var cuts []int
	for c := range cut {
		cuts = append(cuts, c)
	}
	sort.Ints(cuts)
	for i := 0; i+1 < len(cuts); i++ {
		shown := min(cuts[i+1]-cuts[i], max(period, 1))
		for k := range shown {
			p := cuts[i] + k
			m.gap = append(m.gap, len(m.pos) > 0 && m.pos[len(m.pos)-1] != p-1)
			m.pos = append(m.pos, p)
		}
	}
	return m
}

func lcm(a, b int) int {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// offsets gives the pixel of every position; a gap takes a third of a cell.
func (m axisMap) offsets() (at []int, total int) {
	x := 0
	for i := range m.pos {
		if m.gap[i] {
			x += cell / 3
		}
		at = append(at, x)
		x += cell
	}
	return at, x
}

// canvas draws axis labels and cells; body draws into a cell.
func canvas(w *Wafer, xs, ys []Range, body func(b *strings.Builder, x, y, px, py int)) template.HTML {
	mx, my := positions(w.W, xs), positions(w.H, ys)
	ax, width := mx.offsets()
	ay, height := my.offsets()
	var b strings.Builder
	const left, top = 44, 22
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, width+left+4, height+top+4, width+left+4, height+top+4)
	for i, x := range mx.pos {
		fmt.Fprintf(&b, `<text x="%d" y="14" class="axis" text-anchor="middle">%d</text>`, left+ax[i]+cell/2, x)
		if mx.gap[i] {
			fmt.Fprintf(&b, `<text x="%d" y="14" class="axis" text-anchor="middle">…</text>`, left+ax[i]-cell/6)
		}
	}
	for j, y := range my.pos {
		fmt.Fprintf(&b, `<text x="%d" y="%d" class="axis" text-anchor="end">%d</text>`, left-6, top+ay[j]+cell/2+4, y)
		if my.gap[j] {
			fmt.Fprintf(&b, `<text x="%d" y="%d" class="axis" text-anchor="end">…</text>`, left-6, top+ay[j]-cell/6+2)
		}
		for i, x := range mx.pos {
			body(&b, x, y, left+ax[i], top+ay[j])
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // made of numbers and escaped names only
}

func classRanges(w *Wafer) (xs, ys []Range) {
	for _, c := range w.Classes {
		xs, ys = append(xs, c.X), append(ys, c.Y)
	}
	return
}

// floorplan draws the classes.
func floorplan(w *Wafer) template.HTML {
	xs, ys := classRanges(w)
	return canvas(w, xs, ys, func(b *strings.Builder, x, y, px, py int) {
		for i, c := range w.Classes {
			if c.X.Contains(x) && c.Y.Contains(y) {
				fmt.Fprintf(b, `<g><title>%s: PE (%d, %d)</title><rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="%s"/>`,
					template.HTMLEscapeString(c.Name), x, y, px+1, py+1, cell-2, cell-2, hue(i))
				fmt.Fprintf(b, `<text x="%d" y="%d" class="cell" text-anchor="middle">%d</text></g>`, px+cell/2, py+cell/2+4, i)
				return
			}
		}
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" class="unused"/>`, px+1, py+1, cell-2, cell-2)
	})
}

// ports are the ends of a cell's five ports relative to its centre.
var ports = map[string][2]int{"W": {-cell / 2, 0}, "E": {cell / 2, 0}, "N": {0, -cell / 2}, "S": {0, cell / 2}}

// routeMap draws the routes of one color: lines from the ports a wavelet enters by to those it leaves by; a dot is the PE itself.
func routeMap(w *Wafer, c *Color) template.HTML {
	xs, ys := classRanges(w)
	for _, r := range c.Routes {
		xs, ys = append(xs, r.X), append(ys, r.Y)
	}
	return canvas(w, xs, ys, func(b *strings.Builder, x, y, px, py int) {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" class="pe"/>`, px+1, py+1, cell-2, cell-2)
		var route *Route
		for i := range c.Routes {
			if c.Routes[i].X.Contains(x) && c.Routes[i].Y.Contains(y) {
				route = &c.Routes[i]
			}
		}
		if route == nil {
			return
		}
		cx, cy := px+cell/2, py+cell/2
		fmt.Fprintf(b, `<g><title>PE (%d, %d): %s to %s</title>`, x, y, template.HTMLEscapeString(strings.Join(route.In, " ")), template.HTMLEscapeString(strings.Join(route.Out, " ")))
		for _, in := range route.In {
			if p, ok := ports[in]; ok {
				fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" class="in"/>`, cx+p[0], cy+p[1], cx, cy)
			} else {
				fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="6" class="send"/>`, cx, cy)
			}
		}
		for _, out := range route.Out {
			if p, ok := ports[out]; ok {
				fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" class="out"/>`, cx, cy, cx+p[0], cy+p[1])
				arrow(b, cx+p[0]*3/4, cy+p[1]*3/4, p)
			} else {
				fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="9" class="recv"/>`, cx, cy)
			}
		}
		b.WriteString(`</g>`)
	})
}

// arrow draws a head pointing along d.
func arrow(b *strings.Builder, x, y int, d [2]int) {
	ux, uy := sign(d[0]), sign(d[1])
	fmt.Fprintf(b, `<path d="M%d %dL%d %dL%d %dZ" class="head"/>`, x+5*ux, y+5*uy, x-3*ux-4*uy, y-3*uy-4*ux, x-3*ux+4*uy, y-3*uy+4*ux)
}

func sign(v int) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// memoryMap draws a class's memory as one bar, in the order of addresses.
func memoryMap(c *Class) template.HTML {
	const width = 720
	total := 0
	for _, m := range c.Memory {
		total += m.Bytes
	}
	scale := max(c.Limit, total, 1)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d 34" width="%d" height="34" role="img"><rect x="0" y="4" width="%d" height="24" class="unused"/>`, width+2, width+2, width)
	at := 0
	for _, m := range c.Memory {
		x := at
		if m.Address >= 0 {
			x = m.Address
		}
		fmt.Fprintf(&b, `<g><title>%s: %d B</title><rect x="%.1f" y="4" width="%.1f" height="24" class="k-%s"/></g>`,
			template.HTMLEscapeString(m.Name), m.Bytes, float64(x)*width/float64(scale), max(0.5, float64(m.Bytes)*width/float64(scale)), template.HTMLEscapeString(m.Kind))
		at = x + m.Bytes
	}
	if scale > c.Limit && c.Limit > 0 {
		x := float64(c.Limit) * width / float64(scale)
		fmt.Fprintf(&b, `<line x1="%.1f" y1="0" x2="%.1f" y2="34" class="limit"/>`, x, x)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}
