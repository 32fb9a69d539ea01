package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// part is one summand of a cotangent: body, over the indices of the value, where box says.
type part struct {
	box  []ir.Interval
	body ir.Body
}

// image is how an index of the scope follows from the indices of the value that was read.
type image struct {
	at    ir.Affine
	fixed bool // at is a constant
}

// scatter adds to the cotangent of operand what a body over scope contributes that was read at the access functions at: the transpose
// of the read. Every index of the scope either occurs in at or has one point.
func (a *adjoint) scatter(operand string, at []ir.Affine, scope []ir.Range, body ir.Body) error {
	dom, e, err := a.box(operand)
	if err != nil {
		return err
	}
	images, err := a.images(dom, at, scope)
	if err != nil {
		return err
	}
	plain := isRead(&body, scope)
	for _, im := range images {
		if !plain && (im.strided || im.shifted && holds(&body, ir.Coord) || !a.wraps(&body, im.wrapped)) {
			name := a.emit(ir.Op{Kind: ir.Map, Dom: scope, Results: []ir.Result{{Name: "g." + bare(operand) + ".part", Elem: e}},
				Pieces: []ir.Piece{{Box: intervals(scope), Body: body}}})
			body, plain = readBody(e, name, scope), true
		}
	}
	for _, im := range images {
		b := newExprs()
		x := b.paste(&body, func(n *ir.Node) int { return a.substitute(b, n, scope, im.index) })[0]
		for _, g := range im.guards {
			x = b.op(ir.Select, e, g(b), x, b.none(e))
		}
		a.parts[operand] = append(a.parts[operand], part{im.box, b.body(x)})
	}
	return nil
}

// isRead says that a body is one read at the scope's own indices, the only kind that strided images can substitute.
func isRead(b *ir.Body, scope []ir.Range) bool {
	n := &b.Nodes[b.Results[0]]
	if n.Op != ir.Read {
		return false
	}
	for _, at := range n.At {
		if at.Index == "" || at.Off != 0 || !at.Unit() {
			return false
		}
	}
	return true
}

// holds says that a body needs a node of the operation.
func holds(b *ir.Body, c ir.Code) bool {
	live := b.Live()
	for i := range b.Nodes {
		if live[i] && b.Nodes[i].Op == c {
			return true
		}
	}
	return false
}

// wraps says that a body may be evaluated beyond the ends of the given indices: it uses them only to read tensors that wrap.
func (a *adjoint) wraps(b *ir.Body, index []string) bool {
	live := b.Live()
	for i := range b.Nodes {
		n := &b.Nodes[i]
		if !live[i] {
			continue
		}
		for _, x := range index {
			if (n.Op == ir.Index || n.Op == ir.Coord) && n.Name == x {
				return false
			}
			for d, at := range n.At {
				if at.Index != x {
					continue
				}
				dom, _, err := a.box(n.Name)
				if err != nil {
					return false
				}
				ax := a.p.Axis(dom[d].Axis)
				if !at.Unit() || !ax.Periodic || dom[d].Lo > 0 || dom[d].Hi < ax.N {
					return false
				}
			}
		}
	}
	return true
}

// substitute rewrites a leaf over the scope's indices to one over the value's.
func (a *adjoint) substitute(b *exprs, n *ir.Node, scope []ir.Range, to map[string]ir.Affine) int {
	switch n.Op {
	case ir.Index:
		im := to[n.Name]
		if im.Index == "" {
			return b.add(ir.Node{Op: ir.Const, Elem: ir.I32, Int: int64(im.Off)})
		}
		x := b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: im.Index})
		if im.Off != 0 {
			x = b.op(ir.Add, ir.I32, x, b.num(ir.I32, float64(im.Off)))
		}
		return x
	case ir.Coord:
		im := to[n.Name]
		if im.Index == "" {
			for _, r := range scope {
				if r.Index == n.Name {
					return b.num(n.Elem, a.p.Axis(r.Axis).Coord(float64(im.Off)))
				}
			}
		}
		n.Name = im.Index // offsets are materialised before
	case ir.Read:
		for d := range n.At {
			n.At[d] = compose(n.At[d], to)
		}
	}
	return -1
}

// compose is the access x after the substitution of its index.
func compose(x ir.Affine, to map[string]ir.Affine) ir.Affine {
	if x.Index == "" {
		return x
	}
	im := to[x.Index]
	switch {
	case im.Index == "":
		return ir.Affine{Off: x.Of(im.Off)}
	case im.Unit():
		return ir.Affine{Index: im.Index, Off: im.Off*max(1, x.Mul) + x.Off, Mul: x.Mul, Div: x.Div}
	}
	return im // x is the index itself
}

