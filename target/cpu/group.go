package cpu

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// A group is operations joined by values that are much larger than what they are made of, such as the scores between all pairs of
// positions of a sequence: a contraction makes such a value, maps change it point by point, reductions along its last dimension make
// rows of it, contractions sum it away. It runs tile by tile: for each part of the leading dimensions ("unit") and each stretch of rows
// ("tile") all operations in turn, so that the large values exist only as tiles in a thread's cache. Every element is computed by the same
// operations in the same order as without, so no bit changes; sums over the rows go on from tile to tile in ascending order. Nothing here
// knows what the operations mean.
//
// When a later group (of a derivative) reads large values of an earlier one, it computes them again from what they were made of (T. Dao et
// al., "FlashAttention", NeurIPS 2022, do so for attention).
type group struct {
	lo, hi int             // operations of the function
	local  map[string]bool // large values, and others that only the group reads
	units  []ir.Range      // leading dimensions
	rows   ir.Range        // what is cut into tiles: the dimension after them
	cols   ir.Range        // the last dimension
	size   int             // rows of a tile
	row    []string        // per operation: its index along rows
	col    []string        // per operation: its index along columns, "" if it has none
	onto   []bool          // per operation: it sums over the rows
	alike  bool            // tiles are alike, there is no last dimension: see groupRows
}

// Sizes that make grouping pay.
const (
	groupUnits = 4  // there is something to divide
	tileRows   = 64 // of a tile at least: packing the other factor of a contraction is paid for by so many rows
	tileCount  = 8  // tiles, where they fit: each is code of its own
	mostTiles  = 32 // where they do not
)

// tileBytes is how large a tile of one large value may be. One that lies in the last cache is read in a fraction of the time of storing the value.
func tileBytes() int { return machineCaches().Last / 4 }

// groupBytes is how large a value must be; tests make it small.
var groupBytes = worthCaching

// group finds the groups of a function and puts the operations of each side by side.
func (g *fn) group(sets []ir.Set) {
	tried := map[string]bool{}
	for again := true; again; {
		again = false
		for i := range g.ops {
			name := opName(&g.ops[i])
			if tried[name] || g.grouped(i) || !g.expands(&g.ops[i]) {
				continue
			}
			tried[name] = true
			c := g.cluster(i, sets)
			if c == nil {
				continue
			}
			if g.arrange(c) {
				again = true
				break
			}
		}
	}
	for _, x := range g.groups {
		g.makeInTiles(x)
	}
}

func (g *fn) grouped(i int) bool {
	return slices.ContainsFunc(g.groups, func(x *group) bool { return i >= x.lo && i < x.hi })
}

func points(rs []ir.Range) int {
	n := 1
	for _, r := range rs {
		n *= max(0, r.Hi-r.Lo)
	}
	return n
}

// expands says that an operation is a contraction whose result is larger than what it reads.
func (g *fn) expands(op *ir.Op) bool {
	if len(op.Dom) < 3 || newContraction(op) == nil {
		return false
	}
	n := points(op.Dom)
	if n*storageBytes(op.Results[0].Elem) < groupBytes() {
		return false
	}
	lead := points(op.Dom[:len(op.Dom)-2])
	rows, cols := op.Dom[len(op.Dom)-2], op.Dom[len(op.Dom)-1]
	_, fit := rowsPerTile(rows.Hi-rows.Lo, cols.Hi-cols.Lo)
	return lead >= groupUnits && fit && n > operandPoints(g, op)
}

func operandPoints(g *fn, op *ir.Op) int {
	n := 0
	box := boxOf(op, &op.Pieces[0])
	for i := range op.Pieces[0].Body.Nodes {
		if nd := &op.Pieces[0].Body.Nodes[i]; nd.Op == ir.Read {
			m := 1
			for _, a := range nd.At {
				s := span(a, box)
				m *= s.Hi - s.Lo
			}
			n += m
		}
	}
	return n
}

