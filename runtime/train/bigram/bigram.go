// Package bigram makes a small training program in index IR, by hand: the logits of the next token are a row of a table, the gradient
// is written out, the optimizer is SGD with momentum and a rate that falls to zero. It has everything the trainer deals with -
// accumulation, counters, a loss scale, phases of several shapes - and nothing else, so that tests of the trainer need no language.
package bigram

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/runtime/train"
)

// Config is the shape of a program and of its run.
type Config struct {
	Vocab, Batch, Context int
	Steps                 int64
	Accumulate            int // above 0: gradients are accumulated, by Micro
	Ramp                  []train.Ramp
	Phases                []train.Phase
	LR                    float64
	Half                  bool // weights in f16, with f32 copies
}

// Text is the program before the passes.
func (c Config) Text() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w := "f32"
	if c.Half {
		w = "f16"
	}
	p("wfir 1\nprogram bigram")
	for _, a := range []struct {
		name string
		n    int
	}{{"b", c.Batch}, {"t", c.Context}, {"v", c.Vocab}} {
		p("axis %s %d cells lo 0 h 1", a.name, a.n)
	}
	p("scalar one {\n $0 = const f64 1\n yield $0\n}")
	for _, a := range []string{"tokens[b, t] i32", "targets[b, t] i32", "loss[] f32", "out[b, t, v] f32", "W[v, v] " + w, "master[v, v] f32",
		"mom[v, v] f32", "grad[v, v] f32", "micros[] i32", "n[] i32", "scale[] f32", "rate[] f32"} {
		p("array @%s", a)
	}
	c.initial(p, w)
	c.forward(p, "logits", w, false)
	p("  set @out = %%logits\n}")
	c.forward(p, "eval", w, true)
	p("  set @loss = %%loss\n}")
	if c.Accumulate > 0 {
		c.forward(p, "micro", w, true)
		c.gradient(p)
		p(`  map %%g f32 [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = read f32 @grad[u, w] $1 = read f32 %%gw[u, w] $2 = add f32 $0, $1 yield $2 }
  map %%k i32 [] { box [] $0 = read i32 @micros[] $1 = const i32 1 $2 = add i32 $0, $1 yield $2 }
  set @loss = %%loss
  set @grad = %%g
  set @micros = %%k
}
func step {
  map %%z f32 [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = const f32 0 yield $0 }
  map %%k f32 [] { box [] $0 = read i32 @micros[] $1 = cvt f32 $0 yield $1 }
  map %%k0 i32 [] { box [] $0 = const i32 0 yield $0 }
  set @grad = %%z
  set @micros = %%k0`, c.Vocab)
		c.update(p, "@grad", w)
	} else {
		c.forward(p, "step", w, true)
		c.gradient(p)
		p("  map %%k f32 [] { box [] $0 = const f32 1 yield $0 }")
		p("  set @loss = %%loss")
		c.update(p, "%gw", w)
	}
	p("run init count one")
	return setsLast(b.String())
}

// setsLast moves the sets of every function behind its operations, where the text form has them.
func setsLast(text string) string {
	var out, sets []string
	for _, l := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(l, "  set "):
			sets = append(sets, l)
			continue
		case l == "}":
			out, sets = append(out, sets...), nil
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n")
}

// initial gives the weights small values that depend on their place, and the loss scale 4.
func (c Config) initial(p func(string, ...any), w string) {
	v := c.Vocab
	p("func init host {")
	p(`  map %%W %[2]s [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = index i32 u $1 = cvt f64 $0 $2 = index i32 w $3 = cvt f64 $2
      $4 = const f64 0.7 $5 = mul f64 $4, $1 $6 = const f64 1.3 $7 = mul f64 $6, $3 $8 = add f64 $5, $7 $9 = sin f64 $8 $10 = const f64 0.05 $11 = mul f64 $10, $9
      $12 = cvt %[2]s $11 yield $12 }
  map %%M f32 [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = read %[2]s %%W[u, w] $1 = cvt f32 $0 yield $1 }`, v, w)
	for _, a := range []struct{ name, dom, elem, value string }{
		{"tokens", "b in b 0..%d, t in t 0..%d", "i32", "0"}, {"targets", "b in b 0..%d, t in t 0..%d", "i32", "0"}, {"loss", "", "f32", "0"},
		{"micros", "", "i32", "0"}, {"n", "", "i32", "0"}, {"scale", "", "f32", "4"}, {"rate", "", "f32", "0"},
	} {
		dom, box := "", ""
		if a.dom != "" {
			dom, box = fmt.Sprintf(a.dom, c.Batch, c.Context), fmt.Sprintf("0..%d, 0..%d", c.Batch, c.Context)
		}
		p("  map %%i.%s %s [%s] { box [%s] $0 = const %s %s yield $0 }", a.name, a.elem, dom, box, a.elem, a.value)
		p("  set @%s = %%i.%s", a.name, a.name)
	}
	p(`  map %%z f32 [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = const f32 0 yield $0 }
  map %%zo f32 [b in b 0..%[2]d, t in t 0..%[3]d, w in v 0..%[1]d] { box [0..%[2]d, 0..%[3]d, 0..%[1]d] $0 = const f32 0 yield $0 }
  set @W = %%W
  set @master = %%M
  set @mom = %%z
  set @grad = %%z
  set @out = %%zo
}`, v, c.Batch, c.Context)
}

