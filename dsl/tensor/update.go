package tensor

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes/grad"
)

// Names of the arrays and functions of a trainer.
const (
	stepArray  = "train.step"  // i32: steps done
	countArray = "train.count" // i32: microbatches whose gradients are in g.*
	sumArray   = "train.loss"  // their losses
	scaleArray = "train.scale" // factor of the loss in f16
	goodArray  = "train.good"  // i32: steps since the scale changed
	normArray  = "train.norm"  // of the gradient, before clipping
	rateArray  = "train.rate"  // learning rate of the last step

	stepProc   = "train"
	gradFunc   = "train.grad"
	microFunc  = "train.micro"
	updateFunc = "train.update"
	keepFunc   = "train.keep"
	partsProc  = "loss.parts" // the loss, layer by layer
	backProc   = "loss.back"
)

// gradient is the array from which the optimizer takes a weight's gradient.
func (e *elab) gradient(w *weight) string {
	if e.gathered {
		return "acc." + w.name
	}
	return grad.Gradient(w.name)
}

// seed is the array the loss is multiplied by for the gradient, "" for none.
func (e *elab) seed(tr *trainer) string {
	if tr.precision == "f16" {
		return scaleArray
	}
	return ""
}

// gradients writes the function that does a microbatch: the loss, and its derivative by every weight into g.NAME, or added to it.
func (e *elab) gradients(tr *trainer, add bool) {
	src := e.p.Func("loss")
	f := src.Clone()
	f.Name = gradFunc
	if add {
		f.Name = microFunc
	}
	var wrt []string
	for _, w := range e.m.weights {
		wrt = append(wrt, w.name)
	}
	seed := grad.Seed{Value: f.Sets[0].Value}
	if a := e.seed(tr); a != "" {
		seed.From = "@" + a
	}
	gs, err := grad.Pull(e.p, &f, []grad.Seed{seed}, wrt, nil)
	if err != nil {
		e.fail("WF0376", e.m.loss.at, "the loss cannot be differentiated: %v", err).Suggest("use functions that have derivatives")
		return
	}
	e.fn = continued(f)
	for i, w := range e.m.weights {
		if add {
			dims := here(w.arr.dims)
			sum := node(ir.Add, e.float, read("@"+grad.Gradient(w.name), e.float, dims), read(gs[i], e.float, dims))
			e.fn.set(grad.Gradient(w.name), e.store("sum."+w.name, sum, w.arr.dims, w.arr.at).ref)
			continue
		}
		e.fn.set(grad.Gradient(w.name), gs[i])
	}
	if add {
		count := node(ir.Add, ir.I32, read("@"+countArray, ir.I32, nil), typed(ir.I32, 1))
		e.fn.set(countArray, e.store("count", count, nil, e.m.loss.at).ref)
		total := node(ir.Add, e.float, read("@"+sumArray, e.float, nil), read(seed.Value, e.float, nil))
		e.fn.set(sumArray, e.store("total", total, nil, e.m.loss.at).ref)
	}
	e.p.Funcs = append(e.p.Funcs, e.fn.f)
}

// continued is a builder that goes on with a function.
func continued(f ir.Func) *builder {
	b := newBuilder(f.Name, f.Host)
	b.f = f
	for _, op := range f.Ops {
		ext := []int{}
		for _, r := range op.Dom {
			ext = append(ext, r.Hi)
		}
		for _, r := range op.Results {
			b.names[r.Name] = 1
			b.ext[r.Name] = ext
		}
	}
	return b
}

