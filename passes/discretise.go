package passes

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Bounds on what one body may ask for.
const (
	maxOrder = 24
	maxNodes = 1 << 16
)

// discretise replaces derivatives by finite differences.
//
// A result that holds a derivative is read as a linear combination of reads, with coefficients that are polynomials in the host
// scalars; equal reads are collected, so that each has one coefficient, computed on the host in f64 and rounded once. Coefficients that
// are exactly 0 whatever the parameters disappear with their read. Terms with equal coefficients are summed first and multiplied once,
// in the order that sum.go defines. Terms that are not linear (products of fields, functions, selects)
// stay as written; their arguments are collected in turn. Bodies without derivatives are left as written.
//
// Formulas are the central ones of the asked accuracy, with exact rational weights. With d(e) for one derivative along one axis:
//
//   - d(d(e)) is the second derivative of e: compact. Derivatives along different axes compose.
//   - d is linear, and factors that do not depend on the axis move out of it.
//   - d(e), e any other expression, differences e evaluated at the neighbouring points (conservative: d(u*u/2) telescopes).
//   - d of odd order of an expression that itself holds a derivative of odd order along the same axis, such as d(k*d(u)), is the
//     flux form: the expression is evaluated midway between points, with inner derivatives centred there, coordinates taken there and
//     everything else interpolated; at second order k is the mean (k[i]+k[i+1])/2.
//   - shift(e, n) is e at the point n half steps away. The derivative of an expression that holds shifts is compact about the place
//     where the expression has its values: with T at cells and the point on a face, d(shift(T, -1)) is (T[i] - T[i-1])/h.
func discretise(p *ir.Program, cfg *Config) error {
	h := newHostDefs(p)
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if err := arrange(f); err != nil { // host scalars are numbered in canonical order
			return err
		}
		for j := range f.Ops {
			op := &f.Ops[j]
			for k := range op.Pieces {
				if b := &op.Pieces[k].Body; !holds(b, ir.Deriv) && !holds(b, ir.Shift) {
					continue
				}
				d := &differ{p: p, op: op, h: h, src: &op.Pieces[k].Body, b: newBuilder(), memo: map[string]lin{}, cfg: cfg}
				d.analyse()
				var res []int
				for _, r := range d.src.Results {
					res = append(res, d.node(r, point{acc: 2}))
				}
				if d.err != nil {
					return d.err
				}
				op.Pieces[k].Body = d.b.done(res...)
			}
		}
		wrapped(p, f)
	}
	return nil
}

func holds(b *ir.Body, c ir.Code) bool {
	for i := range b.Nodes {
		if b.Nodes[i].Op == c {
			return true
		}
	}
	return false
}

// differ discretises one body.
type differ struct {
	p    *ir.Program
	cfg  *Config
	op   *ir.Op
	h    *hostDefs
	src  *ir.Body
	b    *builder
	memo map[string]lin
	err  error

	host   []bool            // the node is the same for every cell and known on the host
	deriv  []bool            // the node holds a derivative or a shift
	needs  []map[string]bool // indices the node depends on
	odd    []map[string]bool // indices with a derivative of odd order in the node
	within []map[string]bool // indices with any derivative in the node
	moves  []map[string]bool // indices with a shift in the node
	reads  []map[string]bool // indices by which operands in the node vary
	place  map[string]int    // memo of native
	casts  []bool            // the node depends on the bits of its type
}

// point is where an expression is evaluated: shifts of indices in half steps, and the accuracy of interpolation to it.
type point struct {
	at  []shift // by index name, no zeros
	acc int
}

type shift struct {
	index string
	half  int
}

func (q point) of(index string) int {
	for _, s := range q.at {
		if s.index == index {
			return s.half
		}
	}
	return 0
}

func (q point) moved(index string, half, acc int) point {
	out := point{acc: max(acc, q.acc)}
	n := half + q.of(index)
	for _, s := range q.at {
		if s.index != index {
			out.at = append(out.at, s)
		}
	}
	if n != 0 {
		out.at = append(out.at, shift{index, n})
		sort.Slice(out.at, func(i, j int) bool { return out.at[i].index < out.at[j].index })
	}
	return out
}

func (q point) key() string {
	var b strings.Builder
	for _, s := range q.at {
		fmt.Fprintf(&b, "%s%+d", s.index, s.half)
	}
	fmt.Fprintf(&b, "~%d", q.acc)
	return b.String()
}

