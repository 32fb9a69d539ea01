package train

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// layouts puts one point of axis x on every PE of a row and one of axis y on every PE of a column; the others stay in memory.
func layouts(p *ir.Program, x, y string) []mesh.Layout {
	var ls []mesh.Layout
	for _, a := range p.Axes {
		l := mesh.Layout{Axis: a.Name, Dim: mesh.Mem, N: a.N, Parts: 1, Periodic: a.Periodic}
		switch a.Name {
		case x:
			l.Dim, l.Parts = mesh.X, a.N
		case y:
			l.Dim, l.Parts = mesh.Y, a.N
		}
		ls = append(ls, l)
	}
	return ls
}

// wafer is a training step taken to machine code.
type wafer struct {
	p    *ir.Program
	mesh *mesh.Program
	code *wse.Program
	m    wse.Machine
	need int // bytes of the fullest PE
}

func toWafer(p *ir.Program, ls []mesh.Layout, m wse.Machine) (*wafer, error) {
	mp, err := tomesh.Lower(p, ls, tomesh.Options{StreamReceives: true})
	if err != nil {
		return nil, fmt.Errorf("lowering: %w", err)
	}
	if err := mesh.Verify(mp); err != nil {
		return nil, fmt.Errorf("mesh: %w", err)
	}
	table, err := route.Assign(mp, codegen.Fabric{Machine: m})
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	if v := route.Deadlock(mp, 4); v.Kind != route.Free {
		return nil, fmt.Errorf("network: %v", v)
	}
	code, err := codegen.Generate(mp, table, m, codegen.Options{})
	if err != nil {
		return nil, fmt.Errorf("code: %w", err)
	}
	w := &wafer{p: p, mesh: mp, code: code.Program, m: m}
	classes, err := wse.Layout(code.Program, m)
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	for _, c := range classes {
		w.need = max(w.need, c.Used())
	}
	return w, nil
}

// replay is the program with the reduction orders of the mesh: what interp --order runs.
func (w *wafer) replay() *ir.Program {
	q := w.p.Clone()
	for _, o := range w.mesh.Orders {
		f := q.Func(o.Func)
		for i := range f.Ops {
			if f.Ops[i].Kind == ir.Reduce && f.Ops[i].Results[0].Name == o.Value {
				f.Ops[i].Order = o.Order
			}
		}
	}
	return q
}

