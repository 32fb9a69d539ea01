package tensor

import (
	"strconv"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// trainer is what a train block says.
type trainer struct {
	decl       *syntax.Train
	batch      int // sequences per microbatch
	accumulate int
	rampTo     *rampSpec
	change     *change
	seed       uint32
	dataSeed   uint64
	order      string
	tokens     float64
	perWeight  float64
	steps      int64
	optimizer  *syntax.TrainPart
	schedule   schedule
	clip       float64
	peak       float64 // learning rate
	precision  string
	recompute  bool // layers are computed again for the gradient
	eval, save int64
	evalFor    int
	phases     []phase
	run        run
}

// run is a whole run: stretches of steps that see equal numbers of tokens.
type run []stretch

type stretch struct{ steps, tokens int64 } // tokens per step

func (r run) tokens() (sum float64) {
	for _, s := range r {
		sum += float64(s.steps) * float64(s.tokens)
	}
	return sum
}

// change is a change of the batch in the middle of a run: from so many sequences to others after a number of steps. Microbatches stay as they
// are, their number per step changes.
type change struct {
	from, to int
	after    int64
}

// rampSpec is a batch warmup: from one microbatch per step to all of them, over so many steps or a part of the run.
type rampSpec struct {
	over amount
}

// amount is a number of steps, or a part of the run.
type amount struct {
	value float64
	part  bool
	set   bool
}

// of returns the number of steps.
func (a amount) of(steps float64) float64 {
	if a.part {
		return a.value * steps
	}
	return a.value
}

// phase is a part of the run with its own values of params and batch.
type phase struct {
	part       float64
	set        map[string]string
	batch      int
	accumulate int
	ctx        int
}

// entryReader reads the parts of one entry from left to right.
type entryReader struct {
	e     *elab
	entry *syntax.TrainEntry
	next  int
	ok    bool
}

// forms are how entries are written, for messages.
var forms = map[string]string{
	"context":    "context 2048",
	"batch":      "batch 16, batch 4 to 16 over 10%, or batch 720 to 1080 after 57000 steps",
	"accumulate": "accumulate 4",
	"tokens":     "tokens 1e9, or tokens 20 per weight",
	"steps":      "steps 2000",
	"optimizer":  "optimizer adamw(lr = 1e-3, betas = (0.9, 0.95))",
	"schedule":   "schedule warmup 10% then linear to 0; also: cosine to 1e-4, constant, constant then linear to 0 over 20%",
	"clip":       "clip 1",
	"precision":  "precision f32, bf16, f16 or bf16dot",
	"recompute":  "recompute layers",
	"seed":       "seed 42, or seed 42 data 7",
	"order":      "order shuffle, stream or same",
	"eval":       "eval every 200 steps for 20 batches",
	"save":       "save every 1000 steps",
	"phase":      "phase 75% { ctx 2048; batch 1920 }",
}

func (r *entryReader) fail() {
	if r.ok {
		r.ok = false
		r.e.fail("WF0379", r.entry.At, "the entry `%s` is not of its form", r.entry.Word.Name).Suggest("%s", forms[r.entry.Word.Name])
	}
}

func (r *entryReader) done() bool { return r.next >= len(r.entry.Parts) }

// word takes a word if it is next.
func (r *entryReader) word(w string) bool {
	if !r.done() && r.entry.Parts[r.next].Word != nil && r.entry.Parts[r.next].Word.Name == w {
		r.next++
		return true
	}
	return false
}

// part takes a value.
func (r *entryReader) part() *syntax.TrainPart {
	if r.done() || r.entry.Parts[r.next].Value == nil {
		r.fail()
		return nil
	}
	r.next++
	return r.entry.Parts[r.next-1]
}

// name takes a value that is a plain name.
func (r *entryReader) name() string {
	if p := r.part(); p != nil {
		if ref, ok := p.Value.(*syntax.Ref); ok && ref.Index == nil && !ref.Prime && !p.Percent {
			if t, ok := r.e.global.find(ref.Name.Name); ok {
				if text, is := t.(string); is {
					return text
				}
			}
			return ref.Name.Name
		}
		r.fail()
	}
	return ""
}

// amount takes a number, or a percentage as a part.
func (r *entryReader) amount() amount {
	p := r.part()
	if p == nil {
		return amount{}
	}
	v := r.e.expr(p.Value, r.e.global)
	if v.bad {
		r.ok = false
		return amount{}
	}
	if !v.isNum() || !(v.num >= 0) || v.num > 1e18 {
		r.fail()
		return amount{}
	}
	if p.Percent {
		return amount{v.num / 100, true, true}
	}
	return amount{v.num, false, true}
}

// count takes a whole number that is at least least.
func (r *entryReader) count(least float64) int64 {
	a := r.amount()
	if r.ok && (a.part || a.value != float64(int64(a.value)) || a.value < least) {
		r.fail()
	}
	return int64(a.value)
}

// trainBlock reads the entries of a train block; without one, a batch of one for a bare model.
func (e *elab) trainBlock(t *syntax.Train) *trainer {
	tr := &trainer{decl: t, batch: 1, accumulate: 1, precision: "f32", order: "", seed: 1, schedule: schedule{kind: "constant"}}
	if t != nil {
		seen := map[string]*syntax.TrainEntry{}
		for _, s := range t.Body.Stmts {
			en, ok := s.(*syntax.TrainEntry)
			if !ok {
				continue
			}
			if old := seen[en.Word.Name]; old != nil && en.Word.Name != "phase" {
				e.fail("WF0202", en.Word.At, "`%s` stands twice", en.Word.Name).With(old.Word.At, "the first is here").Suggest("keep one")
				continue
			}
			seen[en.Word.Name] = en
			e.trainEntry(tr, en)
		}
		if b := seen["batch"]; tr.change != nil && len(tr.phases) > 0 {
			e.fail("WF0379", b.At, "the batch changes here, and phases have their own").With(seen["phase"].At, "a phase").
				Suggest("write `batch %d`, and the batch of each phase inside it", tr.change.from)
		}
	}
	e.overrides(tr)
	return tr
}

// overrides are settings of the command line for entries that no param of the program has the name of.
func (e *elab) overrides(tr *trainer) {
	number := func(name string, least float64, set func(float64)) {
		text, ok := e.opts.Set[name]
		if _, param := e.global.find(name); !ok || param {
			return
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || x < least || x != float64(int64(x)) {
			e.errs.Errorf("WF0206", e.global.at[name], "--set %s=%s: expected a whole number from %g", name, text, least).Suggest("write --set %s=8", name)
			return
		}
		set(x)
	}
	number("batch", 1, func(x float64) { tr.batch = int(x) })
	number("accumulate", 1, func(x float64) { tr.accumulate = int(x) })
	e.rechanged(tr)
	number("steps", 0, func(x float64) { tr.steps, tr.tokens, tr.perWeight = int64(x), 0, 0 })
	number("seed", 0, func(x float64) { tr.seed, tr.dataSeed = uint32(x), uint64(x) })
	if p, ok := e.opts.Set["precision"]; ok {
		if _, param := e.global.find("precision"); !param {
			tr.precision = p
			if !precisions[p] {
				e.errs.Errorf("WF0206", e.global.at["precision"], "--set precision=%s: there is no such precision", p).Suggest("use f32, bf16, f16 or bf16dot")
			}
		}
	}
}

// changed settles the microbatch of a batch that changes: the largest that both are multiples of.
func (tr *trainer) changed() {
	c := tr.change
	if c.after == 0 || c.from == c.to {
		tr.batch, tr.accumulate, tr.change = c.to, 1, nil
		return
	}
	a, b := c.from, c.to
	for b != 0 {
		a, b = b, a%b
	}
	tr.batch, tr.accumulate = a, c.to/a
}

// rechanged keeps the sequences of a step when the command line gives another microbatch; with a number of microbatches too the batch is
// constant, as with any program.
func (e *elab) rechanged(tr *trainer) {
	set := func(name string) bool {
		_, param := e.global.find(name)
		return e.opts.Set[name] != "" && !param
	}
	switch c := tr.change; {
	case c == nil:
	case set("accumulate"):
		tr.change = nil
	case c.from%tr.batch != 0 || c.to%tr.batch != 0:
		e.errs.Errorf("WF0206", e.global.at["batch"], "--set batch=%d: steps of %d and of %d sequences are no whole number of such microbatches", tr.batch, c.from, c.to).
			Suggest("use a divisor of both, or give --set accumulate=K too, for the same number of microbatches in every step")
	default:
		tr.accumulate = c.to / tr.batch
	}
}

// trainSettings are the names that overrides takes.
var trainSettings = map[string]bool{"batch": true, "accumulate": true, "steps": true, "seed": true, "precision": true}

func (e *elab) trainEntry(tr *trainer, en *syntax.TrainEntry) {
	r := &entryReader{e: e, entry: en, ok: true}
	if en.Body != nil && en.Word.Name != "phase" {
		e.fail("WF0379", en.At, "`%s` has no block", en.Word.Name).Suggest("only `phase` has one")
		return
	}
	switch en.Word.Name {
	case "batch":
		tr.batch = int(r.count(1))
		r.word("sequences")
		if r.ok && r.word("to") {
			all := r.count(1)
			if r.ok && r.word("after") {
				tr.change = &change{tr.batch, int(all), r.count(0)}
				r.word("steps")
				tr.changed()
				break
			}
			if !r.word("over") {
				r.fail()
			}
			tr.rampTo = &rampSpec{over: r.amount()}
			r.word("steps")
			if r.ok && (all%int64(tr.batch) != 0 || all < int64(tr.batch)) {
				e.fail("WF0379", en.At, "a batch warmup goes from %d to a multiple of it, and %d is none", tr.batch, all).
					Note("microbatches keep their size; their number per step grows").Suggest("end at %d", max(1, all/int64(tr.batch))*int64(tr.batch))
			}
			tr.accumulate = int(max(1, all/max(1, int64(tr.batch))))
		}
	case "context":
		r.count(1) // taken by params
		if r.ok && e.contextParam() == "" {
			e.fail("WF0379", en.At, "the model has no param ctx or context").Suggest("declare it: `model %s(ctx = 64)`", tr.decl.Model.Name)
		}
	case "accumulate":
		tr.accumulate = int(r.count(1))
	case "tokens":
		a := r.amount()
		if r.word("per") {
			if !r.word("weight") {
				r.fail()
			}
			tr.perWeight = a.value
		} else {
			tr.tokens = a.value
		}
	case "steps":
		tr.steps = r.count(0)
	case "optimizer":
		tr.optimizer = r.part()
	case "schedule":
		e.scheduleEntry(tr, r)
	case "clip":
		tr.clip = r.amount().value
	case "precision":
		tr.precision = r.name()
		if r.ok && !precisions[tr.precision] {
			r.fail()
		}
	case "recompute":
		if r.name() != "layers" {
			r.fail()
		}
		tr.recompute = true
	case "seed":
		n := r.count(0)
		tr.seed, tr.dataSeed = uint32(n), uint64(n)
		if r.word("data") {
			tr.dataSeed = uint64(r.count(0))
		}
	case "order":
		tr.order = r.name()
		if r.ok && tr.order != "shuffle" && tr.order != "stream" && tr.order != "same" {
			r.fail()
		}
	case "eval":
		if !r.word("every") {
			r.fail()
		}
		tr.eval = r.count(1)
		r.word("steps")
		if r.word("for") {
			tr.evalFor = int(r.count(1))
			r.word("batches")
		}
	case "save":
		if !r.word("every") {
			r.fail()
		}
		tr.save = r.count(1)
		r.word("steps")
	case "phase":
		e.phaseEntry(tr, r)
	default:
		names := sorted(forms)
		d := e.fail("WF0379", en.Word.At, "a train block has no entry %s", en.Word.Name)
		if s := closest(en.Word.Name, names); s != "" {
			d.Replace(en.Word.At, s, "did you mean %s?", s)
		} else {
			d.Suggest("entries are %v", names)
		}
		return
	}
	if r.ok && !r.done() {
		r.fail()
	}
}

// phaseEntry reads `phase 75% { ctx 2048; batch 1920 }`: params of the program, batch and accumulate.
func (e *elab) phaseEntry(tr *trainer, r *entryReader) {
	a := r.amount()
	if !r.ok || !a.part || r.entry.Body == nil {
		r.fail()
		return
	}
	ph := phase{part: a.value, set: map[string]string{}}
	for _, s := range r.entry.Body.Stmts {
		en, ok := s.(*syntax.TrainEntry)
		if !ok {
			continue
		}
		in := &entryReader{e: e, entry: en, ok: true}
		n := in.amount()
		if !in.ok || n.part || !in.done() || en.Body != nil || !whole(n.value) || n.value < 1 {
			e.fail("WF0379", en.At, "an entry of a phase is a param and its value").Suggest("write `ctx 2048` or `batch 480`")
			return
		}
		word := en.Word.Name
		if word == "context" && e.contextParam() != "" {
			word = e.contextParam()
		}
		_, param := e.global.find(word)
		if !param && en.Word.Name != "batch" && en.Word.Name != "accumulate" {
			e.fail("WF0379", en.Word.At, "%s is no param of the program", en.Word.Name).Suggest("a phase sets params, batch and accumulate")
			return
		}
		switch word {
		case "batch":
			ph.batch = int(n.value)
		case "accumulate":
			ph.accumulate = int(n.value)
		case e.contextParam():
			ph.ctx = int(n.value)
		}
		ph.set[word] = strconv.FormatFloat(n.value, 'g', -1, 64)
	}
	tr.phases = append(tr.phases, ph)
}

// contextParam is the name of the param that holds the number of tokens of a sequence: ctx, context, or "" when there is none.
func (e *elab) contextParam() string {
	for _, s := range e.settings {
		if s.name == "ctx" || s.name == "context" {
			return s.name
		}
	}
	return ""
}

// contextOf is the value of the entry `context` of a train block, nil when there is none.
func contextOf(t *syntax.Train) syntax.Expr {
	if t == nil {
		return nil
	}
	for _, s := range t.Body.Stmts {
		if en, ok := s.(*syntax.TrainEntry); ok && en.Word.Name == "context" && len(en.Parts) == 1 && en.Parts[0].Value != nil {
			return en.Parts[0].Value
		}
	}
	return nil
}
