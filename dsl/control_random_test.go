package dsl_test

import (
	"math/rand"
	"regexp"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
)

var tokenForm = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*|[0-9.]+(e-?[0-9]+)?|\s+|.`)

// Programs with loops and solves in which tokens are lost, doubled, exchanged or taken from elsewhere: whatever they mean, they are checked
// without a panic, and what compiles is valid.
func TestMutatedControl(t *testing.T) {
	sources := []string{byHand, byLibrary, builtText,
		strings.ReplaceAll(implicitHeatText, "METHOD", "gmres(2, tol = 1e-4, pre = chebyshev(2))"),
		"grid g { x: 0 .. 1 in 8; y: 0 .. 1 in 8 }\nfield u on g = 1\nfield v on g = 2\nfield n = 0\nbc (u, v) { x: u = 1, dn(v) = 0; y: dn(u) = 0, v = 1 }\nevolve t from 0 to 1 step 0.5 {\n" +
			"  solve (u' - lap(u') + v', v' - lap(v')*u') = (u, v) for u', v' using newton(tol = 1e-4, inner = bicgstab)\n  n' = iterations(u') + residual(v')\n}\n",
		"grid g { x: 0 .. 1 in 8; y: 0 .. 1 in 8 periodic }\nfield p on g = 0\nfield k on g = x\nbc k { x: dn(k) = 0 }\nbc p { x: dn(p) = 0 }\nsolve div(k*grad(p)) = y - 0.5 for p with mean(p) = 0 using cg(pre = multigrid)\n"}
	rng := rand.New(rand.NewSource(1))
	n := 60
	if testing.Short() {
		n = 10
	}
	for _, src := range sources {
		tokens := tokenForm.FindAllString(src, -1)
		for range n {
			out := append([]string(nil), tokens...)
			for range 1 + rng.Intn(3) {
				i, j := rng.Intn(len(out)), rng.Intn(len(out))
				switch rng.Intn(4) {
				case 0:
					out = append(out[:i], out[i+1:]...)
				case 1:
					out[i], out[j] = out[j], out[i]
				case 2:
					out[i] = out[j]
				default:
					out = append(out[:i], append([]string{out[j], " "}, out[i:]...)...)
				}
			}
			text := strings.Join(out, "")
			func() {
				defer func() {
					if r := recover(); r != nil {
						t.Fatalf("%v\n%s", r, text)
					}
				}()
				p, errs := dsl.Compile("m.wf", text, dsl.Options{})
				if (p == nil) != errs.HasErrors() {
					t.Errorf("errors %v, program %v\n%s", errs, p != nil, text)
				}
				if p == nil {
					return
				}
				if err := ir.Verify(p); err != nil {
					t.Errorf("%v\n%s", err, text)
				}
			}()
		}
	}
}
