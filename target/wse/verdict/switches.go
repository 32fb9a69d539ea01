package verdict

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// Routers with switches, filters or teardown are processes of their own: one reads from the port of its present setting until a
// command changes the setting, and accepts nothing behind that before it has left (the machine takes what the next setting accepts, which
// is more room and the same order). So they choose by what they have read and
// not by what comes first, and the network stays Kahn's. A reroute is supported as the end of a teardown, which only opens.

// setting is what a route or a reroute makes of a router.
type setting struct {
	pos   []wse.Position
	start int
	ring  bool
	pop   wse.PopMode
}

func settingOf(r wse.Route) setting {
	out := setting{pos: r.Settings()}
	if s := r.Switch; s != nil {
		out.start, out.ring, out.pop = s.Start, s.Ring, s.Pop
	}
	return out
}

// router is a buffer that does more than follow one route.
type router struct {
	sets   []setting // the route, then the reroutes of the class
	pe     int
	color  int
	filter *wse.Filter
	torn   bool
	gated  bool // accepts from the present port only, and nothing behind a control wavelet
	rx     uint8
	entry  map[int32]wse.Dir // pipe that feeds it -> port
	from   []int32           // keys of entry, ascending
	target [5]int32          // by port; meaningful for ports of some setting
	index  int               // in state.routers
}

// routerState is where a router stands.
type routerState struct {
	at      int
	torn    bool
	counter int
	set     int // 0 = the route, else one more than the number of the reroute in the class
}

// special makes the router of a route that is more than a chain of buffers; nil otherwise. In programs with control wavelets any
// router may have to keep one from its ramp.
func (m *model) special(r wse.Route, pe int) *router {
	d := &router{sets: []setting{settingOf(r)}, pe: pe, color: r.Color, filter: r.Filter, torn: r.Teardown, entry: map[int32]wse.Dir{}}
	d.gated = r.Switch != nil || r.Filter != nil || r.Teardown
	if c := m.class[pe]; c >= 0 {
		for _, x := range m.codes[c].reroutes {
			d.sets = append(d.sets, settingOf(x.Route()))
			if x.Color == r.Color {
				d.gated = true
			} else {
				d.sets[len(d.sets)-1] = setting{} // of another color
			}
		}
	}
	toRamp := false
	for _, w := range d.sets {
		for _, p := range w.pos {
			d.rx |= 1 << p.Rx
			toRamp = toRamp || p.Tx.Has(wse.Ramp)
		}
	}
	if !d.gated && !toRamp && !m.tears {
		return nil
	}
	for i := range d.target {
		d.target[i] = endNoRoute
	}
	d.index = len(m.routers)
	m.routers = append(m.routers, d)
	m.routerAt[[2]int{pe, d.color}] = d
	return d
}

// mayTearDown reports whether a control wavelet of the program may carry a teardown.
func mayTearDown(p *wse.Program) (found bool) {
	p.Controls(func(_ *wse.Class, o *wse.Op) {
		if len(o.Src) == 0 || o.Src[0].Kind != wse.Imm || o.Code != wse.OpMov {
			found = true
			return
		}
		w := o.Src[0].Bits
		for range wse.MaxCommands {
			found = found || wse.CommandOf(w) == wse.CmdTeardown
			w = wse.PopCommand(w)
		}
	})
	return
}

func (s *state) setting(d *router) wse.Position {
	st := &s.routers[d.index]
	return d.sets[st.set].pos[st.at]
}

// isTorn reports whether a color of a PE's router is torn down.
func (s *state) isTorn(pe, color int) bool {
	d := s.m.routerAt[[2]int{pe, color}]
	return d != nil && s.routers[d.index].torn
}

// accepts reports whether pipe j takes from pipe i now.
func (s *state) accepts(j, i int32) bool {
	d := s.m.pipes[j].router
	switch {
	case d == nil:
		return true
	case s.routers[d.index].torn:
		return false
	case !d.gated:
		return true
	}
	if s.setting(d).Rx != d.entry[i] {
		return false
	}
	for _, r := range s.q[j].runs {
		if r.ctl || r.last {
			return false
		}
	}
	return true
}

