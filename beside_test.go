package wfc

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ckpt"
)

// besideText draws a program with outputs during its run: equal steps, or steps that it chooses, and what is wanted at them.
func besideText(t *rapid.T) (text string, steps int64) {
	var b strings.Builder
	b.WriteString(`grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 5 periodic; z: 0 .. 1 in 4 }
field T on g = 1 + x*sin(2*pi*y) + z
field u on g = 0.5*x
bc T { x: T = 1; z: dn(T) = 0 }
bc u { all: dn(u) = 0 }
`)
	timed := true
	switch rapid.IntRange(0, 4).Draw(t, "evolve") {
	case 0:
		b.WriteString("evolve n in 0 .. 45 { T' = T + 0.02*lap(T)/64; u' = u + 0.1*T }\n")
		timed = false
	case 1:
		b.WriteString("evolve t from 0 to 0.05 step 0.0021 { dt(T) = 0.1*lap(T); dt(u) = T - u }\n")
	case 2:
		b.WriteString("evolve t from 0 to 0.11 step cfl(0.4, speed = (u, u, u), diffusion = 0.1, max = 0.003) { dt(T) = 0.1*lap(T); dt(u) = T - u }\n")
	case 3:
		b.WriteString("evolve t from 0 to 0.3 step adaptive(1e-4, first = 0.03) { dt(T) = 0.1*lap(T) - T*T; dt(u) = T }\n")
	case 4:
		b.WriteString("evolve t from 0 to 0.3 until mean(u') > 0.5 step 0.003 { dt(T) = 0.1*lap(T); dt(u) = T }\n")
	}
	every := func() string {
		if timed && rapid.Bool().Draw(t, "time") {
			return rapid.SampledFrom([]string{"0.002", "0.005", "0.0131", "0.03"}).Draw(t, "every")
		}
		return fmt.Sprintf("%d steps", rapid.IntRange(1, 9).Draw(t, "every"))
	}
	for k := range rapid.IntRange(1, 4).Draw(t, "wanted") {
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			fmt.Fprintf(&b, "output T every %s as npy\n", every())
		case 1:
			fmt.Fprintf(&b, "output T, u every %s as npz\n", every())
		case 2:
			fmt.Fprintf(&b, "monitor m%d = sum(T) + max(u) every %s\n", k, every())
		case 3:
			fmt.Fprintf(&b, "probe p%d = u at (x = 0.3, y = 0.5, z = 0.5) every %s\n", k, every())
		}
	}
	if rapid.Bool().Draw(t, "saved") {
		steps = int64(rapid.IntRange(2, 12).Draw(t, "save every"))
	}
	return b.String(), steps
}

// tree reads the files below a directory; of the account of a checkpoint, which says when it was made, the place in the run.
func tree(t *rapid.T, dir string) map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if d.Name() == ckpt.RunFile {
			var run ckpt.Run
			err = json.Unmarshal(b, &run)
			b = run.Plan
		}
		out[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What is seen beside the steps is what is seen when the wafer stands still: every file, and every checkpoint, has the same bytes, also where
// memory is left for some of the looks only.
func TestBesideIsAsPausing(t *testing.T) {
	check := func(t *rapid.T) {
		text, saved := besideText(t)
		engine := rapid.SampledFrom([]string{FastEngine, PlainEngine}).Draw(t, "engine")
		run := func(looks func(all int) []int) (*Result, map[string]string) {
			opt := BuildOptions{MeshW: 3, MeshH: 2, Checkpoints: saved > 0, looks: looks}
			ro := RunOptions{Engine: engine}
			p, err := Build(Source{Name: "beside.wf", Text: text}, opt)
			if err != nil {
				t.Fatal(err)
			}
			dir, err := os.MkdirTemp("", "beside")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			ro.OutDir = dir
			if saved > 0 {
				ro.Checkpoints = &runtime.Checkpoints{Dir: dir, Steps: saved}
			}
			res, err := p.Run(t.Context(), ro)
			if err != nil {
				t.Fatal(err)
			}
			return res, tree(t, dir)
		}
		paused, want := run(func(int) []int { return nil })
		some := rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(t, "some")
		for k, looks := range []func(all int) []int{nil, func(all int) (keep []int) {
			for i := range all {
				if some[i%len(some)] {
					keep = append(keep, i)
				}
			}
			return keep
		}} {
			res, got := run(looks)
			if res.Steps != paused.Steps || fmt.Sprint(res.Samples) != fmt.Sprint(paused.Samples) {
				t.Fatalf("%d steps with %v, pausing %d steps with %v", res.Steps, res.Samples, paused.Steps, paused.Samples)
			}
			var differ []string
			for name := range want {
				if got[name] != want[name] {
					differ = append(differ, name)
				}
			}
			if slices.Sort(differ); len(differ) > 0 || len(got) != len(want) {
				t.Fatalf("%s\n%d files, pausing %d; these differ: %v", text, len(got), len(want), differ)
			}
			if k == 0 && (res.Pauses > 0 || paused.Pauses > 0 && res.Beside == nil) {
				t.Fatalf("%s\n%d pauses, and %d where there is no look, %+v", text, res.Pauses, paused.Pauses, res.Beside)
			}
		}
	}
	for i := range 16 {
		rapid.Custom(func(t *rapid.T) int { check(t); return 0 }).Example(i)
	}
}
