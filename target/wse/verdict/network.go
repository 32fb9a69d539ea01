package verdict

import (
	"maps"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// Limits. Beyond them a verdict is Undecided.
const (
	maxPEs      = 1 << 14 // PEs executed
	maxSteps    = 30_000_000
	maxStepsPE  = 10_000 // per PE executed, when that is more
	maxMoves    = 200_000_000
	maxStates   = 30_000
	maxCopies   = 300_000     // PEs in all states together
	maxWork     = 100_000_000 // statements and wavelets moved while schedules are enumerated
	maxSchedule = 4000        // steps kept of a schedule
)

// ends of a route that lead nowhere.
const (
	endOffMesh = -1 - iota
	endNoRoute
	endNoQueue
)

// pipe is a chain of buffers: output queue, router buffers, input queue, as far as nothing branches.
type pipe struct {
	cap      int
	next     []int32   // pipes or ends that take from it, all at once; empty when a PE takes
	ports    [][]int32 // output queue with several colors: next by output of the class
	sources  int
	up       int32 // a pipe that fills it, -1
	writer   int32 // PE that fills it, -1
	reader   int32 // PE that takes from it, -1
	color    int
	x, y     int // where it begins, on the kept mesh
	outQueue bool
	router   *router // nil = a plain chain
}

// model is a program ready for execution on the kept part of its mesh.
type model struct {
	p      *wse.Program
	xs, ys []int
	codes  []*code
	class  []int // per PE, -1
	pipes  []pipe
	in     [][]int32 // PE, input of the class -> pipe
	out    [][]int32 // PE, output of the class -> pipe
	bad    string    // a construct that is not modelled
	loaded [][]int32 // per launch, see Options.Loaded

	routers     []*router
	routerAt    map[[2]int]*router // by PE and color
	dynamic     bool               // the program has switches, filters or control wavelets
	popCommands bool
	tears       bool // a control wavelet may tear routers down
}

func (m *model) x(pe int) int { return m.xs[pe%len(m.xs)] }
func (m *model) y(pe int) int { return m.ys[pe/len(m.xs)] }

// newModel builds the model of the whole mesh, or of the mesh cut to what is different.
func newModel(p *wse.Program, mach wse.Machine, cut bool) *model {
	m := &model{p: p, xs: all(p.W), ys: all(p.H), dynamic: p.Dynamic(), popCommands: mach.PopCommands, tears: mayTearDown(p),
		routerAt: map[[2]int]*router{}}
	if cut {
		code := codes(p)
		m.xs, m.ys = keep(p, code, false, true), keep(p, code, true, true)
		if m.populate(); m.class != nil && m.dynamic && !m.shortened() {
			m.codes, m.class = nil, nil
			m.xs, m.ys = keep(p, code, false, false), keep(p, code, true, false)
		}
	}
	if m.class == nil {
		m.populate()
	}
	if m.class != nil {
		m.fabric(mach)
	}
	return m
}

// populate compiles the classes and finds that of every PE, unless these are too many.
func (m *model) populate() {
	p := m.p
	if len(m.xs)*len(m.ys) > maxPEs {
		return
	}
	for _, c := range p.Classes {
		k := compile(c, p)
		m.codes = append(m.codes, k)
		if k.bad != "" {
			m.bad = k.bad
		}
	}
	m.class = make([]int, len(m.xs)*len(m.ys))
	for i := range m.class {
		m.class[i] = -1
		for c, k := range p.Classes {
			for _, r := range k.Regions {
				if r.Contains(m.x(i), m.y(i)) {
					m.class[i] = c
				}
			}
		}
	}
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// fabric lays the pipes: first one per buffer, then chains are joined.
func (m *model) fabric(mach wse.Machine) {
	n, w := len(m.class), len(m.xs)
	m.pipes = make([]pipe, 0, 20*n) // a PE of a halo exchange has 12 router buffers and 8 queues
	// Per PE and color: the route, its buffer, and the input queue. None of color -1, which a queue without one has.
	colors := 1 + mach.UsableColors
	for i := range m.p.Routes {
		colors = max(colors, 2+m.p.Routes[i].Color)
	}
	routes, slot, listens := make([]*wse.Route, n*colors), make([]int32, n*colors), make([]int32, n*colors)
	for i := range slot {
		slot[i], listens[i] = -1, -1
	}
	at := func(pe, color int) int { return pe*colors + color + 1 }
	add := func(q pipe) int32 {
		q.up, q.writer, q.reader = -1, -1, -1
		m.pipes = append(m.pipes, q)
		return int32(len(m.pipes) - 1)
	}
	for pe := range m.class {
		x, y := m.x(pe), m.y(pe)
		for i := range m.p.Routes {
			if r := &m.p.Routes[i]; r.Region.Contains(x, y) {
				routes[at(pe, r.Color)] = r
				q := pipe{cap: max(1, mach.RouterDepth), color: r.Color, x: pe % w, y: pe / w}
				if m.dynamic {
					q.router = m.special(*r, pe)
				}
				slot[at(pe, r.Color)] = add(q)
			}
		}
	}
	m.in, m.out = make([][]int32, n), make([][]int32, n)
	for pe, c := range m.class {
		if c < 0 {
			continue
		}
		k := m.codes[c]
		for _, q := range k.inputs {
			color := q.Color(m.x(pe), m.y(pe))
			i := add(pipe{cap: max(1, mach.InQueues[q.ID].Depth), color: color, x: pe % w, y: pe / w})
			m.pipes[i].reader = int32(pe)
			m.in[pe] = append(m.in[pe], i)
			if color >= 0 {
				listens[at(pe, color)] = i
			}
		}
	}
	link := func(from, to int32, rx wse.Dir) int32 {
		if to >= 0 {
			if d := m.pipes[to].router; d != nil {
				d.entry[from] = rx
			}
			m.pipes[to].sources++
			m.pipes[to].up = from
		}
		return to
	}
	for pe := range m.class {
		for color := 0; color < mach.UsableColors; color++ {
			r := routes[at(pe, color)]
			if r == nil {
				continue
			}
			from := slot[at(pe, color)]
			own := m.pipes[from].router
			for d := wse.North; d <= wse.Ramp; d++ {
				if own == nil && !r.Tx.Has(d) {
					continue
				}
				to := int32(endNoQueue)
				if d == wse.Ramp {
					if i := listens[at(pe, color)]; i >= 0 {
						to = i
					}
				} else {
					dx, dy := d.Delta()
					nx, ny := pe%w+dx, pe/w+dy
					to = endOffMesh
					if nx >= 0 && ny >= 0 && nx < w && ny < len(m.ys) {
						to = endNoRoute
						if t := at(ny*w+nx, color); slot[t] >= 0 && m.acceptsFrom(slot[t], *routes[t], d.Opposite()) {
							to = slot[t]
						}
					}
				}
				if own != nil {
					if own.sends(d) {
						own.target[d] = link(from, to, d.Opposite())
					}
					continue
				}
				m.pipes[from].next = append(m.pipes[from].next, link(from, to, d.Opposite()))
			}
		}
	}
	for pe, c := range m.class {
		if c < 0 {
			continue
		}
		k := m.codes[c]
		hw := make([]int32, len(k.hw))
		count := make([]int, len(k.hw))
		for i := range hw {
			hw[i] = add(pipe{cap: max(1, mach.OutQueues[k.hw[i]].Depth), color: -1, x: pe % w, y: pe / w, outQueue: true})
			m.pipes[hw[i]].writer = int32(pe)
		}
		fed := map[int]int{} // color -> hardware queue
		for i, q := range k.outputs {
			h := k.outHW[i]
			m.out[pe] = append(m.out[pe], hw[h])
			color := q.Color(m.x(pe), m.y(pe))
			if other, ok := fed[color]; ok && other != h && color >= 0 {
				m.bad = "two output queues of class " + k.class.Name + " feed one color: the order of their wavelets is not modelled"
			}
			fed[color] = h
			to := int32(endNoRoute)
			if t := at(pe, color); slot[t] >= 0 && m.acceptsFrom(slot[t], *routes[t], wse.Ramp) {
				to = slot[t]
			}
			b := &m.pipes[hw[h]]
			b.color = color
			for len(b.ports) <= i {
				b.ports = append(b.ports, nil)
			}
			b.ports[i] = []int32{link(hw[h], to, wse.Ramp)}
			b = &m.pipes[hw[h]]
			b.next = b.ports[i]
			count[h]++
		}
		for h := range hw {
			if count[h] == 1 {
				m.pipes[hw[h]].ports = nil
			}
		}
	}
	m.join()
}

// join merges each pipe with its only follower when that has no other source.
func (m *model) join() {
	into := make([]int32, len(m.pipes)) // pipe -> the pipe it became part of
	for i := range into {
		into[i] = int32(i)
	}
	for i := range m.pipes {
		if into[i] != int32(i) {
			continue
		}
		b := &m.pipes[i]
		for b.router == nil && b.ports == nil && len(b.next) == 1 && b.next[0] >= 0 {
			j := b.next[0]
			c := &m.pipes[j]
			if c.sources != 1 || int(j) == i || into[j] != j || c.router != nil {
				break
			}
			b.cap += c.cap
			b.next, b.reader = c.next, c.reader
			into[j] = int32(i)
			if b.color < 0 {
				b.color = c.color
			}
		}
	}
	find := func(i int32) int32 {
		for i >= 0 && into[i] != i {
			i = into[i]
		}
		return i
	}
	for i := range m.pipes {
		b := &m.pipes[i]
		for j := range b.next {
			b.next[j] = find(b.next[j])
		}
		for _, t := range b.ports {
			for j := range t {
				t[j] = find(t[j])
			}
		}
	}
	for i := range m.pipes {
		if into[i] != int32(i) {
			continue
		}
		b := &m.pipes[i]
		targets := append([][]int32{b.next}, b.ports...)
		for _, t := range targets {
			for _, j := range t {
				if j >= 0 {
					m.pipes[j].up = int32(i)
				}
			}
		}
	}
	for i := range m.pipes {
		d := m.pipes[i].router
		if d == nil {
			continue
		}
		entry := map[int32]wse.Dir{}
		for from, rx := range d.entry {
			entry[find(from)] = rx
		}
		d.entry, d.from = entry, slices.Sorted(maps.Keys(entry))
		for j, t := range d.target {
			if d.target[j] = find(t); t >= 0 {
				m.pipes[find(t)].up = int32(i)
			}
		}
	}
	for _, l := range [][][]int32{m.in, m.out} {
		for _, q := range l {
			for j := range q {
				q[j] = find(q[j])
			}
		}
	}
	for pe := range m.in {
		for _, i := range m.in[pe] {
			m.pipes[i].reader = int32(pe)
		}
	}
}

// acceptsFrom reports whether the router of a slot accepts wavelets from a port, in some setting.
func (m *model) acceptsFrom(slot int32, r wse.Route, rx wse.Dir) bool {
	if d := m.pipes[slot].router; d != nil {
		return d.rx>>rx&1 == 1
	}
	return r.Rx == rx
}

// sends reports whether some setting sends to a port.
func (d *router) sends(port wse.Dir) bool {
	for _, w := range d.sets {
		for _, p := range w.pos {
			if p.Tx.Has(port) {
				return true
			}
		}
	}
	return false
}
