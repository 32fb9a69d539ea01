package ranks_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ranks"
	"github.com/wfc-lang/wfc/tests/random"
)

// onInterp opens interpreters and verifies the programs of the ranks, which are programs like any other.
func onInterp(p *ir.Program) (ranks.Engine, error) {
	if err := ir.VerifyCanonical(p); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, ir.Print(p))
	}
	for i := range p.Funcs {
		if strings.HasSuffix(p.Funcs[i].Name, ".swap") {
			cut.Add(1)
		}
	}
	return interp.New(p)
}

// cut counts the stages that compute while they wait.
var cut atomic.Int64

// together runs a program on n ranks in one process and returns what rank 0 has; parts is the number of ranks that had work.
func together(t testing.TB, p *ir.Program, n int, open ranks.Open, run func(e runtime.Engine) error) (parts int) {
	t.Helper()
	world := mpi.World(n)
	var wg sync.WaitGroup
	for _, c := range world[1:] {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := ranks.Follow(context.Background(), c, p, "test", open); err != nil {
				t.Errorf("rank %d: %v", c.Rank(), err)
				c.Lose()
			}
		}()
	}
	e, err := ranks.Lead(context.Background(), world[0], p, "test", open)
	if err == nil {
		parts = e.Parts()
		err = run(e)
		if cerr := e.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		t.Error(err)
		world[0].Lose()
	} else if err := ranks.Dismiss(world[0]); err != nil {
		t.Error(err)
	}
	wg.Wait()
	return parts
}

func build(t testing.TB, name, source string, set map[string]string) *ir.Program {
	t.Helper()
	p, err := wfc.Build(wfc.Source{Name: name, Text: source, Dir: filepath.Join("..", "..", "models")}, wfc.BuildOptions{IndexOnly: true, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return p.IR
}

func execute(p *ir.Program, e runtime.Engine) (*runtime.Result, error) {
	prep, err := runtime.Prepare(p, runtime.Options{DataDir: filepath.Join("..", "..", "models")})
	if err != nil {
		return nil, err
	}
	return prep.Run(context.Background(), e)
}

// same runs a program on 1 to 4 ranks and compares every field and probe with one process, bit for bit.
func same(t *testing.T, p *ir.Program, open ranks.Open, sizes ...int) (shared bool) {
	t.Helper()
	e, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := execute(p, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range sizes {
		var got *runtime.Result
		parts := together(t, p, n, open, func(e runtime.Engine) (err error) {
			got, err = execute(p, e)
			return err
		})
		if t.Failed() {
			t.Fatalf("%d ranks:\n%s", n, ir.Print(p))
		}
		shared = shared || parts > 1
		if got.Steps != want.Steps || got.Time != want.Time {
			t.Errorf("%d ranks: %d steps to %v, one process %d to %v", n, got.Steps, got.Time, want.Steps, want.Time)
		}
		for name, a := range want.Arrays {
			if k := differs(a, got.Arrays[name]); k >= 0 {
				t.Errorf("%d ranks: %s differs in element %d of %v: %v, not %v", n, name, k, a.Dims, got.Arrays[name].At(k), a.At(k))
			}
		}
		for name, v := range want.Probes {
			if math.Float64bits(float64(v)) != math.Float64bits(float64(got.Probes[name])) {
				t.Errorf("%d ranks: probe %s is %v, not %v", n, name, got.Probes[name], v)
			}
		}
		if t.Failed() {
			t.Fatalf("%d ranks:\n%s", n, ir.Print(p))
		}
	}
	return shared
}

// differs returns the first element whose bits differ, or -1.
func differs(a, b *ir.Tensor) int {
	for k := range a.Len() {
		if math.Float64bits(a.At(k)) != math.Float64bits(b.At(k)) {
			return k
		}
	}
	return -1
}

func TestRandomPrograms(t *testing.T) {
	for _, overlap := range []bool{false, true} {
		t.Run(fmt.Sprint("overlap=", overlap), func(t *testing.T) { randomPrograms(t, overlap) })
	}
}

// Two axes may be cut. Reductions are then computed by every rank; the bits stay.
func TestGrid(t *testing.T) {
	heat, err := os.ReadFile(filepath.Join("..", "..", "models", "heat.wf"))
	if err != nil {
		t.Fatal(err)
	}
	// More ranks than the first axis has points are used when the second can be cut too.
	if n := ranks.Parts(build(t, "heat.wf", string(heat), set{"nx": "4", "ny": "30"}), 12); n != 12 {
		t.Errorf("12 ranks make %d parts of 4 x 30 x 16 points", n)
	}
	defer ranks.Grid(2, 2)()
	defer ranks.Overlap()()
	for seed := uint64(100); seed < 125; seed++ {
		same(t, build(t, fmt.Sprintf("random%d.wf", seed), random.New(seed).Source, nil), onInterp, 4)
	}
	for _, m := range []string{"heat", "grayscott", "maxwell"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "models", m+".wf"))
		if err != nil {
			t.Fatal(err)
		}
		small := map[string]set{"heat": {"steps": "5"}, "grayscott": {"steps": "9"}, "maxwell": {"n": "40"}}[m]
		if !same(t, build(t, m+".wf", string(text), small), onInterp, 4) {
			t.Errorf("%s: one rank had it all", m)
		}
	}
}

func randomPrograms(t *testing.T, overlap bool) {
	if overlap {
		defer ranks.Overlap()()
	}
	shared := 0
	for seed := range uint64(40) {
		c := random.New(seed)
		p := build(t, fmt.Sprintf("random%d.wf", seed), c.Source, nil)
		if same(t, p, onInterp, 2, 3, 4) {
			shared++
		}
	}
	t.Logf("%d programs shared, %d stages overlapped", shared, cut.Swap(0))
	if shared < 30 {
		t.Errorf("only %d of 40 programs were shared among ranks", shared)
	}
}

type set = map[string]string

func TestModels(t *testing.T) {
	defer ranks.Overlap()()
	for _, m := range []struct {
		name string
		set  set
	}{
		{"heat", set{"steps": "5"}},
		{"heat_implicit", set{"end": "10 s"}},
		{"heat_implicit", set{"nx": "16", "ny": "64", "nz": "64", "end": "5 s"}}, // blocks of the canonical order are whole rows
		{"grayscott", set{"steps": "9"}},
		{"ising", set{"sweeps": "5", "n": "32"}},
		{"life", nil},
		{"maxwell", set{"n": "40"}},
		{"wave", nil},
		{"poisson", set{"n": "20"}},
		{"cavity", set{"n": "24", "end": "0.2"}},
		{"channel", set{"n": "12", "end": "0.1"}},
		{"convection", set{"n": "16", "end": "0.02"}},
		{"rayleigh_benard", set{"n": "12", "end": "0.05"}},
		{"rayleigh_benard_stokes", set{"n": "12", "end": "0.002"}},
		{"shallow_water", set{"n": "24"}},
		{"cahn_hilliard", set{"n": "16", "end": "0.2"}},
		{"burgers", set{"n": "60"}},
		{"advection", nil},
		{"acoustics", set{"n": "24"}},
		{"adjoint_heat", set{"n": "12", "steps": "10"}},
		{"matvec", nil},
		{"gemm", nil},
	} {
		t.Run(m.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", "models", m.name+".wf"))
			if err != nil {
				t.Fatal(err)
			}
			if !same(t, build(t, m.name+".wf", string(text), m.set), onInterp, 3) {
				t.Error("one rank had it all")
			}
			t.Logf("%d stages overlapped", cut.Swap(0))
		})
	}
}

