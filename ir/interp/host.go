package interp

import (
	"context"
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// RunHost runs the host functions of p once, in program order, and returns all arrays: the initial state for any target. env holds the
// host scalars (see ir.EvalHost). files holds the contents of each array that has a File, by array name; they are converted to the
// array's element type before the functions run.
func RunHost(p *ir.Program, env map[string]float64, files map[string]*ir.Tensor) (map[string]*ir.Tensor, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := m.Scalars(env); err != nil {
		return nil, err
	}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		if a.File == "" {
			continue
		}
		t := files[a.Name]
		if t == nil {
			return nil, fmt.Errorf("array %s: file %q was not loaded", a.Name, a.File)
		}
		if err := m.Set(a.Name, ConvertTensor(t, a.Elem)); err != nil {
			return nil, fmt.Errorf("file %q: %w", a.File, err)
		}
	}
	for i := range p.Funcs {
		if !p.Funcs[i].Host {
			continue
		}
		if _, err := m.Run(context.Background(), p.Funcs[i].Name, 1); err != nil {
			return nil, err
		}
		delete(m.funcs, p.Funcs[i].Name) // with the memory of its values
	}
	out := map[string]*ir.Tensor{}
	for i := range p.Arrays {
		out[p.Arrays[i].Name] = m.arrays[p.Arrays[i].Name].tensor()
	}
	return out, nil
}

// ConvertTensor returns t with every element converted to e by the rules of ir.Convert; t itself when it has that type already.
func ConvertTensor(t *ir.Tensor, e ir.Elem) *ir.Tensor {
	if t.Elem == e {
		return t
	}
	out := ir.NewTensor(e, t.Dims...)
	src := vec{elem: t.Elem, f32: t.F32, f64: t.F64, i32: t.I32}
	dst := vec{elem: e, f32: out.F32, f64: out.F64, i32: out.I32}
	for i := range min(out.Len(), len(t.F32)+len(t.F64)+len(t.I32)) {
		dst.set(i, ir.Convert(t.Elem, e, src.get(i)))
	}
	return out
}
