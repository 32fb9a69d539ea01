package check

import "github.com/wfc-lang/wfc/dsl/syntax"

type solver struct{}

func (c *checker) solverCall(e *syntax.Call, sc *scope) *Node { return nil }

func (c *checker) solve(s *syntax.Solve, bs *blockState) {
	c.unsupported(s.At, "implicit equations (`solve`)", "use an explicit step: `dt(T) = ...`")
}
