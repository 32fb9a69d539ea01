package syntax

// modelParts lays out the statements of the tensor language that have braces; nil for others.
func modelParts(s Stmt) []part {
	l := &liner{}
	block := func(b *Block) []part { return []part{{l, true, b.Stmts, b.Layout}} }
	switch s := s.(type) {
	case *Model:
		l.text("model " + s.Name.Name)
		l.params(s.Params)
		return block(s.Body)
	case *For:
		l.text("for " + s.Var.Name + " in " + s.Space.Name)
		if len(s.Carry) > 0 {
			l.text(" carrying ")
			l.names(s.Carry)
		}
		return block(s.Body)
	case *TensorFn:
		l.text("fn " + s.Name.Name)
		l.paramList(s.Params)
		if len(s.Over) > 0 {
			l.text(" over ")
			l.names(s.Over)
		}
		if s.Body != nil {
			return block(s.Body)
		}
		l.text(" = ")
		l.expr(s.Value)
		return []part{{line: l}}
	case *Rules:
		l.text("parametrisation " + s.Name.Name)
		l.params(s.Params)
		return []part{{l, true, stmts(s.Entries), s.Layout}}
	case *Optimizer:
		l.text("optimizer " + s.Name.Name)
		l.params(s.Params)
		return block(s.Body)
	case *Preset:
		l.text("preset " + quote(s.Name.Value) + " {")
		if len(s.Values) > 0 {
			l.text(" ")
			l.args(s.Values)
			l.text(" ")
		}
		l.text("}")
		return []part{{line: l}}
	case *Train:
		l.text("train " + s.Model.Name)
		if s.Data != nil {
			l.text(" on " + s.Data.Name)
		}
		return block(s.Body)
	case *TrainEntry:
		l.trainEntry(s)
		if s.Body != nil {
			return block(s.Body)
		}
		return []part{{line: l}}
	}
	return nil
}

// modelStmt writes a statement of the tensor language that has no braces.
func (l *liner) modelStmt(s Stmt) {
	switch s := s.(type) {
	case *Weight:
		l.text("weight ")
		l.weightItems(s.Items)
		if s.Role != nil {
			l.clause()
			l.text("as " + s.Role.Name)
		}
		if s.Init != nil {
			l.text(" ~ ")
			l.expr(s.Init)
		}
		if s.With != nil {
			l.clause()
			l.text("with ")
			l.args(s.With)
		}
	case *Input:
		l.text("input ")
		l.weightItems(s.Items)
		l.text(" in " + s.Space.Name)
	case *Use:
		l.text("using ")
		l.expr(s.Rules)
	case *StateDecl:
		l.text("state ")
		l.names(s.Names)
	case *Rule:
		l.text(s.Role.Name + ": ")
		l.args(s.Values)
	}
}

func (l *liner) weightItems(items []*WeightItem) {
	for i, it := range items {
		l.comma(i)
		l.text(it.Name.Name)
		l.indexNames(it.Dims)
	}
}

// params writes parameters, and nothing when the parentheses were left away.
func (l *liner) params(list []*Arg) {
	if len(list) > 0 {
		l.paramList(list)
	}
}

func (l *liner) paramList(list []*Arg) {
	l.bracket("(", ")", func() {
		for i, a := range list {
			l.comma(i)
			if a.Value == nil {
				l.text(a.Name.Name)
				continue
			}
			l.arg(a)
		}
	})
}

func (l *liner) trainEntry(e *TrainEntry) {
	l.text(e.Word.Name)
	for _, p := range e.Parts {
		l.text(" ")
		if p.Word != nil {
			l.text(p.Word.Name)
			continue
		}
		l.expr(p.Value)
		if p.Percent {
			l.text("%")
		}
	}
}

// reduceArgs writes `(q, k, scale = 2)`.
func (l *liner) reduceArgs(e *Reduce) {
	l.bracket("(", ")", func() {
		l.expr(e.Body)
		for _, a := range e.Args {
			l.comma(1)
			l.arg(a)
		}
	})
}
