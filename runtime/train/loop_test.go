package train_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/npy"
	"github.com/wfc-lang/wfc/runtime/tokens"
	"github.com/wfc-lang/wfc/runtime/train"
	"github.com/wfc-lang/wfc/runtime/train/bigram"
	"github.com/wfc-lang/wfc/target/cpu"
)

var kills = flag.Int("kills", 8, "random kills of a training process")

// TestMain keeps compiled kernels in a cache of their own, and is the process that TestKilled kills.
func TestMain(m *testing.M) {
	if os.Getenv("WFC_CACHE") == "" {
		os.Setenv("WFC_CACHE", filepath.Join(os.TempDir(), "wfc-test-cache"))
	}
	if dir := os.Getenv("WFC_TEST_TRAIN"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// phased is a run with everything: accumulation, batch warmup, a phase switch, a loss scale, short weights with long copies.
func phased() bigram.Config {
	return bigram.Config{Vocab: 7, Batch: 3, Context: 5, Steps: 40, Accumulate: 3, LR: 2, Half: true,
		Ramp:   []train.Ramp{{Steps: 5, Accumulate: 1}, {Steps: 10, Accumulate: 2}},
		Phases: []train.Phase{{Steps: 25, Batch: 3, Context: 5, Accumulate: 3}, {Steps: 15, Batch: 2, Context: 11, Accumulate: 2}}}
}

// opener builds the phases of a configuration.
func opener(c bigram.Config, engine func(*ir.Program) (runtime.Engine, error)) func(int) (*train.Program, error) {
	return func(phase int) (*train.Program, error) {
		d := c
		if len(c.Phases) > 0 {
			ph := c.Phases[phase]
			d.Batch, d.Context = ph.Batch, ph.Context
		}
		prog, plan, err := d.Program()
		if err != nil {
			return nil, err
		}
		if err := plan.Check(prog); err != nil {
			return nil, err
		}
		prep, err := runtime.Prepare(prog, runtime.Options{})
		if err != nil {
			return nil, err
		}
		return &train.Program{Plan: plan, Prepared: prep, Hash: fmt.Sprint("phase ", phase), Engine: func() (runtime.Engine, error) { return engine(prog) }}, nil
	}
}

func onInterp(p *ir.Program) (runtime.Engine, error) { return interp.New(p) }
func onCPU(p *ir.Program) (runtime.Engine, error)    { return cpu.New(p, cpu.Options{}) }

// chain is text of a Markov chain: the token after v is v+1 with probability 0.8, else any.
func chain(n, vocab int) *tokens.Data {
	rng := rand.New(rand.NewPCG(1, 2))
	ids := make([]int32, n)
	for i := 1; i < n; i++ {
		if ids[i] = (ids[i-1] + 1) % int32(vocab); rng.Float64() > 0.8 {
			ids[i] = int32(rng.IntN(vocab))
		}
	}
	all := tokens.Of(ids)
	return &tokens.Data{Train: all.Slice(0, n*9/10), Val: all.Slice(n*9/10, n), Vocab: vocab}
}

// inFiles is a chain in files of several formats, which become one sequence; a run that dies reads them again.
func inFiles(dir string, n, vocab int) (*tokens.Data, error) {
	all := chain(n, vocab).Train
	var files []string
	for i, name := range []string{"a.npy", "b.bin", "c.tok", "d.npy"} {
		ids := make([]int32, all.Len()/4+10*(i-2)) // none is a multiple of a context
		all.Read(ids, i*all.Len()/5)
		path := filepath.Join(dir, name)
		files = append(files, path)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		a := &npy.Array{Type: npy.Type{Kind: 'u', Size: 2}, Dims: []int{len(ids)}}
		for _, id := range ids {
			a.Data = binary.LittleEndian.AppendUint16(a.Data, uint16(id))
		}
		var err error
		switch filepath.Ext(name) {
		case ".npy":
			err = npy.WriteFile(path, a)
		case ".bin":
			err = os.WriteFile(path, a.Data, 0o666)
		default:
			err = tokens.WriteFile(path, ids, vocab, "")
		}
		if err != nil {
			return nil, err
		}
	}
	return tokens.Load(files, tokens.Options{Val: 0.1})
}

func run(t *testing.T, c bigram.Config, o train.Options, engine func(*ir.Program) (runtime.Engine, error)) *train.Result {
	t.Helper()
	tr, err := train.New(opener(c, engine), o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	res, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// The table learns the chain: its loss goes from log 7 to the entropy of the chain.
func TestLearns(t *testing.T) {
	c := bigram.Config{Vocab: 7, Batch: 4, Context: 16, Steps: 300, LR: 5}
	dir := t.TempDir()
	var out strings.Builder
	now := time.Unix(0, 0)
	tick := func() time.Time { now = now.Add(10 * time.Millisecond); return now }
	res := run(t, c, train.Options{Data: chain(20000, 7), Out: dir, EvalEvery: 100, Now: tick,
		Progress: train.NewProgress(&out, time.Second, false, 1e9, tick)}, onInterp)
	p := 0.8 + 0.2/7
	entropy := -p*math.Log(p) - 6*(0.2/7)*math.Log(0.2/7)
	if v := float64(*res.ValLoss); math.Abs(v-entropy) > 0.03 {
		t.Errorf("validation loss %v, the entropy of the chain is %v", v, entropy)
	}
	for _, want := range []string{"step 1/300  loss 1.9", "lr 5", "tokens/s", "MFU", "ETA", "step 300/300", "validation loss 0.7"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, train.MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 303 {
		t.Errorf("%d lines of metrics", len(lines))
	}
	for _, l := range lines {
		if !json.Valid([]byte(l)) {
			t.Errorf("not JSON: %s", l)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, train.PlotFile)); err != nil || st.Size() < 1000 {
		t.Error("no plot", err)
	}
	if res.Step != 300 || res.Tokens != 300*64 || res.Checkpoint == "" {
		t.Errorf("%+v", res)
	}
}

// hashes are the sums of the state files of the last checkpoint.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	path, err := ckpt.Find(dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ckpt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.VerifyAll(); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{"step": fmt.Sprint(c.Run.Step), "cursor": fmt.Sprint(c.Run.Cursor)}
	for _, f := range c.Run.Files {
		out[f.Name] = f.SHA256
	}
	return out
}

// A run stopped after any number of steps and continued ends in the same state, bit for bit, as one that was not; on both engines.
func TestResume(t *testing.T) {
	data := chain(3000, 7)
	for name, engine := range map[string]func(*ir.Program) (runtime.Engine, error){"interp": onInterp, "cpu": onCPU} {
		whole := t.TempDir()
		run(t, phased(), train.Options{Data: data, Out: whole}, engine)
		want := hashes(t, whole)
		if len(want) != 8 {
			t.Fatalf("%v", want)
		}
		stops := []int64{1, 5, 15, 24, 25, 39}
		if name == "cpu" {
			stops = []int64{5, 26}
		}
		for _, stop := range stops {
			dir := t.TempDir()
			run(t, phased(), train.Options{Data: data, Out: dir, Steps: stop, SaveEvery: 1000}, engine)
			from, err := ckpt.Find(dir, -1)
			if err != nil {
				t.Fatal(err)
			}
			res := run(t, phased(), train.Options{Data: data, Out: dir, Resume: from}, engine)
			if len(res.Notes) > 0 {
				t.Error(res.Notes)
			}
			if d := cmp.Diff(want, hashes(t, dir)); d != "" {
				t.Fatalf("%s, stopped after %d: %s", name, stop, d)
			}
			c, err := ckpt.Open(res.Checkpoint)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Run.Restarts) != 2 || c.Run.Restarts[1].Step != stop || c.Run.Restarts[1].From != ckpt.StepDir(stop) {
				t.Errorf("history %+v", c.Run.Restarts)
			}
			compareMetrics(t, whole, dir)
		}
	}
}

// The number of threads does not matter: a run that is stopped and goes on with another number ends in the same state.
func TestThreads(t *testing.T) {
	with := func(n int) func(*ir.Program) (runtime.Engine, error) {
		return func(p *ir.Program) (runtime.Engine, error) { return cpu.New(p, cpu.Options{Threads: n}) }
	}
	c := bigram.Config{Vocab: 40, Batch: 16, Context: 32, Steps: 12, LR: 1}
	data := chain(20000, 40)
	one, other := t.TempDir(), t.TempDir()
	run(t, c, train.Options{Data: data, Out: one}, with(1))
	a := run(t, c, train.Options{Data: data, Out: other, Steps: 5}, with(3))
	run(t, c, train.Options{Data: data, Out: other, Resume: a.Checkpoint}, with(2))
	if d := cmp.Diff(hashes(t, one), hashes(t, other)); d != "" {
		t.Error(d)
	}
}

// compareMetrics: the logs say the same, but for times.
func compareMetrics(t *testing.T, a, b string) {
	t.Helper()
	read := func(dir string) (out []map[string]any) {
		text, err := os.ReadFile(filepath.Join(dir, train.MetricsFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var m map[string]any
			if err := json.Unmarshal([]byte(l), &m); err != nil {
				t.Fatal(err)
			}
			delete(m, "seconds")
			out = append(out, m)
		}
		return out
	}
	if d := cmp.Diff(read(a), read(b)); d != "" {
		t.Error(d)
	}
}

// failing is a file system that fails for good after some operations: for the run that is like being killed there.
type failing struct {
	ckpt.FS
	left *int
}

var errKilled = errors.New("killed")

func (f failing) tick() error {
	if *f.left--; *f.left < 0 {
		return errKilled
	}
	return nil
}

func (f failing) Create(path string) (ckpt.File, error) {
	if err := f.tick(); err != nil {
		return nil, err
	}
	w, err := f.FS.Create(path)
	return failingFile{w, f}, err
}

func (f failing) Rename(from, to string) error {
	if err := f.tick(); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f failing) RemoveAll(path string) error {
	if err := f.tick(); err != nil {
		return err
	}
	return f.FS.RemoveAll(path)
}

func (f failing) SyncDir(dir string) error {
	if err := f.tick(); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

type failingFile struct {
	ckpt.File
	f failing
}

func (w failingFile) Write(b []byte) (int, error) {
	if err := w.f.tick(); err != nil {
		n, _ := w.File.Write(b[:len(b)/2])
		return n, err
	}
	return w.File.Write(b)
}

func (w failingFile) Sync() error {
	if err := w.f.tick(); err != nil {
		return err
	}
	return w.File.Sync()
}

// A run that dies at any operation of its checkpoints, is continued, dies again, and so on, ends in the same state. Every operation of
// several checkpoints is a place to die, over accumulation, batch warmup, the phase switch and changes of the loss scale.
func TestDiesAgainAndAgain(t *testing.T) {
	data, err := inFiles(t.TempDir(), 3000, 7)
	if err != nil {
		t.Fatal(err)
	}
	whole := t.TempDir()
	run(t, phased(), train.Options{Data: data, Out: whole}, onInterp)
	want := hashes(t, whole)
	total := 0
	for first := 0; first < 70; first += 13 {
		dir := t.TempDir()
		life := first
		for deaths := 0; ; deaths++ {
			left := life
			life = first + 30 + deaths*11 // every life gets further
			o := train.Options{Data: data, Out: dir, SaveEvery: 3, Keep: 2, FS: failing{ckpt.OS, &left}}
			if from, err := ckpt.Find(dir, -1); err == nil {
				o.Resume = from
			}
			tr, err := train.New(opener(phased(), onInterp), o)
			if err == nil {
				_, err = tr.Run(context.Background())
				tr.Close()
			}
			if err == nil {
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			total++
		}
		if d := cmp.Diff(want, hashes(t, dir)); d != "" {
			t.Fatalf("first killed at operation %d: %s", first, d)
		}
	}
	if total < 12 {
		t.Errorf("only %d deaths", total)
	}
	t.Logf("%d deaths", total)
}

// child is a training process with a checkpoint at every other step.
func child(dir string) error {
	data, err := inFiles(filepath.Dir(dir), 3000, 7)
	if err != nil {
		return err
	}
	o := train.Options{Data: data, Out: dir, SaveEvery: 2, Keep: 2}
	if from, err := ckpt.Find(dir, -1); err == nil {
		o.Resume = from
	}
	tr, err := train.New(opener(phased(), onInterp), o)
	if err != nil {
		return err
	}
	defer tr.Close()
	_, err = tr.Run(context.Background())
	return err
}

// A process killed at random moments, again and again, ends in the same state.
func TestKilled(t *testing.T) {
	files := t.TempDir()
	data, err := inFiles(files, 3000, 7)
	if err != nil {
		t.Fatal(err)
	}
	whole := t.TempDir()
	run(t, phased(), train.Options{Data: data, Out: whole}, onInterp)
	want := hashes(t, whole)
	rng := rand.New(rand.NewPCG(3, 4))
	dir, dead := "", 0
	for dead < *kills {
		if dir == "" {
			dir = filepath.Join(files, fmt.Sprint("run", dead))
		}
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "WFC_TEST_TRAIN="+dir)
		var errs strings.Builder
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(5+rng.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil { // it came to its end
			if d := cmp.Diff(want, hashes(t, dir)); d != "" {
				t.Fatal(d)
			}
			dir = ""
			continue
		}
		if errs.Len() > 0 {
			t.Fatal(errs.String())
		}
		dead++
	}
	if dir == "" {
		return
	}
	if err := child(dir); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, hashes(t, dir)); d != "" {
		t.Fatal(d)
	}
}

// Two trainers do not share a directory; when the first is done the other may have it.
func TestLocked(t *testing.T) {
	o := train.Options{Data: chain(3000, 7), Out: t.TempDir()}
	a, err := train.New(opener(phased(), onInterp), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = train.New(opener(phased(), onInterp), o)
	var list diag.List
	if !errors.As(err, &list) || list[0].Code != "WF0644" || !strings.Contains(err.Error(), "another process") {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	b, err := train.New(opener(phased(), onInterp), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// The last checkpoint of a session is made while it is written, tensor by tensor; those before are copies that wait for nothing.
func TestLastCheckpoint(t *testing.T) {
	fetched := map[string]int{} // weights that were fetched before a checkpoint's file of them was begun
	const end = 5
	weights := 0
	c := phased()
	c.Phases = nil
	_, plan, err := c.Program()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	engine := func(p *ir.Program) (runtime.Engine, error) {
		e, err := onInterp(p)
		return fetching{e, func(array string) {
			mu.Lock()
			defer mu.Unlock()
			if array == plan.Weights[0].Array {
				weights++
			}
		}}, err
	}
	fs := creating{ckpt.OS, func(path string) {
		mu.Lock()
		defer mu.Unlock()
		if filepath.Base(path) == ckpt.Weights+".safetensors" {
			fetched[filepath.Base(filepath.Dir(path))] = weights
		}
	}}
	run(t, c, train.Options{Data: chain(3000, 7), Out: t.TempDir(), Steps: end, SaveEvery: end - 1, FS: fs}, engine)
	want := map[string]int{".tmp-" + ckpt.StepDir(end-1): 1, ".tmp-" + ckpt.StepDir(end): 1}
	if d := cmp.Diff(want, fetched); d != "" || weights != 2 {
		t.Errorf("fetched %d times; %s", weights, d)
	}
}

type fetching struct {
	runtime.Engine
	told func(array string)
}

func (f fetching) Get(array string) (*ir.Tensor, error) {
	f.told(array)
	return f.Engine.Get(array)
}

type creating struct {
	ckpt.FS
	told func(path string)
}

func (c creating) Create(path string) (ckpt.File, error) {
	c.told(path)
	return c.FS.Create(path)
}

// Ctrl-C saves: the run ends after the step it is in, with a checkpoint of it.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	tr, err := train.New(opener(phased(), onInterp), train.Options{Data: chain(3000, 7), Out: dir, Progress: &stopper{7, cancel}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	res, err := tr.Run(ctx)
	if err != nil || !res.Interrupted || res.Step != 7 || filepath.Base(res.Checkpoint) != ckpt.StepDir(7) {
		t.Errorf("%+v, %v", res, err)
	}
}

type stopper struct {
	at   int64
	stop func()
}

func (s *stopper) Begin(*train.Plan, int64, int64) {}
func (s *stopper) Eval(int64, float64, int)        {}
func (s *stopper) End()                            {}
func (s *stopper) Step(e *train.Event) {
	if e.Step == s.at {
		s.stop()
	}
}

// What cannot go on says why.
func TestRefused(t *testing.T) {
	data := chain(3000, 7)
	dir := t.TempDir()
	res := run(t, phased(), train.Options{Data: data, Out: dir, Steps: 10}, onInterp)
	wider := phased()
	wider.Vocab = 9
	shorter := phased()
	shorter.Phases, shorter.Steps = nil, 5
	nan := phased()
	nan.LR = math.MaxFloat32
	cases := []struct {
		name, code string
		c          bigram.Config
		o          train.Options
	}{
		{"another run in the directory", "WF0644", phased(), train.Options{Data: data, Out: dir}},
		{"another shape", "WF0641", wider, train.Options{Data: data, Resume: res.Checkpoint}},
		{"fewer steps", "WF0641", shorter, train.Options{Data: data, Resume: res.Checkpoint}},
		{"vocabulary", "WF0642", phased(), train.Options{Data: chain(3000, 8)}},
		{"too little data", "WF0642", phased(), train.Options{Data: chain(5, 7)}},
		{"not a number", "WF0643", nan, train.Options{Data: data}},
	}
	for _, c := range cases {
		tr, err := train.New(opener(c.c, onInterp), c.o)
		if err == nil {
			_, err = tr.Run(context.Background())
			tr.Close()
		}
		var list diag.List
		if !errors.As(err, &list) || list[0].Code != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
	path := filepath.Join(res.Checkpoint, "m.safetensors")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = train.New(opener(phased(), onInterp), train.Options{Data: data, Out: dir, Resume: res.Checkpoint})
	var list diag.List
	if !errors.As(err, &list) || list[0].Code != "WF0640" || !strings.Contains(err.Error(), path) {
		t.Errorf("an altered file: %v", err)
	}
}

// Other data are noticed; a session without steps writes nothing.
func TestNotes(t *testing.T) {
	dir := t.TempDir()
	o := train.Options{Data: chain(3000, 7), Out: dir, Steps: 5, Run: ckpt.Run{Target: "interp", Data: []ckpt.DataFile{{Name: "a", Bytes: 1}}}}
	a := run(t, phased(), o, onInterp)
	o.Resume, o.Run.Data, o.Run.Target = a.Checkpoint, []ckpt.DataFile{{Name: "a", Bytes: 2}}, "cpu"
	b := run(t, phased(), o, onInterp)
	if len(b.Notes) != 2 || !strings.Contains(b.Notes[0], "target cpu") || !strings.Contains(b.Notes[1], "data are others") || b.Checkpoint != "" {
		t.Errorf("%+v", b)
	}
}

// A new run begins with the weights of another one; the rest is new.
func TestInit(t *testing.T) {
	data := chain(3000, 7)
	a := run(t, phased(), train.Options{Data: data, Out: t.TempDir(), Steps: 20}, onInterp)
	flat := bigram.Config{Vocab: 7, Batch: 2, Context: 4, Steps: 1, LR: 0, Half: true}
	b := run(t, flat, train.Options{Data: data, Out: t.TempDir(), Init: a.Checkpoint}, onInterp)
	ca, err := ckpt.Open(a.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	cb, err := ckpt.Open(b.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{ckpt.Weights, "master"} {
		x, err := ca.Group(g)
		if err != nil {
			t.Fatal(err)
		}
		y, err := cb.Group(g)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(x, y); d != "" {
			t.Error(d)
		}
	}
	if cb.Run.Step != 1 || cb.Run.Cursor.Tokens != 8 {
		t.Errorf("%+v", cb.Run)
	}
}
