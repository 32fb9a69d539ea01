package route

import (
	"encoding/binary"
	"fmt"

	"github.com/wfc-lang/wfc/ir/mesh"
)

// The most PEs the execution is allowed to hold after shortening.
const maxNetwork = 1 << 18

func shorten(p *mesh.Program) (*network, error) {
	n := &network{p: p, chans: map[string]int{}, known: map[*mesh.Op]ends{}, fewer: map[int][]int{}}
	xl, yl := newAxis(p, mesh.X, p.W), newAxis(p, mesh.Y, p.H)
	xl.shorten()
	yl.shorten()
	n.xs, n.ys = xl.pos, yl.pos
	w, h := len(n.xs), len(n.ys)
	if w*h > maxNetwork {
		return nil, fmt.Errorf("the classes do not repeat: %d x %d positions are too many to execute", w, h)
	}
	n.class = make([]*mesh.Class, w*h)
	for i := range p.Classes {
		c := &p.Classes[i]
		for y, oy := range n.ys {
			for x, ox := range n.xs {
				if c.X.Contains(ox) && c.Y.Contains(oy) {
					n.class[y*w+x] = c
				}
			}
		}
	}
	n.cuts = make([]string, w*h)
	for i, c := range p.Channels {
		n.chans[c.Name] = i
		d := make([][]int, w*h)
		for y := 0; y < h; y++ {
			for x := 0; x < w; x++ {
				if c.Dim == mesh.X {
					for _, to := range xl.receivers(i, x) {
						d[y*w+x] = append(d[y*w+x], y*w+to)
					}
					continue
				}
				for _, to := range yl.receivers(i, y) {
					d[y*w+x] = append(d[y*w+x], to*w+x)
				}
			}
		}
		from := make([][]int, w*h)
		for i, to := range d { // positions ascend, as parts do along the axis of a gather
			for _, t := range to {
				from[t] = append(from[t], i)
			}
		}
		n.dests, n.senders = append(n.dests, d), append(n.senders, from)
		if c.Kind == mesh.Gather {
			lay, fewer := layout(p, c.Layout), make([]int, w*h)
			for k := range fewer {
				at := n.xs[k%w]
				if c.Dim == mesh.Y {
					at = n.ys[k/w]
				}
				if part := lay.Part(at); part < lay.Parts {
					fewer[k] = len(c.Senders(lay, part)) - len(from[k])
				}
			}
			n.fewer[i] = fewer
			for k, f := range fewer {
				if f != 0 {
					n.cuts[k] += fmt.Sprint(i, ":", f, " ")
				}
			}
		}
	}
	return n, nil
}

// axis is the positions of one mesh axis: what classes cross them and where the channels along the axis lead, as indices of pos.
type axis struct {
	p     *mesh.Program
	pos   []int   // original positions
	class []int   // equal where the same classes cross
	next  [][]int // channel, index -> index of the receiver, or -1; nil for other axes and for floods
	flood [][]int // channel -> original positions of root and last receiver; nil for others
	sig   []int   // equal where class and relative receivers are
}

func newAxis(p *mesh.Program, d mesh.Dim, extent int) *axis {
	l := &axis{p: p, next: make([][]int, len(p.Channels)), flood: make([][]int, len(p.Channels))}
	ids := map[string]int{}
	key := make([]byte, len(p.Classes))
	for i := range extent {
		for k := range p.Classes {
			r := p.Classes[k].X
			if d == mesh.Y {
				r = p.Classes[k].Y
			}
			key[k] = bit(r.Contains(i))
		}
		id, ok := ids[string(key)]
		if !ok {
			id = len(ids)
			ids[string(key)] = id
		}
		l.pos, l.class = append(l.pos, i), append(l.class, id)
	}
	for c := range p.Channels {
		ch := &p.Channels[c]
		lay := layout(p, ch.Layout)
		if ch.Dim != d || lay == nil {
			continue
		}
		if ch.Kind == mesh.Flood {
			l.flood[c] = []int{lay.Pos(0), lay.Parts - 1}
			continue
		}
		l.next[c] = make([]int, extent)
		for i := range l.next[c] {
			l.next[c][i] = -1
		}
		for k := range lay.Parts {
			if to, ok := ch.Next(lay, k); ok {
				l.next[c][lay.Pos(k)] = lay.Pos(to)
			}
		}
	}
	l.sign()
	return l
}

