package sim

import (
	"math/bits"

	"github.com/wfc-lang/wfc/target/wse"
)

// mayBind is the target of the ramp port of a color that no input queue has now and a rebind can give to one.
const mayBind = -5

// dynamic is what a router buffer can do besides following a static route.
type dynamic struct {
	pos       []wse.Position
	at, start int
	ring      bool
	pop       wse.PopMode
	torn      bool
	rxEver    uint8 // ports that some position or reroute accepts
	filter    *wse.Filter
	counter   int
}

// later is a change of a router by a CE, carried out at the end of the cycle.
type later struct {
	pe      int32
	line    string
	reroute *wse.Reroute
	in, out int32 // rebind of this queue, -1 = not
	color   int32
}

// makeDynamic prepares the routers of a program that changes them. It runs between the making of buffers and their linking.
func (s *Sim) makeDynamic(routes []wse.Route) {
	if !s.prog.Dynamic() {
		return
	}
	s.dyn = make([]*dynamic, len(s.slots))
	s.flushing = make([]bool, s.w*s.h)
	for _, r := range routes {
		if r.Switch == nil && r.Filter == nil && !r.Teardown {
			continue
		}
		s.each(r.Region, func(pe int) {
			i := s.findSlot(pe, int32(r.Color))
			d := &dynamic{filter: r.Filter, torn: r.Teardown}
			for p := 0; p < r.Positions(); p++ {
				d.pos = append(d.pos, r.At(p))
				d.rxEver |= 1 << r.At(p).Rx
			}
			if w := r.Switch; w != nil {
				d.at, d.start, d.ring, d.pop = w.Start, w.Start, w.Ring, w.Pop
			}
			if d.filter != nil {
				d.counter = d.filter.Init
			}
			s.dyn[i] = d
			s.setting(i)
		})
	}
	for pe, c := range s.class {
		if c < 0 {
			continue
		}
		for _, x := range s.codes[c].reroutes {
			if i := s.findSlot(pe, int32(x.Color)); i >= 0 {
				for _, p := range x.Route().Settings() {
					s.dynOf(i).rxEver |= 1 << p.Rx
				}
			}
		}
	}
}

// dynOf makes a static buffer dynamic.
func (s *Sim) dynOf(i int32) *dynamic {
	if s.dyn[i] == nil {
		sl := &s.slots[i]
		s.dyn[i] = &dynamic{pos: []wse.Position{{Rx: sl.rx, Tx: wse.DirSet(sl.tx)}}, rxEver: 1 << sl.rx}
	}
	return s.dyn[i]
}

// setting copies the position of a switch into its buffer.
func (s *Sim) setting(i int32) {
	d := s.dyn[i]
	s.slots[i].rx, s.slots[i].tx = d.pos[d.at].Rx, uint8(d.pos[d.at].Tx)
}

// everFrom reports whether a buffer accepts wavelets from a port, now or in another setting.
func (s *Sim) everFrom(i int32, from wse.Dir) bool {
	if s.dyn != nil && s.dyn[i] != nil {
		return s.dyn[i].rxEver>>from&1 == 1
	}
	return s.slots[i].rx == from
}

// takes reports whether a buffer accepts wavelets from a port in this cycle: by the setting that the commands of the wavelets it holds lead
// to, so that each wavelet enters and leaves in one setting.
func (s *Sim) takes(i int32, from wse.Dir) bool {
	d := s.dyn[i]
	if d == nil {
		return true
	}
	if d.torn {
		return false
	}
	f, at := &s.fifos[i], d.at
	for k := int32(0); k < f.n; k++ {
		w := &s.ring[f.off+(f.head+k)%f.cap]
		c := w.command()
		if c == wse.CmdTeardown {
			return false
		}
		at = d.after(at, c)
	}
	return d.pos[at].Rx == from
}

// command is what the first router that a wavelet passes, or the next one, obeys behind it.
func (w *wavelet) command() wse.Command {
	switch {
	case w.aux&isControl != 0:
		return wse.CommandOf(w.val)
	case w.aux&isLast != 0:
		return wse.CmdAdvance
	}
	return wse.CmdNop
}

// after is the position to which a command leads from position at.
func (d *dynamic) after(at int, c wse.Command) int {
	switch {
	case c == wse.CmdAdvance && at+1 < len(d.pos):
		return at + 1
	case c == wse.CmdAdvance && d.ring:
		return 0
	case c == wse.CmdReset:
		return d.start
	}
	return at
}

