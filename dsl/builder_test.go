package dsl_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/dsl/syntax"
)

// heat makes the first program of the language guide.
func heat() *dsl.Program {
	p := dsl.New()
	p.Comment("Heat in a block: hot west face, cold east face, periodic in y, insulated in z.")
	p.Blank()
	nx, ny, nz := p.Param("nx", dsl.Num(64)), p.Param("ny", dsl.Num(64)), p.Param("nz", dsl.Num(32))
	p.Grid("block").
		Axis("x", dsl.Q(0, "m"), dsl.Q(1, "m"), nx).
		Axis("y", dsl.Q(0, "m"), dsl.Q(1, "m"), ny).Periodic().
		Axis("z", dsl.Q(0, "m"), dsl.Q(0.5, "m"), nz)
	alpha := p.Const("alpha", dsl.Q(9.7e-5, "m^2/s"))
	T := p.Field("T").On("block").Init(dsl.Q(300, "K"))
	p.BC(T).
		Side("x.lo", dsl.Eq(T, dsl.Q(500, "K"))).
		Side("x.hi", dsl.Eq(T, dsl.Q(300, "K"))).
		Side("z", dsl.Eq(dsl.Dn(T), dsl.Num(0)))
	p.Blank()
	loop := p.Evolve("t").From(dsl.Q(0, "s")).To(dsl.Q(60, "s")).StepAuto()
	loop.Eq(dsl.Dt(T), alpha.Mul(dsl.Lap(T)))
	p.Output(T).Every(dsl.Q(1, "s")).As("vti").As("png", dsl.Slice("z", dsl.Q(0.25, "m")))
	return p
}

func ExampleProgram() {
	p := heat()
	if _, err := p.File(); err != nil {
		fmt.Println(err)
	}
	fmt.Print(p.Source())
	// Output:
	// // Heat in a block: hot west face, cold east face, periodic in y, insulated in z.
	//
	// param nx = 64
	// param ny = 64
	// param nz = 32
	// grid block { x: 0 m .. 1 m in nx; y: 0 m .. 1 m in ny periodic; z: 0 m .. 0.5 m in nz }
	// const alpha = 9.7e-5 m^2/s
	// field T on block = 300 K
	// bc T { x.lo: T = 500 K; x.hi: T = 300 K; z: dn(T) = 0 }
	//
	// evolve t from 0 s to 60 s step auto {
	//   dt(T) = alpha*lap(T)
	// }
	// output T every 1 s as vti, png(slice z = 0.25 m)
}

// TestBuilderMakesTheParsersTree: the tree made in Go equals the one the parser
// makes from the same program written by hand.
func TestBuilderMakesTheParsersTree(t *testing.T) {
	for name, c := range map[string]struct {
		build func(p *dsl.Program)
		src   string
	}{
		"heat": {nil, ""},
		"waves on nodes": {func(p *dsl.Program) {
			p.Grid("g").Nodes().Axis("x", dsl.Num(-1), dsl.Num(1), dsl.Num(65)).Index("j", dsl.Num(4)).Periodic()
			u := p.Field("u").On("g").Type("f64").Unit("m").
				Region(dsl.Num(2), dsl.Between("x", dsl.Num(-0.5), dsl.Num(0.5))).
				RegionWhere(dsl.Name("x").Gt(dsl.Num(0)).And(dsl.Name("x").IsNot(dsl.Num(0.5))), dsl.Num(3))
			e := p.Evolve("t").Until(dsl.Call("steady", u, dsl.Named("tol", dsl.Num(1e-5)))).StepAuto(dsl.Num(0.9)).Order(4)
			e.Comment("the wave equation")
			e.Eq(dsl.Dt(dsl.Dt(u)), dsl.Name("c").Pow(dsl.Num(2)).Mul(dsl.Lap(u)))
			e.Comment("that is all")
			p.Probe("middle", u).Point("x", dsl.Num(0)).EverySteps(dsl.Num(10))
		}, `grid g nodes { x: -1 .. 1 in 65; j: 4 periodic }
field u: f64 m on g { region x in -0.5 .. 0.5: 2; region where x > 0 and x != 0.5: 3 }
evolve t from 0 until steady(u, tol = 1e-5) step auto(0.9) order 4 {
  // the wave equation
  dt(dt(u)) = c^2*lap(u)
  // that is all
}
probe middle = u at (x = 0) every 10 steps
`},
		"time": {func(p *dsl.Program) {
			p.Grid("g").Axis("x", dsl.Num(0), dsl.Num(1), dsl.Num(8)).Periodic()
			u := p.Field("u").On("g")
			e := p.Evolve("t").To(dsl.Num(2)).Until(dsl.Call("max", u.Next()).Lt(dsl.Num(0.5))).By(dsl.Call("bdf2", dsl.Name("cg"))).
				Step(dsl.Call("cfl", dsl.Num(0.5), dsl.Named("speed", u), dsl.Named("every", dsl.Num(10))))
			e.Eq(dsl.Dt(u), dsl.Lap(u).Add(dsl.Call("random", dsl.Num(1))))
			p.Monitor("mass", dsl.Call("sum", u)).EverySteps(dsl.Num(10)).Drift(dsl.Num(1e-6))
			p.Monitor("top", dsl.Call("max", u)).Every(dsl.Num(0.5))
		}, `grid g { x: 0 .. 1 in 8 periodic }
field u on g
evolve t from 0 to 2 until max(u') < 0.5 step cfl(0.5, speed = u, every = 10) by bdf2(cg) { dt(u) = lap(u) + random(1) }
monitor mass = sum(u) every 10 steps drift 1e-6
monitor top = max(u) every 0.5
`},
		"matrix": {func(p *dsl.Program) {
			i := p.Dim("i", dsl.Num(64))
			j := p.Dim("j", dsl.Num(8))
			p.IndexIn("j", "k", "l")
			a, x, y := p.Field("A").Over("i", "j").Init(dsl.Load("a.npy")), p.Field("x").Over("j"), p.Field("y").Over("i")
			p.Set(y.At(i), a.At(i, j).Mul(x.At(j)).Add(dsl.Sum(dsl.ParseExpr("A[i,k]*x[k]"), "k")).Div(dsl.Extent("j")))
			p.Output(y).AtEnd().As("npy")
		}, `dim i = 64
dim j = 8
index k, l in j
field A[i,j] = load("a.npy")
field x[j]
field y[i]
y[i] = (A[i,j]*x[j] + sum over k (A[i,k]*x[k]))/#j
output y at end as npy
`},
		"implicit": {func(p *dsl.Program) {
			T := dsl.Name("T")
			p.Fn("q", []string{"a", "b"}, dsl.Name("a").Sub(dsl.Name("b").Sub(dsl.Num(1))).Neg())
			e := p.Evolve("n").Steps(dsl.Num(0), dsl.Name("steps"))
			e.Solve(T.Next().Sub(dsl.Lap(T.Next())), T, T.Next()).
				With(dsl.Eq(dsl.Call("mean", T.Next()), dsl.Num(0))).Using(dsl.Call("cg", dsl.Named("tol", dsl.Num(1e-5))))
			e.Set(dsl.Name("u").Next(), dsl.Where(dsl.Name("u").Lt(dsl.Q(2, "m").Div(dsl.Name("dx"))).Not(), dsl.Num(1), dsl.Num(-1)))
			p.BC(dsl.Name("u"), dsl.Name("v")).Side("y.hi", dsl.Eq(dsl.Name("u"), dsl.Num(1)), dsl.Holds("free")).Side("x.lo, x.hi", dsl.Holds("noslip"))
		}, `fn q(a, b) = -(a - (b - 1))
evolve n in 0 .. steps {
  solve T' - lap(T') = T for T' with mean(T') = 0 using cg(tol = 1e-5)
  u' = where(not u < 2 m / dx, 1, -1)
}
bc (u, v) { y.hi: u = 1, free; x.lo, x.hi: noslip }
`},
	} {
		p := dsl.New()
		if c.build == nil {
			p = heat()
			src, err := os.ReadFile("syntax/testdata/heat_builder.wf")
			if err != nil {
				t.Fatal(err)
			}
			c.src = string(src)
		} else {
			c.build(p)
		}
		got, err := p.File()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, errs := syntax.Parse(name, c.src)
		if len(errs) > 0 {
			t.Fatalf("%s: %v", name, errs)
		}
		if !syntax.Equal(got, want) || name != "heat" && normal(p.Source()) != normal(c.src) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, p.Source(), c.src)
		}
	}
}

