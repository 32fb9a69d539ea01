package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// function is a device function being lowered.
type function struct {
	f      *ir.Func
	ops    []*op
	vals   map[string]*value // "%name" and "@name"
	order  []*value          // arrays in order of first use, then SSA values in order of definition
	copies []move            // assignments that need a move, see direct.go
}

// value is an array as of the entry of one function, or an SSA value.
type value struct {
	name   string // as the IR spells it, "%n" or "@T"
	elem   ir.Elem
	axes   []string
	box    []ir.Interval
	dims   []mesh.Dim // per dimension
	on     [3]int     // by mesh.Dim: the dimension that lies there, or -1
	home   [3]bool    // lacks the mesh dimension and is held by part 0 only
	want   [3]bool    // lacks the mesh dimension and is needed in every part of it
	flood  [3]bool    // must be copied from part 0 to the other parts
	def    *op        // nil: an array
	shares *value     // an extend that lives in its operand's storage
	need   need
	st     *store
	first  int // position of the defining op, -1 for arrays
	last   int // position of the last reader; len(ops) when assigned to an array
}

// root is the value whose storage v lives in.
func (v *value) root() *value {
	for v.shares != nil {
		v = v.shares
	}
	return v
}

// op is an operation with resolved domains and accesses.
type op struct {
	*ir.Op
	at     int        // position in the function
	iter   []ir.Range // Dom, then Over
	dims   []mesh.Dim // per iteration dimension
	on     [3]int     // by mesh.Dim: the iteration dimension that lies there, or -1
	res    []*value
	from   *value // extend
	pieces []piece
	eval   need  // union of what is needed of the results
	ghosts bool  // has points beyond the ends of a mesh axis
	panels bool  // a product that some factor comes to panel by panel, see product.go
	turned bool  // by Cannon's algorithm, see cannon.go
	with   []*op // reductions that are made together with it, itself first
	done   bool  // made together with an earlier one
	moves  bool  // a copy between a side of the mesh and memory, see move.go
}

type piece struct {
	*ir.Piece
	acc map[int]*access // by node: reads
}

// access is a read with one affine form per dimension of the operand: floor((i*mul + off)/div).
type access struct {
	v        *value
	dim      []int // iteration dimension, or -1 for a constant
	off      []int
	mul, div []int // 1 unless the axes have different resolution
	panel    int   // the dimension of the operand that comes in panels, -1 for none
}

// at is the position read along dimension e of the operand when its index is i.
func (a *access) at(e, i int) int { return floorDiv(i*a.mul[e]+a.off[e], a.div[e]) }

// span is what is read along dimension e while the index runs over iv.
func (a *access) span(e int, iv ir.Interval) ir.Interval {
	if iv.Lo >= iv.Hi {
		return ir.Interval{}
	}
	return ir.Interval{Lo: a.at(e, iv.Lo), Hi: a.at(e, iv.Hi-1) + 1}
}

// shifts reports whether an index reads beside the point, or block of points, that lies over it.
func (a *access) shifts(e int) bool {
	if a.div[e] > 1 {
		return a.off[e] != 0
	}
	return a.off[e] < 0 || a.off[e] >= a.mul[e]
}

func (l *lowering) newValue(name string, e ir.Elem, rs []ir.Range) *value {
	v := &value{name: name, elem: e, on: [3]int{-1, -1, -1}, first: -1, last: -1}
	for i, r := range rs {
		d := l.dim(r.Axis)
		v.axes = append(v.axes, r.Axis)
		v.box = append(v.box, ir.Interval{Lo: r.Lo, Hi: r.Hi})
		v.dims = append(v.dims, d)
		if d != mesh.Mem {
			v.on[d] = i
		}
	}
	return v
}

// values resolves names, axes and accesses of every device function.
func (l *lowering) values() {
	for i := range l.p.Funcs {
		f := &l.p.Funcs[i]
		if f.Host {
			continue
		}
		g := l.schedule(f)
		together := g != f
		f = g
		if l.o.Overlay {
			if f = apart(f); !together {
				f = l.again(l.thrift(f))
			}
		}
		fn := &function{f: f, vals: map[string]*value{}}
		for j := range f.Ops {
			fn.ops = append(fn.ops, l.resolve(fn, &f.Ops[j], j))
			if l.diags.HasErrors() {
				return
			}
		}
		for _, s := range f.Sets {
			if v := l.lookup(fn, s.Value, s.Pos); v != nil {
				v.last = len(f.Ops)
				l.checkSet(s, v)
			}
		}
		l.funcs = append(l.funcs, fn)
	}
}

func (l *lowering) checkSet(s ir.Set, v *value) {
	a := l.p.Array(s.Array)
	if a == nil {
		l.errorf("WF0406", s.Pos, "assignment to unknown array %q", s.Array)
		return
	}
	ok := len(a.Axes) == len(v.axes) && a.Elem == v.elem
	for i := range v.axes {
		ok = ok && a.Axes[i] == v.axes[i] && v.box[i] == (ir.Interval{Hi: l.p.Axis(a.Axes[i]).N})
	}
	if !ok {
		l.errorf("WF0406", s.Pos, "%s does not have the shape and type of array %s", v.name, s.Array)
	}
}

