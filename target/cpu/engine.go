// Package cpu runs canonical index IR as native code: it emits LLVM IR, compiles it with the LLVM of the machine, loads it without cgo and
// divides the kernels among threads.
//
// Every operation becomes a kernel over a part of one output index ([emitter]). What the interpreter computes is what the kernels compute,
// bit for bit, whatever the number of threads and the vector width: no fast-math flags, no fused multiplication and addition unless the
// IR says fma, half precision rounded by integer operations, reductions in the order the IR writes.
//
// The way of a program: [prepare] brings every read inside its operand by turning periodic reads into ghost values; [passes.Reuse] plans the
// storage, layouts follow ([plan]); [emitter] writes kernels, which know shapes and no names, so that equal ones are one ([native.Unit]);
// [native.Toolchain] makes shared objects of those that no program on this machine had before; [Engine] owns the memory and runs: iterations of a
// function are one call of native code for each thread ([team.Pool]). At the end of a function the buffers change places, nothing is copied. Procedures are walked by the engine, call by call.
//
// Functions of maps and extends on large fields are computed in passes ([sweep]): all their operations, and several steps, in one pass over
// memory.
// Operations joined by values much larger than what they are made of run tile by tile, which keeps such values out of memory ([group]).
//
// A sum of what the operation before it makes takes its terms as they are made, in one kernel (canon_made.go). What is wanted only after the sum is
// made later where that reads less (later.go), and what maps read of what the sum takes they make again where that moves less (again.go).
//
// Sums of products are matrix products in register blocks ([contraction]), lookups and their derivatives touch only what they select
// ([ir.Selection]), sums over rows go side by side.
package cpu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/native"
	"github.com/wfc-lang/wfc/target/cpu/team"
)

// Options of an engine. The zero value uses all cores and the first LLVM that is found.
type Options struct {
	Threads   int       // 0: [DefaultThreads]
	PrintLLVM io.Writer // gets the module as text, if not nil
	Tool      string    // path or name of a clang or opt, "" to look for one
	PassSteps int       // steps that are computed in one pass over large fields at most; 0: as many as pay, 1: no temporal blocking
	Level     string    // of optimisation, one of Levels; "" is the highest; at 0 operations are not computed in passes either

	divide int     // work from which kernels are divided; 0: from where it pays
	sweep  int     // bytes from which functions are computed in passes of several steps; 0: from where it pays; -1: never
	tiling *tiling // of all passes; nil: chosen
}

// DefaultThreads is GOMAXPROCS, without what engines have added to it.
func DefaultThreads() int { return team.Available() }

// Engine runs one program. Its methods must not be called at the same time.
type Engine struct {
	plan    *plan
	code    *native.Code
	fns     map[string][]uintptr // addresses of the launches of a function
	mem     []native.Memory      // one per slot
	maps    []native.Memory      // that hold them
	base    []uintptr            // table of buffers and scalars, as of now
	known   map[scalarKey]bool
	env     map[string]float64 // host scalars
	pool    *team.Pool
	batches map[string]*team.Batch
	divide  int
	steps   int             // of a pass at most
	prof    *profile        // nil: not measured
	rings   []native.Memory // of the threads
	swept   map[passKey]*team.Batch
}

// New compiles the device functions of a canonical program and allocates its arrays, all zero. The error has [native.ErrNoToolchain] in its chain
// when no LLVM is installed.
func New(p *ir.Program, o Options) (*Engine, error) {
	if err := native.CheckProcessor(); err != nil {
		return nil, err
	}
	tc, err := native.Find(o.Tool)
	if err != nil {
		return nil, err
	}
	if tc, err = tc.At(o.Level); err != nil {
		return nil, err
	}
	if o.Level == "0" {
		o.sweep = -1 // one operation after the other, for debugging
	}
	return newEngine(p, tc, o)
}

func newEngine(p *ir.Program, tc *native.Toolchain, o Options) (*Engine, error) {
	pl, err := newPlan(p, emit.NativeHalf(tc), sweepFrom(o))
	if err != nil {
		return nil, err
	}
	if o.PrintLLVM != nil {
		if _, err := io.WriteString(o.PrintLLVM, pl.units.Module().Text()); err != nil {
			return nil, err
		}
	}
	code, err := tc.Load(context.Background(), append(slices.Clone(pl.units.List), team.Unit(), team.CopyUnit()), DefaultThreads())
	if err != nil {
		return nil, err
	}
	e := &Engine{plan: pl, code: code, fns: map[string][]uintptr{}, known: map[scalarKey]bool{}, batches: map[string]*team.Batch{}, swept: map[passKey]*team.Batch{}, steps: passSteps(o)}
	pl.units = nil // long texts
	for name, c := range pl.funcs {
		for _, l := range c.launches {
			e.fns[name] = append(e.fns[name], code.Address[l.sym])
		}
		if c.sweep != nil {
			c.sweep.link(code.Address)
			c.sweep.board.copies = code.Address[team.CopyUnit().Symbol]
			c.sweep.force = o.tiling
		}
	}
	n := o.Threads
	if n <= 0 {
		n = DefaultThreads()
	}
	if err := e.reserve(n); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	calls, err := team.CodeOf(code.Address[team.Unit().Symbol])
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.pool = team.New(n, calls)
	e.firstTouch()
	if e.divide = o.divide; e.divide == 0 {
		e.divide = pays
	}
	return e, nil
}

