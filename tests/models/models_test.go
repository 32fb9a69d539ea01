// Package models runs the programs of models/: each is canonically formatted, fits both machines, gives the same bits everywhere, and
// has the parameters its comments show.
package models

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/dsl/tensor"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

const root = "../../models"

// small has settings that make a run take milliseconds; programs that are not listed run as they are.
var small = map[string]map[string]string{
	"heat.wf":                   {"nx": "7", "ny": "6", "nz": "5", "steps": "6"},
	"advection.wf":              {"n": "12"},
	"wave.wf":                   {"n": "9"},
	"grayscott.wf":              {"n": "40", "steps": "5"},
	"life.wf":                   {"n": "12", "steps": "8"},
	"ising.wf":                  {"n": "12", "sweeps": "4"},
	"cahn_hilliard.wf":          {"n": "12", "end": "0.06"},
	"matvec.wf":                 {"rows": "9", "columns": "7"},
	"acoustics.wf":              {"n": "24"},
	"maxwell.wf":                {"n": "24"},
	"shallow_water.wf":          {"n": "12"},
	"burgers.wf":                {"n": "24", "end": "0.1"},
	"cavity.wf":                 {"n": "8", "end": "0.1"},
	"channel.wf":                {"n": "6", "length": "2", "end": "0.1"},
	"convection.wf":             {"n": "8", "end": "0.01"},
	"cylinder.wf":               {"n": "2", "end": "0.3"},
	"rayleigh_benard.wf":        {"n": "6", "end": "0.005"},
	"rayleigh_benard_stokes.wf": {"n": "6", "end": "0.001"},
	"heat_implicit.wf":          {"nx": "7", "ny": "6", "nz": "5", "end": "15"},
	"poisson.wf":                {"n": "8"},
	"wfa/diffusion_explicit.wf": {"n": "8", "steps": "4"},
	"wfa/diffusion_implicit.wf": {"n": "7", "steps": "2"},
}

