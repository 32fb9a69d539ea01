package collective

import "github.com/wfc-lang/wfc/ir"

// Limits are what a tree may use: input queues of a part, and colors. SharedShift says that the shift channel towards lower parts is there
// anyway, so that a first level of chains is free.
type Limits struct {
	Queues, Colors int
	SharedShift    bool
}

// Uses returns the input queues and colors a tree takes.
func Uses(t Tree, shared bool) (queues, colors int) {
	for i, l := range t.Tree() {
		q, c := levelUses(t.way(l), min(l.Size, t.Parts), i == 0 && shared)
		queues, colors = queues+q, colors+c
	}
	return queues, colors
}

func levelUses(w way, size int, shared bool) (queues, colors int) {
	switch {
	case w == arms:
		return size - 1, size - 1
	case w == turns:
		return 1, 1
	case shared:
		return 0, 0
	case size == 2:
		return 1, 1
	}
	return 1, 2
}

// Choose returns the tree that Time expects to be fastest for the given reductions together, by their lengths in wavelets: a dynamic
// program over the stride of the next level and what is left of the limits. One chain wins unless another tree is faster. On long axes trees of
// more than two levels have groups of powers of two unless others are faster by more than evenPercent: colors alternate along a chain, so
// that groups of odd sizes have twice the classes.
func Choose(axis string, parts int, wavelets []int, m Machine, lim Limits) Tree {
	one := Chain(axis, parts)
	if parts < 3 || len(wavelets) == 0 {
		return one
	}
	find := func(even bool) (*search, found) {
		s := &search{parts: parts, wavelets: wavelets, m: m, shared: lim.SharedShift, even: even, known: map[state]found{}}
		return s, s.from(state{stride: 1, queues: lim.Queues, colors: lim.Colors})
	}
	s, best := find(false)
	if parts > shortAxis && len(best.levels) > 2 {
		_, even := find(true)
		if two := s.twoPhases(lim); even.time < 0 || two.time >= 0 && two.time < even.time {
			even = two
		}
		if even.time >= 0 && best.time*100 >= even.time*(100-evenPercent) {
			best = even
		}
	}
	if t := s.level(chain, parts, 1, 0) + s.last(0); best.time < 0 || best.time >= t {
		return one
	}
	t := New(axis, parts, best.levels...)
	t.Turns = s.star() == turns
	return t
}

const (
	shortAxis   = 64
	evenPercent = 3
)

// state is a stride up to which the parts have combined, what further levels may use, and the queue that their first stream gets.
type state struct{ stride, queues, colors, queue int }

// found is the best rest of a tree; time is -1 when there is none.
type found struct {
	time   int
	levels []ir.Level
}

type search struct {
	parts    int
	wavelets []int
	m        Machine
	shared   bool
	even     bool // sizes of groups are powers of two, but for the last level's
	known    map[state]found
}

func (s *search) level(w way, members, stride, queue int) int {
	t := 0
	for _, n := range s.wavelets {
		t += s.m.level(w, members, stride, n, queue, stride*members >= s.parts)
	}
	return t
}

// star is how the streams of stars run. On a folded axis the members of a group do not lie in the order of their numbers, in which routers
// would turn.
func (s *search) star() way {
	if s.m.Turns && s.m.Spread <= 1 {
		return turns
	}
	return arms
}

// last is the time of the last vectors, which arrive in the given queue.
func (s *search) last(queue int) int {
	t := 0
	for _, n := range s.wavelets {
		t += s.m.vector(n, queue)
	}
	return t
}

// twoPhases is the best of two levels of chains.
func (s *search) twoPhases(lim Limits) found {
	best := found{time: -1}
	for size := 2; size < s.parts; size++ {
		t := New("", s.parts, ir.Level{Size: size}, ir.Level{Size: (s.parts + size - 1) / size})
		if q, c := Uses(t, s.shared); q > lim.Queues || c > lim.Colors {
			continue
		}
		if n := s.level(chain, size, 1, 0) + s.level(chain, t.Levels[1].Size, size, 1) + s.last(1); best.time < 0 || n < best.time {
			best = found{n, t.Levels}
		}
	}
	return best
}

// sizes lists the sizes a group of members can have: powers of two and all of them, then the others.
func sizes(members int, even bool) []int {
	var out []int
	for k := 2; k < members; k *= 2 {
		out = append(out, k)
	}
	out = append(out, members)
	for k := 3; k < members && !even; k++ {
		if k&(k-1) != 0 {
			out = append(out, k)
		}
	}
	return out
}

func (s *search) from(at state) found {
	left := (s.parts + at.stride - 1) / at.stride // members of the level
	if left < 2 {
		return found{time: s.last(at.queue - 1)}
	}
	if f, ok := s.known[at]; ok {
		return f
	}
	best := found{time: -1}
	for _, size := range sizes(left, s.even) {
		for _, w := range []way{chain, s.star()} {
			if w != chain && size == 2 {
				continue // a chain of two is the same
			}
			q, c := levelUses(w, size, s.shared && at.stride == 1)
			if q > at.queues || c > at.colors {
				continue
			}
			rest := s.from(state{at.stride * size, at.queues - q, at.colors - c, at.queue + streams(w, size)})
			if rest.time < 0 {
				continue
			}
			t := s.level(w, size, at.stride, at.queue) + rest.time
			// Of equally fast trees the one with fewer levels, then the one found first: with powers of two, whose tables are the shortest.
			if best.time < 0 || t < best.time || t == best.time && len(rest.levels)+1 < len(best.levels) {
				best = found{t, append([]ir.Level{{Size: size, Star: w != chain}}, rest.levels...)}
			}
		}
	}
	s.known[at] = best
	return best
}

// Request asks for a tree along one axis of a program: the lengths of its reductions in wavelets, routers between neighbouring parts,
// and the input queues and colors that other channels take, that of a first level of chains included. What is left is to serve as
// many axes as Shares says.
type Request struct {
	Axis           string
	Parts          int
	Wavelets       []int
	Spread         int
	Queues, Colors int
	Shares         int
}

// Auto returns a chooser for a machine with the given colors. It answers with no levels when one chain is best.
func Auto(m Machine, colors int) func(Request) Tree {
	return func(r Request) Tree {
		if len(m.Queues) == 0 {
			return Tree{}
		}
		part := func(left, unit int) int { // the first axis gets the odd one
			shares := max(1, r.Shares)
			return (max(0, left)/max(1, unit) + shares - 1) / shares
		}
		k := m
		k.Spread = r.Spread
		k.Queues = append([]int{m.Queues[0]}, m.Queues[max(0, min(r.Queues, len(m.Queues))):]...)
		t := Choose(r.Axis, r.Parts, r.Wavelets, k, Limits{Queues: part(len(m.Queues)-r.Queues, 1), Colors: part(colors-r.Colors, r.Spread), SharedShift: true})
		if len(t.Levels) == 1 && !t.Levels[0].Star {
			return Tree{}
		}
		return t
	}
}
