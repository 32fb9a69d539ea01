package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// blocks checks the evolves, and the assignments at top level: those between two evolves form one block, run once.
func (c *checker) blocks(file *syntax.File) {
	var once *blockState
	k := 0
	for _, s := range file.Stmts {
		switch s := s.(type) {
		case *syntax.Assign:
			if once == nil {
				once = c.newBlock(&Block{Once: true, At: s.At})
				once.once = true
			}
			c.assign(s, once)
		case *syntax.Loop, *syntax.If, *syntax.Solve:
			if once == nil {
				once = c.newBlock(&Block{Once: true, At: s.Span(), Acc: 2})
				once.once = true
			}
			c.control(s, once)
		case *syntax.Evolve:
			once = nil
			b := c.evolves[k]
			k++
			c.evolve(s, c.newBlock(b))
		}
	}
	blocks := c.prog.Blocks[:0]
	for _, b := range c.prog.Blocks {
		if len(b.Stmts) > 0 {
			blocks = append(blocks, b)
		}
	}
	c.prog.Blocks = blocks
}

func (c *checker) newBlock(b *Block) *blockState {
	c.nblocks++
	c.prog.Blocks = append(c.prog.Blocks, b)
	return &blockState{block: b, assigned: map[*Field]*Assign{}, lets: map[string]*localLet{}, vars: map[string]*carried{}, id: c.nblocks}
}

// prepareEvolves makes the blocks of all evolves, so that boundary values know the time.
func (c *checker) prepareEvolves(file *syntax.File) {
	for _, s := range file.Stmts {
		if e, ok := s.(*syntax.Evolve); ok {
			b := &Block{Index: len(c.evolves), Count: e.Count, Var: e.Var.Name, Unit: one(), Acc: 2, At: e.Var.At}
			b.prepareStepping(e)
			if !e.Count {
				b.Unit = c.freshUnit(e.Var.Name, e.Var.At)
			}
			c.evolves = append(c.evolves, b)
		}
	}
}

func (c *checker) evolve(e *syntax.Evolve, bs *blockState) {
	b := bs.block
	before := c.errs.Len()
	defer func() { b.broken = c.errs.Len() > before }()
	if s := c.names[e.Var.Name]; s != nil {
		c.errs.Errorf("WF0202", e.Var.At, "the name %s is declared twice", e.Var.Name).With(s.at, "declared here as a %s", s.what).Suggest("rename the variable of `evolve`")
	} else if reserved[e.Var.Name] || c.isAxisName(e.Var.Name) {
		c.errs.Errorf("WF0207", e.Var.At, "`%s` has a meaning already and cannot be the variable of `evolve`", e.Var.Name).Suggest("use `t` or `n`")
	}
	host := &scope{host: true, what: "a bound of `evolve`"}
	scale := firstScale(c, e.From, e.To)
	b.From = c.valueIn(e.From, b.Unit, &scale, e.Var.At, e.Var.Name, host)
	if e.To != nil {
		b.To = c.valueIn(e.To, b.Unit, &scale, e.From.Span(), e.Var.Name, host)
	}
	if e.Order != nil {
		c.order(e.Order, b)
	}
	c.method(e, b)
	c.interval(e, b)
	c.step(e, b, scale)
	body := e.Body.Stmts
	if m, solver := implicitOf(e); m != nil && !b.Count {
		if b.Auto {
			c.errs.Errorf("WF0308", e.Step.At, "%s has no stability limit that `auto` could take the step from", m.name).
				Note("the step is chosen for accuracy").Suggest("give a step, as in `step 0.01%s`", unitSuffix(c, b.Unit))
			return
		}
		if body = c.implicitly(e, m, solver, bs); body == nil {
			return
		}
	}
	for _, s := range body {
		c.bodyStmt(s, bs)
	}
	c.staging(b)
	c.cflStep(e, bs)
	c.ending(e, bs)
	if len(b.Stmts) == 0 && len(e.Body.Stmts) == 0 {
		c.errs.Errorf("WF0313", e.At, "this `evolve` changes nothing").Suggest("write an equation, as in `dt(T) = alpha*lap(T)`")
	}
}

