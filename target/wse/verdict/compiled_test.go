package verdict_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
	"github.com/wfc-lang/wfc/target/wse/verdict"
	"github.com/wfc-lang/wfc/tests/random"
)

var cases = flag.Int("cases", 30, "random programs to judge")

func compiled(t *testing.T, src wfc.Source, opt wfc.BuildOptions) (*wfc.Program, wse.Machine) {
	t.Helper()
	p, err := wfc.Build(src, opt)
	if err != nil {
		t.Fatal(err)
	}
	if p.Code == nil {
		return nil, wse.Machine{}
	}
	m, err := wse.Profile(p.Code.Machine)
	if err != nil {
		t.Fatal(err)
	}
	return p, m
}

func judge(t *testing.T, p *wfc.Program, code *wse.Program, m wse.Machine) (verdict.Verdict, error) {
	t.Helper()
	launches, loaded, shared := codegen.Trials(p.Mesh)
	return verdict.Judge(code, m, verdict.Options{Launches: launches, Loaded: loaded, Shared: shared})
}

// simulate runs machine code of p with the smallest depths. The error is nil when it ends.
func simulate(t *testing.T, p *wfc.Program, code *wse.Program, m wse.Machine) error {
	t.Helper()
	prep, err := runtime.Prepare(p.IR, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := host.New(p.IR, p.Mesh, code, m.Smallest(), sim.Options{MaxCycles: 3_000_000})
	if err != nil {
		return err
	}
	defer e.Close()
	_, err = prep.Run(context.Background(), e)
	return err
}

// Every model has a definite verdict.
func TestModels(t *testing.T) {
	files, err := filepath.Glob("../../../models/*.wf")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		src, err := wfc.ReadSource(f)
		if err != nil {
			t.Fatal(err)
		}
		p, m := compiled(t, src, wfc.BuildOptions{})
		if p == nil {
			t.Logf("%s does not fit", f)
			continue
		}
		begin := time.Now()
		v, err := judge(t, p, p.Code, m)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d x %d, %d PEs executed: %s, %v", filepath.Base(f), p.Code.W, p.Code.H, v.PEs, v.Summary(), time.Since(begin))
		if v.Kind != verdict.Free || len(v.Races) > 0 {
			t.Errorf("%s: %v", f, v)
		}
	}
}

// Random programs of the compiler are free of deadlock and races, and end.
func TestRandomPrograms(t *testing.T) {
	definite, all := 0, 0
	for s := uint64(1); s <= uint64(*cases); s++ {
		c := random.New(s)
		p, m := compiled(t, wfc.Source{Name: "case.wf", Text: c.Source}, wfc.BuildOptions{Machine: []string{"wse2", "wse3"}[s%2], MeshW: c.W, MeshH: c.H})
		if p == nil {
			continue
		}
		v, err := judge(t, p, p.Code, m)
		if err != nil {
			t.Fatal(err)
		}
		all++
		if v.Kind != verdict.Undecided {
			definite++
		}
		if v.Kind == verdict.Deadlocks || len(v.Races) > 0 {
			t.Errorf("seed %d: %v\n%s", s, v, c.Source)
		}
		if err := simulate(t, p, p.Code, m); err != nil && v.Kind == verdict.Free {
			t.Errorf("seed %d is judged free: %v", s, err)
		}
	}
	t.Logf("%d of %d random programs have a definite verdict", definite, all)
	if definite*100 < all*95 {
		t.Errorf("only %d of %d", definite, all)
	}
}

// Mutations of compiled programs: what is judged free ends, what is judged to deadlock does not.
func TestMutations(t *testing.T) {
	count := map[string]int{}
	for s := uint64(1); s <= uint64(*cases)/2; s++ {
		c := random.New(s)
		p, m := compiled(t, wfc.Source{Name: "case.wf", Text: c.Source}, wfc.BuildOptions{Machine: []string{"wse2", "wse3"}[s%2], MeshW: c.W, MeshH: c.H})
		if p == nil {
			continue
		}
		r := rand.New(rand.NewPCG(s, 7))
		for _, mu := range mutations {
			code, err := wse.Parse("", wse.Print(p.Code))
			if err != nil {
				t.Fatal(err)
			}
			if !mu.f(code, r) {
				continue
			}
			v, err := judge(t, p, code, m)
			if err != nil {
				count[mu.name+": illegal"]++
				continue
			}
			count[mu.name+": "+v.Kind.String()+v.Reason.String()]++
			end := simulate(t, p, code, m)
			var hangs *sim.Deadlock
			switch {
			case v.Kind == verdict.Free && errors.As(end, &hangs):
				t.Errorf("seed %d, %s: judged free, and %v", s, mu.name, end)
			case v.Kind == verdict.Free && len(v.Races) == 0 && end != nil:
				t.Errorf("seed %d, %s: judged free, and %v", s, mu.name, end)
			case v.Kind == verdict.Deadlocks && end == nil && len(p.Mesh.Procs) == 0: // else a branch that these data do not take
				t.Errorf("seed %d, %s: it ends, and is judged so: %v", s, mu.name, v)
			}
		}
	}
	for _, k := range sorted(count) {
		t.Logf("%-40s %d", k, count[k])
	}
}

func sorted(m map[string]int) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	for i := range keys {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return
}

