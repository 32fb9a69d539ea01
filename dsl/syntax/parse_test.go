package syntax

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/chunkedfile"
	"github.com/wfc-lang/wfc/internal/diag"
)

func TestErrors(t *testing.T) {
	for _, c := range chunkedfile.Read(t, "testdata/errors.wf") {
		_, errs := Parse("errors.wf", c.Source)
		c.Check(t, errs)
		for _, d := range errs {
			if _, ok := diag.Lookup(d.Code); !ok || d.Primary.IsZero() || d.Suggestion == nil {
				t.Errorf("%s: no code, no place or no fix: %v", c.Name, d)
			}
			if fix := d.Suggestion; fix != nil && fix.Edit != nil {
				fixed := c.Source[:fix.Edit.Span.Start] + fix.Edit.New + c.Source[fix.Edit.Span.End:]
				_, after := Parse("errors.wf", fixed)
				for _, e := range after {
					if e.Code == d.Code && e.Primary.Start == d.Primary.Start {
						t.Errorf("%s: the edit does not mend it: %v", c.Name, d)
					}
				}
			}
		}
	}
}

// programs returns every whole program the repository has.
func programs(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"testdata/heat.wf", "testdata/everything.wf", "../../models/*.wf", "../../models/*/*.wf"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = string(data)
		}
	}
	return out
}

func TestFormatKeepsTheProgram(t *testing.T) {
	for name, src := range programs(t) {
		tree, errs := Parse(name, src)
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		once := Print(tree)
		again, errs := Parse(name, string(once))
		if len(errs) > 0 {
			t.Errorf("%s: formatted text does not parse: %v\n%s", name, errs, once)
			continue
		}
		if !Equal(tree, again) {
			t.Errorf("%s: formatting changed the program:\n%s", name, once)
		}
		if twice := Print(again); string(twice) != string(once) {
			t.Errorf("%s: formatting is not idempotent:\n%s\n---\n%s", name, once, twice)
		}
		if a, b := strings.Count(src, "//"), strings.Count(string(once), "//"); a != b {
			t.Errorf("%s: %d comments before, %d after", name, a, b)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"param  a=1,b =2 ;let c=a*( b+1 )", "param a = 1, b = 2\nlet c = a*(b + 1)\n"},
		{"T'[ x+1 , y ]=T[x - 1,y]", "T'[x+1,y] = T[x-1,y]\n"},
		{"let a = 60s + 2 m /dx", "let a = 60 s + 2 m / dx\n"},
		{"\n\n\n// a\n\n\n// b\nlet a = 1 // c\n\n\nlet b = 2\n\n// end", "// a\n\n// b\nlet a = 1 // c\n\nlet b = 2\n\n// end\n"},
		{"evolve t from 0 step auto  by rk4\nuntil steady(u,v;1e-5,every 100){\n dt(T) = 1 }", "evolve t from 0 until steady(u, v, tol = 1e-5, every = 100) step auto by rk4 {\n  dt(T) = 1\n}\n"},
		{"evolve t from 0 to 1 step cfl(0.5,speed=(u,v)) by imex(cn,ab2) until max(T)>2{ dt(T) = 1 }", "evolve t from 0 to 1 until max(T) > 2 step cfl(0.5, speed = (u, v)) by imex(cn, ab2) { dt(T) = 1 }\n"},
		{"evolve t from 0\n to 1\n step auto\n{\n\n dt(T) = 1 }", "evolve t from 0 to 1 step auto {\n  dt(T) = 1\n}\n"},
		{"let a = (1 + // one\n 2) // two", "// one\nlet a = (1 + 2) // two\n"},
		{"grid g { // axes\nx: 4 }", "grid g {\n  // axes\n  x: 4\n}\n"},
		{"let a = sum over j of b[j] where j<3", "let a = sum over j where j < 3 of b[j]\n"},
		{"field T on g: K = 1\r\n", "field T: K on g = 1\n"},
		{"", ""},
	} {
		out, errs := Format("t.wf", []byte(c.in))
		if len(errs) > 0 || string(out) != c.want {
			t.Errorf("Format(%q) =\n%q, %v\nwant\n%q", c.in, out, errs, c.want)
		}
	}
}

