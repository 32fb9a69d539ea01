//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/bench/internal/args"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/train"
	"github.com/wfc-lang/wfc/target/cpu"
)

// program is one of ours: a source with settings. For every sample it starts from its initial values; time counts while the engine runs
// functions, so not compilation, loading and reading back, as with peers.
type program struct {
	name string
	text string // source; or
	file string // a file of models/
	set  string // name=value ..
	opt  cpu.Options
	// work done by the functions, from what the engine holds then; nil counts as 1.
	work func(runtime.Engine) (float64, error)
	// check is a value of the result.
	check func(runtime.Engine) (float64, error)
	// times repeats functions that are over too soon to be timed.
	times int
}

// plain is the program without temporal blocking: every step is one pass over memory.
func (p program) plain() program {
	p.name += ", one step a pass"
	p.opt.PassSteps = 1
	return p
}

// prepared is a program in its engine.
type prepared struct {
	program
	ir     *ir.Program
	prep   *runtime.Prepared
	engine runtime.Engine
}

func (p program) source() (wfc.Source, error) {
	if p.file != "" {
		return wfc.ReadSource(filepath.Join("models", p.file))
	}
	return wfc.Source{Name: "case.wf", Text: p.text}, nil
}

func (p program) entry() entry {
	return entry{p.name, func(*yard) (contestant, error) {
		src, err := p.source()
		if err != nil {
			return nil, err
		}
		built, err := wfc.Build(src, wfc.BuildOptions{Set: args.Settings(p.set), IndexOnly: true})
		if err != nil {
			return nil, err
		}
		prep, err := runtime.Prepare(built.IR, runtime.Options{DataDir: built.Source.Dir})
		if err != nil {
			return nil, err
		}
		p.opt.Threads = *threads
		e, err := cpu.New(built.IR, p.opt)
		if err != nil {
			return nil, err
		}
		return &prepared{p, built.IR, prep, e}, nil
	}}
}

func (p *prepared) Sample() (s sample, err error) {
	if err := p.prep.Start(p.engine, nil); err != nil {
		return s, err
	}
	for _, r := range p.ir.Schedule {
		if f := p.ir.Func(r.Func); f != nil && f.Host {
			continue
		}
		env, err := ir.EvalHost(p.ir, nil, r.Bind)
		if err == nil {
			err = p.engine.Scalars(env)
		}
		if err != nil {
			return s, err
		}
		begin := time.Now()
		for range max(1, p.times) {
			if _, err := p.engine.Run(context.Background(), r.Func, int(env[r.Count]+0.5)); err != nil {
				return s, err
			}
		}
		s.Seconds += time.Since(begin).Seconds()
	}
	s.Work, s.Check = float64(max(1, p.times)), math.NaN()
	if p.work != nil {
		w, err := p.work(p.engine)
		if err != nil {
			return s, err
		}
		s.Work *= w
	}
	if p.check != nil {
		s.Check, err = p.check(p.engine)
	}
	return s, err
}

func (p *prepared) Close() error { return p.engine.Close() }

// fixed is a known amount of work.
func fixed(work float64) func(runtime.Engine) (float64, error) {
	return func(runtime.Engine) (float64, error) { return work, nil }
}

// value is an element of a field, its indices chosen by the extents.
func value(field string, at ...func(n int) int) func(runtime.Engine) (float64, error) {
	return func(e runtime.Engine) (float64, error) {
		t, err := e.Get(field)
		if err != nil {
			return 0, err
		}
		k := 0
		for d, n := range t.Dims {
			k = k*n + at[d](n)
		}
		return t.At(k), nil
	}
}

// training is a training run that is asked for its steps one by one.
type training struct {
	ask    chan struct{}
	steps  chan sample
	cancel context.CancelFunc
	ended  chan error
}

// trained opens a model of models/ on text that it makes up.
func trained(name, file, set string) entry {
	return entry{name, func(y *yard) (contestant, error) {
		src, err := wfc.ReadSource(filepath.Join("models", file))
		if err != nil {
			return nil, err
		}
		data := filepath.Join(y.dir, "text.txt")
		if err := os.WriteFile(data, letters(1<<20), 0o644); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithCancel(context.Background())
		t := &training{make(chan struct{}), make(chan sample), cancel, make(chan error, 1)}
		go func() {
			_, err := wfc.Train(ctx, src, wfc.TrainOptions{Target: wfc.CPU, Set: args.Settings(set), Data: []string{data}, EvalEvery: -1, SaveEvery: -1, Progress: t})
			if err == nil {
				err = fmt.Errorf("training ended")
			}
			t.ended <- err
		}()
		return t, nil
	}}
}

// letters is text in which 65 different characters are about equally frequent.
func letters(n int) []byte {
	b, state := make([]byte, n), uint32(1)
	for i := range b {
		state = state*1664525 + 1013904223
		b[i] = 32 + byte(state>>16%65)
	}
	return b
}

func (t *training) Sample() (sample, error) {
	select {
	case t.ask <- struct{}{}:
	case s := <-t.steps: // the first step needs no asking
		return s, nil
	case err := <-t.ended:
		return sample{}, err
	}
	select {
	case s := <-t.steps:
		return s, nil
	case err := <-t.ended:
		return sample{}, err
	}
}

func (t *training) Close() error {
	t.cancel()
	for {
		select {
		case <-t.steps:
		case t.ask <- struct{}{}:
		case <-t.ended:
			return nil
		}
	}
}

func (t *training) Begin(*train.Plan, int64, int64) {}
func (t *training) Eval(int64, float64, int)        {}
func (t *training) End()                            {}

// Step hands a step out and waits for the next request, so that others have the computer meanwhile.
func (t *training) Step(e *train.Event) {
	t.steps <- sample{e.Seconds, float64(e.StepTokens), math.NaN()}
	<-t.ask
}