func (d *differ) analyse() {
	n := len(d.src.Nodes)
	d.host, d.deriv, d.casts = make([]bool, n), make([]bool, n), make([]bool, n)
	d.needs, d.odd, d.within, d.moves = make([]map[string]bool, n), make([]map[string]bool, n), make([]map[string]bool, n), make([]map[string]bool, n)
	d.reads, d.place = make([]map[string]bool, n), map[string]int{}
	for i := range d.src.Nodes {
		nd := &d.src.Nodes[i]
		needs, odd, within, moves, reads := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
		host := nd.Op != ir.Read && nd.Op != ir.Index && nd.Op != ir.Coord && nd.Op != ir.Deriv && nd.Op != ir.Shift
		for _, a := range nd.Args {
			host = host && d.host[a]
			d.deriv[i] = d.deriv[i] || d.deriv[a]
			d.casts[i] = d.casts[i] || d.casts[a]
			union(needs, d.needs[a])
			union(odd, d.odd[a])
			union(within, d.within[a])
			union(moves, d.moves[a])
			union(reads, d.reads[a])
		}
		switch nd.Op {
		case ir.Bitcast:
			d.casts[i] = true
		case ir.Read:
			for _, a := range nd.At {
				if a.Index != "" {
					needs[a.Index], reads[a.Index] = true, true
				}
			}
		case ir.Index, ir.Coord:
			needs[nd.Name] = true
		case ir.Deriv:
			d.deriv[i] = true
			within[nd.Name] = true
			if nd.N%2 == 1 {
				odd[nd.Name] = true
			}
		case ir.Shift:
			d.deriv[i] = true
			moves[nd.Name] = true
		}
		d.host[i], d.needs[i], d.odd[i], d.within[i], d.moves[i], d.reads[i] = host, needs, odd, within, moves, reads
	}
}

func union(dst, src map[string]bool) {
	for k := range src {
		dst[k] = true
	}
}

// node makes the node of source node i at a point, as written where nothing is differentiated or interpolated.
func (d *differ) node(i int, q point) int {
	n := d.src.Nodes[i]
	if n.Op == ir.Shift {
		return d.node(n.Args[0], q.moved(n.Name, n.N, 0))
	}
	if n.Op == ir.Read || n.Op == ir.Coord || n.Op == ir.Index || n.Op == ir.Deriv || d.deriv[i] && isLinear(&n) {
		return d.b.emit(d.h, n.Elem, d.lin(i, q))
	}
	if len(n.Args) > 0 {
		args := make([]int, len(n.Args))
		for k, a := range n.Args {
			args[k] = d.node(a, q)
		}
		n.Args = args
	}
	return d.b.add(n)
}

func isLinear(n *ir.Node) bool {
	switch n.Op {
	case ir.Add, ir.Sub, ir.Neg, ir.Mul, ir.Div, ir.FMA:
		return n.Elem.IsFloat()
	}
	return false
}

// lin returns source node i, of a float type, at a point as a linear combination.
func (d *differ) lin(i int, q point) lin {
	key := fmt.Sprint(i, q.key())
	if l, ok := d.memo[key]; ok {
		return l
	}
	l := d.lin1(i, q)
	d.memo[key] = l
	return l
}

func (d *differ) lin1(i int, q point) lin {
	n := &d.src.Nodes[i]
	if d.host[i] && n.Elem.IsFloat() {
		if c := d.coefficient(i); len(c) > 0 {
			return lin{{c, one}}
		}
		return nil
	}
	unit := constant(big.NewRat(1, 1))
	switch n.Op {
	case ir.Read:
		return d.read(n, q)
	case ir.Coord:
		c := lin{{unit, d.b.add(*n)}}
		if s := q.of(n.Name); s != 0 {
			if ax := d.axis(n.Name); ax != nil {
				c = c.add(lin{{stepPower(ax.H, -1).scale(big.NewRat(int64(s), 2)), one}})
			}
		}
		return c
	case ir.Index:
		x := d.b.add(*n)
		if s := q.of(n.Name) >> 1; s != 0 {
			x = d.b.op(ir.Add, n.Elem, x, d.b.int(n.Elem, int64(s)))
		}
		return lin{{unit, x}}
	case ir.Deriv:
		return d.derivative(n.Args[0], n.Name, n.N, n.Acc, q)
	case ir.Shift:
		return d.lin(n.Args[0], q.moved(n.Name, n.N, 0))
	}
	if !isLinear(n) {
		return lin{{unit, d.node(i, q)}}
	}
	switch n.Op {
	case ir.Add:
		return d.lin(n.Args[0], q).add(d.lin(n.Args[1], q))
	case ir.Sub:
		return d.lin(n.Args[0], q).add(d.lin(n.Args[1], q).scale(constant(big.NewRat(-1, 1))))
	case ir.Neg:
		return d.lin(n.Args[0], q).scale(constant(big.NewRat(-1, 1)))
	case ir.Mul:
		return d.product(n.Elem, d.lin(n.Args[0], q), d.lin(n.Args[1], q))
	case ir.FMA:
		return d.product(n.Elem, d.lin(n.Args[0], q), d.lin(n.Args[1], q)).add(d.lin(n.Args[2], q))
	}
	return d.quotient(n.Elem, d.lin(n.Args[0], q), d.lin(n.Args[1], q))
}

