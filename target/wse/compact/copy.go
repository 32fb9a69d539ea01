package compact

import (
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// spare is a copy of a class whose code can be rewritten without changing the class.
func spare(c *wse.Class) *wse.Class {
	out := *c
	out.Tasks, out.Funcs = nil, nil
	for _, t := range c.Tasks {
		x := *t
		x.Body = clone(t.Body)
		out.Tasks = append(out.Tasks, &x)
	}
	for _, f := range c.Funcs {
		x := *f
		x.Params = slices.Clone(f.Params)
		x.Body = clone(f.Body)
		out.Funcs = append(out.Funcs, &x)
	}
	return &out
}
