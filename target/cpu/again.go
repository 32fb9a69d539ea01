package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// A sum takes the terms of a map as they are made (canon_made.go). Where another operation reads what was made as well (the product of the matrix
// and the direction, in conjugate gradients), it would have to be stored for it, and storing costs a line read and a line written. An operation
// that makes the value again needs what it is made of instead: for a stencil of constant coefficients one field, and no value is stored.

// againFrom is the size from which values are made again, in bytes. Tests change it.
var againFrom = worthCaching

// againWork is how many nodes a point may take to be made again, for each byte of memory that it saves: memory gives a core a byte in about the time
// of two operations on a point in a vector.
const againWork = 2

// makeTermsAgain has operations make again what they would read of values that sums take.
func (g *fn) makeTermsAgain(sets []ir.Set) {
	for i := 0; i+1 < len(g.ops); i++ {
		for k := range g.ops[i].Results {
			g.makeResultAgain(i, k, sets)
		}
	}
}

// makeResultAgain has all that read result k of operation i, except the sum after it, make it again, if that saves memory traffic.
func (g *fn) makeResultAgain(i, k int, sets []ir.Set) {
	from := &g.ops[i]
	if len(from.Dom) == 0 || !takesTerms(&g.ops[i+1], from) {
		return
	}
	name, size := "%"+from.Results[k].Name, storageBytes(from.Results[k].Elem)
	points := 1
	for _, r := range from.Dom {
		points *= r.Hi - r.Lo
	}
	body := from.Pieces[0].Body.Only(from.Pieces[0].Body.Results[k : k+1])
	alone := *from
	alone.Results = from.Results[k : k+1]
	alone.Pieces = []ir.Piece{{Box: from.Pieces[0].Box, Body: body}}
	saved := 2 * size // a store, and the line that is read for it
	var readers []*ir.Op
	for j := i + 2; j < len(g.ops); j++ {
		op := &g.ops[j]
		if !readsValue(op, name) {
			continue
		}
		if !ownReader(op, from, name) {
			return
		}
		saved += size - g.newBytes(j, &body, sets)
		readers = append(readers, op)
	}
	if g.set[name] || len(readers) == 0 || points*size < againFrom() || len(readers)*len(body.Nodes) > againWork*saved {
		return
	}
	for _, op := range readers {
		for p := range op.Pieces {
			op.Pieces[p].Body = passes.Inline(&op.Pieces[p].Body, &alone)
		}
	}
}

// ownReader says that a map goes over the points of another and reads a value of it at its own point.
func ownReader(op, from *ir.Op, name string) bool {
	return op.Kind == ir.Map && slices.Equal(op.Dom, from.Dom) && !slices.ContainsFunc(reads(op), func(n *ir.Node) bool { return n.Name == name && !atPoint(op.Dom, n.At) })
}

// atPoint says that an access is to the point that indices stand for.
func atPoint(indices []ir.Range, at []ir.Affine) bool {
	return slices.EqualFunc(indices, at, func(r ir.Range, a ir.Affine) bool { return a.Index == r.Index && a.Unit() && a.Off == 0 })
}

// newBytes is what operation j moves more, in bytes a point, when it computes body too: fields it did not read, and those in whose place it could have
// written, as they are read no more.
func (g *fn) newBytes(j int, body *ir.Body, sets []ir.Set) (bytes int) {
	readFrom := func(ops []ir.Op, root string) bool {
		return slices.ContainsFunc(ops, func(op ir.Op) bool {
			return slices.ContainsFunc(reads(&op), func(n *ir.Node) bool { return g.rootOf(n.Name) == root })
		})
	}
	stays := func(root string) bool {
		return root[0] == '@' && !slices.ContainsFunc(sets, func(s ir.Set) bool { return "@"+s.Array == root })
	}
	var seen []string
	for i := range body.Nodes {
		n := &body.Nodes[i]
		root := ""
		if n.Op == ir.Read && len(n.At) > 0 {
			root = g.rootOf(n.Name)
		}
		if root == "" || slices.Contains(seen, root) {
			continue
		}
		seen = append(seen, root)
		if !readFrom(g.ops[j:j+1], root) {
			bytes += storageBytes(n.Elem)
		}
		if !stays(root) && !readFrom(g.ops[j+1:], root) {
			bytes += storageBytes(n.Elem)
		}
	}
	return bytes
}

// rootOf is the value or array that extends are around.
func (g *fn) rootOf(name string) string {
	for i := len(g.ops) - 1; i >= 0; i-- {
		if op := &g.ops[i]; op.Kind == ir.Extend && "%"+op.Results[0].Name == name {
			name = op.From
		}
	}
	return name
}
