package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// A counted loop is reversed by the binomial schedule (Griewank and Walther, "Algorithm 799: revolve", ACM TOMS 26, 2000), which for n
// iterations and c checkpoints, the first at the loop's entry, runs the fewest iterations again. With
//
//	B(c,r) = (c+r)!/(c! r!)    and r the least with n <= B(c,r)
//
// no iteration is run forward more than r times, and all together r*n - B(c+1,r-1) times. From a checkpoint, with l iterations to
// reverse and c checkpoints of which it is the first, the next one is laid
//
//	k = min(B(c,r-1), l - B(c-1,r-1)),  r the least with l <= B(c,r)
//
// iterations ahead. What is in front of it is reversed from there with c-1 checkpoints, then the k iterations before it with c again.
//
// The schedule is computed by the program, in single integers: B(c,0), .., B(c,most) of the present c. B(c-1,j) = B(c,j) - B(c,j-1), so
// laying a checkpoint takes differences and giving one up partial sums; nothing is divided. The count may be smaller than the one the
// stack was made for.
//
//	begin; push
//	loop n {
//	  top                    the state at the last checkpoint; here = at
//	  aim                    goal = here + k
//	  while going {          here < goal
//	    body; step           here + 1
//	    if arrived { lay; push; aim }
//	  }
//	  ..                     the iteration here is reversed
//	  back; if passed { drop; free }
//	}
type binomial struct {
	r    *reverser
	n    int // iterations there is room for
	c    int // checkpoints
	most int // the least r with n <= B(c,r)
	name string
}

// Bounds of a schedule. mostRuns is how often an iteration is run at most, and with it how many numbers a schedule keeps: where fewer
// checkpoints are asked for than that takes, there are more. Up to mostCheckpoints no number exceeds 31 bits.
const (
	mostRuns        = 24
	mostCheckpoints = 1 << 12
)

// repeats is the least r with n <= B(c,r).
func repeats(n, c int) (r int) {
	for b := 1; b < n; r++ { // b = B(c,r)
		b = b * (c + r + 1) / (r + 1)
	}
	return r
}

// choose is the number of checkpoints for n iterations, c if it is given.
func choose(n, c int) int {
	runs := mostRuns
	if c == 0 {
		runs, c = 2, 1
	}
	for c < n && repeats(n, c) > runs {
		c++
	}
	return max(1, min(c, n, mostCheckpoints))
}

// counted reverses a loop with a known count.
func (r *reverser) counted(s ir.Stmt) ([]ir.Stmt, error) {
	n, err := r.count(s.Count)
	if err != nil {
		return nil, err
	}
	back, err := r.sequence(s.Body, "")
	if err != nil {
		return nil, err
	}
	c := choose(n, r.o.Checkpoints)
	b := &binomial{r: r, n: n, c: c, most: repeats(n, c), name: r.fresh(r.name + ".plan")}
	for _, x := range []string{"here", "at", "end", "goal"} {
		b.declare(x, ir.I32)
	}
	for _, x := range []string{"going", "arrived", "passed"} {
		b.declare(x, ir.Bool)
	}
	for j := range b.most + 1 {
		b.declare(b.term(j), ir.I32)
	}
	st := r.stack(c, append(r.needed(s.Body, s.Body), b.array("at")))
	count := r.rounded(s.Count)
	aim := b.aim()
	ahead := append(append([]ir.Stmt(nil), s.Body...), call(b.step()),
		ir.Stmt{Kind: ir.If, Cond: b.array("arrived"), Body: []ir.Stmt{call(b.lay()), call(st.push), call(aim)}})
	body := []ir.Stmt{call(st.top), call(aim), {Kind: ir.While, Cond: b.array("going"), Body: ahead, Pos: s.Pos}}
	body = append(append(body, back...), call(b.back()),
		ir.Stmt{Kind: ir.If, Cond: b.array("passed"), Body: []ir.Stmt{call(st.drop), call(b.free())}})
	return []ir.Stmt{call(b.begin(count)), call(st.push), {Kind: ir.Loop, Count: s.Count, Body: body, Pos: s.Pos}}, nil
}

// rounded is a host scalar as the count of a loop: to the nearest integer, halves to even.
func (r *reverser) rounded(name string) string {
	b := newExprs()
	x := b.add(ir.Node{Op: ir.Scalar, Elem: ir.F64, Name: name})
	half := b.num(ir.F64, 0.5)
	up := b.op(ir.Floor, ir.F64, b.op(ir.Add, ir.F64, x, half))
	tie := b.op(ir.Eq, ir.Bool, b.op(ir.Sub, ir.F64, up, x), half)
	pair := b.op(ir.Mul, ir.F64, b.op(ir.Floor, ir.F64, b.op(ir.Mul, ir.F64, up, half)), b.num(ir.F64, 2))
	return r.scalar(b.body(b.op(ir.Select, ir.F64, tie, pair, up)))
}

func (b *binomial) array(x string) string { return b.name + "." + x }
func (b *binomial) term(j int) string     { return fmt.Sprintf("b%d", j) }

func (b *binomial) declare(x string, e ir.Elem) {
	b.r.p.Arrays = append(b.r.p.Arrays, ir.Array{Name: b.array(x), Elem: e, Local: true})
}

