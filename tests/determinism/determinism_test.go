// Package determinism shows that the same input gives the same output: compiled files byte for byte, results bit for bit and cycle
// for cycle, wherever, how often and on however many cores it is done.
package determinism

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// models lists the programs with settings that make them small.
var models = []struct {
	file string
	set  map[string]string
}{
	{"heat.wf", map[string]string{"nx": "7", "ny": "6", "nz": "5", "steps": "6"}},
	{"advection.wf", map[string]string{"n": "12"}},
	{"wave.wf", map[string]string{"n": "9"}},
	{"grayscott.wf", map[string]string{"n": "40", "steps": "5"}},
	{"life.wf", map[string]string{"n": "12", "steps": "8"}},
	{"matvec.wf", map[string]string{"rows": "9", "columns": "7"}},
	{"wfa/diffusion_explicit.wf", map[string]string{"n": "8"}},
}

func source(t testing.TB, file string) wfc.Source {
	t.Helper()
	src, err := wfc.ReadSource(filepath.Join("..", "..", "models", file))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// cores runs f on n cores.
func cores(n int, f func()) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	f()
}

// compile builds a source and writes the compiled file.
func compile(t testing.TB, src wfc.Source, machine string, set map[string]string) (*wfc.Program, []byte) {
	t.Helper()
	p, err := wfc.Build(src, wfc.BuildOptions{Machine: machine, Set: set, MeshW: 6, MeshH: 6})
	if err != nil {
		t.Fatal(err)
	}
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return p, b.Bytes()
}

func TestCompiledFilesAreEqual(t *testing.T) {
	for _, m := range models {
		for _, machine := range wfc.Machines() {
			src := source(t, m.file)
			_, want := compile(t, src, machine, m.set)
			for i := 0; i < 3; i++ {
				// Another directory, another number of cores.
				dir := t.TempDir()
				path := filepath.Join(dir, filepath.Base(m.file))
				if err := os.WriteFile(path, []byte(src.Text), 0o666); err != nil {
					t.Fatal(err)
				}
				copied, err := wfc.ReadSource(path)
				if err != nil {
					t.Fatal(err)
				}
				cores(1+i%2, func() {
					if _, got := compile(t, copied, machine, m.set); !bytes.Equal(got, want) {
						t.Errorf("%s for %s: build %d differs from the first one", m.file, machine, i+2)
					}
				})
				if bytes.Contains(want, []byte(dir)) {
					t.Errorf("%s: the compiled file names a directory", m.file)
				}
			}
		}
	}
}

// result is what a run leaves that must not depend on anything else.
type result struct {
	arrays  map[string]*ir.Tensor
	samples []sample
	cycles  int64
}

type sample struct {
	probe string
	step  int64
	bits  uint64
}

func run(t testing.TB, p *wfc.Program, target wfc.Target) result {
	t.Helper()
	res, err := p.Run(context.Background(), wfc.RunOptions{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	r := result{arrays: res.Arrays}
	for _, s := range res.Samples {
		r.samples = append(r.samples, sample{s.Probe, s.Step, math.Float64bits(s.Value)})
	}
	if res.Cycles != nil {
		r.cycles = *res.Cycles
	}
	return r
}

func (r result) equal(q result) bool {
	if len(r.arrays) != len(q.arrays) || len(r.samples) != len(q.samples) || r.cycles != q.cycles {
		return false
	}
	for i := range r.samples {
		if r.samples[i] != q.samples[i] {
			return false
		}
	}
	return sameArrays(r.arrays, q.arrays)
}

func sameArrays(a, b map[string]*ir.Tensor) bool {
	for name, x := range a {
		y := b[name]
		if y == nil || x.Len() != y.Len() {
			return false
		}
		for k := 0; k < x.Len(); k++ {
			if math.Float64bits(x.At(k)) != math.Float64bits(y.At(k)) {
				return false
			}
		}
	}
	return true
}

func TestRunsAreEqual(t *testing.T) {
	targets := []wfc.Target{wfc.Interp, wfc.Wafer}
	if _, err := native.Find(""); err == nil {
		targets = append(targets, wfc.CPU)
	}
	for _, m := range models {
		p, file := compile(t, source(t, m.file), "wse2", m.set)
		loaded, err := wfc.Decode("program.wfx", file)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range targets {
			var want result
			cores(1, func() { want = run(t, p, target) })
			cores(2, func() {
				if got := run(t, p, target); !got.equal(want) {
					t.Errorf("%s on %s: two cores give another result than one", m.file, target)
				}
			})
			if got := run(t, loaded, target); !got.equal(want) {
				t.Errorf("%s on %s: the compiled file gives another result than the program", m.file, target)
			}
		}
	}
}

// Operations of the index IR have no order but that of their data: whatever order passes find them in, canonical IR is the same.
func TestOrderOfOperations(t *testing.T) {
	shuffles := 0
	for _, m := range models {
		src := source(t, m.file)
		file, list := dsl.ParseFile(m.file, src.Text)
		if err := list.Err(); err != nil {
			t.Fatal(err)
		}
		canonical := func(seed uint64) string {
			checked, list := dsl.Check(file, dsl.Options{Set: m.set})
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			p := dsl.Lower(checked)
			r := rand.New(rand.NewPCG(seed, 1))
			cfg := &passes.Config{Verify: true}
			if seed != 0 {
				cfg.Before = func(_ string, p *ir.Program) {
					for i := range p.Funcs {
						if shuffle(&p.Funcs[i], r) {
							shuffles++
						}
					}
				}
			}
			if err := passes.Run(p, cfg); err != nil {
				t.Fatalf("%s: %v", m.file, err)
			}
			return ir.Print(p)
		}
		want := canonical(0)
		for seed := uint64(1); seed <= 5; seed++ {
			if got := canonical(seed); got != want {
				t.Errorf("%s: canonical IR depends on the order of operations (seed %d): %s", m.file, seed, firstDifference(got, want))
			}
		}
	}
	if shuffles == 0 {
		t.Error("nothing was ever out of order")
	}
}

// shuffle puts operations into a random order in which definitions come before uses, and says whether that is another one.
func shuffle(f *ir.Func, r *rand.Rand) bool {
	defined := map[string]bool{}
	of := map[string]bool{}
	for i := range f.Ops {
		for _, x := range f.Ops[i].Results {
			of["%"+x.Name] = true
		}
	}
	ready := func(op *ir.Op) bool {
		ok := !of[op.From] || defined[op.From]
		for _, p := range op.Pieces {
			for _, n := range p.Body.Nodes {
				ok = ok && (n.Op != ir.Read || !of[n.Name] || defined[n.Name])
			}
		}
		return ok
	}
	left, out, moved := append([]ir.Op(nil), f.Ops...), []ir.Op(nil), false
	for len(left) > 0 {
		var can []int
		for i := range left {
			if ready(&left[i]) {
				can = append(can, i)
			}
		}
		k := can[r.IntN(len(can))]
		moved = moved || k != 0
		for _, x := range left[k].Results {
			defined["%"+x.Name] = true
		}
		out = append(out, left[k])
		left = append(left[:k:k], left[k+1:]...)
	}
	f.Ops = out
	return moved
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := 0; i < min(len(x), len(y)); i++ {
		if x[i] != y[i] {
			return x[i] + " | " + y[i]
		}
	}
	return "one is longer"
}