// Ranks write their parts of one file, along one axis and along two, at the start of a run too; what they write is what one process writes.
func TestFiles(t *testing.T) {
	const text = `grid g { x: 0 .. 1 in 13; y: 0 .. 1 in 9; z: 0 .. 1 in 5 }
field T on g = x
field U on g.y : f64 = y
bc T { all: dn(T) = 0 }
evolve n in 0 .. 4 { T'[x,y,z] = T[x,y,z] + 0.1*(T[x+1,y,z] - T[x,y,z] + T[x,y-1,z] - T[x,y,z]); U' = U + x }
output T, U every 2 steps as npy
`
	p := build(t, "files.wf", text, nil)
	runIn := func(dir string, e runtime.Engine) error {
		prep, err := runtime.Prepare(p, runtime.Options{OutDir: dir})
		if err == nil {
			_, err = prep.Run(context.Background(), e)
		}
		return err
	}
	one := t.TempDir()
	e, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := runIn(one, e); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(one, "*.npy"))
	if len(names) != 6 {
		t.Fatalf("%v", names)
	}
	check := func(n int) {
		dir := t.TempDir()
		together(t, p, n, onInterp, func(e runtime.Engine) error { return runIn(dir, e) })
		for _, name := range names {
			want, err1 := os.ReadFile(name)
			got, err2 := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
			if err1 != nil || err2 != nil || string(want) != string(got) {
				t.Errorf("%d ranks: %s differs, %v", n, filepath.Base(name), err2)
			}
		}
	}
	check(2)
	check(3)
	defer ranks.Grid(2, 2)()
	check(4)
}

