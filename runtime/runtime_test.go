package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/runtime/npy"
)

// decay is u' = u*k over an axis of n points, n0 = x at the start, `count` steps of dt = 0.25.
func decay(n int, nodes bool) *ir.Program {
	host := func(name string, v float64) ir.HostDef {
		var b ir.BodyBuilder
		return ir.HostDef{Name: name, Body: b.Body(b.Const(ir.F64, v))}
	}
	param := func(name string) ir.HostDef {
		var b ir.BodyBuilder
		return ir.HostDef{Name: name, Body: b.Body(b.Param(name))}
	}
	dom := []ir.Range{{Index: "x", Axis: "g.x", Lo: 0, Hi: n}}
	box := []ir.Interval{{Lo: 0, Hi: n}}
	var b, c ir.BodyBuilder
	init := b.Body(b.Cvt(ir.F32, b.Coord(ir.F64, "x")))
	step := c.Body(c.Mul(c.Read(ir.F32, "@u", ir.At("x", 0)), c.Scalar(ir.F32, "k")))
	var ok ir.BodyBuilder
	return &ir.Program{
		Name:   "decay",
		Axes:   []ir.Axis{{Name: "g.x", N: n, Nodes: nodes, Lo: 0, H: 1, Unit: "m"}},
		Params: []ir.Param{{Name: "k", Value: 0.5}, {Name: "n", Value: float64(n), Shape: true}, {Name: "count", Value: 8}},
		Host: []ir.HostDef{param("k"), param("count"), host("t0", 0), host("dt", 0.25), host("two", 2), host("T", 0.6),
			{Name: "ok", Body: ok.Body(ok.Cvt(ir.F64, ok.Op(ir.Lt, ok.Param("k"), ok.Const(ir.F64, 1e30))))}},
		Checks: []ir.HostCheck{{Cond: "ok", Code: "WF0605", Message: "k = {k} is too large\nbecause", Pos: ir.Pos{Start: 6, End: 7}}},
		Arrays: []ir.Array{{Name: "u", Axes: []string{"g.x"}, Elem: ir.F32, Unit: "K", Pos: ir.Pos{Start: 0, End: 5}}},
		Funcs: []ir.Func{
			{Name: "init", Host: true, Ops: []ir.Op{{Kind: ir.Map, Results: []ir.Result{{Name: "a", Elem: ir.F32}}, Dom: dom, Pieces: []ir.Piece{{Box: box, Body: init}}}},
				Sets: []ir.Set{{Array: "u", Value: "%a"}}},
			{Name: "step", Ops: []ir.Op{{Kind: ir.Map, Results: []ir.Result{{Name: "a", Elem: ir.F32}}, Dom: dom, Pieces: []ir.Piece{{Box: box, Body: step}}}},
				Sets: []ir.Set{{Array: "u", Value: "%a"}}},
		},
		Schedule: []ir.Run{{Func: "init", Count: "two"}, {Func: "step", Count: "count", T0: "t0", DT: "dt"}},
	}
}