// inverse is one way in which points of a value belong to points of a scope.
type inverse struct {
	box     []ir.Interval
	index   map[string]ir.Affine
	guards  []func(b *exprs) int
	strided bool
	shifted bool     // some index differs from the value's by an offset
	wrapped []string // indices that go beyond their ends, around a periodic axis
}

// images inverts the access functions at of a value over dom, read in scope.
func (a *adjoint) images(dom []ir.Range, at []ir.Affine, scope []ir.Range) ([]inverse, error) {
	out := []inverse{{box: intervals(dom), index: map[string]ir.Affine{}}}
	for _, r := range scope {
		used := false
		for _, x := range at {
			used = used || x.Index == r.Index
		}
		if !used {
			out[0].index[r.Index] = ir.At("", r.Lo)
		}
	}
	for d, x := range at {
		var next []inverse
		for _, im := range out {
			more, err := a.invert(im, dom[d], d, x, scope, count(at, x.Index) == 1)
			if err != nil {
				return nil, err
			}
			next = append(next, more...)
		}
		out = next
	}
	return out, nil
}

func count(at []ir.Affine, index string) int {
	n := 0
	for _, x := range at {
		if x.Index == index {
			n++
		}
	}
	return n
}

// invert solves dimension d of an access; once says that the index occurs in no other dimension.
func (a *adjoint) invert(im inverse, own ir.Range, d int, x ir.Affine, scope []ir.Range, once bool) ([]inverse, error) {
	n := 0
	if ax := a.p.Axis(own.Axis); ax != nil && ax.Periodic {
		n = ax.N
	}
	if x.Index == "" {
		off := x.Of(0)
		if n > 0 && (off < own.Lo || off >= own.Hi) {
			off = (off%n + n) % n
		}
		return clip(im, d, ir.Interval{Lo: off, Hi: off + 1}), nil
	}
	var r *ir.Range
	for k := range scope {
		if scope[k].Index == x.Index {
			r = &scope[k]
		}
	}
	if r == nil {
		return nil, fmt.Errorf("no index %q in scope", x.Index)
	}
	lo, hi := x.Of(r.Lo), x.Of(r.Hi-1)+1
	if lo >= own.Lo && hi <= own.Hi {
		return a.image(im, own, d, x, *r, *r, 0), nil
	}
	if n == 0 || own.Lo > 0 || own.Hi < n {
		return nil, fmt.Errorf("reads %d..%d of axis %s, which holds %d..%d: run the ghosts pass first", lo, hi, own.Axis, own.Lo, own.Hi)
	}
	if x.Unit() && once && r.Lo == 0 && r.Hi == n && own.Lo == 0 && own.Hi == n {
		im = im.clone() // all the way round: reads wrap
		im.index[x.Index] = ir.At(own.Index, -x.Off)
		im.shifted, im.wrapped = im.shifted || x.Off != 0, append(im.wrapped, x.Index)
		return []inverse{im}, nil
	}
	// What lies in the value's box is read there; what does not, modulo the period.
	var out []inverse
	for i := r.Lo; i < r.Hi; {
		j := i
		wrap := func(k int) int {
			v := x.Of(k)
			if v >= own.Lo && v < own.Hi {
				return 0
			}
			return floorDiv(v, n)
		}
		for j < r.Hi && wrap(j) == wrap(i) {
			j++
		}
		s := *r
		s.Lo, s.Hi = i, j
		out = append(out, a.image(im, own, d, x, s, *r, wrap(i)*n)...)
		i = j
	}
	return out, nil
}

