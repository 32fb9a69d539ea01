package passes

import (
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// A source exp(-x^2 - y^2) * sin(w t) becomes one array over x and y, and only functions of time are left to expand; the array is
// rounded once from f64.
func TestHoistMakesData(t *testing.T) {
	p := newProg(ir.F32, cells("x", 7, -1, 1), cells("y", 5, 0, 2), cells("z", 3, 0, 1))
	p.array("T")
	p.Arrays = append(p.Arrays, ir.Array{Name: "n", Elem: ir.I32})
	p.host("w", 0.7)
	e := ir.F32
	p.op("next", func(b *ir.BodyBuilder) int {
		x, y := b.Coord(e, "x"), b.Coord(e, "y")
		g := b.Op(ir.Exp, b.Op(ir.Neg, b.Add(b.Mul(x, x), b.Mul(y, y))))
		s := b.Op(ir.Sin, b.Mul(b.Scalar(e, "w"), b.Cvt(e, b.Read(ir.I32, "@n"))))
		return b.Add(p.read(b, "@T"), b.Mul(g, s))
	})
	p.set("T", "%next")
	c := canonical(t, p.Program)
	var data []ir.Array
	for _, a := range c.Arrays {
		if a.Const {
			data = append(data, a)
		}
	}
	if len(data) != 1 || strings.Join(data[0].Axes, "") != "xy" || data[0].Elem != ir.F32 {
		t.Fatalf("data %+v\n%s", data, ir.Print(c))
	}
	env, err := ir.EvalHost(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := runHost(t, c, env)[data[0].Name]
	for i := range 7 {
		for j := range 5 {
			x, y := p.Axes[0].Coord(float64(i)), p.Axes[1].Coord(float64(j))
			if want := float64(float32(math.Exp(-(float64(x*x) + float64(y*y))))); got.At(i*5+j) != want {
				t.Errorf("data[%d, %d] = %g, want %g", i, j, got.At(i*5+j), want)
			}
		}
	}
}

// Scalars that a run overrides are no data, nor is what depends on them.
func TestHoistLeavesBoundScalars(t *testing.T) {
	p := newProg(ir.F64, cells("x", 7, -1, 1))
	p.array("T")
	p.host("dt", 0.1)
	p.host("rest", 0.05)
	p.host("one", 1)
	var hb ir.BodyBuilder
	p.Host = append(p.Host, ir.HostDef{Name: "half", Body: hb.Body(hb.Mul(hb.Scalar(ir.F64, "dt"), hb.Const(ir.F64, 0.5)))})
	p.Schedule = []ir.Run{{Func: "step", Count: "one", DT: "dt", Bind: []ir.Bind{{Name: "dt", To: "rest"}}}}
	p.op("next", func(b *ir.BodyBuilder) int {
		return b.Add(p.read(b, "@T"), b.Mul(b.Scalar(ir.F64, "half"), b.Op(ir.Exp, b.Coord(ir.F64, "x"))))
	})
	p.set("T", "%next")
	c := canonical(t, p.Program)
	for _, op := range c.Func("init").Ops {
		for i := range op.Pieces[0].Body.Nodes {
			if n := &op.Pieces[0].Body.Nodes[i]; n.Op == ir.Scalar {
				t.Errorf("%s went into data", n.Name)
			}
		}
	}
	found := false
	for _, n := range stepBody(c).Nodes {
		found = found || n.Op == ir.Scalar && n.Name == "half"
	}
	if !found {
		t.Errorf("the step is gone\n%s", ir.Print(c))
	}
}

// Two indices over one axis do not share an array.
func TestHoistTwoIndicesOfOneAxis(t *testing.T) {
	p := newProg(ir.F64, cells("x", 6, 0, 3))
	p.array("T")
	var b ir.BodyBuilder
	r := b.Mul(b.Sub(b.Coord(ir.F64, "i"), b.Coord(ir.F64, "j")), b.Read(ir.F64, "@T", ir.At("j", 0)))
	p.Func("step").Ops = []ir.Op{{Kind: ir.Reduce, Results: []ir.Result{{Name: "s", Elem: ir.F64}},
		Dom: []ir.Range{{Index: "i", Axis: "x", Hi: 6}}, Over: []ir.Range{{Index: "j", Axis: "x", Hi: 6}},
		Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 6}, {Hi: 6}}, Body: b.Body(r)}}}}
	p.set("T", "%s")
	c := canonical(t, p.Program)
	T := fill(p.Program, "T", bump)
	got := run(t, c, map[string]*ir.Tensor{"T": T}, nil, 1)["T"]
	for i := range 6 {
		want := 0.0
		for j := range 6 {
			want += 0.5 * float64(i-j) * T.At(j)
		}
		if math.Abs(got.At(i)-want) > 1e-13 {
			t.Errorf("[%d] = %g, want %g", i, got.At(i), want)
		}
	}
}

// A coefficient between points is evaluated there in f64, not at a coordinate rounded on the way.
func TestHoistBetweenPoints(t *testing.T) {
	const n = 10
	p := newProg(ir.F32, ring("x", n, 0, 1))
	p.array("T")
	p.op("next", func(b *ir.BodyBuilder) int {
		k := b.Op(ir.Exp, b.Mul(b.Const(ir.F32, 4), b.Coord(ir.F32, "x")))
		return b.Deriv(b.Mul(k, b.Deriv(p.read(b, "@T"), "x", 1, 2)), "x", 1, 2)
	})
	p.set("T", "%next")
	c := canonical(t, p.Program)
	env, err := ir.EvalHost(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := runHost(t, c, env)
	found := 0
	for _, a := range c.Arrays {
		for _, side := range []float64{-0.5, 0.5} {
			same := a.Const
			for i := 0; same && i < n; i++ {
				x := p.Axes[0].Coord(float64(i)) + float64(side*p.Axes[0].H)
				same = host[a.Name].At(i) == float64(float32(math.Exp(4*x)))
			}
			if same {
				found++
			}
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 arrays of coefficients are as exact as f32 holds them\n%s", found, ir.Print(c))
	}
}