func TestFormatBreaksLongLines(t *testing.T) {
	var terms []string
	for i := range 30 {
		terms = append(terms, fmt.Sprintf("coefficient%d*f(alpha, beta, gamma)", i))
	}
	src := "let a = " + strings.Join(terms, " + ") + "\nparam " + strings.Join(strings.Fields(strings.Repeat("parameter=1, ", 30)), " ")
	src = strings.TrimSuffix(src, ",")
	out, errs := Format("t.wf", []byte(src))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, line := range strings.Split(string(out), "\n") {
		if len(line) > lineWidth {
			t.Errorf("line of %d characters: %s", len(line), line)
		}
	}
	a, _ := Parse("a", src)
	b, _ := Parse("b", string(out))
	if !Equal(a, b) {
		t.Errorf("breaking lines changed the program:\n%s", out)
	}
}

// TestFormatLeavesBrokenFiles: a file with errors is returned as it was.
func TestFormatLeavesBrokenFiles(t *testing.T) {
	src := "let  a = \n"
	out, errs := Format("t.wf", []byte(src))
	if !errs.HasErrors() || string(out) != src {
		t.Errorf("got %q, %v", out, errs)
	}
}

// TestPrecedence compares the shape of expressions, written with all brackets.
func TestPrecedence(t *testing.T) {
	for in, want := range map[string]string{
		"a + b*c":                            "(a + (b * c))",
		"-a^2":                               "(- (a ^ 2))",
		"a^-b^c":                             "(a ^ (- (b ^ c)))",
		"a - b - c":                          "((a - b) - c)",
		"a/b*c":                              "((a / b) * c)",
		"a^b^c":                              "(a ^ (b ^ c))",
		"not a == b and c or d":              "(((not (a == b)) and c) or d)",
		"a*-b":                               "(a * (- b))",
		"sum over k of a*b + c":              "(<sum k: (a * b)> + c)",
		"sum over k (a)/b":                   "(<sum k: a> / b)",
		"sum over k where k < 3 of a":        "<sum k | (k < 3): a>",
		"2 m/s^2*x":                          "{2|m/s^2*x}",
		"2 m/s^2 * x":                        "({2|m/s^2} * x)",
		"3 m*(a + b)":                        "({3|m} * (a + b))",
		"3 W/(m*K)*kg":                       "{3|W/(m*K)*kg}",
		"10 m/2":                             "({10|m} / 2)",
		"T'[x+1] + u[s=t]":                   "(T'[(x + 1)] + u[s=t])",
		"5 1/s":                              "{5|1/s}",
		"x < 1 or y >= 2 and not (a != b)":   "((x < 1) or ((y >= 2) and (not (a != b))))",
		"f(a, k = 2, g((1, 2)))":             "f(a, k=2, g((1, 2)))",
		"#k*k":                               "(#k * k)",
		"c*sum over k of a*b":                "(c * <sum k: (a * b)>)",
		"mean over s of f(a[s], b) - 1":      "(<mean s: f(a[s], b)> - 1)",
		"softmax over t where t <= s of (a)": "<softmax t | (t <= s): a>",
	} {
		f, errs := Parse("t.wf", "let v = "+in)
		if len(errs) > 0 {
			t.Errorf("%s: %v", in, errs)
			continue
		}
		if got := shape(f.Stmts[0].(*Bind).Items[0].Value); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// shape writes an expression with all brackets.
func shape(e Expr) string {
	args := func(list []*Arg) string {
		var out []string
		for _, a := range list {
			s := shape(a.Value)
			if a.Name != nil {
				s = a.Name.Name + "=" + s
			}
			out = append(out, s)
		}
		return strings.Join(out, ", ")
	}
	switch e := Unparen(e).(type) {
	case *Number:
		if e.Unit != nil {
			return "{" + e.Text + "|" + e.Unit.Text + "}"
		}
		return e.Text
	case *Ref:
		s := e.Name.Name
		if e.Prime {
			s += "'"
		}
		if e.Index != nil {
			s += "[" + args(e.Index) + "]"
		}
		return s
	case *Extent:
		return "#" + e.Name.Name
	case *Unary:
		return "(" + string(e.Op) + " " + shape(e.X) + ")"
	case *Binary:
		return "(" + shape(e.X) + " " + string(e.Op) + " " + shape(e.Y) + ")"
	case *Tuple:
		var out []string
		for _, x := range e.Elems {
			out = append(out, shape(x))
		}
		return "(" + strings.Join(out, ", ") + ")"
	case *Call:
		return e.Func.Name + "(" + args(e.Args) + ")"
	case *Reduce:
		s := "<" + e.Op.Name
		for _, id := range e.Over {
			s += " " + id.Name
		}
		if e.Where != nil {
			s += " | " + shape(e.Where)
		}
		return s + ": " + shape(e.Body) + ">"
	}
	return fmt.Sprintf("%T", e)
}

func TestUnitFactors(t *testing.T) {
	f, errs := Parse("t.wf", "let v = 3 W/(m^2*K)*s^-1")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	u := f.Stmts[0].(*Bind).Items[0].Value.(*Number).Unit
	if got := fmt.Sprint(u.Factors); got != "[{W 1} {m -2} {K -1} {s -1}]" {
		t.Errorf("factors %s", got)
	}
}

// TestSpans: every node's bytes lie in its parent's, and reading the bytes of an
// expression alone gives the same expression.
func TestSpans(t *testing.T) {
	for name, src := range programs(t) {
		f, errs := Parse(name, src)
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		nodes := 0
		var check func(parent, n Node)
		check = func(parent, n Node) {
			Walk(n, func(m Node) bool {
				if m == n {
					return true
				}
				nodes++
				a, b := n.Span(), m.Span()
				if b.IsZero() || b.Start >= b.End || b.Start < a.Start || b.End > a.End {
					t.Errorf("%s: %T [%d,%d) in %T [%d,%d)", name, m, b.Start, b.End, n, a.Start, a.End)
				}
				if e, ok := m.(Expr); ok {
					g, errs := Parse("part", "let v = ("+b.Text()+")")
					if len(errs) > 0 || !Equal(e, g.Stmts[0].(*Bind).Items[0].Value) {
						t.Errorf("%s: the bytes of %T are %q", name, m, b.Text())
					}
				}
				check(n, m)
				return false
			})
		}
		check(nil, f)
		if nodes < 20 {
			t.Errorf("%s: only %d nodes seen", name, nodes)
		}
	}
}

// TestBadKeepsNames: a broken declaration still tells what it would declare.
func TestBadKeepsNames(t *testing.T) {
	f, errs := Parse("t.wf", "param a = 1, b = +\nlet c = 2")
	if len(errs) != 1 || len(f.Stmts) != 2 {
		t.Fatalf("%v, %d statements", errs, len(f.Stmts))
	}
	bad, ok := f.Stmts[0].(*Bad)
	if !ok || len(bad.Names) != 2 || bad.Names[1].Name != "b" {
		t.Errorf("got %#v", f.Stmts[0])
	}
}

func TestHostileInput(t *testing.T) {
	for name, c := range map[string]struct{ src, code string }{
		"deep parentheses": {"let a = " + strings.Repeat("(", 20000), "WF0109"},
		"deep indices":     {"let a = " + strings.Repeat("a[", 20000), "WF0109"},
		"deep blocks":      {strings.Repeat("evolve t from 0 to 1 {", 20000), "WF0109"},
		"many signs":       {"let a = " + strings.Repeat("-", 20000) + "1", "WF0109"},
		"many nots":        {"let a = " + strings.Repeat("not ", 20000) + "b", "WF0109"},
		"many powers":      {"let a = 2" + strings.Repeat("^2", 20000), "WF0109"},
		"long sum":         {"let a = 2" + strings.Repeat("+2", 20000), "WF0109"},
		"deep reductions":  {"let a = " + strings.Repeat("sum over i of ", 20000) + "1", "WF0109"},
		"large file":       {strings.Repeat("let a = 1\n", 200000), "WF0110"},
		"many errors":      {strings.Repeat("let a = )\n", 1000), "WF0111"},
		"no text":          {"let a = \xff\xfe\x00\x01", "WF0105"},
	} {
		_, errs := Parse(name, c.src)
		found := false
		for _, d := range errs {
			found = found || d.Code == c.code
			if d.Suggestion == nil && d.Code == c.code {
				t.Errorf("%s: %s without a fix", name, d.Code)
			}
		}
		if !found || len(errs) > MaxErrors+1 {
			t.Errorf("%s: want %s, got %d diagnostics: %.300v", name, c.code, len(errs), errs)
		}
	}
}

// TestEveryCodeOccurs: each syntax code is given by some input of this package's
// tests.
func TestEveryCodeOccurs(t *testing.T) {
	seen := map[string]bool{"WF0109": true, "WF0110": true, "WF0111": true} // TestHostileInput
	for _, c := range chunkedfile.Read(t, "testdata/errors.wf") {
		_, errs := Parse("errors.wf", c.Source)
		for _, d := range errs {
			seen[d.Code] = true
		}
	}
	for _, code := range diag.Codes() {
		if strings.HasPrefix(code, "WF01") && !seen[code] {
			t.Errorf("no test gives %s", code)
		}
	}
}

// TestExamplesOfTheCatalogue: in the explanation of a syntax code, what is
// called wrong gives that code and what is called right gives none.
func TestExamplesOfTheCatalogue(t *testing.T) {
	checked := 0
	for _, code := range diag.Codes() {
		e, _ := diag.Lookup(code)
		if !strings.HasPrefix(code, "WF01") {
			continue
		}
		lines := strings.Split(e.Example, "\n")
		for i, text := range lines {
			wrong, right := strings.Contains(text, "// wrong"), strings.Contains(text, "// right")
			if !wrong && !right || strings.Contains(text, "...") {
				continue
			}
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  ") { // the statement goes on
				text += "\n" + lines[i+1]
			}
			if strings.HasPrefix(text, "where") {
				text = "let a = " + text
			}
			_, errs := Parse(code, text)
			switch {
			case right && len(errs) > 0:
				t.Errorf("%s calls this right:\n%s%v", code, text, errs)
			case wrong && (len(errs) == 0 || errs[0].Code != code):
				t.Errorf("%s calls this wrong:\n%s%v", code, text, errs)
			}
			checked++
		}
	}
	if checked < 20 {
		t.Errorf("only %d examples checked", checked)
	}
}

func BenchmarkParse(b *testing.B) {
	src := programs(b)["testdata/everything.wf"]
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, errs := Parse("everything.wf", src); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range programs(f) {
		f.Add(src)
	}
	data, err := os.ReadFile("testdata/errors.wf")
	if err != nil {
		f.Fatal(err)
	}
	for _, chunk := range strings.Split(string(data), "\n---\n") {
		f.Add(chunk)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tree, errs := Parse("fuzz.wf", src)
		for _, d := range errs {
			if d.Render(diag.Style{}) == "" {
				t.Fatal("empty diagnostic")
			}
		}
		if errs.HasErrors() {
			return
		}
		once := Print(tree)
		again, errs := Parse("again.wf", string(once))
		if errs.HasErrors() {
			t.Fatalf("printed text does not parse: %v\n%q\n%q", errs, src, once)
		}
		if !Equal(tree, again) {
			t.Fatalf("printing changed the program\n%q\n%q", src, once)
		}
		if twice := Print(again); string(twice) != string(once) {
			t.Fatalf("not a fixpoint\n%q\n%q\n%q", src, once, twice)
		}
	})
}

