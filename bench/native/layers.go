//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/bench/internal/args"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/cpu"
)

var elements = unit{name: "G elements/s", scale: 1e-9}

// layers are parts of a network whose bound is not the product of matrices: rows that are normalised, forward and backward, against the bytes
// that must move (x and the gradient are read, the result and the gradient of x written), and attention against the multiply-adds of its
// products for the pairs that the mask leaves, without the exponentials.
func layers(rows, tokens int) []kase {
	const width = 1024
	at := value("dx", half, third)
	const times = 16 // in a sample: it must outlast what a computer takes to wake up
	norm := program{name: "wfc", times: times, work: fixed(float64(rows * width)), check: at, text: fmt.Sprintf(`dim i = %d, d = %d
field x[i,d] = sin(0.37*i + 1.3*d)
field g[i,d] = cos(0.11*i + 0.7*d)
field y[i,d] = 0
field dx[i,d] = 0
evolve k in 0 .. 1 {
  let m[i] = (sum over d of x[i,d])/#d
  let c[i,d] = x[i,d] - m[i]
  let r[i] = 1/sqrt((sum over d of c[i,d]*c[i,d])/#d + 1e-5)
  y'[i,d] = c[i,d]*r[i]
  let a[i] = (sum over d of g[i,d])/#d
  let b[i] = (sum over d of g[i,d]*y'[i,d])/#d
  dx'[i,d] = r[i]*(g[i,d] - a[i] - y'[i,d]*b[i])
}
output y, dx at end
`, rows, width)}
	soft := program{name: "wfc", times: times, work: fixed(float64(rows * width)), check: at, text: fmt.Sprintf(`dim i = %d, d = %d
field x[i,d] = 5*sin(0.37*i + 1.3*d)
field g[i,d] = cos(0.11*i + 0.7*d)
field y[i,d] = 0
field dx[i,d] = 0
evolve k in 0 .. 1 {
  let m[i] = max over d of x[i,d]
  let e[i,d] = exp(x[i,d] - m[i])
  let s[i] = sum over d of e[i,d]
  y'[i,d] = e[i,d]/s[i]
  let a[i] = sum over d of g[i,d]*y'[i,d]
  dx'[i,d] = y'[i,d]*(g[i,d] - a[i])
}
output y, dx at end
`, rows, width)}
	const batch, heads, head = 4, 6, 64
	set := fmt.Sprintf("preset=char vocab=65 ctx=%d d=%d layers=1 heads=%d batch_size=%d", tokens, heads*head, heads, batch)
	torch := []string{"torch"}
	return []kase{
		{name: fmt.Sprintf("layer norm with its derivative, %d x %d", rows, width), unit: elements, tolerance: 1e-2, ours: []entry{norm.entry()},
			limits: []entry{copying(16)}, peers: []entry{inPython("PyTorch", "rows_torch.py", torch, "norm", rows, width)}},
		{name: fmt.Sprintf("softmax with its derivative, %d x %d", rows, width), unit: elements, tolerance: 1e-2, ours: []entry{soft.entry()},
			limits: []entry{copying(16)}, peers: []entry{inPython("PyTorch", "rows_torch.py", torch, "softmax", rows, width)}},
		{name: fmt.Sprintf("causal attention with its derivative, B = %d, %d heads of %d, T = %d", batch, heads, head, tokens), unit: flops,
			ours: []entry{kernels("wfc", "gpt2.wf", set, "tiles of a group", 14*head*batch*heads*float64(tokens)*float64(tokens+1)/2)}, limits: []entry{fma()},
			peers: []entry{inPython("PyTorch", "rows_torch.py", torch, "attention", batch, heads, tokens, head)},
			why: "FLOP are those of the seven products for the pairs that the mask leaves, 896 a pair; what tiles compute beside the diagonal counts nothing, and " +
				"the two exponentials of a pair, 23 vector instructions for 16 elements each, neither: they take the units as long as 92 FLOP more."},
	}
}

// timed are the kernels of one kind in a training step.
type timed struct {
	engine *cpu.Engine
	step   string
	code   string
	work   float64
}

// kernels opens a model of models/ for the kernels of a kind in its step, which do so much work together.
func kernels(name, file, set, code string, work float64) entry {
	return entry{name, func(*yard) (contestant, error) {
		src, err := wfc.ReadSource(filepath.Join("models", file))
		if err != nil {
			return nil, err
		}
		built, err := wfc.Build(src, wfc.BuildOptions{Set: args.Settings(set), IndexOnly: true})
		if err != nil {
			return nil, err
		}
		prep, err := runtime.Prepare(built.IR, runtime.Options{})
		if err != nil {
			return nil, err
		}
		e, err := cpu.New(built.IR, cpu.Options{Threads: *threads})
		if err != nil {
			return nil, err
		}
		if err := prep.Start(e, nil); err != nil {
			return nil, err
		}
		p := built.Plan
		text := ir.NewTensor(ir.I32, p.Batch, p.Context)
		for i, c := range letters(text.Len()) {
			text.I32[i] = int32(c-32) % int32(p.Vocab)
		}
		for _, array := range []string{p.Tokens, p.Targets} {
			if err := e.Set(array, text); err != nil {
				return nil, err
			}
		}
		e.Profile()
		return &timed{e, p.Step, code, work}, nil
	}}
}

func (t *timed) Sample() (sample, error) {
	before := t.seconds()
	_, err := t.engine.Run(context.Background(), t.step, 1)
	s := sample{t.seconds() - before, t.work, math.NaN()}
	if err == nil && s.Seconds <= 0 {
		err = fmt.Errorf("no kernel of the step is %q", t.code)
	}
	return s, err
}

func (t *timed) seconds() (s float64) {
	for _, k := range t.engine.Kernels() {
		if k.Kind == t.code {
			s += k.Time.Seconds()
		}
	}
	return s
}

func (t *timed) Close() error { return t.engine.Close() }
