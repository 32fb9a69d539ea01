package passes

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// machine executes a plan the obvious way, point by point in a random order, with every value in its slot: what a wrong plan
// overwrites is gone.
type machine struct {
	t   testing.TB
	p   *ir.Program
	pl  *Plan
	env map[string]float64
	buf [][]ir.Val
	rng *rand.Rand
}

func newMachine(t testing.TB, p *ir.Program, pl *Plan, init map[string]*ir.Tensor) *machine {
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, p: p, pl: pl, env: env, rng: rand.New(rand.NewPCG(1, 2))}
	for i := range pl.Slots {
		b := make([]ir.Val, pl.Slots[i].Points())
		for k := range b {
			b[k] = ir.Val{F: 1e30, I: 999} // poison
		}
		m.buf = append(m.buf, b)
	}
	for i := range p.Arrays {
		v := init[p.Arrays[i].Name]
		k := 0
		each(boxOf(p, &p.Arrays[i]), func(at []int) {
			if p.Arrays[i].Elem.IsFloat() {
				m.buf[i][m.offset(i, at)] = ir.Val{F: v.At(k)}
			} else {
				m.buf[i][m.offset(i, at)] = ir.Val{I: int64(v.At(k))}
			}
			k++
		})
	}
	return m
}

func boxOf(p *ir.Program, a *ir.Array) []ir.Interval {
	var b []ir.Interval
	for _, n := range p.Shape(a) {
		b = append(b, ir.Interval{Hi: n})
	}
	return b
}

func each(box []ir.Interval, f func(at []int)) {
	at := make([]int, len(box))
	var walk func(d int)
	walk = func(d int) {
		if d == len(box) {
			f(at)
			return
		}
		for at[d] = box[d].Lo; at[d] < box[d].Hi; at[d]++ {
			walk(d + 1)
		}
	}
	walk(0)
}

func (m *machine) offset(slot int, at []int) int {
	o := 0
	for d, r := range m.pl.Slots[slot].Dom {
		x := at[d]
		if a := m.p.Axis(r.Axis); a.Periodic {
			x = ((x % a.N) + a.N) % a.N
		}
		if x < r.Lo || x >= r.Hi {
			m.t.Fatalf("slot %d accessed outside: %v of %v", slot, at, m.pl.Slots[slot].Dom)
		}
		o = o*(r.Hi-r.Lo) + x - r.Lo
	}
	return o
}

func (m *machine) step(fn string) {
	f := m.p.Func(fn)
	var fp *FuncPlan
	for i := range m.pl.Funcs {
		if m.pl.Funcs[i].Func == fn {
			fp = &m.pl.Funcs[i]
		}
	}
	slot := map[string]int{}
	for i := range m.p.Arrays {
		slot["@"+m.p.Arrays[i].Name] = i
	}
	next := 0
	for i := range f.Ops {
		op := &f.Ops[i]
		to := make([]int, len(op.Results))
		for k, r := range op.Results {
			v := fp.Values[next]
			next++
			if v.Value != "%"+r.Name {
				m.t.Fatalf("plan has %s for %s", v.Value, r.Name)
			}
			slot[v.Value], to[k] = v.Slot, v.Slot
			if op.Kind == ir.Extend && v.Shares == "" {
				from, _ := operandBox(m.p, f, op.From)
				var box []ir.Interval
				for _, r := range from {
					box = append(box, ir.Interval{Lo: r.Lo, Hi: r.Hi})
				}
				each(box, func(at []int) {
					m.buf[v.Slot][m.offset(v.Slot, at)] = m.buf[slot[op.From]][m.offset(slot[op.From], at)]
				})
			}
		}
		if op.Kind == ir.Reduce {
			m.reduce(op, to, slot)
			continue
		}
		type work struct {
			pc *ir.Piece
			at []int
		}
		var all []work
		for k := range op.Pieces {
			each(op.Pieces[k].Box, func(at []int) { all = append(all, work{&op.Pieces[k], append([]int(nil), at...)}) })
		}
		m.rng.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		for _, w := range all {
			var vals []ir.Val
			for _, r := range w.pc.Body.Results { // all results of a point before any is stored
				b := ir.Body{Nodes: w.pc.Body.Nodes, Results: []int{r}}
				v, err := ir.EvalBody(&b, func(n *ir.Node) (ir.Val, error) { return m.leaf(n, op, w.at, slot) })
				if err != nil {
					m.t.Fatal(err)
				}
				vals = append(vals, v)
			}
			for k, v := range vals {
				m.buf[to[k]][m.offset(to[k], w.at)] = v
			}
		}
	}
	for _, c := range fp.Copies {
		copy(m.buf[c.To], m.buf[c.From])
	}
	old := append([][]ir.Val(nil), m.buf...)
	seen := map[int]bool{}
	for i, s := range fp.Perm {
		if seen[s] {
			m.t.Fatalf("slot %d goes to two slots: %v", s, fp.Perm)
		}
		seen[s] = true
		if m.pl.Slots[i].Elem != m.pl.Slots[s].Elem || len(old[s]) != len(m.buf[i]) {
			m.t.Fatalf("slots %d and %d exchange buffers and differ", i, s)
		}
		m.buf[i] = old[s]
	}
}

