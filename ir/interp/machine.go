package interp

import (
	"context"
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Machine runs the functions of one program. It implements the engine interface of package runtime. It is not safe for concurrent
// use; a Run uses all processors by itself.
type Machine struct {
	p      *ir.Program
	arrays map[string]*buffer
	env    map[string]float64
	funcs  map[string]*function // compiled for env
	bytes  int                  // allocated
	fixed  int                  // by arrays alone
}

// New returns a machine with all arrays zero. The program must not change afterwards.
func New(p *ir.Program) (*Machine, error) {
	m := &Machine{p: p, arrays: map[string]*buffer{}, env: map[string]float64{}, funcs: map[string]*function{}}
	boxes := make([][]ir.Range, len(p.Arrays))
	for i := range p.Arrays { // sizes first: nothing is allocated for a program that does not fit
		a := &p.Arrays[i]
		rs, err := arrayRanges(p, a)
		if err == nil {
			err = m.account(a.Elem, rs)
		}
		if err != nil {
			return nil, fmt.Errorf("array %s: %w", a.Name, err)
		}
		boxes[i] = rs
	}
	m.bytes = 0
	for i := range p.Arrays {
		a := &p.Arrays[i]
		b, err := m.newBuffer(a.Elem, boxes[i], nil)
		if err != nil {
			return nil, fmt.Errorf("array %s: %w", a.Name, err)
		}
		m.arrays[a.Name] = b
	}
	m.fixed = m.bytes
	return m, nil
}

// Scalars gives the values of all host scalars for the following runs.
func (m *Machine) Scalars(env map[string]float64) error {
	m.env = map[string]float64{}
	for k, v := range env {
		m.env[k] = v
	}
	m.funcs, m.bytes = map[string]*function{}, m.fixed
	return nil
}

// Set copies a tensor into an array; type and shape must be the array's.
func (m *Machine) Set(array string, t *ir.Tensor) error {
	b, err := m.array(array)
	if err != nil {
		return err
	}
	if t.Elem != b.elem {
		return fmt.Errorf("array %s is %s, the tensor %s", array, b.elem, t.Elem)
	}
	if !slices.Equal(t.Dims, b.n) {
		return fmt.Errorf("array %s has shape %v, the tensor %v", array, b.n, t.Dims)
	}
	src := vec{elem: t.Elem, f32: t.F32, f64: t.F64, i32: t.I32}
	if n := len(t.F32) + len(t.F64) + len(t.I32); n != t.Len() {
		return fmt.Errorf("the tensor for %s holds %d elements, its shape says %d", array, n, t.Len())
	}
	copyVec(&b.vec, 0, &src, 0, t.Len())
	return nil
}

// Get returns a copy of an array.
func (m *Machine) Get(array string) (*ir.Tensor, error) {
	b, err := m.array(array)
	if err != nil {
		return nil, err
	}
	return m.GetBox(array, ir.WholeBox(b.n))
}

// Close releases the storage.
func (m *Machine) Close() error {
	m.arrays, m.funcs = nil, nil
	return nil
}

// Run executes function or procedure fn n times, fewer when the procedure's until ends that; it returns how many times. The context is
// looked at between calls of functions.
func (m *Machine) Run(ctx context.Context, fn string, n int) (done int, err error) {
	return ir.Launch(ctx, m.p, fn, n, executor{m})
}

// executor carries out the calls of a launch.
type executor struct{ m *Machine }

func (e executor) Once(fn string) error {
	f, err := e.m.function(fn)
	if err == nil {
		f.run()
	}
	return err
}

func (e executor) Flag(array string) (bool, error) {
	b, err := e.m.array(array)
	if err != nil {
		return false, err
	}
	if len(b.n) > 0 || b.i32 == nil {
		return false, fmt.Errorf("array %s is a condition, but not a rank-0 array of type bool or i32", array)
	}
	return b.i32[0] != 0, nil
}

func (e executor) Scalar(name string) (float64, bool) {
	x, ok := e.m.env[name]
	return x, ok
}

func (m *Machine) array(name string) (*buffer, error) {
	if b := m.arrays[name]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("program %s has no array %q", m.p.Name, name)
}

func (m *Machine) function(name string) (*function, error) {
	if f := m.funcs[name]; f != nil {
		return f, nil
	}
	fn := m.p.Func(name)
	if fn == nil {
		return nil, fmt.Errorf("program %s has no function %q", m.p.Name, name)
	}
	f, err := m.compile(fn)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", name, err)
	}
	m.funcs[name] = f
	return f, nil
}
