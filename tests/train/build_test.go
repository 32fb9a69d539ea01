package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// net writes a function operation by operation. An index stands for one axis: "s" and "t" both run over axis seq.
type net struct {
	p    *ir.Program
	f    *ir.Func
	axis map[string]string
	e    ir.Elem
	sh   shape
	// grouped says of weights that are rows of a larger array where they are.
	grouped map[string]rows
}

func (n *net) ranges(index string) (rs []ir.Range, box []ir.Interval) {
	for _, x := range strings.Fields(index) {
		a := n.p.Axis(n.axis[x])
		rs = append(rs, ir.Range{Index: x, Axis: a.Name, Hi: a.N})
		box = append(box, ir.Interval{Hi: a.N})
	}
	return rs, box
}

func (n *net) array(name, index string, e ir.Elem) {
	a := ir.Array{Name: name, Elem: e}
	for _, x := range strings.Fields(index) {
		a.Axes = append(a.Axes, n.axis[x])
	}
	n.p.Arrays = append(n.p.Arrays, a)
}

// body collects a scalar expression.
type body struct {
	*ir.BodyBuilder
	n *net
}

// at reads "name[i j]".
func (b *body) at(ref string) int {
	name, index, _ := strings.Cut(strings.TrimSuffix(ref, "]"), "[")
	var at []ir.Affine
	for _, x := range strings.Fields(index) {
		at = append(at, ir.At(x, 0))
	}
	if g, ok := b.n.grouped[name]; ok {
		name, at = g.access(strings.Fields(index))
	}
	e := b.n.e
	if name[0] == '@' {
		e = b.n.p.Array(name[1:]).Elem
	}
	return b.Read(e, name, at...)
}

func (b *body) num(x float64) int { return b.Const(b.n.e, x) }

func (n *net) emit(op ir.Op, name string, box []ir.Interval, f func(b *body) int) string {
	b := &body{&ir.BodyBuilder{}, n}
	op.Results = []ir.Result{{Name: name, Elem: n.e}}
	r := f(b)
	op.Pieces = []ir.Piece{{Box: box, Body: b.Body(r)}}
	n.f.Ops = append(n.f.Ops, op)
	return "%" + name
}

// each is a map over index.
func (n *net) each(name, index string, f func(b *body) int) string {
	rs, box := n.ranges(index)
	return n.emit(ir.Op{Kind: ir.Map, Dom: rs}, name, box, f)
}

// fold is a reduce over the indices over.
func (n *net) fold(name, index, over string, comb ir.Combiner, order ir.OrderKind, f func(b *body) int) string {
	rs, box := n.ranges(index)
	os, obox := n.ranges(over)
	return n.emit(ir.Op{Kind: ir.Reduce, Dom: rs, Over: os, Comb: comb, Order: ir.Order{Kind: order}}, name, append(box, obox...), f)
}

// dot is a contraction of two operands.
func (n *net) dot(name, index, over, x, y string) string {
	out := n.fold(name, index, over, ir.Sum, ir.Seq, func(b *body) int { return b.Mul(b.at(x), b.at(y)) })
	n.f.Ops[len(n.f.Ops)-1].FMA = true
	return out
}

// pick is table[.., v, ..] at v = id: a gather.
func (n *net) pick(name, index, v, id, table string) string {
	return n.fold(name, index, v, ir.Sum, ir.Seq, func(b *body) int {
		return b.Select(b.Node(ir.Node{Op: ir.Eq, Elem: ir.Bool, Args: []int{b.at(id), n.id(b)}}), b.at(table), b.num(math.Copysign(0, -1)))
	})
}

func (n *net) layernorm(name, x, w, bias string, c int) string {
	in := func(i string) string { return x + "[" + i + "]" }
	sum := n.fold(name+".sum", "b s", "c", ir.Sum, ir.Canon, func(b *body) int { return b.at(in("b s c")) })
	mean := n.each(name+".mean", "b s", func(b *body) int { return b.Mul(b.at(sum+"[b s]"), b.num(1/float64(c))) })
	mid := n.each(name+".mid", "b s c", func(b *body) int { return b.Sub(b.at(in("b s c")), b.at(mean+"[b s]")) })
	sq := n.dot(name+".sq", "b s", "c", mid+"[b s c]", mid+"[b s c]")
	rstd := n.each(name+".rstd", "b s", func(b *body) int {
		return b.Div(b.num(1), b.Op(ir.Sqrt, b.Add(b.Mul(b.at(sq+"[b s]"), b.num(1/float64(c))), b.num(1e-5))))
	})
	return n.each(name, "b s c", func(b *body) int {
		h := b.Mul(b.at(mid+"[b s c]"), b.at(rstd+"[b s]"))
		return b.Add(b.Mul(h, b.at(w+"[c]")), b.at(bias+"[c]"))
	})
}

