package lower

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Methods with stages (check.Integrator). All equations of an evolve advance together: stage by stage every field gets its next stage
// value, a value of the function. So that derivatives of it obey the boundary conditions of the field at the time of the stage it is set
// to a local array T.stage1, T.stage2, .. with these conditions; nothing reads the array itself, and the pass `scratch` removes it.

// stageArray names the array whose conditions stage value i has.
func stageArray(f *check.Field, i int) string { return fmt.Sprintf("%s.stage%d", f.Name, i) }

// rateArray names the rate of the step before, for methods that read it.
func rateArray(f *check.Field) string { return f.Name + ".rate" }

// integrated lists the equations of a block that its method advances.
func integrated(b *check.Block) []*check.Assign {
	var out []*check.Assign
	for _, s := range b.Stmts {
		if s.Kind == check.Euler {
			out = append(out, s)
		}
	}
	return out
}

// staged says whether the equations of a block need more than T + dt*rhs.
func staged(b *check.Block) bool {
	return b.By != nil && (b.By.Staged() || b.By.Back) && len(integrated(b)) > 0
}

// methodArrays declares the arrays of all methods.
func (l *lowerer) methodArrays() {
	for _, b := range l.p.Blocks {
		if !staged(b) {
			continue
		}
		l.block = b
		for _, s := range integrated(b) {
			a := ir.Array{Elem: s.Field.Elem, Local: true, Unit: "", Pos: pos(s.At)}
			for _, x := range s.Field.Axes {
				a.Axes = append(a.Axes, x.IR)
			}
			if b.By.Back {
				a.Name = rateArray(s.Field)
				l.out.Arrays = append(l.out.Arrays, a)
			}
			if len(s.Field.BC) == 0 {
				continue
			}
			stages := len(b.By.Rows) - 1
			if b.Tol != nil { // the new value is one more: the error estimate reads rates there
				stages++
			}
			for i := 1; i <= stages; i++ {
				a.Name, a.BC = stageArray(s.Field, i), l.boundariesAt(s.Field, timeStage+timeOfUse(i))
				l.out.Arrays = append(l.out.Arrays, a)
			}
		}
	}
	l.block = nil
}

// stages writes the next values of all integrated fields.
func (f *fnWriter) stages(b *check.Block) {
	eqs := integrated(b)
	m := b.By
	u := []map[*check.Field]string{{}} // stage values; those of stage 0 are the fields
	k := []map[*check.Field]string{}   // rates that are kept
	var sum map[*check.Field]string    // the mean rate so far, where only the new value reads rates of earlier stages
	if b.Tol == nil && m.Accumulates() {
		sum = map[*check.Field]string{}
	}
	for i := range m.Rows {
		f.at(b, i, u[i], func() {
			k = append(k, map[*check.Field]string{})
			for _, s := range eqs {
				if m.Reads(i) || m.Back || m.Err != nil && b.Tol != nil {
					k[i][s.Field] = f.rate(s, i)
				}
			}
			next := map[*check.Field]string{}
			for _, s := range eqs {
				next[s.Field] = f.stageValue(b, s, i, u, k, sum)
			}
			if sum != nil && i < len(m.Rows)-1 {
				for _, s := range eqs {
					f.accumulate(b, s, i, k, sum)
				}
			}
			u = append(u, next)
		})
	}
	if b.Tol != nil {
		f.accept(b, eqs, u, k)
	}
	for _, s := range eqs {
		v := u[len(m.Rows)][s.Field]
		f.value[s.Field] = v
		f.f.Sets = append(f.f.Sets, ir.Set{Array: s.Field.Name, Value: "%" + v, Pos: pos(s.At)})
		if m.Back {
			f.f.Sets = append(f.f.Sets, ir.Set{Array: rateArray(s.Field), Value: "%" + k[0][s.Field], Pos: pos(s.At)})
		}
	}
}

// accumulate adds the share of K[i] to the mean rate of the step, so that K[i] itself need not be kept. The rates are summed, not the new
// value, because each sum is rounded to its own size.
func (f *fnWriter) accumulate(b *check.Block, s *check.Assign, i int, k []map[*check.Field]string, sum map[*check.Field]string) {
	c := 0.0
	if w := b.By.Rows[len(b.By.Rows)-1].K; i < len(w) {
		c = w[i]
	}
	if c == 0 {
		return
	}
	e, dom := s.Field.Elem, ranges(s.Index)
	body := f.body(e, f.now, func(w *writer) int {
		t := w.elemOf(w.join(elemClass[e], w.classOf(s.Value)), e)
		x := w.op(ir.Mul, t, w.constant(t, c), w.cvt(w.value(s, "%"+k[i][s.Field]), t))
		if before := sum[s.Field]; before != "" {
			x = w.op(ir.Add, t, w.cvt(w.value(s, "%"+before), t), x)
		}
		return w.cvt(x, e)
	})
	sum[s.Field] = f.emit(s.Field.Name+".sum", e, dom, []ir.Piece{{Box: fullBox(dom), Body: body}}, s.At)
}

