package verdict

import (
	"fmt"
	"math"
	"sort"

	"github.com/wfc-lang/wfc/target/wse"
)

const unknownAt = math.MinInt32

// races collects pairs of statements that no schedule orders.
type races struct {
	found  map[[3]string]Race
	known  map[overlapKey]bool
	queues []string // findings about queues
}

type overlapKey struct {
	class  int
	a, b   *wse.Dim
	na, nb int
	x, y   int
}

func newRaces() *races { return &races{found: map[[3]string]Race{}, known: map[overlapKey]bool{}} }

func (r *races) list() []Race {
	var out []Race
	for _, x := range r.found {
		out = append(out, x)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		switch {
		case a.Class != b.Class:
			return a.Class < b.Class
		case a.First != b.First:
			return a.First < b.First
		case a.Second != b.Second:
			return a.Second < b.Second
		}
		return a.What < b.What
	})
	return out
}

func (r *races) add(s *state, i int, first, second, what string) {
	k := s.m.codes[s.m.class[i]]
	key := [3]string{k.class.Name, first, second}
	if _, ok := r.found[key]; !ok {
		r.found[key] = Race{k.class.Name, s.m.x(i), s.m.y(i), first, second, what}
	}
}

func (r *races) queue(s *state, i int, x, o *op) {
	first, second := title(x.line, x.src.String()), title(o.line, o.src.String())
	r.add(s, i, first, second, "both use one queue or microthread")
	if len(r.queues) == 0 {
		r.queues = append(r.queues, fmt.Sprintf("PE (%d,%d): %s is issued while %s may still use its queue or microthread", s.m.x(i), s.m.y(i), second, first))
	}
}

// touch compares the memory operands of a statement with those of all operations nobody has waited for, and notes it among them
// when it is asynchronous itself.
func (s *state) touch(i int, acc []access, it *inst, in *ins) {
	p := &s.pes[i]
	if p.order == nil {
		return
	}
	if len(p.order.live) == 0 && it == nil {
		return
	}
	at := make([]int, len(acc))
	for j, a := range acc {
		at[j] = a.off
		if a.index >= 0 {
			if v := p.regs[a.index]; v.why == NoReason {
				at[j] += a.scale * int(v.v)
			} else {
				at[j] = unknownAt
			}
		}
	}
	for _, x := range p.order.live {
		if it != nil && x.op == it.op && !x.finished {
			continue // the queue says more
		}
		for j, a := range acc {
			for l, b := range x.op.acc {
				if a.array == b.array && (a.writes || b.writes) && s.races.overlap(s.m.class[i], a, at[j], b, x.at[l]) {
					verb := "reads"
					if a.writes {
						verb = "writes"
					}
					other := "read"
					if b.writes {
						other = "written"
					}
					s.races.add(s, i, title(x.op.line, x.op.src.String()), title(in.line, in.text()),
						fmt.Sprintf("the second %s elements of array %s that are %s by the first", verb, s.m.codes[s.m.class[i]].class.Arrays[a.array].Name, other))
				}
			}
		}
	}
	if it != nil {
		it.at, it.run = at, len(p.order.runs)-1
		p.order.live = append(p.order.live, it)
	}
}

// text is the statement, as far as messages need it.
func (in *ins) text() string {
	switch in.kind {
	case iOp:
		return in.op.src.String()
	case iLoad:
		return "load"
	}
	return "time"
}

// overlap reports a common element of two patterns in one array.
func (r *races) overlap(class int, a access, x int, b access, y int) bool {
	if x == unknownAt || y == unknownAt {
		return true
	}
	alo, ahi := bounds(a.dims)
	blo, bhi := bounds(b.dims)
	if x+ahi < y+blo || y+bhi < x+alo {
		return false
	}
	if dense(a.dims) && dense(b.dims) {
		return true
	}
	key := overlapKey{class: class, na: len(a.dims), nb: len(b.dims), x: x, y: y}
	if len(a.dims) > 0 {
		key.a = &a.dims[0]
	}
	if len(b.dims) > 0 {
		key.b = &b.dims[0]
	}
	hit, ok := r.known[key]
	if ok {
		return hit
	}
	used := map[int]bool{}
	each(a.dims, x, func(e int) bool { used[e] = true; return true })
	each(b.dims, y, func(e int) bool { hit = used[e]; return !hit })
	r.known[key] = hit
	return hit
}

func bounds(dims []wse.Dim) (lo, hi int) {
	for _, d := range dims {
		if n := (d.Len - 1) * d.Stride; n < 0 {
			lo += n
		} else {
			hi += n
		}
	}
	return
}

func dense(dims []wse.Dim) bool { return len(dims) == 0 || len(dims) == 1 && dims[0].Stride == 1 }

// each calls f for the elements of a pattern until it returns false.
func each(dims []wse.Dim, at int, f func(int) bool) bool {
	if len(dims) == 0 {
		return f(at)
	}
	for i := 0; i < dims[0].Len; i++ {
		if !each(dims[1:], at+i*dims[0].Stride, f) {
			return false
		}
		if len(dims) > 1 && dims[0].Stride == 0 {
			break
		}
	}
	return true
}
