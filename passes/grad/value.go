package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// writer appends operations to a function.
type writer struct {
	p     *ir.Program
	f     *ir.Func
	names map[string]bool
	defs  map[string]def    // by "%name"
	made  map[string]string // what derived has emitted
}

// def is where a value comes from.
type def struct {
	op     int
	result int
}

func newWriter(p *ir.Program, f *ir.Func) *writer {
	w := &writer{p: p, f: f, names: map[string]bool{}, defs: map[string]def{}, made: map[string]string{}}
	for i := range f.Ops {
		w.define(i)
	}
	return w
}

func (w *writer) define(i int) {
	for k, r := range w.f.Ops[i].Results {
		w.names[r.Name] = true
		w.defs["%"+r.Name] = def{i, k}
	}
}

// emit appends an operation; its result names are made unique. It returns the operand name of the first result.
func (w *writer) emit(op ir.Op) string {
	for k := range op.Results {
		op.Results[k].Name = w.fresh(op.Results[k].Name)
		w.names[op.Results[k].Name] = true
	}
	w.f.Ops = append(w.f.Ops, op)
	w.define(len(w.f.Ops) - 1)
	return "%" + op.Results[0].Name
}

func (w *writer) fresh(name string) string {
	if !w.names[name] {
		return name
	}
	for i := 2; ; i++ {
		if s := fmt.Sprintf("%s.%d", name, i); !w.names[s] {
			return s
		}
	}
}

// box returns the domain of "@array" or "%value" with distinct index names, and its element type.
func (w *writer) box(name string) ([]ir.Range, ir.Elem, error) {
	if d, ok := w.defs[name]; ok {
		op := &w.f.Ops[d.op]
		return op.Dom, op.Results[d.result].Elem, nil
	}
	var a *ir.Array
	if len(name) > 1 && name[0] == '@' {
		a = w.p.Array(name[1:])
	}
	if a == nil {
		return nil, ir.NoElem, fmt.Errorf("function %s: %s is not defined", w.f.Name, name)
	}
	var rs []ir.Range
	for d, x := range a.Axes {
		ax := w.p.Axis(x)
		if ax == nil {
			return nil, ir.NoElem, fmt.Errorf("array %s: no axis %q", a.Name, x)
		}
		index := x
		for _, r := range rs {
			if r.Index == index {
				index = fmt.Sprintf("%s'%d", x, d)
			}
		}
		rs = append(rs, ir.Range{Index: index, Axis: x, Hi: ax.N})
	}
	return rs, a.Elem, nil
}

// identity reads a value over rs point by point.
func identity(rs []ir.Range) []ir.Affine {
	at := make([]ir.Affine, len(rs))
	for d, r := range rs {
		at[d] = ir.At(r.Index, 0)
	}
	return at
}

func intervals(rs []ir.Range) []ir.Interval {
	out := make([]ir.Interval, len(rs))
	for d, r := range rs {
		out[d] = ir.Interval{Lo: r.Lo, Hi: r.Hi}
	}
	return out
}

func sameBox(a []ir.Interval, rs []ir.Range) bool {
	for d := range rs {
		if a[d].Lo != rs[d].Lo || a[d].Hi != rs[d].Hi {
			return false
		}
	}
	return true
}

// bare is a value's name without its sign.
func bare(name string) string { return name[1:] }

// readBody reads one value at its own indices.
func readBody(e ir.Elem, name string, rs []ir.Range) ir.Body {
	return ir.Body{Nodes: []ir.Node{{Op: ir.Read, Elem: e, Name: name, At: identity(rs)}}, Results: []int{0}}
}
