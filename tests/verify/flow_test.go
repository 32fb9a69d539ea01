package verify

import (
	"math"
	"strconv"
	"testing"

	"github.com/wfc-lang/wfc"
)

// flow runs a program of models/ on the fastest host target.
func flow(t *testing.T, file string, set map[string]string) fields {
	t.Helper()
	src, err := wfc.ReadSource("../../models/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, build(t, src, set, "", 0, 0), fastest(t))
}

// needsNative skips a case that takes minutes on the interpreter.
func needsNative(t *testing.T) {
	t.Helper()
	if !hasLLVM() {
		t.Skip("no LLVM, and the interpreter would take minutes")
	}
}

// profile is a polyline through points of ascending x.
type profile struct{ x, y []float64 }

func (p *profile) add(x, y float64) { p.x, p.y = append(p.x, x), append(p.y, y) }

func (p *profile) at(x float64) float64 {
	i := 1
	for i < len(p.x)-1 && p.x[i] < x {
		i++
	}
	return p.y[i-1] + (p.y[i]-p.y[i-1])*(x-p.x[i-1])/(p.x[i]-p.x[i-1])
}

// Tables I and II of Ghia, Ghia and Shin (1982) at Re = 100: u over y at x = 1/2, v over x at y = 1/2.
var (
	ghiaU = [][2]float64{{0.9766, 0.84123}, {0.9688, 0.78871}, {0.9609, 0.73722}, {0.9531, 0.68717}, {0.8516, 0.23151}, {0.7344, 0.00332},
		{0.6172, -0.13641}, {0.5000, -0.20581}, {0.4531, -0.21090}, {0.2813, -0.15662}, {0.1719, -0.10150}, {0.1016, -0.06434},
		{0.0703, -0.04775}, {0.0625, -0.04192}, {0.0547, -0.03717}}
	ghiaV = [][2]float64{{0.9688, -0.05906}, {0.9609, -0.07391}, {0.9531, -0.08864}, {0.9453, -0.10313}, {0.9063, -0.16914}, {0.8594, -0.22445},
		{0.8047, -0.24533}, {0.5000, 0.05454}, {0.2344, 0.17527}, {0.2266, 0.17507}, {0.1563, 0.16077}, {0.0938, 0.12317}, {0.0781, 0.10890},
		{0.0703, 0.10091}, {0.0625, 0.09233}}
)

// V11: the lid-driven cavity at Re = 100 on 128 x 128 cells within 0.01 of every published value.
func TestCavity(t *testing.T) {
	needsNative(t)
	const n = 128
	f := flow(t, "cavity.wf", map[string]string{"n": "128"})
	var u, v profile
	u.add(0, 0)
	v.add(0, 0)
	for i := range n {
		at := (float64(i) + 0.5) / n
		u.add(at, f.at("u", n/2, i))
		v.add(at, f.at("v", i, n/2))
	}
	u.add(1, 1)
	v.add(1, 0)
	for _, c := range []struct {
		name  string
		p     profile
		table [][2]float64
	}{{"u", u, ghiaU}, {"v", v, ghiaV}} {
		worst := 0.0
		for _, g := range c.table {
			d := math.Abs(c.p.at(g[0]) - g[1])
			worst = math.Max(worst, d)
			if d > 0.01 {
				t.Errorf("%s at %g is %.5f, published %.5f", c.name, g[0], c.p.at(g[0]), g[1])
			}
		}
		t.Logf("%s: at most %.5f from the table", c.name, worst)
	}
}

// V12: natural convection (de Vahl Davis 1983): largest speeds on the centre lines and the heat through the hot wall within 1 %.
func TestConvection(t *testing.T) {
	needsNative(t)
	for _, c := range []struct {
		ra, n   string
		size    int
		u, v, h float64
	}{{"1000", "40", 40, 3.649, 3.697, 1.118}, {"1e5", "96", 96, 34.73, 68.59, 4.519}} {
		end := map[string]string{"1000": "1", "1e5": "0.3"}[c.ra]
		f := flow(t, "convection.wf", map[string]string{"Ra": c.ra, "n": c.n, "end": end})
		var u, v, heat float64
		for i := range c.size {
			u = math.Max(u, f.at("u", c.size/2, i))
			v = math.Max(v, f.at("v", i, c.size/2))
			// Second order at the wall: the value there and two cells.
			heat += (8*0.5 - 9*f.at("T", 0, i) + f.at("T", 1, i)) / 3
		}
		for _, x := range []struct {
			what      string
			got, want float64
		}{{"u", u, c.u}, {"v", v, c.v}, {"heat", heat, c.h}, {"mean heat", f.at("nusselt"), c.h}} {
			t.Logf("Ra %s: %s %.4f, published %.4f", c.ra, x.what, x.got, x.want)
			if math.Abs(x.got/x.want-1) > 0.01 {
				t.Errorf("Ra %s: %s is %.4f, published %.4f", c.ra, x.what, x.got, x.want)
			}
		}
	}
}

// V13: rolls of the critical wave length grow at Ra = 1800 and die at Ra = 1600.
func TestOnsetOfConvection(t *testing.T) {
	speed := func(ra, end string) float64 {
		return flow(t, "rayleigh_benard.wf", map[string]string{"Ra": ra, "n": "16", "end": end}).at("speed")
	}
	for _, c := range []struct {
		ra    string
		grows bool
	}{{"1600", false}, {"1800", true}} {
		early, late := speed(c.ra, "0.4"), speed(c.ra, "0.8")
		t.Logf("Ra %s: speed %.3e, then %.3e", c.ra, early, late)
		if (late > early) != c.grows {
			t.Errorf("Ra %s: the speed goes from %.3e to %.3e", c.ra, early, late)
		}
	}
}

// V10: far from the inlet of a channel the profile is that of Poiseuille, and what flows in flows out.
func TestChannel(t *testing.T) {
	const n = 16
	f := flow(t, "channel.wf", map[string]string{"n": "16", "tol": "1e-4"})
	flux := 0.0
	for j := range n {
		y := (float64(j) + 0.5) / n
		at := 3*n + n/2
		flux += f.at("u", at, j) / n
		if want := 6 * y * (1 - y); math.Abs(f.at("u", at, j)-want) > 0.015 {
			t.Errorf("u at y = %.3f is %.4f, want %.4f", y, f.at("u", at, j), want)
		}
	}
	if math.Abs(flux-1) > 1e-4 {
		t.Errorf("%.6f flows through the channel, 1 into it", flux)
	}
}

// Convection at infinite Prandtl number: the pseudo-transient iteration and the exact Stokes flow of one roll. With T = cos(pi x) sin(pi y)
// Ra e_y between free-slip walls v = Ra cos(pi x) sin(pi y)/(4 pi^2) (the stream function solves lap(lap(psi)) = -Ra dT/dx).
func TestStokes(t *testing.T) {
	const peak = 1000 * 0.01 / (4 * math.Pi * math.Pi)
	var errs []float64
	for _, n := range []int{12, 24} {
		f := flow(t, "rayleigh_benard_stokes.wf", map[string]string{"n": strconv.Itoa(n), "end": "1e-6", "Ra": "1000", "tol": "1e-6"})
		worst := 0.0
		for i := range 2 * n {
			for j := range n + 1 {
				x, y := (float64(i)+0.5)/float64(n), float64(j)/float64(n)
				worst = math.Max(worst, math.Abs(f.at("v", i, j)/peak-math.Cos(math.Pi*x)*math.Sin(math.Pi*y)))
			}
		}
		errs = append(errs, worst)
	}
	order(t, "speed of a roll", errs, 2, 0.3)
}
