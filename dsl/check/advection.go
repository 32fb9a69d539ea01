package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// schemes are the reconstructions of a face value from the points on one side of it. With T[-1], T[0] below the face and T[1] above it:
//
//	central  (T[0] + T[1])/2                                       order 2
//	upwind   T[0]                                                  order 1
//	vanleer  T[0] + s/2, s the harmonic mean of T[0]-T[-1] and T[1]-T[0] where they have one sign, else 0 (van Leer 1974): order 2 and
//	         without new extrema
//	weno5    the weighted essentially non-oscillatory value of Jiang and Shu (1996), from T[-2] to T[2]: order 5 where T is smooth
var schemes = map[string]int{"central": 1, "upwind": 1, "vanleer": 2, "weno5": 3} // and how deep they read on the side they favour

const schemeNames = "central, upwind, vanleer and weno5"

// scheme takes `scheme = name` out of the arguments; "" when it is not given.
func (c *checker) scheme(e *syntax.Call) (args []*syntax.Arg, name string, ok bool) {
	for _, a := range e.Args {
		if a.Name == nil {
			args = append(args, a)
			continue
		}
		if a.Name.Name != "scheme" {
			c.errs.Errorf("WF0211", a.At, "%s has no argument called %s", e.Func.Name, a.Name.Name).Suggest("write `scheme = vanleer`")
			return nil, "", false
		}
		r, is := syntax.Unparen(a.Value).(*syntax.Ref)
		if !is || schemes[r.Name.Name] == 0 || r.Index != nil || r.Prime {
			c.errs.Errorf("WF0331", a.Value.Span(), "this is no scheme for face values").Note("there are %s", schemeNames).Suggest("write `scheme = vanleer`")
			return nil, "", false
		}
		name = r.Name.Name
	}
	return args, name, true
}

// advection is v . grad(T).
//
// With v at the points of T and no scheme it is written as it stands: adv with central differences of the order of the evolve, upwind
// with the one-sided ones of first order, as the central difference plus the diffusion |c|*h/2 (which is the same sum of reads).
//
// With v on the faces around T, or with a scheme, it is the conservative form div(v*T), equal to v . grad(T) where div(v) = 0: fluxes at
// the faces of T's cells, of v interpolated to them where it does not live there, and of T's face value by the scheme. So adv((u, v), u)
// on a staggered grid is the scheme of Harlow and Welch (1965), of order 2.
func (c *checker) advection(e *syntax.Call, sc *scope) *Node {
	form := e.Func.Name + "(c, T) with one component of c per axis, as in " + e.Func.Name + "((u, v), T)"
	args, scheme, ok := c.scheme(e)
	if !ok {
		return bad(e.At)
	}
	if len(args) < 2 {
		return c.arity(e, form)
	}
	v := c.vector(e, args[:len(args)-1], len(sc.axes()), form, sc)
	x := c.num(args[len(args)-1].Value, sc)
	if v == nil || x.invalid() {
		return bad(e.At)
	}
	home, _ := natural(x)
	for _, n := range v {
		if at, fixed := natural(n); fixed && at != home && scheme == "" {
			scheme = "central"
			if e.Func.Name == "upwind" {
				scheme = "upwind"
			}
		}
	}
	if scheme != "" {
		return c.conservative(v, x, home, scheme, sc, e.At)
	}
	var sum *Node
	for i, a := range sc.axes() {
		d := c.deriv(x, a, 1, sc, e.At)
		if e.Func.Name == "upwind" && d.Op == Deriv {
			d.Acc = 2
		}
		sum = c.plus(sum, compute(ir.Mul, v[i].Unit.mul(d.Unit), e.At, v[i], d), e)
		if e.Func.Name == "upwind" {
			d2 := c.deriv(x, a, 2, sc, e.At)
			if d2.Op == Deriv {
				d2.Acc = 2
			}
			h := compute(ir.Mul, a.Unit, e.At, number(-0.5, one(), e.At), c.width(a, e.At))
			if base(a).Map == nil {
				h = spacing(a, -0.5, e.At)
			}
			speed := c.modulus(v[i])
			k := compute(ir.Mul, speed.Unit.mul(h.Unit), e.At, speed, h)
			sum = c.plus(sum, compute(ir.Mul, k.Unit.mul(d2.Unit), e.At, k, d2), e)
		}
	}
	return sum
}

