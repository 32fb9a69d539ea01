package tensor

import (
	"math"
	"strconv"

	"github.com/wfc-lang/wfc/ir"
)

// schedule is the learning rate over the run: up linearly, perhaps constant for a while, then down.
type schedule struct {
	warmup  amount
	kind    string // linear, cosine, constant
	end     amount // where it goes: a rate, or a part of the peak
	tail    amount // of `constant then linear to 0 over 20%`: how long the way down takes
	tailed  bool   // constant first
	written bool
}

// scheduleEntry reads `schedule [warmup W then] (linear|cosine) to E`, `.. constant`, `.. constant then linear to E over P`.
func (e *elab) scheduleEntry(tr *trainer, r *entryReader) {
	s := schedule{kind: "linear", end: amount{set: true}, written: true}
	if r.word("warmup") {
		s.warmup = r.amount()
		r.word("steps")
		if !r.done() && !r.word("then") {
			r.fail()
			return
		}
	}
	down := func(kind string) {
		s.kind = kind
		if r.word("to") {
			s.end = r.amount()
		}
	}
	switch kind := r.kind(); kind {
	case "linear", "cosine":
		down(kind)
	case "constant":
		s.kind = kind
		if r.word("then") {
			s.tailed = true
			kind = r.kind()
			if kind != "linear" && kind != "cosine" {
				r.fail()
				return
			}
			down(kind)
			if !r.word("over") {
				r.fail()
				return
			}
			s.tail = r.amount()
			r.word("steps")
		}
	default:
		r.fail()
		return
	}
	tr.schedule = s
}

// kind takes the word for a way of the rate, or a param that holds one.
func (r *entryReader) kind() string {
	for _, w := range []string{"linear", "cosine", "constant"} {
		if r.word(w) {
			return w
		}
	}
	return r.name()
}

// text is the schedule for people.
func (s schedule) text() string {
	a := func(x amount) string {
		if x.part {
			return strconv.FormatFloat(x.value*100, 'g', 6, 64) + "%"
		}
		return strconv.FormatFloat(x.value, 'g', 6, 64)
	}
	out := ""
	if s.warmup.set {
		out = "warmup " + a(s.warmup) + " then "
	}
	switch {
	case s.tailed:
		return out + "constant then " + s.kind + " to " + a(s.end) + " over " + a(s.tail)
	case s.kind == "constant":
		return out + "constant"
	}
	return out + s.kind + " to " + a(s.end)
}

// progress is how far step n of a run is, and how far the run goes. Where steps see different numbers of tokens, tokens are what counts, in
// steps of the first stretch: a batch that grows takes the rate along as if it had not.
func (e *elab) progress(n *val, r run) (at *val, total float64) {
	x := as(n, e.float)
	even := true
	for _, s := range r {
		total += float64(s.steps)
		even = even && s.tokens == r[0].tokens
	}
	if even {
		return x, total
	}
	at, done, total := x, float64(r[0].steps), float64(r[0].steps)
	for _, s := range r[1:] {
		step := float64(s.tokens) / float64(r[0].tokens)
		later := e.arith(ir.Add, num(total), e.arith(ir.Mul, num(step), e.arith(ir.Sub, x, num(done))))
		at = node(ir.Select, e.float, node(ir.Lt, ir.Bool, x, typed(e.float, done)), at, as(later, e.float))
		done, total = done+float64(s.steps), total+step*float64(s.steps)
	}
	return at, total
}

// rate is the learning rate of step n (counted from 0, a value) of a run of N steps. Warmup: peak*(n+1)/W for n < W. Then, with
// p = (n - start)/(N - start): linear peak + (end - peak)*p, cosine end + (peak - end)*(1 + cos(pi*p))/2.
func (e *elab) rate(s schedule, n *val, peak float64, r run) *val {
	x, total := e.progress(n, r)
	w := math.Round(s.warmup.of(total))
	start := w
	if s.tailed {
		start = math.Max(w, total-math.Round(s.tail.of(total)))
	}
	end := s.end.value
	if s.end.part {
		end *= peak
	}
	var v *val
	if s.kind == "constant" {
		v = typed(e.float, peak)
	} else {
		p := e.arith(ir.Div, e.arith(ir.Sub, x, num(start)), num(math.Max(1, total-start)))
		p = e.arith(ir.MinOp, e.arith(ir.MaxOp, p, num(0)), num(1))
		if s.kind == "linear" {
			v = e.arith(ir.Add, num(peak), e.arith(ir.Mul, num(end-peak), p))
		} else {
			c := e.apply(ir.Cos, e.arith(ir.Mul, num(math.Pi), p))
			v = e.arith(ir.Add, num(end), e.arith(ir.Mul, num((peak-end)/2), e.arith(ir.Add, num(1), c)))
		}
	}
	if w > 0 {
		up := e.arith(ir.Mul, num(peak/w), e.arith(ir.Add, x, num(1)))
		v = node(ir.Select, e.float, node(ir.Lt, ir.Bool, x, typed(e.float, w)), up, as(v, e.float))
	}
	return as(v, e.float)
}
