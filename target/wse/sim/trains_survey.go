package sim

import (
	"math/bits"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

const rampPort = int(wse.Ramp)

// What a survey finds about the PEs that hang together: tainted, or the least number of elements that an operation which moves has ahead of it.
const (
	tainted   = -1
	untouched = longest
)

// survey divides the PEs that are awake into regions and begins to watch those in which long operations move.
func (s *Sim) survey(t int64) {
	tr := s.trains
	clear(tr.mark)
	for pe := range tr.parent {
		tr.parent[pe], tr.fate[pe] = int32(pe), untouched
	}
	active := 0
	for pe := range s.class {
		if tr.of[pe] == 0 && s.moving(pe) {
			active++
			s.connect(int32(pe))
		}
	}
	tr.spend(len(s.class)/32 + 3*active/2)
	for pe := range s.class {
		if tr.of[pe] == 0 && s.moving(pe) {
			s.judge(int32(pe), t)
		}
	}
	of := map[int32]*region{}
	first := len(tr.watched)
	for pe := range s.class {
		root := tr.find(int32(pe))
		if n := tr.fate[root]; n < atLeast || n == untouched {
			continue
		}
		r := of[root]
		if r == nil {
			r = &region{window: 8, horizon: tr.fate[root]}
			of[root] = r
			tr.watched = append(tr.watched, r)
		}
		r.pes = append(r.pes, int32(pe))
	}
	for _, r := range tr.watched[first:] {
		s.border(r)
		for _, pe := range r.pes {
			tr.inWatch[pe] = true
		}
		s.remember(r, t)
	}
}

// moving reports whether a PE holds wavelets under way or an operation in progress.
func (s *Sim) moving(pe int) bool {
	return s.laden[pe]|s.queued[pe]|s.running[pe] != 0 || s.class[pe] >= 0 && s.threads[s.thrOf[pe+1]-1].d != nil
}

// find is that of a forest of sets, with halved paths.
func (tr *trains) find(pe int32) int32 {
	for tr.parent[pe] != pe {
		tr.parent[pe] = tr.parent[tr.parent[pe]]
		pe = tr.parent[pe]
	}
	return pe
}

// join unites the sets of two PEs.
func (tr *trains) join(a, b int32) {
	if a, b = tr.find(a), tr.find(b); a != b {
		tr.parent[b] = a
		tr.fate[a] = min(tr.fate[a], tr.fate[b])
	}
}

// lower lowers the fate of a PE's set.
func (tr *trains) lower(pe int32, to int64) {
	root := tr.find(pe)
	tr.fate[root] = min(tr.fate[root], to)
}

// connect joins a PE with those that its wavelets can reach, and with those that may wait for room in its router.
func (s *Sim) connect(pe int32) {
	tr := s.trains
	for m := s.laden[pe]; m != 0; m &= m - 1 {
		i := s.slotOf[pe] + int32(bits.TrailingZeros64(m))
		if f := &s.fifos[i]; f.n == f.cap {
			tr.join(pe, s.slots[i].up)
			if tr.of[s.slots[i].up] != 0 {
				tr.lower(pe, tainted)
			}
		}
		s.reach(i)
	}
	for m := s.queued[pe]; m != 0; m &= m - 1 {
		f := &s.fifos[s.outOf[pe]+int32(bits.TrailingZeros64(m))]
		for k := range f.n {
			s.reach(s.ring[f.off+(f.head+k)%f.cap].aux & auxSlot)
		}
	}
	for _, i := range s.inProgress(pe) {
		if d := s.threads[i].d; d.fabOut {
			if to := s.outSlot[s.outBind[pe]+d.dst.queue]; to >= 0 {
				s.reach(to)
			} else {
				tr.lower(pe, tainted)
			}
		}
	}
}

// reach joins the PEs along the route of router buffer i.
func (s *Sim) reach(i int32) {
	tr := s.trains
	open := append(make([]int32, 0, 32), i)
	for len(open) > 0 {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if tr.mark[i] {
			continue
		}
		tr.mark[i] = true
		sl := &s.slots[i]
		if tr.of[sl.pe] != 0 || s.dyn != nil && s.unsteady(i) {
			tr.lower(sl.pe, tainted)
		}
		for m := uint(sl.tx); m != 0; m &= m - 1 {
			d := bits.TrailingZeros(m)
			switch to := sl.target[d]; {
			case to < 0:
				tr.lower(sl.pe, tainted)
			case d != rampPort:
				tr.join(sl.pe, s.slots[to].pe)
				open = append(open, to)
			}
		}
	}
}

// unsteady reports whether what a router buffer does depends on the wavelets that pass it: on values, their number, or commands.
func (s *Sim) unsteady(i int32) bool {
	if d := s.dyn[i]; d != nil && (d.filter != nil || d.torn) {
		return true
	}
	f := &s.fifos[i]
	for k := range f.n {
		if s.ring[f.off+(f.head+k)%f.cap].aux&(isControl|isLast) != 0 {
			return true
		}
	}
	return false
}

// judge says what a PE means for its region: it has none when its CE is about to act or an operation is near its end.
func (s *Sim) judge(pe int32, t int64) {
	tr := s.trains
	if tr.inWatch[pe] {
		tr.lower(pe, tainted)
		return
	}
	if s.class[pe] < 0 {
		return
	}
	list := s.inProgress(pe)
	if s.threads[s.thrOf[pe+1]-1].d == nil && s.mainReady[pe] < t+worth && (s.pc[pe] >= 0 || s.active[pe]&^s.blocked[pe] != 0) {
		tr.lower(pe, tainted)
	}
	for _, i := range list {
		th := &s.threads[i]
		if s.dyn != nil && (th.d.dst.control || th.d.dst.advance) {
			tr.lower(pe, tainted)
		}
		if th.wait == waitNone || th.since > t-pause {
			tr.lower(pe, int64(th.d.n-th.done))
		}
	}
}

// border lists the links between a region and its neighbours.
func (s *Sim) border(r *region) {
	tr := s.trains
	root := tr.find(r.pes[0])
	for _, pe := range r.pes {
		x, y := int(pe)%s.w, int(pe)/s.w
		for d := wse.North; d < wse.Ramp; d++ {
			dx, dy := d.Delta()
			if nx, ny := x+dx, y+dy; nx >= 0 && ny >= 0 && nx < s.w && ny < s.h {
				if q := int32(ny*s.w + nx); tr.find(q) != root {
					r.edges = append(r.edges, pe*numPorts+int32(d), q*numPorts+int32(d.Opposite()))
				}
			}
		}
	}
	r.edges = slices.Clip(r.edges)
}