// at runs g while fields stand for their values at stage i, with the lets of the block computed from these.
func (f *fnWriter) at(b *check.Block, i int, values map[*check.Field]string, g func()) {
	lets, elems, reduced, stage, now := f.lets, f.letElem, f.reduced, f.stage, f.now
	f.lets, f.letElem, f.reduced = map[*check.Let]string{}, map[*check.Let]ir.Elem{}, map[*check.Node]string{}
	f.stage, f.now = values, timeStage+timeOfUse(i)
	need := neededLets(b)
	for _, s := range b.Stmts {
		if s.Kind == check.LetMap && need[s.Let] {
			f.letMap(s)
		}
	}
	g()
	f.lets, f.letElem, f.reduced, f.stage, f.now = lets, elems, reduced, stage, now
}

// neededLets are the lets with indices that the equations of a block read, themselves or through other lets.
func neededLets(b *check.Block) map[*check.Let]bool {
	need := map[*check.Let]bool{}
	mark := func(n *check.Node) {
		if n.Op == check.LetRead {
			need[n.Let] = true
		}
	}
	for k := len(b.Stmts) - 1; k >= 0; k-- {
		s := b.Stmts[k]
		if s.Kind == check.Euler || s.Kind == check.LetMap && need[s.Let] {
			check.Visit(s.Value, mark)
		}
	}
	return need
}

// rate writes K[i] of an equation over all points; nodes that conditions fix have none.
func (f *fnWriter) rate(s *check.Assign, i int) string {
	dom := ranges(s.Index)
	e := s.Field.Elem
	ps := f.pieces(s.Field, dom, f.now, func(w *writer) int {
		w.now = f.now
		t := w.elemOf(w.join(elemClass[e], w.classOf(s.Value)), e)
		return w.cvt(w.node(s.Value, t), e)
	})
	for j := range ps {
		if fixedPiece(s.Field, dom, ps[j].Box) {
			ps[j].Body = f.body(e, f.now, func(w *writer) int { return w.constant(e, 0) })
		}
	}
	return f.emit(fmt.Sprintf("%s.k%d", s.Field.Name, i), e, dom, ps, s.At)
}

// fixedPiece says whether a box is one of fixed nodes: a box of updated points reaches to no fixed end.
func fixedPiece(fd *check.Field, dom []ir.Range, box []ir.Interval) bool {
	for d, a := range fd.Axes {
		for _, high := range []bool{false, true} {
			c := fd.Cond(a, high)
			if !a.Nodes || c == nil || c.Kind != ir.Value {
				continue
			}
			if !high && box[d].Lo == dom[d].Lo || high && box[d].Hi == dom[d].Hi {
				return true
			}
		}
	}
	return false
}

// stageValue writes U[i+1] of an equation.
func (f *fnWriter) stageValue(b *check.Block, s *check.Assign, i int, u, k []map[*check.Field]string, acc map[*check.Field]string) string {
	m, row, e := b.By, b.By.Rows[i], s.Field.Elem
	fixed, last := timeStage+timeOfUse(i+1), i == len(m.Rows)-1 && b.Tol == nil
	if last {
		fixed = timeNext
	}
	dom := ranges(s.Index)
	ps := f.pieces(s.Field, dom, fixed, func(w *writer) int {
		w.now = f.now
		t := w.elemOf(w.join(elemClass[e], w.classOf(s.Value)), e)
		sum := -1
		put := func(x int) {
			if sum < 0 {
				sum = x
				return
			}
			sum = w.op(ir.Add, t, sum, x)
		}
		whole := i == len(m.Rows)-1 && acc != nil // all but the last rate are summed
		for j, c := range row.U {
			if c == 0 {
				continue
			}
			x := w.selfValue(s, u[j][s.Field])
			if x = w.cvt(x, t); c != 1 {
				x = w.op(ir.Mul, t, w.constant(t, c), x)
			}
			put(x)
		}
		if m.Back {
			return w.cvt(w.adamsBashforth(s, sum, t, k[0][s.Field]), e)
		}
		if name := acc[s.Field]; whole && name != "" {
			put(w.op(ir.Mul, t, w.length(b, t), w.cvt(w.value(s, "%"+name), t)))
		}
		for j, c := range row.K {
			if c == 0 || whole && j < i {
				continue
			}
			var x int
			if name := k[j][s.Field]; name != "" {
				x = w.cvt(w.value(s, "%"+name), t)
			} else {
				x = w.node(s.Value, t)
			}
			put(w.op(ir.Mul, t, w.part(b, c, t), x))
		}
		return w.cvt(sum, e)
	})
	name := s.Field.Name
	if !last {
		name = stageArray(s.Field, i+1)
	}
	v := f.emit(name, e, dom, ps, s.At)
	if !last && len(s.Field.BC) > 0 {
		f.f.Sets = append(f.f.Sets, ir.Set{Array: stageArray(s.Field, i+1), Value: "%" + v, Pos: pos(s.At)})
	}
	return v
}