// image solves j = x(i) - back for i over r, a part of all, where j stays within own's range.
func (a *adjoint) image(im inverse, own ir.Range, d int, x ir.Affine, r, all ir.Range, back int) []inverse {
	mul, div := max(1, x.Mul), max(1, x.Div)
	off := x.Off - back*div
	value := func(i int) int { return floorDiv(i*mul+off, div) }
	first, twice := im.index[x.Index]
	if twice { // the index is known from another dimension: j must agree
		im = im.clone()
		im.guards = append(im.guards, a.agree(first, own, all, mul, off, div))
		return clip(im, d, ir.Interval{Lo: value(r.Lo), Hi: value(r.Hi-1) + 1})
	}
	if mul == 1 && div == 1 {
		im = im.clone()
		im.index[x.Index] = ir.At(own.Index, -off)
		im.shifted = im.shifted || off != 0
		return clip(im, d, ir.Interval{Lo: r.Lo + off, Hi: r.Hi + off})
	}
	// Candidates i = ceil((j*div-off)/mul) + k; the guard keeps those with x(i) = j.
	var out []inverse
	pos := ""
	if mul > 1 {
		pos = a.positions(r, mul, off)
	}
	for k := 0; k < (div+mul-1)/mul; k++ {
		at := ir.Affine{Index: own.Index, Mul: div, Off: -off + mul - 1 + k*mul, Div: mul}
		lo, hi := own.Hi, own.Lo
		for j := own.Lo; j < own.Hi; j++ {
			if i := at.Of(j); i >= r.Lo && i < r.Hi {
				lo, hi = min(lo, j), max(hi, j+1)
			}
		}
		if lo >= hi {
			continue
		}
		c := im.clone()
		c.index[x.Index], c.strided, c.shifted = at, true, true
		if mul > 1 {
			c.guards = append(c.guards, func(b *exprs) int {
				j := b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: own.Index})
				v := b.read(ir.I32, pos, []ir.Affine{at})
				if div == 1 {
					return b.op(ir.Eq, ir.Bool, v, j)
				}
				end := b.op(ir.Mul, ir.I32, b.op(ir.Add, ir.I32, j, b.num(ir.I32, 1)), b.num(ir.I32, float64(div)))
				return b.op(ir.Lt, ir.Bool, v, end)
			})
		}
		out = append(out, clip(c, d, ir.Interval{Lo: lo, Hi: hi})...)
	}
	return out
}

// positions is the tensor of i*mul+off over r.
func (a *adjoint) positions(r ir.Range, mul, off int) string {
	b := newExprs()
	i := b.op(ir.Mul, ir.I32, b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: r.Index}), b.num(ir.I32, float64(mul)))
	body := b.body(b.op(ir.Add, ir.I32, i, b.num(ir.I32, float64(off))))
	return a.emit(ir.Op{Kind: ir.Map, Dom: []ir.Range{r}, Results: []ir.Result{{Name: "at." + r.Index, Elem: ir.I32}},
		Pieces: []ir.Piece{{Box: intervals([]ir.Range{r}), Body: body}}})
}

// agree is the condition floor((i*mul+off)/div) == j, where i follows from another index of the value.
func (a *adjoint) agree(first ir.Affine, own, r ir.Range, mul, off, div int) func(b *exprs) int {
	pos := ""
	if !first.Unit() {
		pos = a.positions(r, 1, 0)
	}
	return func(b *exprs) int {
		num := func(x int) int { return b.num(ir.I32, float64(x)) }
		j := b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: own.Index})
		i := num(first.Off)
		if pos != "" {
			i = b.read(ir.I32, pos, []ir.Affine{first})
		} else if first.Index != "" {
			i = b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: first.Index})
			if first.Off != 0 {
				i = b.op(ir.Add, ir.I32, i, num(first.Off))
			}
		}
		v := i
		if mul > 1 {
			v = b.op(ir.Mul, ir.I32, v, num(mul))
		}
		if off != 0 {
			v = b.op(ir.Add, ir.I32, v, num(off))
		}
		if div == 1 {
			return b.op(ir.Eq, ir.Bool, v, j)
		}
		low := b.op(ir.Mul, ir.I32, j, num(div))
		return b.op(ir.And, ir.Bool, b.op(ir.Le, ir.Bool, low, v), b.op(ir.Lt, ir.Bool, v, b.op(ir.Add, ir.I32, low, num(div))))
	}
}

func (im inverse) clone() inverse {
	c := im
	c.box = append([]ir.Interval(nil), im.box...)
	c.guards = append([]func(b *exprs) int(nil), im.guards...)
	c.wrapped = append([]string(nil), im.wrapped...)
	c.index = make(map[string]ir.Affine, len(im.index))
	for k, v := range im.index {
		c.index[k] = v
	}
	return c
}

// clip restricts dimension d; nothing is left of an empty box.
func clip(im inverse, d int, to ir.Interval) []inverse {
	im = im.clone()
	im.box[d].Lo, im.box[d].Hi = max(im.box[d].Lo, to.Lo), min(im.box[d].Hi, to.Hi)
	if im.box[d].Lo >= im.box[d].Hi {
		return nil
	}
	return []inverse{im}
}

func floorDiv(x, n int) int {
	q := x / n
	if x%n < 0 {
		q--
	}
	return q
}
