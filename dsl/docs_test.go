package dsl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// docBlocks returns the wf programs of the pages about field equations.
func docBlocks(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, page := range []string{"language.md", "from-wfa.md", "tutorial.md"} {
		text, err := os.ReadFile("../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(text), "```") {
			if i%2 == 1 && strings.HasPrefix(part, "wf\n") {
				out = append(out, strings.TrimPrefix(part, "wf\n"))
			}
		}
	}
	if len(out) < 10 {
		t.Fatalf("%d programs found", len(out))
	}
	return out
}

// TestLanguagePage runs every program of the reference page.
func TestLanguagePage(t *testing.T) {
	for i, src := range docBlocks(t) {
		name := fmt.Sprintf("language.md, program %d", i+1)
		p, errs := dsl.Compile(name, src, dsl.Options{})
		for _, d := range errs {
			t.Errorf("%s\n%s", name, d.Render(diag.Style{}))
		}
		if p == nil {
			continue
		}
		r := execute(t, p)
		for _, a := range r.p.Arrays {
			for k := range r.arrays[a.Name].Len() {
				if v := r.arrays[a.Name].At(k); v != v || v > 1e30 || v < -1e30 {
					t.Fatalf("%s: %s[%d] = %v", name, a.Name, k, v)
				}
			}
		}
	}
}

// Formatting a program changes nothing it lowers to.
func TestPrintedProgramsLowerAlike(t *testing.T) {
	for i, src := range docBlocks(t) {
		file, errs := dsl.ParseFile("a.wf", src)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		a, _ := dsl.Compile("a.wf", src, dsl.Options{})
		b, errs := dsl.Compile("a.wf", string(syntax.Print(file)), dsl.Options{})
		if a == nil || b == nil {
			t.Fatalf("program %d: %v", i+1, errs)
		}
		if x, y := ir.Print(withoutPlaces(a)), ir.Print(withoutPlaces(b)); x != y {
			t.Errorf("program %d lowers to another program after formatting:\n%s\n---\n%s", i+1, x, y)
		}
	}
}

// withoutPlaces forgets source positions.
func withoutPlaces(p *ir.Program) *ir.Program {
	q := p.Clone()
	for i := range q.Arrays {
		q.Arrays[i].Pos = ir.Pos{}
		for k := range q.Arrays[i].BC {
			q.Arrays[i].BC[k].Pos = ir.Pos{}
		}
	}
	for i := range q.Funcs {
		for k := range q.Funcs[i].Ops {
			q.Funcs[i].Ops[k].Pos = ir.Pos{}
		}
		for k := range q.Funcs[i].Sets {
			q.Funcs[i].Sets[k].Pos = ir.Pos{}
		}
	}
	for i := range q.Procs {
		q.Procs[i].Pos = ir.Pos{}
		ir.Walk(q.Procs[i].Body, func(s *ir.Stmt) { s.Pos = ir.Pos{} })
	}
	for i := range q.Failures {
		q.Failures[i].Pos = ir.Pos{}
	}
	for i := range q.Checks {
		q.Checks[i].Pos = ir.Pos{}
	}
	for i := range q.Outputs {
		q.Outputs[i].Pos = ir.Pos{}
	}
	for i := range q.Probes {
		q.Probes[i].Pos = ir.Pos{}
	}
	return q
}

// FuzzCompile: what the checker accepts lowers to a valid program, which the passes take or refuse with a reason.
func FuzzCompile(f *testing.F) {
	text, err := os.ReadFile("../docs/language.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "```wf\n")[1:] {
		src, _, _ := strings.Cut(part, "```")
		f.Add(src)
	}
	for _, pattern := range []string{"../models/*.wf", "lower/testdata/*.txtar", "check/testdata/*.wf"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, chunk := range strings.Split(string(text), "\n---\n") {
				src, _, _ := strings.Cut(chunk, "-- out.wfir --")
				_, after, ok := strings.Cut(src, "-- in.wf --\n")
				if ok {
					src = after
				}
				f.Add(src)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 1<<11 {
			return
		}
		p, _ := dsl.Compile("fuzz.wf", src, dsl.Options{})
		if p == nil {
			return
		}
		if err := ir.Verify(p); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(p))
		}
		if len(src) < 600 && ir.Print(p) != "" {
			_, _ = passes.Canonical(p)
		}
	})
}
