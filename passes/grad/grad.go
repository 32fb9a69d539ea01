package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// Prepare brings a program to the form that is differentiated: derivatives become differences, reads beyond walls reads of extended
// arrays.
func Prepare(p *ir.Program, cfg *passes.Config) error {
	if cfg == nil {
		cfg = &passes.Config{}
	}
	for _, pass := range passes.Table {
		if pass.Level != passes.Equations {
			break
		}
		if err := pass.Run(p, cfg); err != nil {
			return err
		}
	}
	return nil
}

// Options say what to differentiate.
type Options struct {
	Func  string   // the function
	Name  string   // of the new function; "" is Func.grad
	Wrt   []string // arrays to differentiate by
	Seeds []Seed   // cotangents to start from
	Stop  []string // values that count as constants
	Pure  bool     // the new function sets the gradients only, not what the function sets
	Add   bool     // the gradient arrays are added to, not replaced
	// Recompute says that exponentials, hyperbolic tangents and powers inside operations of the forward pass are computed again on the way
	// back; else they are stored. To compute whole parts again, see [Cut].
	Recompute bool
}

// Gradient is the array that holds the derivative with respect to an array.
func Gradient(array string) string { return "g." + array }

// Reverse adds to the program a function that does what Func does and leaves in array g.NAME, for every NAME of Wrt, the gradient with
// respect to the value of NAME before the call. The arrays are declared when they do not exist. It returns the function's name.
func Reverse(p *ir.Program, o Options) (string, error) {
	src := p.Func(o.Func)
	if src == nil {
		return "", fmt.Errorf("there is no function %q", o.Func)
	}
	f := src.Clone()
	if f.Name = o.Name; f.Name == "" {
		f.Name = o.Func + ".grad"
	}
	if p.Func(f.Name) != nil {
		return "", fmt.Errorf("there is a function %q already", f.Name)
	}
	gs, err := pullAll(p, &f, o.Seeds, o.Wrt, o.Stop, o.Recompute)
	if err != nil {
		return "", err
	}
	if o.Pure {
		f.Sets = nil
	}
	w := newWriter(p, &f)
	for i, x := range o.Wrt {
		name := Gradient(x)
		declare(p, x, name)
		value := gs[i]
		if o.Add {
			if value, err = w.plus("@"+name, value); err != nil {
				return "", err
			}
		}
		f.Sets = append(f.Sets, ir.Set{Array: name, Value: value})
	}
	p.Funcs = append(p.Funcs, f)
	return f.Name, nil
}

// declare adds an array like another one.
func declare(p *ir.Program, like, name string) {
	if p.Array(name) != nil {
		return
	}
	a := p.Array(like)
	p.Arrays = append(p.Arrays, ir.Array{Name: name, Axes: append([]string(nil), a.Axes...), Elem: a.Elem, Pos: a.Pos})
}

// plus emits the sum of two tensors over one box.
func (w *writer) plus(x, y string) (string, error) {
	dom, e, err := w.box(x)
	if err != nil {
		return "", err
	}
	b := newExprs()
	s := b.sum(b.read(e, x, identity(dom)), b.read(e, y, identity(dom)))
	return w.emit(ir.Op{Kind: ir.Map, Dom: dom, Results: []ir.Result{{Name: bare(x) + ".new", Elem: e}},
		Pieces: []ir.Piece{{Box: intervals(dom), Body: b.body(s)}}}), nil
}
