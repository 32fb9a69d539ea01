package collective_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

func profile(t testing.TB, name string) wse.Machine {
	t.Helper()
	m, err := wse.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// simulate runs a program of package collective on random vectors and returns its cycles, what the parts held and what they hold after.
func simulate(t testing.TB, p *mesh.Program, m wse.Machine) (cycles int64, before, after [][]float32) {
	t.Helper()
	if err := mesh.Verify(p); err != nil {
		t.Fatalf("%v\n%s", err, mesh.Print(p))
	}
	q, err := mesh.Parse("p.mesh", mesh.Print(p))
	if err != nil || !mesh.Equal(p, q) {
		t.Fatalf("text form: %v", err)
	}
	table, err := route.Assign(p, codegen.Fabric{Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range route.Check(p, table) {
		t.Fatal(e)
	}
	if v := route.Deadlock(p, 3); v.Kind != route.Free {
		t.Fatal(v)
	}
	out, err := codegen.Generate(p, table, m, codegen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(out.Program, m, sim.Options{MaxCycles: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	n := p.Arrays[0].Len
	r := rand.New(rand.NewPCG(1, uint64(n)))
	bits := make([]uint32, n)
	for y := range p.H {
		for x := range p.W {
			v := make([]float32, n)
			for i := range v {
				v[i] = float32(r.NormFloat64())
				bits[i] = math.Float32bits(v[i])
			}
			before = append(before, v)
			if err := s.WriteArray(x, y, collective.Vector, 0, bits); err != nil {
				t.Fatal(err)
			}
		}
	}
	st, err := s.Launch(context.Background(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for y := range p.H {
		for x := range p.W {
			if err := s.ReadArray(x, y, collective.Vector, 0, bits); err != nil {
				t.Fatal(err)
			}
			v := make([]float32, n)
			for i := range v {
				v[i] = math.Float32frombits(bits[i])
			}
			after = append(after, v)
		}
	}
	return st.Cycles, before, after
}

// want combines in the order of the tree, as interpreter and CPU do.
func want(t collective.Tree, before [][]float32) []float32 {
	acc := make([][]float32, len(before))
	for k := range acc {
		acc[k] = append([]float32{}, before[k]...)
	}
	t.Each(func(into, from int) {
		for i := range acc[into] {
			acc[into][i] += acc[from][i]
		}
	})
	return acc[0]
}

func sameVector(t testing.TB, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

// trees are those of the given kinds that run within the machine's queues and colors.
func trees(parts int, lim collective.Limits) map[string]collective.Tree {
	out := map[string]collective.Tree{}
	for name, f := range map[string]func(string, int) collective.Tree{"star": collective.Star, "chain": collective.Chain,
		"tree": collective.Binary, "two-phase": collective.TwoPhase} {
		t := f("x", parts)
		if q, c := collective.Uses(t, false); q <= lim.Queues && c <= lim.Colors {
			out[name] = t
		}
	}
	return out
}

func limits(m wse.Machine) collective.Limits {
	return collective.Limits{Queues: len(m.UsableIn()), Colors: m.UsableColors}
}

// Every tree gives, bit for bit, what its order says.
func TestReductionsCombineInTheirOrder(t *testing.T) {
	m := profile(t, "wse2")
	for _, parts := range []int{2, 3, 5, 7, 8, 13, 32, 50} {
		for _, n := range []int{1, 3, 40} {
			all := trees(parts, limits(m))
			all["odd"] = collective.New("x", parts, ir.Level{Size: 3, Star: true}, ir.Level{Size: 100})
			all["gathers"] = collective.Gathered(collective.New("x", parts, ir.Level{Size: 4, Star: true}, ir.Level{Size: 100, Star: true}))
			all["gather"] = collective.Gathered(collective.Star("x", parts))
			all["mixed"] = collective.Gathered(collective.New("x", parts, ir.Level{Size: 2}, ir.Level{Size: 3, Star: true}, ir.Level{Size: 100}))
			if parts <= 3 {
				delete(all, "odd")
			}
			for name, levels := range map[string]int{"gathers": 4, "mixed": 6} {
				if parts <= levels {
					delete(all, name)
				}
			}
			for name, tree := range all {
				if err := tree.Check(); err != nil {
					t.Fatal(name, err)
				}
				_, before, after := simulate(t, collective.ReduceProgram(tree, ir.F32, ir.Add, n, false), m)
				sameVector(t, name, after[0], want(tree, before))
				_, before, after = simulate(t, collective.ReduceProgram(tree, ir.F32, ir.Add, n, true), m)
				for k := range after {
					sameVector(t, name+" to all", after[k], want(tree, before))
				}
			}
		}
	}
}
