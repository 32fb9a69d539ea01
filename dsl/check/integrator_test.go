package check

import (
	"fmt"
	"math"
	"testing"
)

// The regions in which stability.go looks for the spectrum lie inside the regions of stability, and reach their ends.
func TestStabilityRegions(t *testing.T) {
	growth := func(m *Integrator, re, im float64) float64 { return math.Sqrt(abs2(m.Amplification(complex(re, im)))) }
	for _, m := range integrators {
		for i := range 400 {
			th := 2 * math.Pi * float64(i) / 400
			for _, r := range []float64{1, 0.9, 0.5, 0.1} {
				rho := m.Real / 2 * r
				if g := growth(m, -m.Real/2+rho*math.Cos(th), rho*math.Sin(th)); g > 1+1e-9 {
					t.Fatalf("%s: growth %v in the disk at radius %v, angle %v", m.Name, g, r, th)
				}
			}
			s := float64(i) / 400
			for _, r := range []float64{1, 0.5, 0.1} {
				if g := growth(m, -m.Real*s*r, m.Imag*(1-s)*r); m.Imag > 0 && g > 1+1e-9 {
					t.Fatalf("%s: growth %v in the triangle at %v", m.Name, g, s)
				}
			}
		}
		if growth(m, -m.Real*1.001, 0) <= 1 {
			t.Errorf("%s is stable beyond its extent along the real axis", m.Name)
		}
		if growth(m, 0, m.Imag*1.001+0.2) <= 1 {
			t.Errorf("%s is stable beyond its extent along the imaginary axis", m.Name)
		}
	}
}

// The amplification agrees with exp(z) to the order of the method.
func TestAmplificationOrder(t *testing.T) {
	for _, m := range integrators {
		if m.Back {
			continue
		}
		e := func(h float64) float64 { return math.Abs(real(m.Amplification(complex(-h, 0))) - math.Exp(-h)) }
		if p := math.Log2(e(0.02) / e(0.01)); math.Abs(p-float64(m.Order+1)) > 0.05 {
			t.Errorf("%s: the error of one step falls with order %.3f, not %d", m.Name, p, m.Order+1)
		}
	}
}

// Limits of auto: exact for pure diffusion and for pure advection.
func TestAutoLimits(t *testing.T) {
	for _, m := range integrators {
		for _, c := range []struct {
			rhs  string
			want float64
		}{
			{"0.5*lap(u)", m.Real / (4 * 0.5 * 64)},
			{"-2*dx(u)", m.Imag / (2 * 8)},
			{"lap(u) - 2*dx(u)", max(m.Real/(4*64.0), 1/(4*64.0/m.Real+16/m.Imag))},
		} {
			src := fmt.Sprintf("grid g { x: 0 .. 1 in 8 periodic }\nfield u on g = x\nevolve t from 0 to 1 step auto by %s { dt(u) = %s }\n", m.Name, c.rhs)
			p, errs := checkText(src, nil)
			if c.want == 0 {
				if p != nil {
					t.Errorf("%s: %s has a stable step", m.Name, c.rhs)
				}
				continue
			}
			if p == nil {
				t.Fatal(errs)
			}
			if got, _ := Eval(p.Blocks[0].Limit); math.Abs(got-c.want) > 1e-12*c.want {
				t.Errorf("%s: limit of %s is %v, want %v", m.Name, c.rhs, got, c.want)
			}
		}
	}
}

// Waves as systems of first order: limits by hand.
func TestCoupledLimits(t *testing.T) {
	i4 := 2 * math.Sqrt2
	for _, c := range []struct {
		src  string
		want float64
	}{
		{"field u on g = x\nfield v on g = 0\nevolve t from 0 to 1 step auto by rk4 { dt(u) = 4*dx(v);  dt(v) = dx(u) }", i4 / (2 * 8)},
		{"field u on g = x\nfield v on g = 0\nevolve t from 0 to 1 step auto by rk4 { dt(u) = dx(v) + lap(u);  dt(v) = dx(u) - v }",
			1 / (8/i4 + 4*64/2.785293563405)},
		{"field u on g.x = x\nfield v on g = 0\nevolve t from 0 to 1 step auto by ssprk3 { dt(u) = -dx(v);  dt(v) = -4*dx(u) }", math.Sqrt(3) / (2 * 2 * 8)},
		{"field u on g = x\nfield v on g = 0\nevolve t from 0 to 1 step auto { dt(u) = dx(v);  dt(v) = dx(u) }", 0},
		{"field u on g = x\nfield v on g = 0\nevolve t from 0 to 1 step auto by rk4 { dt(u) = dx(v);  dt(v) = -dx(u) }", 0},
		{"field u on g = x\nfield v on g = 0\nevolve t from 0 to 1 step auto by rk4 { dt(u) = lap(v);  dt(v) = -lap(u) }", 0},
	} {
		p, errs := checkText("grid g { x: 0 .. 1 in 8 periodic }\n"+c.src+"\n", nil)
		if c.want == 0 {
			if p != nil {
				t.Errorf("%s: has a limit", c.src)
			}
			continue
		}
		if p == nil {
			t.Fatal(errs)
		}
		if got, _ := Eval(p.Blocks[0].Limit); math.Abs(got-c.want) > 1e-12*c.want {
			t.Errorf("%s: limit %v, want %v", c.src, got, c.want)
		}
	}
}
