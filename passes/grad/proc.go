package grad

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// ProcOptions say how to differentiate a procedure.
type ProcOptions struct {
	Proc string   // a procedure, or a function
	Name string   // of the new procedure; "" is Proc.grad
	Wrt  []string // arrays to differentiate by
	Of   string   // rank-0 array: what is differentiated
	Seed string   // rank-0 array the gradient is multiplied by; "" is 1
	// Checkpoints of a counted loop: the entries of so many iterations are stored at a time, the others computed again from them as
	// seldom as possible (binomial.go). 0 means the least number with which no iteration is computed more than twice.
	Checkpoints int
	Solves      []Solve // loops that solve equations, see also the function Solves
}

// Value is the array that keeps the value of what was differentiated.
func Value(array string) string { return "of." + array }

// ReverseProc adds to the program a procedure that leaves in array g.NAME, for every NAME of Wrt, the gradient of Of after Proc with
// respect to NAME before it, and in of.OF the value of Of. Arrays that Proc reads before it writes them hold in the end what they held at
// the beginning.
//
// Reversal goes statement by statement. That of a call is its adjoint function; that of a sequence runs it forward, stores what is
// written at the entry of each statement and goes through the statements backward; that of a counted loop stores on a stack the entries of
// some iterations and computes the others again, by the binomial schedule (Griewank and Walther, "Evaluating Derivatives", 2nd ed.,
// chapter 12); a while loop counts its iterations; a branch takes the same side, because its condition is restored.
//
// Stacks are arrays with one axis more, as long as the loop's count with the parameters' default values; a check refuses longer loops.
func ReverseProc(p *ir.Program, o ProcOptions) (string, error) {
	r := &reverser{p: p, o: o, adj: map[string]string{}, active: map[string]bool{}, names: map[string]bool{}}
	if err := r.prepare(); err != nil {
		return "", err
	}
	body, err := r.statements()
	if err != nil {
		return "", err
	}
	p.Procs = append(p.Procs, ir.Proc{Name: r.name, Body: body})
	return r.name, nil
}

type reverser struct {
	p       *ir.Program
	o       ProcOptions
	name    string
	body    []ir.Stmt
	funcs   []string          // called, in order of first call
	written []string          // arrays that they set
	active  map[string]bool   // float arrays that depend on Wrt
	grads   []string          // the active arrays, in order
	adj     map[string]string // adjoint of a function
	names   map[string]bool
	env     map[string]float64
	n       int
}

func (r *reverser) prepare() error {
	p := r.p
	if proc := p.Proc(r.o.Proc); proc != nil {
		r.body = proc.Body
		if err := early(p, proc); err != nil {
			return err
		}
	} else if p.Func(r.o.Proc) != nil {
		r.body = []ir.Stmt{{Kind: ir.Call, Func: r.o.Proc}}
	} else {
		return fmt.Errorf("there is no procedure %q", r.o.Proc)
	}
	if r.name = r.o.Name; r.name == "" {
		r.name = r.o.Proc + ".grad"
	}
	for i := range p.Procs {
		r.names[p.Procs[i].Name] = true
	}
	for i := range p.Funcs {
		r.names[p.Funcs[i].Name] = true
	}
	if r.names[r.name] {
		return fmt.Errorf("there is a function %q already", r.name)
	}
	if a := p.Array(r.o.Of); a == nil || len(a.Axes) > 0 || !a.Elem.IsFloat() {
		return fmt.Errorf("%s is not a single number", r.o.Of)
	}
	var err error
	if r.body, err = inlined(p, r.body, 0); err != nil {
		return err
	}
	if r.env, err = ir.EvalHost(p, nil, nil); err != nil {
		return err
	}
	seen := map[string]bool{}
	ir.Walk(r.body, func(s *ir.Stmt) {
		if s.Kind == ir.Call && !seen[s.Func] {
			seen[s.Func] = true
			r.funcs = append(r.funcs, s.Func)
			for _, set := range p.Func(s.Func).Sets {
				if !seen["@"+set.Array] {
					seen["@"+set.Array] = true
					r.written = append(r.written, set.Array)
				}
			}
		}
	})
	return r.activity()
}

