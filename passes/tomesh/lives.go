package tomesh

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Scratch arrays of solvers and integrators ([ir.Array].Local) that are never needed at the same time share their storage. An array is
// live where some later function reads it before one writes it, over all ways through loops and branches, and from one launch to the next.
// What is live between launches, or read by the host, keeps its own place: the host loads and fetches it.

// set is a set of arrays by name.
type set map[string]bool

// touch is what a function reads of the arrays as of its entry, and what it assigns.
type touch struct{ reads, writes set }

func touches(f *ir.Func) touch {
	t := touch{set{}, set{}}
	read := func(name string) {
		if strings.HasPrefix(name, "@") {
			t.reads[name[1:]] = true
		}
	}
	for i := range f.Ops {
		read(f.Ops[i].From)
		for _, p := range f.Ops[i].Pieces {
			for _, n := range p.Body.Nodes {
				if n.Op == ir.Read {
					read(n.Name)
				}
			}
		}
	}
	for _, s := range f.Sets {
		read(s.Value)
		t.writes[s.Array] = true
	}
	return t
}

// lives computes liveness. During a call, an array is in use when the function touches it or when it is live after it.
type lives struct {
	touch map[string]touch
	meet  map[string]set // arrays in use at the same time
	use   map[string]set // by function: arrays in use while it runs
	keep  set            // arrays that are always in use
	note  bool
}

// body is what is live before statements when out is live after them.
func (v *lives) body(body []ir.Stmt, out set) set {
	for i := len(body) - 1; i >= 0; i-- {
		switch s := &body[i]; s.Kind {
		case ir.Call:
			out = v.call(s.Func, out)
		case ir.If:
			out = union(v.body(s.Body, out), v.body(s.Else, out), set{s.Cond: true})
		default:
			in := union(out, set{s.Cond: true})
			for {
				next := union(in, v.body(s.Body, in))
				if len(next) == len(in) {
					break
				}
				in = next
			}
			out = in
		}
	}
	return out
}

func (v *lives) call(f string, out set) set {
	t := v.touch[f]
	if v.note {
		use := union(out, t.reads, t.writes)
		v.use[f] = union(v.use[f], use)
		for a := range use {
			if v.meet[a] == nil {
				v.meet[a] = set{}
			}
			for b := range use {
				v.meet[a][b] = true
			}
		}
	}
	in := set{}
	for a := range out {
		if !t.writes[a] {
			in[a] = true
		}
	}
	return union(in, t.reads)
}

func union(sets ...set) set {
	out := set{}
	for _, s := range sets {
		for a := range s {
			out[a] = true
		}
	}
	return out
}

// shareArrays maps Local arrays to the array whose storage they use; an array that is not in the map has its own.
func (l *lowering) shareArrays() map[string]string {
	v := &lives{touch: map[string]touch{}, meet: map[string]set{}, use: map[string]set{}}
	l.lives = v
	called := set{}
	var launches [][]ir.Stmt
	keep := set{}
	for i := range l.control {
		q := &l.control[i]
		launches = append(launches, q.Body)
		keep[q.Until] = true
		ir.Walk(q.Body, func(s *ir.Stmt) { called[s.Func] = true })
	}
	for i := range l.p.Funcs {
		f := &l.p.Funcs[i]
		if f.Host {
			continue
		}
		v.touch[f.Name] = touches(f)
		if !called[f.Name] {
			launches = append(launches, []ir.Stmt{{Func: f.Name}})
		}
	}
	for i := range l.p.Arrays {
		if a := &l.p.Arrays[i]; !a.Local || a.Const || len(a.Axes) == 0 {
			keep[a.Name] = true
		}
	}
	l.hostReads(keep)
	for { // what is live at the start of a launch is live at the end of any
		before := len(keep)
		for _, b := range launches {
			keep = union(keep, v.body(b, keep))
		}
		if len(keep) == before {
			break
		}
	}
	v.note, v.keep = true, keep
	for _, b := range launches {
		v.body(b, keep)
	}
	into := map[string]string{}
	type slot struct {
		first   string
		members []string
	}
	var slots []*slot
	for i := range l.p.Arrays {
		a := &l.p.Arrays[i]
		if keep[a.Name] || v.meet[a.Name] == nil {
			continue
		}
		k := slices.IndexFunc(slots, func(s *slot) bool {
			return (l.o.Overlay || slices.Equal(l.p.Array(s.first).Axes, a.Axes)) && l.p.Array(s.first).Elem == a.Elem &&
				!slices.ContainsFunc(s.members, func(b string) bool { return v.meet[a.Name][b] })
		})
		if k < 0 {
			slots = append(slots, &slot{a.Name, []string{a.Name}})
			continue
		}
		slots[k].members = append(slots[k].members, a.Name)
		into[a.Name] = slots[k].first
	}
	return into
}

// hostReads adds the arrays that the host reads for outputs, clocks and failures.
func (l *lowering) hostReads(keep set) {
	for _, o := range l.p.Outputs {
		for _, a := range o.Arrays {
			keep[a] = true
		}
	}
	for _, q := range l.p.Probes {
		keep[q.Array] = true
	}
	for _, f := range l.p.Failures {
		keep[f.Array], keep[f.History], keep[f.Entries] = true, true, true
	}
	for _, r := range l.p.Schedule {
		for _, a := range r.Clock.Arrays() {
			keep[a] = true
		}
	}
}
