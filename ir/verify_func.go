package ir

// value is what a function's text can read: a tensor over a box.
type value struct {
	elem Elem
	dom  []Range
}

func (v *verifier) function(fn *Func) {
	values := map[string]*value{}
	for i := range fn.Ops {
		op := &fn.Ops[i]
		v.in("func %s", fn.Name)
		v.at.Op, v.at.What = i, op.Kind.name()
		if len(op.Results) > 0 {
			v.at.What += " %" + op.Results[0].Name
		}
		v.op(op, values, fn.Host)
		for _, r := range op.Results {
			if r.Name == "" || values[r.Name] != nil {
				v.fail(7, "%%%s is assigned twice or has no name", r.Name)
			}
			values[r.Name] = &value{r.Elem, op.Dom}
		}
	}
	seen := map[string]bool{}
	for _, s := range fn.Sets {
		v.in("func %s, set @%s", fn.Name, s.Array)
		a := v.arrays[s.Array]
		if a == nil || seen[s.Array] {
			v.fail(16, "not an array, or set twice")
			continue
		}
		seen[s.Array] = true
		if a.Const && !fn.Host {
			v.fail(17, "the array is const")
		}
		src := v.operand(s.Value, values)
		if src == nil {
			v.fail(8, "%s is not defined", s.Value)
			continue
		}
		if src.elem != a.Elem || len(src.dom) != len(a.Axes) {
			v.fail(16, "%s is %s of rank %d, the array %s of rank %d", s.Value, src.elem, len(src.dom), a.Elem, len(a.Axes))
			continue
		}
		for d, r := range src.dom {
			if r.Axis != a.Axes[d] || r.Lo != 0 || r.Hi != v.axes[a.Axes[d]].N {
				v.fail(16, "%s covers %d..%d of axis %s, the array all of axis %s", s.Value, r.Lo, r.Hi, r.Axis, a.Axes[d])
			}
		}
	}
}

// name is String for any value.
func (k OpKind) name() string {
	if k > Extend {
		return "unknown operation"
	}
	return k.String()
}

// operand finds "%value" or "@array", or returns nil.
func (v *verifier) operand(name string, values map[string]*value) *value {
	if name == "" {
		return nil
	}
	switch name[0] {
	case '%':
		return values[name[1:]]
	case '@':
		if a := v.arrays[name[1:]]; a != nil {
			x := &value{elem: a.Elem}
			for _, n := range a.Axes {
				x.dom = append(x.dom, Range{Index: n, Axis: n, Hi: v.axes[n].N})
			}
			return x
		}
	}
	return nil
}

func (v *verifier) op(op *Op, values map[string]*value, host bool) {
	if op.Kind > Extend {
		v.fail(10, "unknown kind of operation")
		return
	}
	if len(op.Results) == 0 {
		v.fail(11, "no result")
		return
	}
	elems := make([]Elem, len(op.Results))
	for i, r := range op.Results {
		if elems[i] = r.Elem; !storable(r.Elem) {
			v.fail(11, "%%%s has element type %s", r.Name, r.Elem)
		}
	}
	scope := append([]Range(nil), op.Dom...)
	ok := v.ranges(op.Dom)
	hole := []Interval(nil)
	switch op.Kind {
	case Reduce:
		scope = append(scope, op.Over...)
		ok = v.ranges(op.Over) && ok
		v.reduce(op)
	case Extend:
		hole = v.extend(op, values)
		ok = ok && hole != nil
	}
	for i, r := range scope {
		for _, q := range scope[:i] {
			if q.Index == r.Index {
				v.fail(9, "index %s twice", r.Index)
				return
			}
		}
	}
	if !ok {
		return
	}
	v.partition(op.Pieces, scope, hole)
	at := v.at
	for i := range op.Pieces {
		p := &op.Pieces[i]
		v.at = at
		v.at.Piece = i
		if len(p.Box) != len(scope) {
			continue // reported by partition
		}
		boxed := append([]Range(nil), scope...)
		for d := range boxed {
			boxed[d].Lo, boxed[d].Hi = p.Box[d].Lo, p.Box[d].Hi
		}
		v.body(&p.Body, boxed, values, elems, host)
		if op.Kind == Reduce && op.FMA {
			for _, r := range p.Body.Results {
				if r >= 0 && r < len(p.Body.Nodes) && p.Body.Nodes[r].Op != Mul {
					v.fail(14, "the result is %s, not a mul", p.Body.Nodes[r].Op)
				}
			}
		}
	}
	v.at = at
}

