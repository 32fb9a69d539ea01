package cpu

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// tensorBuf is a value of a pass: in a buffer of the engine, or in a ring of planes of each thread.
type tensorBuf struct {
	slot    int // layout of its rows
	memory  int // slot of the buffer where it is before or after the pass; -1: in a ring
	given   bool
	maker   *planeNode      // the operation that computes it
	margins [][]ir.Interval // written by extends
	readers int
}

// planeNode is one operation at one time.
type planeNode struct {
	st   *planeOp
	step int
	outs []*tensorBuf
	in   map[string]*tensorBuf // by root
}

// unrolled is several steps of a sweep as one.
type unrolled struct {
	steps  int
	round  int // points of the tiled axis if tiles reach over its ends
	nodes  []*planeNode
	bufs   []*tensorBuf
	copied []int // arrays whose next value is copied from a ring
	perm   []int // slot i gets the buffer of slot perm[i]
}

// unroll strings n steps together, for tiles or for the whole width. It returns nil when the last of them would overwrite margins that an
// earlier one still shows.
func (s *sweep) unroll(n int, tiles bool) *unrolled {
	u := &unrolled{steps: n}
	if tiles {
		u.round = s.round
	}
	cur := map[string]*tensorBuf{}
	for i, a := range s.arrays {
		b := &tensorBuf{slot: i, memory: i, given: true}
		cur[a.name] = b
		u.bufs = append(u.bufs, b)
	}
	for step := range n {
		vals := map[string]*tensorBuf{}
		for name, b := range cur {
			vals[name] = b
		}
		for _, st := range s.stages {
			if st.number {
				continue
			}
			res := func(i int) string { return "%" + st.op.Results[i].Name }
			if st.alias {
				vals[res(0)] = vals[st.op.From]
				continue
			}
			nd := &planeNode{st: st, step: step, in: map[string]*tensorBuf{}}
			for name, root := range st.root {
				if b := vals[name]; b != nil {
					nd.in[root] = b
				}
			}
			if st.share {
				b := vals[st.op.From]
				vals[res(0)] = b
				nd.outs = []*tensorBuf{b}
				if b.given {
					if step > 0 && (s.set(s.arrays[b.memory].name) || s.changes(st)) {
						return nil
					}
					if !st.within || step > 0 {
						continue // done before the pass, or by its first step
					}
				} else if st.round && u.round > 0 {
					continue
				}
				for i := range st.op.Pieces {
					for _, m := range b.margins {
						if boxesMeet(m, st.op.Pieces[i].Box) {
							return nil
						}
					}
				}
				for i := range st.op.Pieces {
					b.margins = append(b.margins, st.op.Pieces[i].Box)
				}
			} else {
				for i := range st.op.Results {
					b := &tensorBuf{slot: st.slots[i], memory: -1, maker: nd}
					vals[res(i)] = b
					u.bufs = append(u.bufs, b)
					nd.outs = append(nd.outs, b)
				}
			}
			for _, b := range nd.in {
				b.readers++
			}
			u.nodes = append(u.nodes, nd)
		}
		next := map[string]*tensorBuf{}
		for name, b := range cur {
			next[name] = b
		}
		for _, x := range s.sets {
			next["@"+x.Array] = vals[x.Value]
		}
		cur = next
	}
	return s.settle(u, cur)
}

// changes says that what an operation reads differs from step to step.
func (s *sweep) changes(st *planeOp) bool {
	for _, root := range st.root {
		if root[0] != '@' || s.set(root) {
			return true
		}
	}
	return false
}

