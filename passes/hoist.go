package passes

import (
	"slices"
	"strconv"

	"github.com/wfc-lang/wfc/ir"
)

// hoist turns what depends on coordinates but not on time into data. The largest subexpressions of device functions whose leaves are
// coordinates, indices, constants and host scalars (with at least one coordinate, or one function of an index) become constant arrays
// over only the axes they depend on. The init function computes them in f64 and rounds once.
//
// Scalars that a scheduled run overrides (Bind: the step of the last, clipped run) and what depends on them are not constant: they
// stay in the function, and the coordinates beside them become data on their own.
func hoist(p *ir.Program, cfg *Config) error {
	h := &hoister{p: p, bound: boundScalars(p), byKey: map[string]string{}}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host {
			continue
		}
		if err := arrange(f); err != nil {
			return err
		}
		for j := range f.Ops {
			for k := range f.Ops[j].Pieces {
				f.Ops[j].Pieces[k].Body = h.body(&f.Ops[j], &f.Ops[j].Pieces[k])
			}
		}
	}
	if len(h.ops) == 0 {
		return nil
	}
	init := p.Func("init")
	if init == nil {
		p.Funcs = append([]ir.Func{{Name: "init", Host: true}}, p.Funcs...)
		init = &p.Funcs[0]
	}
	init.Ops = append(init.Ops, h.ops...)
	init.Sets = append(init.Sets, h.sets...)
	return nil
}

type hoister struct {
	p     *ir.Program
	bound map[string]bool
	byKey map[string]string // expression to array name
	ops   []ir.Op
	sets  []ir.Set
}

// boundScalars returns the host scalars whose value some run overrides, and what depends on them.
func boundScalars(p *ir.Program) map[string]bool {
	bound := map[string]bool{}
	for _, r := range p.Schedule {
		for _, b := range r.Bind {
			bound[b.Name] = true
		}
	}
	for i := range p.Host {
		for j := range p.Host[i].Body.Nodes {
			if n := &p.Host[i].Body.Nodes[j]; n.Op == ir.Scalar && bound[n.Name] {
				bound[p.Host[i].Name] = true
			}
		}
	}
	return bound
}

func (h *hoister) body(op *ir.Op, pc *ir.Piece) ir.Body {
	src := &pc.Body
	n := len(src.Nodes)
	still := make([]bool, n)  // no leaf changes in time
	worth := make([]bool, n)  // holds a coordinate, or a function of an index
	depend := make([]bool, n) // holds a coordinate or an index
	over := make([]map[string]string, n)
	for i := range src.Nodes {
		nd := &src.Nodes[i]
		still[i] = nd.Op != ir.Read && nd.Op != ir.Deriv && nd.Op != ir.Shift && !(nd.Op == ir.Scalar && h.bound[nd.Name])
		worth[i] = nd.Op == ir.Coord
		depend[i] = nd.Op == ir.Coord || nd.Op == ir.Index
		over[i] = map[string]string{} // axis to index
		if depend[i] {
			over[i][axisOf(op, nd.Name)] = nd.Name
		}
		for _, a := range nd.Args {
			still[i] = still[i] && still[a]
			worth[i] = worth[i] || worth[a]
			depend[i] = depend[i] || depend[a]
			for ax, x := range over[a] {
				// Two indices over one axis would need it twice: each goes into an array of its own.
				still[i] = still[i] && (over[i][ax] == "" || over[i][ax] == x)
				over[i][ax] = x
			}
		}
		worth[i] = worth[i] || depend[i] && transcendental(nd.Op)
	}
	b := newBuilder()
	c := b.copier(src)
	product := op.Kind == ir.Reduce && op.FMA
	c.instead = func(i int, _ *ir.Node) int {
		if !still[i] || !worth[i] || product && slices.Contains(src.Results, i) { // a product must stay one
			return -1
		}
		return h.data(b, src, i, op)
	}
	return b.done(c.results()...)
}

func transcendental(c ir.Code) bool { return c == ir.Pow || c >= ir.Exp && c <= ir.Tanh }

// data makes a read of the constant array that holds source node i.
func (h *hoister) data(b *builder, src *ir.Body, i int, op *ir.Op) int {
	elem := src.Nodes[i].Elem
	at := map[string]string{} // axis to index
	hb := newBuilder()
	c := hb.copier(src)
	narrow := func(i int) bool { return src.Nodes[i].Elem == ir.F16 || src.Nodes[i].Elem == ir.F32 }
	c.instead = func(i int, n *ir.Node) int {
		if n.Op == ir.Coord || n.Op == ir.Index {
			ax := axisOf(op, n.Name)
			at[ax] = n.Name
			n.Name = ax
		}
		if n.Op == ir.Bitcast { // bits are those of the written type
			n.Args = []int{h.cvt(hb, c.node(n.Args[0]), src.Nodes[n.Args[0]].Elem)}
			x := hb.add(*n)
			if narrow(i) {
				x = h.cvt(hb, x, ir.F64)
			}
			return x
		}
		if narrow(i) {
			n.Elem = ir.F64
		}
		return -1
	}
	c.made = func(_ int, n ir.Node) int {
		if n.Op == ir.Cvt && hb.elem(n.Args[0]) == n.Elem {
			return n.Args[0]
		}
		return hb.add(n)
	}
	body := hb.done(h.cvt(hb, c.node(i), elem))
	key := bodyKey(&body)
	name, ok := h.byKey[key]
	var names []string
	if ok {
		names = h.p.Array(name).Axes
	} else { // in the order of the operation, so that it is read along its rows
		for _, r := range slices.Concat(op.Dom, op.Over) {
			if at[r.Axis] != "" && !slices.Contains(names, r.Axis) {
				names = append(names, r.Axis)
			}
		}
	}
	if !ok {
		name = h.fresh()
		h.byKey[key] = name
		h.p.Arrays = append(h.p.Arrays, ir.Array{Name: name, Axes: names, Elem: elem, Const: true})
		o := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name + ".0", Elem: elem}}, Pos: op.Pos}
		var box []ir.Interval
		for _, a := range names {
			o.Dom = append(o.Dom, ir.Range{Index: a, Axis: a, Lo: 0, Hi: h.p.Axis(a).N})
			box = append(box, ir.Interval{Lo: 0, Hi: h.p.Axis(a).N})
		}
		o.Pieces = []ir.Piece{{Box: box, Body: body}}
		h.ops = append(h.ops, o)
		h.sets = append(h.sets, ir.Set{Array: name, Value: "%" + name + ".0", Pos: op.Pos})
	}
	read := ir.Node{Op: ir.Read, Elem: elem, Name: "@" + name}
	for _, a := range names {
		read.At = append(read.At, ir.Affine{Index: at[a]})
	}
	return b.add(read)
}

func (h *hoister) cvt(b *builder, x int, e ir.Elem) int {
	if b.elem(x) == e {
		return x
	}
	return b.op(ir.Cvt, e, x)
}

func (h *hoister) fresh() string {
	for k := len(h.byKey); ; k++ {
		if n := "data." + strconv.Itoa(k); h.p.Array(n) == nil {
			return n
		}
	}
}