// forward begins a function with the logits and, with loss, the mean cross entropy %loss and its logarithms of sums %lse.
func (c Config) forward(p func(string, ...any), fn, w string, loss bool) {
	p(`func %[4]s {
  reduce %%logits f32 [b in b 0..%[2]d, t in t 0..%[3]d, w in v 0..%[1]d] over [u in v 0..%[1]d] sum order seq {
    box [0..%[2]d, 0..%[3]d, 0..%[1]d, 0..%[1]d] $0 = index i32 u $1 = read i32 @tokens[b, t] $2 = eq bool $0, $1
      $3 = read %[5]s @W[u, w] $4 = cvt f32 $3 $5 = const f32 -0 $6 = select f32 $2, $4, $5 yield $6 }`, c.Vocab, c.Batch, c.Context, fn, w)
	if !loss {
		return
	}
	p(`  reduce %%top f32 [b in b 0..%[2]d, t in t 0..%[3]d] over [w in v 0..%[1]d] max order seq {
    box [0..%[2]d, 0..%[3]d, 0..%[1]d] $0 = read f32 %%logits[b, t, w] yield $0 }
  reduce %%sum f32 [b in b 0..%[2]d, t in t 0..%[3]d] over [w in v 0..%[1]d] sum order seq {
    box [0..%[2]d, 0..%[3]d, 0..%[1]d] $0 = read f32 %%logits[b, t, w] $1 = read f32 %%top[b, t] $2 = sub f32 $0, $1 $3 = exp f32 $2 yield $3 }
  map %%lse f32 [b in b 0..%[2]d, t in t 0..%[3]d] { box [0..%[2]d, 0..%[3]d] $0 = read f32 %%sum[b, t] $1 = log f32 $0 $2 = read f32 %%top[b, t] $3 = add f32 $1, $2 yield $3 }
  reduce %%right f32 [b in b 0..%[2]d, t in t 0..%[3]d] over [w in v 0..%[1]d] sum order seq {
    box [0..%[2]d, 0..%[3]d, 0..%[1]d] $0 = index i32 w $1 = read i32 @targets[b, t] $2 = eq bool $0, $1
      $3 = read f32 %%logits[b, t, w] $4 = const f32 -0 $5 = select f32 $2, $3, $4 yield $5 }
  reduce %%all f32 [] over [b in b 0..%[2]d, t in t 0..%[3]d] sum order canon {
    box [0..%[2]d, 0..%[3]d] $0 = read f32 %%lse[b, t] $1 = read f32 %%right[b, t] $2 = sub f32 $0, $1 yield $2 }
  map %%loss f32 [] { box [] $0 = read f32 %%all[] $1 = const f32 %[4]d $2 = div f32 $0, $1 yield $2 }`, c.Vocab, c.Batch, c.Context, c.Batch*c.Context)
}

// gradient forms %gw, the gradient of the table times the loss scale.
func (c Config) gradient(p func(string, ...any)) {
	p(`  map %%gl f32 [b in b 0..%[2]d, t in t 0..%[3]d, w in v 0..%[1]d] { box [0..%[2]d, 0..%[3]d, 0..%[1]d] $0 = read f32 %%logits[b, t, w] $1 = read f32 %%lse[b, t]
      $2 = sub f32 $0, $1 $3 = exp f32 $2 $4 = index i32 w $5 = read i32 @targets[b, t] $6 = eq bool $4, $5 $7 = const f32 1 $8 = const f32 0 $9 = select f32 $6, $7, $8
      $10 = sub f32 $3, $9 $11 = const f32 %[4]d $12 = div f32 $10, $11 $13 = read f32 @scale[] $14 = mul f32 $12, $13 yield $14 }
  reduce %%gw f32 [u in v 0..%[1]d, w in v 0..%[1]d] over [b in b 0..%[2]d, t in t 0..%[3]d] sum order seq {
    box [0..%[1]d, 0..%[1]d, 0..%[2]d, 0..%[3]d] $0 = index i32 u $1 = read i32 @tokens[b, t] $2 = eq bool $0, $1
      $3 = read f32 %%gl[b, t, w] $4 = const f32 -0 $5 = select f32 $2, $3, $4 yield $5 }`, c.Vocab, c.Batch, c.Context, c.Batch*c.Context)
}

