package check

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
				if d.Suggestion != nil && d.Suggestion.Edit != nil {
					e := d.Suggestion.Edit
					_, after := checkText(c.Source[:e.Span.Start]+e.New+c.Source[e.Span.End:], nil)
					for _, x := range after {
						if x.Code == d.Code && x.Primary.Start == d.Primary.Start {
							t.Errorf("%s: the edit does not mend it: %v", c.Name, d)
						}
					}
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
		if code >= "WF0370" && code <= "WF0388" {
			continue // of models: dsl/tensor has their tests
		}
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

// A keyword without what it declares is no name that was forgotten.
func TestKeywordAlone(t *testing.T) {
	_, errs := checkText("let = 3\n", nil)
	if len(errs) != 1 || errs[0].Code != "WF0201" || !strings.Contains(errs[0].Suggestion.Text, "`let name ..`") {
		t.Errorf("%v", errs)
	}
}

// Derived units are said by name, and read back as the same unit.
func TestUnitNames(t *testing.T) {
	for name, base := range map[string]string{"Pa": "kg/(m*s^2)", "N": "m*kg/s^2", "J": "N*m", "W": "J/s", "V": "W/A", "C": "A*s"} {
		p, errs := checkText("const a = 1 "+name+"\nconst b = a + 1 "+base+"\n", nil)
		if errs.HasErrors() || p.Scalars[1].SI != name {
			t.Errorf("%s: %v", name, errs)
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
		{"dt(T) = -upwind((x - 0.5, sin(2*pi*y)), T)", "", 1 / (0.45*10 + 0.9876883405951378*20)},
		{"dt(T) = lap(T) - (x + y)*dx(T)", "", 1 / (2 * (100. + 400))},
		{"dt(T) = (1.001 - x)*lap(T) - 20*x*dx(T)", "", 2 / (19 * 19 / 0.051)},
		{"dt(T) = -lap(lap(T)) - 100*dx(T) + 1e-3*lap(T)", "", 2 / 1e7},
		{"dt(dt(T)) = 4*lap(T)", "", 2 / (2 * 2 * 22.360679774997898)},
		{"dt(T) = -lap(lap(T))", "", 2 / (16 * (100. + 400) * (100 + 400))},
		{"dt(T) = div(((1, 0.9), (0.9, 1))*grad(T))", "", 1 / (2 * (100. + 400))},
		{"dt(T) = 4*dx(dx(T)) + dy(dy(T)) - 3.9*dx(dy(T))", "", 1 / (2 * (4*100. + 400))},
		{"dt(T) = lap(T) + dx(dy(T)) - 2*dx(T)", "", 1 / (2 * (100. + 400))},
		{"dt(T) = lap(T) + 2.1*dx(dy(T))", "", 0},
		{"dt(T) = lap(T) + 1.9*dx(dy(T)) - 80*dx(T)", "", 2 / (6400 / 0.05)},
	} {
		p, errs := checkText("grid g { x: 0 .. 1 in 10 periodic;  y: 0 .. 1 in 20 periodic }\nfield T on g = 0\nevolve t from 0 to 1 step auto "+
			c.opt+" { "+c.rhs+" }\n", nil)
		if c.want == 0 {
			if !errs.HasErrors() || errs[0].Code != "WF0308" {
				t.Errorf("%s: %v", c.rhs, errs)
			}
			continue
		}
		if errs.HasErrors() {
			t.Fatal(errs)
		}
		got, _ := Eval(p.Blocks[0].Limit)
		if d := got/c.want - 1; d > 1e-12 || d < -1e-12 {
			t.Errorf("%s: limit %v, want %v", c.rhs, got, c.want)
		}
	}
}

// Programs made to cost time or stack are checked in little of both.
func TestHostile(t *testing.T) {
	chain := func(first, next string, n int) string {
		var b strings.Builder
		b.WriteString(first)
		for i := 1; i < n; i++ {
			b.WriteString(strings.NewReplacer("@", fmt.Sprint(i), "#", fmt.Sprint(i-1)).Replace(next))
		}
		return b.String()
	}
	grid := "grid g { x: 0 .. 1 in 8 periodic;  y: 0 .. 1 in 8 periodic }\nfield T on g = 1\nfield U on g = 1\n"
	for name, src := range map[string]string{
		"consts":       chain("const c0 = 0.5\n", "const c@ = c#*c# + c#\n", 200) + grid + "evolve t from 0 to 1 step auto { dt(T) = c199*upwind((c199, 1), T) + lap(T) }\n",
		"lets":         grid + "evolve t from 0 to 1 step auto {\n" + chain("let a0 = T\n", "let a@ = a# + a#\n", 60) + "dt(T) = a59\n}\n",
		"let products": grid + "evolve n in 0 .. 3 {\n" + chain("let a0 = T\n", "let a@ = a#*a#\n", 60) + "T' = a59\n}\n",
		"derivatives":  grid + "evolve t from 0 to 1 step auto {\n" + chain("let a0 = lap(T)\n", "let a@ = a# + a#\n", 60) + "dt(T) = a59\n}\n",
		"nested":       grid + "evolve t from 0 to 1 step auto {\n" + chain("let a0 = T\n", "let a@ = dx(dy(a#)) + dx(a#)\n", 40) + "dt(T) = a39\n}\n",
		"long sum":     grid + "evolve t from 0 to 1 step auto { dt(T) = lap(T)" + strings.Repeat(" + lap(T)", 4000) + " }\n",
		"long index":   grid + "evolve n in 0 .. 1 { T'[x,y] = T[x,y]" + strings.Repeat("*U[x+1,y]", 1500) + " }\n",
		"huge grid":    "grid g { x: 1000000000; y: 1000; z: 1000 }\nfield T on g = x\n",
		"huge data":    "grid g { x: 0 .. 1 in 40000 periodic;  y: 0 .. 1 in 40000 periodic }\nfield k on g = x*y\nfield T on g = 0\nevolve t from 0 to 1 step auto { dt(T) = k*lap(T) }\n",
		"powers":       "const a = 1 m^99\n" + chain("const b0 = a^99\n", "const b@ = b#^99\n", 50),
		"huge order":   grid + "evolve t from 0 to 1 step auto order 1e300 { dt(T) = lap(T) }\n",
		"huge offset":  grid + "evolve n in 0 .. 1 { T'[x,y] = T[x+1000000000000,y] }\n",
	} {
		best := time.Duration(math.MaxInt64) // of up to three tries, as the computer may be busy
		for try := 0; try < 3 && best > 5*time.Second; try++ {
			start := time.Now()
			checkText(src, nil)
			best = min(best, time.Since(start))
		}
		if best > 5*time.Second {
			t.Errorf("%s took %v", name, best)
		} else if testing.Verbose() {
			t.Logf("%s: %v", name, best)
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
