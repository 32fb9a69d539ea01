package wfc

import (
	"context"
	"time"

	"github.com/wfc-lang/wfc/runtime/train"
)

// EstimateTraining says what a run would take. It trains two steps to tell the time, when they are short.
func EstimateTraining(ctx context.Context, src Source, opt TrainOptions) (string, error) {
	e, err := TimeTraining(ctx, src, opt)
	if err != nil {
		return "", err
	}
	return e.Text, nil
}

// TrainingEstimate is what a run of training would take.
type TrainingEstimate struct {
	Text   string
	Total  time.Duration // on this computer; 0 when no step was tried
	Micros int           // microbatches of a step: so many ranks can share it
}

// TimeTraining is EstimateTraining with its numbers.
func TimeTraining(ctx context.Context, src Source, opt TrainOptions) (*TrainingEstimate, error) {
	t, _, err := openTraining(src, opt)
	if err != nil {
		return nil, err
	}
	defer t.data.Close()
	seconds := 0.0
	if t.opt.Target == Wafer { // whether it fits
		if _, err := t.build(nil); err != nil {
			return nil, err
		}
	}
	// A step of a large model takes too long to try, and so does building it: its time is then estimated from the peak.
	cost := t.plan.FlopsOf(0, 1)
	if t.opt.Target == CPU && cost < 1e11 && t.plan.Steps > 0 || t.opt.Target == Interp && cost < 1e9 && t.plan.Steps > 0 {
		p := &timed{}
		tr, err := train.New(t.program, train.Options{Data: t.data, Steps: 2, EvalEvery: -1, Progress: p})
		if err != nil {
			return nil, err
		}
		defer tr.Close()
		if _, err := tr.Run(ctx); err != nil {
			return nil, err
		}
		seconds = p.last
	}
	e := &TrainingEstimate{Text: t.plan.Estimate(t.data.Train.Len(), opt.Peak, seconds), Micros: max(1, t.plan.Accumulate)}
	e.Total = time.Duration(seconds * t.plan.AllTokens() / max(1, t.plan.TokensOf(0, 1)) * float64(time.Second))
	return e, nil
}

// timed remembers what the last step took.
type timed struct{ last float64 }

func (t *timed) Begin(*train.Plan, int64, int64) {}
func (t *timed) Step(e *train.Event)             { t.last = e.Seconds }
func (t *timed) Eval(int64, float64, int)        {}
func (t *timed) End()                            {}
