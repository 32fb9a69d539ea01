// Package compact makes the code of a class shorter at the price of some cycles, for programs whose straight-line code does not fit a PE.
//
// A generated class repeats itself: a contraction over an axis in memory is the same operation at one address after the other, layers of a
// model, levels of a multigrid, stages of an integrator and functions that share a beginning are the same operations on other arrays. Two
// rewritings, both on the machine program, find this without knowing where it comes from:
//
//   - roll.go: operations that follow each other and differ by constant steps of their addresses become a loop. Which of many possible
//     loops to form is a shortest path over the positions of a list.
//   - outline.go: sequences of operations, loops and calls that are equal up to their operands and stand in several places become a
//     function (wse.Func). Operands that differ between the places are its parameters: a call has a table of descriptors, and two operands
//     that differ in the same way are one parameter. Repeated sequences come from a sorted list of suffixes (Manber and Myers 1993); the best
//     by bytes saved less cycles spent are replaced, and the search goes on in the result, so functions call functions.
//
// Order, operands and values of operations are unchanged, so bits and the order of wavelets are. What a queue or a task is, is never a
// parameter: a function sends and receives on the queues it names. Statements that decide where to go on are never moved.
//
// Bytes are those of wse.CodeSize, cycles those that the engines charge: Machine.CallCost, Machine.FetchCycles and the instructions of loops.
package compact

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

// Result says what was done to a class.
type Result struct {
	Before, After int // bytes of code
	Loops, Funcs  int
	Cycles        int64 // that loops, calls and fetched descriptors take when every statement is carried out once
}

// attempt is a way to shorten: whether loops come first, which cost the fewest cycles for a byte but hide what functions could share, and
// the bytes that a cycle must save, in rounds.
type attempt struct {
	loops  bool
	prices []float64
}

var attempts = []attempt{{true, []float64{4, 2, 1, 0.5, 0.25, 0}}, {false, []float64{0.5, 0}}}

// Class rewrites c until its code takes at most limit bytes, or nothing is left to gain; with a limit of 0 as far as it goes. What is fast
// is tried first.
func Class(c *wse.Class, m wse.Machine, limit int) Result {
	var best *wse.Class
	var r Result
	for _, a := range attempts {
		k := &compactor{c: spare(c), m: m, limit: limit, group: map[wse.Stmt]int{}, made: map[string]made{}, units: map[wse.Stmt]*unit{},
			shapes: interner{}, values: interner{}, given: map[int]bool{}}
		x := k.shorten(a)
		if best == nil || x.After < r.After {
			best, r = k.c, x
		}
		if r.After <= limit {
			break
		}
	}
	c.Tasks, c.Funcs = best.Tasks, best.Funcs
	return r
}

func (k *compactor) shorten(a attempt) Result {
	r := Result{Before: wse.CodeSize(k.c, k.m)}
	k.size = r.Before
	if a.loops {
		r.Loops = k.roll()
	}
	for _, price := range a.prices {
		for k.size > k.limit && (k.limit <= 0 || k.size < mostShared*k.limit) {
			n := k.outline(price)
			if n == 0 {
				break
			}
			r.Funcs += n
			k.size = wse.CodeSize(k.c, k.m)
		}
	}
	if k.size > k.limit {
		k.windows()
		k.size = wse.CodeSize(k.c, k.m)
	}
	r.After = k.size
	for _, t := range k.c.Tasks {
		r.Cycles += k.cycles(t.Body)
	}
	return r
}

// cycles is what the rewriting added to one execution of a list.
func (k *compactor) cycles(list []wse.Stmt) (n int64) {
	for _, s := range list {
		switch s := s.(type) {
		case *wse.Op:
			n += int64(k.m.FetchCycles(s))
		case *wse.Call:
			if _, ours := k.made[s.Func]; ours {
				there, back := k.m.CallCost(s)
				n += int64(there+back) + k.cycles(k.c.Callee(s))
			}
		case *wse.If:
			n += k.cycles(s.Then) + k.cycles(s.Else)
		case *wse.While:
			turn := 0
			if times := k.turns(s); times > 0 {
				for _, x := range s.Body {
					if _, ok := x.(*wse.Set); ok {
						turn += 2 * k.m.ScalarCycles // once before the loop
					}
				}
				n += int64(times) * (int64(turn+k.m.LoopBack) + k.cycles(s.Body))
			} else {
				n += k.cycles(s.Body)
			}
		}
	}
	return n
}

// mostShared bounds how many times shorter functions can be hoped to make a class that loops have made as short as they can: layers of a
// training step, which repeat more than anything else we have, come to a fifth. Beyond that the search is left out.
const mostShared = 6

type compactor struct {
	c     *wse.Class
	m     wse.Machine
	limit int
	size  int // bytes of code now
	// group has, by its first statement, the number of statements of a loop: its registers are set before it.
	group map[wse.Stmt]int
	named int // functions named so far
	made  map[string]made

	units          map[wse.Stmt]*unit // by first statement; nil: the statement is none
	shapes, values interner
	given          map[int]bool // values whose descriptors calls have
}

// made is a function of ours: its operations, calls carried out, and how deep calls nest in it.
type made struct{ ops, depth int }

// lists are the statement lists of the class, each once.
func (k *compactor) lists() []*[]wse.Stmt {
	var out []*[]wse.Stmt
	var add func(list *[]wse.Stmt)
	add = func(list *[]wse.Stmt) {
		out = append(out, list)
		for _, s := range *list {
			switch s := s.(type) {
			case *wse.If:
				add(&s.Then)
				add(&s.Else)
			case *wse.While:
				if !k.rolled(s) {
					add(&s.Body)
				}
			}
		}
	}
	for _, t := range k.c.Tasks {
		add(&t.Body)
	}
	for _, f := range k.c.Funcs {
		add(&f.Body)
	}
	return out
}

// rolled reports whether a loop is one of ours, whose body stays as it is.
func (k *compactor) rolled(w *wse.While) bool { return k.group[w] > 0 }

// funcName is a name that no function of the class has.
func (k *compactor) funcName() string {
	for {
		name := fmt.Sprintf("r%d", k.named)
		k.named++
		if k.c.Func(name) == nil {
			return name
		}
	}
}

func (k *compactor) bytes(list []wse.Stmt) int { return wse.ListSize(list, k.m) }