// settle decides where the arrays' next values are written, and which buffers change places.
func (s *sweep) settle(u *unrolled, cur map[string]*tensorBuf) *unrolled {
	u.perm = make([]int, len(*s.layout))
	owner := make([]bool, len(u.perm))
	for i := range u.perm {
		u.perm[i] = -1
	}
	take := func(i, from int) { u.perm[i], owner[from] = from, true }
	for i, a := range s.arrays {
		if !s.set(a.name) {
			take(i, i)
		}
	}
	copied := func(i int, b *tensorBuf) {
		to := &tensorBuf{slot: i, memory: s.spare[i]}
		u.bufs = append(u.bufs, to)
		u.nodes = append(u.nodes, &planeNode{st: s.copies[i], outs: []*tensorBuf{to}, in: map[string]*tensorBuf{"%next": b}})
		b.readers++
		u.copied = append(u.copied, i)
		take(i, s.spare[i])
	}
	for i, a := range s.arrays {
		if b := cur[a.name]; s.set(a.name) && b.given {
			if l := (*s.layout)[b.memory]; !owner[b.memory] && l.same((*s.layout)[i]) {
				take(i, b.memory)
			} else {
				copied(i, b)
			}
		}
	}
	values := map[*tensorBuf][]int{} // the arrays they are the next values of
	for i, a := range s.arrays {
		if b := cur[a.name]; s.set(a.name) && !b.given {
			values[b] = append(values[b], i)
		}
	}
	// direct says that all that is computed with b goes to arrays over the same points, and nowhere else.
	direct := func(b *tensorBuf) bool {
		for _, o := range b.maker.outs {
			if o.readers > 0 || len(values[o]) != 1 {
				return false
			}
			i, first := values[o][0], values[b][0]
			if !(*s.layout)[o.slot].same((*s.layout)[i]) || !slices.Equal(s.arrays[i].box, s.arrays[first].box) {
				return false
			}
		}
		return true
	}
	kept := map[*planeNode][]int{} // results that others read too
	var made []*tensorBuf          // in their arrays
	for b, list := range values {
		if len(list) == 1 && direct(b) {
			made = append(made, b)
		}
	}
	for i, a := range s.arrays {
		b := cur[a.name]
		switch {
		case !s.set(a.name) || b.given:
		case slices.Contains(made, b):
			b.memory = s.spare[i]
			take(i, s.spare[i])
		case len(values[b]) == 1 && (*s.layout)[b.slot].same((*s.layout)[i]):
			kept[b.maker] = append(kept[b.maker], slices.Index(b.maker.outs, b))
		default:
			copied(i, b)
		}
	}
	for _, nd := range u.nodes {
		results := kept[nd]
		if len(results) == 0 {
			continue
		}
		st := s.keep(nd.st, results)
		for _, r := range results {
			i := values[nd.outs[r]][0]
			if st == nil {
				copied(i, nd.outs[r])
				continue
			}
			to := &tensorBuf{slot: i, memory: s.spare[i]}
			u.bufs, nd.outs = append(u.bufs, to), append(nd.outs, to)
			take(i, s.spare[i])
		}
		if st != nil {
			nd.st = st
		}
	}
	// Buffers that are left go where one is missing, first where they were.
	for i := range u.perm {
		if u.perm[i] < 0 && !owner[i] {
			take(i, i)
		}
	}
	for i := range u.perm {
		if u.perm[i] < 0 {
			j := slices.IndexFunc(owner, func(b bool) bool { return !b })
			for ; j >= 0 && (owner[j] || !(*s.layout)[i].same((*s.layout)[j])); j++ {
				if j == len(owner)-1 {
					return nil
				}
			}
			if j < 0 {
				return nil
			}
			take(i, j)
		}
	}
	return u
}

// account notes what a step must do: its operations, and every array that is read or set crossing the memory once.
func (s *sweep) account(g *fn) {
	w := &s.whole
	for _, x := range s.sets {
		w.name += " " + x.Array
	}
	w.name, w.kind = strings.TrimSpace(w.name), "pass"
	op := g.ops[len(g.ops)-1]
	w.pos = op.Pos
	for _, r := range op.Dom {
		w.shape = append(w.shape, r.Hi-r.Lo)
	}
	for i := range g.ops {
		if !slices.Contains(s.before, i) {
			w.flops += accountOf(&g.ops[i], g.vals).flops
		}
	}
	read := map[string]bool{}
	for _, st := range s.stages {
		for _, root := range st.root {
			read[root] = true
		}
	}
	for _, a := range s.arrays {
		n := int64(storageBytes(a.elem))
		for _, iv := range a.box {
			n *= int64(iv.Hi - iv.Lo)
		}
		if read[a.name] {
			w.bytes += n
		}
		if s.set(a.name) {
			w.bytes += n
		}
	}
}
