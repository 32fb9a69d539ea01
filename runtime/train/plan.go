// Package train runs a training program: it feeds tokens, launches one optimizer step after another on any engine, evaluates, logs,
// and keeps checkpoints from which a run continues bit for bit.
//
// The trainer itself - forward, backward, accumulation, clipping, optimizer, schedule, loss scale - is part of the compiled program.
// The host does what needs files and a clock: it writes token arrays, reads metrics, saves and loads arrays by their logical names.
// A [Plan] says which functions and arrays those are; the front end makes one beside the program.
//
//	step     feed Tokens and Targets, run Step. With accumulation: feed and run Micro, k times, then run Step once.
//	eval     feed Tokens and Targets, run Eval, read Loss; weights and state stay as they are
//	logits   feed Tokens, run Logits, read the array LogitsOut [batch, context, vocab]
//	phases   each phase is the program built with other settings; state goes over by logical name
//
// Everything that a step reads and a later step needs is in Weights and State: the contents of these arrays, and the cursor into the
// data, are the whole state of a run.
package train

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/ir"
)

// Plan is the contract between a training program and the loop that drives it. Array and function names are those of the IR; logical
// names are those of the model (l3.wq) and do not depend on placement, precision or phase.
type Plan struct {
	Model     string `json:"model"`            // name of the model in the source
	Family    string `json:"family,omitempty"` // layout for import and export: gpt2, cerebras_gpt, btlm, celerity, llama; "" when none applies
	Tokenizer string `json:"tokenizer"`        // byte, char, gpt2
	// VocabParam is the shape parameter that holds the vocabulary size, "" when it cannot be set: data of a smaller or larger
	// vocabulary then rebuild the program with it.
	VocabParam string `json:"vocab_param,omitempty"`

	// Functions or procedures of the program. Micro is "" unless gradients accumulate: it adds the gradients of one microbatch to
	// state, and counts them there, so that Step can divide by the count and set both back to zero.
	Step   string `json:"step"`
	Micro  string `json:"micro,omitempty"`
	Eval   string `json:"eval,omitempty"`   // mean loss of one batch into Loss
	Logits string `json:"logits,omitempty"` // forward only, into LogitsOut

	Tokens    string `json:"tokens"`               // i32 [batch, context]
	Targets   string `json:"targets"`              // i32 [batch, context]: the token after each
	Loss      string `json:"loss"`                 // rank 0: mean loss per token, in nats, of the batch that Step, Micro or Eval has seen last
	LogitsOut string `json:"logits_out,omitempty"` // [batch, context, vocab]

	Weights []Weight `json:"weights"`
	State   []State  `json:"state"`
	Metrics []Metric `json:"metrics,omitempty"` // logged with every step

	Batch      int `json:"batch"`   // sequences per microbatch, the first extent of Tokens
	Context    int `json:"context"` // tokens per sequence, the second extent of Tokens
	Vocab      int `json:"vocab"`
	Accumulate int `json:"accumulate,omitempty"` // microbatches per step; 0 and 1 need no Micro
	// Ramp is a batch warmup: microbatches per step for the first steps of the run, in order; Accumulate afterwards. It needs Micro.
	Ramp []Ramp `json:"ramp,omitempty"`

	// Steps is the number of optimizer steps of the whole run, over all phases: given, or from Tokens or tokens per weight by StepsFor.
	Steps           int64   `json:"steps"`
	TokensTotal     int64   `json:"tokens_total,omitempty"`      // asked for, 0 when steps were
	TokensPerWeight float64 `json:"tokens_per_weight,omitempty"` // asked for, 0 when not
	Seed            uint64  `json:"seed"`                        // of the order of the data; initial weights are the program's own
	Order           string  `json:"order,omitempty"`             // of the data: shuffle (also ""), stream, same
	EvalEvery       int64   `json:"eval_every,omitempty"`        // steps, 0: only at the end
	EvalBatches     int     `json:"eval_batches,omitempty"`      // 0: a default
	SaveEvery       int64   `json:"save_every,omitempty"`        // steps, 0: a default
	// Phases, when there are any, follow one another; each starts with the state the one before left. None: one phase of Steps steps.
	Phases []Phase `json:"phases,omitempty"`

	Schedule  string `json:"schedule,omitempty"`  // for people: "warmup 100 then linear to 0"
	Optimizer string `json:"optimizer,omitempty"` // for people: "adamw(lr = 1e-3, ..)"
	Precision string `json:"precision,omitempty"` // f32, bf16, f16
	// FlopsPerToken is what one token of training costs, forward and backward, by the published formula; 0: 6 per weight.
	FlopsPerToken float64 `json:"flops_per_token,omitempty"`
	// Config holds the shape of the model and its forward multipliers for import and export (package hf lists the keys): layers,
	// heads, groups, width, ffn, context, vocab, eps, theta, embed_scale, logits_scale, attn_scale, mha_scale, mlp_scale, ...
	Config map[string]float64 `json:"config,omitempty"`
}

