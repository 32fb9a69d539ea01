package codegen

import (
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// After a wait main finds its state again by tests of pc. With many states (a product in panels has one for each) they take as long as the
// wait itself, so estimates count them.

// wait is a wait in the code of a function: the joins that it passes, and the state that main goes on with.
type wait struct {
	joins []string
	pc    int32
}

// findStates tells the waits of the class's code how long main looks for what follows them.
func (g *gen) findStates(main []wse.Stmt) {
	for i := range g.code {
		for _, w := range g.code[i].waits {
			find := g.find(main, w.pc)
			for _, name := range w.joins {
				find += g.find(follow(g.next[name]), w.pc)
			}
			g.code[i].Waits = append(g.code[i].Waits, cost.Waiting{Channels: len(w.joins), Find: find})
		}
	}
}

// find is the cycles of the branches between the start of body and what it does in state pc, and of those that leave it again.
func (g *gen) find(body []wse.Stmt, pc int32) (t int64) {
	for _, s := range body {
		switch s := s.(type) {
		case *wse.If:
			t += int64(g.m.ScalarCycles)
			switch {
			case !holds(s.Cond, pc):
				t += int64(g.m.BranchTaken) + g.find(s.Else, pc)
			case len(s.Else) > 0:
				t += int64(g.m.BranchFall) + g.find(s.Then, pc) + int64(g.m.BranchTaken)
			default:
				t += int64(g.m.BranchFall) + g.find(s.Then, pc)
			}
		case *wse.While:
			return t + int64(g.m.ScalarCycles+g.m.BranchFall) + g.find(s.Body, pc)
		case *wse.Set:
			t += int64(g.m.ScalarCycles)
		default:
			return t
		}
	}
	return t
}

// holds evaluates a test of pc; others, whether to go on, hold.
func holds(c wse.Cond, pc int32) bool {
	if c.A.Name != regPC || c.B.Name != "" {
		return true
	}
	return c.Cmp.Holds(pc, c.B.Imm)
}
