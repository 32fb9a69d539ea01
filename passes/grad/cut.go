package grad

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Cut adds to the program a procedure that does what function fn does, in parts: a part ends after the operation that defines each value
// of at, in their order. What later parts need of earlier ones goes through arrays. The gradient of the procedure ([ReverseProc]) keeps
// those arrays alone and computes everything else again, part by part, on the way back: with the inputs of layers as cuts, the
// recomputation that memory asks for (Chen et al., "Training deep nets with sublinear memory cost", 2016).
func Cut(p *ir.Program, fn, name string, at []string) error {
	src := p.Func(fn)
	if src == nil {
		return fmt.Errorf("there is no function %q", fn)
	}
	if p.Func(name) != nil || p.Proc(name) != nil {
		return fmt.Errorf("there is a function %q already", name)
	}
	w := newWriter(p, src)
	var ends []int
	for _, v := range at {
		d, ok := w.defs[v]
		if !ok {
			return fmt.Errorf("function %s has no value %s", fn, v)
		}
		if ends = append(ends, d.op+1); len(ends) > 1 && ends[len(ends)-2] >= d.op+1 {
			return fmt.Errorf("%s comes before %s in function %s", v, at[len(ends)-2], fn)
		}
	}
	if len(ends) == 0 || ends[len(ends)-1] < len(src.Ops) {
		ends = append(ends, len(src.Ops))
	}
	last := lastUse(src, w)
	part := func(op int) int { // sets belong to the last part
		if op == len(src.Ops) {
			return len(ends) - 1
		}
		return slices.IndexFunc(ends, func(e int) bool { return op < e })
	}
	carried := map[string]string{} // values by the array that holds them after their part
	for i := range src.Ops {
		for k, r := range src.Ops[i].Results {
			v := "%" + r.Name
			if last[v] < 0 || part(last[v]) == part(i) {
				continue
			}
			a := ir.Array{Name: name + "." + r.Name, Elem: src.Ops[i].Results[k].Elem, Local: true, Pos: src.Ops[i].Pos}
			for _, d := range src.Ops[i].Dom {
				if d.Lo != 0 || d.Hi != p.Axis(d.Axis).N {
					return fmt.Errorf("%s is needed beyond the cut and does not fill axis %s; cut elsewhere", v, d.Axis)
				}
				a.Axes = append(a.Axes, d.Axis)
			}
			if p.Array(a.Name) != nil {
				return fmt.Errorf("there is an array %q already", a.Name)
			}
			carried[v] = "@" + a.Name
			p.Arrays = append(p.Arrays, a)
		}
	}
	var body []ir.Stmt
	begin := 0
	for k, end := range ends {
		f := ir.Func{Name: fmt.Sprintf("%s.%d", name, k+1)}
		own := map[string]bool{}
		rename := func(v string) string {
			if a, ok := carried[v]; ok && !own[v] {
				return a
			}
			return v
		}
		for i := begin; i < end; i++ {
			op := src.Ops[i].Clone()
			if op.From != "" {
				op.From = rename(op.From)
			}
			for j := range op.Pieces {
				for m := range op.Pieces[j].Body.Nodes {
					if n := &op.Pieces[j].Body.Nodes[m]; n.Op == ir.Read {
						n.Name = rename(n.Name)
					}
				}
			}
			for _, r := range op.Results {
				v := "%" + r.Name
				own[v] = true
				if a, ok := carried[v]; ok {
					f.Sets = append(f.Sets, ir.Set{Array: a[1:], Value: v})
				}
			}
			f.Ops = append(f.Ops, op)
		}
		if k == len(ends)-1 {
			for _, s := range src.Sets {
				f.Sets = append(f.Sets, ir.Set{Array: s.Array, Value: rename(s.Value), Pos: s.Pos})
			}
		}
		p.Funcs = append(p.Funcs, f)
		src = p.Func(fn) // the slice may have moved
		body = append(body, call(f.Name))
		begin = end
	}
	p.Procs = append(p.Procs, ir.Proc{Name: name, Body: body})
	return nil
}

// lastUse is the number of the last operation that uses each value, len(Ops) for one that is set, -1 for none.
func lastUse(f *ir.Func, w *writer) map[string]int {
	last := map[string]int{}
	for v := range w.defs {
		last[v] = -1
	}
	for i := range f.Ops {
		use := func(name string) {
			if _, ok := last[name]; ok {
				last[name] = i
			}
		}
		use(f.Ops[i].From)
		for _, pc := range f.Ops[i].Pieces {
			for _, n := range pc.Body.Nodes {
				if n.Op == ir.Read {
					use(n.Name)
				}
			}
		}
	}
	for _, s := range f.Sets {
		if _, ok := last[s.Value]; ok {
			last[s.Value] = len(f.Ops)
		}
	}
	return last
}
