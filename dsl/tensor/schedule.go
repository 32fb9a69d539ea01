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
	switch {
	case r.word("linear"):
		down("linear")
	case r.word("cosine"):
		down("cosine")
	case r.word("constant"):
		s.kind = "constant"
		if r.word("then") {
			s.tailed = true
			switch {
			case r.word("linear"):
				down("linear")
			case r.word("cosine"):
				down("cosine")
			default:
				r.fail()
				return
			}
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

// rate is the learning rate of step n (counted from 0, a value) of a run of so many steps. Warmup: peak*(n+1)/W for n < W. Then, with
// p = (n - start)/(steps - start): linear peak + (end - peak)*p, cosine end + (peak - end)*(1 + cos(pi*p))/2.
func (e *elab) rate(s schedule, n *val, peak float64, steps int64) *val {
	w := math.Round(s.warmup.of(steps))
	total := float64(steps)
	start := w
	if s.tailed {
		start = math.Max(w, total-math.Round(s.tail.of(steps)))
	}
	end := s.end.value
	if s.end.part {
		end *= peak
	}
	x := as(n, e.float)
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
