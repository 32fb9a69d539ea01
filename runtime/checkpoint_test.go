package runtime_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/runtime"
)

// canonical compiles a source.
func canonical(t *testing.T, src string) *ir.Program {
	t.Helper()
	p, errs := dsl.Compile("test.wf", src, dsl.Options{})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	can, err := passes.Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	return can
}

func interpret(t *testing.T, p *ir.Program, ctx context.Context, opt runtime.Options) (*runtime.Result, error) {
	t.Helper()
	prep, err := runtime.Prepare(p, opt)
	if err != nil {
		t.Fatal(err)
	}
	e, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return prep.Run(ctx, e)
}

// Programs whose state is of every kind: leapfrog, Adams-Bashforth, error control, a clock, counters, random numbers, several legs.
var restartable = map[string]string{
	"wave": `
grid g { x: 0 .. 1 in 12 periodic }
field u on g = sin(2*pi*x)
evolve t from 0 to 1.005 step 0.02 { dt(dt(u)) = lap(u) }
probe p = u at (x = 0.3) every 7 steps
`,
	"adams": `
grid g { x: 0 .. 1 in 12 }
field u on g = x
field v on g = 0
bc u { x.lo: u = 1; x.hi: dn(u) = 0 }
v = 2*u
evolve t from 0 to 0.1001 step 0.0015 by ab2 { dt(u) = lap(u) }
evolve n in 0 .. 11 { v' = v + 0.1*random(3) }
monitor m = sum(u) every 5 steps drift 100
`,
	"adaptive": `
grid g { x: 0 .. 1 in 4 periodic }
field y on g = 1 + 0.1*x
field z on g = 0
evolve t from 0 to 3 step adaptive(1e-4) { dt(y) = z;  dt(z) = (1 - y*y)*z*4 - y }
monitor m = max(y) every 0.3
`,
	"steady": `
grid g { x: 0 .. 1 in 8 }
field T on g = 0
bc T { x.lo: T = 1; x.hi: T = 2 }
evolve t from 0 until steady(T, tol = 1e-2, every = 9) step auto by rk4 { dt(T) = lap(T) }
`,
}

// An animation of a run that was stopped and goes on has all its frames.
func TestRestartAnimation(t *testing.T) {
	src := restartable["wave"] + "output u every 10 steps as gif\n"
	p := canonical(t, src)
	dir := t.TempDir()
	whole, part := filepath.Join(dir, "whole"), filepath.Join(dir, "part")
	if _, err := interpret(t, p, context.Background(), runtime.Options{OutDir: whole, Checkpoints: &runtime.Checkpoints{Dir: whole, Steps: 15}}); err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(filepath.Join(whole, "checkpoints", "step-*"))
	if err != nil || len(list) < 3 {
		t.Fatalf("checkpoints %v %v", list, err)
	}
	if _, err := interpret(t, p, context.Background(), runtime.Options{OutDir: part, Restart: list[0]}); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(whole, "u.gif"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(part, "u.gif"))
	if err != nil || string(got) != string(want) {
		t.Errorf("the animation differs: %d bytes, want %d, %v", len(got), len(want), err)
	}
	if err := os.Truncate(filepath.Join(whole, "checkpoints", "u.frames"), 10); err != nil {
		t.Fatal(err)
	}
	prep, err := runtime.Prepare(p, runtime.Options{OutDir: part, Restart: whole})
	if err != nil {
		t.Fatal(err)
	}
	e, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = prep.Run(context.Background(), e); err == nil || !strings.Contains(err.Error(), "WF0624") {
		t.Errorf("a damaged file of frames: %v", err)
	}
}

