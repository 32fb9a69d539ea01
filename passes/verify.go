package passes

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

func printProgram(p *ir.Program) string { return ir.Print(p) }

// verify checks what every pass must leave: arguments before uses, definitions before uses, one result per result. With canonical, also
// what the last pass must leave: device functions hold no derivative, coordinate or function to expand, and every read is inside its
// operand's box or on a periodic axis.
func verify(p *ir.Program, canonical bool) error {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		defined := map[string]bool{}
		for j := range f.Ops {
			op := &f.Ops[j]
			for _, n := range operands(op) {
				if n[0] == '%' && !defined[n] || n[0] == '@' && p.Array(n[1:]) == nil {
					return fmt.Errorf("function %s: operation %d reads %s before it is defined", f.Name, j, n)
				}
			}
			for k := range op.Pieces {
				if err := verifyBody(op, &op.Pieces[k].Body, canonical && !f.Host); err != nil {
					return fmt.Errorf("function %s: operation %d, piece %d: %w", f.Name, j, k, err)
				}
			}
			for _, r := range op.Results {
				if defined["%"+r.Name] {
					return fmt.Errorf("function %s defines %%%s twice", f.Name, r.Name)
				}
				defined["%"+r.Name] = true
			}
		}
		for _, s := range f.Sets {
			if s.Value == "" || s.Value[0] == '%' && !defined[s.Value] || p.Array(s.Array) == nil {
				return fmt.Errorf("function %s sets %s to %q", f.Name, s.Array, s.Value)
			}
		}
		if canonical && !f.Host {
			g := &ghoster{p: p, f: f, cfg: &Config{}}
			for j := range f.Ops {
				var bad *ir.Node
				if err := g.reads(&f.Ops[j], func(n *ir.Node, _, _, _ int) { bad = n }); err != nil {
					return err
				}
				if bad != nil {
					return fmt.Errorf("function %s: operation %d reads %s outside its box", f.Name, j, bad.Name)
				}
			}
		}
	}
	return nil
}

func verifyBody(op *ir.Op, b *ir.Body, canonical bool) error {
	if len(b.Results) != len(op.Results) {
		return fmt.Errorf("%d results for %d", len(b.Results), len(op.Results))
	}
	for i := range b.Nodes {
		n := &b.Nodes[i]
		if len(n.Args) != ir.Arity(n.Op) {
			return fmt.Errorf("%s has %d arguments", n.Op, len(n.Args))
		}
		for _, a := range n.Args {
			if a < 0 || a >= i {
				return fmt.Errorf("node %d uses node %d", i, a)
			}
		}
		if canonical && (n.Op == ir.Deriv || n.Op == ir.Coord || transcendental(n.Op)) {
			return fmt.Errorf("%s is left", n.Op)
		}
		if (n.Op == ir.Index || n.Op == ir.Coord || n.Op == ir.Deriv) && dim(op, n.Name) < 0 {
			return fmt.Errorf("%s of %q, which is no index of the operation", n.Op, n.Name)
		}
	}
	for k, r := range b.Results {
		if r < 0 || r >= len(b.Nodes) || b.Nodes[r].Elem != op.Results[k].Elem {
			return fmt.Errorf("result %d has another type", k)
		}
	}
	return nil
}