// early refuses a procedure that ends early, unless what ends it is a failure of the run.
func early(p *ir.Program, proc *ir.Proc) error {
	if proc.Until == "" || len(p.Failures) > 0 {
		return nil
	}
	return fmt.Errorf("procedure %s ends early (until %s); differentiate a loop of it", proc.Name, proc.Until)
}

// inlined replaces calls of procedures by their bodies.
func inlined(p *ir.Program, body []ir.Stmt, depth int) ([]ir.Stmt, error) {
	if depth > 64 {
		return nil, fmt.Errorf("procedures call each other without end")
	}
	var out []ir.Stmt
	for _, s := range body {
		var err error
		if s.Body, err = inlined(p, s.Body, depth+1); err != nil {
			return nil, err
		}
		if s.Else, err = inlined(p, s.Else, depth+1); err != nil {
			return nil, err
		}
		if s.Kind != ir.Call || p.Func(s.Func) != nil {
			out = append(out, s)
			continue
		}
		proc := p.Proc(s.Func)
		if proc == nil {
			return nil, fmt.Errorf("there is no function %q", s.Func)
		}
		if err := early(p, proc); err != nil {
			return nil, err
		}
		more, err := inlined(p, proc.Body, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// activity finds the arrays that depend on Wrt, whatever the order of the calls.
func (r *reverser) activity() error {
	for _, x := range r.o.Wrt {
		r.active[x] = true
	}
	for again := true; again; {
		again = false
		for _, name := range r.funcs {
			f := r.p.Func(name).Clone()
			w := newWriter(r.p, &f)
			var wrt []string
			for i := range r.p.Arrays {
				if r.active[r.p.Arrays[i].Name] {
					wrt = append(wrt, r.p.Arrays[i].Name)
				}
			}
			on, err := activity(w, len(f.Ops), wrt, nil)
			if err != nil {
				return err
			}
			for _, s := range f.Sets {
				if on[s.Value] && !r.active[s.Array] && r.p.Array(s.Array).Elem.IsFloat() {
					r.active[s.Array], again = true, true
				}
			}
		}
	}
	if !r.active[r.o.Of] {
		return fmt.Errorf("%s does not depend on %v", r.o.Of, r.o.Wrt)
	}
	for i := range r.p.Arrays {
		if x := r.p.Arrays[i].Name; r.active[x] {
			r.grads = append(r.grads, x)
		}
	}
	for _, x := range r.grads {
		declare(r.p, x, Gradient(x))
		if !slices.Contains(r.o.Wrt, x) {
			r.p.Array(Gradient(x)).Local = true
		}
	}
	return nil
}

// statements are those of the new procedure.
func (r *reverser) statements() ([]ir.Stmt, error) {
	r.p.Arrays = append(r.p.Arrays, ir.Array{Name: Value(r.o.Of), Elem: r.p.Array(r.o.Of).Elem})
	start := &ir.Func{Name: r.fresh(r.name + ".start")}
	w := newWriter(r.p, start)
	for _, x := range r.grads {
		if x == r.o.Of && r.o.Seed != "" {
			start.Sets = append(start.Sets, ir.Set{Array: Gradient(x), Value: "@" + r.o.Seed})
			continue
		}
		value := 0.0
		if x == r.o.Of {
			value = 1
		}
		name, err := w.fill("@"+x, value)
		if err != nil {
			return nil, err
		}
		start.Sets = append(start.Sets, ir.Set{Array: Gradient(x), Value: name})
	}
	start.Sets = append(start.Sets, ir.Set{Array: Value(r.o.Of), Value: "@" + r.o.Of})
	r.p.Funcs = append(r.p.Funcs, *start)
	return r.sequence(r.body, start.Name)
}

func call(name string) ir.Stmt { return ir.Stmt{Kind: ir.Call, Func: name} }

// sequence reverses statements: it is entered with the arrays as at the entry of the first and the cotangents as at the exit of the last,
// and left with the cotangents as at the entry. Arrays that something reads before it writes them are restored on the way. With turn, a
// function, the last statement is run too, and turn called, before the way back.
func (r *reverser) sequence(body []ir.Stmt, turn string) ([]ir.Stmt, error) {
	var out, back []ir.Stmt
	for i, s := range body {
		rev, err := r.statement(s)
		if err != nil {
			return nil, err
		}
		back = append(rev, back...)
		if i == len(body)-1 && turn == "" {
			break
		}
		if names := r.needed(body[i:i+1], body[i:]); len(names) > 0 {
			save, restore := r.slot(names)
			out, back = append(out, call(save)), append([]ir.Stmt{call(restore)}, back...)
		}
		out = append(out, s)
	}
	if turn != "" {
		out = append(out, call(turn))
	}
	return append(out, back...), nil
}

func (r *reverser) statement(s ir.Stmt) ([]ir.Stmt, error) {
	switch s.Kind {
	case ir.Call:
		name, err := r.adjoint(s.Func)
		if err != nil {
			return nil, err
		}
		return []ir.Stmt{call(name)}, nil
	case ir.If:
		yes, err := r.sequence(s.Body, "")
		if err != nil {
			return nil, err
		}
		no, err := r.sequence(s.Else, "")
		return []ir.Stmt{{Kind: ir.If, Cond: s.Cond, Body: yes, Else: no, Pos: s.Pos}}, err
	case ir.Loop:
		return r.counted(s)
	}
	if rule := r.rule(&s); rule != nil {
		return r.solve(s, *rule)
	}
	return r.while(s)
}

// while reverses a loop that ends when its condition does: it counts.
func (r *reverser) while(s ir.Stmt) ([]ir.Stmt, error) {
	if s.Count == "" {
		return nil, fmt.Errorf("a while loop without a bound cannot be differentiated: nothing says how much to store; give it a maximum")
	}
	n, err := r.count(s.Count)
	if err != nil {
		return nil, err
	}
	trips := r.fresh("trips")
	r.p.Arrays = append(r.p.Arrays, ir.Array{Name: trips, Elem: ir.I32, Local: true})
	step := func(name string, f func(b *exprs, old int) int) string {
		fn := &ir.Func{Name: r.fresh(trips + name)}
		b := newExprs()
		w := newWriter(r.p, fn)
		v := w.emit(ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "n", Elem: ir.I32}},
			Pieces: []ir.Piece{{Box: []ir.Interval{}, Body: b.body(f(b, b.read(ir.I32, "@"+trips, []ir.Affine{})))}}})
		fn.Sets = []ir.Set{{Array: trips, Value: v}}
		r.p.Funcs = append(r.p.Funcs, *fn)
		return fn.Name
	}
	zero := step(".zero", func(b *exprs, _ int) int { return b.num(ir.I32, 0) })
	up := step(".up", func(b *exprs, old int) int { return b.op(ir.Add, ir.I32, old, b.num(ir.I32, 1)) })
	down := step(".down", func(b *exprs, old int) int { return b.op(ir.Sub, ir.I32, old, b.num(ir.I32, 1)) })
	st := r.stack(max(1, n), r.needed(s.Body, s.Body))
	back, err := r.sequence(s.Body, "")
	if err != nil {
		return nil, err
	}
	forward := s
	forward.Body = append([]ir.Stmt{call(st.push)}, append(append([]ir.Stmt(nil), s.Body...), call(up))...)
	return []ir.Stmt{call(zero), forward,
		{Kind: ir.While, Cond: trips, Pos: s.Pos, Body: append([]ir.Stmt{call(st.pop), call(down)}, back...)}}, nil
}
