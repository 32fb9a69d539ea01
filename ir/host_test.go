package ir

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/internal/ieee"
)

func host(t *testing.T, src string) *Program {
	t.Helper()
	p, err := Parse("host.wfir", "wfir 1 program h "+src)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(p); err != nil {
		t.Fatal(err)
	}
	return p
}

const steps = `param t1 = 10 param dt = 3
scalar dt { $0 = param f64 dt yield $0 }
scalar n { $0 = param f64 t1 $1 = scalar f64 dt $2 = div f64 $0, $1 $3 = floor f64 $2 yield $3 }
scalar last { $0 = param f64 t1 $1 = scalar f64 n $2 = scalar f64 dt $3 = mul f64 $1, $2 $4 = sub f64 $0, $3 yield $4 }
scalar c { $0 = const f64 0.5 $1 = scalar f64 dt $2 = mul f64 $0, $1 yield $2 }
scalar ok { $0 = scalar f64 dt $1 = const f64 4 $2 = lt bool $0, $1 yield $2 }
check ok WF0301 "step {dt} s is longer than 4 s {unknown} {"`

func TestEvalHost(t *testing.T) {
	p := host(t, steps)
	env, err := EvalHost(p, nil, nil)
	if err != nil || env["n"] != 3 || env["last"] != 1 || env["c"] != 1.5 || env["ok"] != 1 {
		t.Errorf("env %v, %v", env, err)
	}
	if f := EvalChecks(p, env); len(f) != 0 {
		t.Errorf("checks %v", f)
	}
	// The clipped last step: c follows dt.
	env, err = EvalHost(p, nil, []Bind{{"dt", "last"}})
	if err != nil || env["dt"] != 1 || env["c"] != 0.5 {
		t.Errorf("bound: %v, %v", env, err)
	}
	env, err = EvalHost(p, map[string]float64{"dt": 5.5}, nil)
	if err != nil || env["n"] != 1 || env["last"] != 4.5 {
		t.Errorf("dt = 5.5: %v, %v", env, err)
	}
	f := EvalChecks(p, env)
	if len(f) != 1 || f[0].Message != "step 5.5 s is longer than 4 s {unknown} {" || f[0].Code != "WF0301" {
		t.Errorf("checks %v", f)
	}
	if _, err := EvalHost(p, map[string]float64{"dx": 1}, nil); err == nil {
		t.Error("unknown parameter accepted")
	}
	if _, err := EvalHost(p, nil, []Bind{{"dt", "nope"}}); err == nil {
		t.Error("unknown bind accepted")
	}
}

func TestConvert(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		from, to Elem
		in, out  Val
	}{
		{F32, I32, Val{F: -2.9}, Val{I: -2}},
		{F64, I32, Val{F: 3e9}, Val{I: math.MaxInt32}},
		{F64, I32, Val{F: nan}, Val{}},
		{F64, I64, Val{F: -1e30}, Val{I: math.MinInt64}},
		{F64, I64, Val{F: 0x1p63}, Val{I: math.MaxInt64}},
		{I32, F32, Val{I: 1<<24 + 1}, Val{F: 1 << 24}},
		{I32, F16, Val{I: 2049}, Val{F: 2048}},
		{I32, F16, Val{I: 70000}, Val{F: math.Inf(1)}},
		{F64, F16, Val{F: 1 + 0x1p-11 + 0x1p-30}, Val{F: 1 + 0x1p-10}}, // through f32 it would be a tie, to 1
		{I64, I32, Val{I: 1<<32 + 5}, Val{I: 5}},
		{F32, Bool, Val{F: -0.5}, Val{I: 1}},
		{Bool, F32, Val{I: 1}, Val{F: 1}},
	} {
		if got := Convert(tc.from, tc.to, tc.in); got != tc.out {
			t.Errorf("cvt %s %v to %s = %v, want %v", tc.from, tc.in, tc.to, got, tc.out)
		}
	}
}

func TestMinimumMaximum(t *testing.T) {
	zero, neg := 0.0, math.Copysign(0, -1)
	if !math.Signbit(ieee.Minimum(zero, neg)) || !math.Signbit(ieee.Minimum(neg, zero)) || math.Signbit(ieee.Maximum(zero, neg)) || math.Signbit(ieee.Maximum(neg, zero)) {
		t.Error("-0 is below +0")
	}
	if x := ieee.Minimum(math.NaN(), 1); x == x {
		t.Error("minimum of NaN")
	}
	if x := ieee.Maximum(1, math.NaN()); x == x {
		t.Error("maximum of NaN")
	}
	if ieee.Minimum(2, 1) != 1 || ieee.Maximum(2, 1) != 2 || ieee.Maximum(1, 2) != 2 {
		t.Error("order")
	}
}

func TestBodyBuilder(t *testing.T) {
	var b BodyBuilder
	x := b.Read(F32, "@T", At("x", 1))
	y := b.Mul(b.Scalar(F32, "c"), x)
	if b.Mul(b.Scalar(F32, "c"), b.Read(F32, "@T", At("x", 1))) != y || b.Len() != 3 {
		t.Errorf("equal nodes are shared: %d nodes", b.Len())
	}
	if b.Read(F32, "@T", At("x", -1)) == x || b.Const(F32, 0) == b.Const(F32, math.Copysign(0, -1)) {
		t.Error("different nodes are not")
	}
	body := b.Body(y)
	var c BodyBuilder
	r := c.Import(&body, func(n Node) int {
		if n.Op == Scalar {
			return c.Const(n.Elem, 0.25)
		}
		return -1
	})
	got := c.Body(r...)
	if len(got.Nodes) != 3 || got.Nodes[1].Op != Const || got.Nodes[got.Results[0]].Op != Mul {
		t.Errorf("import: %+v", got)
	}
}