// ownWord is the word of a thread's table that has the address of its ring; the one after it is always 0.
func (e *Engine) ownWord() int { return len(e.plan.layouts) + len(e.plan.words) }

// Close frees the memory and unloads the code. It may be called more than once.
func (e *Engine) Close() error {
	var errs []error
	if e.pool != nil {
		e.pool.Close()
		e.pool = nil
	}
	for _, m := range slices.Concat(e.maps, e.rings) {
		errs = append(errs, m.Free())
	}
	e.maps, e.mem, e.rings, e.base = nil, nil, nil, nil
	errs = append(errs, e.code.Close())
	return errors.Join(errs...)
}

var errClosed = errors.New("the engine is closed")

// Scalars sets the host scalars for the next runs. Names the program does not use are ignored.
func (e *Engine) Scalars(env map[string]float64) error {
	if e.base == nil {
		return errClosed
	}
	e.env = maps.Clone(env)
	for i, key := range e.plan.words {
		x, ok := env[key.name]
		if !ok {
			continue
		}
		e.base[len(e.plan.layouts)+i] = wordOf(key.elem, ir.RoundTo(key.elem, x))
		e.known[key] = true
	}
	return nil
}

// run executes n iterations of device function fn. It stops between iterations when ctx is done; the arrays then hold a whole number of
// iterations, but which is not told.
func (e *Engine) run(ctx context.Context, fn string, n int) error {
	if e.base == nil {
		return errClosed
	}
	c := e.plan.funcs[fn]
	if c == nil {
		return fmt.Errorf("no device function %q", fn)
	}
	for _, key := range c.scalars {
		if !e.known[key] {
			return fmt.Errorf("host scalar %q has no value", key.name)
		}
	}
	if c.sweep != nil {
		return e.passes(ctx, fn, c, n)
	}
	return e.repeat(ctx, e.batch(fn, c), n)
}

// repeat executes a batch n times.
func (e *Engine) repeat(ctx context.Context, b *team.Batch, n int) error {
	if n < 1 {
		return nil
	}
	// Batches grow until one takes long enough that starting it costs nothing, and stay short enough to stop soon.
	const long = 100 * time.Millisecond
	for size := 1; n > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.Times = min(size, n)
		for i := range b.Tables { // the last turn's moves may be known to thread 0 only
			copy(b.Tables[i], e.base)
			if a := e.plan.arena; a >= 0 {
				b.Tables[i][a] += uintptr(i * e.arena())
			}
			b.Tables[i][e.ownWord()] = e.ring(i)
		}
		d := e.pool.Do(b)
		copy(e.base, b.Tables[0])
		n -= b.Times
		if d < long/4 {
			size *= 4
		} else {
			size = max(1, int(int64(b.Times)*int64(long)/int64(d)))
		}
	}
	return nil
}

func (e *Engine) newBatch(moves []int) *team.Batch {
	b := &team.Batch{Moves: moves, Slots: len(e.plan.layouts), Paced: e.divide == pays}
	for range e.pool.Threads {
		b.Tables = append(b.Tables, make([]uintptr, len(e.base)))
	}
	return b
}

// batch divides the launches of a function among the threads.
func (e *Engine) batch(fn string, c *compiled) *team.Batch {
	if b := e.batches[fn]; b != nil {
		return b
	}
	threads := e.pool.Threads
	b := e.newBatch(c.moves)
	for i, l := range c.launches {
		b.Steps = append(b.Steps, team.NewStep(e.fns[fn][i], l.lo, l.hi, l.parts(threads, e.divide), threads, l.args))
		b.Steps[i].Account = i
		b.Work += l.work
	}
	b.Arrange(threads, e.prof != nil)
	b.Spent = e.measured(fn, len(b.Steps))
	e.batches[fn] = b
	return b
}

// measured is where the times of a function's steps go, if they are wanted.
func (e *Engine) measured(fn string, steps int) []team.Spent {
	if e.prof == nil {
		return nil
	}
	if e.prof.batches[fn] == nil {
		e.prof.batches[fn] = make([]team.Spent, steps)
	}
	return e.prof.batches[fn]
}
