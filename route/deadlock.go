package route

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// A mesh program is a Kahn process network: processes are deterministic, every receive names one channel and blocks, every channel
// is a bounded queue. Whether such a network deadlocks does not depend on the schedule, and more capacity never creates a
// deadlock (Parks 1995). So one execution of the counts, with the smallest capacity a channel can have, decides.
//
// The execution runs on a mesh shortened to what matters: classes are strided ranges, and a stretch of positions over which the
// classes repeat is cut to a few periods. Processes talk to neighbouring parts only, so a PE deep inside a stretch sees the same
// history whether the stretch is eight periods long or eight hundred. Message lengths are cut in the same way when every
// receive of a stream has the length of its send: beyond the capacity a longer message blocks at the same places.
//
// The senders of a gather take turns whatever the time, so the network stays Kahn's. A member blocks until it is its turn: that is less room than
// it has, as its own queues hold the first words.

// Verdict says whether a program can deadlock.
type Verdict struct {
	Kind   VerdictKind
	Reason string // Undecided: why
	Func   string // Deadlocks: the function
	Waits  []Wait // Deadlocks: who waits for what, in mesh order
}

// VerdictKind is the answer.
type VerdictKind uint8

// Verdicts.
const (
	Free VerdictKind = iota
	Deadlocks
	Undecided
)

func (k VerdictKind) String() string { return [...]string{"free", "deadlocks", "undecided"}[k] }

// Wait is a blocked PE.
type Wait struct {
	X, Y    int // a PE of the original mesh
	Class   string
	Channel string
	Send    bool   // waits for room, else for data
	Left    bool   // does not wait: elements were sent to it that it never receives
	Missing int    // elements
	Pos     ir.Pos // of the operation that waits; of the send, for a send under way or elements left over
}

func (w Wait) String() string {
	if w.Left {
		return fmt.Sprintf("PE (%d,%d) class %s never receives %d elements that are sent to it on %s", w.X, w.Y, w.Class, w.Missing, w.Channel)
	}
	what := "data from"
	if w.Send {
		what = "room in"
	}
	return fmt.Sprintf("PE (%d,%d) class %s waits for %d elements: %s %s", w.X, w.Y, w.Class, w.Missing, what, w.Channel)
}

func (v Verdict) String() string {
	switch v.Kind {
	case Undecided:
		return "undecided: " + v.Reason
	case Deadlocks:
		var b strings.Builder
		fmt.Fprintf(&b, "deadlocks in %s", v.Func)
		for i, w := range v.Waits {
			if i == 8 {
				fmt.Fprintf(&b, "\n  and %d more", len(v.Waits)-i)
				break
			}
			fmt.Fprintf(&b, "\n  %v", w)
		}
		return b.String()
	}
	return "free of deadlock"
}

// Deadlock decides p with channels that hold capacity elements between sender and receiver (at least 1): judge with the smallest
// the machine can have.
func Deadlock(p *mesh.Program, capacity int) Verdict {
	n, err := shorten(p)
	if err != nil {
		return Verdict{Kind: Undecided, Reason: err.Error()}
	}
	n.capacity = max(1, capacity)
	for f := range p.Funcs {
		if v := n.run(f); v.Kind != Free {
			v.Func = p.Funcs[f]
			return v
		}
	}
	return Verdict{Kind: Free}
}

// network is the shortened mesh.
type network struct {
	p       *mesh.Program
	xs, ys  []int // original positions kept
	class   []*mesh.Class
	chans   map[string]int
	dests   [][][]int // channel, PE -> receivers
	senders [][][]int // channel, PE -> senders, in the order of their turns
	// By gather and PE: how many of the members of its group were cut. Their messages, the first of each round, are not received.
	fewer    map[int][]int
	cuts     []string // the same in one word, by PE
	capacity int
	known    map[*mesh.Op]ends
	talks    map[process][]statement
}

// pe is the state of one process.
type pe struct {
	iter, pc int
	left     int      // elements the current operation still has to do, -1 = not started
	sends    []int    // per channel: elements an asynchronous send still has to put
	sent     []ir.Pos // per channel: where its last send is written
}

