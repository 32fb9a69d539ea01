package syntax

import (
	"testing"

	"pgregory.net/rapid"
)

// randomExpr draws an expression without parentheses of its own, as the builder
// makes them: the printer must put in those that the shape needs.
func randomExpr(depth int) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		name := func() *Ident {
			return &Ident{Name: rapid.SampledFrom([]string{"T", "u", "x", "order"}).Draw(t, "name")}
		}
		kind := rapid.IntRange(0, 11).Draw(t, "kind")
		if depth == 0 {
			kind %= 4
		}
		sub := func() Expr { return randomExpr(depth-1).Draw(t, "sub") }
		switch kind {
		case 0:
			return &Number{Text: "2.5", Value: 2.5}
		case 1:
			return &Number{Text: "3", Value: 3, Unit: &Unit{Text: "m/s^2", Factors: []UnitFactor{{"m", 1}, {"s", -2}}}}
		case 2:
			return &Ref{Name: name(), Prime: rapid.Bool().Draw(t, "prime")}
		case 3:
			return &Extent{Name: name()}
		case 4:
			return &Unary{Op: rapid.SampledFrom([]Op{OpSub, OpNot}).Draw(t, "sign"), X: sub()}
		case 5:
			return &Ref{Name: name(), Index: []*Arg{{Value: sub()}, {Name: name(), Value: sub()}}}
		case 6:
			return &Call{Func: name(), Args: []*Arg{{Value: sub()}, {Name: name(), Value: sub()}}}
		case 7:
			r := &Reduce{Op: name(), Over: []*Ident{name(), name()}, Body: sub(), Tight: rapid.Bool().Draw(t, "tight")}
			if !r.Tight && rapid.Bool().Draw(t, "where") {
				r.Where = sub()
			}
			return r
		case 8:
			return &Tuple{Elems: []Expr{sub(), sub()}}
		}
		ops := []Op{OpOr, OpAnd, OpEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpAdd, OpSub, OpMul, OpDiv, OpPow}
		return &Binary{Op: rapid.SampledFrom(ops).Draw(t, "op"), X: sub(), Y: sub()}
	})
}

// TestPrintKeepsShape: any tree, printed and read, is the same tree.
func TestPrintKeepsShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &File{Stmts: []Stmt{&Bind{Kind: Let, Items: []*BindItem{{Name: &Ident{Name: "v"}, Value: randomExpr(4).Draw(t, "expr")}}}}}
		text := string(Print(f))
		g, errs := Parse("random.wf", text)
		if len(errs) > 0 {
			t.Fatalf("%s%v", text, errs)
		}
		if !Equal(f, g) {
			t.Fatalf("the text reads as another tree:\n%s%s\n%s", text, shape(f.Stmts[0].(*Bind).Items[0].Value), shape(g.Stmts[0].(*Bind).Items[0].Value))
		}
		if again := string(Print(g)); again != text {
			t.Fatalf("not a fixpoint:\n%s%s", text, again)
		}
	})
}
