package tensor

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/runtime/train"
)

// A batch that changes is another number of the same microbatches, and the run has the tokens that were asked for.
func TestBatchChanges(t *testing.T) {
	const end = "\noptimizer sgd(lr = 0.5)\nschedule warmup 4 then linear to 0\n}"
	for _, c := range []struct {
		text                     string
		set                      map[string]string
		batch, accumulate, first int
		steps                    int64
	}{
		{"batch 4 to 6 after 10 steps; tokens 480", nil, 2, 3, 2, 10 + 20},
		{"batch 4 to 6 after 10 steps; tokens 481", nil, 2, 3, 2, 10 + 21},
		{"batch 4 to 6 after 10 steps; steps 30", nil, 2, 3, 2, 30},
		{"batch 6 to 3 after 10 steps; tokens 300", nil, 3, 1, 2, 10 + 14},
		{"batch 4 to 6 after 10 steps; tokens 480", map[string]string{"batch": "1"}, 1, 6, 4, 30},
		{"batch 4 to 6 after 0 steps; tokens 480", nil, 6, 1, 0, 27},
		{"batch 4 to 4 after 10 steps; tokens 480", nil, 4, 1, 0, 40},
		{"batch 4 to 6 after 10 steps; tokens 480", map[string]string{"batch": "3", "accumulate": "2"}, 3, 2, 0, 27},
	} {
		p := buildText(t, "s.wf", small+c.text+end, c.set).Plan
		var ramp []train.Ramp
		if c.first > 0 {
			ramp = []train.Ramp{{Steps: 10, Accumulate: c.first}}
		}
		if p.Batch != c.batch || max(1, p.Accumulate) != c.accumulate || p.Steps != c.steps || !cmp.Equal(p.Ramp, ramp) {
			t.Errorf("%s, %v: %d steps of %d x %d after %v", c.text, c.set, p.Steps, p.Accumulate, p.Batch, p.Ramp)
		}
		if p.TokensTotal > 0 && (p.AllTokens() < float64(p.TokensTotal) || p.AllTokens() >= float64(p.TokensTotal)+18) {
			t.Errorf("%s: %g tokens, %d were asked for", c.text, p.AllTokens(), p.TokensTotal)
		}
	}
	for text, set := range map[string]map[string]string{
		"batch 4 to 6 after 10 steps; steps 30":                         {"batch": "4"},
		"batch 4 to 6 after 10 steps; steps 30; phase 100% { batch 2 }": nil,
		"batch 4 to 6 after 10.5 steps; steps 30":                       nil,
		"batch 4 to 6 after 10%; steps 30":                              nil,
		"batch 4 to 6 before 10 steps; steps 30":                        nil,
	} {
		if list := failed(t, small+text+end, set); len(list) == 0 || list[0].Code != "WF0379" && list[0].Code != "WF0206" {
			t.Errorf("%s %v: %v", text, set, list)
		}
	}
}

// The way of the rate may be a param, as in presets; a word that is none is refused.
func TestScheduleByParam(t *testing.T) {
	const text = "param way = \"cosine\"\n" + small + "steps 3; optimizer sgd(lr = 0.5)\nschedule warmup 1 then way to 10%\n}"
	if p := buildText(t, "s.wf", text, nil); p.Plan.Schedule != "warmup 1 then cosine to 10%" {
		t.Error(p.Plan.Schedule)
	}
	if p := buildText(t, "s.wf", text, map[string]string{"way": "linear"}); p.Plan.Schedule != "warmup 1 then linear to 10%" {
		t.Error(p.Plan.Schedule)
	}
	if list := failed(t, text, map[string]string{"way": "quadratic"}); len(list) != 1 || list[0].Code != "WF0379" {
		t.Error(list)
	}
}