// leaves are the ports by which a wavelet leaves buffer i: not the ramp when a filter or the wavelet itself says so.
func (s *Sim) leaves(i int32, w *wavelet) uint8 {
	tx := s.slots[i].tx
	if tx>>wse.Ramp&1 == 0 {
		return tx
	}
	away := false
	if w.aux&isControl != 0 {
		away = wse.IgnoredByCE(w.val)
	} else if d := s.dyn[i]; d != nil && d.filter != nil {
		ok, _ := d.filter.Passes(w.val, d.counter)
		away = !ok
	}
	if away {
		tx &^= 1 << wse.Ramp
	}
	return tx
}

// forwardDynamic is forward for programs that change their routers.
func (s *Sim) forwardDynamic(i int32, t, end int64) (next int64, err error) {
	if d := s.dyn[i]; d != nil && d.torn {
		return never, nil
	}
	sl := &s.slots[i]
	tx := uint(s.leaves(i, s.head(&s.fifos[i])))
	free := s.linkFree[int(sl.pe)*numPorts : int(sl.pe)*numPorts+5]
	for m := tx; m != 0; m &= m - 1 {
		d := wse.Dir(bits.TrailingZeros(m))
		to := sl.target[d]
		if to == mayBind {
			return never, nil
		}
		if to < 0 {
			return 0, s.lost(i, d)
		}
		if free[d] >= end {
			return free[d] / ticks, nil
		}
		if f := &s.fifos[to]; f.n == f.cap || d != wse.Ramp && !s.takes(to, d.Opposite()) {
			return never, nil
		}
	}
	for m := tx; m != 0; m &= m - 1 {
		s.claim(free, int(sl.pe), bits.TrailingZeros(m), t)
	}
	s.moves = append(s.moves, i)
	return never, nil
}

// commitDynamic carries out the move of buffer i: the wavelet goes where the setting says, then its command is obeyed.
func (s *Sim) commitDynamic(i int32, t int64) {
	sl, d := &s.slots[i], s.dyn[i]
	tx, all := s.leaves(i, s.head(&s.fifos[i])), sl.tx
	if s.tr != nil {
		sl.tx = tx
		s.tr.hop(i, t)
		sl.tx = all
	}
	w := s.leave(i, t)
	if s.faults != nil {
		w.val = s.flip(i, w.val)
	}
	s.copied += int64(bits.OnesCount8(tx)) - 1
	command := w.command()
	w.aux &^= isLast
	switch {
	case w.aux&isControl != 0:
		if d != nil && len(d.pos) > 1 && s.m.PopCommands && (d.pop == wse.PopAlways || d.pop == wse.PopOnAdvance && command == wse.CmdAdvance) {
			w.val = wse.PopCommand(w.val)
		}
	case d != nil && d.filter != nil:
		_, d.counter = d.filter.Passes(w.val, d.counter)
	}
	s.deliver(sl, tx, w, t)
	if w.aux&isControl != 0 || d != nil {
		s.obey(i, command, t)
	}
}

// obey has the router of buffer i follow a command, from the next cycle on.
func (s *Sim) obey(i int32, c wse.Command, t int64) {
	if c == wse.CmdTeardown {
		s.dynOf(i).torn = true
		s.handle(s.slots[i].pe, int32(s.slots[i].color))
	}
	d := s.dyn[i]
	if d == nil {
		return
	}
	d.at = d.after(d.at, c)
	s.setting(i)
	s.link(i)
	s.around(s.slots[i].pe, t)
}

// handle starts the PE's handler of a color that was torn down.
func (s *Sim) handle(pe, color int32) {
	if s.class[pe] < 0 {
		return
	}
	k := s.codes[s.class[pe]]
	for _, i := range k.handlers {
		if k.tasks[i].t.ID == int(color) {
			s.activate(int(pe), i)
		}
	}
}

// around wakes a router and its neighbours.
func (s *Sim) around(pe int32, t int64) {
	s.rnext[pe] = min(s.rnext[pe], t+1)
	x, y := int(pe)%s.w, int(pe)/s.w
	for d := wse.North; d < wse.Ramp; d++ {
		dx, dy := d.Delta()
		if nx, ny := x+dx, y+dy; nx >= 0 && ny >= 0 && nx < s.w && ny < s.h {
			n := ny*s.w + nx
			s.rnext[n] = min(s.rnext[n], t+1)
			if s.trains != nil && s.trains.of[n] != 0 {
				s.roused = append(s.roused, s.trains.of[n])
			}
		}
	}
}