// receivers are the indices that channel c leads to from index i.
func (l *axis) receivers(c, i int) []int {
	if f := l.flood[c]; f != nil {
		if l.pos[i] != f[0] {
			return nil
		}
		var out []int
		for j, at := range l.pos {
			if j != i && at <= f[1] {
				out = append(out, j)
			}
		}
		return out
	}
	if n := l.next[c]; n != nil && n[i] >= 0 {
		return []int{n[i]}
	}
	return nil
}

func (l *axis) sign() {
	ids := map[string]int{}
	l.sig = make([]int, len(l.pos))
	var key []byte
	for i := range l.pos {
		key = binary.AppendVarint(key[:0], int64(l.class[i]))
		for c, n := range l.next {
			switch {
			case n == nil:
			case n[i] < 0:
				key = append(key, 'n')
			case l.p.Channels[c].Kind == mesh.Gather: // members between the ends of a group are alike, see network.fewer
				key = append(key, 'g')
			default:
				key = binary.AppendVarint(append(key, 'y'), int64(n[i]-i))
			}
		}
		id, ok := ids[string(key)]
		if !ok {
			id = len(ids)
			ids[string(key)] = id
		}
		l.sig[i] = id
	}
}

// shorten cuts stretches over which classes and relative receivers repeat to 8 periods, of a long period to 3. Short periods go first:
// within the groups of a tree the parts between the ends are alike, and then the groups are.
func (l *axis) shorten() {
	// So many periods stay that they have 16 positions, and at least 3.
	cut := func(step int) { l.cutAll(step, max(3, (16+step-1)/step)) }
	for _, step := range []int{2, 4, 6, 12} {
		cut(step)
	}
	for step := 3; 3*step < len(l.pos) && step <= 256; step++ {
		cut(step)
	}
}

func (l *axis) cutAll(step, periods int) {
	for lo := 0; lo+step < len(l.pos); {
		hi := lo
		for hi+step < len(l.pos) && l.sig[hi] == l.sig[hi+step] {
			hi++
		}
		if run := (hi - lo) / step; run > periods {
			l.cut(lo, hi+step, lo+periods/2*step, (run-periods)*step)
			for hi = lo; hi+step < len(l.pos) && l.sig[hi] == l.sig[hi+step]; hi++ {
			}
		}
		lo = hi + 1
	}
}

// cut removes the indices [a, a+drop) of the repeating stretch [lo, hi), a whole number of periods, if nothing outside the stretch sends
// there and what the rest of the stretch sends there has an image in the stretch.
func (l *axis) cut(lo, hi, a, drop int) {
	for _, n := range l.next {
		for i, j := range n {
			if i >= a && i < a+drop || j < a || j >= a+drop {
				continue
			}
			if i < lo || i >= hi || i < a && j+drop >= hi || i >= a+drop && j-drop < lo {
				return
			}
		}
	}
	for c, n := range l.next {
		if n == nil {
			continue
		}
		out := make([]int, 0, len(n)-drop)
		for i, j := range n {
			switch {
			case i >= a && i < a+drop:
				continue
			case j < a:
			case j >= a+drop:
				j -= drop
			case i >= a+drop: // the image below, which the cut brings next to the sender
				j -= drop
			} // else the image above: its index after the cut is j
			out = append(out, j)
		}
		l.next[c] = out
	}
	l.pos = append(l.pos[:a:a], l.pos[a+drop:]...)
	l.class = append(l.class[:a:a], l.class[a+drop:]...)
	l.sign()
}