// normal is the canonical format of a text.
func normal(src string) string {
	out, _ := syntax.Format("t.wf", []byte(src))
	return string(out)
}

// TestBuilderReportsMistakes: every mistake ends in an error that names it, and
// none in a panic.
func TestBuilderReportsMistakes(t *testing.T) {
	x := dsl.Name("x")
	for want, build := range map[string]func(p *dsl.Program){
		`"1a" is not a name`:             func(p *dsl.Program) { p.Param("1a", x) },
		`"T; x" is not a name`:           func(p *dsl.Program) { p.Field("T; x") },
		`unit "m s"`:                     func(p *dsl.Program) { p.Const("a", dsl.Q(1, "m s")) },
		"NaN is not a number":            func(p *dsl.Program) { p.Const("a", dsl.Num(math.NaN())) },
		"a value is missing":             func(p *dsl.Program) { p.Let("a", nil) },
		"zero dsl.Expr":                  func(p *dsl.Program) { p.Let("a", x.Add(dsl.Expr{})) },
		"has no next value":              func(p *dsl.Program) { p.Let("a", x.Next().Next()) },
		"cannot be indexed":              func(p *dsl.Program) { p.Let("a", x.Neg().At(x)) },
		"Set needs a name as its target": func(p *dsl.Program) { p.Set(dsl.Lap(x), x) },
		"stands outside a call":          func(p *dsl.Program) { p.Let("a", dsl.Named("k", x)) },
		"Slice stands outside a format":  func(p *dsl.Program) { p.Let("a", dsl.Slice("z", x)) },
		"a tuple has two elements":       func(p *dsl.Program) { p.Let("a", dsl.Tuple(x)) },
		"needs an index to reduce over":  func(p *dsl.Program) { p.Let("a", dsl.Sum(x)) },
		`expression "1 +"`:               func(p *dsl.Program) { p.Let("a", dsl.ParseExpr("1 +")) },
		"Periodic comes after":           func(p *dsl.Program) { p.Grid("g").Periodic() },
		"BC takes fields":                func(p *dsl.Program) { p.BC(x.Add(x)) },
		"side x has no condition":        func(p *dsl.Program) { p.BC(x).Side("x") },
		"a region needs a range":         func(p *dsl.Program) { p.Field("T").On("g").Region(x) },
		"Solve needs an unknown":         func(p *dsl.Program) { p.Evolve("t").Solve(x, x) },
		"StepAuto takes one safety":      func(p *dsl.Program) { p.Evolve("t").StepAuto(x, x) },
		"does not survive printing":      func(p *dsl.Program) { p.Let("a", dsl.Text("\x00\xff")) },
		"unit of field T":                func(p *dsl.Program) { p.Field("T").Unit("m!") },
	} {
		p := dsl.New()
		build(p)
		_, err := p.File()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
