package train

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// alone leaves of a training program what its step needs.
func alone(p *ir.Program, step string) *ir.Program {
	q := p.Clone()
	keep := map[string]bool{step: true}
	for i := range q.Procs {
		if q.Procs[i].Name == step {
			ir.Walk(q.Procs[i].Body, func(s *ir.Stmt) { keep[s.Func] = true })
		}
	}
	var funcs []ir.Func
	used := map[string]bool{}
	use := func(name string) {
		if name != "" && name[0] == '@' {
			used[name[1:]] = true
		}
	}
	for i := range q.Funcs {
		f := &q.Funcs[i]
		if f.Host || !keep[f.Name] {
			continue
		}
		funcs = append(funcs, *f)
		for j := range f.Ops {
			use(f.Ops[j].From)
		}
		f.Bodies(func(_ *ir.Op, _ *ir.Piece, b *ir.Body) {
			for k := range b.Nodes {
				if b.Nodes[k].Op == ir.Read {
					use(b.Nodes[k].Name)
				}
			}
		})
		for _, s := range f.Sets {
			use("@" + s.Array)
			use(s.Value)
		}
	}
	var arrays []ir.Array
	for _, a := range q.Arrays {
		if used[a.Name] {
			arrays = append(arrays, a)
		}
	}
	q.Funcs, q.Arrays, q.Schedule, q.Outputs, q.Probes = funcs, arrays, nil, nil, nil
	return q
}

// Three training steps of models as they are written in the language - embedding, products, attention, cross-entropy, gradients, clipping by
// the norm, AdamW, schedule - on the wafer: one program, no host between the first token and the last weight, every array with the bits of
// the interpreter. The perceptron fits the machine as it is; GPT-2 laid out like this needs PEs with more memory, see TestMicroModelOnWafer.
func TestModelOnWafer(t *testing.T) {
	for _, c := range []struct {
		profile, model, x, y string
		memory               int
		set                  map[string]string
	}{
		{"wse2", "mlp.wf", "f", "d", 0, map[string]string{"ctx": "2", "batch_size": "1", "width": "2", "iterations": "20"}},
		{"wse3", "mlp.wf", "f", "d", 0, map[string]string{"ctx": "2", "batch_size": "1", "width": "2", "iterations": "20"}},
		{"wse2", "gpt2.wf", "e", "d", 4 << 20, map[string]string{"ctx": "3", "batch_size": "2"}},
	} {
		t.Run(c.profile+"_"+c.model, func(t *testing.T) {
			src, err := wfc.ReadSource(filepath.Join("..", "..", "models", c.model))
			if err != nil {
				t.Fatal(err)
			}
			built, err := wfc.Build(src, wfc.BuildOptions{Set: c.set, IndexOnly: true})
			if err != nil && built == nil {
				t.Fatal(err)
			}
			env, err := ir.EvalHost(built.IR, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			data, err := interp.RunHost(built.IR, env, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := alone(built.IR, built.Plan.Step)
			m, err := wse.Profile(c.profile)
			if err != nil {
				t.Fatal(err)
			}
			if c.memory > 0 {
				m.MemBytes = c.memory
			}
			w, err := toWafer(p, layouts(p, c.x, c.y), m)
			if err != nil {
				t.Fatal(err)
			}
			in, err := interp.New(w.replay())
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			f, err := fast.New(w.code, m, sim.Options{}, -1)
			if err != nil {
				t.Fatal(err)
			}
			e, err := host.On(p, w.mesh, f)
			if err != nil {
				t.Fatal(err)
			}
			x, y := tokens()
			for i := range data["tokens"].I32 {
				data["tokens"].I32[i], data["next"].I32[i] = x[i], y[i]
			}
			for _, to := range []machine{in, e} {
				if err := to.Scalars(env); err != nil {
					t.Fatal(err)
				}
				for _, a := range p.Arrays {
					if err := to.Set(a.Name, data[a.Name]); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := 0.0
			for i := range 3 {
				start := time.Now()
				run(t, in, built.Plan.Step)
				run(t, e, built.Plan.Step)
				cycles, _ := e.Cycles()
				loss := get(t, e, "loss").At(0)
				t.Logf("step %d: loss %.6f, %d x %d PEs, %d B of the fullest, %d cycles so far, %v", i, loss, w.mesh.W, w.mesh.H, w.need, cycles, time.Since(start))
				same(t, p, in, e)
				if i > 0 && loss >= before {
					t.Errorf("the loss went from %g to %g", before, loss)
				}
				before = loss
			}
		})
	}
}
