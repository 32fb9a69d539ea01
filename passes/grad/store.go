package grad

import (
	"fmt"
	"maps"
	"math"

	"github.com/wfc-lang/wfc/ir"
)

// count is a host scalar's value with the parameters' defaults, rounded; longer loops are refused when the program is loaded.
func (r *reverser) count(name string) (int, error) {
	v, ok := r.env[name]
	if !ok || math.IsNaN(v) || v > 1<<20 {
		return 0, fmt.Errorf("a loop of %g iterations is too long to store", v)
	}
	n := max(0, int(math.RoundToEven(v)))
	b := newExprs()
	c := b.op(ir.Lt, ir.Bool, b.add(ir.Node{Op: ir.Scalar, Elem: ir.F64, Name: name}), b.num(ir.F64, float64(n)+0.5))
	cond := r.scalar(b.body(b.op(ir.Cvt, ir.F64, c)))
	r.p.Checks = append(r.p.Checks, ir.HostCheck{Cond: cond, Code: CodeLonger,
		Message: fmt.Sprintf("a loop that is differentiated has {%s} iterations; there is room for %d", name, n)})
	return n, nil
}

// CodeLonger is the diagnostic code of a loop that became longer than what was stored for it.
const CodeLonger = "WF0650"

// scalar declares a host scalar.
func (r *reverser) scalar(b ir.Body) string {
	taken := map[string]bool{}
	for i := range r.p.Host {
		taken[r.p.Host[i].Name] = true
	}
	for {
		r.n++
		name := fmt.Sprintf("grad.n%d", r.n)
		if taken[name] {
			continue
		}
		r.p.Host = append(r.p.Host, ir.HostDef{Name: name, Body: b})
		if env, err := ir.EvalHost(r.p, nil, nil); err == nil {
			r.env = env
		}
		return name
	}
}

// fresh makes a name that no function, procedure or array has.
func (r *reverser) fresh(base string) string {
	name := base
	for k := 2; r.names[name] || r.p.Array(name) != nil; k++ {
		name = fmt.Sprintf("%s.%d", base, k)
	}
	r.names[name] = true
	return name
}

// slot makes functions that copy arrays to a place of their own, and back.
func (r *reverser) slot(names []string) (save, restore string) {
	base := r.fresh(r.name + ".slot")
	in, out := ir.Func{Name: r.fresh(base + ".save")}, ir.Func{Name: r.fresh(base + ".restore")}
	for _, x := range names {
		a := *r.p.Array(x)
		a.Name, a.Local, a.BC, a.File = r.fresh(base+"."+x), true, nil, ""
		r.p.Arrays = append(r.p.Arrays, a)
		in.Sets = append(in.Sets, ir.Set{Array: a.Name, Value: "@" + x})
		out.Sets = append(out.Sets, ir.Set{Array: x, Value: "@" + a.Name})
	}
	r.p.Funcs = append(r.p.Funcs, in, out)
	return in.Name, out.Name
}

// stack is a place for the contents of arrays, last in, first out: functions that push them, that give the arrays what was pushed last
// (top), that remove it (drop), and that do both (pop).
type stack struct{ push, top, drop, pop string }

// stack makes a stack of n places: arrays with one axis more, whose contents move up and down by one place.
func (r *reverser) stack(n int, names []string) stack {
	base := r.fresh(r.name + ".stack")
	r.p.Axes = append(r.p.Axes, ir.Axis{Name: base, N: n, Nodes: true, H: 1})
	var push, top, drop, pop []ir.Set
	fn := func(name string) (*ir.Func, *writer) {
		f := &ir.Func{Name: r.fresh(base + name)}
		return f, newWriter(r.p, f)
	}
	fi, wi := fn(".push")
	ft, wt := fn(".top")
	fd, wd := fn(".drop")
	fp, wp := fn(".pop")
	for _, x := range names {
		a := *r.p.Array(x)
		e := a.Elem
		a.Name, a.Local, a.BC, a.File = r.fresh(base+"."+x), true, nil, ""
		a.Axes = append([]string{base}, a.Axes...)
		r.p.Arrays = append(r.p.Arrays, a)
		full, _, _ := wi.box("@" + a.Name) // all axes exist
		at := identity(full)
		move := func(w *writer, off int, top string) string {
			op := ir.Op{Kind: ir.Map, Dom: full, Results: []ir.Result{{Name: a.Name, Elem: e}}}
			piece := func(lo, hi int, name string, at []ir.Affine) {
				if lo >= hi {
					return
				}
				box := intervals(full)
				box[0] = ir.Interval{Lo: lo, Hi: hi}
				b := newExprs()
				op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: b.body(b.read(e, name, at))})
			}
			moved := append([]ir.Affine{ir.At(full[0].Index, off)}, at[1:]...)
			if off < 0 {
				piece(0, 1, top, at[1:])
				piece(1, n, "@"+a.Name, moved)
			} else {
				piece(0, n-1, "@"+a.Name, moved)
				piece(n-1, n, "@"+a.Name, at)
			}
			return w.emit(op)
		}
		last := func(w *writer) ir.Set {
			b := newExprs()
			first := append([]ir.Affine{ir.At("", 0)}, at[1:]...)
			return ir.Set{Array: x, Value: w.emit(ir.Op{Kind: ir.Map, Dom: full[1:], Results: []ir.Result{{Name: x, Elem: e}},
				Pieces: []ir.Piece{{Box: intervals(full[1:]), Body: b.body(b.read(e, "@"+a.Name, first))}}})}
		}
		push = append(push, ir.Set{Array: a.Name, Value: move(wi, -1, "@"+x)})
		top = append(top, last(wt))
		drop = append(drop, ir.Set{Array: a.Name, Value: move(wd, 1, "")})
		pop = append(pop, last(wp), ir.Set{Array: a.Name, Value: move(wp, 1, "")})
	}
	fi.Sets, ft.Sets, fd.Sets, fp.Sets = push, top, drop, pop
	r.p.Funcs = append(r.p.Funcs, *fi, *ft, *fd, *fp)
	return stack{fi.Name, ft.Name, fd.Name, fp.Name}
}

