package passes

import "github.com/wfc-lang/wfc/ir"

// wrapped gives reads that go round a periodic axis the factor the array has there (condition wrap): -1 on an anti-periodic axis. It is
// part of discretise, after which all offsets are known. A value that becomes the next value of an array has the factor of that array.
func wrapped(p *ir.Program, f *ir.Func) {
	factor := func(a *ir.Array, axis string) (float64, bool) {
		if a == nil {
			return 0, false
		}
		for i := range a.BC {
			if b := &a.BC[i]; b.Kind == ir.Wrap && b.Axis == axis {
				return b.Body.Nodes[b.Body.Results[0]].Imm, true
			}
		}
		return 0, false
	}
	any := false
	for i := range p.Arrays {
		for _, b := range p.Arrays[i].BC {
			any = any || b.Kind == ir.Wrap
		}
	}
	if !any {
		return
	}
	arrayOf := func(name string) *ir.Array {
		if name[0] == '@' {
			return p.Array(name[1:])
		}
		for _, s := range f.Sets {
			if s.Value == name {
				return p.Array(s.Array)
			}
		}
		return nil
	}
	for i := range f.Ops {
		op := &f.Ops[i]
		for k := range op.Pieces {
			pc := &op.Pieces[k]
			pc.Body = rewrite(&pc.Body, func(b *builder, n ir.Node) int {
				x := b.add(n)
				if n.Op != ir.Read || !n.Elem.IsFloat() {
					return x
				}
				a := arrayOf(n.Name)
				if a == nil {
					return x
				}
				for d, at := range n.At {
					v, ok := factor(a, a.Axes[d])
					r := op.Dim(at.Index)
					if !ok || at.Index == "" || r < 0 || at.Off == 0 {
						continue
					}
					size := p.Axis(a.Axes[d]).N
					lo, hi := pc.Box[r].Lo+at.Off, pc.Box[r].Hi-1+at.Off
					if lo >= 0 && hi < size {
						continue
					}
					index := b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: at.Index})
					var out int
					if at.Off < 0 {
						out = b.op(ir.Lt, ir.Bool, index, b.int(ir.I32, int64(-at.Off)))
					} else {
						out = b.op(ir.Lt, ir.Bool, b.int(ir.I32, int64(size-1-at.Off)), index)
					}
					y := x
					if v == -1 {
						y = b.op(ir.Neg, n.Elem, x)
					} else {
						y = b.op(ir.Mul, n.Elem, b.num(n.Elem, v), x)
					}
					x = b.op(ir.Select, n.Elem, out, y, x)
				}
				return x
			})
		}
	}
}
