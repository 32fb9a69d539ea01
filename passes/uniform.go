package passes

import (
	"strconv"

	"github.com/wfc-lang/wfc/ir"
)

// uniform computes functions that have the same value at every point once per call instead of once per point and piece: a boundary value
// sin(t) would otherwise be expanded in every ghost piece. The largest subexpressions of device functions whose leaves are values
// without axes, host scalars and constants, with at least one such value and one elementary function, become operations without a
// domain. The arithmetic is the same, and so are the bits.
func uniform(p *ir.Program, cfg *Config) error {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host {
			continue
		}
		if err := arrange(f); err != nil {
			return err
		}
		u := &uniformer{f: f, byKey: map[string]string{}}
		for j := range f.Ops {
			op := f.Ops[j]
			if len(op.Dom)+len(op.Over) > 0 {
				op.Pieces = append([]ir.Piece(nil), op.Pieces...)
				for k := range op.Pieces {
					op.Pieces[k].Body = u.body(&op, &op.Pieces[k].Body)
				}
			}
			u.ops = append(u.ops, op)
		}
		f.Ops = u.ops
	}
	return nil
}

type uniformer struct {
	f     *ir.Func
	ops   []ir.Op           // the function so far
	byKey map[string]string // expression to the value that holds it
}

func (u *uniformer) body(op *ir.Op, src *ir.Body) ir.Body {
	same := make([]bool, len(src.Nodes))  // the same at every point
	reads := make([]bool, len(src.Nodes)) // reads a value
	costs := make([]bool, len(src.Nodes)) // holds an elementary function
	found := false
	for i := range src.Nodes {
		n := &src.Nodes[i]
		reads[i] = n.Op == ir.Read && len(n.At) == 0
		same[i] = reads[i] || n.Op == ir.Const || n.Op == ir.Scalar || len(n.Args) > 0 && n.Op != ir.Deriv && n.Op != ir.Shift
		costs[i] = transcendental(n.Op)
		for _, a := range n.Args {
			same[i], reads[i], costs[i] = same[i] && same[a], reads[i] || reads[a], costs[i] || costs[a]
		}
		found = found || same[i] && reads[i] && costs[i]
	}
	if !found {
		return *src
	}
	b := newBuilder()
	c := b.copier(src)
	c.instead = func(i int, n *ir.Node) int {
		if !same[i] || !reads[i] || !costs[i] {
			return -1
		}
		return b.add(ir.Node{Op: ir.Read, Elem: n.Elem, Name: "%" + u.value(src, i, op)})
	}
	return b.done(c.results()...)
}

// value returns the name of the value that holds node i of src, computing it before op.
func (u *uniformer) value(src *ir.Body, i int, op *ir.Op) string {
	b := newBuilder()
	body := b.done(b.copier(src).node(i))
	key := bodyKey(&body)
	if name, ok := u.byKey[key]; ok {
		return name
	}
	name := u.fresh()
	u.byKey[key] = name
	u.ops = append(u.ops, ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: src.Nodes[i].Elem}}, Pieces: []ir.Piece{{Body: body}}, Pos: op.Pos})
	return name
}

func (u *uniformer) fresh() string {
	for k := len(u.byKey); ; k++ {
		name, taken := "uniform."+strconv.Itoa(k), false
		for _, ops := range [][]ir.Op{u.f.Ops, u.ops} {
			for _, op := range ops {
				for _, r := range op.Results {
					taken = taken || r.Name == name
				}
			}
		}
		if !taken {
			return name
		}
	}
}
