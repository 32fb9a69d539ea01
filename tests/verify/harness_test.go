package verify

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// fields is what a program leaves: its arrays, and where and in which type they were computed.
type fields struct {
	t      testing.TB
	target wfc.Target
	elem   string // "f64" or "f32", of the runs of each; "" for solve
	res    *wfc.Result
}

// array finds a field by its name in the source.
func (f fields) array(name string) *ir.Tensor {
	f.t.Helper()
	a := f.res.Arrays[name]
	if a == nil {
		f.t.Fatalf("the program has no field %s", name)
	}
	return a
}

// at is the value at a position, one index per axis in the order of the grid.
func (f fields) at(name string, idx ...int) float64 {
	f.t.Helper()
	a := f.array(name)
	ext := a.Dims
	if len(idx) != len(ext) {
		f.t.Fatalf("%s has %d axes", name, len(ext))
	}
	k := 0
	for d, i := range idx {
		k = k*ext[d] + i
	}
	return a.At(k)
}

// flat is element k in row-major order.
func (f fields) flat(name string, k int) float64 { return f.array(name).At(k) }

// hasLLVM says whether the computer has an LLVM.
func hasLLVM() bool {
	_, err := native.Find("")
	return err == nil
}

// hostTargets are the targets that compute in f64.
func hostTargets(t testing.TB) []wfc.Target {
	if hasLLVM() {
		return []wfc.Target{wfc.Interp, wfc.CPU}
	}
	t.Log("no LLVM: interpreter only")
	return []wfc.Target{wfc.Interp}
}

// fastest is the target for measurements that need large grids. It computes the interpreter's bits.
func fastest(t testing.TB) wfc.Target {
	h := hostTargets(t)
	return h[len(h)-1]
}

// build compiles a source for a mesh of at most w by h PEs, or to index IR only when w is 0.
func build(t testing.TB, src wfc.Source, set map[string]string, machine string, w, h int) *wfc.Program {
	t.Helper()
	if src.Name == "" {
		src.Name = "case.wf"
	}
	p, err := wfc.Build(src, wfc.BuildOptions{Set: set, Machine: machine, MeshW: w, MeshH: h, IndexOnly: w == 0})
	if err != nil {
		t.Fatalf("build: %v\n%s", err, src.Text)
	}
	if p.Refusal != nil {
		t.Fatalf("refused: %v\n%s", p.Refusal, src.Text)
	}
	return p
}

// run runs a compiled program. Programs built for the wafer reduce in its order everywhere.
func run(t testing.TB, p *wfc.Program, target wfc.Target) fields {
	t.Helper()
	opt := wfc.RunOptions{Target: target}
	if p.Mesh != nil && target != wfc.Wafer {
		opt.Order = p
	}
	res, err := p.Run(context.Background(), opt)
	if err != nil {
		t.Fatalf("%s: %v\n%s", target, err, p.Source.Text)
	}
	return fields{t: t, target: target, res: res}
}

// solve builds and runs a program. The wafer is at most 16 x 16 PEs.
func solve(t testing.TB, target wfc.Target, src string, set map[string]string) fields {
	t.Helper()
	w := 0
	if target == wfc.Wafer {
		w = 16
	}
	return run(t, build(t, wfc.Source{Text: src}, set, "", w, w), target)
}

// each runs a program in f64 on the host targets and in f32 on all three, where the bits must be the interpreter's. The source has
// one %s, for the type.
func each(t *testing.T, src string, f func(*testing.T, fields)) {
	t.Helper()
	for _, target := range hostTargets(t) {
		t.Run("f64/"+string(target), func(t *testing.T) {
			got := solve(t, target, fmt.Sprintf(src, "f64"), nil)
			got.t, got.elem = t, "f64"
			f(t, got)
		})
	}
	p := build(t, wfc.Source{Text: fmt.Sprintf(src, "f32")}, nil, "", 16, 16)
	want := run(t, p, wfc.Interp)
	for _, target := range append(hostTargets(t), wfc.Wafer) {
		t.Run("f32/"+string(target), func(t *testing.T) {
			got := run(t, p, target)
			got.t, got.elem = t, "f32"
			same(t, got, want)
			f(t, got)
		})
	}
}

// same fails unless the arrays of two runs are equal bit for bit.
func same(t *testing.T, got, want fields) {
	t.Helper()
	if len(got.res.Arrays) != len(want.res.Arrays) || len(want.res.Arrays) == 0 {
		t.Fatalf("%d arrays on %s, %d on %s", len(got.res.Arrays), got.target, len(want.res.Arrays), want.target)
	}
	for name, a := range want.res.Arrays {
		b := got.res.Arrays[name]
		if b == nil || b.Len() != a.Len() {
			t.Fatalf("%s: no %s, or of another size", got.target, name)
		}
		for k := 0; k < a.Len(); k++ {
			if x, y := a.At(k), b.At(k); math.Float64bits(x) != math.Float64bits(y) && !(x != x && y != y) {
				t.Fatalf("%s[%d] is %v on %s and %v on %s", name, k, y, got.target, x, want.target)
			}
		}
	}
}

// onAll runs a program, built for machine with at most w by h PEs, on all targets and checks that they agree bit for bit. It
// returns the interpreter's fields.
func onAll(t *testing.T, src wfc.Source, set map[string]string, machine string, w, h int) fields {
	t.Helper()
	p := build(t, src, set, machine, w, h)
	want := run(t, p, wfc.Interp)
	for _, target := range append(hostTargets(t)[1:], wfc.Wafer) {
		same(t, run(t, p, target), want)
	}
	return want
}

// order checks the observed orders of convergence of errors measured at sizes that double.
func order(t *testing.T, what string, errs []float64, nominal, tol float64) {
	t.Helper()
	for i := 1; i < len(errs); i++ {
		o := math.Log2(errs[i-1] / errs[i])
		t.Logf("%s: errors %.3e, %.3e, order %.3f", what, errs[i-1], errs[i], o)
		if !(math.Abs(o-nominal) <= tol) {
			t.Errorf("%s: observed order %.3f, want %g +- %g", what, o, nominal, tol)
		}
	}
}
