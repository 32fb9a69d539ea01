package cpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// plan is a program ready to run: the kernels, the buffers and what every function launches.
type plan struct {
	prog    *ir.Program
	units   *native.Units
	arrays  []*val
	layouts []*layout // by slot; slot i < len(arrays) starts as the buffer of array i
	words   []scalarKey
	arena   int // slot of the threads' own memory, -1 if there is none
	funcs   map[string]*compiled
}

// compiled is one device function.
type compiled struct {
	launches []launch
	moves    []int // after the launches, slot i gets the buffer of slot moves[i]; nil if nothing moves
	scalars  []scalarKey
	sweep    *sweep // nil: the launches are all of it; else those are done before each of its passes
}

// newPlan compiles the device functions of a canonical program to a module. half says that LLVM's half type may be used.
//
// Storage is planned by [passes.Reuse], after the margins of periodic axes have become extends.
func newPlan(p *ir.Program, half bool, sweepFrom int) (*plan, error) {
	pl := &plan{prog: p, funcs: map[string]*compiled{}}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		v := &val{name: "@" + a.Name, elem: a.Elem, axes: a.Axes, slot: i}
		for _, n := range a.Axes {
			ax := p.Axis(n)
			if ax == nil {
				return nil, fmt.Errorf("array %s: no axis %s", a.Name, n)
			}
			v.box = append(v.box, ir.Interval{Lo: 0, Hi: ax.N})
		}
		pl.arrays = append(pl.arrays, v)
	}
	var fns []*fn
	device := *p // with margins
	device.Funcs = nil
	for i := range p.Funcs {
		f := p.Funcs[i]
		if f.Host {
			continue
		}
		g, err := prepare(p, &f, pl.arrays)
		if err != nil {
			return nil, err
		}
		g.joinSums()
		g.makeLater()
		g.makeTermsAgain(f.Sets)
		g.group(f.Sets)
		g.groupRows()
		fns = append(fns, g)
		f.Ops = g.ops
		device.Funcs = append(device.Funcs, f)
	}
	st, err := passes.Reuse(&device, passes.Storage{Scratch: partials, Groups: func(name string) []passes.Group { return groupsOf(fns, name) }})
	if err != nil {
		return nil, err
	}
	for i := range st.Slots {
		var box []ir.Interval
		for _, r := range st.Slots[i].Dom {
			box = append(box, ir.Interval{Lo: r.Lo, Hi: r.Hi})
		}
		pl.layouts = append(pl.layouts, newLayout(st.Slots[i].Elem, box))
	}
	sweeps := make([]*sweep, len(fns))
	var spares []int
	for i, g := range fns {
		g.store(&st.Funcs[i])
		if sweepFrom >= 0 && len(g.groups) == 0 {
			sweeps[i] = newSweep(p, g, &device.Funcs[i], pl.arrays, &pl.layouts, &spares, sweepFrom)
		}
	}
	pl.arena = -1
	if slices.ContainsFunc(fns, (*fn).ownMemory) {
		pl.arena = len(pl.layouts)
		pl.layouts = append(pl.layouts, newLayout(ir.F32, []ir.Interval{{Lo: 0, Hi: 1}}))
	}
	e := &emitter{emitted: map[string]emitted{}, layouts: pl.layouts, words: map[scalarKey]int{}, half: half, arena: pl.arena}
	pl.units = &e.units
	for i, g := range fns {
		if sweeps[i] == nil {
			g.copies(&st.Funcs[i], pl.arrays)
		}
		pl.addWords(g, e)
	}
	for i, g := range fns {
		c, err := pl.emit(e, g, i, &st.Funcs[i], sweeps[i])
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", g.name, err)
		}
		pl.funcs[g.name] = c
	}
	return pl, nil
}

// ownMemory says that kernels of the function want memory of each thread's own.
func (g *fn) ownMemory() bool {
	return len(g.groups) > 0 || slices.ContainsFunc(g.ops, func(op ir.Op) bool {
		c := newContraction(&op)
		return c != nil && (c.piecewise() || c.panelwise() || c.byTheWay())
	})
}

func groupsOf(fns []*fn, name string) (out []passes.Group) {
	for _, g := range fns {
		if g.name != name {
			continue
		}
		for _, x := range g.groups {
			out = append(out, passes.Group{Lo: x.lo, Hi: x.hi, Local: x.local})
		}
	}
	return out
}

