package dsl_test

import (
	"context"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// result is the state of the arrays at the end of a run.
type result struct {
	p      *ir.Program
	arrays map[string]*ir.Tensor
	env    map[string]float64
}

// at reads an element by its indices.
func (r *result) at(name string, idx ...int) float64 {
	t := r.arrays[name]
	k := 0
	for i, d := range t.Dims {
		k = k*d + idx[i]
	}
	return t.At(k)
}

// execute runs the canonical form of a lowered program on the interpreter, following its schedule.
func execute(t *testing.T, p *ir.Program) *result {
	t.Helper()
	if err := ir.Verify(p); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	can, err := passes.Canonical(p)
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	env, err := ir.EvalHost(can, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := ir.EvalChecks(can, env); len(f) > 0 {
		t.Fatalf("check fails: %v", &f[0])
	}
	arrays, err := interp.RunHost(can, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := interp.New(can)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range can.Arrays {
		if err := m.Set(a.Name, arrays[a.Name]); err != nil {
			t.Fatal(err)
		}
	}
	for _, run := range can.Schedule {
		if f := can.Func(run.Func); f != nil && f.Host {
			continue
		}
		bound, err := ir.EvalHost(can, nil, run.Bind)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Scalars(bound); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Run(context.Background(), run.Func, int(math.Round(env[run.Count]))); err != nil {
			t.Fatal(err)
		}
	}
	out := &result{p: can, arrays: map[string]*ir.Tensor{}, env: env}
	for _, a := range can.Arrays {
		if out.arrays[a.Name], err = m.Get(a.Name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// run compiles and executes a source text with f64 fields.
func run(t *testing.T, src string) *result {
	t.Helper()
	p, errs := dsl.Compile("test.wf", src, dsl.Options{Float: ir.F64})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	return execute(t, p)
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.12g, want %.12g within %g", what, got, want, tol)
	}
}

// The WFA documentation's first example; figures computed in f64 from its scheme.
func TestWFAGolden(t *testing.T) {
	r := execute(t, compile(t, "../models/wfa/diffusion_explicit.wf", nil))
	sum := 0.0
	for x := 1; x < 9; x++ {
		for y := 1; y < 9; y++ {
			for z := 1; z < 9; z++ {
				sum += r.at("T", x, y, z)
			}
		}
	}
	near(t, "interior sum", sum, 463.22768, 463*2e-6)
	for k, want := range []float64{0.65660000, 0.93348000, 0.99273000, 0.99957000} {
		near(t, "T[5,5,k]", r.at("T", 5, 5, k+1), want, 2e-6)
	}
	for k, want := range []float64{0.75498000, 0.95592000, 0.99489000, 0.99965000} {
		near(t, "T[1,1,k]", r.at("T", 1, 1, k+1), want, 2e-6)
	}
}

// Gray-Scott against a f64 run computed independently, and the fourfold symmetry about the centre of the square.
func TestGrayScott(t *testing.T) {
	p := compile(t, "../models/grayscott.wf", nil)
	r := execute(t, p)
	mean := func(name string) float64 {
		s := 0.0
		for k := range r.arrays[name].Len() {
			s += r.arrays[name].At(k)
		}
		return s / float64(r.arrays[name].Len())
	}
	near(t, "mean U", mean("U"), 0.9597798295, 1e-5)
	near(t, "mean V", mean("V"), 0.0173938157, 1e-5)
	near(t, "U[32][32]", r.at("U", 32, 32), 0.4182556779, 1e-4)
	for i := range 64 {
		for j := range 64 {
			near(t, "the mirror of U", r.at("U", 63-i, j), r.at("U", i, j), 0)
			near(t, "the transpose of U", r.at("U", j, i), r.at("U", i, j), 0)
		}
	}
}

// A glider is itself, one cell on along both axes, after four generations; the whole board is compared with a plain loop.
func TestLife(t *testing.T) {
	const n = 32
	r := execute(t, compile(t, "../models/life.wf", nil))
	var a [n][n]int
	for _, c := range [][2]int{{2, 3}, {3, 4}, {4, 2}, {4, 3}, {4, 4}} {
		a[c[0]][c[1]] = 1
	}
	for range 16 {
		var b [n][n]int
		for i := 1; i < n-1; i++ {
			for j := 1; j < n-1; j++ {
				s := -a[i][j]
				for di := -1; di <= 1; di++ {
					for dj := -1; dj <= 1; dj++ {
						s += a[i+di][j+dj]
					}
				}
				if s == 3 || s == 2 && a[i][j] == 1 {
					b[i][j] = 1
				}
			}
		}
		a = b
	}
	alive := 0
	for i := range n {
		for j := range n {
			if r.at("cell", i, j) != float64(a[i][j]) {
				t.Fatalf("cell[%d][%d] = %v, want %d", i, j, r.at("cell", i, j), a[i][j])
			}
			alive += a[i][j]
		}
	}
	if alive != 5 {
		t.Fatalf("%d cells alive, a glider has 5", alive)
	}
}

// V1: heat in a rod against the error function, FiPy's own tolerance.
func TestHeatErf(t *testing.T) {
	r := run(t, `
grid rod { x: 0 .. 50 in 50 }
field T on rod = 0
bc T { x.lo: T = 1;  x.hi: T = 0 }
const h = 0.9*1/2
evolve t from 0 to 100*h step h { dt(T) = lap(T) }
`)
	for i := range 50 {
		x := float64(i) + 0.5
		near(t, "T", r.at("T", i), 1-math.Erf(x/(2*math.Sqrt(45))), 7e-4)
	}
}

// V4: the scheme multiplies a discrete eigenmode by 1 - 4 d r sin^2(pi h/2) each step.
func TestHeatEigenmode(t *testing.T) {
	r := run(t, `
grid g nodes { x: 0 .. 1 in 17; y: 0 .. 1 in 17 }
field T on g = sin(pi*x)*sin(pi*y)
bc T { all: T = 0 }
evolve t from 0 to 0.05 step auto(0.8) { dt(T) = lap(T) }
`)
	h, n := 1.0/16, r.env["step.count"]
	rr := r.env["step.full"] / (h * h)
	s := math.Sin(math.Pi * h / 2)
	scale := math.Pow(1-8*rr*s*s, n)
	near(t, "limit", r.env["step.limit"], h*h/4, 1e-15)
	for i := range 17 {
		for j := range 17 {
			want := scale * math.Sin(math.Pi*float64(i)*h) * math.Sin(math.Pi*float64(j)*h)
			near(t, "T", r.at("T", i, j), want, 1e-13)
		}
	}
}

// V7: upwind at CFL = 1 is an exact shift, in f32 too.
func TestUpwindShift(t *testing.T) {
	src := `
const c = %
grid ring { x: 0 .. 1 in 64 periodic }
field q on ring = where(abs(x - 0.3) < 0.1, 1 + x, 0.1)
field q0 on ring = q
evolve t from 0 to 0.25 step auto(1) { dt(q) = -upwind(c, q) }
`
	for _, c := range []string{"1", "-1"} {
		p, errs := dsl.Compile("t.wf", replace(src, c), dsl.Options{})
		if errs.HasErrors() {
			t.Fatal(errs)
		}
		r := execute(t, p)
		shift := 16
		if c == "-1" {
			shift = 48
		}
		for i := range 64 {
			if a, b := r.at("q", (i+shift)%64), r.at("q0", i); a != b {
				t.Fatalf("c = %s: q[%d] = %v, want %v", c, (i+shift)%64, a, b)
			}
		}
	}
}

func replace(s, v string) string {
	for i := range s {
		if s[i] == '%' {
			return s[:i] + v + s[i+1:]
		}
	}
	return s
}

// V6: leapfrog with its second-order start gives a standing wave exactly the numerical frequency: sin(w dt/2) = C sin(k dx/2).
func TestWaveDispersion(t *testing.T) {
	r := run(t, `
grid string nodes { x: 0 .. 1 in 33 }
field u on string = sin(pi*x)
bc u { all: u = 0 }
evolve t from 0 to 1.3 step auto { dt(dt(u)) = lap(u) }
`)
	dt, h := r.env["step.dt"], 1.0/32
	w := 2 / dt * math.Asin(dt/h*math.Sin(math.Pi*h/2))
	for i := range 33 {
		near(t, "u", r.at("u", i), math.Cos(w*1.3)*math.Sin(math.Pi*float64(i)*h), 1e-12)
	}
}

// The last step is clipped: the end time is met exactly, by Euler and by leapfrog (whose polynomial of second degree stays exact).
func TestClippedStep(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 4 periodic }
field a on g = 0
field b on g = x
field c on g = 0
dt(b) = 3
evolve t from 0 to 1 step 0.3 { dt(a) = 2;  dt(dt(b)) = 4;  dt(c) = t }
`)
	for i := range 4 {
		near(t, "a", r.at("a", i), 2, 1e-14)
		near(t, "b", r.at("b", i), (float64(i)+0.5)/4+3+2, 1e-14)
		near(t, "c", r.at("c", i), 0.3*(0+0.3+0.6)+0.1*0.9, 1e-14)
	}
	if r.env["step.count"] != 3 || r.env["step.clip"] != 1 {
		t.Errorf("count %v, clip %v", r.env["step.count"], r.env["step.clip"])
	}
}

// A fixed end node holds the boundary value at the end of the step, a slope acts through the ghost, and t is the time of the step.
func TestTimeInBoundaries(t *testing.T) {
	r := run(t, `
grid g nodes { x: 0 .. 1 in 5;  y: 0 .. 1 in 3 }
field T on g = 1
bc T { x.lo: T = t;  x.hi: dn(T) = y;  y: dn(T) = 0 }
evolve t from 0 to 0.02 step 0.01 { dt(T) = lap(T) }
`)
	near(t, "T[0,0]", r.at("T", 0, 0), 0.02, 1e-15)
	// first step: T[0]=0.01 after it; at x.hi the ghost is T[3] + 2*h*y, so lap = 2*y/h
	h, dt := 0.25, 0.01
	t4 := 1 + dt*2*1/h // y = 1
	near(t, "T[4,2] > start", r.at("T", 4, 2), t4+dt*((2*1-2*t4+2*h*1)/(h*h)+2*((1+dt*2*0.5/h)-t4)/(0.5*0.5)), 1e-13)
}

// An asymmetric field and extents: x, y and z are nowhere swapped.
func TestAxesKeepTheirPlace(t *testing.T) {
	r := run(t, `
grid g { x: 3 periodic;  y: 4 periodic;  z: 5 periodic }
field T on g = x + 10*y + 100*z
field S on g = 0
evolve n in 0 .. 1 { S'[x,y,z] = T[x+1,y,z] + 1000*T[x,y-1,z] + 1000000*T[x,y,z+2] }
`)
	v := func(i, j, k int) float64 { return float64((i+3)%3) + 10*float64((j+4)%4) + 100*float64((k+5)%5) }
	for i := range 3 {
		for j := range 4 {
			for k := range 5 {
				near(t, "S", r.at("S", i, j, k), v(i+1, j, k)+1000*v(i, j-1, k)+1e6*v(i, j, k+2), 0)
			}
		}
	}
}

// Sums, means and maxima over axes, products with a missing index, and lets with indices.
func TestReductions(t *testing.T) {
	r := run(t, `
dim i = 5, j = 7
index k in i
field A[i, j] = i + 10*j
field x[j] = 1 + j
field y[i] = 0
field top[i] = 0
field total = 0
evolve n in 0 .. 1 {
  let m[i] = mean over j of A[i,j]
  y'[i] = 2*A[i,j]*x[j] + m[i]
  top'[i] = max over j where A[i,j] < 40 of A[i,j]
  total' = sum over i, j of A[i,j]
}
`)
	for i := range 5 {
		s := 0.0
		for j := range 7 {
			s += 2 * float64(i+10*j) * float64(1+j)
		}
		near(t, "y", r.at("y", i), s+float64(i)+30, 1e-12)
		near(t, "top", r.at("top", i), float64(i+30), 0)
	}
	near(t, "total", r.at("total"), 5*7*(2+30), 0)
}

// A value param changes the limit and the count of steps at load.
func TestValueParams(t *testing.T) {
	src := `
param alpha = 1
grid g { x: 0 .. 1 in 10 }
field T on g = x
bc T { all: dn(T) = 0 }
evolve t from 0 to 1 step auto(1) { dt(T) = alpha*lap(T) }
`
	p, errs := dsl.Compile("t.wf", src, dsl.Options{})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	for _, c := range []struct{ alpha, count float64 }{{1, 200}, {3, 600}} {
		env, err := ir.EvalHost(p, map[string]float64{"alpha": c.alpha}, nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "count", env["step.count"], c.count, 0)
	}
	given := `
param alpha = 1
grid g { x: 0 .. 1 in 10 }
field T on g = x
bc T { all: dn(T) = 0 }
evolve t from 0 to 1 step 0.004 { dt(T) = alpha*lap(T) }
`
	p, errs = dsl.Compile("t.wf", given, dsl.Options{})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	for alpha, fails := range map[float64]int{1: 0, 2: 1} {
		env, err := ir.EvalHost(p, map[string]float64{"alpha": alpha}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f := ir.EvalChecks(p, env); len(f) != fails {
			t.Errorf("alpha %v: %v", alpha, f)
		}
	}
}

// An equation reads fields over some of its axes, and points at offsets; a boundary value reads a field over the other axis.
func TestLowerRankFields(t *testing.T) {
	r := run(t, `
grid g nodes { x: 4;  y: 3 }
field T on g = 0
field S on g = 0
field profile[y] = 1 + y
field scale[x] = 10*x
bc T { x.lo: T = profile[y];  x.hi: dn(T) = 0;  y: dn(T) = 0 }
evolve t from 0 to 1 step 1 {
  dt(T) = profile[y]*scale[x]
  dt(S) = profile[y] + T[x,2] + S[1,y]
}
`)
	for i := range 4 {
		for j := range 3 {
			want := (1 + float64(j)) * 10 * float64(i)
			t2 := 0.0
			if i == 0 {
				want, t2 = 1+float64(j), 3
			}
			near(t, "T", r.at("T", i, j), want, 0)
			near(t, "S", r.at("S", i, j), 1+float64(j)+t2, 0)
		}
	}
}
