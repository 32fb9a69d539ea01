package interp

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// WithOrders returns a copy of p whose reductions have the orders that the mesh lowering recorded: interpreting it replays the wafer's
// results bit for bit.
func WithOrders(p *ir.Program, orders []mesh.ReduceOrder) *ir.Program {
	q := p.Clone()
	for _, o := range orders {
		fn := q.Func(o.Func)
		if fn == nil {
			continue
		}
		for i := range fn.Ops {
			op := &fn.Ops[i]
			for _, r := range op.Results {
				if op.Kind == ir.Reduce && r.Name == o.Value {
					op.Order = o.Order.Clone()
				}
			}
		}
	}
	return q
}