// needed lists the arrays that must be as they were when first is reversed, and are not because something of all was run: what first reads
// before it writes it, as far as all writes it.
func (r *reverser) needed(first, all []ir.Stmt) (out []string) {
	reads := map[string]bool{}
	r.exposed(first, map[string]bool{}, reads)
	writes := map[string]bool{}
	ir.Walk(all, func(s *ir.Stmt) {
		if s.Kind == ir.Call {
			for _, set := range r.p.Func(s.Func).Sets {
				writes[set.Array] = true
			}
		}
	})
	for _, x := range r.written {
		if reads[x] && writes[x] {
			out = append(out, x)
		}
	}
	return out
}

// exposed adds to reads the arrays that statements read before they write them, and to written those that they write in any case.
func (r *reverser) exposed(body []ir.Stmt, written, reads map[string]bool) {
	use := func(x string) {
		if x != "" && !written[x] {
			reads[x] = true
		}
	}
	for _, s := range body {
		use(s.Cond)
		if s.Kind != ir.Call {
			for _, b := range [][]ir.Stmt{s.Body, s.Else} {
				r.exposed(b, maps.Clone(written), reads)
			}
			if rule := r.rule(&s); rule != nil { // its adjoint evaluates the residual
				r.exposed([]ir.Stmt{call(rule.Func)}, maps.Clone(written), reads)
			}
			continue
		}
		f := r.p.Func(s.Func)
		for i := range f.Ops {
			if from := f.Ops[i].From; from != "" && from[0] == '@' {
				use(from[1:])
			}
		}
		f.Bodies(func(_ *ir.Op, _ *ir.Piece, b *ir.Body) {
			for i := range b.Nodes {
				if n := &b.Nodes[i]; n.Op == ir.Read && n.Name[0] == '@' {
					use(n.Name[1:])
				}
			}
		})
		for _, set := range f.Sets {
			if set.Value[0] == '@' {
				use(set.Value[1:])
			}
		}
		for _, set := range f.Sets {
			written[set.Array] = true
		}
	}
}

// adjoint makes the function that carries cotangents from the exit of a function to its entry: g.X becomes what flows to X through the
// function, and stays, with that added, where the function does not set X.
func (r *reverser) adjoint(name string) (string, error) {
	if a, ok := r.adj[name]; ok {
		return a, nil
	}
	src := r.p.Func(name)
	f := src.Clone()
	f.Name = r.fresh(name + ".adj")
	set := map[string]bool{}
	var seeds []Seed
	for _, s := range src.Sets {
		set[s.Array] = true
		if r.active[s.Array] {
			seeds = append(seeds, Seed{s.Value, "@" + Gradient(s.Array)})
		}
	}
	a, err := pull(r.p, &f, seeds, r.grads, nil, false)
	if err != nil {
		return "", err
	}
	f.Sets = nil
	for _, x := range r.grads {
		if !set[x] && len(a.parts["@"+x]) == 0 {
			continue
		}
		g, err := a.gather("@"+x, true)
		if err == nil && !set[x] {
			g, err = a.plus("@"+Gradient(x), g)
		}
		if err != nil {
			return "", err
		}
		f.Sets = append(f.Sets, ir.Set{Array: Gradient(x), Value: g})
	}
	r.p.Funcs = append(r.p.Funcs, f)
	r.adj[name] = f.Name
	return f.Name, nil
}