// change carries out what CEs did to their routers in cycle t.
func (s *Sim) change(t int64) {
	for _, l := range s.laters {
		pe := int(l.pe)
		switch {
		case l.reroute != nil:
			i := s.findSlot(pe, int32(l.reroute.Color))
			d := s.dynOf(i)
			d.pos, d.torn = l.reroute.Route().Settings(), false
			d.at, d.start, d.ring, d.pop = 0, 0, false, wse.PopNever
			if w := l.reroute.Switch; w != nil {
				d.at, d.start, d.ring, d.pop = w.Start, w.Start, w.Ring, w.Pop
			}
			s.setting(i)
			s.link(i)
		case l.out >= 0:
			s.outSlot[s.outBind[pe]+l.out] = s.fromRamp(pe, l.color)
		default:
			f := s.inOf[pe] + l.in
			if s.fifos[f].n > 0 && s.err == nil {
				s.err = s.fail(pe, l.line, "queue %s is rebound while wavelets of its old color arrive", s.codes[s.class[pe]].inputs[l.in].Name)
			}
			s.inColor[f-s.inOf[0]] = l.color
			for i := s.slotOf[pe]; i < s.slotOf[pe+1]; i++ {
				s.link(i)
			}
		}
		s.around(l.pe, t)
	}
	s.laters = s.laters[:0]
}

// fromRamp is the router buffer that an output queue of a color feeds, or notRouted.
func (s *Sim) fromRamp(pe int, color int32) int32 {
	if i := s.findSlot(pe, color); i >= 0 && s.everFrom(i, wse.Ramp) {
		return i
	}
	return notRouted
}

// toQueue is the input queue that takes a color now.
func (s *Sim) toQueue(pe int, color int32) int32 {
	if s.class[pe] < 0 {
		return noQueue
	}
	for q := s.inOf[pe]; q < s.inOf[pe+1]; q++ {
		if s.inColor[q-s.inOf[0]] == color {
			return q
		}
	}
	for _, r := range s.codes[s.class[pe]].rebinds {
		if !r.out && int32(r.x.Color(pe%s.w, pe/s.w)) == color {
			return mayBind
		}
	}
	return noQueue
}

// rebind is the statement: false when the CE has to wait for the queue to become empty.
func (s *Sim) rebind(pe int, k *code, in *ins) (bool, error) {
	r := in.rebind
	color := int32(r.x.Color(pe%s.w, pe/s.w))
	if color < 0 {
		return false, s.fail(pe, in.line, "rebind gives queue %s no color in this PE", r.x.Queue)
	}
	thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
	l := later{pe: int32(pe), line: in.line, in: -1, out: -1, color: color}
	if r.out {
		busy := s.fifos[s.outOf[pe]+k.outHW[r.queue]].n > 0
		for i := range thr {
			busy = busy || thr[i].d != nil && thr[i].d.fabOut && k.outHW[thr[i].d.dst.queue] == k.outHW[r.queue]
		}
		if s.flushing[pe] = busy; busy {
			return false, nil
		}
		l.out = r.queue
	} else {
		if s.fifos[s.inOf[pe]+r.queue].n > 0 || receiving(thr, r.queue) {
			return false, s.fail(pe, in.line, "queue %s cannot be rebound while it holds wavelets or an operation receives from it", r.x.Queue)
		}
		if q := s.toQueue(pe, color); q >= 0 && q != s.inOf[pe]+r.queue {
			return false, s.fail(pe, in.line, "color %d is already delivered to queue %s", color, k.inputs[q-s.inOf[pe]].Name)
		}
		l.in = r.queue
	}
	s.laters = append(s.laters, l)
	return true, nil
}

// state says how a dynamic router stands, for messages.
func (d *dynamic) state() string {
	p := d.pos[d.at]
	s := "its route is rx " + p.Rx.String() + ", tx " + p.Tx.String()
	if len(d.pos) > 1 {
		s = "its switch is in position " + string(rune('0'+d.at)) + ", rx " + p.Rx.String() + ", tx " + p.Tx.String()
	}
	if d.torn {
		s = "it is torn down"
	}
	return s
}