func (c *checker) order(e syntax.Expr, b *Block) {
	n := c.valueIn(e, one(), nil, e.Span(), "the order of accuracy", &scope{host: true, what: "the order of accuracy"})
	v, ok := c.frozen(n)
	if !ok {
		return
	}
	if v != math.Trunc(v) || v < 2 || v > 20 || math.Mod(v, 2) != 0 {
		c.errs.Errorf("WF0310", e.Span(), "the order of accuracy must be 2, 4, .. 20").Labelled("this is %s", trimFloat(v)).
			Note("differences are central, and their order is even").Suggest("write `order %d`", max(2, min(20, 2*int(math.Ceil(v/2)))))
		return
	}
	b.Acc = int(v)
}

func (c *checker) interval(e *syntax.Evolve, b *Block) {
	lo, ok1 := c.eval(b.From)
	hi, ok2 := c.eval(b.To)
	if !ok1 || !ok2 {
		return
	}
	at := e.From.Span().To(e.To.Span())
	if b.Count && (lo != math.Trunc(lo) || hi != math.Trunc(hi)) {
		c.errs.Errorf("WF0309", at, "steps are counted in whole numbers").Labelled("from %s to %s", trimFloat(lo), trimFloat(hi)).
			Suggest("write whole numbers, or `from .. to .. step ..` for a time")
		return
	}
	if hi < lo || !b.Count && hi == lo || math.IsInf(hi-lo, 0) {
		c.errs.Errorf("WF0309", at, "`evolve` ends before it starts").Labelled("from %s to %s", trimFloat(lo), trimFloat(hi)).Suggest("write the start first")
	}
}

func (c *checker) step(e *syntax.Evolve, b *Block, scale float64) {
	switch {
	case e.Step == nil:
		if !b.Count {
			c.errs.Errorf("WF0305", e.Var.At, "this `evolve` has no step").
				Suggest("write `step auto` to take it from the stability limit, or `step 0.1 s`")
		}
		return
	case b.Count:
		c.errs.Errorf("WF0306", e.Step.At, "`evolve %s in ..` counts steps and has no step length", b.Var).
			Suggest("remove `step`, or write `evolve t from .. to .. step ..`")
		return
	}
	if c.dynamicStep(e, b, scale) {
		return
	}
	b.Auto = e.Step.Auto
	sc := &scope{host: true, what: "the step"}
	if b.Auto {
		b.Step = number(0.9, one(), e.Step.At)
		if e.Step.Safety != nil {
			b.Step = c.valueIn(e.Step.Safety, one(), nil, e.Step.At, "the safety factor", sc)
			if v, ok := c.eval(b.Step); ok && !(v > 0 && v <= 1) {
				c.errs.Errorf("WF0307", b.Step.At, "the safety factor must be above 0 and at most 1").Labelled("this is %s", trimFloat(v)).
					Note("it multiplies the largest stable step").Suggest("write `step auto(0.9)`")
				b.Step = bad(b.Step.At)
			}
		}
		return
	}
	b.Step = c.valueIn(e.Step.Value, b.Unit, &scale, e.Var.At, "the step", sc)
	if v, ok := c.eval(b.Step); ok && !(v > 0) {
		c.errs.Errorf("WF0305", b.Step.At, "a step must be positive").Labelled("this is %s", trimFloat(v)).Suggest("write a positive step, or `step auto`")
		b.Step = bad(b.Step.At)
	}
}

func (c *checker) bodyStmt(s syntax.Stmt, bs *blockState) {
	if c.control(s, bs) {
		return
	}
	switch s := s.(type) {
	case *syntax.Bad:
		for _, n := range s.Names {
			bs.lets[n.Name] = &localLet{}
		}
	case *syntax.Bind:
		if s.Kind != syntax.Let {
			c.errs.Errorf("WF0302", s.At, "`%s` stands outside `evolve`", s.Kind).Suggest("move it above, or use `let` for a value of each step")
		}
		for _, it := range s.Items {
			c.blockLet(it, bs)
		}
	case *syntax.Assign:
		c.assign(s, bs)
	case *syntax.Equation:
		c.equation(s, bs)
	default:
		c.errs.Errorf("WF0302", s.Span(), "this declaration stands outside `evolve`").Suggest("move it above")
	}
}