// A rank that is lost while the others compute ends the run of all with an error that says so.
func TestLostRank(t *testing.T) {
	p := build(t, "lost.wf", "grid g { x: 0 .. 1 in 12 periodic }\nfield T on g = x\nevolve n in 0 .. 1000000 { T'[x] = 0.5*(T[x-1] + T[x+1]) }\n", nil)
	world := mpi.World(3)
	errs := make(chan error, 2)
	for _, c := range world[1:] {
		go func() { errs <- ranks.Follow(context.Background(), c, p, "test", onInterp) }()
	}
	e, err := ranks.Lead(context.Background(), world[0], p, "test", onInterp)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, world[2].Lose)
	_, err = execute(p, e)
	var lost *mpi.Lost
	if !errors.As(err, &lost) || lost.Rank != 2 {
		t.Errorf("rank 0: %v", err)
	}
	for range 2 {
		if err := <-errs; !errors.As(err, &lost) {
			t.Errorf("a follower: %v", err)
		}
	}
	if err := e.Close(); err == nil {
		t.Error("closed as if nothing had happened")
	}
}

// A rank whose engine cannot be made is an error of all, and the ranks can begin anew.
func TestNoEngine(t *testing.T) {
	p := build(t, "a.wf", "grid g { x: 0 .. 1 in 12 }\nfield T on g = x\nevolve n in 0 .. 2 { T' = T + 1 }\n", nil)
	world := mpi.World(2)
	done := make(chan error)
	fails := true
	go func() {
		done <- ranks.Follow(context.Background(), world[1], p, "test", func(p *ir.Program) (ranks.Engine, error) {
			if fails {
				fails = false
				var none *interp.Machine
				return none, errors.New("no compiler")
			}
			return interp.New(p)
		})
	}()
	if _, err := ranks.Lead(context.Background(), world[0], p, "test", onInterp); err == nil || err.Error() != "rank 1: no compiler" {
		t.Errorf("%v", err)
	}
	e, err := ranks.Lead(context.Background(), world[0], p, "test", onInterp)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := execute(p, e); err != nil {
		t.Error(err)
	}
	if err := errors.Join(e.Close(), ranks.Dismiss(world[0]), <-done); err != nil {
		t.Error(err)
	}
}

// Ranks that run different programs are told apart before anything is computed.
func TestOtherProgram(t *testing.T) {
	p := build(t, "a.wf", "grid g { x: 0 .. 1 in 12 }\nfield T on g = x\nevolve n in 0 .. 2 { T' = T + 1 }\n", nil)
	world := mpi.World(2)
	done := make(chan error)
	go func() { done <- ranks.Follow(context.Background(), world[1], p, "another", onInterp) }()
	if _, err := ranks.Lead(context.Background(), world[0], p, "test", onInterp); err == nil || !strings.Contains(err.Error(), "rank 1: rank 0 runs another program") {
		t.Errorf("%v", err)
	}
	if err := errors.Join(ranks.Dismiss(world[0]), <-done); err != nil {
		t.Error(err)
	}
}

// A box of an array is that part of the whole, whichever ranks have it.
func TestGetBox(t *testing.T) {
	p := build(t, "box.wf", "grid g { x: 0 .. 1 in 12 periodic;  y: 0 .. 1 in 5 }\nfield T on g = x + 7*y\nevolve n in 0 .. 2 { T'[x,y] = 0.5*(T[x-1,y] + T[x+1,y]) }\n", nil)
	for _, n := range []int{1, 3} {
		together(t, p, n, onInterp, func(e runtime.Engine) error {
			if _, err := execute(p, e); err != nil {
				return err
			}
			all, err := e.Get("T")
			if err != nil {
				return err
			}
			for _, box := range [][]ir.Interval{{{Lo: 0, Hi: 12}, {Lo: 0, Hi: 5}}, {{Lo: 3, Hi: 5}, {Lo: 2, Hi: 3}}, {{Lo: 11, Hi: 12}, {Lo: 0, Hi: 5}}, {{Lo: 2, Hi: 2}, {Lo: 1, Hi: 4}}} {
				got, err := e.(runtime.BoxGetter).GetBox("T", box)
				if err != nil {
					return err
				}
				want := ir.NewTensor(all.Elem, ir.Extents(box)...)
				for k := range want.F32 {
					w := want.Dims[1]
					want.F32[k] = all.F32[(box[0].Lo+k/w)*5+box[1].Lo+k%w]
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%d ranks, %v: %s", n, box, d)
				}
			}
			if _, err := e.(runtime.BoxGetter).GetBox("T", []ir.Interval{{Lo: 0, Hi: 13}, {Lo: 0, Hi: 5}}); err == nil {
				t.Error("a box outside the array was read")
			}
			return nil
		})
	}
}
