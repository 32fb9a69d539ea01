package verify

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
)

// Coefficients of equations are rounded once: the host scalars and constants that a step multiplies with are the float32 next to what
// the decimals of the program say in exact arithmetic, however the program writes them.
func TestCoefficientsRoundOnce(t *testing.T) {
	rat := func(s string) *big.Rat {
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is no number", s)
		}
		return r
	}
	mul := func(xs ...*big.Rat) *big.Rat {
		p := big.NewRat(1, 1)
		for _, x := range xs {
			p.Mul(p, x)
		}
		return p
	}
	for _, alpha := range []string{"0.1", "0.3", "0.7", "0.0123", "9.7e-5"} {
		for _, n := range []int64{10, 24, 49, 64} {
			dt := "0.00011"
			r := mul(rat(alpha), rat(dt), big.NewRat(n*n, 1))                      // alpha*dt/h^2
			centre := new(big.Rat).Sub(big.NewRat(1, 1), mul(big.NewRat(2, 1), r)) // 1 - 2r
			for form, body := range map[string]string{
				"a literal":            "dt(T) = ALPHA*dx(dx(T))",
				"a literal in flux":    "dt(T) = dx(ALPHA*dx(T))",
				"a constant":           "dt(T) = a*lap(T)",
				"a param":              "dt(T) = p*lap(T)",
				"a literal quotient":   "dt(T) = lap(T)/(1/ALPHA)",
				"an assignment":        "T' = T + DT*ALPHA*lap(T)",
				"an assignment, const": "T' = T + (DT*a)*lap(T)",
			} {
				src := fmt.Sprintf("const a = ALPHA\nparam p = ALPHA\ngrid g { x: 0 .. 1 in %d periodic }\nfield T on g = x\n"+
					"evolve t from 0 to 10*DT step DT {\n  %s\n}\n", n, body)
				src = strings.NewReplacer("ALPHA", alpha, "DT", dt).Replace(src)
				got := factors(t, build(t, wfc.Source{Text: src}, nil, "", 0, 0).IR)
				for what, exact := range map[string]*big.Rat{"of the centre": centre, "of a neighbour": r} {
					want, _ := exact.Float32()
					if !slices.Contains(got, want) {
						t.Errorf("alpha = %s, %d cells, %s: no coefficient is %v, %s; there are %v", alpha, n, form, want, what, got)
					}
				}
				if len(got) != 2 {
					t.Errorf("alpha = %s, %d cells, %s: coefficients %v, want 2", alpha, n, form, got)
				}
			}
		}
	}
}

// A slope at a wall is one, too: its ghost lies h*slope beyond the last cell.
func TestSlopesRoundOnce(t *testing.T) {
	p := build(t, wfc.Source{Text: `
grid g { x: 0 .. 1 in 10 }
field T on g = x
bc T { x.lo: dn(T) = 0.1;  x.hi: dn(T) = 0.3 }
evolve t from 0 to 0.01 step 0.001 { dt(T) = lap(T) }
`}, nil, "", 0, 0)
	var got []float32
	for _, b := range stepBodies(p.IR, ir.Extend) {
		for i := range b.Nodes {
			if n := &b.Nodes[i]; n.Op == ir.Const {
				got = append(got, float32(n.Imm))
			}
		}
	}
	for _, want := range []float32{0.01, 0.03} {
		if !slices.Contains(got, want) {
			t.Errorf("no ghost lies %v from its cell; there are %v", want, got)
		}
	}
}

// factors are the coefficients in the products of the maps of the step, as the targets see them.
func factors(t *testing.T, p *ir.Program) []float32 {
	t.Helper()
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	for _, b := range stepBodies(p, ir.Map) {
		for i := range b.Nodes {
			if b.Nodes[i].Op != ir.Mul {
				continue
			}
			switch k := &b.Nodes[b.Nodes[i].Args[0]]; k.Op {
			case ir.Scalar:
				out = append(out, float32(env[k.Name]))
			case ir.Const:
				if float64(float32(k.Imm)) != k.Imm || math.IsNaN(k.Imm) {
					t.Errorf("a constant of type f32 is %v", k.Imm)
				}
				out = append(out, float32(k.Imm))
			}
		}
	}
	return out
}

func stepBodies(p *ir.Program, kind ir.OpKind) []*ir.Body {
	var out []*ir.Body
	f := p.Func("step")
	for i := range f.Ops {
		for j := range f.Ops[i].Pieces {
			if f.Ops[i].Kind == kind {
				out = append(out, &f.Ops[i].Pieces[j].Body)
			}
		}
	}
	return out
}
