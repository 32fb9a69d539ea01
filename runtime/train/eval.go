package train

import (
	"math"

	"github.com/wfc-lang/wfc/runtime"
)

// evaluate measures the loss on the data held back: on EvalBatches batches spread evenly, or all of them.
func (t *Trainer) evaluate(all bool) error {
	p := t.prog.Plan
	val := t.o.Data.Val
	if val == nil || val.Len() < p.Context+1 {
		return nil
	}
	windows := (val.Len() - 1) / p.Context
	n := t.o.EvalBatches
	if n <= 0 {
		if n = p.EvalBatches; n <= 0 {
			n = 20
		}
	}
	most := max(1, windows/p.Batch)
	if n = min(n, most); all && t.o.EvalBatches == 0 {
		n = min(most, max(n, 200))
	}
	var losses []float64
	for b := range n {
		if t.team != nil && b%t.team.c.Size() != t.team.c.Rank() {
			continue
		}
		for i := range p.Batch {
			at := val.Spread(b*p.Batch+i, n*p.Batch, p.Context)
			val.Window(at, t.x.I32[i*p.Context:(i+1)*p.Context], t.y.I32[i*p.Context:(i+1)*p.Context])
		}
		loss, err := t.launch(p.Eval)
		if err != nil {
			return err
		}
		losses = append(losses, loss)
	}
	sum, err := t.sum(losses, n)
	if err != nil {
		return err
	}
	v := runtime.Number(sum / float64(n))
	t.res.ValLoss = &v
	f := float64(v)
	if !math.IsNaN(f) && !math.IsInf(f, 0) {
		t.run.ValLoss = &f
	}
	t.o.Progress.Eval(t.step, f, n)
	if t.log != nil {
		return t.log.eval(t.step, v, n)
	}
	return nil
}

// sum adds the losses of n batches in their order; on several ranks, batch i is that of rank i mod P.
func (t *Trainer) sum(losses []float64, n int) (sum float64, err error) {
	if t.team != nil {
		return t.team.total(losses, n)
	}
	for _, x := range losses {
		sum += x
	}
	return sum, nil
}