func TestFragments(t *testing.T) {
	e, errs := ParseExpr("--set", "2*nx + 1 m")
	if len(errs) > 0 || ExprString(e) != "2*nx + 1 m" {
		t.Errorf("got %v, %v", e, errs)
	}
	u, errs := ParseUnit("unit", "W/(m*K)")
	if len(errs) > 0 || u.Text != "W/(m*K)" || len(u.Factors) != 3 {
		t.Errorf("got %v, %v", u, errs)
	}
	for _, bad := range []string{"", "1 +", "a b", "(", "a\n)"} {
		if e, errs := ParseExpr("e", bad); !errs.HasErrors() || e != nil {
			t.Errorf("ParseExpr(%q) = %v", bad, e)
		}
	}
	for _, bad := range []string{"", "2", "m s", "m^", "m/(s", "m^2.5", "m+s"} {
		if u, errs := ParseUnit("u", bad); !errs.HasErrors() || u != nil {
			t.Errorf("ParseUnit(%q) = %v", bad, u)
		}
	}
	for name, want := range map[string]bool{"T": true, "α_1": true, "": false, "1a": false, "a b": false, "and": false, "T'": false} {
		if IsName(name) != want {
			t.Errorf("IsName(%q) is %v", name, !want)
		}
	}
}

// TestGrammarNamesEveryStatement keeps grammar.txt beside the parser.
func TestGrammarNamesEveryStatement(t *testing.T) {
	text, err := os.ReadFile("grammar.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range keywords {
		if reader(word) == nil {
			t.Errorf("no reader for %q", word)
		}
		if !strings.Contains(string(text), `"`+word+`"`) {
			t.Errorf("grammar.txt does not speak of %q", word)
		}
	}
}

