package adjoint

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

type site struct{ m wse.Machine }

func (s site) Extent() (int, int) { return s.m.Width, s.m.Height }
func (s site) MemoryBytes() int   { return s.m.MemBytes / 2 }

// Forward, backward through the checkpoints and the step of descent run on the wafer without the host, with the interpreter's bits.
func TestWafer(t *testing.T) {
	p := compile(t, "adjoint_heat.wf", "T", "misfit", map[string]string{"n": "24", "steps": "20"}, 0.7, 0)
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	ls, err := place.Layouts(p, site{m}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mp, err := tomesh.Lower(p, ls, tomesh.Options{StreamReceives: true})
	if err != nil {
		t.Fatal(err)
	}
	table, err := route.Assign(mp, codegen.Fabric{Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	if v := route.Deadlock(mp, 4); v.Kind != route.Free {
		t.Fatal(v)
	}
	code, err := codegen.Generate(mp, table, m, codegen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wse.Layout(code.Program, m); err != nil {
		t.Fatal(err)
	}
	f, err := fast.New(code.Program, m, sim.Options{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := host.On(p, mp, f)
	if err != nil {
		t.Fatal(err)
	}
	q := p.Clone() // with the reduction orders of the mesh
	for _, o := range mp.Orders {
		fn := q.Func(o.Func)
		for i := range fn.Ops {
			if fn.Ops[i].Kind == ir.Reduce && fn.Ops[i].Results[0].Name == o.Value {
				fn.Ops[i].Order = o.Order
			}
		}
	}
	in, err := interp.New(q)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	start(t, in, p)
	start(t, e, p)
	run(t, in, "descend", 3)
	run(t, e, "descend", 3)
	for _, a := range p.Arrays {
		x, y := get(t, in, a.Name), get(t, e, a.Name)
		for k := range x.Len() {
			if math.Float64bits(x.At(k)) != math.Float64bits(y.At(k)) {
				t.Errorf("%s[%d]: interpreter %g, wafer %g", a.Name, k, x.At(k), y.At(k))
				break
			}
		}
	}
	cycles, _ := e.Cycles()
	t.Logf("%d x %d PEs, %d cycles", mp.W, mp.H, cycles)
}