// Weight is a trained tensor.
type Weight struct {
	Name  string `json:"name"`  // logical: wte, l3.wq
	Array string `json:"array"` // what the forward pass reads
	Shape []int  `json:"shape"`
	// Dims are the names of the dimensions in the source: import and export tell from them which one is the model's width, and so
	// whether a matrix is [in, out] or [out, in]. Without them a matrix is [out, in].
	Dims  []string `json:"dims,omitempty"`
	Elem  string   `json:"elem"` // f32, f16
	Init  string   `json:"init,omitempty"`
	LR    float64  `json:"lr,omitempty"`  // multiplier of the learning rate, 0 means 1
	Decay float64  `json:"wd,omitempty"`  // multiplier of the weight decay; NoDecay says 0
	Eps   float64  `json:"eps,omitempty"` // multiplier of the optimizer's epsilon, 0 means 1
	// Forward is a multiplier where the weight is read (muP), 0 means 1: export can fold it in.
	Forward float64 `json:"forward,omitempty"`
	// NoDecay marks a weight without decay.
	NoDecay bool `json:"no_decay,omitempty"`
}

// State is an array that is no weight and that later steps need.
type State struct {
	Name  string `json:"name"`  // logical; of a weight's companion: the weight's name
	Group string `json:"group"` // m, v, master, grad (one per weight); counter, scale, or a name of its own
	Array string `json:"array"`
	Shape []int  `json:"shape,omitempty"`
	Elem  string `json:"elem"`
}

// Key is the logical name of a state array among all: group and name.
func (s *State) Key() string { return s.Group + "/" + s.Name }

// Metric is a rank-0 array that is logged: gradient norm, learning rate, loss scale.
type Metric struct {
	Name  string `json:"name"`
	Array string `json:"array"`
}

// Ramp is a stretch of a batch warmup.
type Ramp struct {
	Steps      int64 `json:"steps"`
	Accumulate int   `json:"accumulate"`
}

// Phase is a stretch of a run with its own shapes: the program is built again with Set.
type Phase struct {
	Steps int64             `json:"steps"`
	Set   map[string]string `json:"set"` // shape parameters, as for --set: ctx, batch
	// What Set makes of them, so that a plan can be read without building it.
	Batch      int `json:"batch"`
	Context    int `json:"context"`
	Accumulate int `json:"accumulate,omitempty"`
}

// Micros is the number of microbatches of optimizer step n of the run, counted from 0, in a phase that accumulates k.
func (p *Plan) Micros(n int64, k int) int {
	for _, r := range p.Ramp {
		if n < r.Steps {
			return max(1, r.Accumulate)
		}
		n -= r.Steps
	}
	return max(1, k)
}

// Params is the number of trained values.
func (p *Plan) Params() (n int64) {
	for i := range p.Weights {
		k := int64(1)
		for _, d := range p.Weights[i].Shape {
			k *= int64(d)
		}
		n += k
	}
	return n
}

// StepsFor is the number of steps that see at least the given number of tokens, when each sees perStep.
func StepsFor(tokens float64, perStep int64) int64 {
	if !(tokens > 0) || perStep <= 0 {
		return 0
	}
	return int64(math.Min(math.Ceil(tokens/float64(perStep)), 1<<53))
}

// JSON is the plan as a document; equal plans give equal bytes.
func (p *Plan) JSON() ([]byte, error) { return json.MarshalIndent(p, "", "  ") }

