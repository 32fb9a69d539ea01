package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// class is a set of values that must have the same layout, because one becomes the other at the end of a function.
type class struct {
	up  *class
	box []ir.Interval
	lay *layout
}

func (c *class) find() *class {
	for c.up != nil {
		c = c.up
	}
	return c
}

func join(a, b *class) {
	if a, b = a.find(), b.find(); a != b {
		a.box = boxUnion(a.box, b.box)
		b.up = a
	}
}

// plan is a program ready to run: the module, the buffers and what every function launches.
type plan struct {
	prog    *ir.Program
	module  *llvm.Module
	arrays  []*val
	layouts []*layout // by slot; slot i < len(arrays) starts as the buffer of array i
	words   []scalarKey
	funcs   map[string]*compiled
}

// compiled is one device function.
type compiled struct {
	launches []launch
	moves    []int // after the launches, slot i gets the buffer of slot moves[i]; nil if nothing moves
	scalars  []scalarKey
}

// newPlan compiles the device functions of a canonical program to a module. half says that LLVM's half type may be used.
func newPlan(p *ir.Program, half bool) (*plan, error) {
	pl := &plan{prog: p, module: llvm.NewModule(), funcs: map[string]*compiled{}}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		v := &val{name: "@" + a.Name, elem: a.Elem, axes: a.Axes, array: i, class: &class{}, slot: i}
		for _, n := range a.Axes {
			ax := p.Axis(n)
			if ax == nil {
				return nil, fmt.Errorf("array %s: no axis %s", a.Name, n)
			}
			v.box = append(v.box, ir.Interval{Lo: 0, Hi: ax.N})
		}
		v.class.box = v.box
		pl.arrays = append(pl.arrays, v)
	}
	var fns []*fn
	for i := range p.Funcs {
		if p.Funcs[i].Host {
			continue
		}
		g, err := prepare(p, &p.Funcs[i], pl.arrays)
		if err != nil {
			return nil, err
		}
		g.classify()
		fns = append(fns, g)
	}
	for _, a := range pl.arrays {
		pl.layouts = append(pl.layouts, a.class.layout(a.elem))
	}
	slots := make([][][]int, len(fns)) // partial results: function, operation, result
	for i, g := range fns {
		slots[i] = pl.assignBuffers(g)
	}
	e := &emitter{m: pl.module, layouts: pl.layouts, words: map[scalarKey]int{}, half: half}
	for _, g := range fns {
		pl.addWords(g, e)
	}
	for i, g := range fns {
		c, err := pl.emit(e, g, i, slots[i])
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", g.name, err)
		}
		pl.funcs[g.name] = c
	}
	return pl, nil
}

// classify gives every root its class, grown to hold all that shares its storage.
func (g *fn) classify() {
	for k := range g.ops {
		for _, r := range g.ops[k].Results {
			v := g.vals["%"+r.Name]
			if v.parent == nil {
				v.class = &class{box: v.box}
			}
			c := v.root().class.find()
			c.box = boxUnion(c.box, v.box)
		}
		// A copy made for an extend is in g.ops too, so its class exists before the extend asks for it.
	}
	for _, s := range g.sets {
		join(s.array.class, s.value.root().class)
	}
}

func (c *class) layout(e ir.Elem) *layout {
	c = c.find()
	if c.lay == nil {
		c.lay = newLayout(e, c.box)
	}
	return c.lay
}

// addWords gives the host scalars of g words after the buffers in the argument table.
func (pl *plan) addWords(g *fn, e *emitter) {
	for k := range g.ops {
		for i := range g.ops[k].Pieces {
			for j := range g.ops[k].Pieces[i].Body.Nodes {
				n := &g.ops[k].Pieces[i].Body.Nodes[j]
				key := scalarKey{n.Name, n.Elem}
				if _, ok := e.words[key]; n.Op == ir.Scalar && !ok {
					e.words[key] = len(pl.layouts) + len(pl.words)
					pl.words = append(pl.words, key)
				}
			}
		}
	}
}

// emit emits the kernels of g.
func (pl *plan) emit(e *emitter, g *fn, index int, parts [][]int) (*compiled, error) {
	e.vals = g.vals
	c := &compiled{}
	seen := map[scalarKey]bool{}
	for k := range g.ops {
		op := &g.ops[k]
		sym := fmt.Sprintf("f%dk%d", index, k)
		var ls []launch
		var err error
		if op.Kind == ir.Reduce {
			ls, err = e.reduce(pl.prog, sym, op, parts[k])
		} else {
			ls, err = e.elementwise(sym, op)
		}
		if err != nil {
			return nil, err
		}
		c.launches = append(c.launches, ls...)
		_, keys, err := e.uses(op)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if !seen[key] {
				seen[key] = true
				c.scalars = append(c.scalars, key)
			}
		}
	}
	c.moves = pl.permute(g)
	return c, nil
}

// permute says where the buffers go at the end of g: every set array takes the buffer of its value, and the buffers that are left over go
// to the slots whose buffers were taken.
func (pl *plan) permute(g *fn) []int {
	if len(g.sets) == 0 {
		return nil
	}
	from := make([]int, len(pl.layouts))
	for i := range from {
		from[i] = i
	}
	given := map[int]bool{} // buffers that have a new place
	for _, s := range g.sets {
		from[s.array.slot] = s.value.root().slot
		given[from[s.array.slot]] = true
	}
	var left []int // buffers of set arrays that nobody took
	for _, s := range g.sets {
		if !given[s.array.slot] {
			left = append(left, s.array.slot)
		}
	}
	for _, s := range g.sets {
		v := s.value.root().slot
		if from[v] != v || v < len(pl.arrays) {
			continue // the slot of an array that is set too
		}
		for i, b := range left {
			if pl.layouts[b].same(pl.layouts[v]) {
				from[v] = b
				left = append(left[:i], left[i+1:]...)
				break
			}
		}
	}
	return from
}
