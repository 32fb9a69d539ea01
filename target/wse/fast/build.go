package fast

import (
	"encoding/binary"
	"math/bits"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Targets of a router buffer's port that cannot take a wavelet.
const (
	noTarget   = -1
	leavesMesh = -2
	notRouted  = -3
	noQueue    = -4
)

// slot is the router buffer of one color with its route, the same in all PEs of a shape.
type slot struct {
	rx     wse.Dir
	tx     uint8
	turn   turn
	from   wse.Dir  // port by which neighbours fill it, the ramp if none does
	many   bool     // wavelets of its color say where they come from
	target [5]int32 // slot of the neighbour, or input queue for the ramp
	up     int32    // slot of the PE in direction from that fills this one, -1
	ring   ring     // of the stream that begins here
}

// ring says where the values of streams lie: that of wavelet k of stream i is at ringBase[class] + (k & mask)*count + i.
type ring struct {
	class int8  // capacity 1<<class wavelets; -1 = no stream
	first int32 // stream of the shape's first PE, for senders
}

// shape is a set of PEs that are built alike: class, params, routes and queues. Colors may differ.
type shape struct {
	id      int
	k       *code // nil: a router without code
	class   int32
	slots   []slot
	outs    []int32   // slot of each output binding, or negative
	ins     []int8    // ring class of each source: the input queues, then the senders of those that have several; -1 = nothing comes
	src     [][]int32 // per source and PE: the stream that it reads
	by      [][]int32 // per input queue with several senders: the source by the number of routers that a wavelet has passed
	params  []uint32
	link    [4]bool // a slot is joined to that neighbour
	turning bool    // wavelets of some slot say where they come from
	pes     []int32
	mem     []uint32 // row r of PE m is mem[r*len(pes)+m]
	items   []item   // operations not carried out yet
	free    []*group // merged away, for reuse
}

// fabric is the table of all router buffers, needed to find the shapes only.
type fabric struct {
	w, h   int
	first  []int32
	color  []int8
	rx, tx []uint8
	turn   []turn
	many   uint64  // colors
	root   []int32 // slot at the ramp the wavelets come from, -1 = none
	length []int32 // routers from there
	ring   []int8  // class of the stream that begins here
}

var dx, dy = [5]int{0, 1, 0, -1, 0}, [5]int{-1, 0, 1, 0, 0}

func (f *fabric) neighbour(pe int, d wse.Dir) int {
	x, y := pe%f.w+dx[d], pe/f.w+dy[d]
	if x < 0 || y < 0 || x >= f.w || y >= f.h {
		return -1
	}
	return y*f.w + x
}

func (f *fabric) find(pe int, color int8) int32 {
	for i := f.first[pe]; i < f.first[pe+1]; i++ {
		if f.color[i] == color {
			return i
		}
	}
	return notRouted
}

// each calls f for every PE of a region inside the mesh.
func each(w, h int, r wse.Region, f func(pe int)) {
	for y := r.Y.Lo; y < min(r.Y.Hi, h); y += max(1, r.Y.Step) {
		for x := r.X.Lo; x < min(r.X.Hi, w); x += max(1, r.X.Step) {
			f(y*w + x)
		}
	}
}

// New makes an engine for a program. The error is that of wse.Check, or an *Unsupported. limit is the number of groups at which the
// program is left to the plain engine, -1 = never; 0 = when that is faster.
func New(p *wse.Program, m wse.Machine, opt sim.Options, limit int) (*Sim, error) {
	if !opt.Checked {
		if err := wse.Check(p, m); err != nil {
			return nil, err
		}
		opt.Checked = true // for the plain engine, should it go on
	}
	if err := check(p); err != nil {
		return nil, err
	}
	if m.StealTicks > 0 {
		return nil, unsupported("microthreads take cycles of the CE on %s", m.Name)
	}
	if len(opt.Faults) > 0 || opt.OpCycles || opt.Sink != nil {
		return nil, unsupported("faults, events or cycles per instruction are asked for")
	}
	lays, err := wse.Layout(p, m)
	if err != nil {
		return nil, diag.New("WF0509", diag.Span{}, "%v", err)
	}
	s := &Sim{prog: p, m: m, opt: opt, w: p.W, h: p.H, limit: limit, piece: most, parallel: parallel}
	for i, c := range p.Classes {
		k, err := compile(c, lays[i], m)
		if err != nil {
			return nil, err
		}
		s.codes = append(s.codes, k)
	}
	s.perClass = make([]sim.ClassStats, len(s.codes))
	s.lookahead = 1 + int64(max(1, m.RampOutCycles)) + int64(max(1, m.RampInCycles))
	class := make([]int32, s.w*s.h)
	for i := range class {
		class[i] = -1
	}
	for i, c := range p.Classes {
		for _, r := range c.Regions {
			each(s.w, s.h, r, func(pe int) { class[pe] = int32(i) })
		}
	}
	for _, c := range class {
		if c >= 0 {
			s.nPEs++
		}
	}
	s.account = looks * opening * int64(s.nPEs)
	if s.kinds = max(0, limit); limit == 0 {
		s.kinds = s.nPEs / 8 // of stencils and products there is one in 20 to 100 PEs, of reduction trees one in 6
	}
	f, err := s.routers(m.UsableColors)
	if err != nil {
		return nil, err
	}
	if err := s.shapes(f, class); err != nil {
		return nil, err
	}
	s.streams(f, class)
	s.begins()
	return s, nil
}

// routers lists the router buffers, by PE and ascending color.
func (s *Sim) routers(colors int) (*fabric, error) {
	n := s.w * s.h
	f := &fabric{w: s.w, h: s.h, first: make([]int32, n+1), many: turning(s.prog)}
	for _, r := range s.prog.Routes {
		if r.Color < colors {
			each(s.w, s.h, r.Region, func(pe int) { f.first[pe+1]++ })
		}
	}
	for pe := range n {
		f.first[pe+1] += f.first[pe]
	}
	total := f.first[n]
	f.color, f.rx, f.tx = make([]int8, total), make([]uint8, total), make([]uint8, total)
	f.turn = make([]turn, total)
	fill := append([]int32(nil), f.first[:n]...)
	for color := range colors {
		for _, r := range s.prog.Routes {
			if r.Color == color {
				tn, err := turnOf(&r)
				if err != nil {
					return nil, err
				}
				each(s.w, s.h, r.Region, func(pe int) {
					i := fill[pe]
					f.color[i], f.rx[i], f.tx[i], f.turn[i] = int8(color), uint8(r.Rx), uint8(r.Tx), tn
					fill[pe]++
				})
			}
		}
	}
	return f, nil
}

// from is the port by which neighbours fill slot i.
func (f *fabric) from(i int32) wse.Dir { return f.turn[i].from(wse.Dir(f.rx[i])) }

// several reports whether the wavelets of slot i say where they come from.
func (f *fabric) several(i int32) bool { return f.many>>f.color[i]&1 == 1 }

// up is the slot that fills slot i of a PE, -1 when none does.
func (f *fabric) up(pe int, i int32) (q int, j int32) {
	d := f.from(i)
	if d == wse.Ramp {
		return pe, -1
	}
	if q = f.neighbour(pe, d); q < 0 {
		return q, -1
	}
	if j = f.find(q, f.color[i]); j < 0 || f.tx[j]>>d.Opposite()&1 == 0 {
		return q, -1
	}
	return q, j
}

// origin follows the route of slot i back to its ramp and remembers the way.
func (f *fabric) origin(pe int, i int32) {
	const walking = -3
	type place struct {
		pe int
		i  int32
	}
	var path []place
	for f.root[i] == -2 {
		if wse.Dir(f.rx[i]) == wse.Ramp {
			f.root[i], f.length[i] = i, 1
			break
		}
		f.root[i] = walking
		path = append(path, place{pe, i})
		q, j := f.up(pe, i)
		if j < 0 {
			break
		}
		pe, i = q, j
	}
	root, n := f.root[i], f.length[i]
	if root < 0 { // a circle, or nothing sends
		root = -1
	}
	for k := len(path) - 1; k >= 0; k-- {
		n++
		f.root[path[k].i], f.length[path[k].i] = root, n
	}
}

// shapes finds the PEs that are built alike and numbers their streams.
func (s *Sim) shapes(f *fabric, class []int32) error {
	total := len(f.color)
	f.root, f.length, f.ring = make([]int32, total), make([]int32, total), make([]int8, total)
	for i := range f.root {
		f.root[i], f.ring[i] = -2, -1
	}
	deepest := 1
	for _, q := range s.m.OutQueues {
		deepest = max(deepest, q.Depth)
	}
	// The ring of a stream holds twice what can be between its ramp and the farthest sink: see batch.
	for pe, c := range class {
		if c < 0 {
			continue
		}
		for _, q := range s.codes[c].inputs {
			i := f.find(pe, int8(q.Color(pe%s.w, pe/s.w)))
			if i < 0 || f.tx[i]>>wse.Ramp&1 == 0 {
				continue
			}
			hold := func(root int32, routers int) {
				most := routers*max(1, s.m.RouterDepth) + deepest + max(1, s.m.InQueues[q.ID].Depth)
				f.ring[root] = max(f.ring[root], int8(bits.Len(uint(2*most-1))))
			}
			if f.several(i) {
				for _, x := range f.senders(pe, i) {
					hold(x.root, x.passed+1)
				}
				continue
			}
			f.origin(pe, i)
			if r := f.root[i]; r >= 0 {
				hold(r, int(f.length[i]))
			}
		}
		// A color that nobody takes still has a stream, though nothing reads it.
		for _, q := range s.codes[c].outputs {
			if i := f.find(pe, int8(q.Color(pe%s.w, pe/s.w))); i >= 0 && f.turn[i].takes(wse.Dir(f.rx[i]), wse.Ramp) {
				f.ring[i] = max(f.ring[i], 0)
			}
		}
	}
	s.shapeOf, s.at = make([]int32, s.w*s.h), make([]int32, s.w*s.h)
	known := map[string]int32{}
	var key []byte
	probe := &shape{} // of the PE at hand; copied when it is new
	for pe, c := range class {
		if c < 0 && f.first[pe] == f.first[pe+1] {
			s.shapeOf[pe] = -1
			continue
		}
		var err error
		s.shape(probe, f, pe, c)
		if key, err = s.key(key[:0], probe); err != nil {
			return err
		}
		id, ok := known[string(key)]
		if !ok {
			id = int32(len(s.all))
			known[string(key)] = id
			if s.kinds > 0 && len(s.all) > s.kinds {
				return unsupported("its PEs have too little in common (more than %d kinds of %d PEs)", s.kinds, s.nPEs)
			}
			sh := *probe
			sh.id = int(id)
			s.all = append(s.all, &sh)
			probe = &shape{}
		}
		sh := s.all[id]
		s.shapeOf[pe], s.at[pe] = id, int32(len(sh.pes))
		sh.pes = append(sh.pes, int32(pe))
	}
	return nil
}

// key is equal for PEs that are built alike.
func (s *Sim) key(b []byte, sh *shape) ([]byte, error) {
	b = binary.AppendVarint(b, int64(sh.class))
	for i := range sh.slots {
		sl := &sh.slots[i]
		b = append(b, byte(sl.rx), sl.tx, byte(sl.up), byte(sl.ring.class), sl.turn.key(sl.many))
		for _, t := range sl.target {
			b = append(b, byte(t))
		}
	}
	b = append(b, 255)
	for i, o := range sh.outs {
		b = append(b, byte(o))
		for j := range i {
			if o >= 0 && sh.outs[j] == o && sh.k.outHW[i] != sh.k.outHW[j] {
				return b, unsupported("two output queues of class %s send one color", sh.k.class.Name)
			}
		}
	}
	for _, o := range sh.ins {
		b = append(b, byte(o))
	}
	for q, by := range sh.by {
		for n, id := range by {
			if id >= 0 {
				b = binary.AppendVarint(append(b, 254, byte(q)), int64(n))
			}
		}
	}
	for _, v := range sh.params {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b, nil
}

// shape describes in sh how a PE is built.
func (s *Sim) shape(sh *shape, f *fabric, pe int, c int32) {
	*sh = shape{class: c, slots: sh.slots[:0], outs: sh.outs[:0], ins: sh.ins[:0], by: sh.by[:0], params: sh.params[:0]}
	x, y := pe%s.w, pe/s.w
	if c >= 0 {
		sh.k = s.codes[c]
		for _, p := range sh.k.class.Params {
			sh.params = append(sh.params, uint32(p.Base+p.PX*int32(x)+p.PY*int32(y)))
		}
	}
	first := f.first[pe]
	for i := first; i < f.first[pe+1]; i++ {
		sl := slot{rx: wse.Dir(f.rx[i]), tx: f.tx[i], turn: f.turn[i], from: f.from(i), many: f.several(i), up: -1, ring: ring{class: f.ring[i]}}
		sh.turning = sh.turning || sl.many
		if q, j := f.up(pe, i); j >= 0 {
			sl.up = j - f.first[q]
			sh.link[sl.from] = true
		}
		for d := wse.North; d <= wse.Ramp; d++ {
			sl.target[d] = s.target(f, sh, pe, i, d)
			if d < wse.Ramp && sl.target[d] >= 0 {
				sh.link[d] = true
			}
		}
		sh.slots = append(sh.slots, sl)
	}
	if sh.k == nil {
		return
	}
	for _, q := range sh.k.outputs {
		i := f.find(pe, int8(q.Color(x, y)))
		if i >= 0 {
			if i -= first; !sh.slots[i].turn.takes(sh.slots[i].rx, wse.Ramp) {
				i = notRouted
			}
		}
		sh.outs = append(sh.outs, i)
	}
	for _, q := range sh.k.inputs {
		r := int8(-1)
		if i := f.find(pe, int8(q.Color(x, y))); i >= 0 && f.tx[i]>>wse.Ramp&1 == 1 && !f.several(i) && f.root[i] >= 0 {
			r = f.ring[f.root[i]]
		}
		sh.ins, sh.by = append(sh.ins, r), append(sh.by, nil)
	}
	for n, q := range sh.k.inputs {
		i := f.find(pe, int8(q.Color(x, y)))
		if i < 0 || f.tx[i]>>wse.Ramp&1 == 0 || !f.several(i) {
			continue
		}
		sh.by[n] = []int32{}
		for _, from := range f.senders(pe, i) {
			for len(sh.by[n]) <= from.passed {
				sh.by[n] = append(sh.by[n], -1)
			}
			sh.by[n][from.passed] = int32(len(sh.ins))
			sh.ins = append(sh.ins, f.ring[from.root])
		}
	}
}

// target is where port d of slot i leads.
func (s *Sim) target(f *fabric, sh *shape, pe int, i int32, d wse.Dir) int32 {
	if f.tx[i]>>d&1 == 0 {
		return noTarget
	}
	if d == wse.Ramp {
		to := int32(noQueue)
		if sh.k != nil {
			for n, q := range sh.k.inputs {
				if int8(q.Color(pe%s.w, pe/s.w)) == f.color[i] {
					to = int32(n)
				}
			}
		}
		return to
	}
	q := f.neighbour(pe, d)
	if q < 0 {
		return leavesMesh
	}
	if j := f.find(q, f.color[i]); j >= 0 && f.turn[j].takes(wse.Dir(f.rx[j]), d.Opposite()) {
		return j - f.first[q]
	}
	return notRouted
}

// streams numbers the streams, sender by sender, and tells every sink its own.
func (s *Sim) streams(f *fabric, class []int32) {
	for _, sh := range s.all {
		for i := range sh.slots {
			if r := &sh.slots[i].ring; r.class >= 0 {
				r.first = s.rings[r.class].count
				s.rings[r.class].count += int32(len(sh.pes))
			}
		}
	}
	slotPE := make([]int32, len(f.color))
	for pe := range class {
		for i := f.first[pe]; i < f.first[pe+1]; i++ {
			slotPE[i] = int32(pe)
		}
	}
	for _, sh := range s.all {
		if sh.k != nil {
			sh.mem = make([]uint32, int(sh.k.nrows)*len(sh.pes))
		}
		sh.src = make([][]int32, len(sh.ins))
		for n := range sh.by {
			if sh.by[n] == nil && sh.ins[n] >= 0 {
				sh.src[n] = make([]int32, len(sh.pes))
			}
			for _, id := range sh.by[n] {
				if id >= 0 {
					sh.src[id] = make([]int32, len(sh.pes))
				}
			}
			for m, pe := range sh.pes {
				stream := func(root int32) int32 {
					from := slotPE[root]
					return s.all[s.shapeOf[from]].slots[root-f.first[from]].ring.first + s.at[from]
				}
				i := f.find(int(pe), int8(sh.k.inputs[n].Color(int(pe)%s.w, int(pe)/s.w)))
				if sh.src[n] != nil {
					sh.src[n][m] = stream(f.root[i])
				} else if sh.by[n] != nil {
					for _, x := range f.senders(int(pe), i) {
						sh.src[sh.by[n][x.passed]][m] = stream(x.root)
					}
				}
			}
		}
	}
	for c := range s.rings {
		s.rings[c].val = make([]uint32, int(s.rings[c].count)<<c)
	}
}

// begins makes one group per shape and gives arrays and registers their first values.
func (s *Sim) begins() {
	s.groupOf = make([]*group, s.w*s.h)
	for _, sh := range s.all {
		ms := make([]int32, len(sh.pes))
		for i := range ms {
			ms[i] = int32(i)
		}
		g := s.newGroup(sh, ms)
		for _, pe := range sh.pes {
			s.groupOf[pe] = g
		}
		s.groups = append(s.groups, g)
		if sh.k == nil {
			continue
		}
		for i, t := range sh.k.tasks {
			if t.t.Blocked {
				g.blocked |= 1 << i
			}
		}
		copy(g.regs, sh.params)
		n := len(sh.pes)
		for i, a := range sh.k.class.Arrays {
			if a.Init == nil {
				continue
			}
			for j := range a.Len {
				row := sh.mem[(int(sh.k.row[i])+j)*n:][:n]
				for m, pe := range sh.pes {
					row[m] = sim.Encode(a.Elem, a.Init.At(j, int(pe)%s.w, int(pe)/s.w))
				}
			}
		}
	}
	for _, g := range s.groups {
		s.adjoin(g)
	}
}
