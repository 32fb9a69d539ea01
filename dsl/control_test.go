package dsl_test

import (
	"math"
	"testing"
)

// Counted loops, nested loops, choices and functions at top level and in steps, against plain Go.
func TestControl(t *testing.T) {
	r := run(t, `
field a = 0
field b = 0
field total = 0
field last = 0
field steps = 0
fn twice(x) = 2*x
loop s = 0 for k in 0 .. 5 {
  s' = s + k
}
a = twice(s)
loop k in 1 .. 4 {
  loop j in 0 .. 3 {
    if j < k { total' = total + 10*k + j } else { total' = total - 1 }
  }
}
loop x = 100 while x > 1 max 50 { x' = x/2; steps' = steps + 1 }
b = x + total
evolve n in 0 .. 3 {
  loop y = n while y < 10 { y' = y + 4 }
  last' = last + y
}
`)
	total := 0.0
	for k := 1; k < 4; k++ {
		for j := range 3 {
			if j < k {
				total += float64(10*k + j)
			} else {
				total--
			}
		}
	}
	near(t, "a", r.at("a"), 20, 0)
	near(t, "total", r.at("total"), total, 0)
	near(t, "steps", r.at("steps"), 7, 0)
	near(t, "b", r.at("b"), 100.0/128+total, 0)
	near(t, "last", r.at("last"), 12+13+10, 0)
}

// Conjugate gradients written by hand solve the implicit heat equation.
func TestHandCG(t *testing.T) {
	r := run(t, `
param n = 12, tol = 1e-12
const alpha = 1
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n periodic }
field T on g = 1 + x*sin(2*pi*y)
field iterations = 0
bc T { x.lo: T = 0; x.hi: dn(T) = 0 }
fn A(p) = p - 0.01*alpha*lap(p)
evolve t from 0 to 0.05 step 0.01 {
  let r0 = T - A(T)
  loop x = T, r = r0, p = r0 like T homogeneous, rr = dot(r0, r0) while rr > tol^2*dot(T, T) max 200 else fail {
    let Ap = A(p)
    let a = rr/dot(p, Ap)
    x' = x + a*p
    r' = r - a*Ap
    rr' = dot(r', r')
    p' = r' + (rr'/rr)*p
    iterations' = iterations + 1
  }
  T' = x
}
`)
	want := implicitHeat(12, 5, 0.01)
	worst := 0.0
	for i := range 12 {
		for j := range 12 {
			worst = math.Max(worst, math.Abs(r.at("T", i, j)-want[i][j]))
		}
	}
	if !(worst < 1e-10) || r.at("iterations") < 5 {
		t.Errorf("differs by %g after %g iterations", worst, r.at("iterations"))
	}
}

// implicitHeat solves the same by Gauss and Seidel until nothing changes.
func implicitHeat(n, steps int, dt float64) [][]float64 {
	h := 1 / float64(n)
	u := make([][]float64, n)
	for i := range u {
		u[i] = make([]float64, n)
		for j := range u[i] {
			x, y := (float64(i)+0.5)*h, (float64(j)+0.5)*h
			u[i][j] = 1 + x*math.Sin(2*math.Pi*y)
		}
	}
	c := dt / (h * h)
	for range steps {
		b := make([][]float64, n)
		for i := range u {
			b[i] = append([]float64(nil), u[i]...)
		}
		for range 2000 {
			for i := range u {
				for j := range u[i] {
					diag, s := 1+2*c, u[i][(j+1)%n]+u[i][(j+n-1)%n]
					switch {
					case i == 0: // the ghost is -u
						diag, s = diag+3*c, s+u[1][j]
					case i == n-1:
						diag, s = diag+c, s+u[n-2][j]
					default:
						diag, s = diag+2*c, s+u[i-1][j]+u[i+1][j]
					}
					u[i][j] = (b[i][j] + c*s) / diag
				}
			}
		}
	}
	return u
}
