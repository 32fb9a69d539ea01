package tensor

import (
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// Expressions of the language against what they mean, written as loops. Weights are a[i,j] = sin(1+i+3j) over 6 x 4, b[j,k] = cos(i-2k)
// over 4 x 5, c[i] = 1 + i/2 over 6; tokens are 0 2 1 2 0 3.
func TestMeaning(t *testing.T) {
	A := func(i, j int) float64 { return math.Sin(float64(1 + i + 3*j)) }
	B := func(j, k int) float64 { return math.Cos(float64(j - 2*k)) }
	C := func(i int) float64 { return 1 + float64(i)/2 }
	tok := []int{0, 2, 1, 2, 0, 3}
	const I, J, K = 6, 4, 5
	sum := func(n int, f func(i int) float64) (s float64) {
		for i := range n {
			s += f(i)
		}
		return s
	}
	for _, c := range []struct {
		stmts string // the value is loss
		want  float64
	}{
		{"loss = sum over i, k (a[i,j]*b[j,k]*c[i])", sum(I, func(i int) float64 {
			return sum(K, func(k int) float64 { return sum(J, func(j int) float64 { return A(i, j) * B(j, k) * C(i) }) })
		})},
		{"loss = sum over m of c[m]*(sum over i of a[i,0]*c[m])", sum(I, func(m int) float64 {
			return C(m) * sum(I, func(i int) float64 { return A(i, 0) * C(m) })
		})},
		{"let y[k] = b[j,k]*(sum over i of a[i,j]*c[i])\nloss = sum over k of y[k]", sum(K, func(k int) float64 {
			return sum(J, func(j int) float64 { return B(j, k) * sum(I, func(i int) float64 { return A(i, j) * C(i) }) })
		})},
		{"let y[i] = 2*a[i,j]*b[j,3] + c[i] - a[i,j]*a[i,j]/4\nloss = sum over i of y[i]", sum(I, func(i int) float64 {
			return C(i) + sum(J, func(j int) float64 { return 2*A(i, j)*B(j, 3) - A(i, j)*A(i, j)/4 })
		})},
		{"let y[i,k] = exp(a[i,j]*b[j,k])*c[i]\nloss = sum over i, k of y[i,k]", sum(I, func(i int) float64 {
			return sum(K, func(k int) float64 { return C(i) * math.Exp(sum(J, func(j int) float64 { return A(i, j) * B(j, k) })) })
		})},
		{"let y[j] = exp(c[i])*a[i,j]\nloss = sum over j of y[j]", sum(J, func(j int) float64 {
			return sum(I, func(i int) float64 { return math.Exp(C(i)) * A(i, j) })
		})},
		{"let y[j] = sum over i where tokens[i] == j of c[i]\nloss = sum over j (y[j]*y[j])", func() float64 {
			var y [J]float64
			for i, v := range tok {
				y[v] += C(i)
			}
			return sum(J, func(j int) float64 { return y[j] * y[j] })
		}()},
		{"let y[i] = c[floor(i/2)] + c[i+1-3*min(i, 1)]\nloss = sum over i of y[i]", sum(I, func(i int) float64 {
			k := i + 1 - 3*min(i, 1)
			y := C(i / 2)
			if k >= 0 && k < I {
				y += C(k)
			}
			return y
		})},
		{"let y[i,m] = c[i - m]\nloss = sum over i, m (y[i,m]*(1 + m))", sum(I, func(i int) float64 {
			return sum(I, func(m int) float64 {
				if i < m {
					return 0
				}
				return C(i-m) * float64(1+m)
			})
		})},
		{"let y[i] = where(i >= 2 and i < 5, c[i-2]*c[i+1], where(i < 1, c[i+5], 7))\nloss = sum over i of y[i]",
			C(5) + 7 + C(0)*C(3) + C(1)*C(4) + C(2)*C(5) + 7},
		{"dim half = 2\nindex p in half\nlet y[i,p] = a[i,j=p]*a[i,j=p+2]\nloss = sum over i, p of y[i,p]", sum(I, func(i int) float64 {
			return A(i, 0)*A(i, 2) + A(i, 1)*A(i, 3)
		})},
		{"loss = max over i where i < 4 of a[i,1] - min over i, j of a[i,j]", func() float64 {
			hi, lo := math.Inf(-1), math.Inf(1)
			for i := range I {
				for j := range J {
					lo = math.Min(lo, A(i, j))
				}
				if i < 4 {
					hi = math.Max(hi, A(i, 1))
				}
			}
			return hi - lo
		}()},
		{"loss = (mean over i where i > 1 of c[i]) + (prod over i where i < 3 of c[i]) + (sum over i where tokens[i] > 0 of 1)",
			sum(I, func(i int) float64 {
				if i > 1 {
					return C(i) / 4
				}
				return 0
			}) + C(0)*C(1)*C(2) + 4},
		{"let y[i,m] = softmax over m where m <= i and i - m < 2 of c[m]\nloss = sum over i, m (y[i,m]*(i + 10*m))", sum(I, func(i int) float64 {
			lo := max(0, i-1)
			z := 0.0
			for m := lo; m <= i; m++ {
				z += math.Exp(C(m))
			}
			return sum(I, func(m int) float64 {
				if m < lo || m > i {
					return 0
				}
				return math.Exp(C(m)) / z * float64(i+10*m)
			})
		})},
		{"let x[i] = c[i]\nfor l in #rounds carrying x { x'[i] = x[i]*(l + 1) + #l }\nloss = sum over i of x[i]", sum(I, func(i int) float64 {
			return (((C(i))*1+3)*2+3)*3 + 3
		})},
		{"let y[i] = 3\nlet z = sum over i of y[i]\nloss = z + #i - a[2,#j - 1] + pow(2, 0.5)*2^3*4^-0.5", 18 + 6 - A(2, 3) + math.Sqrt2*8/2},
	} {
		stmts := strings.Replace(c.stmts, "#rounds", "rounds", 1)
		text := `
model m(ctx = 6, n = 4, q = 5, rounds = 3) {
  index i, m in ctx
  index j in n
  index k in q
  input tokens[i], next[i] in n
  weight a[i,j] ~ sin(1 + i + 3*j)
  weight b[j,k] ~ cos(j - 2*k)
  weight c[i] ~ 1 + i/2
` + stmts + `
}
train m { steps 1; optimizer sgd(lr = 1) }
`
		f, errs := syntax.Parse("m.wf", text)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		p, list := Build(f, Options{Float: ir.F64})
		if p == nil {
			t.Errorf("%s: %v", c.stmts, list)
			continue
		}
		if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
			t.Fatal(err)
		}
		m, err := interp.New(p.IR)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Scalars(map[string]float64{"run.once": 1}); err != nil {
			t.Fatal(err)
		}
		for i := range p.IR.Funcs {
			if p.IR.Funcs[i].Host {
				step(t, m, p.IR.Funcs[i].Name)
			}
		}
		x := ir.NewTensor(ir.I32, 1, 6)
		for i, v := range tok {
			x.I32[i] = int32(v)
		}
		if err := m.Set("tokens", x); err != nil {
			t.Fatal(err)
		}
		step(t, m, "loss")
		if got := scalar(t, m, "loss"); math.Abs(got-c.want) > 1e-11*(1+math.Abs(c.want)) {
			t.Errorf("%s: %.14g, expected %.14g", c.stmts, got, c.want)
		}
	}
}