// adamsBashforth is u + dt*((1 + r/2)*K[0] - r/2*K[-1]), r the length of this step over that of the one before.
func (w *writer) adamsBashforth(s *check.Assign, u int, t ir.Elem, rate string) int {
	b := w.l.block
	if b.Clock {
		return w.adamsOnDevice(s, u, t, rate)
	}
	now, before := w.cvt(w.value(s, "%"+rate), t), w.cvt(w.self(s, rateArray(s.Field)), t)
	c1 := w.l.derived(b, "ab.now", func(h *writer) int {
		r := h.op(ir.Div, ir.F64, h.s(w.l.dt(b)), h.s(w.l.full(b)))
		return h.op(ir.Mul, ir.F64, h.s(w.l.dt(b)), h.op(ir.Add, ir.F64, h.constant(ir.F64, 1), h.op(ir.Mul, ir.F64, h.constant(ir.F64, 0.5), r)))
	})
	c2 := w.l.derived(b, "ab.before", func(h *writer) int {
		r := h.op(ir.Div, ir.F64, h.s(w.l.dt(b)), h.s(w.l.full(b)))
		return h.op(ir.Mul, ir.F64, h.s(w.l.dt(b)), h.op(ir.Mul, ir.F64, h.constant(ir.F64, 0.5), r))
	})
	x := w.op(ir.Add, t, u, w.op(ir.Mul, t, w.scalar(c1, t), now))
	return w.op(ir.Sub, t, x, w.op(ir.Mul, t, w.scalar(c2, t), before))
}

// part is c*dt, rounded once.
func (w *writer) part(b *check.Block, c float64, t ir.Elem) int {
	if c == 1 {
		return w.length(b, t)
	}
	if b.Clock {
		return w.op(ir.Mul, t, w.constant(t, c), w.length(b, t))
	}
	return w.scalar(w.l.partOf(b, c), t)
}

// partOf is the host scalar c*dt.
func (l *lowerer) partOf(b *check.Block, c float64) string {
	return l.derived(b, fmt.Sprintf("dt.%.6g", c), func(h *writer) int {
		return h.op(ir.Mul, ir.F64, h.constant(ir.F64, c), h.s(l.dt(b)))
	})
}

// selfValue reads a stage value at the point that is assigned, the field itself at stage 0.
func (w *writer) selfValue(s *check.Assign, stage string) int {
	if stage == "" {
		return w.self(s, s.Field.Name)
	}
	return w.value(s, "%"+stage)
}

// value reads a value of the function at the point that is assigned.
func (w *writer) value(s *check.Assign, name string) int {
	n := ir.Node{Op: ir.Read, Elem: s.Field.Elem, Name: name}
	for _, v := range s.Index {
		n.At = append(n.At, ir.Affine{Index: v.Name})
	}
	return w.add(n)
}

// adamsOnDevice is adamsBashforth with the lengths the program itself chose.
func (w *writer) adamsOnDevice(s *check.Assign, u int, t ir.Elem, rate string) int {
	b := w.l.block
	now, old := w.cvt(w.value(s, "%"+rate), t), w.cvt(w.self(s, rateArray(s.Field)), t)
	before := w.cvt(w.array0(tag(b, "before"), w.l.clockElem()), t)
	half := w.op(ir.Mul, t, w.constant(t, 0.5), w.op(ir.Div, t, w.length(b, t), before))
	sum := w.op(ir.Sub, t, w.op(ir.Mul, t, w.op(ir.Add, t, w.constant(t, 1), half), now), w.op(ir.Mul, t, half, old))
	return w.op(ir.Add, t, u, w.op(ir.Mul, t, w.length(b, t), sum))
}

// leapfrogOnDevice is the update of a field of second order with the lengths the program itself chose; of given steps the last alone is
// shorter.
func (w *writer) leapfrogOnDevice(u, prev, rhs int, t ir.Elem) int {
	b := w.l.block
	var full int
	if b.Dynamic {
		full = w.cvt(w.array0(tag(b, "before"), w.l.clockElem()), t)
	} else {
		full = w.scalar(w.l.full(b), t)
	}
	r := w.op(ir.Div, t, w.length(b, t), full)
	old := w.op(ir.Sub, t, w.op(ir.Mul, t, w.op(ir.Add, t, w.constant(t, 1), r), u), w.op(ir.Mul, t, r, prev))
	half := w.op(ir.Mul, t, w.op(ir.Mul, t, w.constant(t, 0.5), w.length(b, t)), w.op(ir.Add, t, w.length(b, t), full))
	return w.op(ir.Add, t, old, w.op(ir.Mul, t, half, rhs))
}

// startRates writes the function that gives methods which read the step before the rate at the start: their first step is one of Euler.
func (l *lowerer) startRates(b *check.Block, f *fnWriter) bool {
	if b.By == nil || !b.By.Back {
		return false
	}
	eqs := integrated(b)
	f.at(b, 0, nil, func() {
		for _, s := range eqs {
			v := f.rate(s, 0)
			f.f.Sets = append(f.f.Sets, ir.Set{Array: rateArray(s.Field), Value: "%" + v, Pos: pos(s.At)})
		}
	})
	return len(eqs) > 0
}
