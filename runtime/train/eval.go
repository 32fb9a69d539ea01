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
	sum := 0.0
	for b := range n {
		for i := range p.Batch {
			at := val.Spread(b*p.Batch+i, n*p.Batch, p.Context)
			val.Window(at, t.x.I32[i*p.Context:(i+1)*p.Context], t.y.I32[i*p.Context:(i+1)*p.Context])
		}
		loss, err := t.launch(p.Eval)
		if err != nil {
			return err
		}
		sum += loss
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
