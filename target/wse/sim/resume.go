package sim

import "context"

// Wavelet is one under way, in the middle of a launch.
type Wavelet struct {
	Ready int64 // cycle from which it can move on
	Value uint32
	Slot  int32 // in output queues: number in the PE of the router buffer it goes to
	// Control wavelets, and last words behind which the first router they pass advances its switch.
	Control, Last bool
}

// Thread is an operation on the fabric in progress; Line is its instruction, negative when the thread is free.
type Thread struct {
	Line, Done   int32
	Next, Start  int64    // ticks, cycles
	At           [4]int32 // first element in the arrays: destination, sources
	Val          [3]uint32
	Acc, In, Out uint32
	Wait         int // 0 = it goes on, 1 = for a wavelet, 2 = for room
	Since        int64
}

// Moment is what a PE holds in the middle of a launch besides its State.
type Moment struct {
	PC      int32
	Exited  bool
	Used    [numPorts]uint32 // wavelets over each port in the launch
	Threads []Thread
	Buffers func(i int) []Wavelet // of the router, then input and output queues
	Offered int32                 // task that waits for the host to take what the PE has offered, -1 for none
}

// Running is a launch in progress.
type Running struct {
	Start, LastExit            int64
	Exited                     int
	Injected, Copied, Consumed int64
	HostCycles                 int64
	Classes                    []ClassStats
	Offers                     Offered
}

// Enter puts a PE, after Restore, into a launch that another engine has begun. Programs that rebind queues or use FIFOs in memory
// cannot be taken over.
func (s *Sim) Enter(pe int, m *Moment) {
	copy(s.links[pe*numPorts:(pe+1)*numPorts], m.Used[:])
	n := 0
	fill := func(from, to int32, out bool, mask *uint64) {
		for i := from; i < to; i++ {
			for _, w := range m.Buffers(n) {
				x := wavelet{ready: w.Ready, val: w.Value}
				if out {
					x.aux = s.slotOf[pe] + w.Slot
				}
				if w.Control {
					x.aux |= isControl
				}
				if w.Last {
					x.aux |= isLast
				}
				s.push(&s.fifos[i], x)
				if mask != nil {
					*mask |= 1 << (i - from)
				}
			}
			n++
		}
	}
	fill(s.slotOf[pe], s.slotOf[pe+1], false, &s.laden[pe])
	s.rnext[pe], s.ceNext[pe] = s.cycle, never
	if s.class[pe] < 0 {
		return
	}
	fill(s.inOf[pe], s.inOf[pe+1], false, nil)
	fill(s.outOf[pe], s.outOf[pe+1], true, &s.queued[pe])
	s.pc[pe], s.exited[pe], s.ceNext[pe] = m.PC, m.Exited, s.cycle
	s.offers.task = grown(s.offers.task, len(s.class))
	s.offers.task[pe] = m.Offered
	k := s.codes[s.class[pe]]
	for i, x := range m.Threads {
		th := &s.threads[int(s.thrOf[pe])+i]
		if x.Line < 0 {
			continue
		}
		d := k.ins[x.Line].dsd
		if d.op.Async {
			s.running[pe] |= 1 << d.thread
		}
		*th = thread{d: d, line: x.Line, done: x.Done, next: x.Next, start: x.Start, val: x.Val, acc: x.Acc, in: x.In, out: x.Out,
			wait: waitKind(x.Wait), since: x.Since}
		th.base[0] = d.dst.lo + x.At[0]*d.dst.bytes
		for j := range d.nsrc {
			th.base[j+1] = d.src[j].lo + x.At[j+1]*d.src[j].bytes
		}
	}
}

// Resume goes on with a launch that another engine has begun, after Enter of every PE.
func (s *Sim) Resume(ctx context.Context, r Running) (Stats, error) {
	s.nExited, s.hostWords = r.Exited, 0
	s.stats = Stats{HostCycles: r.HostCycles, lastExit: r.LastExit}
	s.injected, s.copied, s.consumed = r.Injected, r.Copied, r.Consumed
	s.offers.task = grown(s.offers.task, len(s.class))
	s.offers.Offered = r.Offers
	copy(s.perClass, r.Classes)
	s.relink()
	return s.run(ctx, r.Start)
}