// mutations change a program in place; false when there is nothing to change.
var mutations = []struct {
	name string
	f    func(p *wse.Program, r *rand.Rand) bool
}{
	{"completion dropped", func(p *wse.Program, r *rand.Rand) bool {
		o := pickOp(p, r, func(o *wse.Op) bool { return o.Done.Kind != wse.DoneNothing })
		if o != nil {
			o.Done = wse.Completion{}
		}
		return o != nil
	}},
	{"wait dropped", func(p *wse.Program, r *rand.Rand) bool { // the join never stops its successor
		var list []*wse.Task
		for _, c := range p.Classes {
			for _, t := range c.Tasks {
				if t.Blocked {
					list = append(list, t)
				}
			}
		}
		if len(list) == 0 {
			return false
		}
		t := list[r.IntN(len(list))]
		t.Blocked, t.Body = false, t.Body[1:]
		return true
	}},
	{"made synchronous", func(p *wse.Program, r *rand.Rand) bool {
		o := pickOp(p, r, func(o *wse.Op) bool { return o.Async })
		if o != nil {
			o.Async, o.Done = false, wse.Completion{}
		}
		return o != nil
	}},
	{"all synchronous", func(p *wse.Program, r *rand.Rand) bool {
		n := 0
		for _, o := range ops(p) {
			if o.Async {
				o.Async, o.Done = false, wse.Completion{}
				n++
			}
		}
		for _, c := range p.Classes { // and nobody waits
			for _, t := range c.Tasks {
				if t.Blocked {
					t.Blocked, t.Body = false, t.Body[1:]
				}
			}
		}
		return n > 0
	}},
	{"colors swapped", func(p *wse.Program, r *rand.Rand) bool {
		for range 20 {
			c := p.Classes[r.IntN(len(p.Classes))]
			if len(c.Queues) < 2 {
				continue
			}
			a, b := &c.Queues[r.IntN(len(c.Queues))], &c.Queues[r.IntN(len(c.Queues))]
			if a != b && a.Out == b.Out {
				a.Colors, b.Colors = b.Colors, a.Colors
				return true
			}
		}
		return false
	}},
	{"message halved", func(p *wse.Program, r *rand.Rand) bool {
		o := pickOp(p, r, func(o *wse.Op) bool { return fabric(o) && extent(o) > 1 })
		if o == nil {
			return false
		}
		n := extent(o) / 2
		resize(&o.Dst, n)
		for i := range o.Src {
			resize(&o.Src[i], n)
		}
		return true
	}},
	{"route lost", func(p *wse.Program, r *rand.Rand) bool {
		if len(p.Routes) == 0 {
			return false
		}
		i := r.IntN(len(p.Routes))
		p.Routes = append(p.Routes[:i], p.Routes[i+1:]...)
		return true
	}},
	{"statements swapped", func(p *wse.Program, r *rand.Rand) bool {
		list := lists(p)
		for range 50 {
			l := list[r.IntN(len(list))]
			if len(l) < 2 {
				continue
			}
			i := r.IntN(len(l) - 1)
			a, ok := l[i].(*wse.Op)
			b, ok2 := l[i+1].(*wse.Op)
			if ok && ok2 && (fabric(a) || fabric(b)) {
				l[i], l[i+1] = l[i+1], l[i]
				return true
			}
		}
		return false
	}},
	{"operation dropped", func(p *wse.Program, r *rand.Rand) bool {
		list := lists(p)
		for range 50 {
			l := list[r.IntN(len(list))]
			if len(l) == 0 {
				continue
			}
			i := r.IntN(len(l))
			if o, ok := l[i].(*wse.Op); ok && fabric(o) {
				l[i] = &wse.Set{Reg: "unused", A: wse.IntVal(0)}
				return true
			}
		}
		return false
	}},
}

func ops(p *wse.Program) (out []*wse.Op) {
	for _, c := range p.Classes {
		for _, t := range c.Tasks {
			wse.Walk(t.Body, func(s wse.Stmt) {
				if o, ok := s.(*wse.Op); ok {
					out = append(out, o)
				}
			})
		}
	}
	return
}

// lists are all statement lists.
func lists(p *wse.Program) (out [][]wse.Stmt) {
	for _, c := range p.Classes {
		for _, t := range c.Tasks {
			out = append(out, t.Body)
			wse.Walk(t.Body, func(s wse.Stmt) {
				switch s := s.(type) {
				case *wse.If:
					out = append(out, s.Then, s.Else)
				case *wse.While:
					out = append(out, s.Body)
				}
			})
		}
	}
	return
}

func pickOp(p *wse.Program, r *rand.Rand, want func(*wse.Op) bool) *wse.Op {
	var list []*wse.Op
	for _, o := range ops(p) {
		if want(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[r.IntN(len(list))]
}

func fabric(o *wse.Op) bool {
	for _, s := range o.Src {
		if s.Kind == wse.Fabric {
			return true
		}
	}
	return o.Dst.Kind == wse.Fabric
}

func extent(o *wse.Op) int {
	n := o.Dst.Count()
	for _, s := range o.Src {
		n = max(n, s.Count())
	}
	if o.Dst.IsVector() && len(o.Dst.Dims) > 1 {
		return 0
	}
	for _, s := range o.Src {
		if len(s.Dims) > 1 {
			return 0
		}
	}
	return n
}

func resize(o *wse.Operand, n int) {
	switch o.Kind {
	case wse.Fabric:
		o.Extent = n
	case wse.Mem:
		o.Dims = []wse.Dim{{Len: n, Stride: o.Dims[0].Stride}}
	}
}
