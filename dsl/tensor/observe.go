package tensor

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// ObserveFunc is the function that Observe adds.
const ObserveFunc = "observe"

// Observe adds to the program a function that computes the forward pass and leaves in arrays what goes from each layer to the next, and the
// logits. It returns the arrays' names, layers in order.
func (p *Program) Observe() ([]string, error) {
	src := p.IR.Func("loss")
	at := map[string]*ir.Op{}
	for i := range src.Ops {
		for _, r := range src.Ops[i].Results {
			at["%"+r.Name] = &src.Ops[i]
		}
	}
	f := src.Clone()
	f.Name, f.Sets = ObserveFunc, nil
	var arrays []string
	for i, v := range p.ends {
		op := at[v]
		if op == nil {
			return nil, fmt.Errorf("layer %d has no value %s", i+1, v)
		}
		a := ir.Array{Name: fmt.Sprintf("%s.%d", ObserveFunc, i+1), Elem: op.Results[0].Elem}
		for _, d := range op.Dom {
			a.Axes = append(a.Axes, d.Axis)
		}
		p.IR.Arrays = append(p.IR.Arrays, a)
		f.Sets = append(f.Sets, ir.Set{Array: a.Name, Value: v})
		arrays = append(arrays, a.Name)
	}
	if l := p.IR.Func("logits"); l != nil {
		f.Sets = append(f.Sets, l.Sets...)
		arrays = append(arrays, "logits")
	}
	p.IR.Funcs = append(p.IR.Funcs, f)
	return arrays, nil
}
