package fast

import (
	"errors"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Routers that turn. A color may have several senders on a line when the routers of all but the last let their own PE's stream pass first and
// then turn to what comes from one neighbour: a switch of two positions, which a command takes to the other one (what follows the last word
// of a send, for the PE's own router; a control wavelet that no CE sees, for all it passes).
//
// Then the wavelets that a PE takes come from one stream after the other. So on such colors each wavelet says where its value lies: how
// many routers it has passed, which names the sender, and its number in the sender's stream. Both are the same for all members of a
// group, and a part of its state.

// Marks of a wavelet.
const (
	isControl = 1 << 30
	isLast    = 1 << 29 // the router of its own PE obeys it as a command
	passed    = 1<<16 - 1
)

var errSettings = errors.New("a router or a queue is in a setting that only the plain engine knows")

// advance is the value of the only control wavelet that is modelled.
var advance = wse.ControlWord(-1, 0, wse.CmdAdvance)

func (w *wavelet) command() bool { return w.mark&(isControl|isLast) != 0 }

// turn is the second position of a router's switch.
type turn struct {
	turns bool
	ring  bool // the next command takes it back
	rx    wse.Dir
}

// turnOf refuses switches that do something else.
func turnOf(r *wse.Route) (turn, error) {
	w := r.Switch
	if w == nil {
		return turn{}, nil
	}
	if len(w.Pos) != 1 || w.Pos[0].Tx != r.Tx || (r.Rx == wse.Ramp) == (w.Pos[0].Rx == wse.Ramp) {
		return turn{}, unsupported("a switch does more than to turn from the PE to a neighbour")
	}
	return turn{true, w.Ring, w.Pos[0].Rx}, nil
}

// key tells switches apart.
func (t turn) key(many bool) byte {
	b := byte(t.rx) << 3
	for i, x := range []bool{many, t.turns, t.ring} {
		if x {
			b |= 1 << i
		}
	}
	return b
}

// from is the port by which neighbours fill a slot, the ramp if none does.
func (t turn) from(rx wse.Dir) wse.Dir {
	if t.turns && rx == wse.Ramp {
		return t.rx
	}
	return rx
}

// takes reports whether a slot ever accepts from a port.
func (t turn) takes(rx, from wse.Dir) bool { return rx == from || t.turns && t.rx == from }

// after is the position after a command.
func (t turn) after(at uint64) uint64 {
	if at == 1 && t.ring {
		return 0
	}
	return 1
}

// accepts reports whether slot i takes wavelets from a port: in the position to which the commands of those it holds lead.
func (g *group) accepts(i int32, from wse.Dir) bool {
	sl := &g.slots[i]
	if !sl.turn.turns {
		return true
	}
	at, f := g.at>>i&1, &g.fifos[i]
	for k, j := int32(0), f.head; k < f.n; k++ {
		if g.ring[f.off+j].command() {
			at = sl.turn.after(at)
		}
		if j++; j == f.cap {
			j = 0
		}
	}
	if at == 1 {
		return sl.turn.rx == from
	}
	return sl.rx == from
}

// leaves are the ports by which a wavelet leaves a slot.
func (sl *slot) leaves(w *wavelet) uint8 {
	if w.mark&isControl != 0 {
		return sl.tx &^ (1 << wse.Ramp)
	}
	return sl.tx
}

// obey has the router of a group follow a command from the next cycle on.
func (s *Sim) obey(g *group, i int, t int64) {
	if tn := g.slots[i].turn; tn.turns {
		g.at = g.at&^(1<<i) | tn.after(g.at>>i&1)<<i
		s.around(g, t)
	}
}

// around wakes a group and its neighbours: what a router accepts has changed.
func (s *Sim) around(g *group, t int64) {
	g.rnext = min(g.rnext, t+1)
	for _, nb := range g.nbr {
		for _, h := range nb {
			h.rnext = min(h.rnext, t+1)
		}
	}
}

// number is that of the next wavelet which output queue q gives to slot i in the stream that begins there.
func (g *group) number(i int32) int32 {
	n := g.sent[i]
	for q := int(g.out); q < len(g.fifos); q++ {
		f := &g.fifos[q]
		for k, j := int32(0), f.head; k < f.n; k++ {
			if w := &g.ring[f.off+j]; w.slot == i && w.mark&isControl == 0 {
				n--
			}
			if j++; j == f.cap {
				j = 0
			}
		}
	}
	return int32(n)
}

// arrival tells wavelets apart that neighbours pass on in one cycle: none, or one that says where it comes from.
type arrival struct {
	moved      bool
	slot, mark int32
}

func (g *group) arrival(i int32, many bool) arrival {
	if g.moves>>i&1 == 0 {
		return arrival{}
	}
	if !many {
		return arrival{moved: true}
	}
	w := g.head(&g.fifos[i])
	return arrival{true, w.slot, w.mark}
}

// source is where the stream lies that a wavelet at the head of an input queue comes from, in src and ins of the shape, and the number of the
// wavelet there.
func (g *group) source(q int32, w wavelet, taken uint32) (id int32, number uint32) {
	if by := g.by[q]; by != nil {
		return by[w.mark&passed], uint32(w.slot)
	}
	return q, taken
}

// sender is a ramp from which wavelets reach a slot: its slot and the routers passed on the way.
type sender struct {
	root   int32
	passed int
}

// senders follows the route of slot i of a PE back to all ramps that it comes from, the nearest first.
func (f *fabric) senders(pe int, i int32) []sender {
	var out []sender
	for n := range f.w * f.h {
		tn := f.turn[i]
		if tn.takes(wse.Dir(f.rx[i]), wse.Ramp) {
			out = append(out, sender{i, n})
		}
		q, j := f.up(pe, i)
		if j < 0 {
			break
		}
		pe, i = q, j
	}
	return out
}

// stream is where a wavelet in slot i of a PE comes from that has passed so many routers.
func (s *Sim) stream(pe, i, passed int) place {
	for range passed {
		sl := &s.groupOf[pe].slots[i]
		pe, i = pe+s.delta(sl.from), int(sl.up)
	}
	r := s.groupOf[pe].slots[i].ring
	return place{class: r.class, stream: r.first + s.at[pe]}
}

// turning lists the colors on which wavelets say where they come from: those of switches, and those on which control wavelets travel.
func turning(p *wse.Program) (set uint64) {
	for i := range p.Routes {
		if r := &p.Routes[i]; r.Switch != nil {
			set |= 1 << r.Color
		}
	}
	p.Controls(func(c *wse.Class, o *wse.Op) {
		if q, ok := c.Queue(o.Dst.Queue); ok {
			for _, at := range q.Colors {
				set |= 1 << at.Color
			}
		}
	})
	return set
}

// routers lists the settings of a group's switches for the plain engine.
func (g *group) routers() (out []sim.RouterState) {
	for i := range g.slots {
		if sl := &g.slots[i]; sl.turn.turns {
			out = append(out, sim.RouterState{Buffer: int32(i), Positions: []wse.Position{{Rx: sl.rx, Tx: wse.DirSet(sl.tx)}, {Rx: sl.turn.rx, Tx: wse.DirSet(sl.tx)}},
				At: int(g.at >> i & 1), Ring: sl.turn.ring})
		}
	}
	return out
}

// turned puts the switches of a group into the settings that the plain engine has, or says what is wrong with them.
func (s *Sim) turned(g *group, st *sim.State) error {
	g.at = 0
	for _, r := range st.Routers {
		if r.Buffer < 0 || int(r.Buffer) >= len(g.slots) {
			return errSettings
		}
		sl := &g.slots[r.Buffer]
		if !sl.turn.turns || len(r.Positions) != 2 || r.Positions[0] != (wse.Position{Rx: sl.rx, Tx: wse.DirSet(sl.tx)}) ||
			r.Positions[1] != (wse.Position{Rx: sl.turn.rx, Tx: wse.DirSet(sl.tx)}) || r.At < 0 || r.At > 1 || r.Start != 0 || r.Torn ||
			r.Ring != sl.turn.ring || r.Pop != wse.PopNever || r.Counter != 0 {
			return errSettings
		}
		g.at |= uint64(r.At) << r.Buffer
	}
	if g.k == nil {
		return nil
	}
	if len(st.In) > len(g.k.inputs) || len(st.Out) > len(g.outs) {
		return errSettings
	}
	for i, to := range st.Out { // queues stay bound as they are
		if to != max(notRouted, g.outs[i]) {
			return errSettings
		}
	}
	for i, color := range st.In {
		for _, m := range g.ms {
			if pe := int(g.pes[m]); g.k.inputs[i].Color(pe%s.w, pe/s.w) != int(color) {
				return errSettings
			}
		}
	}
	return nil
}
