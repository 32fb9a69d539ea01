// Package scale shows that compiling costs classes of PEs, not PEs: a program for the whole wafer is built as fast and as small as
// one for eight by eight PEs.
package scale

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc"
)

func source(t testing.TB, file string) wfc.Source {
	t.Helper()
	src, err := wfc.ReadSource("../../models/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func heat(t testing.TB, nx, ny string) *wfc.Program {
	t.Helper()
	p, err := wfc.Build(source(t, "heat.wf"), wfc.BuildOptions{Machine: "wse2", Set: map[string]string{"nx": nx, "ny": ny, "nz": "100"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	return p
}

func size(t testing.TB, p *wfc.Program) int {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

func TestWholeWafer(t *testing.T) {
	small := heat(t, "8", "8")
	start := time.Now()
	whole := heat(t, "750", "994")
	if d := time.Since(start); d > 10*time.Second { // it takes hundredths; the bound is for a busy computer
		t.Errorf("the build took %v", d)
	}
	if whole.Code.W != 750 || whole.Code.H != 994 {
		t.Fatalf("the program takes %d x %d PEs", whole.Code.W, whole.Code.H)
	}
	if a, b := len(small.Code.Classes), len(whole.Code.Classes); a != b {
		t.Errorf("%d classes on the wafer, %d on 8 x 8 PEs", b, a)
	}
	a, b := size(t, small), size(t, whole)
	t.Logf("%d bytes for 8 x 8 x 100, %d bytes for 750 x 994 x 100", a, b)
	if b >= 2*a {
		t.Errorf("the compiled file has %d bytes, that for 8 x 8 PEs %d", b, a)
	}
}

// The grids of the two benchmarks differ by four orders of magnitude; the times should differ by less than a factor of two.
func BenchmarkBuild8x8x100(b *testing.B)     { benchmark(b, "8", "8") }
func BenchmarkBuild750x994x100(b *testing.B) { benchmark(b, "750", "994") }

func benchmark(b *testing.B, nx, ny string) {
	n := 0
	for b.Loop() {
		n = size(b, heat(b, nx, ny))
	}
	b.ReportMetric(float64(n), "wfx-bytes")
}

// BenchmarkBuildRatio builds the two in turn, so that both meet the same computer, and reports the ratio of their median times.
func BenchmarkBuildRatio(b *testing.B) {
	var small, whole []time.Duration
	timed := func(nx, ny string) time.Duration {
		start := time.Now()
		size(b, heat(b, nx, ny))
		return time.Since(start)
	}
	for b.Loop() {
		small, whole = append(small, timed("8", "8")), append(whole, timed("750", "994"))
	}
	slices.Sort(small)
	slices.Sort(whole)
	b.ReportMetric(float64(whole[len(whole)/2])/float64(small[len(small)/2]), "whole/small")
}

// Blocks of unequal size have more classes, and still no more than a few per axis.
func TestUnevenBlocks(t *testing.T) {
	p := heat(t, "800", "1000")
	if p.Code.W != 750 || p.Code.H > 994 {
		t.Errorf("the program takes %d x %d PEs", p.Code.W, p.Code.H)
	}
	if n := len(p.Code.Classes); n > 40 {
		t.Errorf("%d classes", n)
	}
}

// The scale-up command of the WFA documentation, 800 x 1000 x 2000, does not fit. It is refused with the limit it breaks, by how much,
// and what would fit; what would fit does; and the report is written all the same.
func TestScaleUpCommandIsRefused(t *testing.T) {
	src := source(t, "wfa/diffusion_explicit.wf")
	src.Text = strings.Replace(src.Text, "param n = 10", "param nx = 10, ny = 10, nz = 10", 1)
	src.Text = strings.Replace(src.Text, "x: n; y: n; z: n", "x: nx; y: ny; z: nz", 1)
	build := func(nz string) *wfc.Program {
		p, err := wfc.Build(src, wfc.BuildOptions{Machine: "wse2", Set: map[string]string{"nx": "800", "ny": "1000", "nz": nz}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := build("2000")
	if p.Refusal == nil || p.Code != nil {
		t.Fatal("800 x 1000 x 2000 is not refused")
	}
	d := p.Refusal[0]
	text := d.Message + "\n" + strings.Join(d.Notes, "\n")
	for _, want := range []string{"bytes", "too many", "T:"} {
		if !strings.Contains(text, want) {
			t.Errorf("the refusal does not say %q: %s", want, text)
		}
	}
	if d.Code == "" || d.Suggestion == nil || !strings.Contains(d.Suggestion.Text, "axis z") {
		t.Errorf("the refusal has code %q and suggests %v", d.Code, d.Suggestion)
	}
	r := p.Report()
	if r.Status != "refused" || r.Wafer == nil || r.Wafer.W != 750 || r.Wafer.H != 994 || len(r.Diagnostics) == 0 || len(r.Suggestions) == 0 {
		t.Errorf("the report of a refused program has status %q, wafer %v", r.Status, r.Wafer)
	}
	over := false
	for _, b := range r.Wafer.Budgets {
		over = over || b.Used > b.Limit
	}
	if !over {
		t.Error("the report shows no budget that is exceeded")
	}
	if js, err := r.JSON(); err != nil || !bytes.Contains(js, []byte(d.Code)) {
		t.Errorf("the report as JSON (%v) does not hold %s", err, d.Code)
	}
	if page, err := r.HTML(); err != nil || !bytes.Contains(page, []byte(d.Code)) {
		t.Errorf("the report as a page (%v) does not hold %s", err, d.Code)
	}
	if size(t, p) == 0 {
		t.Error("the compiled file is empty")
	}
	if _, err := p.Run(context.Background(), wfc.RunOptions{}); err == nil || !strings.Contains(err.Error(), d.Code) {
		t.Errorf("running it on the wafer gives %v", err)
	}
	if fits := build("400"); fits.Refusal != nil {
		t.Errorf("800 x 1000 x 400 is refused: %v", fits.Refusal)
	}
}