// weight is one trained tensor of the model: part of tensor From of llm.c, starting there at Offset.
type weight struct {
	name, index, from string
	offset            int
	in                rows // where it is when weights are grouped
}

// shape says how a model is cut up: the indices that make up the feed-forward and the vocabulary dimension. On the wafer both share the
// axis of the elements of a head, which lies along the mesh; whole has them as they are.
type shape struct {
	ffn, vocab string
	slots      int // of the vocabulary, at least 65
	// grouped puts all weights over the same mesh axes into one array, rows under rows: the optimizer goes over three arrays.
	grouped bool
}

var whole = shape{ffn: "f", vocab: "v", slots: vocab}

// id is the number of a token at the vocabulary's indices.
func (n *net) id(b *body) int {
	ix := strings.Fields(n.sh.vocab)
	if len(ix) == 1 {
		return b.Index(ix[0])
	}
	return b.Add(b.Mul(b.Index(ix[0]), b.Int(ir.I32, int64(n.p.Axis(n.axis[ix[1]]).N))), b.Index(ix[1]))
}

// real is whether there is such a token.
func (n *net) real(b *body, x, otherwise int) int {
	if n.sh.slots == vocab {
		return x
	}
	return b.Select(b.Node(ir.Node{Op: ir.Lt, Elem: ir.Bool, Args: []int{n.id(b), b.Int(ir.I32, vocab)}}), x, otherwise)
}

// gpt builds the loss of GPT-2 as function "loss" over arrays @tok, @next and the weights; it returns the weights.
func gpt(a *anchor, bs, ctx int, e ir.Elem, sh shape) (*ir.Program, []weight) {
	c, hd := a.wide, a.wide/a.heads
	p := &ir.Program{Name: a.name, Funcs: []ir.Func{{Name: "loss"}}}
	ax := func(name string, n int) { p.Axes = append(p.Axes, ir.Axis{Name: name, N: n, Nodes: true, H: 1}) }
	ax("batch", bs)
	ax("seq", ctx)
	ax("chan", c)
	ax("head", a.heads)
	ax("hd", hd)
	if len(strings.Fields(sh.ffn)) == 1 {
		ax("ffn", 4*c)
		ax("vocab", vocab)
	} else {
		ax("ffn", 4*c/hd)
		ax("vocab", sh.slots/hd)
	}
	n := &net{p: p, f: &p.Funcs[0], e: e, sh: sh, grouped: map[string]rows{}, axis: map[string]string{"b": "batch", "s": "seq", "t": "seq", "c": "chan", "k": "chan",
		"h": "head", "e": "hd", "f": "ffn", "v": "vocab"}}
	V := sh.vocab
	var ws []weight
	w := func(name, index, from string, offset int) string {
		if sh.grouped {
			n.row(name, index)
		} else {
			n.array(name, index, e)
		}
		ws = append(ws, weight{name, index, from, offset, n.grouped["@"+name]})
		return "@" + name
	}
	n.array("tok", "b s", ir.I32)
	n.array("next", "b s", ir.I32)
	n.array("loss", "", e)
	n.array("logits", "b s "+V, e)
	n.array("tokloss", "b s", e)
	wte, wpe := w("wte", V+" c", "wte", 0), w("wpe", "s c", "wpe", 0)
	emb := n.pick("emb", "b s c", V, "@tok[b s]", wte+"["+V+" c]")
	x := n.each("x0", "b s c", func(b *body) int { return b.Add(b.at(emb+"[b s c]"), b.at(wpe+"[s c]")) })
	for l := range a.layers {
		x = n.block(fmt.Sprintf("l%d.", l), x, l, c, hd, w)
	}
	h := n.layernorm("lnf", x, w("lnfw", "c", "lnfw", 0), w("lnfb", "c", "lnfb", 0), c)
	logits := n.dot("logits", "b s "+V, "c", h+"[b s c]", wte+"["+V+" c]")
	logit := logits + "[b s " + V + "]"
	m := n.fold("m", "b s", V, ir.Max, ir.Canon, func(b *body) int { return n.real(b, b.at(logit), b.num(math.Inf(-1))) })
	ez := n.each("ez", "b s "+V, func(b *body) int {
		return n.real(b, b.Op(ir.Exp, b.Sub(b.at(logit), b.at(m+"[b s]"))), b.num(0))
	})
	z := n.fold("z", "b s", V, ir.Sum, ir.Canon, func(b *body) int { return b.at(ez + "[b s " + V + "]") })
	y := n.pick("y", "b s", V, "@next[b s]", logit)
	tl := n.each("tokloss", "b s", func(b *body) int {
		return b.Sub(b.Add(b.Op(ir.Log, b.at(z+"[b s]")), b.at(m+"[b s]")), b.at(y+"[b s]"))
	})
	total := n.fold("total", "", "b s", ir.Sum, ir.Canon, func(b *body) int { return b.at(tl + "[b s]") })
	loss := n.each("loss", "", func(b *body) int { return b.Mul(b.at(total+"[]"), b.num(1/float64(bs*ctx))) })
	n.f.Sets = []ir.Set{{Array: "loss", Value: loss}, {Array: "logits", Value: logits}, {Array: "tokloss", Value: tl}}
	return p, ws
}

