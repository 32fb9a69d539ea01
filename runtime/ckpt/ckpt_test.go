package ckpt

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/ir"
)

// sample is a state whose every number depends on the step.
func sample(step int64) *Snapshot {
	fill := func(name string, e ir.Elem, dims ...int) Named {
		t := ir.NewTensor(e, dims...)
		for i := range t.F32 {
			t.F32[i] = float32(step)*20 + float32(i)
		}
		for i := range t.I32 {
			t.I32[i] = int32(step)
		}
		return Named{Name: name, T: t}
	}
	loss := 1 / float64(step+1)
	return &Snapshot{
		Run: Run{Model: "m", Step: step, Steps: 100, Loss: &loss, Plan: json.RawMessage(`{"a":  [1, 2.50, "<x>"]}`), Restarts: []Restart{{Step: 0, Target: "cpu"}}},
		Groups: []Group{
			{Weights, []Named{fill("wte", ir.F32, 5, 3), fill("l0.wq", ir.F16, 4)}},
			{"m", []Named{fill("wte", ir.F32, 5, 3)}},
			{"counter", []Named{fill("n", ir.I32)}},
		},
	}
}

// whole reads everything of a checkpoint and compares it with what was written.
func whole(t *testing.T, dir string) int64 {
	t.Helper()
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := sample(c.Run.Step)
	for i, g := range c.Groups() {
		got, err := c.Group(g)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.Groups[i], Group{g, got}); d != "" {
			t.Fatal(d)
		}
	}
	if len(c.Groups()) != len(want.Groups) || *c.Run.Loss != *want.Run.Loss || filepath.Base(dir) != StepDir(c.Run.Step) {
		t.Fatalf("%s: %+v", dir, c.Run)
	}
	return c.Run.Step
}

func TestRoundTrip(t *testing.T) {
	run := t.TempDir()
	w, err := NewWriter(OS, filepath.Join(run, Subdir), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []int64{5, 10, 15, 15} { // the last again: it replaces
		if err := w.Save(sample(s)); err != nil {
			t.Fatal(err)
		}
	}
	last, err := w.Last()
	if err != nil {
		t.Fatal(err)
	}
	if whole(t, last) != 15 {
		t.Error(last)
	}
	names, err := OS.ReadDir(filepath.Join(run, Subdir))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{StepDir(10), StepDir(15)}, names); d != "" {
		t.Error(d)
	}
	for step, want := range map[int64]string{-1: StepDir(15), 10: StepDir(10)} {
		if d, err := Find(run, step); err != nil || filepath.Base(d) != want {
			t.Errorf("step %d: %s, %v", step, d, err)
		}
	}
	if d, err := Find(last, -1); err != nil || d != last {
		t.Error(d, err)
	}
	if _, err := Find(run, 5); err == nil {
		t.Error("a removed checkpoint was found")
	}
	if _, err := Find(t.TempDir(), -1); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// The process is killed, or the power fails, at every single operation of several saves. Afterwards: every directory with the name of a
// checkpoint is whole; none that was reported written is lost, but for those pruned; and the next run goes on.
func TestCrashAtEveryOperation(t *testing.T) {
	steps := []int64{10, 20, 20, 30, 40}
	kills := 0
	for dieAt := 0; ; dieAt++ {
		f := newCrashFS(dieAt)
		reported := int64(-1)
		err := Prepare(f, "run/checkpoints")
		for _, s := range steps {
			if err == nil {
				if _, err = Save(f, "run/checkpoints", sample(s)); err == nil {
					reported = s
					err = Prune(f, "run/checkpoints", 2)
				}
			}
		}
		if err == nil {
			break // it did not die any more
		}
		kills++
		for trial := range 4 {
			rng := rand.New(rand.NewPCG(uint64(dieAt), uint64(trial)))
			disk := t.TempDir()
			f.dump(t, disk, trial > 0, rng)
			at := f.trace[len(f.trace)-1]
			after(t, filepath.Join(disk, "run"), reported, fmt.Sprintf("killed at operation %d (%s), trial %d", dieAt, at, trial))
			if t.Failed() {
				return
			}
		}
	}
	if kills < 60 {
		t.Errorf("only %d operations", kills)
	}
	t.Logf("%d operations", kills)
}

// after checks a disk after a crash: the latest checkpoint is at least the reported one.
func after(t *testing.T, run string, reported int64, when string) {
	t.Helper()
	dir := filepath.Join(run, Subdir)
	path, err := Find(run, -1)
	if reported < 0 && err != nil {
		path = ""
	} else if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	if path != "" {
		if s := whole(t, path); s < reported {
			t.Errorf("%s: the latest checkpoint is of step %d, step %d was written", when, s, reported)
		}
	}
	list, err := Steps(OS, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		whole(t, filepath.Join(dir, StepDir(s)))
	}
	w, err := NewWriter(OS, dir, 2)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if err := w.Save(sample(50)); err != nil {
		t.Fatal(err)
	}
	if last, err := w.Last(); err != nil || whole(t, last) != 50 {
		t.Errorf("%s: %v", when, err)
	}
	names, err := OS.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, ".") {
			t.Errorf("%s: %s is left", when, n)
		}
	}
}

