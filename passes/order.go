package passes

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Codes of what passes find wrong with a user's program: a read beyond a wall without a rule, too few points to reflect, a formula
// too wide to make sense, and a mixed condition that does not decide a value.
const (
	codeOutside  = "WF0703"
	codeShort    = "WF0704"
	codeWide     = "WF0705"
	codeSingular = "WF0706"
)

// operands returns the names an operation reads, in order of first appearance, without repetition.
func operands(op *ir.Op) []string {
	var out []string
	seen := map[string]bool{}
	add := func(n string) {
		if n != "" && !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	add(op.From)
	for i := range op.Pieces {
		for j := range op.Pieces[i].Body.Nodes {
			if n := &op.Pieces[i].Body.Nodes[j]; n.Op == ir.Read {
				add(n.Name)
			}
		}
	}
	return out
}

// arrange puts the operations of a function into canonical order: depth first from the sets, operands in order of appearance. The
// order of operations that do not depend on each other in the source leaves no trace. Operations that no set needs are removed.
func arrange(f *ir.Func) error { return arrangeBy(f, operands) }

// arrangeBy is arrange with what operands returns known already.
func arrangeBy(f *ir.Func, operands func(op *ir.Op) []string) error {
	def := map[string]int{}
	for i := range f.Ops {
		for _, r := range f.Ops[i].Results {
			def["%"+r.Name] = i
		}
	}
	var out []ir.Op
	state := make([]uint8, len(f.Ops))
	var visit func(name string) error
	visit = func(name string) error {
		if !strings.HasPrefix(name, "%") {
			return nil
		}
		i, ok := def[name]
		if !ok {
			return fmt.Errorf("function %s uses %s, which nothing defines", f.Name, name)
		}
		switch state[i] {
		case 1:
			return fmt.Errorf("function %s: %s depends on itself", f.Name, name)
		case 2:
			return nil
		}
		state[i] = 1
		for _, n := range operands(&f.Ops[i]) {
			if err := visit(n); err != nil {
				return err
			}
		}
		state[i] = 2
		out = append(out, f.Ops[i])
		return nil
	}
	for _, s := range f.Sets {
		if err := visit(s.Value); err != nil {
			return err
		}
	}
	f.Ops = out
	return nil
}
