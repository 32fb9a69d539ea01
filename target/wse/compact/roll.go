package compact

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// maxPeriod bounds the operations in the body of a loop.
const maxPeriod = 24

// minGain is the least number of bytes for which a loop is formed: every turn costs a branch and an addition for each step.
const minGain = 24

// roll replaces repetitions by loops, list by list until the code is short enough, and returns how many.
func (k *compactor) roll() int {
	n := 0
	for _, list := range k.lists() {
		if k.size > k.limit {
			n += k.rollList(list)
		}
	}
	return n
}

// repeat is a loop that could stand in a list: times repetitions of period operations, whose operands advance by steps.
type repeat struct {
	period, times int
	steps         []int // of the operands of the body, in their order
	gain          int   // bytes
}

// rollList chooses the loops of a list that save most together: best[i] is what the list from i on can save.
func (k *compactor) rollList(list *[]wse.Stmt) int {
	in := *list
	best := make([]int, len(in)+1)
	take := make([]*repeat, len(in))
	for i := len(in) - 1; i >= 0; i-- {
		best[i] = best[i+1]
		for p := 1; p <= maxPeriod && i+2*p <= len(in); p++ {
			r := k.repeatAt(in, i, p)
			if r != nil && r.gain >= minGain && r.gain+best[i+p*r.times] > best[i] {
				best[i], take[i] = r.gain+best[i+p*r.times], r
			}
		}
	}
	if len(in) == 0 || best[0] == 0 {
		return 0
	}
	var out []wse.Stmt
	n := 0
	for i := 0; i < len(in); {
		if r := take[i]; r != nil {
			out = append(out, k.loop(in[i:i+r.period], r)...)
			i += r.period * r.times
			n++
			continue
		}
		out = append(out, in[i])
		i++
	}
	*list = out
	k.size -= best[0]
	return n
}

// repeatAt looks for repetitions of the period statements from i on.
func (k *compactor) repeatAt(list []wse.Stmt, i, period int) *repeat {
	var steps []int
	for j := i; j < i+period; j++ {
		s, ok := stepsBetween(list[j], list[j+period])
		if !ok {
			return nil
		}
		steps = append(steps, s...)
	}
	times := 2
	for ; i+(times+1)*period <= len(list); times++ {
		at := 0
		for j := i + (times-1)*period; j < i+times*period; j++ {
			s, ok := stepsBetween(list[j], list[j+period])
			if !ok || !slices.Equal(s, steps[at:at+len(s)]) {
				return k.worth(list[i:i+period], &repeat{period: period, times: times, steps: steps})
			}
			at += len(s)
		}
	}
	return k.worth(list[i:i+period], &repeat{period: period, times: times, steps: steps})
}

// worth fills in what a loop saves.
func (k *compactor) worth(body []wse.Stmt, r *repeat) *repeat {
	r.gain = r.times*k.bytes(body) - k.bytes(k.build(body, r))
	return r
}

// stepsBetween gives for every operand how far it is, in elements, from that of the same operation one repetition before. Operations of
// memory only; everything else must be equal.
func stepsBetween(a, b wse.Stmt) ([]int, bool) {
	x, ok1 := a.(*wse.Op)
	y, ok2 := b.(*wse.Op)
	if !ok1 || !ok2 || x.Code != y.Code || x.Elem != y.Elem || x.Async || y.Async || x.Func != y.Func || x.Line != y.Line || len(x.Src) != len(y.Src) {
		return nil, false
	}
	out := make([]int, 1+len(x.Src))
	for i := range out {
		o, p := x.Dst, y.Dst
		if i > 0 {
			o, p = x.Src[i-1], y.Src[i-1]
		}
		if o.Kind != p.Kind {
			return nil, false
		}
		switch o.Kind {
		case wse.Mem, wse.Scalar:
			if o.Array != p.Array || o.IndexReg != "" || p.IndexReg != "" || !slices.Equal(o.Dims, p.Dims) {
				return nil, false
			}
			out[i] = p.Offset - o.Offset
		case wse.Imm:
			if o.Bits != p.Bits {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return out, true
}

// loop builds a loop and remembers which statements it is.
func (k *compactor) loop(body []wse.Stmt, r *repeat) []wse.Stmt {
	out := k.build(body, r)
	k.group[out[0]] = len(out)
	k.group[out[len(out)-1]] = len(out)
	return out
}

// turns is how often the body of a loop of ours runs, 0 for other loops. What a call runs is a copy, so the loop tells itself: its registers
// are none of the compiler's.
func (k *compactor) turns(w *wse.While) int {
	if w.Cond.A.Name != stepReg(0) || len(w.Body) == 0 {
		return 0
	}
	for _, s := range w.Body {
		if s, ok := s.(*wse.Set); ok && s.Reg == stepReg(0) && s.B.Imm != 0 {
			return int(w.Cond.B.Imm / s.B.Imm)
		}
	}
	return 0
}

// stepReg names the register of a loop's i-th step.
func stepReg(i int) string { return fmt.Sprintf("step%d", i) }

// build is the code of a loop: a register for every different step counts elements, the first of them also the turns.
//
//	set %step0 = 0  while %step0 < times*step { the body at + 1*%step0  set %step0 = %step0 + step }
func (k *compactor) build(body []wse.Stmt, r *repeat) []wse.Stmt {
	var steps []int
	for _, s := range r.steps {
		if s != 0 && !slices.Contains(steps, s) {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 { // the same operation again: only the turns count
		steps = []int{1}
	}
	var out []wse.Stmt
	loop := &wse.While{Cond: wse.Cond{A: wse.RegVal(stepReg(0)), Cmp: wse.Lt, B: wse.IntVal(int32(r.times * steps[0]))}}
	if steps[0] < 0 {
		loop.Cond.Cmp = wse.Gt
	}
	at := 0
	advance := func(o wse.Operand) wse.Operand {
		s := r.steps[at]
		at++
		if s != 0 && (o.Kind == wse.Mem || o.Kind == wse.Scalar) {
			o.IndexReg, o.IndexScale = stepReg(slices.Index(steps, s)), 1
		}
		return o
	}
	for _, s := range body {
		o := *s.(*wse.Op)
		o.Dst = advance(o.Dst)
		o.Src = slices.Clone(o.Src)
		for i := range o.Src {
			o.Src[i] = advance(o.Src[i])
		}
		loop.Body = append(loop.Body, &o)
	}
	for i, s := range steps {
		out = append(out, &wse.Set{Reg: stepReg(i), Fn: wse.SetMov, A: wse.IntVal(0)})
		loop.Body = append(loop.Body, &wse.Set{Reg: stepReg(i), Fn: wse.SetAdd, A: wse.RegVal(stepReg(i)), B: wse.IntVal(int32(s))})
	}
	return append(out, loop)
}
