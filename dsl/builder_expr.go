package dsl

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// Value is anything that can stand in an expression: an Expr, or a declared
// field.
type Value interface{ value() Expr }

// Expr is an expression under construction. Its methods return new expressions
// and never change their operands. The zero Expr is invalid.
type Expr struct {
	e   syntax.Expr
	err error
}

func (e Expr) value() Expr {
	if e.e == nil {
		return Expr{&syntax.Number{Text: "0"}, fmt.Errorf("the zero dsl.Expr is used as a value")}
	}
	return e
}

// Num returns a number without unit.
func Num(v float64) Expr { return Q(v, "") }

// Q returns a number with a unit, as in Q(9.7e-5, "m^2/s").
func Q(v float64, unit string) Expr {
	n := &syntax.Number{Text: digits(math.Abs(v)), Value: math.Abs(v)}
	var err error
	if math.IsInf(v, 0) || math.IsNaN(v) {
		n.Text, n.Value, err = "0", 0, fmt.Errorf("%v is not a number a program can hold", v)
	}
	if unit != "" {
		u, errs := syntax.ParseUnit("unit", unit)
		if u == nil {
			u, err = &syntax.Unit{Text: "1"}, fmt.Errorf("unit %q: %w", unit, errs.Err())
		}
		n.Unit = u
	}
	if math.Signbit(v) {
		return Expr{&syntax.Unary{Op: syntax.OpSub, X: n}, err}
	}
	return Expr{n, err}
}

// digits writes a number as briefly as it can be read back exactly.
func digits(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	return strings.NewReplacer("e-0", "e-", "e+0", "e", "e+", "e").Replace(s)
}

// Text returns a text literal, as in Call("load", Text("T0.npy")).
func Text(s string) Expr { return Expr{e: &syntax.String{Value: s}} }

// Name returns a use of a name.
func Name(name string) Expr {
	return Expr{&syntax.Ref{Name: &syntax.Ident{Name: name}}, checkName(name)}
}

// ParseExpr reads an expression of the language, as in ParseExpr("alpha*lap(T) + q").
func ParseExpr(src string) Expr {
	e, errs := syntax.ParseExpr("expression", src)
	if e == nil {
		return Expr{&syntax.Number{Text: "0"}, fmt.Errorf("expression %q: %w", src, errs.Err())}
	}
	return Expr{e: e}
}

// Extent returns `#index`, the extent of an index.
func Extent(index string) Expr {
	return Expr{&syntax.Extent{Name: &syntax.Ident{Name: index}}, checkName(index)}
}

// first returns the first mistake.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// operand unwraps a value that may be missing.
func operand(v Value) Expr {
	if v == nil {
		return Expr{}.value()
	}
	return v.value()
}

func binary(op syntax.Op, a, b Value) Expr {
	x, y := operand(a), operand(b)
	return Expr{&syntax.Binary{Op: op, X: x.e, Y: y.e}, first(x.err, y.err)}
}

// Add returns e + v.
func (e Expr) Add(v Value) Expr { return binary(syntax.OpAdd, e, v) }

// Sub returns e - v.
func (e Expr) Sub(v Value) Expr { return binary(syntax.OpSub, e, v) }

// Mul returns e*v.
func (e Expr) Mul(v Value) Expr { return binary(syntax.OpMul, e, v) }

// Div returns e/v.
func (e Expr) Div(v Value) Expr { return binary(syntax.OpDiv, e, v) }

// Pow returns e^v.
func (e Expr) Pow(v Value) Expr { return binary(syntax.OpPow, e, v) }

// Lt returns e < v.
func (e Expr) Lt(v Value) Expr { return binary(syntax.OpLt, e, v) }

// Le returns e <= v.
func (e Expr) Le(v Value) Expr { return binary(syntax.OpLe, e, v) }

// Gt returns e > v.
func (e Expr) Gt(v Value) Expr { return binary(syntax.OpGt, e, v) }

// Ge returns e >= v.
func (e Expr) Ge(v Value) Expr { return binary(syntax.OpGe, e, v) }

// Is returns e == v.
func (e Expr) Is(v Value) Expr { return binary(syntax.OpEq, e, v) }

// IsNot returns e != v.
func (e Expr) IsNot(v Value) Expr { return binary(syntax.OpNe, e, v) }

// And returns `e and v`.
func (e Expr) And(v Value) Expr { return binary(syntax.OpAnd, e, v) }

