package tensor

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// frame is a small model into which a statement is put.
const frame = `
param data = "chars"
fn center(x) over i = x - mean over i of x
preset "big" { d = 8 }
model m(vocab = 5, ctx = 4, d = 6, heads = 2, layers = 2) {
  dim e = d/heads, f = 3
  index s, t in ctx
  index h in heads
  index v in vocab
  input tokens[s], next[s] in vocab
  weight wte[v, d] ~ normal(0.1)
  weight w[d, f] ~ normal(0.1)
  let x[s,d] = wte[tokens[s],d]
  @
  let logits[s,v] = x[s,d]*wte[v,d]
  loss = mean over s of crossentropy(logits[s], next[s])
}
`

func find(list diag.List, code string) *diag.Diagnostic {
	for _, d := range list {
		if d.Code == code {
			return d
		}
	}
	return nil
}

func problems(text string, set map[string]string) diag.List {
	f, errs := syntax.Parse("m.wf", text)
	if len(errs) > 0 {
		return errs
	}
	_, list := Build(f, Options{Set: set})
	return list
}

// Every way of going wrong: the code, and words that its message must have, the names of indices among them.
func TestModelErrors(t *testing.T) {
	for _, c := range []struct{ stmt, code, words string }{
		{"let y[s,f] = x[s,d]*w[f,d]", "WF0370", "f ranges over f (3) but this place of w is d (6)"},
		{"let y[t,f] = x[f,d]*w[d,f]", "WF0370", "f ranges over f (3) x is ctx (4)"},
		{"let y[s,s] = x[s,d]", "WF0370", "index s stands twice"},
		{"let y[s,f] = x[s,d]*w[d]", "WF0371", "w has 2 indices 1 is given write w[d,f]"},
		{"let y[s,f] = x[s,d]*w[e=d,f]", "WF0371", "no place e=d [d,f]"},
		{"let y[s] = tokens[s,0]", "WF0371", "tokens has 1 index"},
		{"let z[s] = x[s,d]", "WF0372", "the index d (6) sum over d"},
		{"let z[s] = exp(x[s,d])", "WF0372", "the index d (6)"},
		{"dim g = d/4", "WF0374", "1.5 whole number"},
		{"let z = #loss", "WF0201", "loss"},
		{"let y[s,d] = x[s-1,d]", "WF0375", "-1 to 2 place 1 has 4"},
		{"let y[s,d] = where(s > 1, x[s-1,d], x[s+3,d])", "WF0375", "position 4 place 1"},
		{"let y[d] = x[7,d]", "WF0375", "position 7"},
		{"fn g(x) = x", "WF0376", "functions stand outside"},
		{"y = 3", "WF0376", "only `loss`"},
		{"loss = 1", "WF0202", "loss is assigned twice"},
		{"for l in layers carrying x { let y[s,d] = x[s,d] }", "WF0377", "next value of x x'[s,d]"},
		{"for l in layers carrying q { q' = 1 }", "WF0377", "q has no value before"},
		{"x'[s,d] = x[s,d]", "WF0377", "carried by no loop"},
		{"for l in layers carrying x { x'[s,f] = x[s,d]*w[d,f] }", "WF0370", "f ranges over f (3) place of x is d (6)"},
		{"for l in layers carrying x { let y[s,d] = x'[s,d]\nx'[s,d] = x[s,d] }", "WF0377", "x' has no value here"},
		{"weight b[f] ~ normal(-1)", "WF0378", "not negative"},
		{"weight b[f] with rate = 2", "WF0378", "no rate"},
		{"weight b[f] ~ 1 + #e*v", "WF0378", "index v"},
		{"weight b[f] as gain", "WF0381", "role gain"},
		{"using mup(width = 2)", "WF0381", "move `using`"},
		{"let c = forward(hidde)", "WF0381", "role hidde"},
		{"let y[s,d] = center(x[s,d])", "WF0383", "center works along 1 index"},
		{"let y[s,d] = center over d (x[s,d], eps = 1)", "WF0383", "center over i (x)"},
		{"let y[s,d] = center over s, d of x[s,d]", "WF0383", "1 index"},
		{"let y[s,d] = gelu(x[s,d], 2)", "WF0383", "gelu(x)"},
		{"dim o = 5\nweight w5[s,o]\nlet y[s,o] = rope over o (w5[s,o], s)", "WF0386", "whole number"},
		{"let y[s,d] = x[s,d]/d", "WF0384", "d is a number and, in this statement, an index #d"},
		{"let y[s,d] = (s > 2)*x[s,d]", "WF0386", "condition"},
		{"let y[s,d] = where(s, x[s,d], 0)", "WF0386", "number"},
		{"let y[s,d] = wte[x[s,d],d]", "WF0386", "whole number"},
		{"let y[s,d] = x[s,d]*2 m", "WF0386", "no units"},
		{"let y[s,d] = centre over d of x[s,d]", "WF0211", "did you mean center"},
		{"let y[s,d] = x[s,d]*ww[d,f]", "WF0201", "unknown name ww did you mean w"},
		{"let y[s,q] = x[s,d]", "WF0201", "unknown index q"},
		{"weight b[gg]", "WF0201", "unknown dim gg"},
		{"let x[s,d] = wte[tokens[s],d]", "WF0202", "x is declared twice"},
		{"let sum = 3", "WF0207", "sum"},
	} {
		list := problems(strings.Replace(frame, "@", c.stmt, 1), nil)
		d := find(list, c.code)
		if d == nil {
			t.Errorf("%s: no %s, but %v", c.stmt, c.code, list)
			continue
		}
		said := d.Message + " " + strings.Join(d.Notes, " ")
		if d.Suggestion == nil {
			t.Errorf("%s: no suggestion", c.stmt)
		} else {
			said += " " + d.Suggestion.Text
		}
		rest := said
		for _, w := range strings.Fields(c.words) {
			i := strings.Index(rest, w)
			if i < 0 {
				t.Errorf("%s: %q does not say %q", c.stmt, said, c.words)
				break
			}
			rest = rest[i+len(w):]
		}
		if d.Primary.File == nil || d.Primary.File.Name != "m.wf" {
			t.Errorf("%s: no place", c.stmt)
		}
		if len(list) > 2 {
			t.Errorf("%s: %d errors follow from one: %v", c.stmt, len(list), list)
		}
	}
}