// A checkpoint cut at any byte of any file, or with any byte altered, is refused by the name of the file.
func TestDamage(t *testing.T) {
	dir, err := Save(OS, t.TempDir(), sample(3))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, b []byte, what string) {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := Open(dir)
		if err == nil {
			err = c.VerifyAll()
		}
		var d *Damage
		if !errors.As(err, &d) || d.File != path {
			t.Fatalf("%s %s: %v", name, what, err)
		}
		if err := os.WriteFile(path, good, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{RunFile, "weights.safetensors", "m.safetensors", "counter.safetensors"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(b); n += 7 {
			check(name, b[:n], fmt.Sprint("cut at ", n))
			x := append([]byte(nil), b...)
			x[n] ^= 1 << (n % 8)
			check(name, x, fmt.Sprint("altered at ", n))
		}
		check(name, append(append([]byte(nil), b...), ' '), "with a byte more")
	}
	if err := os.Remove(filepath.Join(dir, "m.safetensors")); err != nil {
		t.Fatal(err)
	}
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.VerifyAll(); err == nil || !strings.Contains(err.Error(), "m.safetensors: the file is missing") {
		t.Error(err)
	}
}

// The writer returns an error of the background with the next call, and a full disk costs no earlier checkpoint.
func TestWriterFails(t *testing.T) {
	f := newCrashFS(-1)
	w, err := NewWriter(f, "run/checkpoints", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Save(sample(1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(); err != nil {
		t.Fatal(err)
	}
	f.dieAt = f.ops + 3
	if err := w.Save(sample(2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Save(sample(3)); !errors.Is(err, errDead) {
		t.Error(err)
	}
	disk := t.TempDir()
	f.dump(t, disk, false, nil)
	if p, err := Find(filepath.Join(disk, "run"), -1); err != nil || whole(t, p) != 1 {
		t.Error(p, err)
	}
}

func FuzzRun(f *testing.F) {
	r := sample(1).Run
	r.Format = 1
	b, err := r.text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":1,"files":[{"name":"../x.safetensors"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Run
		_ = parseRun(b, &r) // must not panic
	})
}

// What is fetched is fetched when its turn comes, one tensor after the other, and the files are those of a copy.
func TestFetched(t *testing.T) {
	copied, fetched := t.TempDir(), t.TempDir()
	a, b := sample(3), sample(3)
	var order []string
	for i := range b.Groups {
		for j := range b.Groups[i].Tensors {
			n := &b.Groups[i].Tensors[j]
			whole := n.T
			n.T = &ir.Tensor{Elem: whole.Elem, Dims: whole.Dims}
			n.Fetch = func() (*ir.Tensor, error) {
				order = append(order, b.Groups[i].Name+"/"+n.Name)
				return whole, nil
			}
		}
	}
	for dir, s := range map[string]*Snapshot{copied: a, fetched: b} {
		if _, err := Save(OS, dir, s); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"weights/wte", "weights/l0.wq", "m/wte", "counter/n"}; !slices.Equal(order, want) {
		t.Errorf("fetched %v, not %v", order, want)
	}
	for i, f := range a.Run.Files {
		if b.Run.Files[i] != f {
			t.Errorf("%s: %+v and %+v", f.Name, f, b.Run.Files[i])
		}
	}
	b.Groups[0].Tensors[1].Fetch = func() (*ir.Tensor, error) { return nil, errors.New("the engine is closed") }
	if _, err := Save(OS, fetched, b); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a tensor that cannot be fetched: %v", err)
	}
}
