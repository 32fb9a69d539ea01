package runtime

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// watch decides when all fields are looked at for NaN besides the start, the outputs and the end: after step 1, 2, 4, .. 1024 and then every
// 1024 steps, which costs little and finds a blow-up long before a long run ends. Engines that count cycles are left alone, because
// looking would cost host transfers.
type watch struct {
	on   bool
	last int64 // step of the last look that found nothing
}

func newWatch(e Engine) watch {
	_, counts := e.(Counter)
	return watch{on: !counts}
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
// gives NaN as a value.
func (r *runner) checkNaN(name string, t *ir.Tensor) error {
	k, found := firstNaN(t)
	if !found {
		return nil
	}
	var at diag.Span
	if a := r.p.Array(name); a != nil {
		at = r.opt.span(a.Pos)
	}
	if r.step == 0 && r.done == 0 {
		d := diag.New("WF0605", at, "the initial value of %s%s is not a number", name, indexText(t.Dims, k))
		return diag.List{d.Note("a division by zero, a root or a logarithm of a negative number, or a data file that holds NaN").
			Suggest("choose the values with where(condition, value, otherwise)")}
	}
	d := diag.New("WF0605", at, "%s%s is not a number after step %d", name, indexText(t.Dims, k), r.step)
	if r.step > 0 && r.watch.last < r.step {
		d.Note("it was a number everywhere after step %d", r.watch.last)
	}
	if r.step == 0 {
		d.Note("the assignments before the first step gave it")
	} else {
		d.Note("most often the time step is too large, or a division by zero or a root of a negative number occurs")
		d.Suggest("try a smaller step, or output every step to see where it starts")
	}
	return diag.List{d}
}
