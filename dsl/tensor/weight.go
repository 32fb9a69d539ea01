package tensor

import (
	"hash/fnv"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// weight is a trained tensor with what its declaration says of it.
type weight struct {
	name    string // logical: wte, l3.wq
	arr     *array
	role    string
	init    syntax.Expr
	initVal *val // of a kind that is a plain expression
	kind    string
	std     float64
	cut     float64
	initS   string
	lr      float64
	decay   float64
	eps     float64
}

// size is the number of values.
func (w *weight) size() int64 {
	n := int64(1)
	for _, d := range w.arr.dims {
		n *= int64(d.dim.n)
	}
	return n
}

func (w *weight) shape() []int {
	s := []int{}
	for _, d := range w.arr.dims {
		s = append(s, d.dim.n)
	}
	return s
}

// weightStmt declares weights. Inside layers their names carry the layer's number.
func (e *elab) weightStmt(s *syntax.Weight, sc *scope) {
	role := ""
	if s.Role != nil {
		role = s.Role.Name
		if !e.knownRole(role) {
			e.fail("WF0381", s.Role.At, "no rule table has the role %s", role).Suggest("roles of the prelude's tables are embedding, norm, hidden, bias, final, output")
		}
	}
	base := weight{role: role, lr: 1, decay: 1, eps: 1, initS: "0"}
	forward := 1.0
	std := 1.0
	if e.m.rules != nil && role != "" {
		r := e.m.rules
		base.lr, base.decay, base.eps = r.get(role, "lr"), r.get(role, "decay"), r.get(role, "eps")
		forward, std = r.get(role, "forward"), r.get(role, "init")
	}
	for _, a := range s.With {
		v := e.expr(a.Value, sc)
		if !v.isNum() {
			if !v.bad {
				e.fail("WF0378", a.At, "a multiplier is a number known when the program is built").Suggest("make it of params and numbers")
			}
			return
		}
		switch a.Name.Name {
		case "lr":
			base.lr *= v.num
		case "decay":
			base.decay *= v.num
		case "eps":
			base.eps *= v.num
		case "forward":
			forward *= v.num
		default:
			e.fail("WF0378", a.Name.At, "a weight has no %s", a.Name.Name).Suggest("multipliers are lr, decay, eps and forward")
		}
	}
	for _, it := range s.Items {
		w := base
		w.name = e.m.prefix + it.Name.Name
		a := &array{ref: "@" + w.name, elem: e.float, forward: forward, at: it.Name.At, what: "weight"}
		for _, id := range it.Dims {
			ix := e.placeIndex(sc, id)
			if ix == nil {
				sc.put(it.Name.Name, badVal(it.Name.At), it.Name.At)
				return
			}
			if has(a.dims, ix) { // another place over the same dim
				ix = e.newIndex(ix.name, ix.dim, id.At)
			}
			a.dims = append(a.dims, ix)
		}
		w.arr = a
		if !e.define(sc, it.Name, a) || !e.initOf(&w, s.Init, std, sc) {
			continue
		}
		if old := e.m.byName[w.name]; old != nil { // elaborated again for another function
			continue
		}
		if w.size() > 1<<31 && e.report == nil {
			e.fail("WF0388", it.At, "%s has more than 2^31 values", w.name).Suggest("split it")
			continue
		}
		e.m.weights = append(e.m.weights, &w)
		e.m.byName[w.name] = &w
		if e.report != nil {
			e.report.weight(&w)
		}
		arr := ir.Array{Name: w.name, Elem: e.float, Pos: position(it.Name.At)}
		for _, d := range a.dims {
			arr.Axes = append(arr.Axes, d.dim.name)
		}
		e.array(arr)
		e.lowered(a, w.name)
	}
}

// initOf reads the part after `~`; scale is the rule table's multiplier of the standard deviation.
func (e *elab) initOf(w *weight, x syntax.Expr, scale float64, sc *scope) bool {
	w.init, w.kind = x, "expression"
	if x == nil {
		w.initVal = num(0)
		return true
	}
	w.initS = syntax.ExprString(x)
	c, ok := syntax.Unparen(x).(*syntax.Call)
	if !ok || c.Func.Name != "normal" && c.Func.Name != "uniform" && c.Func.Name != "truncated" {
		w.initVal = e.expr(x, sc.binding(w.arr.dims...))
		if !w.initVal.bad {
			for _, ix := range e.missing(w.initVal, w.arr.dims) {
				e.fail("WF0378", x.Span(), "the index %s is none of %s", ix.name, w.name).Suggest("initial values depend on the weight's own indices")
				return false
			}
		}
		return !w.initVal.bad
	}
	w.kind = c.Func.Name
	w.cut = 2
	if len(c.Args) < 1 || len(c.Args) > 2 || len(c.Args) == 2 && w.kind != "truncated" {
		e.fail("WF0378", x.Span(), "%s takes one number", w.kind).Suggest("write normal(std), uniform(bound), or truncated(std, cut)")
		return false
	}
	for i, a := range c.Args {
		v := e.expr(a.Value, sc)
		if v.bad {
			return false
		}
		if !v.isNum() || v.num < 0 {
			e.fail("WF0378", a.At, "this is a number that is known when the program is built and not negative").Suggest("make it of params and numbers")
			return false
		}
		if i == 0 {
			w.std = v.num * scale
		} else {
			w.cut = v.num
		}
	}
	return true
}

// initial writes the host function that gives the weights their first values: by seed, name and logical index, so that they do not
// depend on placement, precision or the order of declarations.
func (e *elab) initial(tr *trainer) {
	old, oldFloat, oldRound := e.fn, e.float, e.round
	defer func() { e.fn, e.float, e.round = old, oldFloat, oldRound }()
	e.fn, e.round = newBuilder("init", true), nil
	for _, w := range e.m.weights {
		var v *val
		switch w.kind {
		case "expression":
			v = as(w.initVal, oldFloat)
		default:
			v = node(ir.Cvt, oldFloat, e.random(w, tr.seed))
		}
		a := e.store("init."+w.name, v, w.arr.dims, w.arr.at)
		e.fn.set(w.name, a.ref)
	}
	if e.p.Array(scaleArray) != nil {
		e.fn.set(scaleArray, e.store("init.scale", typed(oldFloat, initialScale), nil, e.m.decl.At).ref)
	}
	e.p.Funcs = append(e.p.Funcs, e.fn.f)
	e.p.Host = append(e.p.Host, ir.HostDef{Name: "run.once", Body: ir.Body{Nodes: []ir.Node{{Op: ir.Const, Elem: ir.F64, Imm: 1}}, Results: []int{0}}})
	e.p.Schedule = append(e.p.Schedule, ir.Run{Func: "init", Count: "run.once"})
}

// linear index of a weight's element, wrapping.
func linearIndex(dims []*index) *val {
	v := typed(ir.I32, 0)
	for k, ix := range dims {
		if k == 0 {
			v = indexVal(ix)
			continue
		}
		v = node(ir.Add, ir.I32, node(ir.Mul, ir.I32, v, typed(ir.I32, float64(ix.dim.n))), indexVal(ix))
	}
	return v
}

// random is the initial value of an element in f64: normal by Box and Muller, uniform, or normal cut at ±cut standard deviations by
// drawing up to six times.
func (e *elab) random(w *weight, seed uint32) *val {
	h := fnv.New32a()
	h.Write([]byte(w.name))
	at := linearIndex(w.arr.dims)
	draw := func(try int) (*val, *val) {
		a, b := threefry(seed, h.Sum32(), at, typed(ir.I32, float64(try)))
		return unit(a), unit(b)
	}
	f := func(x float64) *val { return typed(ir.F64, x) }
	normal := func(try int) *val {
		u, v := draw(try)
		r := node(ir.Sqrt, ir.F64, node(ir.Mul, ir.F64, f(-2), node(ir.Log, ir.F64, u)))
		return node(ir.Mul, ir.F64, r, node(ir.Cos, ir.F64, node(ir.Mul, ir.F64, f(6.283185307179586), v)))
	}
	switch w.kind {
	case "uniform":
		u, _ := draw(0)
		return node(ir.Mul, ir.F64, f(w.std), node(ir.Sub, ir.F64, node(ir.Mul, ir.F64, f(2), u), f(1)))
	case "truncated":
		const tries = 6
		z := normal(tries - 1)
		z = node(ir.MinOp, ir.F64, node(ir.MaxOp, ir.F64, z, f(-w.cut)), f(w.cut))
		for k := tries - 2; k >= 0; k-- {
			y := normal(k)
			z = node(ir.Select, ir.F64, node(ir.Le, ir.Bool, node(ir.Abs, ir.F64, y), f(w.cut)), y, z)
		}
		return node(ir.Mul, ir.F64, f(w.std), z)
	}
	return node(ir.Mul, ir.F64, f(w.std), normal(0))
}

// unit maps 32 random bits to (0, 1): the upper 31 of them, in the middle of their interval.
func unit(x *val) *val {
	n := node(ir.Cvt, ir.F64, node(ir.Shr, ir.I32, x, typed(ir.I32, 1)))
	return node(ir.Mul, ir.F64, node(ir.Add, ir.F64, n, typed(ir.F64, 0.5)), typed(ir.F64, 1.0/(1<<31)))
}

// threefry is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
func threefry(key0, key1 uint32, c0, c1 *val) (*val, *val) {
	rot := [8]int{13, 15, 26, 6, 17, 29, 16, 24}
	ks := [3]uint32{key0, key1, 0x1BD11BDA ^ key0 ^ key1}
	word := func(k uint32) *val { return typed(ir.I32, float64(int32(k))) }
	op := func(c ir.Code, a, b *val) *val { return node(c, ir.I32, a, b) }
	x0, x1 := op(ir.Add, c0, word(ks[0])), op(ir.Add, c1, word(ks[1]))
	for r := range 20 {
		x0 = op(ir.Add, x0, x1)
		k := rot[r%8]
		x1 = op(ir.Or, op(ir.Shl, x1, word(uint32(k))), op(ir.Shr, x1, word(uint32(32-k))))
		x1 = op(ir.Xor, x1, x0)
		if r%4 == 3 {
			s := r/4 + 1
			x0 = op(ir.Add, x0, word(ks[s%3]))
			x1 = op(ir.Add, x1, word(ks[(s+1)%3]+uint32(s)))
		}
	}
	return x0, x1
}