// plus adds a term; the sum may be nil.
func (c *checker) plus(sum, n *Node, e *syntax.Call) *Node {
	if sum == nil || n.invalid() || sum.invalid() {
		return n
	}
	if !c.sameUnit(sum, n, "cannot be added in "+e.Func.Name) {
		return bad(e.At)
	}
	return compute(ir.Add, sum.Unit, e.At, sum, n)
}

// conservative is the divergence of v*T at the place of T.
func (c *checker) conservative(v []*Node, x *Node, home uint8, scheme string, sc *scope, at diag.Span) *Node {
	var sum *Node
	for j, a := range sc.axes() {
		face := home ^ 1<<j
		speed := c.moveTo(v[j], face, sc, at)
		axis := IndexVar{a.Name, a}
		var flux *Node
		switch scheme {
		case "central":
			m := midway(x, axis, c.accuracy(sc), at)
			flux = compute(ir.Mul, speed.Unit.mul(x.Unit), at, speed, m)
		default:
			if a.Of == nil && !a.Nodes && scheme != "upwind" {
				c.facesOf(a) // where the flux may be kept
			}
			flux = compute(ir.Mul, speed.Unit.mul(x.Unit), at, speed, c.upstream(x, axis, scheme, speed, at))
		}
		d := c.deriv(flux, a, 1, sc, at)
		if d.Op == Deriv {
			d.Acc = 2 // the difference of two faces: what leaves a cell enters its neighbour
		}
		for _, k := range append([]*Node{d}, d.Args...) { // on an uneven axis the metric multiplies it
			if k.Op == Deriv && (k == d || d.Op == Compute) {
				k.Carries = &advected{scheme: scheme, axis: j, acc: c.accuracy(sc), x: x, speed: v[j]}
			}
		}
		if sum == nil || d.invalid() {
			sum = d
			continue
		}
		if !c.sameUnit(sum, d, "cannot be added in adv") {
			return bad(at)
		}
		sum = compute(ir.Add, sum.Unit, at, sum, d)
	}
	return sum
}

// moveTo interpolates to a place, given by the axes along which it lies on faces.
func (c *checker) moveTo(n *Node, place uint8, sc *scope, at diag.Span) *Node {
	have, fixed := natural(n)
	if !fixed {
		return n
	}
	for j, a := range sc.axes() {
		if (have^place)>>j&1 != 0 {
			n = midway(n, IndexVar{a.Name, a}, c.accuracy(sc), at)
		}
	}
	return n
}

// oneSided is below(T, g.x, scheme = ..) and above(..): the value at faces seen from the points on one side.
func (c *checker) oneSided(e *syntax.Call, sc *scope) *Node {
	args, scheme, ok := c.scheme(e)
	if !ok {
		return bad(e.At)
	}
	if scheme == "" {
		scheme = "upwind"
	}
	if len(args) != 2 {
		return c.arity(e, e.Func.Name+"(T, "+sc.grid.Name+"."+sc.grid.Axes[0].Name+", scheme = vanleer)")
	}
	x := c.num(args[0].Value, sc)
	place, ok := c.placeArg(args[1].Value, sc)
	if !ok || x.invalid() {
		return bad(e.At)
	}
	have, _ := natural(x)
	axis := -1
	for j, a := range place {
		if (a.Of != nil) != (have>>j&1 != 0) {
			if axis >= 0 {
				axis = len(place)
				break
			}
			axis = j
		}
	}
	if axis < 0 || axis == len(place) {
		c.errs.Errorf("WF0332", e.At, "%s has its values at %s; seen from one side they are known at the faces along one axis", args[0].Value.Span().Text(), c.placeName(have, sc)).
			Suggest("name a place half a step away along one axis, as in %s.%s for a field on %s", sc.grid.Name, sc.grid.Axes[0].Name, sc.grid.Name)
		return bad(e.At)
	}
	side := 1
	if e.Func.Name == "above" {
		side = -1
	}
	a := sc.axes()[axis]
	v := *faceValue(x, IndexVar{a.Name, a}, scheme, side, e.At)
	v.OneSided = true
	v.Carries = &advected{scheme: scheme, side: side, axis: axis, x: x}
	return &v
}

func (c *checker) placeName(faces uint8, sc *scope) string {
	out := ""
	for j, a := range sc.grid.Axes {
		if faces>>j&1 != 0 {
			out += a.Name
		}
	}
	if out == "" {
		return "the centres of " + sc.grid.Name
	}
	return sc.grid.Name + "." + out
}