// all lists the programs by their path below models/.
func all(t testing.TB) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".wf" {
			if tree, _ := syntax.Parse(path, source(t, strings.TrimPrefix(filepath.ToSlash(path), root+"/")).Text); tensor.Is(tree) {
				return nil // dsl/tensor and tests/train have them
			}
			rel, _ := filepath.Rel(root, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 7 {
		t.Fatalf("only %d programs in models/: %v", len(out), out)
	}
	return out
}

func source(t testing.TB, file string) wfc.Source {
	t.Helper()
	src, err := wfc.ReadSource(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func build(t testing.TB, file, machine string, set map[string]string) *wfc.Program {
	t.Helper()
	p, err := wfc.Build(source(t, file), wfc.BuildOptions{Machine: machine, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	if v := p.Report().Wafer.Verdict; v.Network.Kind != "free" || v.Machine.Kind != "free" || len(v.Races) > 0 {
		t.Fatalf("%s on %s: verdict %+v", file, machine, *v)
	}
	return p
}

func TestFormatAndFit(t *testing.T) {
	for _, file := range all(t) {
		src := source(t, file)
		text, list := wfc.Format(src)
		if err := list.Err(); err != nil {
			t.Error(err)
			continue
		}
		if string(text) != src.Text {
			t.Errorf("%s is not in canonical format; run wfc fmt", file)
		}
		if !strings.HasPrefix(src.Text, "// ") {
			t.Errorf("%s does not say what it is about", file)
		}
		if findings := wfc.Check(src, nil); len(findings) > 0 {
			t.Errorf("%s: %v", file, findings)
		}
		for _, machine := range wfc.Machines() {
			// As it is, not made small: a newcomer runs it like this.
			if p := build(t, file, machine, nil); p.Report().Status != "fits" {
				t.Errorf("%s on %s: %s", file, machine, p.Report().Status)
			}
		}
	}
}

func TestTargetsAgree(t *testing.T) {
	targets := []wfc.Target{wfc.Interp, wfc.Wafer}
	if _, err := native.Find(""); err == nil {
		targets = append(targets, wfc.CPU)
	}
	for _, file := range all(t) {
		for _, machine := range wfc.Machines() {
			p := build(t, file, machine, small[file])
			var want *wfc.Result
			for _, target := range targets {
				opt := wfc.RunOptions{Target: target, OutDir: t.TempDir()}
				if target != wfc.Wafer {
					opt.Order = p
				}
				got, err := p.Run(context.Background(), opt)
				if err != nil {
					t.Fatalf("%s on %s: %v", file, target, err)
				}
				for _, path := range got.Outputs {
					if info, err := os.Stat(path); err != nil || info.Size() == 0 {
						t.Errorf("%s on %s: output %s: %v", file, target, path, err)
					}
				}
				if len(got.Outputs) == 0 {
					t.Errorf("%s on %s writes nothing", file, target)
				}
				if want == nil {
					want = got
					continue
				}
				if d := difference(got, want); d != "" {
					t.Errorf("%s for %s on %s: %s", file, machine, target, d)
				}
			}
		}
	}
}

// difference says where two results differ in bits.
func difference(a, b *wfc.Result) string {
	if a.Steps != b.Steps || a.Time != b.Time || len(a.Samples) != len(b.Samples) || len(a.Arrays) != len(b.Arrays) || len(a.Outputs) != len(b.Outputs) {
		return "another number of steps, samples, fields or outputs"
	}
	for i := range a.Samples {
		if a.Samples[i] != b.Samples[i] {
			return fmt.Sprintf("sample %v, not %v", a.Samples[i], b.Samples[i])
		}
	}
	for name, x := range a.Arrays {
		y := b.Arrays[name]
		if y == nil || x.Len() != y.Len() {
			return "another " + name
		}
		for k := 0; k < x.Len(); k++ {
			if math.Float64bits(x.At(k)) != math.Float64bits(y.At(k)) {
				return fmt.Sprintf("%s[%d] is %v, not %v", name, k, x.At(k), y.At(k))
			}
		}
	}
	for _, name := range a.Outputs {
		if !contains(b.Outputs, filepath.Base(name)) {
			return "output " + name + " is missing elsewhere"
		}
	}
	return ""
}

func contains(paths []string, base string) bool {
	for _, p := range paths {
		if filepath.Base(p) == base {
			return true
		}
	}
	return false
}

var (
	command = regexp.MustCompile(`^//\s+wfc run models/(\S+)(.*)$`)
	setting = regexp.MustCompile(`--set (\w+)=(\S+)`)
)

// Every command line in the comments of a program works: it names the file, and its parameters exist and change the program.
func TestDocumentedCommands(t *testing.T) {
	for _, file := range all(t) {
		found := 0
		for _, line := range strings.Split(source(t, file).Text, "\n") {
			m := command.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			found++
			if m[1] != file {
				t.Errorf("%s shows how to run %s", file, m[1])
			}
			set := map[string]string{}
			for _, s := range setting.FindAllStringSubmatch(m[2], -1) {
				set[s[1]] = s[2]
			}
			p, err := wfc.Build(source(t, file), wfc.BuildOptions{Machine: "wse2", Set: set, IndexOnly: strings.Contains(m[2], "--target cpu")})
			if err != nil || p.Refusal != nil {
				t.Errorf("%s: %s: %v %v", file, strings.TrimSpace(line), err, p.Refusal)
				continue
			}
			for name, value := range set {
				got := math.NaN()
				for _, q := range p.IR.Params {
					if q.Name == name {
						got = q.Value
					}
				}
				if want, err := strconv.ParseFloat(value, 64); err != nil || got != want {
					t.Errorf("%s: %s gives %s the value %v", file, strings.TrimSpace(line), name, got)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s does not show how to run it", file)
		}
	}
}

// The parameters that the documentation promises: what they change is seen in the result.
func TestParameters(t *testing.T) {
	for file, want := range map[string]struct {
		array string
		set   map[string]string
		dims  string
		steps int64
	}{
		"heat.wf":                   {"T", map[string]string{"nx": "5", "ny": "8", "nz": "3", "steps": "7"}, "[5 8 3]", 7},
		"wfa/diffusion_explicit.wf": {"T", map[string]string{"n": "6", "c": "0.05", "steps": "3"}, "[6 6 6]", 3},
		"advection.wf":              {"q", map[string]string{"n": "10"}, "[10 10]", -1},
		"grayscott.wf":              {"U", map[string]string{"n": "38", "steps": "2", "F": "0.03", "k": "0.055"}, "[38 38]", 2},
		"life.wf":                   {"cell", map[string]string{"n": "9", "steps": "3"}, "[9 9]", 3},
		"matvec.wf":                 {"B", map[string]string{"rows": "5", "columns": "4"}, "[5 4]", -1},
		"wave.wf":                   {"u", map[string]string{"n": "7"}, "[7 7]", -1},
	} {
		run := func(set map[string]string) *wfc.Result {
			p := build(t, file, "wse2", set)
			res, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Interp})
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			return res
		}
		res := run(want.set)
		if got := fmt.Sprint(res.Arrays[want.array].Dims); got != want.dims {
			t.Errorf("%s: %s has the extents %s, want %s", file, want.array, got, want.dims)
		}
		if want.steps >= 0 && res.Steps != want.steps {
			t.Errorf("%s: %d steps, want %d", file, res.Steps, want.steps)
		}
		for _, name := range []string{"c", "F", "k"} { // parameters that only change values
			if _, ok := want.set[name]; !ok {
				continue
			}
			set := map[string]string{}
			for k, v := range want.set {
				if k != name {
					set[k] = v
				}
			}
			if difference(run(set), res) == "" {
				t.Errorf("%s: --set %s changes nothing", file, name)
			}
		}
	}
}