// update ends a function with the optimizer: the gradient from an operand, over %k microbatches.
func (c Config) update(p func(string, ...any), grad, w string) {
	p(`  map %%n i32 [] { box [] $0 = read i32 @n[] $1 = const i32 1 $2 = add i32 $0, $1 yield $2 }
  map %%rate f32 [] { box [] $0 = read i32 @n[] $1 = cvt f32 $0 $2 = const f32 %[4]d $3 = div f32 $1, $2 $4 = const f32 1 $5 = sub f32 $4, $3 $6 = const f32 %[5]v $7 = mul f32 $5, $6 yield $7 }
  map %%scale f32 [] { box [] $0 = read i32 @n[] $1 = const i32 7 $2 = and i32 $0, $1 $3 = eq bool $2, $1 $4 = read f32 @scale[] $5 = const f32 2 $6 = mul f32 $4, $5 $7 = select f32 $3, $6, $4 yield $7 }
  map %%mom f32 [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = read f32 %[2]s[u, w] $1 = read f32 @scale[] $2 = div f32 $0, $1 $3 = read f32 %%k[] $4 = div f32 $2, $3
      $5 = read f32 @mom[u, w] $6 = const f32 0.9 $7 = mul f32 $5, $6 $8 = add f32 $4, $7 yield $8 }
  map %%M f32 [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = read f32 @master[u, w] $1 = read f32 %%mom[u, w] $2 = read f32 %%rate[] $3 = mul f32 $1, $2 $4 = sub f32 $0, $3 yield $4 }
  map %%W %[3]s [u in v 0..%[1]d, w in v 0..%[1]d] { box [0..%[1]d, 0..%[1]d] $0 = read f32 %%M[u, w] $1 = cvt %[3]s $0 yield $1 }
  set @W = %%W
  set @master = %%M
  set @mom = %%mom
  set @n = %%n
  set @rate = %%rate
  set @scale = %%scale
}`, c.Vocab, grad, w, max(1, c.Steps), c.LR)
}

// Program is the canonical program and its plan.
func (c Config) Program() (*ir.Program, *train.Plan, error) {
	prog, err := ir.Parse("bigram.wfir", c.Text())
	if err != nil {
		return nil, nil, err
	}
	if err := passes.Run(prog, &passes.Config{Verify: true}); err != nil {
		return nil, nil, err
	}
	return prog, c.Plan(), nil
}

// Plan is the plan of the program.
func (c Config) Plan() *train.Plan {
	v := c.Vocab
	elem := "f32"
	if c.Half {
		elem = "f16"
	}
	p := &train.Plan{Model: "bigram", Tokenizer: "byte", Step: "step", Eval: "eval", Logits: "logits", Tokens: "tokens", Targets: "targets", Loss: "loss",
		LogitsOut: "out", Batch: c.Batch, Context: c.Context, Vocab: v, Accumulate: c.Accumulate, Ramp: c.Ramp, Steps: c.Steps, Seed: 1, Phases: c.Phases,
		Weights: []train.Weight{{Name: "table", Array: "W", Shape: []int{v, v}, Elem: elem}},
		State: []train.State{{Name: "table", Group: "master", Array: "master", Shape: []int{v, v}, Elem: "f32"},
			{Name: "table", Group: "m", Array: "mom", Shape: []int{v, v}, Elem: "f32"},
			{Name: "n", Group: "counter", Array: "n", Elem: "i32"}, {Name: "scale", Group: "scale", Array: "scale", Elem: "f32"}},
		Metrics: []train.Metric{{Name: "lr", Array: "rate"}}, Schedule: "linear to 0", Optimizer: "sgd", Precision: elem}
	if c.Accumulate > 0 {
		p.Micro = "micro"
		p.State = append(p.State, train.State{Name: "table", Group: "grad", Array: "grad", Shape: []int{v, v}, Elem: "f32"},
			train.State{Name: "micros", Group: "counter", Array: "micros", Elem: "i32"})
	}
	return p
}