func mustRun(t *testing.T, p *ir.Program, opt Options) *Result {
	t.Helper()
	r, err := run(p, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(p *ir.Program, opt Options) (*Result, error) {
	e, err := interp.New(p)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	prep, err := Prepare(p, opt)
	if err != nil {
		return nil, err
	}
	return prep.Run(context.Background(), e)
}

func TestStepsTimeAndStatistics(t *testing.T) {
	p := decay(5, false)
	p.Probes = []ir.Probe{{Name: "mid", Array: "u", At: []float64{2}}}
	r := mustRun(t, p, Options{})
	// Cell centres 0.5 .. 4.5, halved 8 times.
	if r.Steps != 8 || r.Time != 2 {
		t.Errorf("steps %d, time %v", r.Steps, r.Time)
	}
	f := r.Fields["u"]
	if f.Min != 0.5/256 || f.Max != 4.5/256 || f.Sum != 12.5/256 || f.Mean != 2.5/256 {
		t.Errorf("cells: %+v", f)
	}
	if want := math.Sqrt(.25+2.25+6.25+12.25+20.25) / 256; math.Abs(float64(f.L2)-want) > 1e-15 {
		t.Errorf("l2 %v, want %v", f.L2, want)
	}
	if r.Probes["mid"] != 2.0/256 { // half way between cells 1.5 and 2.5
		t.Errorf("probe: %v", r.Probes["mid"])
	}
	// Nodes 0 .. 4; the interior is 1 .. 3.
	nodes := decay(5, true)
	var zero ir.BodyBuilder
	nodes.Arrays[0].BC = []ir.Boundary{{Axis: "g.x", Body: zero.Body(zero.Const(ir.F32, 0))}}
	r = mustRun(t, nodes, Options{Settings: Settings{"count": 0}})
	if f := r.Fields["u"]; f.Min != 1 || f.Max != 3 || f.Sum != 6 || r.Steps != 0 {
		t.Errorf("nodes: %+v", f)
	}
}

func TestOutputsEveryStepsAndSeconds(t *testing.T) {
	dir := t.TempDir()
	p := decay(4, false)
	all := []ir.Format{{Name: "npy"}, {Name: "npz"}, {Name: "vti"}, {Name: "png"}}
	p.Outputs = []ir.Output{{Arrays: []string{"u"}, Steps: "two", Formats: all}}
	r := mustRun(t, p, Options{OutDir: dir, Settings: Settings{"count": 5}})
	for _, s := range []string{"000000", "000002", "000004", "000005"} {
		for _, ext := range []string{"npy", "npz", "vti", "png"} {
			if _, err := os.Stat(filepath.Join(dir, "u_"+s+"."+ext)); err != nil {
				t.Error(err)
			}
		}
	}
	if len(r.Outputs) != 17 { // four times four, and u.pvd
		t.Errorf("%d outputs: %v", len(r.Outputs), r.Outputs)
	}
	a, err := npy.ReadFile(filepath.Join(dir, "u_000004.npy"))
	if err != nil || a.Float(3) != 3.5/16 {
		t.Errorf("%v %v", a, err)
	}
	pvd, _ := os.ReadFile(filepath.Join(dir, "u.pvd"))
	if !strings.Contains(string(pvd), `timestep="1.25" group="" part="0" file="u_000005.vti"`) || strings.Count(string(pvd), "<DataSet") != 4 {
		t.Errorf("%s", pvd)
	}

	// Every 0.6: steps of 0.25 reach 0.6, 1.2, 1.8 at steps 3, 5, 8.
	dir = t.TempDir()
	p.Outputs = []ir.Output{{Arrays: []string{"u"}, Seconds: "T", Formats: []ir.Format{{Name: "npy"}}}}
	mustRun(t, p, Options{OutDir: dir})
	got, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(got) != 4 {
		t.Errorf("%v", got)
	}
	for _, s := range []string{"0", "3", "5", "8"} {
		if _, err := os.Stat(filepath.Join(dir, "u_00000"+s+".npy")); err != nil {
			t.Error(err)
		}
	}

	// At the end, without number.
	dir = t.TempDir()
	p.Outputs = []ir.Output{{Arrays: []string{"u"}, Formats: []ir.Format{{Name: "vti"}}}}
	p.Probes = []ir.Probe{{Name: "a", Array: "u", At: []float64{0.5}, Steps: "two"}}
	r = mustRun(t, p, Options{OutDir: dir})
	if _, err := os.Stat(filepath.Join(dir, "u.vti")); err != nil {
		t.Error(err)
	}
	if len(r.Samples) != 5 || r.Samples[1].Value != 0.125 || r.Samples[1].Time != 0.5 {
		t.Errorf("samples: %v", r.Samples)
	}
	csv, _ := os.ReadFile(filepath.Join(dir, "probes.csv"))
	if !strings.HasPrefix(string(csv), "probe,step,time,value\na,0,0,0.5\na,2,0.5,0.125\n") {
		t.Errorf("%s", csv)
	}
}

func code(err error) string {
	if l, ok := err.(diag.List); ok && len(l) > 0 {
		return l[0].Code
	}
	return ""
}

func TestNaNStops(t *testing.T) {
	p := decay(4, false)
	file := diag.NewFile("d.wf", "field u\n")
	// 3.5 * (1e20)^2 overflows to infinity at step 2; infinity - infinity needs a NaN: multiply by 0 with k = inf is refused, so let
	// the factor be infinite in f32 and the first cell be 0.
	p.Axes[0].Lo = -0.5
	p.Checks = nil
	_, err := run(p, Options{Settings: Settings{"k": 1e39}, File: file})
	if code(err) != "WF0605" || !strings.Contains(err.Error(), "d.wf:1:1: error WF0605: u[0] is not a number after step 1") {
		t.Errorf("got %v", err)
	}
}

// A field that overflows ends the run although it is no NaN; one that is infinite from the start does not.
func TestInfinityStops(t *testing.T) {
	p := decay(4, false)
	p.Params[2].Value = 400
	_, err := run(p, Options{Settings: Settings{"k": 2}})
	if code(err) != "WF0605" || !strings.Contains(err.Error(), "u[1] is infinite after step 128") {
		t.Errorf("got %v", err)
	}
	p = decay(4, false)
	p.Axes[0].Lo = 1e40
	if _, err := run(p, Options{}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestChecksAndSettings(t *testing.T) {
	p := decay(4, false)
	_, err := run(p, Options{Settings: Settings{"k": 1e31}, File: diag.NewFile("d.wf", "param k = 1\n")})
	if l, ok := err.(diag.List); !ok || l[0].Message != "k = 1e+31 is too large" || len(l[0].Notes) != 1 || l[0].Primary.String() != "d.wf:1:7" {
		t.Errorf("got %v", err)
	}
	if err := CheckFrozen(p, Settings{"n": 4, "k": 3}, nil); err != nil {
		t.Errorf("the build's own value was refused: %v", err)
	}
	if err := CheckFrozen(p, Settings{"n": 8}, nil); code(err) != "WF0602" {
		t.Errorf("got %v", err)
	}
	p.Host[1].Body.Nodes[0] = ir.Node{Op: ir.Const, Elem: ir.F64, Imm: -3}
	if _, err := run(p, Options{}); code(err) != "WF0609" {
		t.Errorf("got %v", err)
	}
}

func TestDataFile(t *testing.T) {
	dir := t.TempDir()
	p := decay(3, false)
	p.Arrays[0].File = "u.npy"
	p.Funcs = p.Funcs[1:]
	p.Schedule = p.Schedule[1:]
	opt := Options{DataDir: dir, File: diag.NewFile("d.wf", "field u\n")}
	if _, err := run(p, opt); code(err) != "WF0604" || !strings.Contains(err.Error(), `file "u.npy" does not exist`) {
		t.Errorf("got %v", err)
	}
	x := ir.NewTensor(ir.F64, 3)
	copy(x.F64, []float64{1, 2, 4})
	if err := npy.WriteFile(filepath.Join(dir, "u.npy"), npy.FromTensor(x)); err != nil {
		t.Fatal(err)
	}
	if r := mustRun(t, p, opt); r.Fields["u"].Sum != 7.0/256 {
		t.Errorf("%+v", r.Fields)
	}
	x = ir.NewTensor(ir.F64, 4)
	if err := npy.WriteFile(filepath.Join(dir, "u.npy"), npy.FromTensor(x)); err != nil {
		t.Fatal(err)
	}
	if _, err := run(p, opt); code(err) != "WF0604" || !strings.Contains(err.Error(), "has shape [4], the field [3]") {
		t.Errorf("got %v", err)
	}
}

func TestOutputsThatCannotBe(t *testing.T) {
	p := decay(4, false)
	p.Arrays = append(p.Arrays, ir.Array{Name: "s", Elem: ir.F32})
	for _, f := range []string{"vti", "png", "gif"} {
		p.Outputs = []ir.Output{{Arrays: []string{"s"}, Formats: []ir.Format{{Name: f}}}}
		if _, err := run(p, Options{OutDir: t.TempDir()}); code(err) != "WF0608" {
			t.Errorf("%s of a number: %v", f, err)
		}
	}
	p.Outputs = []ir.Output{{Arrays: []string{"s"}, Formats: []ir.Format{{Name: "npy"}}}}
	mustRun(t, p, Options{OutDir: t.TempDir()})
}

// slow is an engine that cancels its context after some steps.
type slow struct {
	*interp.Machine
	steps  int
	cancel func()
}

func (s *slow) Run(ctx context.Context, fn string, n int) (int, error) {
	for range n {
		if s.steps--; s.steps == 0 {
			s.cancel()
		}
	}
	return s.Machine.Run(ctx, fn, n)
}

func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	p := decay(4, false)
	p.Outputs = []ir.Output{{Arrays: []string{"u"}, Steps: "two", Formats: []ir.Format{{Name: "vti"}}}}
	p.Probes = []ir.Probe{{Name: "mid", Array: "u", At: []float64{1}, Steps: "two"}}
	m, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	prep, err := Prepare(p, Options{Settings: Settings{"count": 1000}, OutDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := prep.Run(ctx, &slow{m, 10, cancel})
	if err != nil || !r.Interrupted || r.Steps < 10 || r.Steps >= 1000 {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "u_000010.vti")); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "probes.csv")); err != nil || !strings.Contains(string(b), "\nmid,6,") {
		t.Errorf("%v: the samples so far are\n%s", err, b)
	}
	b, err := os.ReadFile(filepath.Join(dir, "u.pvd"))
	if err != nil || !strings.Contains(string(b), "u_000010.vti") || !strings.HasSuffix(string(b), "</VTKFile>\n") {
		t.Errorf("%v %s", err, b)
	}
}

func TestResultJSON(t *testing.T) {
	r := mustRun(t, decay(3, false), Options{})
	r.Probes["nan"] = Number(math.NaN())
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Steps  int
		Time   float64
		Cycles *int
		Fields map[string]map[string]float64
		Probes map[string]*float64
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if v.Steps != 8 || v.Time != 2 || v.Cycles != nil || v.Fields["u"]["sum"] != 4.5/256 || v.Probes["nan"] != nil {
		t.Errorf("%s", b)
	}
}

func TestSampleAndInterior(t *testing.T) {
	axes := []ir.Axis{{N: 3, H: 1, Periodic: true}, {N: 2, H: 2, Nodes: true, Lo: 10}}
	x := ir.NewTensor(ir.F64, 3, 2)
	copy(x.F64, []float64{0, 1, 10, 11, 20, 21})
	for _, c := range []struct{ x, y, want float64 }{
		{0.5, 10, 0}, {1.5, 12, 11}, {1, 11, 5.5}, {0, 10, 10}, {3, 10, 10}, {2.5, 99, 21}, {2.5, -99, 20},
	} {
		p := places(axes, []float64{c.x, c.y})
		around := boxAround(p)
		part := ir.NewTensor(ir.F64, ir.Extents(around)...)
		ir.EachRow(around, 0, []int{2, 1}, func(off, at, n int) { copy(part.F64[at:at+n], x.F64[off:]) })
		for box, of := range map[*[]ir.Interval]*ir.Tensor{{{Hi: 3}, {Hi: 2}}: x, &around: part} {
			if got := sample(p, *box, of); math.Abs(got-c.want) > 1e-12 {
				t.Errorf("sample at %v, %v of %v: %v, want %v", c.x, c.y, *box, got, c.want)
			}
		}
	}
	uneven := ir.Axis{N: 3, H: 1, At: []float64{0, 0.125, 0.25, 0.5, 1, 2, 3}}
	for x, want := range map[float64]int{0: 0, 0.3: 0, 0.33: 1, 1.2: 1, 1.3: 2, 3: 2} {
		if got := nearest(uneven, x); got != want {
			t.Errorf("the point nearest to %v is %d, want %d", x, got, want)
		}
	}
	if s := statistics(axes, x); s.Sum != 63 {
		t.Errorf("an axis of two nodes counts whole: %+v", s)
	}
	line := []ir.Axis{{Name: "i", N: 6, Nodes: true}}
	six := &ir.Tensor{Elem: ir.F64, Dims: []int{6}, F64: x.F64}
	for want, a := range map[Number]*ir.Array{42: {BC: []ir.Boundary{{Axis: "i"}}}, 63: {BC: []ir.Boundary{{Axis: "j"}}}} {
		if s := statistics(bounded(line, a), six); s.Sum != want {
			t.Errorf("with conditions along %s the sum is %v, want %v", a.BC[0].Axis, s.Sum, want)
		}
	}
	big := ir.NewTensor(ir.F64, 3)
	copy(big.F64, []float64{1e16, 1, -1e16})
	if s := statistics([]ir.Axis{{N: 3}}, big); s.Sum != 1 {
		t.Errorf("compensation: %v", s.Sum)
	}
}

func TestLines(t *testing.T) {
	var b bytes.Buffer
	p := NewLines(&b, 0)
	p.Begin(10)
	p.At(5, 0.25)
	p.End()
	if !strings.HasPrefix(b.String(), "step 5 of 10 (50 %), t = 0.25, ") {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	p = NewLines(&b, time.Hour)
	p.Begin(10)
	p.At(5, 0.25)
	if b.Len() != 0 {
		t.Errorf("%q", b.String())
	}
}
