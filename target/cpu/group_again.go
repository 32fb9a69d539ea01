package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// What is made cheaply of a value that lies in the cache (the deviations from the mean, a normalised row) is made again where operations of a
// group of rows read it: a few instructions are less than writing it to the second cache and reading it from there.

const (
	cheapNodes = 3  // of arithmetic in what is made again
	bodyNodes  = 24 // of a body that makes something again
)

// makeAgain has the operations in [lo, hi), which run on blocks of rows, make cheap values themselves. What nothing reads any more goes; the new
// end is returned.
func (g *fn) makeAgain(lo, hi, lead int, large func(name string) bool) int {
	for i := lo; i < hi; i++ {
		from := &g.ops[i]
		if !cheap(from, large) {
			continue
		}
		name := "%" + from.Results[0].Name
		for j := i + 1; j < hi; j++ {
			makeItself(&g.ops[j], from, name, lead)
		}
		if g.set[name] || slices.ContainsFunc(g.ops, func(op ir.Op) bool { return readsValue(&op, name) }) {
			continue
		}
		g.ops = slices.Delete(g.ops, i, i+1)
		i--
		hi--
		for _, x := range g.groups {
			if x.lo > i {
				x.lo--
				x.hi--
			}
		}
	}
	return hi
}

// cheap says that an operation makes one value, point by point, in a few instructions of at most one large value.
func cheap(op *ir.Op, large func(name string) bool) bool {
	if len(op.Results) != 1 || !large("%"+op.Results[0].Name) || !inVectors(op) {
		return false
	}
	count, from := 0, ""
	for _, n := range op.Pieces[0].Body.Nodes {
		switch n.Op {
		case ir.Const, ir.Scalar:
		case ir.Read:
			if _, plain := plainAt(n.At); !plain || large(n.Name) && from != "" && from != n.Name {
				return false
			}
			if large(n.Name) {
				from = n.Name
			}
		case ir.Add, ir.Sub, ir.Mul, ir.Neg:
			count++
		default:
			return false
		}
		if n.Elem != op.Results[0].Elem {
			return false
		}
	}
	return count <= cheapNodes
}

// makeItself puts what makes a value into an operation that reads it, if all its reads are point by point.
func makeItself(op, from *ir.Op, name string, lead int) {
	if !readsValue(op, name) {
		return
	}
	along := op.Dom[lead:]
	if op.Kind == ir.Reduce {
		along = op.Over
	}
	for _, n := range reads(op) {
		if n.Name != name {
			continue
		}
		index, plain := plainAt(n.At)
		if !plain || len(along) != 1 || index[len(index)-1] != along[0].Index {
			return
		}
	}
	out := clonePieces(*op)
	for p := range out.Pieces {
		out.Pieces[p].Body = madeIn(&op.Pieces[p].Body, from, name)
		if len(out.Pieces[p].Body.Nodes) > bodyNodes {
			return
		}
	}
	if op.Kind == ir.Reduce {
		old, now := reduction{op: op}, reduction{op: &out}
		if newContraction(&out) != nil || ir.Selected(&out) != nil || len(op.Dom) > 0 && op.Order.Kind == ir.Seq && old.turnedLanes() != now.turnedLanes() {
			return
		}
	}
	*op = out
}

// madeIn is a body with what makes a value in place of its reads, all at one point each.
func madeIn(b *ir.Body, from *ir.Op, name string) (out ir.Body) {
	add := func(n ir.Node) int {
		if n.Op == ir.Read {
			for i, m := range out.Nodes {
				if m.Op == ir.Read && m.Name == n.Name && slices.Equal(m.At, n.At) {
					return i
				}
			}
		}
		out.Nodes = append(out.Nodes, n)
		return len(out.Nodes) - 1
	}
	made := func(at []ir.Affine) int {
		body := &from.Pieces[0].Body
		now := make([]int, len(body.Nodes))
		for i, n := range body.Nodes {
			n.At = slices.Clone(n.At)
			for k := range n.At {
				if d := slices.IndexFunc(from.Dom, func(r ir.Range) bool { return r.Index == n.At[k].Index }); d >= 0 {
					n.At[k].Index = at[d].Index
				}
			}
			n.Args = renumbered(n.Args, now)
			now[i] = add(n)
		}
		return now[body.Results[0]]
	}
	now := make([]int, len(b.Nodes))
	for i, n := range b.Nodes {
		if n.Op == ir.Read && n.Name == name {
			now[i] = made(n.At)
			continue
		}
		n.Args = renumbered(n.Args, now)
		now[i] = add(n)
	}
	out.Results = renumbered(b.Results, now)
	return out
}

func renumbered(list, now []int) (out []int) {
	for _, i := range list {
		out = append(out, now[i])
	}
	return out
}
