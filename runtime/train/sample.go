package train

import (
	"context"
	"fmt"
	"math"
	"sort"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

// SampleOptions steer Generate.
type SampleOptions struct {
	Prompt      []int32
	Tokens      int     // to generate
	Temperature float64 // logits are divided by it; 0 takes the likeliest token
	TopK        int     // of the likeliest tokens only; 0 of all
	Seed        uint64
	Rows        int // texts at once, at most the plan's batch; 0 means 1
	Vocab       int // tokens the tokenizer knows, when the model has more; 0 all
}

// Generate continues a prompt: it runs the program's logits function, which must be causal, once per token, on the last context of
// tokens. emit gets every token, row by row. The tokens are a function of the logits and the seed.
func Generate(ctx context.Context, e runtime.Engine, p *Plan, o SampleOptions, emit func(row int, token int32) error) error {
	o.Rows = max(1, o.Rows)
	switch {
	case p.Logits == "":
		return fmt.Errorf("the program has no function for logits")
	case o.Rows > p.Batch:
		return fmt.Errorf("%d texts at once; the program has a batch of %d", o.Rows, p.Batch)
	case o.Temperature < 0 || math.IsNaN(o.Temperature) || math.IsInf(o.Temperature, 0):
		return fmt.Errorf("a temperature of %v", o.Temperature)
	case o.TopK < 0 || o.Tokens < 0:
		return fmt.Errorf("counts below zero")
	}
	vocab := p.Vocab
	if o.Vocab > 0 {
		vocab = min(vocab, o.Vocab)
	}
	for _, t := range o.Prompt {
		if t < 0 || int(t) >= vocab {
			return fmt.Errorf("token %d of the prompt is outside the vocabulary of %d", t, vocab)
		}
	}
	rows := make([][]int32, o.Rows)
	for r := range rows {
		rows[r] = append(rows[r], o.Prompt...)
		if len(rows[r]) == 0 {
			rows[r] = []int32{0}
		}
	}
	x := ir.NewTensor(ir.I32, p.Batch, p.Context)
	for n := range o.Tokens {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := 0 // of the last token, the same in all rows
		for r, row := range rows {
			w := row[max(0, len(row)-p.Context):]
			copy(x.I32[r*p.Context:(r+1)*p.Context], w)
			at = len(w) - 1
		}
		if err := e.Set(p.Tokens, x); err != nil {
			return err
		}
		if _, err := e.Run(ctx, p.Logits, 1); err != nil {
			return err
		}
		out, err := e.Get(p.LogitsOut)
		if err != nil {
			return err
		}
		for r := range rows {
			logits := make([]float64, vocab)
			for v := range logits {
				logits[v] = out.At((r*p.Context+at)*p.Vocab + v)
			}
			u := float64(tokens.Random(o.Seed, 0x73616d70+uint32(r), uint64(n))>>11) / (1 << 53)
			t, err := Pick(logits, o.Temperature, o.TopK, u)
			if err != nil {
				return fmt.Errorf("token %d: %w", n, err)
			}
			rows[r] = append(rows[r], t)
			if err := emit(r, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pick draws a token: u in [0, 1) is looked up in the cumulative probabilities of the candidates, the likeliest first, the lower token
// first among equals.
func Pick(logits []float64, temperature float64, topK int, u float64) (int32, error) {
	order := make([]int, len(logits))
	for i, l := range logits {
		if math.IsNaN(l) {
			return 0, fmt.Errorf("the logits are not numbers")
		}
		order[i] = i
	}
	if len(order) == 0 {
		return 0, fmt.Errorf("no logits")
	}
	sort.SliceStable(order, func(i, j int) bool { return logits[order[i]] > logits[order[j]] })
	if temperature == 0 {
		return int32(order[0]), nil
	}
	if topK > 0 {
		order = order[:min(topK, len(order))]
	}
	top := logits[order[0]]
	p := make([]float64, len(order))
	sum := 0.0
	for i, v := range order {
		if p[i] = math.Exp((logits[v] - top) / temperature); math.IsNaN(p[i]) {
			p[i] = 1 // infinite logits: equal to the largest
		}
		sum += p[i]
	}
	u *= sum
	for i, v := range order {
		if u -= p[i]; u < 0 {
			return int32(v), nil
		}
	}
	return int32(order[len(order)-1]), nil
}
