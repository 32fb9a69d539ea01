package fast

import (
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// wavelet under way: when it can move on and, in output queues, the slot it goes
// to. Its value lies in the stream. On colors that turn (turn.go) the slot is
// beyond the output queues its number in the stream.
type wavelet struct {
	ready      int64
	slot, mark int32
}

// fifo is a ring in group.ring.
type fifo struct{ off, head, n, cap int32 }

type waitKind uint8

const (
	waitNone waitKind = iota
	waitIn
	waitOut
)

// thread is an operation in progress with a fabric operand.
type thread struct {
	d     *dsd // nil = free
	line  int32
	done  int32
	next  int64 // tick of the next element
	start int64
	base  [4]int32
	val   [3]uint32
	wait  waitKind
	since int64
}

type pending struct {
	task int32
	kind wse.CompletionKind
}

// run is members a .. b-1 of a shape.
type run struct{ a, b int32 }

// fedRun is a run whose members read consecutive streams from src on.
type fedRun struct{ a, b, src int32 }

const numPorts = 6 // the five of wse.Dir, and from the CE up to the router

// group is the state of PEs with one history.
type group struct {
	*shape
	sh   *shape
	ms   []int32 // members, ascending, as numbers in the shape; never changed, only replaced
	n    int64   // of them
	runs []run
	fed  [][]fedRun // per source, made when needed
	nbr  [4][]*group

	fifos    []fifo // slots, input queues, output queues
	in, out  int32  // first input and output queue
	ring     []wavelet
	linkFree [numPorts]int64
	links    [numPorts]uint32

	rnext, ceNext, mainReady int64
	pc, cur                  int32
	active, blocked          uint64
	exited                   bool
	threads                  []thread
	regs                     []uint32
	sent                     []uint32 // wavelets given to the stream of each slot
	taken                    []uint32 // wavelets taken from each input queue

	at         uint64 // slots whose switch is in its second position
	moves, ups uint64 // slots and output queues that move this cycle
	pending    []pending
	marked     bool
	offered    int32  // 1 + the task that waits for the host to take what the PEs have offered; 0 = they offer nothing
	into       *group // merged with
}

func (s *Sim) newGroup(sh *shape, ms []int32) *group {
	g := &group{shape: sh, sh: sh, pc: -1, ceNext: never, rnext: never}
	g.setMembers(ms)
	add := func(depth int) {
		off := int32(0)
		if n := len(g.fifos); n > 0 {
			off = g.fifos[n-1].off + g.fifos[n-1].cap
		}
		g.fifos = append(g.fifos, fifo{off: off, cap: int32(max(1, depth))})
	}
	for range sh.slots {
		add(s.m.RouterDepth)
	}
	g.in, g.out = int32(len(g.fifos)), int32(len(g.fifos))
	if k := sh.k; k != nil {
		for _, q := range k.inputs {
			add(s.m.InQueues[q.ID].Depth)
		}
		g.out = int32(len(g.fifos))
		for _, id := range k.outIDs {
			add(s.m.OutQueues[id].Depth)
		}
		g.threads, g.regs = make([]thread, len(k.threads)+1), make([]uint32, len(k.regs))
		g.taken = make([]uint32, len(k.inputs))
	}
	if n := len(g.fifos); n > 0 {
		g.ring = make([]wavelet, g.fifos[n-1].off+g.fifos[n-1].cap)
	}
	g.sent = make([]uint32, len(sh.slots))
	return g
}

func (g *group) setMembers(ms []int32) {
	g.ms, g.n = ms, int64(len(ms))
	g.runs = nil
	for _, m := range ms {
		if n := len(g.runs); n > 0 && g.runs[n-1].b == m {
			g.runs[n-1].b++
		} else {
			g.runs = append(g.runs, run{m, m + 1})
		}
	}
	g.fed = nil
	if g.k != nil {
		g.fed = make([][]fedRun, len(g.ins))
	}
}

// feed lists the members by the streams that a source is for them.
func (g *group) feed(in int32) []fedRun {
	if g.fed[in] != nil {
		return g.fed[in]
	}
	src := g.src[in]
	var out []fedRun
	for _, m := range g.ms {
		if n := len(out); n > 0 && out[n-1].b == m && out[n-1].src+m-out[n-1].a == src[m] {
			out[n-1].b++
		} else {
			out = append(out, fedRun{m, m + 1, src[m]})
		}
	}
	g.fed[in] = out
	return out
}

// delta is the distance to the neighbour in a direction.
func (s *Sim) delta(d wse.Dir) int { return dy[d]*s.w + dx[d] }

// adjoin finds the groups of the members' neighbours.
func (s *Sim) adjoin(g *group) {
	for d := wse.North; d < wse.Ramp; d++ {
		g.nbr[d] = g.nbr[d][:0]
		if !g.link[d] {
			continue
		}
		off := s.delta(d)
		var last *group
		for _, m := range g.ms {
			h := s.groupOf[int(g.pes[m])+off]
			if h != last && !slices.Contains(g.nbr[d], h) {
				g.nbr[d] = append(g.nbr[d], h)
			}
			last = h
		}
	}
}

// split divides the members of g by a label. Those with the label of the first stay; one new group, a copy of g, is made for each
// other label, in the order of first members.
func (s *Sim) split(g *group, label func(m int32) uint32) []*group {
	type part struct {
		label uint32
		ms    []int32
	}
	var parts []part
	last := 0
	for _, m := range g.ms {
		l := label(m)
		if len(parts) == 0 || parts[last].label != l {
			if last = slices.IndexFunc(parts, func(p part) bool { return p.label == l }); last < 0 {
				last = len(parts)
				parts = append(parts, part{label: l})
			}
		}
		parts[last].ms = append(parts[last].ms, m)
	}
	if len(parts) < 2 {
		return nil
	}
	s.Work.Splits += int64(len(parts) - 1)
	for d := wse.North; d < wse.Ramp; d++ {
		for _, h := range g.nbr[d] {
			if o := d.Opposite(); h != g {
				h.nbr[o] = slices.DeleteFunc(h.nbr[o], func(x *group) bool { return x == g })
			}
		}
	}
	fresh := []*group{g}
	for _, p := range parts[1:] {
		c := g.copy()
		c.setMembers(p.ms)
		for _, m := range p.ms {
			s.groupOf[g.pes[m]] = c
		}
		fresh = append(fresh, c)
		s.groups = append(s.groups, c)
		if c.moves|c.ups != 0 {
			s.movers = append(s.movers, c)
		}
		if len(c.pending) > 0 {
			s.waiters = append(s.waiters, c)
		}
	}
	g.setMembers(parts[0].ms)
	for _, c := range fresh {
		s.adjoin(c)
		for d := wse.North; d < wse.Ramp; d++ {
			for _, h := range c.nbr[d] {
				if o := d.Opposite(); !slices.Contains(fresh, h) && !slices.Contains(h.nbr[o], c) {
					h.nbr[o] = append(h.nbr[o], c)
				}
			}
		}
	}
	return fresh[1:]
}

// copy is a group in the same state; its members and neighbours are still to be set. It takes the place of one that was merged.
func (g *group) copy() *group {
	old := &group{}
	if n := len(g.sh.free); n > 0 {
		old, g.sh.free = g.sh.free[n-1], g.sh.free[:n-1]
	}
	c := *g
	c.fifos, c.ring = append(old.fifos[:0], g.fifos...), append(old.ring[:0], g.ring...)
	c.threads, c.regs = append(old.threads[:0], g.threads...), append(old.regs[:0], g.regs...)
	c.sent, c.taken = append(old.sent[:0], g.sent...), append(old.taken[:0], g.taken...)
	c.pending = append(old.pending[:0], g.pending...)
	for d := range c.nbr {
		c.nbr[d] = old.nbr[d][:0]
	}
	c.marked, c.into = false, nil
	*old = c
	return old
}

func (g *group) head(f *fifo) *wavelet { return &g.ring[f.off+f.head] }

func (g *group) pop(f *fifo) wavelet {
	w := g.ring[f.off+f.head]
	if f.head++; f.head == f.cap {
		f.head = 0
	}
	f.n--
	return w
}

func (g *group) push(f *fifo, w wavelet) {
	i := f.head + f.n
	if i >= f.cap {
		i -= f.cap
	}
	g.ring[f.off+i] = w
	f.n++
}
