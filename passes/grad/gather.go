package grad

import (
	"slices"
	"sort"

	"github.com/wfc-lang/wfc/ir"
)

// maxCells bounds the pieces of a map that adds the parts of a cotangent.
const maxCells = 256

// gather adds the parts of an operand's cotangent into one value, in the order in which they came, and returns its name. With all, a
// cotangent without parts is a tensor of zeros; else it is "".
func (a *adjoint) gather(operand string, all bool) (string, error) {
	dom, e, err := a.box(operand)
	if err != nil {
		return "", err
	}
	ps := a.parts[operand]
	if len(ps) == 0 && !all {
		return "", nil
	}
	if name := a.alias(dom, ps); name != "" {
		return name, nil
	}
	cuts := make([][]int, len(dom))
	cells := 1
	for d, r := range dom {
		cuts[d] = []int{r.Lo, r.Hi}
		for _, p := range ps {
			cuts[d] = append(cuts[d], p.box[d].Lo, p.box[d].Hi)
		}
		sort.Ints(cuts[d])
		cuts[d] = slices.Compact(cuts[d])
		cells *= len(cuts[d]) - 1
	}
	if cells > maxCells && len(ps) > 1 { // one by one: every map has few pieces then
		sum := ps[0]
		for k, p := range ps[1:] {
			name, err := a.add("g."+bare(operand), dom, e, []part{sum, p}, nil)
			if err != nil || k == len(ps)-2 {
				return name, err
			}
			sum = part{intervals(dom), readBody(e, name, dom)}
		}
	}
	return a.add("g."+bare(operand), dom, e, ps, cuts)
}

// alias returns the value that is the cotangent as it stands, if there is one.
func (a *adjoint) alias(dom []ir.Range, ps []part) string {
	if len(ps) != 1 || !sameBox(ps[0].box, dom) {
		return ""
	}
	n := ps[0].body.Nodes[ps[0].body.Results[0]]
	if n.Op != ir.Read || len(n.At) != len(dom) {
		return ""
	}
	own, _, err := a.box(n.Name)
	if err != nil || len(own) != len(dom) {
		return ""
	}
	for d, at := range n.At {
		if at.Index != dom[d].Index || at.Off != 0 || !at.Unit() || own[d].Axis != dom[d].Axis || own[d].Lo != dom[d].Lo || own[d].Hi != dom[d].Hi {
			return ""
		}
	}
	return n.Name
}

// add emits the map that adds the parts; cuts, if not nil, are the breakpoints per dimension.
func (a *adjoint) add(name string, dom []ir.Range, e ir.Elem, ps []part, cuts [][]int) (string, error) {
	if cuts == nil {
		cuts = make([][]int, len(dom))
		for d, r := range dom {
			cuts[d] = []int{r.Lo, r.Hi}
			for _, p := range ps {
				cuts[d] = append(cuts[d], p.box[d].Lo, p.box[d].Hi)
			}
			sort.Ints(cuts[d])
			cuts[d] = slices.Compact(cuts[d])
		}
	}
	op := ir.Op{Kind: ir.Map, Dom: dom, Results: []ir.Result{{Name: name, Elem: e}}}
	box := make([]ir.Interval, len(dom))
	var cell func(d int)
	cell = func(d int) {
		if d < len(dom) {
			for k := 1; k < len(cuts[d]); k++ {
				box[d] = ir.Interval{Lo: cuts[d][k-1], Hi: cuts[d][k]}
				cell(d + 1)
			}
			return
		}
		b := newExprs()
		sum := -1
		for i := range ps {
			if !inside(box, ps[i].box) {
				continue
			}
			x := b.paste(&ps[i].body, nil)[0]
			if sum >= 0 {
				x = b.sum(sum, x)
			}
			sum = x
		}
		if sum < 0 {
			sum = b.num(e, 0)
		}
		op.Pieces = append(op.Pieces, ir.Piece{Box: slices.Clone(box), Body: b.body(sum)})
	}
	cell(0)
	op.Pieces = joined(op.Pieces, len(dom))
	return a.emit(op), nil
}

// inside says that box lies in outer; boxes of cells never lie across.
func inside(box, outer []ir.Interval) bool {
	for d := range box {
		if box[d].Lo < outer[d].Lo || box[d].Hi > outer[d].Hi {
			return false
		}
	}
	return true
}

// joined merges neighbouring pieces with equal bodies, dimension by dimension.
func joined(ps []ir.Piece, dims int) []ir.Piece {
	for d := dims - 1; d >= 0; d-- {
		var out []ir.Piece
	next:
		for _, p := range ps {
			for k := range out {
				q := &out[k]
				if q.Box[d].Hi == p.Box[d].Lo && sameElsewhere(q.Box, p.Box, d) && equalBody(&q.Body, &p.Body) {
					q.Box[d].Hi = p.Box[d].Hi
					continue next
				}
			}
			out = append(out, p)
		}
		ps = out
	}
	return ps
}

func sameElsewhere(a, b []ir.Interval, d int) bool {
	for i := range a {
		if i != d && a[i] != b[i] {
			return false
		}
	}
	return true
}

func equalBody(a, b *ir.Body) bool {
	if len(a.Nodes) != len(b.Nodes) || !slices.Equal(a.Results, b.Results) {
		return false
	}
	for i := range a.Nodes {
		if keyOf(&a.Nodes[i]) != keyOf(&b.Nodes[i]) {
			return false
		}
	}
	return true
}
