package passes

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// cse computes equal things once: equal nodes of a body, equal results of an operation, equal operations of a function. Host scalars
// are left to the host, which evaluates them once per load.
func cse(p *ir.Program, cfg *Config) error {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if err := arrange(f); err != nil {
			return err
		}
		rename := map[string]string{}
		seen := map[string]*ir.Op{}
		var out []ir.Op
		for j := range f.Ops {
			op := f.Ops[j]
			renameOp(&op, rename)
			key := opKey(&op)
			if first := seen[key]; first != nil {
				for k, r := range op.Results {
					rename["%"+r.Name] = "%" + first.Results[k].Name
				}
				continue
			}
			mergeResults(&op, rename)
			out = append(out, op)
			kept := op
			seen[key] = &kept
		}
		f.Ops = out
		renameSets(f, rename)
	}
	return nil
}

// renameOp replaces operand names and puts the bodies into normal form.
func renameOp(op *ir.Op, rename map[string]string) {
	if n, ok := rename[op.From]; ok {
		op.From = n
	}
	for k := range op.Pieces {
		op.Pieces[k].Body = rewrite(&op.Pieces[k].Body, func(b *builder, n ir.Node) int {
			if m, ok := rename[n.Name]; ok && n.Op == ir.Read {
				n.Name = m
			}
			return b.add(n)
		})
	}
}

func renameSets(f *ir.Func, rename map[string]string) {
	for k := range f.Sets {
		if n, ok := rename[f.Sets[k].Value]; ok {
			f.Sets[k].Value = n
		}
	}
}

// opKey is equal for operations that compute the same; indices count by position, not by name.
func opKey(op *ir.Op) string {
	var s strings.Builder
	index := map[string]string{}
	for k, r := range append(append([]ir.Range(nil), op.Dom...), op.Over...) {
		index[r.Index] = fmt.Sprintf("#%d", k)
		fmt.Fprintf(&s, "%q %d %d;", r.Axis, r.Lo, r.Hi)
	}
	fmt.Fprintf(&s, "%d %d %d %v %v %q;", op.Kind, len(op.Dom), op.Comb, op.FMA, op.Order, op.From)
	for _, r := range op.Results {
		fmt.Fprintf(&s, "%d ", r.Elem)
	}
	for i := range op.Pieces {
		b := op.Pieces[i].Body.Clone()
		for k := range b.Nodes {
			n := &b.Nodes[k]
			if n.Op == ir.Index || n.Op == ir.Coord || n.Op == ir.Deriv || n.Op == ir.Shift {
				n.Name = index[n.Name]
			}
			for d := range n.At {
				if n.At[d].Index != "" {
					n.At[d].Index = index[n.At[d].Index]
				}
			}
		}
		fmt.Fprintf(&s, "|%v:%s", op.Pieces[i].Box, bodyKey(&b))
	}
	return s.String()
}

// mergeResults removes results that equal an earlier one in every piece.
func mergeResults(op *ir.Op, rename map[string]string) {
	var keep []int
next:
	for r := range op.Results {
		for _, q := range keep {
			same := op.Results[q].Elem == op.Results[r].Elem
			for i := range op.Pieces {
				same = same && op.Pieces[i].Body.Results[q] == op.Pieces[i].Body.Results[r]
			}
			if same {
				rename["%"+op.Results[r].Name] = "%" + op.Results[q].Name
				continue next
			}
		}
		keep = append(keep, r)
	}
	keepResults(op, keep)
}

// keepResults drops all results but those numbered in keep.
func keepResults(op *ir.Op, keep []int) {
	if len(keep) == len(op.Results) {
		return
	}
	var res []ir.Result
	for _, k := range keep {
		res = append(res, op.Results[k])
	}
	op.Results = res
	for i := range op.Pieces {
		b := op.Pieces[i].Body
		var r []int
		for _, k := range keep {
			r = append(r, b.Results[k])
		}
		b.Results = r
		op.Pieces[i].Body = normal(&b)
	}
}
