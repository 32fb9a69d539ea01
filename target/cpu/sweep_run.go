package cpu

import (
	"context"
	"slices"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
	"github.com/wfc-lang/wfc/target/cpu/team"
)

// sweepFrom is the size from which an engine with options o makes sweeps.
func sweepFrom(o Options) int {
	if o.sweep == 0 {
		return leastSweep()
	}
	return o.sweep
}

// link gives the kernels their addresses.
func (s *sweep) link(address map[string]uintptr) {
	s.code = address[s.drive]
	one := func(st *planeOp) {
		for i := range st.runs {
			r := &st.runs[i]
			for v := range r.sym {
				r.code[v] = address[r.sym[v]]
			}
		}
	}
	for i := range s.board.launches {
		s.board.code = append(s.board.code, address[s.board.launches[i].sym])
	}
	for _, st := range s.stages {
		one(st)
		for _, k := range st.kept {
			one(k)
		}
	}
	for _, st := range s.copies {
		one(st)
	}
}

// mostSteps is how many steps a pass may have.
const mostSteps = 32

// passSteps is how many steps a pass of an engine with options o may have.
func passSteps(o Options) int {
	if o.PassSteps <= 0 {
		return mostSteps
	}
	return min(o.PassSteps, mostSteps)
}

// passes executes n steps of a sweep, as many at a time as the tiling says that is fastest, or is tried.
func (e *Engine) passes(ctx context.Context, fn string, c *compiled, n int) error {
	s := c.sweep
	for n > 0 {
		most := min(n, e.steps)
		r := s.tilings[most]
		if r == nil {
			r = &trial{candidates: s.candidates(most, e.pool.Threads, machineCaches())}
			s.tilings[most] = r
		}
		for {
			t, times := r.next(n)
			if times == 0 {
				break
			}
			b, err := e.pass(fn, c, t)
			if err != nil {
				return err
			}
			begin := time.Now()
			if err := e.repeat(ctx, b, times); err != nil {
				return err
			}
			n -= times * t.steps
			r.note(float64(time.Since(begin)) / float64(times*t.steps))
		}
	}
	return nil
}

// passKey names the pass of a function.
type passKey struct {
	fn string
	t  tiling
}

// pass makes the batch of one pass: the margins of the arrays, then the tiles.
func (e *Engine) pass(fn string, c *compiled, t tiling) (*team.Batch, error) {
	s := c.sweep
	key := passKey{fn, t}
	if b := e.swept[key]; b != nil {
		return b, nil
	}
	threads := e.pool.Threads
	u := s.unroll(t.steps, t.tile < s.width.Hi-s.width.Lo)
	b := e.newBatch(u.perm)
	for i, l := range c.launches {
		b.Steps = append(b.Steps, team.NewStep(e.fns[fn][i], l.lo, l.hi, l.parts(threads, e.divide), threads, l.args))
		b.Steps[i].Account = i
	}
	for _, st := range s.fillBoard(t.steps, threads) {
		st.Account = len(c.launches)
		b.Steps = append(b.Steps, st)
	}
	var tables []*tileTable
	ring := 0
	depth := s.depth.Hi - s.depth.Lo
	for k := range t.chunks {
		x := ir.Interval{Lo: s.depth.Lo + depth*k/t.chunks, Hi: s.depth.Lo + depth*(k+1)/t.chunks}
		for y := s.width.Lo; y < s.width.Hi; y += t.tile {
			tab := s.tile(u, x, common(ir.Interval{Lo: y, Hi: y + t.tile}, s.width), t)
			if tab.segments > 0 {
				tables = append(tables, tab)
				ring = max(ring, tab.ring)
			}
		}
	}
	if err := e.reserveRings(ring); err != nil {
		return nil, err
	}
	// A thread's words are its ring, nothing, and its table.
	args := []int{e.ownWord(), e.ownWord() + 1}
	for i := range e.ownWord() {
		args = append(args, i)
	}
	var parts [][2]int
	for _, tab := range tables {
		parts = append(parts, [2]int{int(team.AddressOf(tab.words)), tab.segments})
	}
	b.Keep = tables
	st := team.NewStepOf(s.code, parts, threads, args)
	st.Iterations = t.steps
	st.Account = len(c.launches) + 1
	b.Steps = append(b.Steps, st)
	b.Arrange(threads, e.prof != nil)
	b.Spent = e.measured(fn, st.Account+1)
	e.swept[key] = b
	return b, nil
}

// reserveRings gives every thread memory for rings of n bytes. A ring in a large page has no misses of address translation, and its lines
// spread evenly over the sets of the second cache.
func (e *Engine) reserveRings(n int) error {
	for len(e.rings) < e.pool.Threads {
		e.rings = append(e.rings, nil)
	}
	for i, m := range e.rings {
		if len(m) >= n+native.LargePage {
			continue
		}
		next, err := native.Allocate(roundUp(n, native.LargePage) + native.LargePage)
		if err != nil {
			return err
		}
		if m != nil {
			if err := m.Free(); err != nil {
				return err
			}
		}
		e.rings[i] = next
	}
	return nil
}

// ring is where the ring of a thread begins.
func (e *Engine) ring(thread int) uintptr {
	if thread >= len(e.rings) || len(e.rings[thread]) == 0 {
		return 0
	}
	return (team.AddressOf(e.rings[thread]) + native.LargePage - 1) &^ (native.LargePage - 1)
}

// firstTouch has every thread write to its part of the fields, which decides on whose side of the machine the memory lies. Scratch that nothing
// uses stays untouched and costs no memory.
func (e *Engine) firstTouch() {
	const page = 4 << 10
	var fields []native.Memory
	for i := range e.plan.arrays {
		fields = append(fields, e.mem[i].Used())
	}
	for _, c := range e.plan.funcs { // the order does not matter
		if c.sweep != nil {
			for i := range c.sweep.arrays {
				if c.sweep.set(c.sweep.arrays[i].name) {
					fields = append(fields, e.mem[c.sweep.spare[i]].Used())
				}
			}
		}
	}
	fields = slices.DeleteFunc(fields, func(m native.Memory) bool { return len(m) < leastSweep() })
	if len(fields) == 0 {
		return
	}
	threads := e.pool.Threads
	e.pool.Each(func(part int) {
		for _, m := range fields {
			for at := len(m) * part / threads; at < len(m)*(part+1)/threads; at += page {
				m[at] = 0
			}
		}
	})
}
