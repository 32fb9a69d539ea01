package verdict

import (
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// Lines of senders whose routers turn from one to the next (a gather of package route) are cut like other repetitions: the PEs between the
// ends of a group are alike. Then the receiver has fewer messages to take. It takes them by an operation that goes over one vector again and
// again, once per sender, and the execution lets it do so less often. Where receivers take messages otherwise, such lines stay whole.

// line counts the PEs that send to a receiver of a color, on the way back from it over the columns xs and rows ys, from column i and row j
// of these; -1 when routes join.
func (m *model) line(xs, ys []int, i, j, color int) (senders int) {
	for range len(xs) + len(ys) {
		var r *wse.Route
		for n := range m.p.Routes {
			if q := &m.p.Routes[n]; q.Color == color && q.Region.Contains(xs[i], ys[j]) {
				r = q
			}
		}
		if r == nil {
			return senders
		}
		next := wse.Ramp
		for n := range r.Positions() {
			switch rx := r.At(n).Rx; {
			case rx == wse.Ramp:
				senders++
			case next == wse.Ramp || next == rx:
				next = rx
			default:
				return -1
			}
		}
		dx, dy := next.Delta()
		i, j = i+dx, j+dy
		if next == wse.Ramp || i < 0 || j < 0 || i >= len(xs) || j >= len(ys) {
			return senders
		}
	}
	return -1
}

// switched reports whether routers of a color have switches.
func (m *model) switched(color int) bool {
	return slices.ContainsFunc(m.p.Routes, func(r wse.Route) bool { return r.Color == color && r.Switch != nil })
}

// shortened takes the messages of PEs that were cut off their receivers' operations, and reports whether that can be done.
func (m *model) shortened() bool {
	type end struct{ class, input int }
	known := map[end][2]int{}
	xs, ys := all(m.p.W), all(m.p.H)
	for pe, c := range m.class {
		if c < 0 {
			continue
		}
		for i, q := range m.codes[c].inputs {
			color := q.Color(m.x(pe), m.y(pe))
			if color < 0 || !m.switched(color) {
				continue
			}
			w := len(m.xs)
			n := [2]int{m.line(xs, ys, m.x(pe), m.y(pe), color), m.line(m.xs, m.ys, pe%w, pe/w, color)}
			if k, ok := known[end{c, i}]; n[0] < 0 || n[1] < 0 || ok && k != n {
				return false
			}
			known[end{c, i}] = n
		}
	}
	for c, k := range m.codes {
		for _, o := range k.ops {
			n, ok := known[end{c, o.in}]
			if !ok || o.in < 0 || n[0] == n[1] {
				continue
			}
			times := 1
			if d := o.src.Dst.Dims; o.src.Dst.Kind == wse.Mem && len(d) > 0 && d[0].Stride == 0 {
				times = d[0].Len
			}
			switch gone := n[0] - n[1]; {
			case times == 1 && n[0] > 1: // the last message, after those of an operation below
			case times < n[0]-1 || times > n[0] || times <= gone:
				return false
			default:
				o.n, o.cut = o.n/times*(times-gone), true
			}
		}
		for i := range k.inputs {
			if n := known[end{c, i}]; n[0] != n[1] && !slices.ContainsFunc(k.ops, func(o *op) bool { return o.in == i && o.cut }) {
				return false // it takes them one by one
			}
		}
	}
	return true
}
