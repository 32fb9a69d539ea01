package check

import (
	"strings"
	"testing"
)

// Words of other tools are answered with the language's own, and near misses with the word that was meant.
func TestSuggestions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"evolve t from 0 to 1 step 0.001 { dt(T) = laplacian(T) }", "did you mean lap?"},
		{"evolve t from 0 to 1 step 0.001 { dt(T) = dxx(T) }", "did you mean dx(dx(..))?"},
		{"solve lap(T) = 1 for T using mg", "did you mean multigrid?"},
		{"solve lap(T) = 1 for T using cg(maxiter = 3)", "did you mean max?"},
		{"bc T { left: T = 0 }", "did you mean x.lo?"},
		{"evolve t from 0 to 1 step 0.001 { T' = T - step*grad(T) }", "take one component"},
		{"evolve t from 0 to 1 step 0.001 by CN { dt(T) = lap(T) }", "did you mean crank_nicolson?"},
		{"output T evry 3 steps", "did you mean `every`?"},
	} {
		_, errs := checkText("grid g { x: 0 .. 1 in 8; y: 0 .. 1 in 8 }\nfield T on g = 0\n"+c.text+"\n", nil)
		found := false
		for _, d := range errs {
			found = found || d.Suggestion != nil && strings.Contains(d.Suggestion.Text, c.want)
		}
		if !found {
			t.Errorf("%s: no suggestion says %q: %v", c.text, c.want, errs)
		}
	}
}