// ParsePlan reads the document. The plan is checked against a program by Check.
func ParsePlan(b []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return &p, nil
}

// Check says what of the plan the program does not hold: functions and arrays that are missing or of other types and shapes.
func (p *Plan) Check(prog *ir.Program) error {
	if p.Step == "" {
		return fmt.Errorf("the plan names no step function")
	}
	for _, f := range []struct{ what, name string }{{"step", p.Step}, {"micro", p.Micro}, {"eval", p.Eval}, {"logits", p.Logits}} {
		if f.name != "" && prog.Proc(f.name) == nil && prog.Func(f.name) == nil {
			return fmt.Errorf("the plan's %s function %s is not in the program", f.what, f.name)
		}
	}
	if p.Micro == "" && (p.Accumulate > 1 || len(p.Ramp) > 0) {
		return fmt.Errorf("the plan accumulates gradients and names no function for a microbatch")
	}
	if p.Batch < 1 || p.Context < 1 || p.Vocab < 1 {
		return fmt.Errorf("batch %d, context %d and vocabulary %d must be positive", p.Batch, p.Context, p.Vocab)
	}
	if p.Steps < 0 || p.Accumulate < 0 || p.EvalEvery < 0 || p.SaveEvery < 0 || p.EvalBatches < 0 {
		return fmt.Errorf("the plan counts below zero")
	}
	if err := p.checkPhases(); err != nil {
		return err
	}
	if err := checkArray(prog, "tokens", p.Tokens, "i32", []int{p.Batch, p.Context}); err != nil {
		return err
	}
	if err := checkArray(prog, "targets", p.Targets, "i32", []int{p.Batch, p.Context}); err != nil {
		return err
	}
	if err := checkArray(prog, "loss", p.Loss, "", []int{}); err != nil {
		return err
	}
	if p.Logits != "" {
		if err := checkArray(prog, "logits", p.LogitsOut, "", []int{p.Batch, p.Context, p.Vocab}); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, w := range p.Weights {
		if seen[w.Name] {
			return fmt.Errorf("two weights are named %s", w.Name)
		}
		seen[w.Name] = true
		if err := checkArray(prog, "weight "+w.Name, w.Array, w.Elem, w.Shape); err != nil {
			return err
		}
	}
	for i := range p.State {
		s := &p.State[i]
		if s.Group == "" || s.Group == "weights" || seen[s.Key()] {
			return fmt.Errorf("state %q has no group, that of the weights, or a name that is taken", s.Key())
		}
		seen[s.Key()] = true
		if err := checkArray(prog, "state "+s.Key(), s.Array, s.Elem, s.Shape); err != nil {
			return err
		}
	}
	for _, m := range p.Metrics {
		if err := checkArray(prog, "metric "+m.Name, m.Array, "", []int{}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) checkPhases() error {
	var sum int64
	for i, ph := range p.Phases {
		if ph.Steps < 0 || ph.Batch < 1 || ph.Context < 1 {
			return fmt.Errorf("phase %d has %d steps of %d x %d tokens", i, ph.Steps, ph.Batch, ph.Context)
		}
		sum += ph.Steps
	}
	if len(p.Phases) > 0 && sum != p.Steps {
		return fmt.Errorf("the phases have %d steps, the run %d", sum, p.Steps)
	}
	return nil
}

// checkArray compares an array of the program with what the plan says; elem "" takes any type.
func checkArray(prog *ir.Program, what, name, elem string, shape []int) error {
	a := prog.Array(name)
	if a == nil {
		return fmt.Errorf("the plan's %s array %q is not in the program", what, name)
	}
	if elem != "" && a.Elem.String() != elem {
		return fmt.Errorf("%s: array %s is %v, the plan says %s", what, name, a.Elem, elem)
	}
	got := prog.Shape(a)
	if len(got) != len(shape) {
		return fmt.Errorf("%s: array %s has shape %v, the plan says %v", what, name, got, shape)
	}
	for i := range got {
		if got[i] != shape[i] {
			return fmt.Errorf("%s: array %s has shape %v, the plan says %v", what, name, got, shape)
		}
	}
	return nil
}
