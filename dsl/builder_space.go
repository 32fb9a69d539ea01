package dsl

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// GridBuilder adds the axes of a grid.
type GridBuilder struct {
	b *block
	g *syntax.Grid
}

// Grid declares a grid of one to three axes, centred on cells unless Nodes is
// called.
func (p Body) Grid(name string) *GridBuilder {
	g := &syntax.Grid{Name: p.b.name(name)}
	p.b.add(g, &g.Trivia)
	return &GridBuilder{p.b, g}
}

// Axis adds an axis from lo to hi with n cells, or n nodes.
func (g *GridBuilder) Axis(name string, lo, hi, n Value) *GridBuilder {
	a := &syntax.Axis{Name: g.b.name(name), Lo: g.b.take(lo), Hi: g.b.take(hi), Count: g.b.take(n)}
	g.g.Axes = append(g.g.Axes, a)
	return g
}

// Index adds an axis of n unknowns without coordinates: 0 .. n-1, unit spacing.
func (g *GridBuilder) Index(name string, n Value) *GridBuilder {
	g.g.Axes = append(g.g.Axes, &syntax.Axis{Name: g.b.name(name), Count: g.b.take(n)})
	return g
}

// Periodic makes the axis added last periodic.
func (g *GridBuilder) Periodic() *GridBuilder {
	if n := len(g.g.Axes); n > 0 {
		g.g.Axes[n-1].Periodic = true
	} else {
		g.b.fail(fmt.Errorf("grid %s: Periodic comes after the axis it speaks of", g.g.Name.Name))
	}
	return g
}

// Nodes puts the unknowns on nodes, end points included, along every axis.
func (g *GridBuilder) Nodes() *GridBuilder {
	g.g.Nodes = true
	return g
}

// Dim declares an index space of n entries; its name is also its index.
func (p Body) Dim(name string, n Value) Expr {
	s := &syntax.Dim{Items: []*syntax.DimItem{{Name: p.b.name(name), Value: p.b.take(n)}}}
	p.b.add(s, &s.Trivia)
	return Name(name)
}

// IndexIn declares further index names over a dim, or over an axis of a grid, written box.z.
func (p Body) IndexIn(space string, names ...string) {
	space, axis, part := strings.Cut(space, ".")
	s := &syntax.IndexDecl{Names: p.b.names(names), Space: p.b.name(space)}
	if part {
		s.Axis = p.b.name(axis)
	}
	p.b.add(s, &s.Trivia)
}

// FieldBuilder describes a field. It is also the field as a value.
type FieldBuilder struct {
	Expr
	b *block
	f *syntax.FieldItem
}

// Field declares a field; On or Over says where it lives.
func (p Body) Field(name string) *FieldBuilder {
	it := &syntax.FieldItem{Name: p.b.name(name)}
	s := &syntax.Field{Items: []*syntax.FieldItem{it}}
	p.b.add(s, &s.Trivia)
	return &FieldBuilder{Name(name), p.b, it}
}

// On puts the field on a grid ("box"), or on its faces or edges ("box.x").
func (f *FieldBuilder) On(place string) *FieldBuilder {
	grid, part, has := strings.Cut(place, ".")
	f.f.On = &syntax.Place{Grid: f.b.name(grid)}
	if has {
		f.f.On.Part = f.b.name(part)
	}
	return f
}

// Over makes the field an array over dims, with shape equal to their extents.
func (f *FieldBuilder) Over(dims ...string) *FieldBuilder {
	f.f.Dims = f.b.names(dims)
	return f
}

// Unit fixes the unit of the field; "1" makes it dimensionless.
func (f *FieldBuilder) Unit(unit string) *FieldBuilder {
	u, errs := syntax.ParseUnit("unit", unit)
	if u == nil {
		f.b.fail(fmt.Errorf("unit of field %s: %w", f.f.Name.Name, errs.Err()))
		return f
	}
	f.annotation().Unit = u
	return f
}

// Type fixes the element type: f32 (the default), f64, f16, bf16, i32, u32, u16,
// bool.
func (f *FieldBuilder) Type(name string) *FieldBuilder {
	f.annotation().Type = f.b.name(name)
	return f
}