// A file that cannot be written ends the run.
func TestWriteFails(t *testing.T) {
	p := canonical(t, restartable["wave"]+"output u every 2 steps as npy, xdmf\n")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "u_000004.npy"), 0o777); err != nil { // in the way
		t.Fatal(err)
	}
	prep, err := runtime.Prepare(p, runtime.Options{OutDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	e, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	res, err := prep.Run(context.Background(), e)
	if err == nil || strings.Count(err.Error(), "u_000004.npy") != 1 || res.Steps > 20 {
		t.Errorf("%v after %d steps", err, res.Steps)
	}
}

// A run that is stopped and goes on from its checkpoint ends with the same bits as one that was never stopped, wherever it is stopped.
func TestRestart(t *testing.T) {
	for name, src := range restartable {
		p := canonical(t, src)
		dir := t.TempDir()
		whole, err := interpret(t, p, context.Background(), runtime.Options{OutDir: filepath.Join(dir, "whole"),
			Checkpoints: &runtime.Checkpoints{Dir: filepath.Join(dir, "whole"), Steps: 10}})
		if err != nil {
			t.Fatal(name, err)
		}
		list, err := filepath.Glob(filepath.Join(dir, "whole", "checkpoints", "step-*"))
		if err != nil || len(list) < 3 {
			t.Fatalf("%s: checkpoints %v %v", name, list, err)
		}
		for k, from := range append(list, filepath.Join(dir, "whole")) {
			out := filepath.Join(dir, "part", string(rune('a'+k%26)))
			part, err := interpret(t, p, context.Background(), runtime.Options{OutDir: out, Restart: from})
			if err != nil {
				t.Fatal(name, err)
			}
			if part.Steps != whole.Steps || part.Time != whole.Time {
				t.Errorf("%s from %s: %d steps to %v, want %d to %v", name, from, part.Steps, part.Time, whole.Steps, whole.Time)
			}
			for f, a := range whole.Arrays {
				for i := range a.Len() {
					if x := part.Arrays[f].At(i); x != a.At(i) {
						t.Fatalf("%s from %s: %s[%d] = %v, want %v", name, from, f, i, x, a.At(i))
					}
				}
			}
			if len(whole.Samples) > 0 {
				a, _ := os.ReadFile(filepath.Join(dir, "whole", "probes.csv"))
				b, _ := os.ReadFile(filepath.Join(out, "probes.csv"))
				if string(a) != string(b) {
					t.Errorf("%s from %s: probes\n%s\nwant\n%s", name, from, b, a)
				}
			}
		}
	}
}

// What does not fit is refused with the reason.
func TestRestartRefused(t *testing.T) {
	dir := t.TempDir()
	p := canonical(t, restartable["wave"])
	if _, err := interpret(t, p, context.Background(), runtime.Options{Checkpoints: &runtime.Checkpoints{Dir: dir, Steps: 20}}); err != nil {
		t.Fatal(err)
	}
	fails := func(p *ir.Program, from, want string) {
		t.Helper()
		if _, err := interpret(t, p, context.Background(), runtime.Options{Restart: from}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	fails(canonical(t, restartable["steady"]), dir, "it was written by another program")
	fails(p, filepath.Join(dir, "none"), "there is no checkpoint")
	list, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "step-*"))
	file := filepath.Join(list[0], "fields.safetensors")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	fails(p, list[0], "cannot be read")
}

// A limit of time ends a run cleanly: outputs and a checkpoint are there, and the rest gives the whole.
func TestWall(t *testing.T) {
	src := `
grid g { x: 0 .. 1 in 2000 periodic }
field u on g = sin(2*pi*x)
evolve n in 0 .. 100000000 { u' = sin(u) }
output u at end as npy
`
	dir := t.TempDir()
	res, err := interpret(t, canonical(t, src), context.Background(), runtime.Options{OutDir: dir, Wall: 200 * time.Millisecond,
		Checkpoints: &runtime.Checkpoints{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Stopped == "" || res.Interrupted || res.Steps == 0 || len(res.Outputs) != 1 || res.Checkpoint == "" {
		t.Errorf("%+v", res)
	}
}

// Initial values that were dropped are computed again.
func TestRelease(t *testing.T) {
	p := canonical(t, `grid g { x: 0 .. 1 in 8 }
field u on g = x^2
field n = 3
evolve k in 0 .. 1 { u' = 2*u + n }
output u at end
`)
	prep, err := runtime.Prepare(p, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got [2][]float32
	for i := range got {
		e, err := interp.New(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := prep.Start(e, nil); err != nil {
			t.Fatal(err)
		}
		u, err := e.Get("u")
		if err != nil {
			t.Fatal(err)
		}
		got[i] = u.F32
		prep.Release()
		if prep.Initial("u") != nil {
			t.Error("the initial values are still there")
		}
	}
	if len(got[0]) != 8 || !slices.Equal(got[0], got[1]) {
		t.Errorf("started with %v, then with %v", got[0], got[1])
	}
}