// lookup finds a value; arrays come into being at their first use.
func (l *lowering) lookup(fn *function, name string, at ir.Pos) *value {
	if v := fn.vals[name]; v != nil {
		return v
	}
	if len(name) > 1 && name[0] == '@' {
		if a := l.p.Array(name[1:]); a != nil {
			var rs []ir.Range
			for _, ax := range a.Axes {
				rs = append(rs, ir.Range{Axis: ax, Hi: l.p.Axis(ax).N})
			}
			v := l.newValue(name, a.Elem, rs)
			fn.vals[name] = v
			fn.order = append(fn.order, v)
			return v
		}
	}
	l.errorf("WF0406", at, "unknown value %q in function %s", name, fn.f.Name)
	return nil
}

func (l *lowering) resolve(fn *function, o *ir.Op, at int) *op {
	r := &op{Op: o, at: at, on: [3]int{-1, -1, -1}}
	r.iter = append(append(r.iter, o.Dom...), o.Over...)
	for i, x := range r.iter {
		d := l.dim(x.Axis)
		r.dims = append(r.dims, d)
		if n := l.p.Axis(x.Axis).N; x.Lo < -maxGhosts || x.Hi > n+maxGhosts {
			l.errorf("WF0404", o.Pos, "index %s runs more than %d points beyond axis %s", x.Index, maxGhosts, x.Axis).
				Suggest("use a shorter ghost range")
		}
		if d == mesh.Mem {
			continue
		}
		if r.on[d] >= 0 {
			l.errorf("WF0403", o.Pos, "indices %s and %s of one operation both run along mesh axis %s", r.iter[r.on[d]].Index, x.Index, d).
				Note("each PE holds one block of axis %s, so it meets only equal or neighbouring values of the two indices", x.Axis).
				Suggest("put one of the two axes in memory by declaring it after the others")
			return r
		}
		r.on[d] = i
		lay := place.Find(l.ls, x.Axis)
		r.ghosts = r.ghosts || x.Lo < 0 || x.Hi > lay.N
		if r.ghosts && o.Kind == ir.Reduce {
			l.errorf("WF0404", o.Pos, "a reduction runs over ghost points of mesh axis %s", x.Axis).
				Suggest("reduce over the points of the grid only")
		}
	}
	if o.Kind == ir.Extend {
		if r.from = l.lookup(fn, o.From, o.Pos); r.from != nil {
			r.from.last = at
		}
	}
	if o.Kind == ir.Reduce {
		for _, x := range o.Over {
			if x.Lo >= x.Hi {
				l.errorf("WF0404", o.Pos, "nothing to reduce: index %s runs from %d to %d", x.Index, x.Lo, x.Hi-1)
			}
		}
	}
	for i := range o.Pieces {
		r.pieces = append(r.pieces, l.resolvePiece(fn, r, &o.Pieces[i]))
	}
	l.checkOrder(o)
	for _, x := range o.Results {
		l.checkElem(x.Elem, o.Pos, "value %"+x.Name)
		v := l.newValue("%"+x.Name, x.Elem, o.Dom)
		v.def, v.first = r, at
		fn.vals[v.name] = v
		fn.order = append(fn.order, v)
		r.res = append(r.res, v)
	}
	return r
}

func (l *lowering) resolvePiece(fn *function, o *op, p *ir.Piece) piece {
	out := piece{Piece: p, acc: map[int]*access{}}
	for i := range p.Body.Nodes {
		n := &p.Body.Nodes[i]
		l.checkElem(n.Elem, o.Pos, n.Op.String())
		switch n.Op {
		case ir.Read:
			if v := l.lookup(fn, n.Name, o.Pos); v != nil {
				v.last = max(v.last, o.at)
				out.acc[i] = l.access(o, p, n, v)
			}
		case ir.Index:
			if o.index(n.Name) < 0 {
				l.errorf("WF0406", o.Pos, "unknown index %q", n.Name)
			}
		case ir.Coord, ir.Deriv, ir.Param_, ir.Pow, ir.Exp, ir.Log, ir.Sin, ir.Cos, ir.Tanh, ir.BadCode:
			l.errorf("WF0406", o.Pos, "%s is left in a device function: the program is not canonical", n.Op)
		}
	}
	if o.FMA {
		for _, r := range p.Body.Results {
			if p.Body.Nodes[r].Op != ir.Mul {
				l.errorf("WF0404", o.Pos, "a contraction by fma needs a product in every piece")
			}
		}
	}
	return out
}

// index returns the iteration dimension of an index name, or -1.
func (o *op) index(name string) int {
	for i := range o.iter {
		if o.iter[i].Index == name {
			return i
		}
	}
	return -1
}

