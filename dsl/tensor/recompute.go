package tensor

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes/grad"
)

// recomputed makes the gradient in parts, layer by layer: what a layer computed is not kept but computed again on the way back (Chen et
// al., "Training deep nets with sublinear memory cost", 2016). With microbatches the gradients of one are then added to acc.NAME.
func (e *elab) recomputed(tr *trainer, add bool) {
	at := e.m.decl.Name.At
	var wrt []string
	for _, w := range e.m.weights {
		wrt = append(wrt, w.name)
	}
	err := grad.Cut(e.p, "loss", partsProc, e.m.ends)
	if err == nil {
		_, err = grad.ReverseProc(e.p, grad.ProcOptions{Proc: partsProc, Name: backProc, Wrt: wrt, Of: "loss", Seed: e.seed(tr)})
	}
	if err != nil {
		e.fail("WF0376", at, "the loss cannot be differentiated in parts: %v", err).Suggest("remove `recompute layers`")
		return
	}
	e.fn = newBuilder(keepFunc, false)
	value := read("@"+grad.Value("loss"), e.float, nil)
	e.fn.set("loss", e.store("value", value, nil, at).ref)
	if add {
		for _, w := range e.m.weights {
			dims := here(w.arr.dims)
			sum := node(ir.Add, e.float, read("@"+e.gradient(w), e.float, dims), read("@"+grad.Gradient(w.name), e.float, dims))
			e.fn.set(e.gradient(w), e.store("sum."+w.name, sum, w.arr.dims, at).ref)
		}
		count := node(ir.Add, ir.I32, read("@"+countArray, ir.I32, nil), typed(ir.I32, 1))
		e.fn.set(countArray, e.store("count", count, nil, at).ref)
		total := node(ir.Add, e.float, read("@"+sumArray, e.float, nil), value)
		e.fn.set(sumArray, e.store("total", total, nil, at).ref)
	}
	e.p.Funcs = append(e.p.Funcs, e.fn.f)
	name := gradFunc
	if add {
		name = microFunc
	}
	e.p.Procs = append(e.p.Procs, ir.Proc{Name: name, Body: []ir.Stmt{{Kind: ir.Call, Func: backProc}, {Kind: ir.Call, Func: keepFunc}}})
}