// Or returns `e or v`.
func (e Expr) Or(v Value) Expr { return binary(syntax.OpOr, e, v) }

// Not returns `not e`.
func (e Expr) Not() Expr {
	x := e.value()
	return Expr{&syntax.Unary{Op: syntax.OpNot, X: x.e}, x.err}
}

// Neg returns -e.
func (e Expr) Neg() Expr {
	x := e.value()
	return Expr{&syntax.Unary{Op: syntax.OpSub, X: x.e}, x.err}
}

// Next returns e', the value of the next step. e must be a name.
func (e Expr) Next() Expr {
	x := e.value()
	r, ok := x.e.(*syntax.Ref)
	if !ok || r.Prime {
		return Expr{x.e, first(x.err, fmt.Errorf("%s has no next value: only a name has", syntax.ExprString(x.e)))}
	}
	c := *r
	c.Prime = true
	return Expr{&c, x.err}
}

// At returns e[index, ..], as in T.At(x.Add(Num(1)), y). e must be a name.
func (e Expr) At(index ...Value) Expr {
	x := e.value()
	r, ok := x.e.(*syntax.Ref)
	if !ok || r.Index != nil || len(index) == 0 {
		return Expr{x.e, first(x.err, fmt.Errorf("%s cannot be indexed: At needs a name and one index or more", syntax.ExprString(x.e)))}
	}
	c := *r
	err := x.err
	c.Index, err = arguments(index, err)
	return Expr{&c, err}
}

// named is a named argument.
type named struct {
	name string
	v    Value
}

func (n named) value() Expr {
	e := operand(n.v)
	return Expr{e.e, first(e.err, fmt.Errorf("the named argument %s stands outside a call", n.name))}
}

// Named returns the argument `name = v` of a call, as in
// Call("lap", T, Named("order", Num(4))).
func Named(name string, v Value) Value { return named{name, v} }

// arguments turns values into arguments.
func arguments(list []Value, err error) ([]*syntax.Arg, error) {
	out := []*syntax.Arg{}
	for _, v := range list {
		a := &syntax.Arg{}
		if n, ok := v.(named); ok {
			a.Name = &syntax.Ident{Name: n.name}
			err = first(err, checkName(n.name))
			v = n.v
		}
		e := operand(v)
		a.Value, err = e.e, first(err, e.err)
		out = append(out, a)
	}
	return out, err
}

// Call returns name(args..).
func Call(name string, args ...Value) Expr {
	list, err := arguments(args, checkName(name))
	return Expr{&syntax.Call{Func: &syntax.Ident{Name: name}, Args: list}, err}
}

// Tuple returns (a, b, ..); it has two elements or more.
func Tuple(elems ...Value) Expr {
	t := &syntax.Tuple{}
	var err error
	if len(elems) < 2 {
		err = fmt.Errorf("a tuple has two elements or more, not %d", len(elems))
	}
	for _, v := range elems {
		e := operand(v)
		t.Elems, err = append(t.Elems, e.e), first(err, e.err)
	}
	return Expr{t, err}
}

// Dt returns dt(v), the time derivative; Dt(Dt(u)) is the second one.
func Dt(v Value) Expr { return Call("dt", v) }

// Dn returns dn(v), the derivative along the outward normal of a side.
func Dn(v Value) Expr { return Call("dn", v) }

// Lap returns lap(v), the Laplacian.
func Lap(v Value) Expr { return Call("lap", v) }

// Where returns where(cond, a, b): a where cond holds, else b.
func Where(cond, a, b Value) Expr { return Call("where", cond, a, b) }

// Load returns load("file"), the contents of an .npy file.
func Load(file string) Expr { return Call("load", Text(file)) }

// Sum returns `sum over index.. (body)`.
func Sum(body Value, index ...string) Expr { return Reduce("sum", body, index...) }

// Reduce returns `op over index.. (body)`; op is sum, max, min or mean.
func Reduce(op string, body Value, index ...string) Expr {
	x := operand(body)
	r := &syntax.Reduce{Op: &syntax.Ident{Name: op}, Body: x.e, Tight: true}
	err := first(x.err, checkName(op))
	if len(index) == 0 {
		err = first(err, fmt.Errorf("%s needs an index to reduce over", op))
	}
	for _, i := range index {
		r.Over, err = append(r.Over, &syntax.Ident{Name: i}), first(err, checkName(i))
	}
	return Expr{r, err}
}