// The same for what stands outside of the model.
func TestFileErrors(t *testing.T) {
	whole := strings.Replace(frame, "@", "", 1)
	trained := func(body string) string {
		return whole + "train m on data { optimizer sgd(lr = 0.1); steps 4\n" + body + " }\n"
	}
	for _, c := range []struct{ text, code, words string }{
		{strings.Replace(whole, "  loss =", "  let l =", 1), "WF0376", "has no loss"},
		{"model n() { loss = 1 }", "WF0376", "has no input"},
		{whole + "grid g { x: 8 }\n", "WF0385", "file of their own"},
		{whole + "train n { steps 3 }\n", "WF0379", "is m, not n"},
		{whole + "train m on words { optimizer sgd(lr = 1) }\n", "WF0379", "tokenizer words"},
		{trained("speed 3"), "WF0379", "no entry speed"},
		{trained("clip 1%  2"), "WF0379", "not of its form"},
		{trained("schedule linear up"), "WF0379", "schedule warmup"},
		{trained("batch 4 to 6 over 10%"), "WF0379", "multiple"},
		{trained("phase 50% { ctx 2 }"), "WF0379", "50%"},
		{trained("phase 100% { ctz 2 }"), "WF0379", "ctz"},
		{"model n(n = 3) { }\ntrain n { context 3 }\n", "WF0379", "no param ctx"},
		{trained("clip 1; clip 2"), "WF0202", "twice"},
		{whole + "train m { steps 3 }\n", "WF0382", "needs an optimizer"},
		{whole + "train m { optimizer adam(lr = 1) }\n", "WF0382", "did you mean adamw"},
		{whole + "train m { optimizer sgd() }\n", "WF0382", "lr"},
		{whole + "train m { optimizer sgd(lr = 1, beta = 2) }\n", "WF0382", "no parameter beta"},
		{whole + "train m { optimizer sgd(lr = 1, timescale = auto) }\n", "WF0382", "length of the run"},
		{whole + "optimizer o(lr) { state a; a' = g }\ntrain m { optimizer o(lr = 1) }\n", "WF0382", "does not say w'"},
		{"fn f(x) = f(x)\n" + strings.Replace(frame, "@", "let y = f(1)", 1), "WF0387", "f calls itself"},
		{strings.Replace(frame, "@", "for l in huge carrying x { x'[s,d] = x[s,d] }", 1) + "const huge = 5000\n", "WF0388", "5000 layers"},
		{"param preset = \"bigg\"\n" + whole, "WF0380", "did you mean \"big\""},
		{"param preset = \"odd\"\npreset \"odd\" { depth = 2 }\n" + whole, "WF0380", "no param depth"},
	} {
		list := problems(c.text, nil)
		d := find(list, c.code)
		if d == nil {
			t.Errorf("%.60q: no %s, but %v", c.text, c.code, list)
			continue
		}
		said := d.Message + " " + strings.Join(d.Notes, " ")
		if d.Suggestion != nil {
			said += " " + d.Suggestion.Text
		}
		if !strings.Contains(said, c.words) {
			t.Errorf("%q does not say %q", said, c.words)
		}
	}
	if d := find(problems(whole, map[string]string{"head": "4"}), "WF0205"); d == nil || !strings.Contains(d.Suggestion.Text, "heads") {
		t.Errorf("--set of an unknown param: %v", d)
	}
	if d := find(problems(whole, map[string]string{"d": "six"}), "WF0201"); d == nil {
		t.Error("--set d=six is taken")
	}
	if list := problems(whole, map[string]string{"d": "8"}); len(list) > 0 {
		t.Error(list)
	}
}

