package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// machine is what the engines share.
type machine interface {
	Scalars(env map[string]float64) error
	Set(array string, t *ir.Tensor) error
	Get(array string) (*ir.Tensor, error)
	Run(ctx context.Context, fn string, n int) (int, error)
	Close() error
}

// state is the initial contents of the arrays: generated weights, and the batch as far as it fits.
func state(p *ir.Program, a *anchor, ws []weight) map[string]*ir.Tensor {
	out := map[string]*ir.Tensor{}
	for i := range p.Arrays {
		out[p.Arrays[i].Name] = ir.NewTensor(p.Arrays[i].Elem, p.Shape(&p.Arrays[i])...)
	}
	init := a.weights()
	for _, w := range ws {
		if w.in.group != "" {
			w.load(p, out[w.in.group], init)
			continue
		}
		t := out[w.name]
		for k := range t.Len() {
			if t.F64 != nil {
				t.F64[k] = float64(init[w.from][w.offset+k])
			} else {
				t.F32[k] = init[w.from][w.offset+k]
			}
		}
	}
	x, y := tokens()
	rows, ctx := out["tok"].Dims[0], out["tok"].Dims[1]
	for b := range rows {
		copy(out["tok"].I32[b*ctx:(b+1)*ctx], x[b%batch*context_:])
		copy(out["next"].I32[b*ctx:(b+1)*ctx], y[b%batch*context_:])
	}
	for _, k := range []string{"b1t", "b2t"} {
		if t := out[k]; t != nil && t.F32 != nil {
			t.F32[0] = 1
		}
	}
	return out
}

// trained lists the arrays that hold the weights.
func trained(ws []weight) (out []string) {
	for _, w := range ws {
		name := w.name
		if w.in.group != "" {
			name = w.in.group
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func load(t testing.TB, m machine, p *ir.Program, s map[string]*ir.Tensor) {
	t.Helper()
	if err := m.Scalars(map[string]float64{}); err != nil {
		t.Fatal(err)
	}
	for i := range p.Arrays {
		if x := s[p.Arrays[i].Name]; x != nil {
			if err := m.Set(p.Arrays[i].Name, x); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func get(t testing.TB, m machine, name string) *ir.Tensor {
	t.Helper()
	x, err := m.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func run(t testing.TB, m machine, fn string) {
	t.Helper()
	if _, err := m.Run(context.Background(), fn, 1); err != nil {
		t.Fatal(err)
	}
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: %.7f, want %.7f", what, got, want)
	}
}

// norms returns the norm of every tensor of llm.c's gradient, and of all.
func norms(t testing.TB, m machine, ws []weight) (map[string]float64, float64) {
	sq, all := map[string]float64{}, 0.0
	for _, w := range ws {
		g := get(t, m, "g."+w.name)
		for k := range g.Len() {
			sq[w.from] += g.At(k) * g.At(k)
			all += g.At(k) * g.At(k)
		}
	}
	for k := range sq {
		sq[k] = math.Sqrt(sq[k])
	}
	return sq, math.Sqrt(all)
}

// canonical builds the training step of an anchor.
func canonical(t testing.TB, a *anchor, bs, ctx int, sh shape) (*ir.Program, []weight) {
	t.Helper()
	p, ws := gpt(a, bs, ctx, ir.F32, sh)
	if err := adamw(p, trained(ws), true); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := passes.Run(p, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d operations, passes %v", a.name, len(p.Func("step").Ops), time.Since(start))
	return p, ws
}

// compare runs ten steps and compares everything that was measured.
func compare(t *testing.T, m machine, a *anchor, ws []weight) {
	for i := range 10 {
		start := time.Now()
		run(t, m, "step")
		loss := get(t, m, "loss").At(0)
		near(t, "loss of step", loss, a.losses[i], 1e-5)
		by, all := norms(t, m, ws)
		if i < len(a.globalNorms) {
			near(t, "norm of the gradient", all, a.globalNorms[i], 2e-6*(1+a.globalNorms[i])*float64(1+i*i))
		}
		t.Logf("step %d: %.7f (%v)", i, loss, time.Since(start))
		if i > 0 {
			continue
		}
		for _, name := range tensors {
			near(t, "norm of the gradient of "+name, by[name], a.norms[name], 2e-6*(1+a.norms[name]))
		}
		for k := range 4 {
			near(t, "logit", get(t, m, "logits").At(k), a.logits[k], 1e-6)
			near(t, "loss of a token", get(t, m, "tokloss").At(k), a.tokenLosses[k], 2e-6)
		}
	}
}

func TestAnchorInterpreter(t *testing.T) {
	p, ws := canonical(t, &micro, batch, context_, whole)
	m, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	load(t, m, p, state(p, &micro, ws))
	compare(t, m, &micro, ws)
}

func TestAnchorCPU(t *testing.T) {
	for _, a := range []*anchor{&micro, &tiny} {
		t.Run(a.name, func(t *testing.T) {
			p, ws := canonical(t, a, batch, context_, whole)
			start := time.Now()
			m, err := cpu.New(p, cpu.Options{})
			if errors.Is(err, native.ErrNoToolchain) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			t.Logf("compiled in %v", time.Since(start))
			load(t, m, p, state(p, a, ws))
			compare(t, m, a, ws)
		})
	}
}
