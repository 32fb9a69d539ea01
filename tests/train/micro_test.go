package train

import (
	"context"
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

// The whole micro model as users build it - loss, logits, gradients, clipping, AdamW of both layers in one .wfx - on more than 64 PEs as they
// are: 49,152 bytes of code and data. A step is one launch: what the host writes are the tokens before it. Every array has the bits of the
// interpreter with the orders of the .wfx. With -soak on both machines and with more tokens.
func TestMicroModelOnWafer(t *testing.T) {
	type size struct {
		profile, batch, ctx string
		how                 wfc.Products
	}
	sizes := []size{{"wse2", "1", "32", wfc.ProductsMoved}}
	if *soak {
		sizes = append(sizes, size{"wse2", "2", "32", wfc.ProductsMoved}, size{"wse3", "2", "32", wfc.ProductsMoved}, size{"wse2", "2", "2", wfc.ProductsSUMMA}, size{"wse3", "2", "2", wfc.ProductsSUMMA},
			size{"wse2", "1", "4", wfc.ProductsSUMMA}, size{"wse3", "1", "4", wfc.ProductsSUMMA})
	}
	src, err := wfc.ReadSource(filepath.Join("..", "..", "models", "gpt2.wf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range sizes {
		t.Run(c.profile+"_"+c.batch+"_"+c.ctx, func(t *testing.T) {
			start := time.Now()
			built, err := wfc.Build(src, wfc.BuildOptions{Machine: c.profile, Products: c.how,
				Set: map[string]string{"preset": "micro", "batch_size": c.batch, "ctx": c.ctx}})
			if err != nil {
				t.Fatal(err)
			}
			if built.Refusal != nil {
				t.Fatal(built.Refusal)
			}
			took := time.Since(start)
			file := filepath.Join(t.TempDir(), "micro.wfx")
			if err := built.WriteFile(file); err != nil {
				t.Fatal(err)
			}
			p, err := wfc.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := wse.Profile(c.profile)
			if err != nil {
				t.Fatal(err)
			}
			if m.MemBytes != 49152 || p.Mesh.W*p.Mesh.H < 64 {
				t.Errorf("%d x %d PEs of %d bytes", p.Mesh.W, p.Mesh.H, m.MemBytes)
			}
			if err := wse.Check(p.Code, m); err != nil {
				t.Fatal(err)
			}
			e, in, data := microEngines(t, p, m)
			defer in.Close()
			x, y := tokens()
			before := 0.0
			for i := range 2 {
				copy(data["tokens"].I32, x[i*len(data["tokens"].I32):])
				copy(data["next"].I32, y[i*len(data["next"].I32):])
				for _, to := range []machine{in, e} {
					for _, name := range []string{"tokens", "next"} {
						if err := to.Set(name, data[name]); err != nil {
							t.Fatal(err)
						}
					}
				}
				run(t, in, built.Plan.Step)
				busy, _ := e.Cycles()
				run(t, e, built.Plan.Step)
				cycles, _ := e.Cycles()
				loss := get(t, e, "loss").At(0)
				t.Logf("step %d: loss %.6f, %d x %d PEs, %d cycles; built in %v", i, loss, p.Mesh.W, p.Mesh.H, cycles-busy, took)
				same(t, p.IR, in, e)
				if before == loss {
					t.Errorf("the loss of two batches is %g", loss)
				}
				before = loss
			}
			// What the host transfers, the same tokens each time, does not depend on how many steps a launch makes.
			var transfers [3]int64
			for n := range transfers {
				if err := e.Set("tokens", data["tokens"]); err != nil {
					t.Fatal(err)
				}
				_, was := e.Cycles()
				if _, err := e.Run(context.Background(), built.Plan.Step, max(1, n)); err != nil {
					t.Fatal(err)
				}
				_, is := e.Cycles()
				transfers[n] = is - was
			}
			if transfers[1] != transfers[2] {
				t.Errorf("the host transfers data for %d cycles in one step and for %d in two", transfers[1], transfers[2])
			}
		})
	}
}

// microEngines loads a training program into the simulator and the interpreter.
func microEngines(t *testing.T, p *wfc.Program, m wse.Machine) (*host.Engine, *interp.Machine, map[string]*ir.Tensor) {
	t.Helper()
	env, err := ir.EvalHost(p.IR, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := interp.RunHost(p.IR, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := p.IR.Clone()
	if err := wfc.ReplayOrders(q, p.Mesh); err != nil {
		t.Fatal(err)
	}
	in, err := interp.New(q)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fast.New(p.Code, m, sim.Options{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := host.On(p.IR, p.Mesh, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []machine{in, e} {
		if err := to.Scalars(env); err != nil {
			t.Fatal(err)
		}
		for _, a := range p.IR.Arrays {
			x := data[a.Name]
			if x == nil {
				x = ir.NewTensor(a.Elem, p.IR.Shape(&a)...)
				data[a.Name] = x
			}
			if err := to.Set(a.Name, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	return e, in, data
}
