package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Run executes a device function or a procedure up to n times and returns how often, see [ir.Launch]. It fails when no PE can go on, a
// stream is left over at the end of a function, or PEs disagree on a condition.
func (m *Machine) Run(ctx context.Context, fn string, n int) (done int, err error) {
	only := &ir.Program{} // calls name functions, also the one that has the procedure's name
	if q := m.p.Proc(fn); q != nil {
		only.Procs = []ir.Proc{*q}
		fn = "procedure " + q.Name
		only.Procs[0].Name = fn
	}
	return ir.Launch(ctx, only, fn, n, executor{ctx, m})
}

type executor struct {
	ctx context.Context
	m   *Machine
}

// Once implements ir.Executor.
func (e executor) Once(fn string) error {
	f := slices.Index(e.m.p.Funcs, fn)
	if f < 0 {
		return fmt.Errorf("no device function %q", fn)
	}
	return e.m.once(e.ctx, f)
}

// Flag implements ir.Executor: it reads a condition in every PE.
func (e executor) Flag(array string) (bool, error) {
	s := e.m.syms[array]
	if s == nil {
		return false, fmt.Errorf("no array %q on the mesh", array)
	}
	first := e.m.pes[0].mem[s.Local][s.Off].I
	for i := range e.m.pes {
		if q := &e.m.pes[i]; q.mem[s.Local][s.Off].I != first {
			return false, fmt.Errorf("PE (%d, %d) holds %d in @%s where PE (0, 0) holds %d: they take different branches", q.x, q.y, q.mem[s.Local][s.Off].I, array, first)
		}
	}
	return first != 0, nil
}

// Scalar implements ir.Executor.
func (e executor) Scalar(name string) (float64, bool) {
	v, ok := e.m.env[name]
	return v, ok
}