// optimizerArgs are the values of an optimizer's parameters; pairs become name_1 and name_2.
func (e *elab) optimizerArgs(tr *trainer, o *syntax.Optimizer, call *syntax.Call) (sc *scope, peak float64, ok bool) {
	given := map[string]*syntax.Arg{}
	for i, a := range call.Args {
		switch {
		case a.Name != nil && given[a.Name.Name] == nil:
			given[a.Name.Name] = a
		case a.Name == nil && i < len(o.Params):
			given[o.Params[i].Name.Name] = a
		default:
			e.fail("WF0382", a.At, "this parameter is given twice, or %s has no such one", o.Name.Name).Suggest("name it, as in lr = 1e-3")
			return nil, 0, false
		}
	}
	globals := e.root
	if e.own(o.At) {
		globals = e.global
	}
	sc = &scope{up: globals, names: map[string]any{}, at: map[string]diag.Span{}, inFn: true}
	scale := given["timescale"]
	delete(given, "timescale")
	for _, p := range o.Params {
		from, x := e.global, p.Value
		if a := given[p.Name.Name]; a != nil {
			x = a.Value
			delete(given, p.Name.Name)
		} else {
			from = globals
		}
		if x == nil {
			e.fail("WF0382", call.At, "%s needs a value for %s", o.Name.Name, p.Name.Name).Suggest("write %s(%s = ..)", o.Name.Name, p.Name.Name)
			return nil, 0, false
		}
		list := []syntax.Expr{x}
		t, tuple := syntax.Unparen(x).(*syntax.Tuple)
		if tuple {
			list = t.Elems
		}
		for i, y := range list {
			v := e.expr(y, from)
			if !v.isNum() || v.bad {
				if !v.bad {
					e.fail("WF0382", y.Span(), "%s is a number known when the program is built", p.Name.Name).Suggest("make it of params and numbers")
				}
				return nil, 0, false
			}
			name := p.Name.Name
			if tuple {
				name += "_" + itoa(i+1)
			}
			sc.put(name, v, p.At)
			if name == "lr" {
				peak = v.num
			}
		}
	}
	for _, k := range sorted(given) {
		d := e.fail("WF0382", given[k].At, "%s has no parameter %s", o.Name.Name, k)
		d.Suggest("its parameters are %s", paramNames(o.Params))
		return nil, 0, false
	}
	if scale != nil && !e.timescale(tr, sc, scale, peak) {
		return nil, 0, false
	}
	return sc, peak, true
}

func paramNames(list []*syntax.Arg) string {
	s := ""
	for i, p := range list {
		if i > 0 {
			s += ", "
		}
		s += p.Name.Name
	}
	return s
}

// own says whether a declaration stands in the file.
func (e *elab) own(at diag.Span) bool { return at.File == e.file }

// timescale sets the weight decay so that the weights are an average over the part tau of the run: decay = 1/(lr*tau*steps). `auto` is
// the power law 1.084*(tokens per weight)^-0.527 (Bergsma et al., arXiv 2505.13738).
func (e *elab) timescale(tr *trainer, sc *scope, a *syntax.Arg, peak float64) bool {
	if _, ok := sc.names["decay"]; !ok {
		e.fail("WF0382", a.At, "this optimizer has no decay to set").Suggest("remove timescale")
		return false
	}
	tau := 0.0
	if r, ok := a.Value.(*syntax.Ref); ok && r.Name.Name == "auto" {
		tau = 1.084 * math.Pow(math.Max(1e-9, e.tokensPerWeight(tr)), -0.527)
	} else if v := e.expr(a.Value, e.global); v.isNum() && !v.bad {
		tau = v.num
	}
	if !(tau > 0) || !(peak > 0) || tr.steps <= 0 {
		e.fail("WF0382", a.At, "a timescale is a positive part of the run, or `auto`, and needs a learning rate and a length of the run").
			Suggest("write timescale = 0.2 or timescale = auto, and say tokens or steps")
		return false
	}
	sc.put("decay", num(1/(peak*tau*float64(tr.steps))), a.At)
	return true
}

