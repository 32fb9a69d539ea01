package wfc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/runtime/wfx"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

const bar = `param n = 12, steps = 7, c = 0.2
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n; z: 0 .. 1 in 6 }
field T on g = 1 + x*y + z
bc T { all: dn(T) = 0 }
evolve k in 0 .. steps {
  T'[x, y, z] = T[x, y, z] + c*(T[x + 1, y, z] - 2*T[x, y, z] + T[x - 1, y, z] + T[x, y - 1, z] - T[x, y, z])
}
output T at end as npy
probe p = T at (x = 0.5, y = 0.5, z = 0.5)
`

func mustBuild(t testing.TB, name, text string, opt BuildOptions) *Program {
	t.Helper()
	p, err := Build(Source{Name: name, Text: text}, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t testing.TB, p *Program) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A run from the source and one from the .wfx file are the same to the cycle, and all targets give the same bytes.
func TestTargetsAndFileAgree(t *testing.T) {
	p := mustBuild(t, "bar.wf", bar, BuildOptions{})
	q, err := Decode("bar.wfx", encode(t, p))
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	var cycles int64
	for i, x := range []struct {
		p *Program
		t Target
	}{{p, Interp}, {q, Interp}, {p, Wafer}, {q, Wafer}, {p, CPU}, {q, CPU}} {
		dir := t.TempDir()
		res, err := x.p.Run(context.Background(), RunOptions{Target: x.t, OutDir: dir})
		if errors.Is(err, native.ErrNoToolchain) {
			t.Logf("%s: %v", x.t, err)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", x.t, err)
		}
		if res.Steps != 7 || res.Time != 7 || len(res.Outputs) != 2 {
			t.Errorf("%s: %+v", x.t, res)
		}
		got, err := os.ReadFile(filepath.Join(dir, "T.npy"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = got
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s, %d: other bytes than the interpreter", x.t, i)
		}
		if x.t == Wafer {
			if res.Cycles == nil || *res.Cycles <= 0 || res.HostCycles == nil || *res.HostCycles <= 0 {
				t.Fatalf("no cycles: %+v", res)
			}
			if cycles != 0 && *res.Cycles != cycles {
				t.Errorf("%d cycles from the source, %d from the file", cycles, *res.Cycles)
			}
			cycles = *res.Cycles
		}
	}
}

func TestDeterministic(t *testing.T) {
	a := encode(t, mustBuild(t, filepath.Join("some", "where", "bar.wf"), bar, BuildOptions{}))
	b := encode(t, mustBuild(t, "bar.wf", bar, BuildOptions{}))
	if !bytes.Equal(a, b) {
		t.Error("the same program in another directory gave other bytes")
	}
}

// What grows with the mesh is nothing.
func TestSizeDoesNotGrowWithTheMesh(t *testing.T) {
	src, err := ReadSource("models/heat.wf")
	if err != nil {
		t.Fatal(err)
	}
	size := func(nx, ny string) int {
		p, err := Build(src, BuildOptions{Set: map[string]string{"nx": nx, "ny": ny, "nz": "100"}})
		if err != nil {
			t.Fatal(err)
		}
		if p.Code == nil {
			t.Fatalf("refused: %v", p.Refusal)
		}
		return len(encode(t, p))
	}
	begun := time.Now()
	small, large := size("8", "8"), size("750", "994")
	if large >= 2*small {
		t.Errorf("%d bytes for 8 x 8, %d for 750 x 994", small, large)
	}
	if d := time.Since(begun); d > 20*time.Second {
		t.Errorf("building took %v", d)
	}
}

func TestRefusedProgramHasReportAndRuns(t *testing.T) {
	deep := strings.Replace(bar, "in 6", "in 20000", 1)
	p := mustBuild(t, "deep.wf", deep, BuildOptions{Set: map[string]string{"n": "3", "steps": "1"}})
	if p.Code != nil || len(p.Refusal) == 0 || p.Refusal[0].Code != "WF0401" {
		t.Fatalf("refusal: %v", p.Refusal)
	}
	r := p.Report()
	if r.Status != "refused" || r.Wafer == nil || len(r.Wafer.Classes) == 0 || len(r.Suggestions) == 0 || len(r.Diagnostics) == 0 {
		t.Errorf("report: %+v", r)
	}
	over := false
	for _, b := range r.Wafer.Budgets {
		over = over || b.Name == "memory" && b.Used > b.Limit
	}
	if !over {
		t.Errorf("no budget is over its limit: %+v", r.Wafer.Budgets)
	}
	q, err := Decode("deep.wfx", encode(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p.Refusal.Error(), q.Refusal.Error()); d != "" {
		t.Errorf("the file tells another reason: %s", d)
	}
	if _, err := q.Run(context.Background(), RunOptions{Target: Wafer}); err == nil || !strings.Contains(err.Error(), "WF0401") {
		t.Errorf("run on the wafer: %v", err)
	}
	if res, err := q.Run(context.Background(), RunOptions{Target: Interp}); err != nil || res.Steps != 1 {
		t.Errorf("run on the interpreter: %v", err)
	}
}

func firstCode(err error) string {
	if l, ok := err.(Diagnostics); ok && len(l) > 0 {
		return l[0].Code
	}
	return ""
}

func TestSettings(t *testing.T) {
	p, err := Decode("bar.wfx", encode(t, mustBuild(t, "bar.wf", bar, BuildOptions{Set: map[string]string{"n": "5"}})))
	if err != nil {
		t.Fatal(err)
	}
	run := func(set map[string]string) (*Result, error) {
		return p.Run(context.Background(), RunOptions{Target: Interp, Set: set})
	}
	if r, err := run(map[string]string{"steps": "3", "n": "5"}); err != nil || r.Steps != 3 {
		t.Errorf("value parameter: %v", err)
	}
	_, err = run(map[string]string{"n": "6"})
	if l, ok := err.(Diagnostics); !ok || l[0].Code != "WF0602" || l[0].Primary.String() != "bar.wf:1:7" {
		t.Errorf("shape parameter: %v", err)
	}
	if _, err = run(map[string]string{"stops": "6"}); firstCode(err) != "WF0205" {
		t.Errorf("unknown parameter: %v", err)
	}
	if _, err := p.Run(context.Background(), RunOptions{Target: "gpu"}); firstCode(err) != "WF0606" {
		t.Errorf("unknown target: %v", err)
	}
	if _, err := Load("no/such.wfx"); firstCode(err) != "WF0603" {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Decode("x.wfx", []byte("hello")); firstCode(err) != "WF0607" {
		t.Errorf("no .wfx: %v", err)
	}
}

// Settings have units, and a shape parameter's own value is kept with its unit when the source is read again.
func TestSettingsWithUnits(t *testing.T) {
	src := "param L: km = 2, v = 3 m/s\ngrid g { x: 0 m .. L in 4 }\nfield T: m/s on g = 0\nevolve n in 0 .. 1 { T' = v }\n"
	p, err := Decode("u.wfx", encode(t, mustBuild(t, "u.wf", src, BuildOptions{Set: map[string]string{"L": "5"}})))
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Run(context.Background(), RunOptions{Target: Interp, Set: map[string]string{"v": "2 km/s"}})
	if err != nil || r.Fields["T"].Max != 2000 {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := p.Run(context.Background(), RunOptions{Target: Interp, Set: map[string]string{"L": "5000 m"}}); err != nil {
		t.Errorf("the build's own value in another unit: %v", err)
	}
	_, err = p.Run(context.Background(), RunOptions{Target: Interp, Set: map[string]string{"L": "6"}})
	if l, ok := err.(Diagnostics); !ok || l[0].Code != "WF0602" || !strings.Contains(l[0].Message, "built with L = 5000 m") {
		t.Errorf("%v", err)
	}
}

// The wafer's orders of reduction, replayed, give the wafer's bits elsewhere.
func TestReplayOrder(t *testing.T) {
	src, err := ReadSource("models/matvec.wf")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Build(src, BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := func(opt RunOptions) []byte {
		opt.OutDir = t.TempDir()
		if _, err := p.Run(context.Background(), opt); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(opt.OutDir, "y.npy"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	wafer := out(RunOptions{Target: Wafer})
	if !bytes.Equal(wafer, out(RunOptions{Target: Interp, Order: p})) {
		t.Error("the interpreter with the wafer's order gives other bytes than the wafer")
	}
	other := mustBuild(t, "bar.wf", bar, BuildOptions{})
	if _, err := other.Run(context.Background(), RunOptions{Target: Interp, Order: p}); len(p.Mesh.Orders) > 0 && firstCode(err) != "WF0606" {
		t.Errorf("an order for another program: %v", err)
	}
}

func TestBuildErrors(t *testing.T) {
	p, err := Build(Source{Name: "x.wf", Text: "grid g { x: 0 .. 1 in 4 }\nfield T on g = U\n"}, BuildOptions{})
	if err == nil || p == nil || p.Report().Status != "failed" || len(p.Report().Diagnostics) == 0 || p.Report().Diagnostics[0].Line != 2 {
		t.Errorf("%+v %v", p.Report(), err)
	}
	if _, err := p.Report().HTML(); err != nil {
		t.Error(err)
	}
	if _, err := Build(Source{Name: "bar.wf", Text: bar}, BuildOptions{Machine: "wse9"}); firstCode(err) != "WF0606" {
		t.Errorf("unknown machine: %v", err)
	}
	if _, err := Build(Source{Name: "bar.wf", Text: bar}, BuildOptions{MeshW: 100000, MeshH: 2}); firstCode(err) != "WF0606" {
		t.Errorf("mesh too large: %v", err)
	}
	if list := Check(Source{Name: "x.wf", Text: "grid g { x: 0 .. 1 in 4 }\nfield T on g = U\nfield S on g = V\n"}, nil); len(list) < 2 {
		t.Errorf("not all errors: %v", list)
	}
}

// Index IR text compiles like a program.
func TestIndexIR(t *testing.T) {
	p := mustBuild(t, "bar.wf", bar, BuildOptions{IndexOnly: true})
	f, err := p.container()
	if err != nil {
		t.Fatal(err)
	}
	q := mustBuild(t, "bar.wfir", f.IR, BuildOptions{Set: map[string]string{"steps": "2"}})
	if r, err := q.Run(context.Background(), RunOptions{Target: Wafer}); err != nil || r.Steps != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

// Every .wfx of a released version must run for ever.
func TestOldFilesRun(t *testing.T) {
	files, err := filepath.Glob("runtime/wfx/testdata/*.wfx")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		p, err := Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, target := range []Target{Interp, Wafer} {
			r, err := p.Run(context.Background(), RunOptions{Target: target})
			if err != nil || r.Fields["T"].Sum == 0 {
				t.Errorf("%s on %s: %v", path, target, err)
			}
		}
	}
}

// Sections that do not belong together are refused, whichever is exchanged.
func TestMixedSections(t *testing.T) {
	a, err := mustBuild(t, "bar.wf", bar, BuildOptions{}).container()
	if err != nil {
		t.Fatal(err)
	}
	b, err := mustBuild(t, "bar.wf", bar, BuildOptions{Set: map[string]string{"n": "5"}}).container()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(x *wfx.File){
		"ir": func(x *wfx.File) { x.IR = b.IR }, "mesh": func(x *wfx.File) { x.Mesh = b.Mesh }, "code": func(x *wfx.File) { x.Code = b.Code },
		"machine": func(x *wfx.File) { x.Machine = "wse3" }, "no mesh": func(x *wfx.File) { x.Mesh = "" },
		"cut ir": func(x *wfx.File) { x.IR = x.IR[:len(x.IR)/2] }, "cut mesh": func(x *wfx.File) { x.Mesh = x.Mesh[:len(x.Mesh)/2] },
		"cut code": func(x *wfx.File) { x.Code = x.Code[:len(x.Code)/2] }, "report": func(x *wfx.File) { x.Report = []byte("[]") },
	} {
		x := *a
		f(&x)
		var w bytes.Buffer
		if err := wfx.Write(&w, &x); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode("x.wfx", w.Bytes()); firstCode(err) != "WF0607" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the bytes, loading ends in a program or an explained error.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, mustBuild(f, "s.wf", "grid g { x: 0 .. 1 in 2 }\nfield T on g = 1\nevolve n in 0 .. 1 { T'[x] = T[x] + T[x] }\n", BuildOptions{})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := Decode("f.wfx", b); err == nil && p.IR == nil {
			t.Fatal("no program and no error")
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	src, err := ReadSource("models/heat.wf")
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range []struct{ name, nx, ny string }{{"8x8x100", "8", "8"}, {"750x994x100", "750", "994"}} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				p, err := Build(src, BuildOptions{Set: map[string]string{"nx": m.nx, "ny": m.ny, "nz": "100"}})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(encode(b, p))), "B(wfx)")
			}
		})
	}
}

// Several files that could not be written are several errors.
func TestFileErrors(t *testing.T) {
	one := func(name string) error { return &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission} }
	var list Diagnostics
	if err := FileErrors(errors.Join(one("a.npy"), fmt.Errorf("fields: %w", one("b.npy")))); !errors.As(err, &list) || len(list) != 2 {
		t.Errorf("not two errors: %v", err)
	}
	if err := FileErrors(errors.Join(one("a.npy"), errors.New("all else"))); !errors.As(err, &list) || len(list) != 1 || !strings.Contains(err.Error(), "all else") {
		t.Errorf("not one error that says everything: %v", err)
	}
}
