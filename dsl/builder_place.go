package dsl

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// Stretched spaces the axis added last unevenly: by Call("tanh", b) or Call("exp", b), or by the coordinate as an expression of the even
// one, which is called like the axis.
func (g *GridBuilder) Stretched(by Value) *GridBuilder {
	if n := len(g.g.Axes); n > 0 {
		g.g.Axes[n-1].Stretch = g.b.take(by)
	} else {
		g.b.fail(fmt.Errorf("grid %s: Stretched comes after the axis it speaks of", g.g.Name.Name))
	}
	return g
}

// Mask declares a mask; Init takes a condition, or Call("image", Text("body.png")).
func (p Body) Mask(name string) *FieldBuilder { return p.kind("mask", name) }

// Cells declares cell types: fluid, wall, inlet, outlet and dead.
func (p Body) Cells(name string) *FieldBuilder { return p.kind("cells", name) }

func (p Body) kind(kind, name string) *FieldBuilder {
	it := &syntax.FieldItem{Name: p.b.name(name)}
	s := &syntax.Field{Kind: kind, Items: []*syntax.FieldItem{it}}
	p.b.add(s, &s.Trivia)
	return &FieldBuilder{Name(name), p.b, it}
}

// Where restricts the field to a region of its grid; elsewhere it is 0.
func (f *FieldBuilder) Where(cond Value) *FieldBuilder {
	f.f.Part = f.b.take(cond)
	return f
}

// SideWhere adds conditions on the part of sides where cond holds.
func (c *BCBuilder) SideWhere(sides string, cond Value, conds ...Condition) *BCBuilder {
	n := len(c.bc.Entries)
	c.Side(sides, conds...)
	if len(c.bc.Entries) > n {
		c.bc.Entries[n].Where = c.b.take(cond)
	}
	return c
}

// Place names centres ("box"), faces ("box.x") or edges ("box.xy") as an argument, as in Call("at", T, Place("box.x")).
func Place(name string) Expr {
	grid, part, has := strings.Cut(name, ".")
	r := &syntax.Ref{Name: &syntax.Ident{Name: grid}}
	err := checkName(grid)
	if has {
		r.Part = &syntax.Ident{Name: part}
		if err == nil {
			err = checkName(part)
		}
	}
	return Expr{r, err}
}