func (v *verifier) ranges(rs []Range) bool {
	n := 1
	for _, r := range rs {
		if r.Index == "" || v.axes[r.Axis] == nil || r.Lo >= r.Hi || r.Lo < -maxPoints || r.Hi > 2*maxPoints {
			v.fail(9, "range %q over axis %q, %d..%d", r.Index, r.Axis, r.Lo, r.Hi)
			return false
		}
		if r.Hi-r.Lo > maxPoints || n*(r.Hi-r.Lo) > maxPoints {
			v.fail(9, "more than 2^31 points")
			return false
		}
		n *= r.Hi - r.Lo
	}
	return true
}

func (v *verifier) reduce(op *Op) {
	if len(op.Over) == 0 {
		v.fail(13, "nothing to reduce over")
	}
	if op.Comb > Min || op.Order.Kind > Pairs {
		v.fail(13, "unknown combiner or order")
		return
	}
	for _, r := range op.Results {
		if r.Elem == Bool && op.Comb != Max && op.Comb != Min {
			v.fail(13, "%s of bool", op.Comb)
		}
		if op.FMA && (op.Comb != Sum || !r.Elem.IsFloat()) {
			v.fail(14, "%s of %s", op.Comb, r.Elem)
		}
	}
	if op.Order.Kind == Pairs && (!op.FMA || len(op.Pieces) != 1 || op.Results[0].Elem != F32) {
		v.fail(15, "pairs are products of f32 in one piece")
	}
	if op.Order.Kind == Turned {
		if err := op.Order.Turn.Check(op); err != nil {
			v.fail(15, "%v", err)
		}
	}
	if op.Order.Kind != Mesh {
		return
	}
	seen := map[string]bool{}
	for _, c := range op.Order.Chain {
		in := false
		for _, r := range op.Over {
			in = in || r.Axis == c.Axis
		}
		if ax := v.axes[c.Axis]; ax == nil || !in || seen[c.Axis] || !c.Cut().Valid(ax.N) {
			v.fail(15, "chain over axis %q in %d parts", c.Axis, c.Parts)
		}
		if err := c.Check(); err != nil {
			v.fail(15, "tree over axis %q in %d parts: %v", c.Axis, c.Parts, err)
		}
		seen[c.Axis] = true
	}
}

// extend checks the operation's shape and returns its operand's box, or nil.
func (v *verifier) extend(op *Op, values map[string]*value) []Interval {
	src := v.operand(op.From, values)
	if src == nil {
		v.fail(8, "%s is not defined", op.From)
		return nil
	}
	if len(op.Results) != 1 || op.Results[0].Elem != src.elem || len(src.dom) != len(op.Dom) || len(src.dom) == 0 {
		v.fail(12, "%s is %s of rank %d", op.From, src.elem, len(src.dom))
		return nil
	}
	hole := make([]Interval, len(src.dom))
	for d, r := range src.dom {
		q := op.Dom[d]
		if q.Axis != r.Axis || q.Lo > r.Lo || q.Hi < r.Hi {
			v.fail(12, "dimension %d: %d..%d of axis %s around %d..%d of axis %s", d, q.Lo, q.Hi, q.Axis, r.Lo, r.Hi, r.Axis)
			return nil
		}
		hole[d] = Interval{r.Lo, r.Hi}
	}
	return hole
}

// partition checks that the pieces, and the hole if there is one, fill the domain without overlap.
func (v *verifier) partition(ps []Piece, dom []Range, hole []Interval) {
	if len(ps) > maxPieces {
		v.fail(10, "%d pieces", len(ps))
		return
	}
	volume := func(box []Interval) int {
		n := 1
		for _, b := range box {
			n *= b.Hi - b.Lo
		}
		return n
	}
	var boxes [][]Interval
	if hole != nil {
		boxes = append(boxes, hole)
	}
	want := 1
	for _, r := range dom {
		want *= r.Hi - r.Lo // at most 2^62: Dom and Over are bounded
	}
	have := 0
	for i := range ps {
		box := ps[i].Box
		if len(box) != len(dom) {
			v.fail(10, "piece %d has %d dimensions, the domain %d", i, len(box), len(dom))
			return
		}
		for d, b := range box {
			if b.Lo < dom[d].Lo || b.Hi > dom[d].Hi || b.Lo >= b.Hi {
				v.fail(10, "piece %d: %d..%d of %s, which runs %d..%d", i, b.Lo, b.Hi, dom[d].Index, dom[d].Lo, dom[d].Hi)
				return
			}
		}
		for j, q := range boxes {
			if overlap(box, q) {
				v.fail(10, "piece %d overlaps %s", i, word(hole != nil && j == 0, "the operand", "an earlier one"))
				return
			}
		}
		boxes = append(boxes, box)
	}
	for _, b := range boxes {
		have += volume(b)
	}
	if have != want {
		v.fail(10, "the pieces cover %d of %d points", have, want)
	}
}

func overlap(a, b []Interval) bool {
	for d := range a {
		if a[d].Hi <= b[d].Lo || b[d].Hi <= a[d].Lo {
			return false
		}
	}
	return true
}
