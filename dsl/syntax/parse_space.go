package syntax

import "github.com/wfc-lang/wfc/internal/diag"

// grid reads `grid NAME [nodes] { axes }`.
func (p *parser) grid(start int) Stmt {
	p.next()
	p.form = "a grid is written `grid g { x: 0 .. 1 in 64; y: 0 .. 1 in 64 periodic }`"
	g := &Grid{Name: p.declare(p.ident("a name after `grid`"))}
	if p.acceptWord("nodes") {
		g.Nodes = true
	}
	g.Layout = p.braces("the grid", p.axis, func(s Stmt) {
		if a, ok := s.(*Axis); ok {
			g.Axes = append(g.Axes, a)
		}
	})
	g.Loc = p.from(start)
	return g
}

// axis reads `x: lo .. hi in n [nodes] [periodic]` or `x: n [periodic]`.
func (p *parser) axis() Stmt {
	start := p.start()
	p.form = "an axis is written `x: lo .. hi in n`, or `x: n`, then perhaps `nodes` and `periodic`; axes are separated by `;` or new lines"
	a := &Axis{Name: p.ident("the name of an axis, as in `x: 0 .. 1 in 64`")}
	p.expect(":", "`:` after the axis `"+a.Name.Name+"`")
	a.Count = p.expr()
	if p.acceptOp("..") {
		a.Lo = a.Count
		a.Hi = p.expr()
		p.expectWord("in", "`in` and the number of cells along `"+a.Name.Name+"`")
		a.Count = p.expr()
	}
	for {
		t := p.peek()
		var flag *bool
		switch {
		case p.isWord("stretched"):
			if a.Stretch != nil {
				p.duplicate(t.Value, p.at(t))
			}
			p.next()
			a.Stretch = p.expr()
			continue
		case p.isWord("nodes"):
			flag = &a.Nodes
		case p.isWord("periodic"):
			flag = &a.Periodic
		default:
			a.Loc = p.from(start)
			return a
		}
		if *flag {
			p.duplicate(t.Value, p.at(t))
		}
		*flag = true
		p.next()
	}
}

// duplicate reports a clause that stands twice.
func (p *parser) duplicate(clause string, at diag.Span) {
	p.fail(diag.New("WF0114", at, "`%s` stands twice", clause).Suggest("keep one of them"))
}

// field reads `field T: K on g = init { regions }, ...`.
func (p *parser) field(start int) Stmt {
	f := &Field{}
	if word := p.peek().Value; word != "field" {
		f.Kind = word
	}
	p.next()
	p.form = "a field is written `field T on grid = value`, `field T: K on grid = value` or `field A[i, j] = value`"
	for {
		f.Items = append(f.Items, p.fieldItem())
		if !p.comma() {
			break
		}
	}
	f.Loc = p.from(start)
	return f
}

func (p *parser) fieldItem() *FieldItem {
	start := p.start()
	it := &FieldItem{Name: p.declare(p.ident("a name after `field`"))}
	if p.isOp("[") {
		it.Dims = p.indexNames()
	}
	it.Ann = p.annotation()
	if p.acceptWord("on") {
		it.On = p.place()
		if it.Ann == nil { // also accepted here; printed before `on`
			it.Ann = p.annotation()
		}
		if p.acceptWord("where") {
			it.Part = p.expr()
		}
	}
	if p.acceptOp("=") {
		p.skipNewlines()
		it.Init = p.expr()
	}
	if p.isOp("{") {
		it.Layout = p.braces("the regions of `"+it.Name.Name+"`", p.region, func(s Stmt) {
			if r, ok := s.(*Region); ok {
				it.Regions = append(it.Regions, r)
			}
		})
	}
	it.Loc = p.from(start)
	return it
}

// place reads `g` or `g.x`.
func (p *parser) place() *Place {
	start := p.start()
	pl := &Place{Grid: p.ident("the name of a grid after `on`")}
	if p.acceptOp(".") {
		pl.Part = p.ident("an axis (faces) or two (edges), as in `" + pl.Grid.Name + ".x`")
	}
	pl.Loc = p.from(start)
	return pl
}

// region reads `region x in lo .. hi, ... [where cond]: value`.
func (p *parser) region() Stmt {
	start := p.start()
	p.form = "a region is written `region x in 0 .. 0.5, y in 0 .. 1: value` or `region where condition: value`"
	p.expectWord("region", "`region`, as in `region x in 0 .. 0.5: 1`")
	r := &Region{}
	for !p.isWord("where") {
		at := p.start()
		rg := &Range{Axis: p.ident("an axis or `where` after `region`")}
		p.expectWord("in", "`in` and a range")
		rg.Lo = p.expr()
		p.expect("..", "`..` and the end of the range")
		rg.Hi = p.expr()
		rg.Loc = p.from(at)
		r.Ranges = append(r.Ranges, rg)
		if !p.comma() {
			break
		}
	}
	if p.acceptWord("where") {
		r.Where = p.expr()
	}
	p.expect(":", "`:` and the value in the region")
	p.skipNewlines()
	r.Value = p.expr()
	r.Loc = p.from(start)
	return r
}

// bc reads `bc T { entries }` or `bc (u, v) { entries }`.
func (p *parser) bc(start int) Stmt {
	p.next()
	b := &BC{}
	p.form = "boundary conditions are written `bc T { x.lo: T = 1; others: dn(T) = 0 }`"
	if p.isOp("(") {
		opened := p.open("(", "`(`")
		b.Fields = p.idents("the name of a field")
		p.close(")", opened)
	} else {
		b.Fields = p.idents("the name of a field after `bc`")
	}
	b.Layout = p.braces("the boundary conditions", p.bcEntry, func(s Stmt) {
		if e, ok := s.(*BCEntry); ok {
			b.Entries = append(b.Entries, e)
		}
	})
	b.Loc = p.from(start)
	return b
}

// bcEntry reads `x.lo, y: T = 1, dn(U) = 0`.
func (p *parser) bcEntry() Stmt {
	start := p.start()
	e := &BCEntry{}
	p.form = "a condition is written `x.lo: T = 1` or `x, y.hi: dn(T) = 0, dn(U) = 0`"
	for {
		at := p.start()
		s := &Side{Axis: p.ident("a side: `x.lo`, `x.hi`, `x`, `all` or `others`")}
		if p.acceptOp(".") {
			s.End = p.ident("`lo` or `hi`")
		}
		s.Loc = p.from(at)
		e.Sides = append(e.Sides, s)
		if !p.comma() {
			break
		}
	}
	if p.acceptWord("where") {
		e.Where = p.expr()
	}
	p.expect(":", "`:` and the condition on this side")
	p.skipNewlines()
	for {
		e.Conds = append(e.Conds, p.cond())
		if !p.comma() {
			break
		}
	}
	e.Loc = p.from(start)
	return e
}

// cond reads `left = right` or a named condition.
func (p *parser) cond() *Cond {
	start := p.start()
	c := &Cond{Left: p.expr()}
	if p.acceptOp("=") {
		p.skipNewlines()
		c.Right = p.expr()
	}
	c.Loc = p.from(start)
	return c
}