func (f *FieldBuilder) annotation() *syntax.Annotation {
	if f.f.Ann == nil {
		f.f.Ann = &syntax.Annotation{}
	}
	return f.f.Ann
}

// Init sets the initial value, an expression of the coordinates.
func (f *FieldBuilder) Init(v Value) *FieldBuilder {
	f.f.Init = f.b.take(v)
	return f
}

// Region sets the initial value to v inside ranges of coordinates; later regions
// win. Make ranges with Between.
func (f *FieldBuilder) Region(v Value, ranges ...Range) *FieldBuilder {
	r := &syntax.Region{Value: f.b.take(v)}
	for _, rg := range ranges {
		r.Ranges = append(r.Ranges, &syntax.Range{Axis: f.b.name(rg.axis), Lo: f.b.take(rg.lo), Hi: f.b.take(rg.hi)})
	}
	if len(ranges) == 0 {
		f.b.fail(fmt.Errorf("field %s: a region needs a range", f.f.Name.Name))
		return f
	}
	f.f.Regions = append(f.f.Regions, r)
	return f
}

// RegionWhere sets the initial value to v where cond holds.
func (f *FieldBuilder) RegionWhere(cond, v Value) *FieldBuilder {
	f.f.Regions = append(f.f.Regions, &syntax.Region{Where: f.b.take(cond), Value: f.b.take(v)})
	return f
}

// Range is a range of one coordinate.
type Range struct {
	axis   string
	lo, hi Value
}

// Between returns `axis in lo .. hi`.
func Between(axis string, lo, hi Value) Range { return Range{axis, lo, hi} }

// BCBuilder adds boundary conditions.
type BCBuilder struct {
	b  *block
	bc *syntax.BC
}

// BC begins the boundary conditions of one or several fields.
func (p Body) BC(fields ...Value) *BCBuilder {
	s := &syntax.BC{Fields: p.fieldNames("BC", fields)}
	p.b.add(s, &s.Trivia)
	return &BCBuilder{p.b, s}
}

// fieldNames demands plain names.
func (p Body) fieldNames(what string, fields []Value) []*syntax.Ident {
	var out []*syntax.Ident
	for _, v := range fields {
		e := p.b.take(v)
		if r, ok := e.(*syntax.Ref); ok && !r.Prime && r.Index == nil {
			out = append(out, r.Name)
			continue
		}
		p.b.fail(fmt.Errorf("%s takes fields, not %s", what, syntax.ExprString(e)))
	}
	if len(out) == 0 {
		p.b.fail(fmt.Errorf("%s needs a field", what))
	}
	return out
}

// Condition is what holds on a side: an equation, or a named condition.
type Condition struct {
	left, right Value
}

// Eq returns the condition left = right, as in Eq(T, Q(500, "K")) or
// Eq(Dn(T), Num(0)).
func Eq(left, right Value) Condition { return Condition{left, right} }

// Holds returns a named condition, as in Holds("noslip").
func Holds(name string) Condition { return Condition{left: Name(name)} }

// Side adds conditions on a side: "x.lo", "x.hi", "x" (both), "all" or "others";
// several sides are joined with commas.
func (c *BCBuilder) Side(sides string, conds ...Condition) *BCBuilder {
	e := &syntax.BCEntry{}
	for _, s := range strings.Split(sides, ",") {
		axis, end, has := strings.Cut(strings.TrimSpace(s), ".")
		side := &syntax.Side{Axis: c.b.name(axis)}
		if has {
			side.End = c.b.name(end)
		}
		e.Sides = append(e.Sides, side)
	}
	for _, cond := range conds {
		e.Conds = append(e.Conds, c.b.cond(cond))
	}
	if len(conds) == 0 {
		c.b.fail(fmt.Errorf("side %s has no condition", sides))
		return c
	}
	c.bc.Entries = append(c.bc.Entries, e)
	return c
}

func (b *block) cond(c Condition) *syntax.Cond {
	out := &syntax.Cond{Left: b.take(c.left)}
	if c.right != nil {
		out.Right = b.take(c.right)
	}
	return out
}
