package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modelSources are the texts of the tensor language in the repository.
func modelSources(t testing.TB) map[string]string {
	out := map[string]string{}
	for _, pattern := range []string{"../../models/*.wf", "../tensor/*.wf", "../tensor/testdata/*.wf"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(f)] = string(b)
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d sources found", len(out))
	}
	return out
}

// Models are in the one format, and their format is a fixpoint that reads as the same tree.
func TestModelFormat(t *testing.T) {
	for name, text := range modelSources(t) {
		f, errs := Parse(name, text)
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		got := string(Print(f))
		if got != text && strings.Contains(text, "\nmodel ") {
			t.Errorf("%s is not in the one format; run wfc fmt", name)
		}
		g, errs := Parse(name, got)
		if len(errs) > 0 || !Equal(f, g) {
			t.Errorf("%s: the format reads as another program: %v", name, errs)
		}
		if again := string(Print(g)); again != got {
			t.Errorf("%s: the format is no fixpoint", name)
		}
	}
	const ugly = `model m( d=4,layers = 2 ){ weight w[ d , d ]~normal( 0.1 )with lr=2,decay = 0 as hidden
for l in layers carrying x,y { x'[s,d]=softmax over t where t<=s of(x[s=t,d],eps = 1e-6) } }
preset "a"{d=3;layers=1}
optimizer o( lr,b=( 0.9,0.95 ) ){ state m,v;m'=b_1*m }
parametrisation p(w=1){hidden:init = 1/w,lr=2}
train m on text{batch 4 to 16 over 10%; tokens 20 per weight
phase 75%{ctx 8}
steps steps
schedule  warmup warmup then linear to over over over
}
fn f( x,e=1 )over i{let a=x;f = a}`
	const want = `model m(d = 4, layers = 2) {
  weight w[d,d] as hidden ~ normal(0.1) with lr = 2, decay = 0
  for l in layers carrying x, y { x'[s,d] = softmax over t where t <= s of (x[s=t,d], eps = 1e-6) }
}
preset "a" { d = 3, layers = 1 }
optimizer o(lr, b = (0.9, 0.95)) { state m, v; m' = b_1*m }
parametrisation p(w = 1) { hidden: init = 1/w, lr = 2 }
train m on text {
  batch 4 to 16 over 10%
  tokens 20 per weight
  phase 75% { ctx 8 }
  steps steps
  schedule warmup warmup then linear to over over over
}
fn f(x, e = 1) over i { let a = x; f = a }
`
	got, errs := Format("ugly.wf", []byte(ugly))
	if len(errs) > 0 || string(got) != want {
		t.Errorf("%v\n%s", errs, got)
	}
}

// Errors of the tensor statements say what was expected, and reading goes on after them.
func TestModelSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ text, code, words string }{
		{"model { }", "WF0101", "name"},
		{"model m(d) { }", "WF0103", "the value of `d`"},
		{"model m(d = 2) {\n  weight\n}", "WF0104", "value, not a statement"},
		{"model m(d = 2) {\n  weight w ~ 1 ~ 2\n}", "WF0115", "~"},
		{"model m(d = 2) {\n  for l layers { }\n}", "WF0101", "`in`"},
		{"model m(d = 2) {\n  let a = 1\n", "WF0102", "inside the body of `model`"},
		{"preset small { d = 2 }", "WF0101", "as a text"},
		{"preset \"a\" { d 2 }", "WF0101", "the value of `d`"},
		{"train m { batch }", "WF0103", "the value of `batch`"},
		{"fn f(x) over i", "WF0101", "`=` and the value"},
		{"parametrisation p { hidden init = 2 }", "WF0101", "`:`"},
		{"let a = f over i of (e = 2)", "WF0101", "without a name"},
	} {
		_, errs := Parse("e.wf", c.text+"\nlet after = 1\n")
		if len(errs) == 0 {
			t.Errorf("%q is taken", c.text)
			continue
		}
		if errs[0].Code != c.code && c.code != "WF0115" || !strings.Contains(errs[0].Error(), c.words) {
			t.Errorf("%q: %v", c.text, errs[0])
		}
	}
}

// FuzzModel: no text makes the parser or the printer panic, and what is read prints to the same tree.
func FuzzModel(f *testing.F) {
	for _, text := range modelSources(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree, errs := Parse("f.wf", text)
		if len(errs) > 0 {
			return
		}
		out := string(Print(tree))
		again, errs := Parse("f.wf", out)
		if len(errs) > 0 || !Equal(tree, again) {
			t.Fatalf("%q prints as %q: %v", text, out, errs)
		}
	})
}