// access resolves a read. A constant position on a mesh axis is an offset where the piece is one point thick.
func (l *lowering) access(o *op, p *ir.Piece, n *ir.Node, v *value) *access {
	a := &access{v: v, panel: -1}
	if len(n.At) != len(v.axes) {
		l.errorf("WF0406", o.Pos, "%s has %d dimensions and is read with %d", v.name, len(v.axes), len(n.At))
		return a
	}
	for i, f := range n.At {
		d := -1
		if f.Index != "" {
			if d = o.index(f.Index); d < 0 {
				l.errorf("WF0406", o.Pos, "unknown index %q", f.Index)
			}
		}
		if v.dims[i] != mesh.Mem {
			x := o.on[v.dims[i]]
			switch {
			case d >= len(o.Dom) && o.dims[d] == mesh.Mem && x >= 0 && l.sameAxis(o.iter[d].Axis, v.axes[i]) && place.IsProduct(l.p, o.Op):
				a.panel, o.panels = i, true
			case d >= 0 && o.dims[d] == mesh.Mem && l.moves(o, n, i, d, v):
				a.panel, o.moves = i, true
			case d < 0 && x >= 0 && p.Box[x].Hi-p.Box[x].Lo == 1:
				d, f.Off = x, f.Off-p.Box[x].Lo
			case d < 0:
				l.errorf("WF0403", o.Pos, "%s is read at the fixed position %d of axis %s, which is spread over the mesh", v.name, f.Off, v.axes[i]).
					Note("one PE would have to send its points to all others").
					Suggest("declare axis %s after the others so that it lies in memory", v.axes[i])
			case d >= 0 && d == x && !l.aligned(o.iter[d].Axis, v.axes[i], f):
				l.errorf("WF0403", o.Pos, "%s is read along mesh axis %s by index %s, whose axis %s does not lie over it", v.name, v.axes[i], f.Index, o.iter[d].Axis).
					Note("the points would change places between PEs").
					Suggest("declare axis %s after the others so that it lies in memory", v.axes[i])
			case d != x:
				l.errorf("WF0403", o.Pos, "%s is read along mesh axis %s by index %s, which runs elsewhere", v.name, v.axes[i], f.Index).
					Note("that would be a transposition: the points would change places between PEs").
					Suggest("declare axis %s after the others so that it lies in memory", v.axes[i])
			}
		} else if d >= 0 && o.dims[d] != mesh.Mem && l.moves(o, n, i, d, v) {
			o.moves = true
		} else if d >= 0 && o.dims[d] != mesh.Mem {
			l.errorf("WF0403", o.Pos, "%s keeps axis %s in memory, but index %s runs along the mesh", v.name, v.axes[i], f.Index).
				Note("every PE would read another place of its memory; addresses are the same in all PEs of a class").
				Suggest("use one axis for both")
		}
		l.checkOffset(o, v, i, f.Off)
		a.dim = append(a.dim, d)
		a.off = append(a.off, f.Off)
		mul, div := max(1, f.Mul), max(1, f.Div)
		if f.Index == "" {
			mul, div = 1, 1
		}
		a.mul, a.div = append(a.mul, mul), append(a.div, div)
	}
	return a
}

// aligned reports whether part k of axis operand holds what part k of axis index reads, but for a constant distance.
func (l *lowering) aligned(index, operand string, f ir.Affine) bool {
	x, y := place.Find(l.ls, index), place.Find(l.ls, operand)
	return max(1, x.Unit)*max(1, f.Mul) == max(1, y.Unit)*max(1, f.Div) && max(1, x.Unit)%max(1, f.Div) == 0 && units(x) == units(y)
}

// sameAxis reports whether two axes are placements of one axis.
func (l *lowering) sameAxis(a, b string) bool {
	return place.Find(l.ls, a).Origin() == place.Find(l.ls, b).Origin()
}

// units is in how many units an axis is cut.
func units(l *mesh.Layout) int { return (l.N - l.Extra) / max(1, l.Unit) }

// checkOffset refuses halos that pass through many PEs and wraps of many periods.
func (l *lowering) checkOffset(o *op, v *value, i, off int) {
	lay := place.Find(l.ls, v.axes[i])
	off = max(off, -off)
	if v.dims[i] != mesh.Mem && off > maxHops*lay.MinBlock() {
		l.errorf("WF0407", o.Pos, "%s is read %d points away along mesh axis %s, through %d PEs", v.name, off, v.axes[i], off/lay.MinBlock()).
			Note("every PE on the way stores and forwards the points, every step; at most %d are allowed", maxHops).
			Suggest("declare axis %s after the others so that it lies in memory", v.axes[i])
	}
	if v.dims[i] == mesh.Mem && lay.Periodic && off > maxHops*lay.N {
		l.errorf("WF0407", o.Pos, "%s is read %d points away along axis %s of %d points, around the ring many times", v.name, off, v.axes[i], lay.N).
			Suggest("use the offset modulo %d", lay.N)
	}
}

// operands calls f for every value o reads.
func (o *op) operands(f func(*value)) {
	if o.from != nil {
		f(o.from)
	}
	for i := range o.pieces {
		for n := range o.pieces[i].Body.Nodes {
			if a := o.pieces[i].acc[n]; a != nil {
				f(a.v)
			}
		}
	}
}
