package tensor

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

type engine interface {
	Scalars(map[string]float64) error
	Set(string, *ir.Tensor) error
	Get(string) (*ir.Tensor, error)
	Run(context.Context, string, int) (int, error)
	Close() error
}

// The CPU trains models with the bits of the interpreter: every weight after three steps, in every precision that has bits of its own.
func TestCPUBits(t *testing.T) {
	for _, c := range []struct{ name, precision string }{{"window", "f32"}, {"mixer", "bf16"}, {"window", "bf16dot"}} {
		b, err := os.ReadFile("testdata/" + c.name + ".wf")
		if err != nil {
			t.Fatal(err)
		}
		p := buildText(t, c.name+".wf", string(b), map[string]string{"ctx": "8", "d": "8", "vocab": "8", "layers": "1", "batch_size": "2",
			"iterations": "10", "precision": c.precision})
		if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
			t.Fatal(err)
		}
		in, err := interp.New(p.IR)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := cpu.New(p.IR, cpu.Options{})
		if errors.Is(err, native.ErrNoToolchain) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer compiled.Close()
		data, err := interp.RunHost(p.IR, map[string]float64{"run.once": 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := ir.NewTensor(ir.I32, p.Plan.Batch, p.Plan.Context)
		for i := range x.I32 {
			x.I32[i] = int32(i * 5 % 8)
		}
		data[p.Plan.Tokens], data[p.Plan.Targets] = x, x
		for _, m := range []engine{in, compiled} {
			if err := m.Scalars(map[string]float64{"run.once": 1}); err != nil {
				t.Fatal(err)
			}
			for i := range p.IR.Arrays {
				if v := data[p.IR.Arrays[i].Name]; v != nil {
					if err := m.Set(p.IR.Arrays[i].Name, v); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := m.Run(context.Background(), p.Plan.Step, 3); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range p.Plan.Weights {
			a, err := in.Get(w.Array)
			if err != nil {
				t.Fatal(err)
			}
			g, err := compiled.Get(w.Array)
			if err != nil {
				t.Fatal(err)
			}
			for i := range a.F32 {
				if a.F32[i] != g.F32[i] {
					t.Fatalf("%s: %s[%d] is %v on the CPU, %v in the interpreter", c.name, w.Name, i, g.F32[i], a.F32[i])
				}
			}
		}
	}
}
