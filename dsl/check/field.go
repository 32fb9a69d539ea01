package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

var elemTypes = map[string]ir.Elem{"f16": ir.F16, "f32": ir.F32, "f64": ir.F64, "i32": ir.I32}

// maxElements bounds the size of one field; no machine holds more, and index arithmetic stays far from overflow.
const maxElements = 1 << 31

// field declares a field: its place, type and unit. Its initial value is checked when all fields are known.
func (c *checker) field(it *syntax.FieldItem, kind string) {
	f := &Field{Name: it.Name.Name, Elem: c.opts.Float, Scale: 1, At: it.Name.At}
	f.Unit = c.annotated(it.Ann, it.Name, &f.Scale)
	ok := true
	if it.Ann != nil && it.Ann.Type != nil {
		if f.Elem, ok = elemTypes[it.Ann.Type.Name]; !ok {
			c.errs.Errorf("WF0213", it.Ann.Type.At, "fields of type %s are not part of this version", it.Ann.Type.Name).
				Suggest("use f32 (default), f64 (interpreter and CPU), f16 or i32")
		}
	}
	switch {
	case it.On != nil && it.Dims != nil:
		c.errs.Errorf("WF0240", it.At, "%s has both a grid and dims", f.Name).Suggest("write `field %s on %s`, or `field %s[..]`", f.Name, it.On.Grid.Name, f.Name)
		ok = false
	case it.On != nil:
		ok = c.place(f, it.On) && ok
	default:
		ok = c.dims(f, it) && ok
	}
	if kind != "" && ok {
		c.maskKind(f, it, kind)
	}
	size := 1.0
	for _, a := range f.Axes {
		if !a.guess {
			size *= float64(a.N)
		}
	}
	if size > maxElements {
		c.errs.Errorf("WF0231", it.Name.At, "%s would have %s elements; the limit is 2^31", f.Name, trimFloat(size)).Suggest("use a coarser grid")
		ok = false
	}
	sym := &symbol{what: "field"}
	if ok {
		sym.field = f
	}
	if c.define(it.Name, sym) && ok {
		c.prog.Fields = append(c.prog.Fields, f)
		c.fields[f] = it
	}
}

func (c *checker) place(f *Field, p *syntax.Place) bool {
	s := c.names[p.Grid.Name]
	switch {
	case s == nil:
		c.unknown(p.Grid, "grid", c.nameList(func(s *symbol) bool { return s.grid != nil }))
		return false
	case s.grid == nil:
		if s.what != "grid" && s.what != "name" {
			c.errs.Errorf("WF0203", p.Grid.At, "%s is a %s, not a grid", p.Grid.Name, s.what).With(s.at, "declared here").Suggest("declare `grid %s2 { x: 0 .. 1 in 64 }`", p.Grid.Name)
		}
		return false
	}
	f.Grid, f.Axes = s.grid, c.part(s.grid, p.Part)
	return f.Axes != nil
}

func (c *checker) dims(f *Field, it *syntax.FieldItem) bool {
	ok := true
	for _, id := range it.Dims {
		s := c.names[id.Name]
		var a *Axis
		switch {
		case s != nil && s.axis != nil:
			a = s.axis
		case s == nil:
			a = c.soleAxis(id.Name)
		}
		if a == nil {
			ok = false
			switch {
			case s == nil:
				c.unknown(id, "dim", c.indexNames(&scope{}))
			case s.what != "dim" && s.what != "index" && s.what != "name":
				c.errs.Errorf("WF0203", id.At, "%s is a %s, not a dim", id.Name, s.what).With(s.at, "declared here").Suggest("declare `dim i = %s` and write %s[i]", id.Name, f.Name)
			}
			continue
		}
		for k, b := range f.Axes {
			if a == b {
				c.errs.Errorf("WF0241", id.At, "%s has the dim %s twice", f.Name, a.Name).With(it.Dims[k].At, "here").
					Suggest("declare a second dim of the same extent: `dim %s2 = #%s`", a.Name, a.Name)
				ok = false
			}
		}
		f.Axes = append(f.Axes, a)
	}
	return ok
}

// initials checks the initial values of a field statement.
func (c *checker) initials(s *syntax.Field) {
	for _, it := range s.Items {
		sym := c.names[it.Name.Name]
		if sym == nil || sym.field == nil || c.fields[sym.field] != it {
			continue
		}
		f := sym.field
		sc := &scope{what: "the initial value of " + f.Name, grid: f.Grid, on: f.Axes, init: true}
		if f.Grid == nil {
			sc.form = true
			for i, a := range f.Axes {
				sc.index = append(sc.index, IndexVar{it.Dims[i].Name, a})
			}
			f.index = append([]IndexVar{}, sc.index...)
		}
		if call, ok := imageCall(it.Init); ok {
			f.File = c.image(call, f)
		} else if call, ok := loadCall(it.Init); ok {
			f.File = c.load(call)
		} else if it.Init == nil {
			f.Init = number(0, f.Unit, it.At)
		} else if f.Mask || f.Cells {
			f.Init = c.maskValue(it.Init, f, sc)
		} else {
			f.Init = c.valueIn(it.Init, f.Unit, &f.Scale, f.At, f.Name, sc)
		}
		for _, r := range it.Regions {
			c.region(f, r, sc)
		}
		c.restrict(f, it, sc)
	}
}

func loadCall(e syntax.Expr) (*syntax.Call, bool) {
	if e == nil {
		return nil, false
	}
	call, ok := syntax.Unparen(e).(*syntax.Call)
	return call, ok && call.Func.Name == "load"
}