// meshStep is a training step of an anchor cut for the mesh: the elements of a head along x, the batch along y.
func meshStep(t testing.TB, a *anchor, bs, ctx int) (*ir.Program, []weight) {
	t.Helper()
	hd := a.wide / a.heads
	p, ws := gpt(a, bs, ctx, ir.F32, shape{ffn: "e f", vocab: "e v", slots: (vocab + hd - 1) / hd * hd, grouped: true})
	if err := adamw(p, trained(ws), false); err != nil {
		t.Fatal(err)
	}
	p.Funcs = p.Funcs[1:] // the step alone
	seen := func(name string) bool { return name == "logits" || name == "tokloss" }
	f := p.Func("step")
	f.Sets = slices.DeleteFunc(f.Sets, func(s ir.Set) bool { return seen(s.Array) })
	p.Arrays = slices.DeleteFunc(p.Arrays, func(a ir.Array) bool { return seen(a.Name) })
	if err := passes.Run(p, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	return p, ws
}

// same compares every array of two machines, bit for bit.
func same(t testing.TB, p *ir.Program, want, got machine) {
	t.Helper()
	for _, arr := range p.Arrays {
		x, y := get(t, want, arr.Name), get(t, got, arr.Name)
		for k := range x.Len() {
			if math.Float64bits(x.At(k)) != math.Float64bits(y.At(k)) {
				t.Errorf("%s[%d]: interpreter %v, wafer %v", arr.Name, k, x.At(k), y.At(k))
				break
			}
		}
	}
}

// One training step of a transformer - forward, backward, AdamW - on simulated PEs, without the host between the first token and the last
// weight: every tensor has the bits of the interpreter with the mesh's reduction orders, and the loss that of the program that was not
// cut for the mesh. The whole micro anchor but for its number of tokens, both layers, fits the machine as it is, on 16 x 32 PEs with the
// elements of a head along x and the channels along y: the layers and their transposes share code (package compact). With the batch along
// y every PE holds whole weights, and the machine of those cases has more memory.
func TestWaferStep(t *testing.T) {
	for _, c := range []struct {
		layers, heads, wide, batch, ctx int
		y                               string
		memory                          int // 0: what the machine has
	}{{1, 2, 32, 1, 2, "chan", 0}, {1, 2, 8, 16, 2, "batch", 128 << 10}, {2, 2, 32, 4, 2, "batch", 256 << 10}, {2, 2, 32, 2, 4, "chan", 0}} {
		a := anchor{name: "cut", layers: c.layers, heads: c.heads, wide: c.wide}
		t.Run(fmt.Sprintf("%d_%d_%s", c.layers, c.wide, c.y), func(t *testing.T) {
			p, ws := meshStep(t, &a, c.batch, c.ctx)
			w, e, in := onWafer(t, p, &a, ws, c.y, c.memory)
			defer in.Close()
			run(t, in, "step")
			start := time.Now()
			run(t, e, "step")
			cycles, _ := e.Cycles()
			t.Logf("%d x %d PEs, %d B of the fullest, %d cycles, simulated in %v", w.mesh.W, w.mesh.H, w.need, cycles, time.Since(start))
			same(t, p, in, e)

			q, wq := gpt(&a, c.batch, c.ctx, ir.F32, whole)
			if err := passes.Run(q, &passes.Config{}); err != nil {
				t.Fatal(err)
			}
			plain, err := interp.New(q)
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			load(t, plain, q, state(q, &a, wq))
			run(t, plain, "loss")
			near(t, "loss", get(t, e, "loss").At(0), get(t, plain, "loss").At(0), 1e-5)
		})
	}
}

// onWafer builds a step for the mesh and loads it into the simulator and the interpreter.
func onWafer(t *testing.T, p *ir.Program, a *anchor, ws []weight, y string, memory int) (*wafer, *host.Engine, *interp.Machine) {
	t.Helper()
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	if memory > 0 {
		m.MemBytes = memory
	}
	w, err := toWafer(p, layouts(p, "hd", y), m)
	if err != nil {
		t.Fatal(err)
	}
	in, err := interp.New(w.replay())
	if err != nil {
		t.Fatal(err)
	}
	f, err := fast.New(w.code, m, sim.Options{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := host.On(p, w.mesh, f)
	if err != nil {
		t.Fatal(err)
	}
	s := state(p, a, ws)
	load(t, in, p, s)
	load(t, e, p, s)
	return w, e, in
}

var soak = flag.Bool("soak", false, "run the anchors with all their tokens on the simulator")

// TestWaferAnchor is the anchors as they are, 4 times 64 tokens, on simulated PEs: the losses of llm.c within 1e-5, the bits of the
// interpreter. The activations of 256 tokens do not fit PEs of 48 kB: these have 8 MiB. The scores of all heads and sequences of tiny would
// be arrays of 65536 elements, beyond the 16 bits of descriptors, so its sequences are cut instead of its channels.
func TestWaferAnchor(t *testing.T) {
	if !*soak {
		t.Skip("takes minutes; -soak runs it")
	}
	for _, c := range []struct {
		a     *anchor
		y     string
		steps int
	}{{&micro, "chan", 2}, {&tiny, "batch", 1}} {
		t.Run(c.a.name, func(t *testing.T) {
			p, ws := meshStep(t, c.a, batch, context_)
			w, e, in := onWafer(t, p, c.a, ws, c.y, 8<<20)
			defer in.Close()
			for i := range c.steps {
				start := time.Now()
				run(t, e, "step")
				took := time.Since(start)
				run(t, in, "step")
				cycles, _ := e.Cycles()
				loss := get(t, e, "loss").At(0)
				t.Logf("step %d: loss %.7f, %d x %d PEs, %d B of the fullest, %d cycles so far, simulated in %v", i, loss, w.mesh.W, w.mesh.H, w.need,
					cycles, took)
				near(t, "loss", loss, c.a.losses[i], 1e-5)
				same(t, p, in, e)
			}
		})
	}
}