// reduce folds one body per point over the whole box, ascending.
func (m *machine) reduce(op *ir.Op, to []int, slot map[string]int) {
	if len(op.Pieces) != 1 || op.Order.Kind != ir.Seq || op.Comb != ir.Sum || len(op.Results) != 1 {
		m.t.Fatal("the test machine has plain sums only")
	}
	b, e, nd := &op.Pieces[0].Body, op.Results[0].Elem, len(op.Dom)
	each(op.Pieces[0].Box[:nd], func(at []int) {
		var acc ir.Val
		first := true
		each(op.Pieces[0].Box[nd:], func(over []int) {
			all := append(append([]int(nil), at...), over...)
			eval := func(r int) ir.Val {
				v, err := ir.EvalBody(&ir.Body{Nodes: b.Nodes, Results: []int{r}}, func(n *ir.Node) (ir.Val, error) { return m.leaf(n, op, all, slot) })
				if err != nil {
					m.t.Fatal(err)
				}
				return v
			}
			r := b.Results[0]
			var err error
			switch {
			case op.FMA:
				args := b.Nodes[r].Args
				acc, err = ir.Apply(&ir.Node{Op: ir.FMA, Elem: e}, []ir.Elem{e, e, e}, []ir.Val{eval(args[0]), eval(args[1]), acc})
			case first:
				acc = eval(r)
			default:
				acc, err = ir.Apply(&ir.Node{Op: ir.Add, Elem: e}, []ir.Elem{e, e}, []ir.Val{acc, eval(r)})
			}
			if first = false; err != nil {
				m.t.Fatal(err)
			}
		})
		m.buf[to[0]][m.offset(to[0], at)] = acc
	})
}

func (m *machine) leaf(n *ir.Node, op *ir.Op, at []int, slot map[string]int) (ir.Val, error) {
	switch n.Op {
	case ir.Scalar:
		return ir.RoundTo(n.Elem, m.env[n.Name]), nil
	case ir.Index:
		return ir.Val{I: int64(at[op.Dim(n.Name)])}, nil
	case ir.Read:
		pos := make([]int, len(n.At))
		for d, a := range n.At {
			pos[d] = a.Off
			if a.Index != "" {
				pos[d] += at[op.Dim(a.Index)]
			}
		}
		s, ok := slot[n.Name]
		if !ok {
			return ir.Val{}, fmt.Errorf("%s has no slot", n.Name)
		}
		return m.buf[s][m.offset(s, pos)], nil
	}
	return ir.Val{}, fmt.Errorf("unexpected %s", n.Op)
}

// checkPlan runs a canonical program under its plan and on the interpreter and compares bits.
func checkPlan(t testing.TB, c *ir.Program, init map[string]*ir.Tensor, steps int) *Plan {
	t.Helper()
	pl, err := Reuse(c, Storage{})
	if err != nil {
		t.Fatal(err)
	}
	state := map[string]*ir.Tensor{}
	for k, v := range init {
		state[k] = v
	}
	env, _ := ir.EvalHost(c, nil, nil)
	host := runHost(t, c, env)
	for i := range c.Arrays {
		if n := c.Arrays[i].Name; state[n] == nil {
			state[n] = host[n]
		}
	}
	m := newMachine(t, c, pl, state)
	for range steps {
		m.step("step")
	}
	want := run(t, c, state, nil, steps)
	m.compare(want)
	return pl
}