// numbers writes a function that sets single numbers, from the values they had before.
type numbers struct {
	b *binomial
	f *ir.Func
	w *writer
}

func (b *binomial) function(name string) *numbers {
	f := &ir.Func{Name: b.r.fresh(b.name + "." + name)}
	return &numbers{b, f, newWriter(b.r.p, f)}
}

func (s *numbers) end() string {
	s.b.r.p.Funcs = append(s.b.r.p.Funcs, *s.f)
	return s.f.Name
}

// set gives a number its next value.
func (s *numbers) set(x string, f func(e *exprs) int) {
	array := s.b.array(x)
	v := s.w.single(x, s.b.r.p.Array(array).Elem, f)
	s.f.Sets = append(s.f.Sets, ir.Set{Array: array, Value: v})
}

// now reads a number.
func (b *binomial) now(e *exprs, x string) int { return e.read(ir.I32, "@"+b.array(x), nil) }

func integer(e *exprs, x int) int      { return e.num(ir.I32, float64(x)) }
func add(e *exprs, x, y int) int       { return e.op(ir.Add, ir.I32, x, y) }
func subtract(e *exprs, x, y int) int  { return e.op(ir.Sub, ir.I32, x, y) }
func less(e *exprs, x, y int) int      { return e.op(ir.Lt, ir.Bool, x, y) }
func choice(e *exprs, c, x, y int) int { return e.op(ir.Select, ir.I32, c, x, y) }

// begin is at the loop's entry, with all iterations to reverse.
func (b *binomial) begin(count string) string {
	s := b.function("begin")
	s.set("here", func(e *exprs) int { return integer(e, 0) })
	s.set("at", func(e *exprs) int { return integer(e, 0) })
	s.set("end", func(e *exprs) int { return e.add(ir.Node{Op: ir.Scalar, Elem: ir.I32, Name: count}) })
	for j, v := 0, 1; j <= b.most; j++ {
		s.set(b.term(j), func(e *exprs) int { return integer(e, v) })
		v = v * (b.c + j + 1) / (j + 1)
	}
	return s.end()
}

// aim chooses how far to go from the last checkpoint: of B(c,r-1) and l - B(c-1,r-1) = l - B(c,r-1) + B(c,r-2) the smaller.
func (b *binomial) aim() string {
	s := b.function("aim")
	goal := func(e *exprs) int {
		at := b.now(e, "at")
		l := subtract(e, b.now(e, "end"), at)
		low, lower := integer(e, 0), integer(e, 0)
		for j := range b.most + 1 { // the terms ascend: the last that is below l counts
			t := b.now(e, b.term(j))
			before := integer(e, 0)
			if j > 0 {
				before = b.now(e, b.term(j-1))
			}
			is := less(e, t, l)
			low, lower = choice(e, is, t, low), choice(e, is, before, lower)
		}
		return add(e, at, e.op(ir.MinOp, ir.I32, low, add(e, subtract(e, l, low), lower)))
	}
	s.set("here", func(e *exprs) int { return b.now(e, "at") })
	s.set("goal", goal)
	s.set("going", func(e *exprs) int { return less(e, b.now(e, "at"), goal(e)) })
	return s.end()
}

// step is after an iteration. Where the last one to reverse begins, no checkpoint is needed.
func (b *binomial) step() string {
	s := b.function("step")
	next := func(e *exprs) int { return add(e, b.now(e, "here"), integer(e, 1)) }
	s.set("here", next)
	s.set("going", func(e *exprs) int { return less(e, next(e), b.now(e, "goal")) })
	s.set("arrived", func(e *exprs) int {
		reached := e.op(ir.Eq, ir.Bool, next(e), b.now(e, "goal"))
		return e.op(ir.And, ir.Bool, reached, less(e, add(e, next(e), integer(e, 1)), b.now(e, "end")))
	})
	return s.end()
}

// lay is before a checkpoint is stored: B(c-1,j) = B(c,j) - B(c,j-1).
func (b *binomial) lay() string {
	s := b.function("lay")
	s.set("at", func(e *exprs) int { return b.now(e, "here") })
	for j := 1; j <= b.most; j++ {
		s.set(b.term(j), func(e *exprs) int { return subtract(e, b.now(e, b.term(j)), b.now(e, b.term(j-1))) })
	}
	return s.end()
}

// back is after an iteration was reversed.
func (b *binomial) back() string {
	s := b.function("back")
	s.set("end", func(e *exprs) int { return subtract(e, b.now(e, "end"), integer(e, 1)) })
	s.set("passed", func(e *exprs) int { return e.op(ir.Eq, ir.Bool, b.now(e, "here"), b.now(e, "at")) })
	return s.end()
}

// free is after a checkpoint was given up: B(c+1,j) is the sum of B(c,0), .., B(c,j).
func (b *binomial) free() string {
	s := b.function("free")
	for j := 1; j <= b.most; j++ {
		s.set(b.term(j), func(e *exprs) int {
			sum := b.now(e, b.term(0))
			for i := 1; i <= j; i++ {
				sum = add(e, sum, b.now(e, b.term(i)))
			}
			return sum
		})
	}
	return s.end()
}