var large = regexp.MustCompile(`[0-9]{2}|[0-9][eE]\+?[0-9]`)

// FuzzBuild: no text makes the elaboration panic, and what it accepts is a valid program.
func FuzzBuild(f *testing.F) {
	for _, stmt := range []string{"", "let y[s,d] = where(s > 1, x[s-1,d], 0)", "for l in layers carrying x { x'[s,d] = rope over d (x[s,d], s) }",
		"let y[s,f] = softmax over f where f < s of x[s,d]*w[d,f]", "let k[s,d] = sum over t where tokens[t] == tokens[s] of x[s=t,d]"} {
		f.Add(strings.Replace(frame, "@", stmt, 1) + "train m { steps 2; optimizer adamw(lr = 0.1); precision bf16 }\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if large.MatchString(text) || len(text) > 4000 { // large extents and many layers cost time, not insight
			return
		}
		tree, errs := syntax.Parse("m.wf", text)
		if len(errs) > 0 || !Is(tree) {
			return
		}
		p, list := Build(tree, Options{})
		if p == nil && !list.HasErrors() {
			t.Error("no program and no error")
		}
		if r, more := Measure(tree, Options{}); r == nil && !more.HasErrors() {
			t.Error("no report and no error")
		}
	})
}

// A file that does not parse gives its errors of meaning besides, and none that only follow from what was lost.
func TestBrokenFiles(t *testing.T) {
	text := strings.Replace(frame, "@", "let a[s,d] = x[s d]\nlet b[s,d] = a[s,d] + x[s,f]", 1)
	tree, errs := syntax.Parse("m.wf", text)
	if len(errs) != 1 {
		t.Fatal(errs)
	}
	p, list := Build(tree, Options{Broken: true})
	if p != nil || len(list) != 1 || list[0].Code != "WF0370" {
		t.Error(list)
	}
	tree, errs = syntax.Parse("m.wf", strings.Replace(frame, "  loss =", "  loss = (", 1))
	if p, list = Build(tree, Options{Broken: true}); len(errs) == 0 || p != nil || len(list) > 0 {
		t.Error(errs, list)
	}
}

// A dim's name as a value is its index; who means the extent is told how to write it.
func TestExtentIsMeant(t *testing.T) {
	const text = `
model m(ctx = 4, n = 4) {
  dim half = n/2
  index i in ctx
  index j in n
  input tokens[i], next[i] in n
  weight a[j] ~ 1
  let logits[i,j] = where(j < half, a[j], 2)
  loss = mean over i of crossentropy(logits[i], next[i])
}
train m { steps 1; optimizer sgd(lr = 1) }
`
	file, list := syntax.Parse("m.wf", text)
	_, more := Build(file, Options{})
	if s := append(list, more...).Err(); s == nil || !strings.Contains(fmt.Sprint(append(list, more...)[0].Notes), "#half") {
		t.Error(s)
	}
}
