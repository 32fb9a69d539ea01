package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/chunkedfile"
	"github.com/wfc-lang/wfc/internal/diag"
)

// checkText parses and checks; the list holds both kinds of errors.
func checkText(src string, set map[string]string) (*Program, diag.List) {
	f, errs := syntax.Parse("test.wf", src)
	p, more := Check(f, Options{Set: set})
	errs.Append(more)
	return p, errs.Sorted()
}

// TestErrors: every mistake of a chunk is found, nothing else is reported, and every error says how to mend it.
func TestErrors(t *testing.T) {
	given := map[string]bool{}
	files, _ := filepath.Glob("testdata/*.wf")
	for _, file := range files {
		for _, c := range chunkedfile.Read(t, file) {
			p, errs := checkText(c.Source, nil)
			c.Check(t, errs)
			if errs.HasErrors() != (p == nil) {
				t.Errorf("%s: errors %v, program %v", c.Name, errs.HasErrors(), p != nil)
			}
			for _, d := range errs {
				given[d.Code] = true
				if _, ok := diag.Lookup(d.Code); !ok || d.Primary.IsZero() || d.Severity == diag.Error && d.Suggestion == nil {
					t.Errorf("%s: no code, no place or no fix: %v", c.Name, d)
				}
			}
		}
	}
	for _, set := range []map[string]string{{"m": "3"}, {"n": "x"}} {
		_, errs := checkText("param n = 8\n", set)
		for _, d := range errs {
			given[d.Code] = true
		}
	}
	for _, code := range diag.Codes() {
		if (strings.HasPrefix(code, "WF02") || strings.HasPrefix(code, "WF03")) && !given[code] {
			t.Errorf("no test gives %s", code)
		}
	}
}

func TestSet(t *testing.T) {
	src := "param n = 8\nparam L = 2 km\nconst c = 3\nparam half = n/2\n"
	for _, c := range []struct {
		set   map[string]string
		name  string
		value float64
		err   string
	}{
		{nil, "L", 2000, ""},
		{map[string]string{"L": "3"}, "L", 3000, ""},
		{map[string]string{"L": "50 cm"}, "L", 0.5, ""},
		{map[string]string{"L": "-1"}, "L", -1000, ""},
		{map[string]string{"L": "3 s"}, "", 0, "units do not agree"},
		{map[string]string{"n": "16"}, "half", 8, ""},
		{map[string]string{"n": "sixteen"}, "", 0, "is not a number"},
		{map[string]string{"n": "1\nconst evil = 2"}, "", 0, "is not a number"},
		{map[string]string{"m": "16"}, "", 0, "the program has no param m"},
		{map[string]string{"c": "16"}, "", 0, "the program has no param c"},
	} {
		p, errs := checkText(src, c.set)
		if c.err != "" {
			if !errs.HasErrors() || !strings.Contains(errs.Error(), c.err) || len(errs) != 1 {
				t.Errorf("%v: %v, want %q", c.set, errs, c.err)
			}
			continue
		}
		if p == nil {
			t.Fatalf("%v: %v", c.set, errs)
		}
		for _, s := range p.Scalars {
			if s.Name == c.name && s.Value != c.value {
				t.Errorf("%v: %s = %v, want %v", c.set, s.Name, s.Value, c.value)
			}
		}
	}
}

// Units that are not written are solved for.
func TestUnitInference(t *testing.T) {
	p, errs := checkText(`
const k = 2
grid rod { x: 0 .. 1 in 8 periodic }
field T on rod = 300 K
field S on rod = 1
const alpha = 1 m^2/s
evolve t from 0 to 1 step 0.001 { dt(T) = alpha*lap(T) + k*T + S }
output T every 1 min
`, nil)
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	want := map[string]string{"k": "1/s", "alpha": "m^2/s"}
	for _, s := range p.Scalars {
		if s.SI != want[s.Name] {
			t.Errorf("%s is in %s, want %s", s.Name, s.SI, want[s.Name])
		}
	}
	if p.Axes[0].SI != "m" || p.Fields[1].SI != "K/s" {
		t.Errorf("x in %s, S in %s", p.Axes[0].SI, p.Fields[1].SI)
	}
}

// Params that reach the shape of the program are frozen, others are not.
func TestShapeParams(t *testing.T) {
	p, errs := checkText(`
param n = 8, L = 2, r = 1, c = 3, d = 1, steps = 5
const m = 2*n
grid g { x: 0 .. L in m periodic }
field k on g = d*(1 + x)
field T on g = c
evolve t from 0 to steps*0.0001 step 0.0001 { dt(T) = k*lap(T) }
probe p = T at (x = r)
`, nil)
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	want := map[string]bool{"n": true, "L": true, "r": true, "d": true}
	for _, s := range p.Scalars {
		if s.Param && s.Shape != want[s.Name] {
			t.Errorf("%s: shape %v", s.Name, s.Shape)
		}
	}
}

// Limits against closed forms.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		rhs, opt string
		want     float64
	}{
		{"dt(T) = lap(T)", "", 1 / (2 * (100. + 400))},
		{"dt(T) = 3*lap(T) - T^3", "", 1 / (2 * 3 * (100. + 400))},
		{"dt(T) = lap(T)", "order 4", 2 / (16. / 3 * (100 + 400))},
		{"dt(T) = div((1 + x)*grad(T))", "", 1 / (2 * 1.95 * (100. + 400))},
		{"dt(T) = -upwind((2, 3), T)", "", 1 / (2*10. + 3*20)},
		{"dt(T) = 0.01*lap(T) - 2*dx(T)", "", 2 / (4 / 0.01)},
		{"dt(T) = lap(T) - 2*dx(T)", "", 1 / (2 * (100. + 400))},
		{"dt(dt(T)) = 4*lap(T)", "", 2 / (2 * 2 * 22.360679774997898)},
		{"dt(T) = -lap(lap(T))", "", 2 / (16 * (100. + 400) * (100 + 400))},
	} {
		p, errs := checkText("grid g { x: 0 .. 1 in 10 periodic;  y: 0 .. 1 in 20 periodic }\nfield T on g = 0\nevolve t from 0 to 1 step auto "+
			c.opt+" { "+c.rhs+" }\n", nil)
		if errs.HasErrors() {
			t.Fatal(errs)
		}
		got, _ := Eval(p.Blocks[0].Limit)
		if d := got/c.want - 1; d > 1e-12 || d < -1e-12 {
			t.Errorf("%s: limit %v, want %v", c.rhs, got, c.want)
		}
	}
}

// FuzzCheck: no text makes the checker panic, and no error comes without a place.
func FuzzCheck(f *testing.F) {
	for _, pattern := range []string{"testdata/*.wf", "../../models/*.wf"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, chunk := range strings.Split(string(text), "\n---\n") {
				f.Add(chunk)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 1<<12 {
			return
		}
		_, errs := checkText(src, map[string]string{"n": "3"})
		for _, d := range errs {
			if d.Primary.IsZero() && d.Code != "WF0205" {
				t.Errorf("no place: %v", d)
			}
		}
	})
}