func (d *differ) product(e ir.Elem, l, m lin) lin {
	if c, ok := l.constant(); ok {
		return m.scale(c)
	}
	if c, ok := m.constant(); ok {
		return l.scale(c)
	}
	a, l := l.factor()
	b, m := m.factor()
	return lin{{a.mul(b), d.b.op(ir.Mul, e, d.b.emit(d.h, e, l), d.b.emit(d.h, e, m))}}
}

func (d *differ) quotient(e ir.Elem, l, m lin) lin {
	if c, ok := m.constant(); ok && len(c) > 0 {
		return l.scale(d.invert(c))
	}
	if len(m.drop()) == 0 { // division by the constant 0 keeps its IEEE meaning
		return lin{{constant(big.NewRat(1, 1)), d.b.op(ir.Div, e, d.b.emit(d.h, e, l), d.b.num(e, 0))}}
	}
	a, l := l.factor()
	if len(l) == 0 {
		a, l = constant(big.NewRat(1, 1)), lin{{constant(new(big.Rat)), one}}
	}
	return lin{{a, d.b.op(ir.Div, e, d.b.emit(d.h, e, l), d.b.emit(d.h, e, m))}}
}

func (d *differ) invert(c poly) poly {
	if v, ok := c.inverse(); ok {
		return v
	}
	v, _ := scalar(d.h.host(c)).inverse()
	return v
}

// read is a read at a point: itself moved, or interpolated along the axes on which the point lies midway.
func (d *differ) read(n *ir.Node, q point) lin {
	m := *n
	m.At = append([]ir.Affine(nil), n.At...)
	for k := range m.At {
		s := q.of(m.At[k].Index)
		if m.At[k].Index == "" || s == 0 {
			continue
		}
		if s%2 != 0 && n.Elem.IsFloat() {
			pts, w := stencil(0, q.acc, true)
			var out lin
			for j, half := range pts {
				out = out.add(d.read(n, q.moved(m.At[k].Index, half, 0)).scale(constant(w[j])))
			}
			return out
		}
		m.At[k].Off += (s >> 1) * max(1, m.At[k].Mul) // midway, what is no number comes from the lower point
	}
	return lin{{constant(big.NewRat(1, 1)), d.b.add(m)}}
}

// derivative is the n-th derivative of source node i along an index, at a point.
func (d *differ) derivative(i int, x string, n, acc int, q point) lin {
	if n < 1 || acc < 2 || acc%2 != 0 || n > maxOrder || acc > maxOrder {
		d.fail("a derivative of order %d to accuracy %d", n, acc).
			Note("orders go from 1 to %d, accuracies from 2 to %d and are even; rounding makes higher ones useless", maxOrder, maxOrder)
		return nil
	}
	if len(d.b.body.Nodes) > maxNodes {
		d.fail("derivatives of products, one inside the other, need more than %d operations per point", maxNodes)
		return nil
	}
	if !d.needs[i][x] {
		return nil
	}
	nd := &d.src.Nodes[i]
	a := nd.Args
	switch {
	case nd.Op == ir.Deriv && nd.Name == x:
		return d.derivative(a[0], x, n+nd.N, max(acc, nd.Acc), q)
	case nd.Op == ir.Shift:
		return d.derivative(a[0], x, n, acc, q.moved(nd.Name, nd.N, 0))
	case nd.Op == ir.Add && isLinear(nd):
		return d.derivative(a[0], x, n, acc, q).add(d.derivative(a[1], x, n, acc, q))
	case nd.Op == ir.Sub && isLinear(nd):
		return d.derivative(a[0], x, n, acc, q).add(d.derivative(a[1], x, n, acc, q).scale(constant(big.NewRat(-1, 1))))
	case nd.Op == ir.Neg && isLinear(nd):
		return d.derivative(a[0], x, n, acc, q).scale(constant(big.NewRat(-1, 1)))
	case nd.Op == ir.Mul && isLinear(nd) && !d.needs[a[0]][x]:
		return d.product(nd.Elem, d.lin(a[0], q), d.derivative(a[1], x, n, acc, q))
	case nd.Op == ir.Mul && isLinear(nd) && !d.needs[a[1]][x]:
		return d.product(nd.Elem, d.derivative(a[0], x, n, acc, q), d.lin(a[1], q))
	case nd.Op == ir.Div && isLinear(nd) && !d.needs[a[1]][x]:
		return d.quotient(nd.Elem, d.derivative(a[0], x, n, acc, q), d.lin(a[1], q))
	}
	ax := d.axis(x)
	if ax == nil {
		d.fail("a derivative along %q, which is no index here", x)
		return nil
	}
	half := q.of(x)%2 != 0 // reads must end on points
	switch {
	case d.moves[i][x]:
		half = (q.of(x)+d.native(i, x))%2 != 0
	case d.within[i][x]:
		half = n%2 == 1 && d.odd[i][x]
	}
	pts, w := stencil(n, acc, half)
	var out lin
	for j, s := range pts {
		if w[j].Sign() != 0 {
			out = out.add(d.lin(i, q.moved(x, s, acc)).scale(constant(w[j])))
		}
	}
	return out.scale(stepPower(ax.H, n))
}

