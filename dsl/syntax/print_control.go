package syntax

// loop writes the head of a loop.
func (l *liner) loop(s *Loop) {
	l.text("loop ")
	for i, v := range s.Vars {
		l.comma(i)
		l.text(v.Name.Name + " = ")
		l.expr(v.Value)
		if v.Like != nil {
			l.text(" like " + v.Like.Name)
			l.flag(v.Homogeneous, "homogeneous")
		}
	}
	if s.While != nil {
		if len(s.Vars) > 0 {
			l.clause()
		}
		l.text("while ")
		l.expr(s.While)
		if s.Max != nil {
			l.clause()
			l.text("max ")
			l.expr(s.Max)
			l.flag(s.Fail, "else fail")
		}
		return
	}
	if len(s.Vars) > 0 {
		l.clause()
		l.text("for ")
	}
	l.text(s.Index.Name + " in ")
	l.expr(s.From)
	l.text(" .. ")
	l.expr(s.To)
}

// ifParts lays `if` out with its branches; `else if` goes on in the same chain.
func ifParts(s *If) []part {
	l := &liner{}
	l.text("if ")
	l.expr(s.Cond)
	parts := []part{{l, true, s.Then.Stmts, s.Then.Layout}}
	if s.Else == nil {
		return parts
	}
	m := &liner{}
	if inner, ok := chained(s.Else); ok {
		rest := ifParts(inner)
		m.text(" else ")
		rest[0].line.pieces = append(m.pieces, rest[0].line.pieces...)
		return append(parts, rest...)
	}
	m.text(" else")
	return append(parts, part{m, true, s.Else.Stmts, s.Else.Layout})
}

// chained says whether a branch is an `else if`: one If without comments around it.
func chained(b *Block) (*If, bool) {
	if len(b.Stmts) != 1 || b.Layout.Multi || len(b.Layout.Tail) > 0 {
		return nil, false
	}
	s, ok := b.Stmts[0].(*If)
	return s, ok && len(s.Lead) == 0
}
