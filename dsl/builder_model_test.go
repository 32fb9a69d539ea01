package dsl

import (
	"testing"

	"github.com/wfc-lang/wfc/dsl/tensor"
)

// A model made in Go is the one that is written, and builds.
func TestModelBuilder(t *testing.T) {
	p := New()
	p.Text(`fn twice(x, k = 2) over i = k*x`)
	m := p.Model("small")
	m.Arg("vocab", Num(7))
	m.Arg("ctx", Num(5))
	m.Arg("d", Num(4))
	m.Arg("layers", Num(2))
	m.Text("index s, t in ctx\nindex v in vocab")
	m.Using(Call("mup", Name("d")))
	m.Input("vocab", []string{"s"}, "tokens", "next")
	wte := m.Weight("wte", "v", "d").Role("embedding").Init(Call("normal", Num(0.1)))
	_ = wte
	x := m.Tensor("x", []string{"s", "d"}, Name("wte").At(Name("tokens").At(Name("s")), Name("d")))
	l := m.For("l", "layers", "x")
	l.Weight("w", "d").Init(Num(1)).With("decay", Num(0))
	l.Set(x.Next().At(Name("s"), Name("d")), x.At(Name("s"), Name("d")).Add(
		Along("twice", []string{"d"}, x.At(Name("s"), Name("d")), Num(3)).Mul(Name("w").At(Name("d")))))
	m.Tensor("logits", []string{"s", "v"}, x.At(Name("s"), Name("d")).Mul(Name("wte").At(Name("v"), Name("d"))))
	m.Loss(Reduce("mean", Call("crossentropy", Name("logits").At(Name("s")), Name("next").At(Name("s"))), "s"))
	p.Train("small", "bytes").Entry("batch 2").Entry("steps 3").Entry("optimizer sgd(lr = 0.1)")
	f, err := p.File()
	if err != nil {
		t.Fatal(err)
	}
	const want = `fn twice(x, k = 2) over i = k*x
model small(vocab = 7, ctx = 5, d = 4, layers = 2) {
  index s, t in ctx
  index v in vocab
  using mup(d)
  input tokens[s], next[s] in vocab
  weight wte[v,d] as embedding ~ normal(0.1)
  let x[s,d] = wte[tokens[s],d]
  for l in layers carrying x {
    weight w[d] ~ 1 with decay = 0
    x'[s,d] = x[s,d] + twice over d (x[s,d], 3)*w[d]
  }
  let logits[s,v] = x[s,d]*wte[v,d]
  loss = mean over s (crossentropy(logits[s], next[s]))
}
train small on bytes {
  batch 2
  steps 3
  optimizer sgd(lr = 0.1)
}
`
	if got := p.Source(); got != want {
		t.Errorf("%s", got)
	}
	prog, list := tensor.Build(f, tensor.Options{})
	if prog == nil || prog.Plan == nil || prog.Plan.Params() != 7*4+2*4 {
		t.Fatalf("%v %v", prog, list)
	}
	q := New()
	q.Train("m", "bytes").Entry("batch")
	q.Text("fn (")
	if _, err := q.File(); err == nil {
		t.Error("a broken entry is taken")
	}
}