// partials is the memory for the partial results of a reduction, or for packed factors.
func partials(op *ir.Op) (need []passes.Need) {
	return partialsOf(op, false)
}

// partialsOf is partials; shared says that the threads' own memory is taken.
func partialsOf(op *ir.Op, shared bool) (need []passes.Need) {
	if c := newContraction(op); c != nil {
		c.shared = shared
		return c.scratch()
	}
	if p := newPairs(op); p != nil {
		return p.scratch()
	}
	if op.Kind != ir.Reduce || partialCount(op) == 0 {
		return nil
	}
	n := partialCount(op)
	for _, d := range op.Dom {
		n *= d.Hi - d.Lo
	}
	for _, r := range op.Results {
		need = append(need, passes.Need{Elem: r.Elem, N: n})
	}
	return need
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
func (pl *plan) emit(e *emitter, g *fn, index int, st *passes.FuncPlan, sw *sweep) (*compiled, error) {
	e.vals = g.vals
	c := &compiled{sweep: sw}
	seen := map[scalarKey]bool{}
	starts := map[int]*group{}
	for _, x := range g.groups {
		starts[x.lo] = x
	}
	use := func(op *ir.Op) error {
		_, keys, err := e.uses(op)
		for _, key := range keys {
			if !seen[key] {
				seen[key] = true
				c.scalars = append(c.scalars, key)
			}
		}
		return err
	}
	for k := 0; k < len(g.ops); k++ {
		op := &g.ops[k]
		if x := starts[k]; x != nil {
			l, err := pl.emitGroup(e, g, x, fmt.Sprintf("f%dg%d", index, k))
			if err != nil {
				return nil, err
			}
			for ; k < x.hi; k++ {
				if err := use(&g.ops[k]); err != nil {
					return nil, err
				}
			}
			k--
			l.args, l.sym = e.emitted[l.sym].args, e.emitted[l.sym].sym
			c.launches = append(c.launches, l)
			continue
		}
		sym := fmt.Sprintf("f%dk%d", index, k)
		var ls []launch
		var joined *ir.Op // the next operation, done by the same kernel
		var err error
		if sw != nil && sw.stages[k].number {
			if ls, err = e.elementwise(sym, op); err == nil {
				l := ls[0]
				l.name, l.kind, l.pos = strings.TrimPrefix(opName(op), "%"), "numbers", op.Pos
				l.args, l.sym = e.emitted[l.sym].args, e.emitted[l.sym].sym
				sw.board.launches, ls = append(sw.board.launches, l), nil
			}
		} else if sw != nil && !slices.Contains(sw.before, k) {
			// the pass computes it
		} else if sw == nil && k+1 < len(g.ops) && starts[k+1] == nil && e.takes(&g.ops[k+1], op) {
			r := &reduction{e: e, op: &g.ops[k+1], parts: st.Scratch[k+1], before: op, passing: g.passing(k)}
			ls, err = r.emit(pl.prog, sym)
			joined = &g.ops[k+1]
		} else if op.Kind == ir.Reduce {
			ls, err = e.reduce(pl.prog, sym, op, st.Scratch[k])
		} else {
			ls, err = e.elementwise(sym, op)
		}
		if err != nil {
			return nil, err
		}
		total := accountOf(op, g.vals)
		if joined != nil {
			total = total.with(joined, op, g.passing(k), g.vals)
		}
		for _, l := range ls {
			l.name, l.kind, l.pos = strings.TrimPrefix(opName(op), "%"), kindOf(op, l.sym), op.Pos
			if joined != nil {
				l.kind = "map, " + kindOf(joined, l.sym)
			}
			for _, r := range slices.Concat(op.Dom, op.Over) {
				l.shape = append(l.shape, r.Hi-r.Lo)
			}
			if l.sym == sym {
				l.account = total
			}
			l.args = e.emitted[l.sym].args
			l.sym = e.emitted[l.sym].sym
			c.launches = append(c.launches, l)
		}
		if err := use(op); err != nil {
			return nil, err
		}
		if joined != nil {
			if err := use(joined); err != nil {
				return nil, err
			}
			k++
		}
	}
	if sw != nil {
		sw.account(g)
		return c, sw.emit(e)
	}
	for i, from := range st.Perm {
		if i != from {
			c.moves = st.Perm
		}
	}
	return c, nil
}