// update writes the function that turns gradients into the next weights, and keeps the books.
func (e *elab) update(tr *trainer, many bool) {
	call, ok := (*syntax.Call)(nil), false
	if tr.optimizer != nil {
		switch x := syntax.Unparen(tr.optimizer.Value).(type) {
		case *syntax.Call:
			call, ok = x, true
		case *syntax.Ref:
			call, ok = &syntax.Call{Loc: x.Loc, Func: x.Name}, x.Index == nil
		}
	}
	if !ok {
		at := e.m.decl.Name.At
		if tr.decl != nil {
			at = tr.decl.Model.At
		}
		e.fail("WF0382", at, "training needs an optimizer").Suggest("%s", forms["optimizer"])
		return
	}
	o := e.optimizers[call.Func.Name]
	if o == nil {
		d := e.fail("WF0382", call.Func.At, "there is no optimizer %s", call.Func.Name)
		if s := closest(call.Func.Name, sorted(e.optimizers)); s != "" {
			d.Replace(call.Func.At, s, "did you mean %s?", s)
		} else {
			d.Suggest("optimizers are %v; define others with `optimizer %s(lr) { .. }`", sorted(e.optimizers), call.Func.Name)
		}
		return
	}
	args, peak, ok := e.optimizerArgs(tr, o, call)
	if !ok {
		return
	}
	tr.peak = peak
	e.fn = newBuilder(updateFunc, false)
	at := call.At
	n := read("@"+stepArray, ir.I32, nil)
	e.fn.set(stepArray, e.store("step", node(ir.Add, ir.I32, n, typed(ir.I32, 1)), nil, at).ref)
	rate := e.readAt(e.store("rate", e.rate(tr.schedule, n, peak, tr.run), nil, at), nil)
	e.fn.set(rateArray, rate.ref)
	number := e.arith(ir.Add, as(n, e.float), num(1))

	// What a gradient is multiplied by: one over the number of microbatches and the scale of the loss.
	share := num(1)
	if many {
		c := as(read("@"+countArray, ir.I32, nil), e.float)
		share = node(ir.Div, e.float, typed(e.float, 1), c)
		loss := node(ir.Mul, e.float, read("@"+sumArray, e.float, nil), share)
		e.fn.set("loss", e.store("loss", loss, nil, at).ref)
		e.fn.set(countArray, e.store("count", typed(ir.I32, 0), nil, at).ref)
		e.fn.set(sumArray, e.store("total", typed(e.float, 0), nil, at).ref)
	}
	if tr.precision == "f16" {
		share = e.arith(ir.Div, share, read("@"+scaleArray, e.float, nil))
	}
	if !share.isNum() {
		share = e.readAt(e.store("share", share, nil, at), nil)
	}
	norm := e.norm(share, at)
	e.fn.set(normArray, norm.ref)
	factor := share
	if tr.clip > 0 {
		c := node(ir.Select, e.float, node(ir.Lt, ir.Bool, typed(e.float, tr.clip), norm),
			node(ir.Div, e.float, typed(e.float, tr.clip), norm), typed(e.float, 1))
		factor = e.readAt(e.store("clip", e.arith(ir.Mul, c, share), nil, at), nil)
	}
	var good *val
	if tr.precision == "f16" {
		good = e.lossScale(norm, at)
	}
	for _, w := range e.m.weights {
		if !e.updateWeight(o, args, w, rate, number, factor, good) {
			return
		}
		if many {
			e.fn.set(e.gradient(w), e.store("none."+w.name, typed(e.float, 0), w.arr.dims, at).ref)
		}
	}
	e.p.Funcs = append(e.p.Funcs, e.fn.f)
}

// norm is the Euclidean norm of the gradient: the squares of each tensor are summed, then the tensors in order.
func (e *elab) norm(share *val, at diag.Span) *val {
	var total *val
	for _, w := range e.m.weights {
		g := read("@"+e.gradient(w), e.float, here(w.arr.dims))
		g = e.arith(ir.Mul, g, share)
		sq := node(ir.Mul, e.float, g, g)
		if len(w.arr.dims) > 0 {
			sq.cut = true
			sq = e.reduceCanon(sq, w.arr.dims, at)
		}
		if total == nil {
			total = sq
		} else {
			total = node(ir.Add, e.float, total, sq)
		}
	}
	return e.readAt(e.store("norm", node(ir.Sqrt, e.float, total), nil, at), nil)
}

// reduceCanon sums over all indices in the order that does not depend on threads; the squares are rounded first.
func (e *elab) reduceCanon(v *val, over []*index, at diag.Span) *val {
	name := e.fn.fresh("sum")
	op := ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: name, Elem: v.elem}}, Comb: ir.Sum, Order: ir.Order{Kind: ir.Canon}}
	e.op(op, nil, over, v, at)
	return read("%"+name, v.elem, nil)
}

// Dynamic loss scaling (Micikevicius et al. 2018): halved when a gradient is not finite, and the step skipped; doubled after 2000 steps.
const growEvery = 2000

// initialScale is the first factor of the loss.
const initialScale = 65536