// native is 0 when an expression has its values at the points along an index, 1 when midway between them: a read is where it lands,
// a derivative of odd order midway between what it differentiates. Of several operands one with a derivative decides (the others are
// interpolated to it: the flux form), else the first that depends on the index.
func (d *differ) native(i int, x string) int {
	key := fmt.Sprint(i, x)
	v, ok := d.place[key]
	if !ok {
		v = d.nativeOf(i, x)
		d.place[key] = v
	}
	return v
}

func (d *differ) nativeOf(i int, x string) int {
	n := &d.src.Nodes[i]
	switch {
	case n.Op == ir.Shift || n.Op == ir.Deriv:
		k := d.native(n.Args[0], x)
		if n.Name == x {
			k += n.N
		}
		return k & 1
	case len(n.Args) == 0 || !d.moves[i][x]:
		if d.within[i][x] && d.odd[i][x] {
			return 1
		}
		return 0
	}
	first := -1
	for _, a := range n.Args {
		if d.within[a][x] {
			return d.native(a, x)
		}
		if first < 0 && d.reads[a][x] {
			first = a
		}
	}
	if first < 0 {
		return 0
	}
	return d.native(first, x)
}

func (d *differ) axis(index string) *ir.Axis { return d.p.Axis(axisOf(d.op, index)) }

func (d *differ) fail(format string, args ...any) *diag.Diagnostic {
	e := d.cfg.blame(codeWide, d.op.Pos, format, args...)
	if d.err == nil {
		d.err = e.Suggest("use a lower order of accuracy, or name inner derivatives with `let`")
	}
	return e
}

// coefficient reads a node known on the host as a polynomial; what is not one becomes a host scalar of its own.
func (d *differ) coefficient(i int) poly {
	n := &d.src.Nodes[i]
	a := n.Args
	const manyTerms = 24
	switch n.Op {
	case ir.Const:
		if r := new(big.Rat); n.Elem.IsFloat() && !math.IsNaN(n.Imm) && !math.IsInf(n.Imm, 0) {
			r.SetFloat64(n.Imm)
			return constant(r)
		}
	case ir.Scalar:
		return scalar(n.Name)
	case ir.Cvt:
		if d.src.Nodes[a[0]].Elem.IsFloat() {
			return d.coefficient(a[0])
		}
	case ir.Add:
		return d.coefficient(a[0]).add(d.coefficient(a[1]))
	case ir.Sub:
		return d.coefficient(a[0]).add(d.coefficient(a[1]).scale(big.NewRat(-1, 1)))
	case ir.Neg:
		return d.coefficient(a[0]).scale(big.NewRat(-1, 1))
	case ir.Mul, ir.FMA:
		x, y := d.coefficient(a[0]), d.coefficient(a[1])
		if len(x)*len(y) > manyTerms {
			y = scalar(d.h.host(y))
			if len(x) > manyTerms {
				x = scalar(d.h.host(x))
			}
		}
		x = x.mul(y)
		if n.Op == ir.FMA {
			x = x.add(d.coefficient(a[2]))
		}
		return x
	case ir.Div:
		if y := d.coefficient(a[1]); len(y) > 0 {
			return d.coefficient(a[0]).mul(d.invert(y))
		}
	}
	return scalar(d.opaque(i))
}

// opaque defines a host scalar that evaluates source node i in f64.
func (d *differ) opaque(i int) string {
	b := newBuilder()
	c := b.copier(d.src)
	if !d.casts[i] {
		c.instead = func(_ int, n *ir.Node) int {
			if n.Elem.IsFloat() {
				n.Elem = ir.F64
			}
			return -1
		}
	}
	body := b.done(c.node(i))
	return d.h.define(bodyKey(&body), body)
}

// bodyKey identifies a body in normal form.
func bodyKey(b *ir.Body) string {
	var s strings.Builder
	for i := range b.Nodes {
		k := keyOf(&b.Nodes[i])
		fmt.Fprintf(&s, "%d,%d,%x,%d,%q,%x,%q,%d,%d;", k.op, k.elem, k.imm, k.i, k.name, k.args, k.at, k.n, k.acc)
	}
	fmt.Fprint(&s, b.Results)
	return s.String()
}
