package tomesh_test

import (
	"fmt"
	"math/rand"
	"runtime/debug"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/passes/tomesh"
)

// mutate changes one number or name of a program.
func mutate(r *rand.Rand, p *ir.Program) {
	f := &p.Funcs[r.Intn(len(p.Funcs))]
	if len(f.Ops) == 0 {
		return
	}
	o := &f.Ops[r.Intn(len(f.Ops))]
	q := &o.Pieces[r.Intn(len(o.Pieces))]
	n := &q.Body.Nodes[r.Intn(len(q.Body.Nodes))]
	some := func(x int) int { return []int{x - 1, x + 1, -x, x * 40, 0, 1 << 30}[r.Intn(6)] }
	switch k := r.Intn(7); {
	case k < 2 && len(n.At) > 0:
		a := &n.At[r.Intn(len(n.At))]
		a.Off = some(a.Off)
	case k == 2 && len(n.At) > 0:
		n.At[r.Intn(len(n.At))].Index = []string{"ix", "iy", "iz", ""}[r.Intn(4)]
	case k == 3 && len(o.Dom) > 0:
		d := r.Intn(len(o.Dom))
		hi := some(o.Dom[d].Hi)
		for i := range o.Pieces {
			if b := &o.Pieces[i].Box[d]; b.Hi == o.Dom[d].Hi {
				b.Hi = hi
			}
		}
		o.Dom[d].Hi = hi
	case k == 4 && n.Op == ir.Read:
		n.Name = fmt.Sprintf("@a%d", r.Intn(3))
	case k == 5 && len(o.Over) > 0:
		d := r.Intn(len(o.Over))
		o.Over[d].Axis = []string{"x", "y", "z"}[r.Intn(3)]
	case k == 6:
		if len(o.Dom) > 0 {
			d := r.Intn(len(o.Dom))
			o.Dom[d].Axis = []string{"x", "y", "z"}[r.Intn(3)]
		}
	}
}

// What the verifier lets pass is lowered with the interpreter's bits or refused with an explanation, on any layout.
func TestMutatedPrograms(t *testing.T) {
	lowered, refused := 0, map[string]int{}
	for seed := range int64(800) {
		g, _ := random(seed)
		r := rand.New(rand.NewSource(seed))
		mutate(r, g.p)
		if ir.VerifyCanonical(g.p) != nil {
			continue
		}
		for i := range g.ls {
			if l := &g.ls[i]; l.Dim != mesh.Mem && r.Intn(3) == 0 {
				l.Parts = 2 + r.Intn(l.N-1)
				l.Folded = l.Periodic && r.Intn(2) == 0
			}
		}
		func() {
			defer func() {
				if e := recover(); e != nil {
					t.Fatalf("seed %d: %v\n%s", seed, e, debug.Stack())
				}
			}()
			mp, err := tomesh.Lower(g.p, g.ls, tomesh.Options{StreamReceives: seed%2 == 0})
			if err != nil {
				refused[codes(err)]++
				return
			}
			lowered++
			for _, a := range mp.Arrays {
				if a.Len > 1<<16 {
					return
				}
			}
			if err := agree(g.p, mp, r, map[string]float64{"c0": 0.3}, 1); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}()
	}
	t.Log(lowered, refused)
	if lowered < 100 || len(refused) == 0 {
		t.Errorf("only %d programs lowered, refused %v", lowered, refused)
	}
}