func parsed(t *testing.T, name, text string) *syntax.File {
	t.Helper()
	f, errs := syntax.Parse(name, text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return f
}

func failed(t *testing.T, text string, set map[string]string) diag.List {
	t.Helper()
	_, list := Build(parsed(t, "s.wf", text), Options{Set: set})
	return list
}

// The rate is that of the tokens seen: where steps grow in the middle of a run, by a change of the batch or by a phase, it goes on as if they
// had not, but in larger strides.
func TestRateByTokens(t *testing.T) {
	const peak, warm, before, all = 0.5, 4.0, 10, 30
	want := func(n, grown float64) float64 {
		at, total := n, before+(all-before)*grown
		if n >= before {
			at = before + (n-before)*grown
		}
		if at < warm {
			return peak * (at + 1) / warm
		}
		return peak * (1 + math.Cos(math.Pi*(at-warm)/(total-warm))) / 2
	}
	const end = "; steps 30\noptimizer sgd(lr = 0.5)\nschedule warmup 4 then cosine to 0\n}"
	phased := small + "batch 2; phase 33.33% { accumulate 1 }\nphase 66.67% { ctx 12 }" + end
	phases := buildText(t, "s.wf", phased, nil).Plan.Phases
	if len(phases) != 2 || phases[0].Steps != before || phases[0].Context != 3 || phases[1].Context != 12 {
		t.Fatalf("%+v", phases)
	}
	for _, c := range []struct {
		name, text string
		opts       Options
		from       int
		grown      float64
	}{
		{"change", small + "batch 4 to 6 after 10" + end, Options{}, 0, 1.5},
		{"first phase", phased, Options{Set: phases[0].Set, Phases: phases}, 0, 4},
		{"second phase", phased, Options{Set: phases[1].Set, Phases: phases}, before, 4},
	} {
		p, list := Build(parsed(t, "s.wf", c.text), c.opts)
		if p == nil || len(list) > 0 {
			t.Fatal(list)
		}
		if p.Plan.Steps != all {
			t.Errorf("%s: %d steps", c.name, p.Plan.Steps)
		}
		m := launched(t, p)
		for n := range all {
			if p.Plan.Micro != "" {
				step(t, m, p.Plan.Micro)
			}
			step(t, m, p.Plan.Step)
			if got, want := scalar(t, m, rateArray), want(float64(n), c.grown); math.Abs(got-want) > 3e-7 {
				t.Errorf("%s: step %d has rate %.8f, expected %.8f", c.name, n, got, want)
			}
		}
	}
}

// Published lengths and rates: Cerebras-GPT's 13B model changes its batch after 57,000 steps and sees 20 tokens per weight all the same.
func TestPublishedRuns(t *testing.T) {
	text := modelText(t, "cerebras_gpt")
	for preset, want := range map[string]struct {
		steps    int64
		schedule string
	}{
		"111m": {9037, "warmup 1525 then linear to 6e-05"}, "256m": {9468, "warmup 693 then linear to 6e-05"}, "590m": {21836, "warmup 693 then linear to 2e-05"},
		"1.3b": {24334, "warmup 346 then cosine to 2e-05"}, "2.7b": {49041, "warmup 346 then cosine to 2e-05"}, "6.7b": {62522, "warmup 176 then linear to 1.2e-05"},
		"13b": {57000 + 116223 - 57000*720/1080, "warmup 254 then cosine to 1.2e-05"}, "256m-mup": {9468, "warmup 693 then linear to 0.0006"},
	} {
		r, list := Measure(parsed(t, "m.wf", text), Options{Set: map[string]string{"preset": preset}})
		if r == nil || len(list) > 0 {
			t.Fatal(list)
		}
		if d := r.Steps - want.steps; d != 1 { // the last step is the one that reaches the number of tokens
			t.Errorf("%s: %d steps, published %d", preset, r.Steps, want.steps)
		}
		small := map[string]string{"preset": preset, "vocab": "8", "ctx": "4", "d": "8", "layers": "1", "heads": "2"}
		p := buildText(t, "m.wf", text, small)
		if p.Plan.Schedule != want.schedule || p.Plan.VocabParam != "vocab" {
			t.Errorf("%s: schedule %s, expected %s", preset, p.Plan.Schedule, want.schedule)
		}
		if wide := fmt.Sprint(p.Plan.Ramp) != "[]"; wide != strings.HasPrefix(preset, "13b") {
			t.Errorf("%s: batches %v", preset, p.Plan.Ramp)
		}
	}
}
