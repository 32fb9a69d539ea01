package syntax

// strength is how tightly an expression holds together when printed. An open
// reduction (`sum over y of ..`) takes in every product after it, so it stands
// in parentheses beside `*` and on the right of a sum.
func strength(e Expr) int {
	switch e := e.(type) {
	case *Unary:
		if e.Op == OpNot {
			return precNot
		}
		return precSign
	case *Binary:
		return precedence[e.Op]
	case *Reduce:
		if !e.Tight {
			return precSum
		}
	}
	return precAtom
}

// operand writes an operand, in parentheses if it holds together less than min.
func (l *liner) operand(e Expr, min int) {
	if strength(e) < min {
		l.paren(e)
		return
	}
	l.expr(e)
}

// paren writes (e), spaced even inside index brackets.
func (l *liner) paren(e Expr) {
	tight := l.tight
	l.tight = 0
	l.bracket("(", ")", func() { l.expr(e) })
	l.tight = tight
}

func (l *liner) bracket(open, close string, inside func()) {
	l.text(open)
	l.depth++
	inside()
	l.depth--
	l.text(close)
}

// expr writes an expression.
func (l *liner) expr(e Expr) {
	switch e := e.(type) {
	case *Number:
		l.text(e.Text)
		if e.Unit != nil {
			l.text(" " + e.Unit.Text)
			l.unit = true
		}
	case *String:
		l.text(quote(e.Value))
	case *Ref:
		l.ref(e)
	case *Extent:
		l.text("#" + e.Name.Name)
	case *Paren:
		l.paren(e.X)
	case *Tuple:
		tight := l.tight
		l.tight = 0
		l.bracket("(", ")", func() {
			for i, x := range e.Elems {
				l.comma(i)
				l.expr(x)
			}
		})
		l.tight = tight
	case *Call:
		tight := l.tight
		l.tight = 0
		l.text(e.Func.Name)
		l.bracket("(", ")", func() { l.args(e.Args) })
		l.tight = tight
	case *Unary:
		if e.Op == OpNot {
			l.text("not ")
			l.operand(e.X, precNot)
			return
		}
		l.text("-")
		l.operand(e.X, precSign)
	case *Binary:
		l.binary(e)
	case *Reduce:
		l.reduce(e)
	}
}

func (l *liner) binary(e *Binary) {
	pr := precedence[e.Op]
	left, right := pr, pr+1
	switch pr {
	case precCompare:
		left = pr + 1
	case precPower:
		left, right = precAtom, precSign
	}
	l.operand(e.X, left)
	spaced := pr < precProduct && (l.tight == 0 || pr <= precAnd)
	rank := 3*l.depth + 2
	switch {
	case pr <= precAnd:
		rank = 3*l.depth + 1
	case pr >= precProduct:
		rank = 3*l.depth + 3
	}
	sep := ""
	if spaced || l.unit && pr >= precProduct {
		sep = " "
	}
	l.text(sep + string(e.Op))
	if pr < precPower {
		l.softAt(rank, sep)
	} else {
		l.text(sep)
	}
	l.operand(e.Y, right)
}

func (l *liner) ref(e *Ref) {
	l.text(e.Name.Name)
	if e.Part != nil {
		l.text("." + e.Part.Name)
	}
	if e.Prime {
		l.text("'")
	}
	if e.Index != nil {
		l.tight++
		l.bracket("[", "]", func() { l.args(e.Index) })
		l.tight--
	}
}

func (l *liner) args(list []*Arg) {
	for i, a := range list {
		l.comma(i)
		l.arg(a)
	}
}

func (l *liner) arg(a *Arg) {
	if a.Name != nil {
		if l.tight > 0 {
			l.text(a.Name.Name + "=")
		} else {
			l.text(a.Name.Name + " = ")
		}
	}
	l.expr(a.Value)
}

func (l *liner) reduce(e *Reduce) {
	tight := l.tight
	l.tight = 0
	defer func() { l.tight = tight }()
	l.text(e.Op.Name + " over ")
	for i, id := range e.Over {
		if i > 0 {
			l.text(", ")
		}
		l.text(id.Name)
	}
	if e.Where != nil {
		l.text(" where ")
		l.expr(e.Where)
	}
	if e.Tight && e.Where == nil {
		l.text(" ")
		l.bracket("(", ")", func() {
			l.expr(e.Body)
			for _, a := range e.Args {
				l.comma(1)
				l.arg(a)
			}
		})
		return
	}
	if len(e.Args) > 0 {
		l.text(" of")
		l.soft(" ")
		l.reduceArgs(e)
		return
	}
	l.text(" of")
	if e.Where != nil {
		l.soft(" ") // rather than inside the condition
	} else {
		l.text(" ")
	}
	l.operand(e.Body, precProduct)
}