// run executes two iterations of function f.
func (n *network) run(f int) Verdict {
	w := len(n.xs)
	limit := n.lengthLimit(f)
	pes := make([]pe, len(n.class))
	queue := make([][]int, len(n.chans)) // channel, receiver -> elements in flight
	for c := range queue {
		queue[c] = make([]int, len(n.class))
	}
	for i := range pes {
		pes[i] = pe{left: -1, sends: make([]int, len(n.chans)), sent: make([]ir.Pos, len(n.chans))}
	}
	awake := make([]int, len(pes))
	queued := make([]bool, len(pes))
	for i := range awake {
		awake[i], queued[i] = i, true
	}
	wake := func(i int) {
		if !queued[i] {
			queued[i] = true
			awake = append(awake, i)
		}
	}
	turn := make([][]int, len(n.chans)) // channel, receiver -> index of the sender whose turn it is
	for c := range turn {
		turn[c] = make([]int, len(pes))
	}
	sender := func(c, d int) int { // that may send next
		if ss := n.senders[c][d]; len(ss) > 0 {
			return ss[turn[c][d]]
		}
		return 0
	}
	put := func(c, i, want int) int {
		room := want
		for _, d := range n.dests[c][i] {
			if room = min(room, n.capacity-queue[c][d]); sender(c, d) != i {
				room = 0
			}
		}
		if room > 0 {
			for _, d := range n.dests[c][i] {
				queue[c][d] += room
				wake(d)
			}
		}
		return room
	}
	for len(awake) > 0 {
		i := awake[0]
		awake, queued[i] = awake[1:], false
		if n.class[i] == nil {
			continue
		}
		s, ops := &pes[i], n.talk(i, f)
		for progress := true; progress; {
			progress = false
			for c := range s.sends {
				if s.sends[c] > 0 {
					if k := put(c, i, s.sends[c]); k > 0 {
						s.sends[c] -= k
						progress = true
					}
				}
			}
			if s.pc == len(ops) {
				if s.iter == 1 {
					continue
				}
				s.iter, s.pc = s.iter+1, 0
				progress = true
				continue
			}
			op := &ops[s.pc]
			if op.Kind == mesh.Await {
				if !op.pending(s) {
					s.pc++
					progress = true
				}
				continue
			}
			in, out, length := op.in, op.out, min(op.length, limit)
			if out >= 0 {
				s.sent[out] = op.Pos
			}
			if op.Async {
				if s.sends[out] == 0 {
					s.sends[out] = length
					s.pc++
					progress = true
				}
				continue
			}
			if s.left < 0 {
				s.left = length
			}
			k := s.left
			for _, c := range in {
				k = min(k, queue[c][i])
			}
			if out >= 0 && k > 0 {
				if s.sends[out] > 0 {
					k = 0 // an earlier asynchronous send still owns the queue
				} else {
					k = put(out, i, k)
				}
			}
			if k > 0 {
				for _, c := range in {
					queue[c][i] -= k
					wake(sender(c, i))
				}
				s.left -= k
				progress = true
			}
			if s.left == 0 {
				if out >= 0 {
					for _, d := range n.dests[out][i] {
						turn[out][d] = (turn[out][d] + 1) % len(n.senders[out][d])
						wake(sender(out, d))
					}
				}
				s.pc, s.left = s.pc+1, -1
				progress = true
			}
		}
	}
	var v Verdict
	for i := range pes {
		if n.class[i] == nil {
			continue
		}
		s := &pes[i]
		ops := n.talk(i, f)
		at := Wait{X: n.xs[i%w], Y: n.ys[i/w], Class: n.class[i].Name}
		if s.pc < len(ops) {
			op := &ops[s.pc]
			at.Pos, at.Missing = op.Pos, max(s.left, 0)
			in, out := op.in, op.out
			for _, c := range in {
				if queue[c][i] == 0 {
					at.Channel = n.p.Channels[c].Name
				}
			}
			if at.Channel == "" && out >= 0 {
				at.Channel, at.Send = n.p.Channels[out].Name, true
			}
			for k, ch := range op.Chans {
				if c := op.await[k]; s.sends[c] > 0 {
					at.Channel, at.Send, at.Missing, at.Pos = ch, true, s.sends[c], s.sent[c]
				}
			}
			v.Waits = append(v.Waits, at)
			continue
		}
		for c, left := range s.sends {
			if left > 0 {
				at.Channel, at.Send, at.Missing, at.Pos = n.p.Channels[c].Name, true, left, s.sent[c]
				v.Waits = append(v.Waits, at)
			}
		}
	}
	if len(v.Waits) > 0 {
		v.Kind = Deadlocks
		sort.SliceStable(v.Waits, func(i, j int) bool {
			a, b := v.Waits[i], v.Waits[j]
			return a.Y < b.Y || a.Y == b.Y && a.X < b.X
		})
		return v
	}
	for c := range queue {
		for i, k := range queue[c] {
			if k > 0 {
				v.Kind = Deadlocks
				w := Wait{X: n.xs[i%w], Y: n.ys[i/w], Channel: n.p.Channels[c].Name, Missing: k, Left: true, Pos: pes[sender(c, i)].sent[c]}
				if n.class[i] != nil {
					w.Class = n.class[i].Name
				}
				v.Waits = append(v.Waits, w)
			}
		}
	}
	return v
}