// rows is where a weight lies in its group: theta[e, row, c], phi[row, c] or beta[e, row].
type rows struct {
	group string
	at    int
}

func kind(index []string) string {
	e, c := slices.Contains(index, "e"), slices.Contains(index, "c")
	switch {
	case e && c:
		return "theta"
	case c:
		return "phi"
	}
	return "beta"
}

// access is the read of a weight at its own indices.
func (g rows) access(index []string) (string, []ir.Affine) {
	row := ir.At("", g.at)
	for _, x := range index {
		if x != "e" && x != "c" {
			row = ir.At(x, g.at)
		}
	}
	switch g.group {
	case "theta":
		return "@theta", []ir.Affine{ir.At("e", 0), row, ir.At("c", 0)}
	case "phi":
		return "@phi", []ir.Affine{row, ir.At("c", 0)}
	}
	return "@beta", []ir.Affine{ir.At("e", 0), row}
}

// row appends a weight to its group.
func (n *net) row(name, index string) {
	g := kind(strings.Fields(index))
	if n.p.Array(g) == nil {
		n.p.Axes = append(n.p.Axes, ir.Axis{Name: g + ".rows", Nodes: true, H: 1})
		axes := map[string][]string{"theta": {"hd", "theta.rows", "chan"}, "phi": {"phi.rows", "chan"}, "beta": {"hd", "beta.rows"}}
		n.p.Arrays = append(n.p.Arrays, ir.Array{Name: g, Axes: axes[g], Elem: n.e})
	}
	a := n.p.Axis(g + ".rows")
	n.grouped["@"+name] = rows{g, a.N}
	count := 1
	for _, x := range strings.Fields(index) {
		if x != "e" && x != "c" {
			count = n.p.Axis(n.axis[x]).N
		}
	}
	a.N += count
}

// load puts the initial values of a weight into its rows of the group's tensor.
func (w *weight) load(p *ir.Program, t *ir.Tensor, init map[string][]float32) {
	index := strings.Fields(w.index)
	extent := func(x string) int { // of an index, from the group's tensor and the model's axes
		switch x {
		case "e":
			return t.Dims[0]
		case "c":
			return t.Dims[len(t.Dims)-1]
		}
		return p.Axis(map[string]string{"h": "head", "f": "ffn", "v": "vocab", "s": "seq"}[x]).N
	}
	_, at := w.in.access(index)
	value := map[string]int{}
	k := w.offset
	var walk func(d int)
	walk = func(d int) {
		if d < len(index) {
			for i := range extent(index[d]) {
				value[index[d]] = i
				walk(d + 1)
			}
			return
		}
		to := 0
		for i, x := range at {
			to = to*t.Dims[i] + x.Of(value[x.Index])
		}
		t.F32[to] = init[w.from][k]
		k++
	}
	walk(0)
}