// compare reports the first element of an array that differs from the interpreter's.
func (m *machine) compare(want map[string]*ir.Tensor) {
	m.t.Helper()
	for i := range m.p.Arrays {
		a := &m.p.Arrays[i]
		v, k := want[a.Name], 0
		each(boxOf(m.p, a), func(at []int) {
			got := m.buf[i][m.offset(i, at)]
			if g := got.F + float64(got.I); g != v.At(k) && (g == g || v.At(k) == v.At(k)) {
				m.t.Fatalf("%s%v = %g under the plan, %g on the interpreter\n%s\n%s", a.Name, at, g, v.At(k), m.pl, ir.Print(m.p))
			}
			k++
		})
	}
}

func TestReuseHeat(t *testing.T) {
	p := heat3(ir.F32)
	pl := checkPlan(t, canonical(t, p.Program), map[string]*ir.Tensor{"T": fill(p.Program, "T", bump)}, 4)
	if n := len(pl.Slots); n != 3 { // T, the coordinate data, one more T
		t.Errorf("%d slots:\n%s", n, pl)
	}
}

// The wave equation needs two levels: the new one goes in place of the oldest.
func TestReuseWaveRotates(t *testing.T) {
	p := newProg(ir.F32, ring("x", 9, 0, 1))
	p.array("u")
	p.array("old")
	p.op("new", func(b *ir.BodyBuilder) int {
		u := p.read(b, "@u")
		s := b.Sub(b.Mul(b.Const(ir.F32, 2), u), p.read(b, "@old"))
		return b.Add(s, b.Mul(b.Const(ir.F32, 0.01), b.Deriv(u, "x", 2, 4)))
	})
	p.set("u", "%new")
	p.set("old", "@u")
	pl := checkPlan(t, canonical(t, p.Program), map[string]*ir.Tensor{"u": fill(p.Program, "u", bump), "old": fill(p.Program, "old", bump)}, 5)
	if len(pl.Slots) != 2 || pl.Funcs[0].Values[0].InPlace != "@old" {
		t.Errorf("the wave equation does not rotate two levels:\n%s", pl)
	}
}

// A pointwise update happens in the state's own storage; two arrays set to one value need one copy; a swap needs none.
func TestReuseInPlaceCopySwap(t *testing.T) {
	p := newProg(ir.F32, cells("x", 5, 0, 1))
	p.array("a")
	p.array("b")
	p.array("c")
	p.op("v", func(b *ir.BodyBuilder) int { return b.Mul(p.read(b, "@a"), p.read(b, "@a")) })
	p.set("a", "%v")
	in := func() map[string]*ir.Tensor {
		f := func(k int) *ir.Tensor {
			return fill(p.Program, "a", func(at []int) float64 { return float64(at[0]+k) * 0.1 })
		}
		return map[string]*ir.Tensor{"a": f(1), "b": f(2), "c": f(3)}
	}
	pl := checkPlan(t, p.Program, in(), 3)
	if len(pl.Slots) != 3 || pl.Funcs[0].Values[0].InPlace != "@a" {
		t.Errorf("not in place:\n%s", pl)
	}
	p.set("b", "%v")
	pl = checkPlan(t, p.Program, in(), 3)
	if len(pl.Funcs[0].Copies) != 1 || len(pl.Slots) != 3 {
		t.Errorf("two arrays of one value:\n%s", pl)
	}
	p.Func("step").Sets = []ir.Set{{Array: "b", Value: "@c"}, {Array: "c", Value: "@b"}}
	p.Func("step").Ops = nil
	pl = checkPlan(t, p.Program, in(), 3)
	if len(pl.Funcs[0].Copies) != 0 || pl.Funcs[0].Perm[1] != 2 {
		t.Errorf("a swap copies:\n%s", pl)
	}
	p.Func("step").Sets = []ir.Set{{Array: "b", Value: "@a"}}
	pl = checkPlan(t, p.Program, in(), 3)
	if len(pl.Funcs[0].Copies) != 1 || !strings.Contains(pl.String(), "copy 0 to 1") {
		t.Errorf("an array set to one that stays:\n%s", pl)
	}
}