// Comments inside a statement move before it, without tearing it from what stands around it.
func TestInnerComments(t *testing.T) {
	for src, want := range map[string]string{
		"let a = 1\n\nlet b = (2 // two\n + 3)\n":                  "let a = 1\n\n// two\nlet b = (2 + 3)\n",
		"let a = 1\n// lead\n\nlet b = (2 // two\n\n// x\n + 3)\n": "let a = 1\n// lead\n\n// two\n// x\nlet b = (2 + 3)\n",
		"let a = (1 // one\n)\nlet b = 2\n":                        "// one\nlet a = (1)\nlet b = 2\n",
	} {
		tree, errs := Parse("a.wf", src)
		if got := string(Print(tree)); len(errs) > 0 || got != want {
			t.Errorf("%q is printed as %q, want %q (%v)", src, got, want, errs)
		}
	}
}

// A unit ends before a call; the format puts spaces there.
func TestUnitBeforeCall(t *testing.T) {
	for src, want := range map[string]string{
		"dt(T) = 1e-4 m^2/s*lap(T)\n":       "dt(T) = 1e-4 m^2/s * lap(T)\n",
		"const a = 1 m/sqrt(2)\n":           "const a = 1 m / sqrt(2)\n",
		"const a = 50 W/(m*K)*exp(-1)\n":    "const a = 50 W/(m*K) * exp(-1)\n",
		"const a = 50 W/(m*K)*exp (-1)^2\n": "",
	} {
		tree, errs := Parse("a.wf", src)
		if (len(errs) > 0) != (want == "") {
			t.Errorf("%s%v", src, errs)
		} else if got := string(Print(tree)); want != "" && got != want {
			t.Errorf("%q is printed as %q, want %q", src, got, want)
		}
	}
}