// statement is an operation that communicates or waits for one that does.
type statement struct {
	*mesh.Op
	ends
	await []int // channels
}

func (op *statement) pending(s *pe) bool {
	for _, c := range op.await {
		if s.sends[c] > 0 {
			return true
		}
	}
	return false
}

// talk lists the statements of a function of a PE; what only computes is left out.
func (n *network) talk(pe, f int) []statement {
	k := n.class[pe]
	key := process{k, f, n.cuts[pe]}
	round := map[int]int{} // by gather: messages received since a round began
	list, ok := n.talks[key]
	if ok {
		return list
	}
	for i := range k.Funcs[f] {
		op := &k.Funcs[f][i]
		s := statement{Op: op}
		s.in, s.out, s.length = n.ends(op)
		for _, ch := range op.Chans {
			s.await = append(s.await, n.chans[ch])
		}
		if op.Kind == mesh.Await || s.out >= 0 || len(s.in) > 0 {
			times := 1 // an operation that accumulates receives one message after the other
			if d := op.Dst.Slice.Dims; op.Dst.Kind == mesh.Memory && len(d) > 0 && d[0].Stride == 0 {
				times = d[0].Len
			}
			s.length /= times
			for range times {
				if len(s.in) == 1 {
					if c := s.in[0]; n.fewer[c] != nil && n.fewer[c][pe] > 0 {
						at := round[c]
						round[c] = (at + 1) % (len(n.senders[c][pe]) + n.fewer[c][pe])
						if at < n.fewer[c][pe] {
							continue
						}
					}
				}
				list = append(list, s)
			}
		}
	}
	if n.talks == nil {
		n.talks = map[process][]statement{}
	}
	n.talks[key] = list
	return list
}

type process struct {
	class *mesh.Class
	f     int
	fewer string
}

// ends are the channels an operation reads, the one it writes (-1 if none) and its element count.
type ends struct {
	in          []int
	out, length int
}

func (n *network) ends(op *mesh.Op) (in []int, out, length int) {
	e, ok := n.known[op]
	if !ok {
		e.out = -1
		if op.Dst.Kind == mesh.Chan {
			e.out, e.length = n.chans[op.Dst.Name], op.Dst.Len
		}
		for _, s := range op.Src {
			if s.Kind == mesh.Chan {
				e.in = append(e.in, n.chans[s.Name])
				e.length = max(e.length, s.Len)
			}
		}
		n.known[op] = e
	}
	return e.in, e.out, e.length
}

// lengthLimit returns the length to which messages may be cut: no limit unless every stream's receives match its sends.
func (n *network) lengthLimit(f int) int {
	const none = 1 << 30
	type end struct {
		first    *statement // of what the PE does
		channel  int
		receives bool
	}
	known := map[end][]int{}
	lengths := func(i, c int, receives bool) []int {
		list := n.talk(i, f)
		if len(list) == 0 {
			return nil
		}
		e := end{&list[0], c, receives}
		v, ok := known[e]
		if !ok {
			for _, s := range list {
				if receives && slices.Contains(s.in, c) || !receives && s.out == c {
					v = append(v, s.length)
				}
			}
			known[e] = v
		}
		return v
	}
	for c, all := range n.senders {
		for d, senders := range all {
			if len(senders) == 0 {
				continue
			}
			var in []int // lengths, in the order of turns
			most := 0
			for _, s := range senders {
				if n.class[s] != nil {
					most = max(most, len(lengths(s, c, false)))
				}
			}
			for k := range most {
				for _, s := range senders {
					if n.class[s] != nil && k < len(lengths(s, c, false)) {
						in = append(in, lengths(s, c, false)[k])
					}
				}
			}
			if n.class[d] == nil && len(in) > 0 || n.class[d] != nil && !slices.Equal(in, lengths(d, c, true)) {
				return none
			}
		}
	}
	return 2*n.capacity + 2
}
