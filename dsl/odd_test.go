package dsl_test

import (
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/internal/diag"
)

// Programs at the edges of the language: each compiles without a word, passes every verifier and runs to finite values.
func TestEdgesOfTheLanguage(t *testing.T) {
	for name, src := range map[string]string{
		"two grids with equal axis names": `
grid a { x: 0 .. 1 in 4 periodic;  y: 3 }
grid b { x: 0 .. 2 in 6 periodic;  y: 3 }
field T on a = x + y
field S on b = x*y
bc T { y: dn(T) = 0 }
bc S { y: S = 1 }
evolve t from 0 to 0.1 step 0.01 {
  dt(T) = lap(T)
  dt(S) = 0.1*lap(S)
}
output T, S at end as png`,
		"mixed types": `
grid g { x: 8 periodic }
field a: f64 on g = x
field b: f16 on g = 0.1*x
field c: i32 on g = x
field d on g = 1
evolve n in 1 .. 4 {
  a'[x] = a[x] + b[x] + c[x] + 0.5*n
  b'[x] = where(c[x+1] > 3 and not (d[x] == 0), b[x], -b[x])
  c'[x] = c[x-1]*2 + 1
  d'[x] = max(abs(a[x]), c[x], 2.5)^0.5
}`,
		"counts of zero steps": `
param steps = 0
grid g { x: 8 periodic }
field a on g = x
evolve n in 0 .. steps { a'[x] = a[x+1] }`,
		"single values and reductions in equations": `
grid g { x: 0 .. 1 in 8 periodic;  y: 0 .. 1 in 8 periodic }
field T on g = x*y
field total = 0
field rate = 1
evolve t from 0 to 0.01 step 0.001 {
  let m = mean over x, y of T
  let row = sum over y of T^2
  dt(T) = 0.1*lap(T) - rate*(T - m) + row*0.01
  dt(rate) = -rate
  total' = sum over x, y where T[x,y] > 0.1 of T[x,y]
}
probe p = total every 2 steps
probe q = T at (x = 0, y = 1)`,
		"one-dimensional dims in a loop": `
dim i = 5
index k in i
field A[i] = where(i == 2, 1, 0)
field p[i] = i
evolve n in 0 .. 3 {
  let s[i] = sum over k where k <= i of A[k]*p[k]
  p'[i] = s[i] - n
}`,
		"two evolves, times in both": `
grid g { x: 0 .. 1 in 8 periodic }
field T on g = 0
field u on g = sin(2*pi*x)
evolve t from 0 to 1 step 0.25 { dt(T) = t }
evolve s from 1 to 2 step auto { dt(dt(u)) = lap(u) + s;  T' = T + step*s }`,
		"nodes with a slope and a time": `
grid g nodes { x: 0 m .. 1 m in 6 }
const a = 1 m^2/s
field T: K on g = 300
bc T { x.lo: T = 300 K + 5 K/s * t;  x.hi: dn(T) = 2 K/m }
evolve t from 0 s to 0.1 s step auto order 4 { dt(T) = a*dx(dx(T)) }`,
		"higher derivatives": `
grid g { x: 0 .. 1 in 16 periodic;  y: 0 .. 1 in 16 periodic }
field T on g = sin(2*pi*x)
evolve t from 0 to 1e-6 step auto order 4 { dt(T) = -lap(lap(T)) - dx(dx(dx(T))) }`,
		"functions": `
grid g { x: 0 .. 1 in 16 periodic }
field T on g = exp(-x) + log(1 + x) + cos(x)*tanh(x) + floor(3*x) + ceil(x) + pow(1 + x, 1.5) + sqrt(x) + x^-2 + 2^x
evolve n in 0 .. 2 { T' = exp(-T) + log(1 + T^2) + cos(T)*tanh(T) + floor(3*T) + sqrt(abs(T)) + pow(1 + abs(T), x) + sin(pi*x) }`,
		"names like words": `
grid grid1 { x: 4 periodic }
field end on grid1 = 0
field every on grid1 = 1
evolve n in 0 .. 2 { end' = every;  every' = end }
output end, every at end`,
	} {
		p, errs := dsl.Compile(name, src, dsl.Options{})
		for _, d := range errs {
			if d.Severity != diag.Info {
				t.Errorf("%s\n%s", name, d.Render(diag.Style{}))
			}
		}
		if p == nil {
			continue
		}
		r := execute(t, p)
		for _, a := range r.p.Arrays {
			for k := range r.arrays[a.Name].Len() {
				if v := r.arrays[a.Name].At(k); v != v || v > 1e30 || v < -1e30 {
					t.Errorf("%s: %s[%d] = %v", name, a.Name, k, v)
					break
				}
			}
		}
	}
}