func (e *elab) lossScale(norm *val, at diag.Span) *val {
	diff := node(ir.Sub, e.float, norm, norm) // NaN for infinities and NaN
	good := node(ir.Eq, ir.Bool, diff, typed(e.float, 0))
	scale, run := read("@"+scaleArray, e.float, nil), read("@"+goodArray, ir.I32, nil)
	next := node(ir.Add, ir.I32, run, typed(ir.I32, 1))
	grow := node(ir.Le, ir.Bool, typed(ir.I32, growEvery), next)
	up := node(ir.Select, e.float, grow, node(ir.MinOp, e.float, node(ir.Mul, e.float, scale, typed(e.float, 2)), typed(e.float, 1<<24)), scale)
	down := node(ir.MaxOp, e.float, node(ir.Mul, e.float, scale, typed(e.float, 0.5)), typed(e.float, 1))
	e.fn.set(scaleArray, e.store("scale", node(ir.Select, e.float, good, up, down), nil, at).ref)
	keep := node(ir.Select, ir.I32, grow, typed(ir.I32, 0), next)
	e.fn.set(goodArray, e.store("good", node(ir.Select, ir.I32, good, keep, typed(ir.I32, 0)), nil, at).ref)
	return good
}

// updateWeight runs the optimizer's text for one weight.
func (e *elab) updateWeight(o *syntax.Optimizer, args *scope, w *weight, rate, number, factor, good *val) bool {
	sc := args.child()
	at := here(w.arr.dims)
	own := func(name string, x *val) { sc.put(name, x, o.At) }
	own("w", read("@"+w.name, e.float, at))
	own("g", e.arith(ir.Mul, read("@"+e.gradient(w), e.float, at), factor))
	own("n", number)
	own("rate", e.arith(ir.Mul, rate, num(w.lr)))
	for name, mult := range map[string]float64{"decay": w.decay, "eps": w.eps} {
		if v, ok := args.names[name].(*val); ok {
			own(name, num(v.num*mult))
		}
	}
	arrays := map[string]string{"w": w.name}
	for _, s := range o.Body.Stmts {
		switch s := s.(type) {
		case *syntax.StateDecl:
			for _, id := range s.Names {
				name := id.Name + "." + w.name
				arrays[id.Name] = name
				a := e.p.Array(w.name)
				e.array(ir.Array{Name: name, Axes: a.Axes, Elem: e.float, Pos: a.Pos})
				sc.put(id.Name, read("@"+name, e.float, at), id.At)
				if !e.stateNames[id.Name] {
					e.stateNames[id.Name] = true
					e.states = append(e.states, id.Name)
				}
			}
		case *syntax.Bind:
			for _, it := range s.Items {
				if it.Index != nil || s.Kind != syntax.Let {
					e.fail("WF0382", it.At, "an optimizer works on single values: its `let`s have no indices").Suggest("write `let %s = ..`", it.Name.Name)
					return false
				}
				v := e.expr(it.Value, sc)
				if v.bad {
					return false
				}
				sc.put(it.Name.Name, v, it.At)
			}
		case *syntax.Assign:
			name := s.Target.Name.Name
			target, ok := arrays[name]
			if !ok || !s.Target.Prime || s.Target.Index != nil {
				e.fail("WF0382", s.Target.At, "an optimizer assigns w' and the next values of its states").Suggest("declare `state %s` before", name)
				return false
			}
			v := as(e.needNumber(e.expr(s.Value, sc), s.Value.Span()), e.float)
			if v.bad {
				return false
			}
			if good != nil {
				v = node(ir.Select, e.float, good, v, sc.names[name].(*val))
			}
			a := e.store("next."+target, v, w.arr.dims, s.At)
			e.fn.set(target, a.ref)
			sc.put(name+"'", e.readAt(a, at), s.At)
		case *syntax.Bad:
			return false
		default:
			e.fail("WF0382", s.Span(), "an optimizer has `state`, `let` and next values").Suggest("write `w' = w - rate*g`")
			return false
		}
	}
	if _, ok := sc.names["w'"]; !ok {
		e.fail("WF0382", o.Name.At, "%s does not say w'", o.Name.Name).Suggest("end it with `w' = w - rate*g`")
		return false
	}
	return true
}