// rowsPerTile cuts rows into tiles of equal size, if a tile fits into a cache.
func rowsPerTile(rows, cols int) (size int, ok bool) {
	n := max(1, min(tileCount, rows/tileRows))
	for size = (rows + n - 1) / n; size*cols*4 > tileBytes() && 2*n <= min(mostTiles, rows/tileRows); size = (rows + n - 1) / n {
		n *= 2
	}
	return size, size*cols*4 <= tileBytes()
}

// reads lists the read nodes of an operation.
func reads(op *ir.Op) (out []*ir.Node) {
	for i := range op.Pieces {
		for j := range op.Pieces[i].Body.Nodes {
			if n := &op.Pieces[i].Body.Nodes[j]; n.Op == ir.Read {
				out = append(out, n)
			}
		}
	}
	return out
}

// movesAlike says that all reads of a value have the first n indices of an operation in the same dimensions: a group's code finds it in one place for
// a unit or a block of rows.
func movesAlike(op *ir.Op, n int) bool {
	where := map[string][]int{}
	for _, r := range reads(op) {
		at := make([]int, len(r.At))
		for d, a := range r.At {
			at[d] = slices.IndexFunc(op.Dom[:n], func(u ir.Range) bool { return u.Index == a.Index })
		}
		if w, ok := where[r.Name]; ok && !slices.Equal(w, at) {
			return false
		}
		where[r.Name] = at
	}
	return true
}

// sameBox says that two domains have the same axes and ranges, whatever the indices are called.
func sameBox(a, b []ir.Range) bool {
	return slices.EqualFunc(a, b, func(x, y ir.Range) bool { return x.Axis == y.Axis && x.Lo == y.Lo && x.Hi == y.Hi })
}

// plainAt says that an access reads the dimensions of dom by plain indices, one each, and returns these.
func plainAt(at []ir.Affine) ([]string, bool) {
	var out []string
	for _, a := range at {
		if a.Index == "" || a.Off != 0 || !a.Unit() || slices.Contains(out, a.Index) {
			return nil, false
		}
		out = append(out, a.Index)
	}
	return out, true
}

// restricted is an operation on one unit (its dimensions units are 0) and a part of the ranges of other indices.
func restricted(op *ir.Op, units []ir.Range, part map[string]ir.Interval) ir.Op {
	out := *op
	out.Dom, out.Over = slices.Clone(op.Dom), slices.Clone(op.Over)
	out.Pieces = nil
	all := len(out.Dom) + len(out.Over)
	cut := make([]*ir.Interval, all)
	set := func(r *ir.Range, d int, iv ir.Interval) {
		r.Lo, r.Hi = iv.Lo, iv.Hi
		cut[d] = &iv
	}
	for d := range units {
		set(&out.Dom[d], d, ir.Interval{Lo: 0, Hi: 1})
	}
	for d := range out.Dom {
		if iv, ok := part[out.Dom[d].Index]; ok && d >= len(units) {
			set(&out.Dom[d], d, iv)
		}
	}
	for d := range out.Over {
		if iv, ok := part[out.Over[d].Index]; ok {
			set(&out.Over[d], len(out.Dom)+d, iv)
		}
	}
pieces:
	for _, pc := range op.Pieces {
		pc.Box = slices.Clone(pc.Box)
		for d, iv := range cut {
			switch {
			case iv == nil:
			case d < len(units): // a unit is any of its range; pieces that part it are not admitted
				pc.Box[d] = *iv
			default:
				pc.Box[d] = ir.Interval{Lo: max(pc.Box[d].Lo, iv.Lo), Hi: min(pc.Box[d].Hi, iv.Hi)}
				if pc.Box[d].Lo >= pc.Box[d].Hi {
					continue pieces
				}
			}
		}
		out.Pieces = append(out.Pieces, pc)
	}
	return out
}

func trimmed(name string) string { return strings.TrimPrefix(name, "%") }