func (c *checker) load(e *syntax.Call) string {
	if len(e.Args) == 1 && e.Args[0].Name == nil {
		if s, ok := syntax.Unparen(e.Args[0].Value).(*syntax.String); ok && s.Value != "" {
			return s.Value
		}
	}
	c.errs.Errorf("WF0242", e.At, "load takes the name of a .npy file, as text").Suggest("write load(\"start.npy\")")
	return "?"
}

// region checks `region x in lo .. hi where cond: value`. A region holds the points with lo <= x < hi; the point at hi belongs to it
// when hi is the upper end of the axis. Points within a billionth of a spacing of a bound count as on it, so that rounding of
// coordinates moves no point.
func (c *checker) region(f *Field, r *syntax.Region, sc *scope) {
	var where *Node
	and := func(n *Node) {
		if where != nil {
			n = compute(ir.And, one(), n.At, where, n)
		}
		where = n
	}
	seen := map[*Axis]bool{}
	for _, rg := range r.Ranges {
		var v *IndexVar
		for i, a := range f.Axes {
			name := a.Name
			if f.Grid == nil && i < len(sc.index) {
				name = sc.index[i].Name
			}
			if name == rg.Axis.Name {
				v = &IndexVar{name, a}
			}
		}
		if v == nil {
			c.errs.Errorf("WF0243", rg.Axis.At, "%s is no axis of %s", rg.Axis.Name, f.Name).With(f.At, "its axes are %s", axisNames(f.Axes)).
				Suggest("use one of them")
			return
		}
		if seen[v.Axis] {
			c.errs.Errorf("WF0243", rg.Axis.At, "%s stands twice in this region", rg.Axis.Name).Suggest("write two regions")
			return
		}
		seen[v.Axis] = true
		a := v.Axis
		host := &scope{host: true, what: "a bound of a region"}
		scale := a.Scale
		lo := c.valueIn(rg.Lo, a.Unit, &scale, a.At, "the axis "+a.Name, host)
		hi := c.valueIn(rg.Hi, a.Unit, &scale, a.At, "the axis "+a.Name, host)
		l, ok1 := c.eval(lo)
		h, ok2 := c.eval(hi)
		if !ok1 || !ok2 {
			return
		}
		if !(l < h) {
			c.errs.Errorf("WF0243", rg.At, "this region is empty: %s is not below %s", trimFloat(l), trimFloat(h)).Suggest("write the lower bound first")
			return
		}
		at := c.position(*v, rg.At)
		slack := number(1e-9*a.H, a.Unit, rg.At)
		and(compute(ir.Le, one(), rg.At, compute(ir.Sub, a.Unit, rg.At, lo, slack), at))
		above := compute(ir.Lt, one(), rg.At, at, compute(ir.Sub, a.Unit, rg.At, hi, slack))
		if hi.Op == Num && h >= a.Hi-1e-9*a.H && a.Coords && !a.Periodic {
			continue
		} else if hi.Op != Num && a.Coords && !a.Periodic {
			end := number(a.Hi-1e-9*a.H, a.Unit, rg.At)
			above = compute(ir.Or, one(), rg.At, above, compute(ir.Le, one(), rg.At, end, hi))
		}
		and(above)
	}
	if r.Where != nil {
		cond := c.truth(r.Where, sc)
		if cond.invalid() {
			return
		}
		and(cond)
	}
	if where == nil {
		c.errs.Errorf("WF0243", r.At, "a region needs a range or a condition").Suggest("write `region x in 0 .. 1: value` or `region where x > 1: value`")
		return
	}
	var v *Node
	if f.Mask || f.Cells {
		v = c.maskValue(r.Value, f, sc)
	} else {
		v = c.valueIn(r.Value, f.Unit, &f.Scale, f.At, f.Name, sc)
	}
	if !v.invalid() {
		f.Regions = append(f.Regions, &Region{Where: where, Value: v})
	}
}

// initialRate is a top-level `dt(u) = v`: the initial rate of a field of second order in time.
func (c *checker) initialRate(e *syntax.Equation) {
	call, ok := syntax.Unparen(e.Left).(*syntax.Call)
	var f *Field
	if ok && call.Func.Name == "dt" && len(call.Args) == 1 {
		if r, ok := syntax.Unparen(call.Args[0].Value).(*syntax.Ref); ok && !r.Prime && r.Index == nil {
			s := c.names[r.Name.Name]
			if s == nil {
				c.unknown(r.Name, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
				return
			}
			f = s.field
			if f == nil && (s.what == "field" || s.what == "name") {
				return
			}
		}
	}
	switch {
	case f == nil:
		c.errs.Errorf("WF0304", e.At, "an equation stands inside `evolve`").
			Note("outside, `dt(u) = v` gives the initial rate of a field with an equation `dt(dt(u)) = ..`").
			Suggest("write `evolve t from 0 to 1 step auto { %s }`", e.At.Text())
	case f.Rate != nil:
		c.errs.Errorf("WF0301", e.At, "the initial rate of %s is given twice", f.Name).With(f.Rate.At, "first here").Suggest("keep one")
	case !f.Second:
		c.errs.Errorf("WF0314", e.At, "%s has no equation of second order, so it has no initial rate", f.Name).With(f.At, "declared here").
			Suggest("move the equation into `evolve`, or write `dt(dt(%s)) = ..` there", f.Name)
	default:
		sc := &scope{what: "the initial rate of " + f.Name, grid: f.Grid, on: f.Axes, init: true, form: f.Grid == nil}
		f.Rate = c.valueIn(e.Right, f.Unit.div(c.secondUnit[f]), nil, e.Left.Span(), "dt("+f.Name+")", sc)
	}
}

// InitIndex is the index variable of axis k in the field's initial value.
func (f *Field) InitIndex(k int) IndexVar {
	if f.index != nil {
		return f.index[k]
	}
	return IndexVar{f.Axes[k].Name, f.Axes[k]}
}