func (c *checker) blockLet(it *syntax.BindItem, bs *blockState) {
	name := it.Name.Name
	if old, ok := bs.lets[name]; ok {
		if old.item != nil {
			c.errs.Errorf("WF0202", it.Name.At, "the name %s is declared twice", name).With(old.item.At, "declared here").Suggest("rename one of them")
		}
		return
	}
	if s := c.names[name]; bs.solving() == nil && (s != nil || reserved[name] || name == bs.block.Var || bs.vars[name] != nil) {
		d := c.errs.Errorf("WF0202", it.Name.At, "the name %s has a meaning already", name)
		if s != nil {
			d.With(s.at, "declared here as a %s", s.what)
		}
		d.Suggest("rename the `let`")
		bs.lets[name] = &localLet{}
		return
	}
	if u := c.steppedField(it, bs); u != nil {
		stored := *it
		stored.Like, it = u, &stored
	}
	if it.Like != nil {
		c.likeLet(it, bs)
		return
	}
	if len(it.Index) == 0 {
		bs.lets[name] = &localLet{item: it}
		c.unusedLet(it, bs)
		return
	}
	l := &Let{Name: name, At: it.Name.At}
	bs.lets[name] = &localLet{} // its own value cannot use it
	for _, id := range it.Index {
		v, ok := c.letIndex(id, it, bs)
		if !ok {
			return
		}
		l.Index = append(l.Index, v)
	}
	sc := &scope{what: "the value of " + name, form: true, index: l.Index, block: bs}
	sc.sums = c.productSums(it.Value, sc)
	v := c.num(it.Value, sc)
	if v.invalid() {
		return
	}
	l.Unit = v.Unit
	bs.lets[name] = &localLet{item: it, let: l}
	l.Def = &Assign{Kind: LetMap, Let: l, Index: l.Index, Value: v, At: it.At}
	bs.add(l.Def)
}

// letIndex resolves an index on the left of a let: a dim, a declared index, or an axis of a grid.
func (c *checker) letIndex(id *syntax.Ident, it *syntax.BindItem, bs *blockState) (IndexVar, bool) {
	if s := c.names[id.Name]; s != nil {
		if s.axis != nil {
			return IndexVar{id.Name, s.axis}, true
		}
		if s.what == "name" || s.what == "dim" {
			return IndexVar{}, false
		}
	}
	if a := c.axisOfRead(it.Value, id.Name, &scope{block: bs}); a != nil {
		return IndexVar{a.Name, a}, true
	}
	if a := c.soleAxis(id.Name); a != nil {
		return IndexVar{a.Name, a}, true
	}
	c.unknown(id, "index", c.indexNames(&scope{}))
	return IndexVar{}, false
}

// unusedLet checks a let on the grid of the block, so that its errors are found even where it is not used.
func (c *checker) unusedLet(it *syntax.BindItem, bs *blockState) {
	var g *Grid
	form := false
	walkExpr(it.Value, func(e syntax.Expr) {
		if r, ok := e.(*syntax.Ref); ok {
			if s := c.names[r.Name.Name]; s != nil && s.field != nil {
				form = form || r.Index != nil
				if g == nil {
					g = s.field.Grid
				}
			}
		}
	})
	if g == nil && len(c.prog.Grids) == 1 {
		g = c.prog.Grids[0]
	}
	if !form && g != nil {
		c.letValue(&syntax.Ref{Name: it.Name, Loc: syntax.Loc{At: it.At}}, it, &scope{what: "the value of " + it.Name.Name, grid: g, block: bs})
	}
}

// target resolves the field an assignment changes, and reports a second assignment.
func (c *checker) target(id *syntax.Ident, at diag.Span, bs *blockState) *Field {
	s := c.names[id.Name]
	switch {
	case s == nil:
		if _, ok := bs.lets[id.Name]; ok {
			c.errs.Errorf("WF0302", at, "%s is a `let` and cannot be assigned", id.Name).Suggest("give the new value another name")
			return nil
		}
		c.unknown(id, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
		return nil
	case s.field == nil:
		if s.what != "field" && s.what != "name" {
			c.errs.Errorf("WF0203", at, "%s is a %s and cannot be assigned", id.Name, s.what).With(s.at, "declared here").Suggest("declare a `field` for state that changes")
		}
		return nil
	}
	f := s.field
	if old := bs.assigned[f]; old != nil {
		c.errs.Errorf("WF0301", at, "%s is assigned twice in one step", f.Name).With(old.At, "first here").
			Note("a field has one value per time level, so that the order of updates has no hidden meaning").
			Suggest("keep one assignment, or name the intermediate value with `let`")
		return nil
	}
	return f
}
