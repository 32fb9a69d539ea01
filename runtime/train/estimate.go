package train

import (
	"fmt"
	"math"
	"strings"
)

// FlopsPerToken is what a token of training costs in a transformer of that shape, forward and backward (arXiv 2509.25087, appendix):
//
//	6 N - 2 V d + 3 L C/S,  C = 2 S^2 d + 3 S^2 + 2 S^2 d + 2 S d^2 + S d
//
// with N parameters, vocabulary V, width d, L layers and sequences of S tokens. Attention counts all pairs; a backward pass is two
// forward passes. Exponents and norms are counted in C by their leading terms.
func FlopsPerToken(params, vocab, width, layers, context float64) float64 {
	s, d := context, width
	attention := float64(2*s*d) + 3*s + float64(2*s*d) + float64(2*d*d) + d
	return 6*params - float64(2*vocab*d) + float64(3*layers*attention)
}

// Flops is the cost of a token in sequences of so many: the plan's figure, else the formula above when the plan knows the shape, else 6 per
// weight.
func (p *Plan) Flops(context int) float64 {
	if p.FlopsPerToken > 0 && context == p.Context {
		return p.FlopsPerToken
	}
	d, l := p.Config["width"], p.Config["layers"]
	if d > 0 && l > 0 {
		return FlopsPerToken(float64(p.Params()), float64(p.Vocab), d, l, float64(context))
	}
	return 6 * float64(p.Params())
}

// FlopsOf is the cost of steps from to to-1, each phase with its own context.
func (p *Plan) FlopsOf(from, to int64) float64 {
	if len(p.Phases) == 0 {
		return p.TokensOf(from, to) * p.Flops(p.Context)
	}
	total, begin := 0.0, int64(0)
	for _, ph := range p.Phases {
		lo, hi := max(from, begin), min(to, begin+ph.Steps)
		begin += ph.Steps
		if hi > lo {
			total += p.TokensOf(lo, hi) * p.Flops(ph.Context)
		}
	}
	return total
}

// AllTokens is what the whole run sees, ramps and phases included.
func (p *Plan) AllTokens() float64 { return p.TokensOf(0, p.Steps) }

// TokensOf is what steps from to to-1 see.
func (p *Plan) TokensOf(from, to int64) float64 {
	phases := p.Phases
	if len(phases) == 0 {
		phases = []Phase{{Steps: p.Steps, Batch: p.Batch, Context: p.Context, Accumulate: p.Accumulate}}
	}
	total, begin := 0.0, int64(0)
	for _, ph := range phases {
		lo, hi := max(from, begin), min(to, begin+ph.Steps)
		begin += ph.Steps
		if hi <= lo {
			continue
		}
		micros := float64(hi-lo) * float64(max(1, ph.Accumulate))
		// Steps of the ramp have their own number.
		at := int64(0)
		for _, r := range p.Ramp {
			if a, b := max(lo, at), min(hi, at+r.Steps); b > a {
				micros += float64(b-a) * float64(max(1, r.Accumulate)-max(1, ph.Accumulate))
			}
			at += r.Steps
		}
		total += micros * float64(ph.Batch) * float64(ph.Context)
	}
	return total
}

// StateBytes is the size of a checkpoint: of the weights and of all state.
func (p *Plan) StateBytes() (weights, all float64) {
	size := func(elem string, shape []int) float64 {
		n := 4.0
		switch elem {
		case "f16":
			n = 2
		case "f64", "i64":
			n = 8
		case "bool":
			n = 1
		}
		for _, d := range shape {
			n *= float64(d)
		}
		return n
	}
	for _, w := range p.Weights {
		weights += size(w.Elem, w.Shape)
	}
	all = weights
	for _, s := range p.State {
		all += size(s.Elem, s.Shape)
	}
	return weights, all
}

// Estimate says what a run takes. data is the number of training tokens (0 unknown), peak the computer's FLOP/s (0 unknown), step the
// measured seconds of a step (0 not measured).
func (p *Plan) Estimate(data int, peak, step float64) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	tokens := p.AllTokens()
	flops := p.FlopsOf(0, p.Steps)
	row("model", "%s: %d weights", p.Model, p.Params())
	row("batch", "%d sequences of %d tokens, %d times per step", p.Batch, p.Context, max(1, p.Accumulate))
	for i, ph := range p.Phases {
		row(fmt.Sprintf("phase %d", i+1), "%d steps of %d x %d tokens, %d times", ph.Steps, ph.Batch, ph.Context, max(1, ph.Accumulate))
	}
	for _, r := range p.Ramp {
		row("warmup", "%d steps with %d batches", r.Steps, r.Accumulate)
	}
	row("steps", "%d, %s tokens, %.3g per weight", p.Steps, short(tokens), tokens/math.Max(1, float64(p.Params())))
	if data > 0 {
		row("data", "%s tokens, seen %.3g times", short(float64(data)), tokens/float64(data))
	}
	for _, f := range []struct{ name, text string }{{"optimizer", p.Optimizer}, {"schedule", p.Schedule}, {"precision", p.Precision}} {
		if f.text != "" {
			row(f.name, "%s", f.text)
		}
	}
	row("FLOPs", "%.3g, %s per token", flops, short(flops/math.Max(1, tokens)))
	w, all := p.StateBytes()
	row("state", "%sB: weights %sB; a checkpoint has the same size", short(all), short(w))
	switch {
	case step > 0:
		row("time", "%s (estimate: one step took %.3g s)", duration(step*tokens/math.Max(1, p.TokensOf(0, 1))), step)
	case peak > 0:
		row("time", "%s at 30 %% of the peak of %sFLOP/s (estimate)", duration(flops/(0.3*peak)), short(peak))
	}
	return b.String()
}

// duration shows seconds.
func duration(s float64) string {
	switch {
	case s < 120:
		return fmt.Sprintf("%.3g s", s)
	case s < 7200:
		return fmt.Sprintf("%.3g min", s/60)
	case s < 172800:
		return fmt.Sprintf("%.3g h", s/3600)
	}
	return fmt.Sprintf("%.3g days", s/86400)
}
