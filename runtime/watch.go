package runtime

import (
	"math"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// watch decides when all fields are looked at for NaN and infinity besides the start, the outputs and the end: after step 1, 2, 4, .. 1024 and then every
// 1024 steps, which costs little and finds a blow-up long before a long run ends. Engines that count cycles are left alone, because
// looking would cost host transfers.
type watch struct {
	on    bool
	last  int64           // step of the last look that found nothing
	grows map[string]bool // the arrays in which infinity ends the run
}

func newWatch(e Engine, p *ir.Program) watch {
	_, counts := e.(Counter)
	return watch{on: !counts, grows: growing(p)}
}

// next is the first iteration of the leg after k at which to look, or -1.
func (w *watch) next(l *leg, k int64) int64 {
	if !w.on || !l.steps {
		return -1
	}
	s := l.first + k
	n := int64(1)
	for n <= s && n < 1024 {
		n *= 2
	}
	if n <= s {
		n = (s/1024 + 1) * 1024
	}
	return n - l.first
}

// checkAll looks at every field.
func (r *runner) checkAll() error {
	for _, a := range r.fields() {
		if !a.Elem.IsFloat() {
			continue
		}
		if _, err := r.get(a.Name); err != nil {
			return err
		}
	}
	r.watch.last = r.step
	return nil
}

// checkNaN stops the run at the first NaN of an array. An array that may hold NaN on purpose does not exist: nothing in the language
// gives NaN as a value. Infinity is one, of a maximum over nothing for example; but state that the program reads, that was finite at the
// start and is no longer has grown beyond all bounds.
func (r *runner) checkNaN(name string, t *ir.Tensor) error {
	if finite(t) {
		return nil
	}
	k, found := first(t, func(v float64) bool { return v != v })
	what := "not a number"
	if !found && r.watch.grows[name] {
		if k, found = first(t, func(v float64) bool { return math.IsInf(v, 0) }); found {
			what = "infinite"
		}
		if found && r.starting() {
			delete(r.watch.grows, name)
			return nil
		}
	}
	if !found {
		return nil
	}
	var at diag.Span
	if a := r.p.Array(name); a != nil {
		at = r.opt.span(a.Pos)
	}
	place := name
	if m, ok := strings.CutPrefix(name, "monitor."); ok {
		place = "the monitor " + m
	}
	if len(t.Dims) > 0 {
		place += indexText(t.Dims, k)
	}
	if r.starting() {
		d := diag.New("WF0605", at, "the initial value of %s is not a number", place)
		return diag.List{d.Note("a division by zero, a root or a logarithm of a negative number, or a data file that holds NaN").
			Suggest("choose the values with where(condition, value, otherwise)")}
	}
	d := diag.New("WF0605", at, "%s is %s after step %d", place, what, r.step)
	if r.step > 0 && r.watch.last < r.step {
		d.Note("it was a finite number everywhere after step %d", r.watch.last)
	}
	if r.step == 0 {
		d.Note("the assignments before the first step gave it")
	} else {
		d.Note("most often the time step is too large, a solution grows without bound, or a division by zero or a root of a negative number occurs")
		d.Suggest("try a smaller step, or output every step to see where it starts")
	}
	return diag.List{d}
}

// starting says whether nothing has run yet.
func (r *runner) starting() bool { return r.step == 0 && r.done == 0 }

// growing are the arrays a program computes from and sets: those that may feed on themselves.
func growing(p *ir.Program) map[string]bool {
	read, set := map[string]bool{}, map[string]bool{}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host {
			continue
		}
		for k := range f.Ops {
			read[strings.TrimPrefix(f.Ops[k].From, "@")] = true
		}
		f.Bodies(func(_ *ir.Op, _ *ir.Piece, b *ir.Body) {
			for _, n := range b.Nodes {
				if n.Op == ir.Read {
					read[strings.TrimPrefix(n.Name, "@")] = true
				}
			}
		})
		for _, s := range f.Sets {
			set[s.Array] = true
		}
	}
	out := map[string]bool{}
	for _, a := range p.Arrays {
		out[a.Name] = read[a.Name] && set[a.Name] && len(a.Axes) > 0
	}
	return out
}
