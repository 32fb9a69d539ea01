package syntax

// stmt writes a statement that has no braces.
func (l *liner) stmt(s Stmt) {
	switch s := s.(type) {
	case *Bind:
		l.text(s.Kind.String() + " ")
		for i, it := range s.Items {
			l.comma(i)
			l.text(it.Name.Name)
			l.indexNames(it.Index)
			l.annotation(it.Ann)
			l.text(" = ")
			l.expr(it.Value)
			if it.Like != nil {
				l.text(" like " + it.Like.Name)
				l.flag(it.Homogeneous, "homogeneous")
			}
		}
	case *Dim:
		l.text("dim ")
		for i, it := range s.Items {
			l.comma(i)
			l.text(it.Name.Name + " = ")
			l.expr(it.Value)
		}
	case *IndexDecl:
		l.text("index ")
		l.names(s.Names)
		l.text(" in " + s.Space.Name)
		if s.Axis != nil {
			l.text("." + s.Axis.Name)
		}
	case *Assign:
		l.ref(s.Target)
		l.text(" = ")
		l.expr(s.Value)
	case *Equation:
		l.expr(s.Left)
		l.text(" = ")
		l.expr(s.Right)
	case *Solve:
		l.solve(s)
	case *Fn:
		l.text("fn " + s.Name.Name + "(")
		l.names(s.Params)
		l.text(") = ")
		l.expr(s.Value)
	case *Output:
		l.output(s)
	case *Probe:
		word := "probe "
		if s.Monitor {
			word = "monitor "
		}
		l.text(word + s.Name.Name + " = ")
		l.expr(s.Value)
		if len(s.Point) > 0 {
			l.text(" at ")
			l.bracket("(", ")", func() { l.args(s.Point) })
		}
		l.schedule(s.When)
		if s.Drift != nil {
			l.clause()
			l.text("drift ")
			l.expr(s.Drift)
		}
	case *Axis:
		l.axis(s)
	case *Region:
		l.region(s)
	case *BCEntry:
		l.bcEntry(s)
	default:
		l.modelStmt(s)
	}
}

func (l *liner) indexNames(ids []*Ident) {
	if ids == nil {
		return
	}
	l.tight++
	l.bracket("[", "]", func() {
		for i, id := range ids {
			l.comma(i)
			l.text(id.Name)
		}
	})
	l.tight--
}

func (l *liner) annotation(a *Annotation) {
	if a == nil {
		return
	}
	l.text(":")
	if a.Rank != nil {
		l.text(" " + a.Rank.Name)
	}
	if a.Type != nil {
		l.text(" " + a.Type.Name)
	}
	if a.Unit != nil {
		l.text(" " + a.Unit.Text)
	}
}

func (l *liner) axis(a *Axis) {
	l.text(a.Name.Name + ": ")
	if a.Lo != nil {
		l.expr(a.Lo)
		l.text(" .. ")
		l.expr(a.Hi)
		l.text(" in ")
	}
	l.expr(a.Count)
	l.flag(a.Nodes, "nodes")
	l.flag(a.Periodic, "periodic")
	if a.Stretch != nil {
		l.text(" stretched ")
		l.expr(a.Stretch)
	}
}

func (l *liner) fieldItem(it *FieldItem) {
	l.text(it.Name.Name)
	l.indexNames(it.Dims)
	l.annotation(it.Ann)
	if it.On != nil {
		l.text(" on " + it.On.Grid.Name)
		if it.On.Part != nil {
			l.text("." + it.On.Part.Name)
		}
	}
	if it.Part != nil {
		l.text(" where ")
		l.expr(it.Part)
	}
	if it.Init != nil {
		l.text(" = ")
		l.expr(it.Init)
	}
}

func (l *liner) region(r *Region) {
	l.text("region")
	for i, rg := range r.Ranges {
		if i > 0 {
			l.text(",")
			l.soft(" ")
		} else {
			l.text(" ")
		}
		l.text(rg.Axis.Name + " in ")
		l.expr(rg.Lo)
		l.text(" .. ")
		l.expr(rg.Hi)
	}
	if r.Where != nil {
		l.text(" where ")
		l.expr(r.Where)
	}
	l.text(": ")
	l.expr(r.Value)
}

func (l *liner) bcEntry(e *BCEntry) {
	for i, s := range e.Sides {
		l.comma(i)
		l.text(s.Axis.Name)
		if s.End != nil {
			l.text("." + s.End.Name)
		}
	}
	if e.Where != nil {
		l.text(" where ")
		l.expr(e.Where)
	}
	l.text(": ")
	for i, c := range e.Conds {
		l.comma(i)
		l.cond(c)
	}
}

func (l *liner) cond(c *Cond) {
	l.expr(c.Left)
	if c.Right != nil {
		l.text(" = ")
		l.expr(c.Right)
	}
}

// evolve writes the head of the loop.
func (l *liner) evolve(e *Evolve) {
	l.text("evolve " + e.Var.Name)
	switch {
	case e.Count:
		l.text(" in ")
		l.expr(e.From)
		l.text(" .. ")
		l.expr(e.To)
	default:
		l.text(" from ")
		l.expr(e.From)
		if e.To != nil {
			l.text(" to ")
			l.expr(e.To)
		}
	}
	if e.Until != nil {
		l.clause()
		l.text("until ")
		l.expr(e.Until)
	}
	if s := e.Step; s != nil {
		l.clause()
		switch {
		case !s.Auto:
			l.text("step ")
			l.expr(s.Value)
		case s.Safety != nil:
			l.text("step auto(")
			l.expr(s.Safety)
			l.text(")")
		default:
			l.text("step auto")
		}
	}
	if e.By != nil {
		l.clause()
		l.text("by ")
		l.expr(e.By)
	}
	if e.Order != nil {
		l.clause()
		l.text("order ")
		l.expr(e.Order)
	}
}

// clause begins a clause; a line may be broken before its word.
func (l *liner) clause() { l.soft(" ") }

func (l *liner) solve(s *Solve) {
	l.text("solve ")
	l.expr(s.Left)
	l.text(" = ")
	l.expr(s.Right)
	l.clause()
	l.text("for ")
	for i, r := range s.For {
		l.comma(i)
		l.ref(r)
	}
	for i, c := range s.With {
		if i == 0 {
			l.clause()
			l.text("with ")
		}
		l.comma(i)
		l.cond(c)
	}
	if s.Using != nil {
		l.clause()
		l.text("using ")
		l.expr(s.Using)
	}
}

func (l *liner) output(o *Output) {
	l.text("output ")
	l.names(o.Fields)
	l.schedule(o.When)
	for i, f := range o.Formats {
		if i == 0 {
			l.clause()
			l.text("as ")
		}
		l.comma(i)
		l.format(f)
	}
}

func (l *liner) format(f *OutputFormat) {
	l.text(f.Name.Name)
	if f.Slices == nil && f.Args == nil {
		return
	}
	l.bracket("(", ")", func() {
		for i, a := range f.Slices {
			l.comma(i)
			l.text("slice ")
			l.arg(a)
		}
		for i, a := range f.Args {
			l.comma(i + len(f.Slices))
			l.arg(a)
		}
	})
}

func (l *liner) schedule(s *Schedule) {
	if s == nil {
		return
	}
	l.clause()
	if s.Kind == AtEnd {
		l.text("at end")
		return
	}
	l.text("every ")
	l.expr(s.Value)
	l.flag(s.Kind == EverySteps, "steps")
}