// flowRouter moves what a router holds.
func (s *state) flowRouter(i int32) {
	d, q := s.m.pipes[i].router, &s.q[i]
	st := &s.routers[d.index]
	moved := false
	for q.n > 0 && !st.torn {
		r := q.runs[0]
		tx := s.setting(d).Tx
		k := int(r.n)
		counter := st.counter
		if r.ctl && r.why != NoReason || !r.ctl && d.filter != nil && d.filter.Kind == wse.FilterRange && r.why != NoReason {
			s.give(ReasonKind, fmt.Sprintf("a wavelet of unknown value meets the switch or filter of color %d at PE (%d,%d)",
				s.m.pipes[i].color, s.m.xs[s.m.pipes[i].x], s.m.ys[s.m.pipes[i].y]))
			return
		}
		if r.ctl && wse.IgnoredByCE(uint32(r.val)) {
			tx &^= 1 << wse.Ramp
		}
		if r.ctl || r.last || d.filter != nil {
			k = 1
		}
		if !r.ctl && d.filter != nil {
			ok := false
			if ok, counter = d.filter.Passes(uint32(r.val), st.counter); !ok {
				tx &^= 1 << wse.Ramp
			}
		}
		for p := uint(tx); p != 0; p &= p - 1 {
			j := d.target[bits.TrailingZeros(p)]
			if j < 0 || !s.accepts(j, i) {
				k = 0
				break
			}
			k = min(k, s.m.pipes[j].cap-s.q[j].n)
		}
		if k <= 0 {
			break
		}
		moved = true
		r = q.pop(k)
		s.moves += k
		st.counter = counter
		command := wse.CmdNop
		if r.last {
			command, r.last = wse.CmdAdvance, false
		}
		if r.ctl {
			command = wse.CommandOf(uint32(r.val))
			if w := &d.sets[st.set]; len(w.pos) > 1 && s.m.popCommands && (w.pop == wse.PopAlways || w.pop == wse.PopOnAdvance && command == wse.CmdAdvance) {
				r.val = int32(wse.PopCommand(uint32(r.val)))
			}
		}
		for p := uint(tx); p != 0; p &= p - 1 {
			j := d.target[bits.TrailingZeros(p)]
			s.q[j].push(r)
			s.wakePipe(j)
			s.wakePE(s.m.pipes[j].reader)
		}
		if command != wse.CmdNop {
			s.obey(d, command)
		}
	}
	if moved {
		s.room(i)
	}
	if s.moves > maxMoves {
		s.give(ReasonLoop, "too many wavelets move in one launch")
	}
}

func (s *state) obey(d *router, c wse.Command) {
	st := &s.routers[d.index]
	w := &d.sets[st.set]
	switch {
	case c == wse.CmdTeardown:
		st.torn = true
		if s.m.class[d.pe] >= 0 {
			s.tornDown(d.pe, d.color, s.setting(d).Rx == wse.Ramp)
		}
	case c == wse.CmdAdvance && st.at+1 < len(w.pos):
		st.at++
	case c == wse.CmdAdvance && w.ring:
		st.at = 0
	case c == wse.CmdReset:
		st.at = w.start
	}
}

// reroute ends the teardown of a router. What it does to one that is not torn down depends on what has passed.
func (s *state) reroute(i int, in *ins) {
	x := in.reroute
	for j := range s.m.pipes {
		b := &s.m.pipes[j]
		if b.router == nil || b.color != x.Color || b.y*len(s.m.xs)+b.x != i {
			continue
		}
		st := &s.routers[b.router.index]
		if !st.torn {
			s.give(ReasonKind, fmt.Sprintf("PE (%d,%d)%s changes the route of color %d, which is not torn down: timing decides what goes the old way", s.m.x(i), s.m.y(i), at(in.line), x.Color))
			return
		}
		st.torn, st.set = false, 1+slices.Index(s.m.codes[s.m.class[i]].reroutes, x)
		st.at = b.router.sets[st.set].start
		if o := s.pes[i].order; o != nil {
			o.route[x.Color] = len(o.runs) - 1
		}
		s.wakePipe(int32(j))
		s.room(int32(j))
		return
	}
	s.break1(i, in, "", fmt.Sprintf("reroutes color %d, of which its router has no route", x.Color))
}

// stands describes a router that keeps wavelets, for messages.
func (s *state) stands(d *router) string {
	st := &s.routers[d.index]
	p := s.setting(d)
	switch {
	case st.torn:
		return "it is torn down"
	case len(d.sets[st.set].pos) > 1:
		return fmt.Sprintf("its switch is in position %d, rx %v, tx %v", st.at, p.Rx, p.Tx)
	}
	return fmt.Sprintf("its route is rx %v, tx %v", p.Rx, p.Tx)
}
