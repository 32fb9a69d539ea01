package ranks

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
)

// What has to be exchanged before a stage is the same every time, so it is worked out once: every rank tells the others what it needs, and each
// finds in the lists of the others what it has to send, in the order in which it will be put away.

// move is a box that goes from the owner to a window.
type move struct {
	from, to int // ranks
	array    string
	window   string // where it goes: the array or a window of it
	source   box    // in the coordinates of the sender
	target   box    // in those of the receiver
	count    int    // elements
}

// wanted is what a rank needs of an array before a stage: a part of one of its windows, with the window's name and the origin of its coordinates.
type wanted struct {
	Array, Window string
	Box           box
	From          []int
}

// wants lists what the rank needs, per stage.
func (a *analysis) wants() [][]wanted {
	out := make([][]wanted, len(a.st.order))
	for i, s := range a.st.order {
		r := a.reach[s]
		for k := range a.st.p.Arrays { // in a fixed order
			ar := &a.st.p.Arrays[k]
			stored := a.stored(ar.Axes)
			var near box
			far := map[int]box{}
			needs := r.arrays[ar.Name]
			if r.split != nil { // the inner points need nothing
				needs = r.split.out.arrays[ar.Name]
			}
			for _, b := range needs {
				if stored.contains(b) {
					if near == nil {
						near = b
					}
					near = near.hull(b)
				} else {
					w := holds(a.far[ar.Name], b)
					if far[w] == nil {
						far[w] = b
					}
					far[w] = far[w].hull(b)
				}
			}
			if near != nil && !a.own(ar.Axes, a.rank).contains(near) {
				out[i] = append(out[i], wanted{ar.Name, ar.Name, near, a.origin(ar.Axes)})
			}
			for w, b := range a.far[ar.Name] {
				if far[w] != nil {
					from := make([]int, len(b))
					for d := range b {
						from[d] = b[d].Lo
					}
					out[i] = append(out[i], wanted{ar.Name, farName(ar.Name, w), far[w], from})
				}
			}
		}
	}
	return out
}

// moves finds where the parts of what rank "to" wants are. origins gives the begin of the frames of every rank.
func (l *layout) moves(p *ir.Program, w wanted, to int, origins []map[string]int) (out []move) {
	ar := p.Array(w.Array)
	own := l.own(ar.Axes, to)
	cut := l.dims(ar.Axes)
	type run struct {
		ir.Interval
		turn, part int
	}
	runs := make([][]run, len(w.Box))
	for d, r := range w.Box {
		x, ok := l.axes[ar.Axes[d]]
		if !ok {
			runs[d] = []run{{r, 0, 0}}
			continue
		}
		for lo := r.Lo; lo < r.Hi; {
			k := 0
			if x.turn > 0 {
				k = floorDiv(lo, x.turn) * x.turn
			}
			hi, part := min(r.Hi, k+x.n), 0
			if cut[d] {
				for q := range l.grid[x.dim] {
					if a, b := x.cut.Block(x.n, q); lo-k >= a && lo-k < b {
						part, hi = q, min(hi, k+b)
					}
				}
			}
			runs[d] = append(runs[d], run{ir.Interval{Lo: lo, Hi: hi}, -k, part})
			lo = hi
		}
	}
	frames := l.frameOf(ar.Axes)
	target, turns := make(box, len(w.Box)), make([]int, len(w.Box))
	at := l.coords(to)
	var each func(d int)
	each = func(d int) {
		if d < len(runs) {
			for _, r := range runs[d] {
				target[d], turns[d] = r.Interval, r.turn
				if cut[d] {
					old := at[l.axes[ar.Axes[d]].dim]
					at[l.axes[ar.Axes[d]].dim] = r.part
					each(d + 1)
					at[l.axes[ar.Axes[d]].dim] = old
				} else {
					each(d + 1)
				}
			}
			return
		}
		from := l.rank(at)
		parts := []box{target.clone()}
		if w.Window == w.Array { // what the rank has itself is not touched
			parts = target.less(own)
		}
		for _, t := range parts {
			m := move{from: from, to: to, array: w.Array, window: w.Window, source: make(box, len(t)), target: t.from(w.From), count: t.volume()}
			for d := range t {
				m.source[d] = shift(t[d], turns[d])
				if frames[d] != "" {
					m.source[d] = shift(m.source[d], -origins[from][frames[d]])
				}
			}
			out = append(out, m)
		}
	}
	each(0)
	return out
}

// plan is all that goes to and from a rank before the stages.
type plan struct {
	stages []stagePlan
}

// stagePlan has what a stage needs, array by array.
type stagePlan struct {
	arrays []string
	send   [][]move // per array: what this rank sends, by receiver
	recv   [][]move // what it receives, by sender; also from itself
}

// newPlan tells all ranks what this one needs and learns what they do.
func newPlan(ctx context.Context, c mpi.Comm, a *analysis) (*plan, error) {
	type message struct {
		Wants   [][]wanted
		Origins map[string]int
	}
	mine := message{a.wants(), map[string]int{}}
	for f, r := range a.frames {
		mine.Origins[f] = r.Lo
	}
	b, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	texts, err := mpi.Allgather(ctx, c, b)
	if err != nil {
		return nil, err
	}
	all := make([]message, len(texts))
	origins := make([]map[string]int, len(texts))
	for i, t := range texts {
		if err := json.Unmarshal(t, &all[i]); err != nil || len(all[i].Wants) != len(a.st.order) {
			return nil, fmt.Errorf("rank %d runs another program", i)
		}
		origins[i] = all[i].Origins
	}
	p := &plan{}
	for s := range a.st.order {
		var sp stagePlan
		index := map[string]int{}
		for k := range a.st.p.Arrays {
			name := a.st.p.Arrays[k].Name
			for to := range all {
				for _, w := range all[to].Wants[s] {
					if w.Array != name {
						continue
					}
					if _, ok := index[name]; !ok {
						index[name] = len(sp.arrays)
						sp.arrays = append(sp.arrays, name)
						sp.send, sp.recv = append(sp.send, nil), append(sp.recv, nil)
					}
					i := index[name]
					for _, m := range a.moves(a.st.p, w, to, origins) {
						if m.from == c.Rank() && to != c.Rank() {
							sp.send[i] = append(sp.send[i], m)
						}
						if to == c.Rank() {
							sp.recv[i] = append(sp.recv[i], m)
						}
					}
				}
			}
		}
		p.stages = append(p.stages, sp)
	}
	return p, nil
}