// upstream is the face value from the side the flow comes from. The points are chosen first, so that the scheme is computed once.
func (c *checker) upstream(x *Node, v IndexVar, scheme string, speed *Node, at diag.Span) *Node {
	fixed := speed.host
	Visit(speed, func(n *Node) { fixed = fixed && n.Op != StepSize && !(n.Op == ScalarRef && n.Sym.settable()) })
	if s, ok := c.eval(speed); ok && fixed {
		if s < 0 {
			return faceValue(x, v, scheme, -1, at)
		}
		return faceValue(x, v, scheme, 1, at)
	}
	if x.invalid() || x.host || speed.invalid() {
		return x
	}
	up := compute(ir.Lt, one(), at, number(0, speed.Unit, at), speed)
	return reconstruct(x, scheme, at, func(k int) *Node {
		lo, hi := shifted(x, v, 2*k-1), shifted(x, v, 1-2*k)
		lo.Explicit, hi.Explicit = true, true
		return compute(ir.Select, x.Unit, at, up, lo, hi)
	})
}

// faceValue is T at the point midway along v, by a scheme, from the points below it (side 1) or above it (side -1).
func faceValue(x *Node, v IndexVar, scheme string, side int, at diag.Span) *Node {
	if x.invalid() || x.host {
		return x
	}
	return reconstruct(x, scheme, at, func(k int) *Node {
		n := shifted(x, v, side*(2*k-1))
		n.Explicit = true
		return n
	})
}

// reconstruct applies a scheme to points: p(0) is the nearest on the favoured side, p(1) the nearest on the other.
func reconstruct(x *Node, scheme string, at diag.Span, p func(k int) *Node) *Node {
	memo := map[int]*Node{}
	point := p
	p = func(k int) *Node {
		if memo[k] == nil {
			memo[k] = point(k)
		}
		return memo[k]
	}
	u := x.Unit
	num := func(f float64) *Node { return number(f, one(), at) }
	bin := func(code ir.Code, a, b *Node) *Node { return compute(code, a.Unit, at, a, b) }
	times := func(a, b *Node) *Node { return compute(ir.Mul, a.Unit.mul(b.Unit), at, a, b) }
	over := func(a, b *Node) *Node { return compute(ir.Div, a.Unit.div(b.Unit), at, a, b) }
	switch scheme {
	case "central":
		return times(num(0.5), bin(ir.Add, p(0), p(1)))
	case "upwind":
		return p(0)
	case "vanleer":
		a, b := bin(ir.Sub, p(0), p(-1)), bin(ir.Sub, p(1), p(0))
		ab := times(a, b)
		agree := compute(ir.Lt, one(), at, number(0, ab.Unit, at), ab)
		sum := compute(ir.Select, u, at, agree, bin(ir.Add, a, b), number(1, u, at)) // never 0 where it divides
		half := compute(ir.Select, u, at, agree, over(ab, sum), number(0, u, at))
		return bin(ir.Add, p(0), half)
	}
	// weno5: three parabolas, weighted by how smooth they are.
	sq := func(a *Node) *Node { return times(a, a) }
	lin := func(c0, c1, c2 float64, a, b, d *Node) *Node {
		return bin(ir.Add, bin(ir.Add, times(num(c0), a), times(num(c1), b)), times(num(c2), d))
	}
	type parabola struct {
		value, first, second *Node
		d                    float64
	}
	m2, m1, z, p1, p2 := p(-2), p(-1), p(0), p(1), p(2)
	ps := []parabola{
		{lin(1.0/3, -7.0/6, 11.0/6, m2, m1, z), lin(1, -4, 3, m2, m1, z), lin(1, -2, 1, m2, m1, z), 0.1},
		{lin(-1.0/6, 5.0/6, 1.0/3, m1, z, p1), bin(ir.Sub, m1, p1), lin(1, -2, 1, m1, z, p1), 0.6},
		{lin(1.0/3, 5.0/6, -1.0/6, z, p1, p2), lin(3, -4, 1, z, p1, p2), lin(1, -2, 1, z, p1, p2), 0.3},
	}
	var above, below *Node
	for _, q := range ps {
		beta := bin(ir.Add, times(num(13.0/12), sq(q.second)), times(num(0.25), sq(q.first)))
		w := over(num(q.d), sq(bin(ir.Add, beta, number(1e-6, beta.Unit, at))))
		t := times(w, q.value)
		if above == nil {
			above, below = t, w
			continue
		}
		above, below = bin(ir.Add, above, t), bin(ir.Add, below, w)
	}
	return over(above, below)
}
