package ir

import (
	"context"
	"fmt"
	"math"
)

// Executor is what carries out the straight-line parts of a launch.
type Executor interface {
	// Once runs a device function once.
	Once(fn string) error
	// Flag tells whether a rank-0 array is nonzero.
	Flag(array string) (bool, error)
	// Scalar returns the value of a host scalar.
	Scalar(name string) (float64, bool)
}

// Repeater is an executor that can take several iterations of a counted loop together. With an error some of them have been carried out.
type Repeater interface {
	// Times runs a device function n times; the context is looked at in between.
	Times(ctx context.Context, fn string, n int) error
}

// Launch runs up to n iterations of a device function or a procedure, statement by statement: what it does is what procedures mean. It
// returns the number of iterations carried out, less than n when the procedure's until became nonzero or with an error. The context is
// looked at before each call of a function.
func Launch(ctx context.Context, p *Program, name string, n int, e Executor) (done int, err error) {
	l := &launch{ctx, p, e}
	q := p.Proc(name)
	if q == nil {
		for ; done < n; done++ {
			if err := l.call(name, 0); err != nil {
				return done, err
			}
		}
		return done, nil
	}
	for done < n {
		if err := l.body(q.Body, 0); err != nil {
			return done, err
		}
		done++
		if q.Until == "" {
			continue
		}
		if stop, err := e.Flag(q.Until); stop || err != nil {
			return done, err
		}
	}
	return done, nil
}

type launch struct {
	ctx context.Context
	p   *Program
	e   Executor
}

// maxCalls bounds how deep calls are nested; valid programs, which do not recurse, have at most as many levels as procedures.
const maxCalls = 10000

func (l *launch) call(name string, depth int) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	q := l.p.Proc(name)
	switch {
	case q == nil:
		return l.e.Once(name)
	case depth > maxCalls:
		return fmt.Errorf("procedure %s calls itself", name)
	}
	return l.body(q.Body, depth+1)
}

func (l *launch) body(body []Stmt, depth int) error {
	for i := range body {
		if err := l.stmt(&body[i], depth); err != nil {
			return err
		}
	}
	return nil
}

func (l *launch) stmt(s *Stmt, depth int) error {
	switch s.Kind {
	case Call:
		return l.call(s.Func, depth)
	case If:
		yes, err := l.e.Flag(s.Cond)
		if err != nil {
			return err
		}
		if yes {
			return l.body(s.Body, depth)
		}
		return l.body(s.Else, depth)
	}
	limit := math.MaxInt
	if s.Count != "" {
		var err error
		if limit, err = l.count(s.Count); err != nil {
			return err
		}
	}
	if r, ok := l.e.(Repeater); ok && s.Kind == Loop && len(s.Body) == 1 && s.Body[0].Kind == Call && l.p.Proc(s.Body[0].Func) == nil {
		return r.Times(l.ctx, s.Body[0].Func, limit)
	}
	for range limit {
		if err := l.ctx.Err(); err != nil { // a body may call nothing
			return err
		}
		if s.Kind == While {
			if on, err := l.e.Flag(s.Cond); err != nil || !on {
				return err
			}
		}
		if err := l.body(s.Body, depth); err != nil {
			return err
		}
	}
	return nil
}

// count evaluates a host scalar as a number of iterations.
func (l *launch) count(name string) (int, error) {
	x, ok := l.e.Scalar(name)
	if !ok {
		return 0, fmt.Errorf("host scalar %q has no value", name)
	}
	return CountOf(name, x)
}

// CountOf rounds the value of host scalar name to a number of iterations, 0 to 2^53.
func CountOf(name string, x float64) (int, error) {
	n := math.Round(x)
	if !(n >= 0 && n <= 1<<53) {
		return 0, fmt.Errorf("a loop would run %s = %v times; the count must be a whole number from 0 to 2^53", name, x)
	}
	return int(n), nil
}