// A score that the mask excludes may be far above all allowed ones: neither the loss nor the gradient sees it.
func TestMaskedScoresMayBeLarge(t *testing.T) {
	const text = `
model m(ctx = 6, n = 4) {
  index i, m in ctx
  index j in n
  input tokens[i], next[i] in n
  weight a[i] ~ 60*i
  weight head[j] ~ j
  let w[i,m] = softmax over m where m <= i of a[m]*a[i]
  let logits[i,j] = w[i,m]*a[m]*head[j]
  loss = mean over i of crossentropy(logits[i], next[i])
}
train m { steps 3; optimizer sgd(lr = 1e-9) }
`
	for _, more := range []string{"", "; recompute layers"} {
		p := buildText(t, "m.wf", strings.Replace(text, "lr = 1e-9)", "lr = 1e-9)"+more, 1), nil)
		m := launched(t, p)
		for range 2 {
			step(t, m, p.Plan.Step)
			if l, g := scalar(t, m, "loss"), scalar(t, m, normArray); math.IsNaN(l) || math.IsNaN(g) || math.IsInf(g, 0) {
				t.Errorf("loss %g, gradient %g", l, g)
			}
		}
	}
}

// Layers computed again with f16: the loss is scaled, and the gradient is the one of kept layers.
func TestRecomputeWithF16(t *testing.T) {
	text := modelText(t, "gpt2")
	parts := strings.Replace(text, "  clip clip_at\n", "  clip clip_at\n  recompute layers\n", 1)
	for _, accumulate := range []string{"1", "2"} {
		set := map[string]string{"ctx": "6", "d": "8", "vocab": "8", "layers": "2", "batch_size": "1", "precision": "f16", "accumulate": accumulate}
		var norms [2]float64
		for i, text := range []string{text, parts} {
			p := buildText(t, "gpt2.wf", text, set)
			m := launched(t, p)
			for range 4 { // the scale goes down until the gradient is finite
				if p.Plan.Micro != "" {
					step(t, m, p.Plan.Micro)
				}
				step(t, m, p.Plan.Step)
				norms[i] = scalar(t, m, normArray)
			}
			if v := scalar(t, m, scaleArray); v <= 1 {
				t.Errorf("the scale of the loss became %g", v)
			}
		}
		if !(math.Abs(norms[0]-norms[1]) <= 1e-4*norms[0]) {
			t.Errorf("accumulate %s: the gradient's norm is %g, with layers computed again %g", accumulate, norms[0], norms[1])
		}
	}
}
