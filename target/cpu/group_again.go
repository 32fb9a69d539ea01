package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// What is made cheaply of a value that lies in the cache (the deviations from the mean, a normalised row, masked scores) is made again where
// operations of a group read it: a few instructions are less than writing it to the second cache and reading it from there.

const (
	cheapNodes = 4  // of arithmetic in what is made again
	bodyNodes  = 16 // more in a body that makes something again
)

// makeAgain has the operations in [lo, hi), which run on blocks of rows, make cheap values themselves. What nothing reads any more goes; the new
// end is returned.
func (g *fn) makeAgain(lo, hi, lead int, large func(name string) bool) int {
	for i := lo; i < hi; i++ {
		from := &g.ops[i]
		if len(from.Results) != 1 || !cheap(from, 0, large, 1) {
			continue
		}
		name := "%" + from.Results[0].Name
		for j := i + 1; j < hi; j++ {
			makeItself(&g.ops[j], from, name, lead)
		}
		if g.set[name] || slices.ContainsFunc(g.ops, func(op ir.Op) bool { return readsValue(&op, name) }) {
			continue
		}
		g.drop(i)
		i--
		hi--
	}
	return hi
}

// drop removes operation i; the groups after it move up.
func (g *fn) drop(i int) {
	g.ops = slices.Delete(g.ops, i, i+1)
	for _, x := range g.groups {
		if x.lo > i {
			x.lo--
			x.hi--
		}
	}
}

// cheap says that result k of an operation is made point by point, in a few instructions of at most so many large values.
func cheap(op *ir.Op, k int, large func(name string) bool, most int) bool {
	if !large("%"+op.Results[k].Name) || !inVectors(op) {
		return false
	}
	count := 0
	var from []string
	b := op.Pieces[0].Body.Only(op.Pieces[0].Body.Results[k : k+1])
	last := op.Dom[len(op.Dom)-1].Index
	for i := range b.Nodes {
		switch n := &b.Nodes[i]; n.Op {
		case ir.Const, ir.Scalar, ir.Index:
		case ir.Read:
			if _, plain := plainAt(n.At); !plain {
				return false
			}
			if large(n.Name) && !slices.Contains(from, n.Name) {
				from = append(from, n.Name)
			}
		case ir.Add, ir.Sub, ir.Mul, ir.Neg, ir.Select:
			count++
		case ir.Le, ir.Lt: // of indices: the compiler knows those of a whole vector
		case ir.Div: // once a row
			if b.DependsOn(i)[last] {
				return false
			}
		default:
			return false
		}
	}
	return count <= cheapNodes && len(from) <= most
}

// makeInTiles does the same in a group of tiles, where that spares a tile: a value that all its readers make themselves. They may read one large
// value more for it.
func (g *fn) makeInTiles(x *group) {
	large := func(name string) bool {
		return x.local[name] && g.vals[name] != nil && len(g.vals[name].box) == len(x.units)+2
	}
	for i := x.lo; i < x.hi; i++ {
		from := &g.ops[i]
		if from.Kind != ir.Map {
			continue
		}
		for k := 0; k < len(from.Results); k++ {
			if cheap(from, k, large, 2) && g.spared(x, from, k) {
				k--
			}
		}
		if len(from.Results) > 0 {
			continue
		}
		g.drop(i)
		n := i - x.lo
		x.row, x.col, x.onto = slices.Delete(x.row, n, n+1), slices.Delete(x.col, n, n+1), slices.Delete(x.onto, n, n+1)
		x.hi--
		i--
	}
	g.locals(x)
}

// spared has all readers make result k of an operation, or none; it then removes the result.
func (g *fn) spared(x *group, from *ir.Op, k int) bool {
	name := "%" + from.Results[k].Name
	one := *from
	one.Results = from.Results[k : k+1]
	body := &from.Pieces[0].Body
	one.Pieces = []ir.Piece{{Box: from.Pieces[0].Box, Body: body.Only(body.Results[k : k+1])}}
	made := map[int]ir.Op{}
	for j := x.lo; j < x.hi; j++ {
		op := g.ops[j]
		if !readsValue(&op, name) {
			continue
		}
		if newContraction(&op) != nil || !makeItself(&op, &one, name, len(x.units)+1) {
			return false
		}
		made[j] = op
	}
	for j, op := range made {
		g.ops[j] = op
	}
	from.Pieces = slices.Clone(from.Pieces)
	from.Pieces[0].Body = body.Only(slices.Delete(slices.Clone(body.Results), k, k+1))
	from.Results = slices.Delete(slices.Clone(from.Results), k, k+1)
	return true
}

// makeItself puts what makes a value into an operation that reads it, if all its reads are point by point.
func makeItself(op, from *ir.Op, name string, lead int) bool {
	if !readsValue(op, name) {
		return false
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
			return false
		}
	}
	longest := bodyNodes + len(op.Pieces[0].Body.Nodes)
	out := clonePieces(*op)
	for p := range out.Pieces {
		out.Pieces[p].Body = passes.Inline(&op.Pieces[p].Body, from)
		if len(out.Pieces[p].Body.Nodes) > longest {
			return false
		}
	}
	if op.Kind == ir.Reduce {
		old, now := reduction{op: op}, reduction{op: &out}
		if newContraction(&out) != nil || ir.Selected(&out) != nil || len(op.Dom) > 0 && op.Order.Kind == ir.Seq && old.turnedLanes() != now.turnedLanes() {
			return false
		}
	}
	*op = out
	return true
}