func (n *net) block(l, x string, layer, c, hd int, w func(name, index, from string, offset int) string) string {
	v := func(name, from string) string { return w(l+name, "c", from, layer*c) }
	h := n.layernorm(l+"ln1", x, v("ln1w", "ln1w"), v("ln1b", "ln1b"), c)
	q := n.project(l+"q", h, w(l+"wq", "h e c", "qkvw", layer*3*c*c), w(l+"bq", "h e", "qkvb", layer*3*c), "s")
	k := n.project(l+"k", h, w(l+"wk", "h e c", "qkvw", (layer*3+1)*c*c), w(l+"bk", "h e", "qkvb", (layer*3+1)*c), "s")
	vv := n.project(l+"v", h, w(l+"wv", "h e c", "qkvw", (layer*3+2)*c*c), w(l+"bv", "h e", "qkvb", (layer*3+2)*c), "s")
	raw := n.dot(l+"raw", "b h s t", "e", q+"[b h s e]", k+"[b h t e]")
	score := n.each(l+"score", "b h s t", func(b *body) int { return b.Mul(b.at(raw+"[b h s t]"), b.num(1/math.Sqrt(float64(hd)))) })
	seen := func(b *body) int {
		return b.Node(ir.Node{Op: ir.Le, Elem: ir.Bool, Args: []int{b.Index("t"), b.Index("s")}})
	}
	m := n.fold(l+"m", "b h s", "t", ir.Max, ir.Canon, func(b *body) int {
		return b.Select(seen(b), b.at(score+"[b h s t]"), b.num(math.Inf(-1)))
	})
	e := n.each(l+"e", "b h s t", func(b *body) int {
		return b.Select(seen(b), b.Op(ir.Exp, b.Sub(b.at(score+"[b h s t]"), b.at(m+"[b h s]"))), b.num(0))
	})
	z := n.fold(l+"z", "b h s", "t", ir.Sum, ir.Canon, func(b *body) int { return b.at(e + "[b h s t]") })
	a := n.each(l+"a", "b h s t", func(b *body) int { return b.Div(b.at(e+"[b h s t]"), b.at(z+"[b h s]")) })
	o := n.dot(l+"o", "b h s e", "t", a+"[b h s t]", vv+"[b h t e]")
	po := n.dot(l+"po", "b s c", "h e", o+"[b h s e]", w(l+"wo", "c h e", "attprojw", layer*c*c)+"[c h e]")
	bo := v("bo", "attprojb")
	x1 := n.each(l+"x1", "b s c", func(b *body) int {
		return b.Add(b.at(x+"[b s c]"), b.Add(b.at(po+"[b s c]"), b.at(bo+"[c]")))
	})
	h2 := n.layernorm(l+"ln2", x1, v("ln2w", "ln2w"), v("ln2b", "ln2b"), c)
	F := n.sh.ffn
	hid := "[b s " + F + "]"
	u := n.dot(l+"u", "b s "+F, "c", h2+"[b s c]", w(l+"fcw", F+" c", "fcw", layer*4*c*c)+"["+F+" c]")
	fb := w(l+"fcb", F, "fcb", layer*4*c)
	ub := n.each(l+"ub", "b s "+F, func(b *body) int { return b.Add(b.at(u+hid), b.at(fb+"["+F+"]")) })
	g := n.each(l+"g", "b s "+F, func(b *body) int {
		x := b.at(ub + hid)
		square := b.Mul(x, x) // sqrt(2/pi)*(x + 0.044715*x^3)
		poly := b.Add(b.num(math.Sqrt(2/math.Pi)), b.Mul(b.num(0.044715*math.Sqrt(2/math.Pi)), square))
		th := b.Op(ir.Tanh, b.Mul(poly, x))
		return b.Mul(b.Mul(b.num(0.5), x), b.Add(b.num(1), th))
	})
	d := n.dot(l+"d", "b s c", F, g+hid, w(l+"fcprojw", "c "+F, "fcprojw", layer*4*c*c)+"[c "+F+"]")
	db := v("fcprojb", "fcprojb")
	return n.each(l+"x2", "b s c", func(b *body) int {
		return b.Add(b.at(x1+"[b s c]"), b.Add(b.at(d+"[b s c]"), b.at(db+"[c]")))
	})
}

// project is x*w + bias per head.
func (n *net) project(name, x, w, bias, s string) string {
	d := n.dot(name+".x", "b h s e", "c", x+"[b s c]", w+"[h e c]")
	return n.each(name, "b h s e", func(b *body) int { return b.Add(b.at(d+"[b h s e]"), b.at(bias+"[h e]")) })
}