// plan of a function "step" in text over u on a ring x and a wall z.
func planText(t *testing.T, src string, st Storage) *Plan {
	t.Helper()
	p, err := ir.Parse("test.wfir", "wfir 1\nprogram test\naxis x 8 cells periodic lo 0 h 1\naxis z 6 cells lo 0 h 1\narray @u[x, z] f32\n"+src)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := Reuse(p, st)
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// An extend shares the storage around its operand unless another value there, still to be read, would show its ghosts.
func TestReuseSharesMargins(t *testing.T) {
	const walls = "  extend %g f32 [x in x 0..8, z in z -1..6] from @u {\n    box [0..8, -1..0]\n      $0 = read f32 @u[x, z+1]\n      yield $0\n  }\n"
	wrap := func(name, from, z string, shift int) string { // margins in x, at x+shift
		return fmt.Sprintf("  extend %%%s f32 [x in x -1..8, z in z %s] from %s {\n    box [-1..0, %s]\n      $0 = read f32 %s[x+%d, z]\n      yield $0\n  }\n",
			name, z, from, z, from, shift)
	}
	const use = "  map %%next f32 [x in x 0..8, z in z 0..6] {\n    box [0..8, 0..6]\n      $0 = read f32 %%%s[x-1, z]\n" +
		"      $1 = read f32 %%%s[x-1, z]\n      $2 = add f32 $0, $1\n      yield $2\n  }\n  set @u = %%next\n}\n"
	for _, c := range []struct {
		name, src string
		slots     int
		shares    []string // of the extends, in order
	}{
		{"a chain", walls + wrap("w", "%g", "-1..6", 8) + fmt.Sprintf(use, "w", "w"), 2, []string{"@u", "%g"}},
		{"two that fill alike", wrap("v", "@u", "0..6", 8) + walls + wrap("w", "%g", "-1..6", 8) + fmt.Sprintf(use, "v", "w"), 2,
			[]string{"@u", "@u", "%g"}},
		{"two that fill differently", wrap("v", "@u", "0..6", 8) + walls + wrap("w", "%g", "-1..6", 7) + fmt.Sprintf(use, "v", "w"), 3,
			[]string{"@u", "@u", ""}},
		{"two one after the other", wrap("v", "@u", "0..6", 8) + "  map %a f32 [x in x 0..8, z in z 0..6] {\n    box [0..8, 0..6]\n      $0 = read f32 %v[x-1, z]\n      yield $0\n  }\n" +
			wrap("w", "@u", "0..6", 7) + "  map %next f32 [x in x 0..8, z in z 0..6] {\n    box [0..8, 0..6]\n      $0 = read f32 %w[x-1, z]\n" +
			"      $1 = read f32 %a[x, z]\n      $2 = add f32 $0, $1\n      yield $2\n  }\n  set @u = %next\n}\n", 2, []string{"@u", "@u"}},
	} {
		pl := planText(t, "func step {\n"+c.src, Storage{})
		var shares []string
		for _, v := range pl.Funcs[0].Values {
			if v.Value != "%next" && v.Value != "%a" {
				shares = append(shares, v.Shares)
			}
		}
		if len(pl.Slots) != c.slots || fmt.Sprint(shares) != fmt.Sprint(c.shares) {
			t.Errorf("%s: %d slots, shares %q, want %d, %q\n%s", c.name, len(pl.Slots), shares, c.slots, c.shares, pl)
		}
	}
}

// In a group a result takes the place of what its operation alone reads, and of nothing that another operation of the group reads, or one after it.
func TestReuseInPlaceInGroup(t *testing.T) {
	const op = "  map %%%s f32 [x in x 0..8, z in z 0..6] {\n    box [0..8, 0..6]\n      $0 = read f32 %s[x, z]\n      $1 = read f32 %s[x, z]\n      $2 = add f32 $0, $1\n      yield $2\n  }\n"
	for _, c := range []struct {
		third, fourth string // what else reads the value that is made before the group
		place         string
	}{{"@u", "@u", "%a"}, {"%a", "@u", ""}, {"@u", "%a", ""}} {
		src := "func step {\n" + fmt.Sprintf(op, "a", "@u", "@u") + fmt.Sprintf(op, "b", "%a", "%a") + fmt.Sprintf(op, "c", "%b", c.third) + fmt.Sprintf(op, "d", "%c", c.fourth) +
			"  set @u = %d\n}\n"
		pl := planText(t, src, Storage{Groups: func(string) []Group { return []Group{{Lo: 1, Hi: 3}} }})
		if got := pl.Funcs[0].Values[1]; got.Value != "%b" || got.InPlace != c.place {
			t.Errorf("read by %s and %s: %%b is in place of %q\n%s", c.third, c.fourth, got.InPlace, pl)
		}
	}
}

// Scratch memory is apart from everything that lives during the operation, and free after it.
func TestReuseScratch(t *testing.T) {
	const twice = `
func step {
  reduce %s f32 [] over [x in x 0..8, z in z 0..6] sum order canon {
    box [0..8, 0..6]
      $0 = read f32 @u[x, z]
      yield $0
  }
  reduce %m f32 [] over [x in x 0..8, z in z 0..6] max order canon {
    box [0..8, 0..6]
      $0 = read f32 @u[x, z]
      yield $0
  }
  map %next f32 [x in x 0..8, z in z 0..6] {
    box [0..8, 0..6]
      $0 = read f32 %s[]
      $1 = read f32 %m[]
      $2 = read f32 @u[x, z]
      $3 = add f32 $0, $1
      $4 = add f32 $3, $2
      yield $4
  }
  set @u = %next
}
`
	pl := planText(t, twice, Storage{Scratch: func(op *ir.Op) []Need {
		switch {
		case op.Kind != ir.Reduce:
			return nil
		case op.Comb == ir.Sum:
			return []Need{{ir.F32, 3}, {ir.F32, 5}}
		}
		return []Need{{ir.F32, 7}}
	}})
	f := pl.Funcs[0]
	used := map[int]bool{0: true}
	for _, v := range f.Values[:2] {
		used[v.Slot] = true
	}
	a := f.Scratch[0]
	if len(pl.Slots) != 5 || len(a) != 2 || a[0] == a[1] || used[a[0]] || used[a[1]] || len(f.Scratch[1]) != 1 || f.Scratch[1][0] != a[0] || f.Scratch[2] != nil {
		t.Errorf("scratch %v\n%s", f.Scratch, pl)
	}
	if n := pl.Slots[a[0]].Points(); n != 7 {
		t.Errorf("room for %d elements, want 7", n)
	}
}

// Functions share slots: what one leaves in exchanged buffers the next finds in its own.
func TestReuseAcrossFunctions(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 7))
		p := randomProgram(rng)
		second := p.Func("step").Clone()
		second.Name = "start"
		for i := range second.Sets { // other fields, other values
			second.Sets[i].Value = second.Sets[(i+1)%len(second.Sets)].Value
		}
		p.Funcs = append(p.Funcs, second)
		c := canonical(t, p.Program)
		env, _ := ir.EvalHost(c, nil, nil)
		init := runHost(t, c, env)
		for i := range p.Arrays {
			init[p.Arrays[i].Name] = fill(c, p.Arrays[i].Name, bump)
		}
		pl, err := Reuse(c, Storage{})
		if err != nil {
			t.Fatal(err)
		}
		m := newMachine(t, c, pl, init)
		want := init
		for _, fn := range []string{"start", "step", "start", "start", "step"} {
			m.step(fn)
			q := c.Clone()
			if fn == "start" {
				q.Func("step").Name = "other"
				q.Func("start").Name = "step"
			}
			want = run(t, q, want, nil, 1)
		}
		m.compare(want)
	}
}

// A wrong plan must not survive the machine: every value written straight over what others still read.
func TestReuseCheckerSeesOverwrites(t *testing.T) {
	p := newProg(ir.F32, ring("x", 9, 0, 1))
	p.array("u")
	p.op("v", func(b *ir.BodyBuilder) int { return b.Add(p.read(b, "@u", 1), p.read(b, "@u", -1)) })
	p.set("u", "%v")
	pl := &Plan{Slots: []Slot{{Name: "u", Elem: ir.F32, Dom: []ir.Range{{Index: "x", Axis: "x", Hi: 9}}}},
		Funcs: []FuncPlan{{Func: "step", Values: []Placed{{Value: "%v"}}, Perm: []int{0}}}}
	u := fill(p.Program, "u", bump)
	m := newMachine(t, p.Program, pl, map[string]*ir.Tensor{"u": u})
	m.step("step")
	want := run(t, p.Program, map[string]*ir.Tensor{"u": u}, nil, 1)["u"]
	same := true
	for k := range 9 {
		same = same && m.buf[0][k].F == want.At(k)
	}
	if same {
		t.Error("updating a stencil in place goes unnoticed")
	}
}
