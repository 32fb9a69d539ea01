// Package mms draws programs with manufactured solutions.
//
// A draw chooses a smooth exact solution T, an equation dt(T) = L(T) + s and everything a user can choose about its discretisation:
// positions (cells, nodes, faces), spacing, kind of condition per side, coefficients and their face means, schemes, integrators. The
// source s and the conditions are worked out by hand here, as text, so that T solves the equation; the program is run on two grids and
// the error of the result measured against T gives the order, which must be the nominal one (P. Roache, Code verification by the method
// of manufactured solutions, J. Fluids Eng. 124 (2002) 4-10).
package mms

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Problem is one draw.
type Problem struct {
	Name    string
	Nominal float64
	Source  func(n int) string // the program on a grid of n cells along x
	Coarse  int                // n of the coarse grid; the fine one has twice as many
	// Result and Exact name the fields to compare. Inset leaves out that part of every axis at walls, where an operator alone is of lower
	// order.
	Result, Exact string
	Inset         float64
}

// wave is c + a*sin(k*x + p) of a coordinate, with its derivatives.
type wave struct{ c, a, k, p float64 }

func (w wave) at(x float64) float64    { return w.c + w.a*math.Sin(w.k*x+w.p) }
func (w wave) slope(x float64) float64 { return w.a * w.k * math.Cos(w.k*x+w.p) }

func num(v float64) string { return fmt.Sprintf("(%.17g)", v) }

func (w wave) text(x string) string {
	return fmt.Sprintf("(%.17g + %.17g*sin(%.17g*%s + %.17g))", w.c, w.a, w.k, x, w.p)
}
func (w wave) d1(x string) string {
	return fmt.Sprintf("(%.17g*cos(%.17g*%s + %.17g))", w.a*w.k, w.k, x, w.p)
}
func (w wave) d2(x string) string {
	return fmt.Sprintf("(%.17g*sin(%.17g*%s + %.17g))", -w.a*w.k*w.k, w.k, x, w.p)
}

// axis is one axis of a draw.
type axis struct {
	name     string
	periodic bool
	anti     bool
	nodes    bool
	face     bool   // T lives on the faces normal to it
	stretch  string // "" for even spacing
	finest   float64
	t        wave // factor of T
	k        wave // factor of the coefficient
}

func (a *axis) declare(n int) string {
	s := fmt.Sprintf("%s: 0 .. 1 in %d", a.name, n)
	if a.nodes {
		s += " nodes"
	}
	if a.periodic {
		s += " periodic"
	}
	if a.stretch != "" {
		s += " stretched " + a.stretch
	}
	return s
}

func uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

func pick[T any](r *rand.Rand, xs ...T) T { return xs[r.IntN(len(xs))] }

// drawAxis chooses topology, position and spacing.
func drawAxis(r *rand.Rand, name string) *axis {
	a := &axis{name: name, finest: 1}
	switch r.IntN(6) {
	case 0:
		a.periodic = true
	case 1:
		a.periodic, a.anti = true, true
	case 2:
		a.nodes = true
	case 3:
		a.face = true
	}
	if r.IntN(3) == 0 {
		if !a.periodic && r.IntN(2) == 0 {
			b := uniform(r, 0.6, 1.4)
			a.stretch = fmt.Sprintf("tanh(%.3f)", b)
			a.finest = b / math.Tanh(b) / (math.Cosh(b) * math.Cosh(b))
		} else {
			c := uniform(r, 0.02, 0.06)
			a.stretch = fmt.Sprintf("%s + %.3f*sin(2*pi*%s)", name, c, name)
			a.finest = 1 - 2*math.Pi*c
		}
	}
	switch {
	case a.anti:
		a.t = wave{0, 1, math.Pi, uniform(r, 0, 3)}
	case a.periodic:
		a.t = wave{1, 0.5, 2 * math.Pi, uniform(r, 0, 6)}
	default:
		a.t = wave{1, 0.5, uniform(r, 1, 3), uniform(r, 0, 6)}
	}
	a.k = wave{1, 0.3, 2 * math.Pi, uniform(r, 0, 6)}
	if !a.periodic {
		a.k.k = uniform(r, 1, 3)
	}
	return a
}

// Transport draws dt(T) = diffusion - advection + source on walls of all kinds, run in time. Steps go with the square of the spacing,
// so that the order in space is seen.
func Transport(r *rand.Rand, dims int) Problem {
	axes := []*axis{drawAxis(r, "x"), drawAxis(r, "y")}[:dims]
	grid := "g"
	faces := ""
	for _, a := range axes {
		if a.face {
			faces += a.name
		}
	}
	place := grid
	if faces != "" {
		place += "." + faces
	}
	product := func(f func(i int, a *axis) string) string {
		var out []string
		for i, a := range axes {
			out = append(out, f(i, a))
		}
		return strings.Join(out, "*")
	}
	exact := product(func(_ int, a *axis) string { return a.t.text(a.name) })
	kText := product(func(_ int, a *axis) string { return a.k.text(a.name) })
	decay := uniform(r, 0.5, 2)
	tau := fmt.Sprintf("exp(-%.6g*t)", decay)

	diffusion := pick(r, "constant", "variable", "harmonic")
	advection := pick(r, "none", "central", "faces", "upwind")
	scheme := pick(r, "", "", "vanleer", "weno5") // for velocities on faces
	D := uniform(r, 0.5, 1)
	if advection == "upwind" {
		D = 0.02
	}
	// Velocities that do not depend on their own coordinate: no divergence.
	speed := make([]string, dims)
	for i := range speed {
		speed[i] = num(uniform(r, 0.5, 1.5))
		if dims == 2 && advection != "upwind" {
			o := axes[1-i]
			speed[i] += "*" + o.k.text(o.name)
		}
	}
	var lap, flow []string
	for i := range axes {
		d := func(order int) string {
			return product(func(j int, a *axis) string {
				switch {
				case j != i:
					return a.t.text(a.name)
				case order == 1:
					return a.t.d1(a.name)
				}
				return a.t.d2(a.name)
			})
		}
		if diffusion == "constant" {
			lap = append(lap, num(D)+"*"+d(2))
		} else {
			dk := product(func(j int, a *axis) string {
				if j == i {
					return a.k.d1(a.name)
				}
				return a.k.text(a.name)
			})
			lap = append(lap, fmt.Sprintf("%s*(%s*%s + %s*%s)", num(D), kText, d(2), dk, d(1)))
		}
		if advection != "none" {
			flow = append(flow, speed[i]+"*"+d(1))
		}
	}
	source := fmt.Sprintf("%s*(%s - (%s)", tau, num(-decay)+"*"+exact, strings.Join(lap, " + "))
	if len(flow) > 0 {
		source += " + (" + strings.Join(flow, " + ") + ")"
	}
	source += ")"

	var decls, bcs []string
	var rhs string
	switch diffusion {
	case "constant":
		rhs = num(D) + "*lap(T)"
	case "variable":
		rhs = num(D) + "*div(k*grad(T))"
	case "harmonic":
		rhs = num(D) + "*div(harmonic(k)*grad(T))"
	}
	if diffusion != "constant" {
		decls = append(decls, "field k on "+place+" = "+kText)
	}
	velocity := strings.Join(speed, ", ")
	switch advection {
	case "central":
		rhs += " - adv(" + velocity + ", T)"
	case "upwind":
		rhs += " - upwind(" + velocity + ", T)"
	case "faces":
		var names []string
		for i, a := range axes {
			other := toggle(faces, a.name, axes)
			if a.nodes { // nodes have no faces: the velocity stands at the points
				other = faces
			}
			at := grid
			if other != "" {
				at += "." + other
			}
			decls = append(decls, fmt.Sprintf("field c%s on %s = %s", a.name, at, speed[i]))
			names = append(names, "c"+a.name)
		}
		// Nodes next to faces: only then is the form conservative, and it may be for both.
		rhs += " - adv(" + strings.Join(names, ", ") + ", T"
		if scheme != "" {
			rhs += ", scheme = " + scheme
		}
		rhs += ")"
		bcs = append(bcs, flowWalls(axes, speed, faces)...)
	}
	name := []string{diffusion, advection}
	if advection == "faces" {
		name = append(name, scheme)
	}
	for i, a := range axes {
		label := a.name + ":"
		if a.anti {
			bcs = append(bcs, "bc T { "+a.name+": antiperiodic }")
			label += "antiperiodic"
		} else if a.periodic {
			label += "periodic"
		} else {
			for _, end := range []struct {
				side string
				x    float64
				out  float64
			}{{"lo", 0, -1}, {"hi", 1, 1}} {
				rest := product(func(j int, b *axis) string {
					if j == i {
						return "1"
					}
					return b.t.text(b.name)
				})
				v := fmt.Sprintf("%s*%s*%s", num(a.t.at(end.x)), rest, tau)
				s := fmt.Sprintf("%s*%s*%s", num(end.out*a.t.slope(end.x)), rest, tau)
				kind := pick(r, "value", "gradient", "mixed")
				side := a.name + "." + end.side
				switch kind {
				case "value":
					bcs = append(bcs, fmt.Sprintf("bc T { %s: T = %s }", side, v))
				case "gradient":
					bcs = append(bcs, fmt.Sprintf("bc T { %s: dn(T) = %s }", side, s))
				default:
					h := num(uniform(r, 0.5, 3))
					if diffusion != "constant" && r.IntN(2) == 0 { // with the coefficient at the wall
						kind = "flux"
						wall := num(a.k.at(end.x))
						for j, b := range axes {
							if j != i {
								wall += "*" + b.k.text(b.name)
							}
						}
						bcs = append(bcs, fmt.Sprintf("bc T { %s: k*dn(T) = %s*(%s - T) + %s*(%s) }", side, h, v, wall, s))
					} else {
						bcs = append(bcs, fmt.Sprintf("bc T { %s: %s*T + dn(T) = %s*(%s) + %s }", side, h, h, v, s))
					}
				}
				label += kind + ","
				if diffusion != "constant" {
					kv := num(a.k.at(end.x))
					for j, b := range axes {
						if j != i {
							kv += "*" + b.k.text(b.name)
						}
					}
					if a.nodes || a.face { // a value would be stored; a slope goes beyond
						kv = num(end.out * a.k.slope(end.x))
						for j, b := range axes {
							if j != i {
								kv += "*" + b.k.text(b.name)
							}
						}
						bcs = append(bcs, fmt.Sprintf("bc k { %s: dn(k) = %s }", side, kv))
					} else {
						bcs = append(bcs, fmt.Sprintf("bc k { %s: k = %s }", side, kv))
					}
				}
			}
		}
		label += map[bool]string{true: "nodes"}[a.nodes] + map[bool]string{true: "faces"}[a.face]
		if a.stretch != "" {
			label += "[" + a.stretch + "]"
		}
		name = append(name, label)
	}
	method := pick(r, "euler", "rk2", "ssprk3", "rk4", "ab2", "backward_euler", "crank_nicolson", "bdf2")
	if dims > 1 && method == "backward_euler" { // its error in time is the largest: longer runs
		method = "bdf2"
	}
	longer := 1.0 // steps of implicit methods
	if strings.Contains(method, "_") || method == "bdf2" {
		if longer = 8; advection == "faces" && scheme != "" {
			method, longer = "ssprk3", 1 // a scheme with a limiter is not linear
		}
	}
	end := 0.03
	finest := 1.0
	for _, a := range axes {
		finest = min(finest, a.finest)
	}
	peak := D * math.Pow(1.3, float64(dims))
	p := Problem{Name: strings.Join(append(name, method), " "), Nominal: 2, Coarse: 16, Result: "T", Exact: "exact"}
	if dims == 2 {
		p.Coarse = 10
		end = 0.02
	}
	if advection == "upwind" {
		p.Nominal = 1
		p.Coarse *= 2
	}
	p.Source = func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "grid g {\n")
		for _, a := range axes {
			fmt.Fprintf(&b, "  %s\n", a.declare(n))
		}
		fmt.Fprintf(&b, "}\n")
		for _, d := range decls {
			fmt.Fprintln(&b, d)
		}
		fmt.Fprintf(&b, "field T on %s = %s\n", place, exact)
		fmt.Fprintf(&b, "field exact on %s = %s*%s\n", place, exact, num(math.Exp(-decay*end)))
		for _, c := range bcs {
			fmt.Fprintln(&b, c)
		}
		h := finest / float64(n)
		steps := math.Ceil(end / (0.15 * longer * h * h / (max(peak, 0.5) * float64(dims))))
		fmt.Fprintf(&b, "evolve t from 0 to %s step %s by %s {\n  dt(T) = %s + %s\n}\n", num(end), num(end/steps), method, rhs, source)
		return b.String()
	}
	return p
}

// toggle is the place half a step from `faces` along an axis.
func toggle(faces, name string, axes []*axis) string {
	out := ""
	for _, a := range axes {
		if strings.Contains(faces, a.name) != (a.name == name) {
			out += a.name
		}
	}
	return out
}

// flowWalls gives velocities the conditions that interpolating them to other places takes.
func flowWalls(axes []*axis, speed []string, faces string) []string {
	var out []string
	for i, v := range axes {
		for j, a := range axes {
			if a.periodic {
				continue
			}
			for _, side := range []string{"lo", "hi"} {
				x, sign := 0.0, -1.0
				if side == "hi" {
					x, sign = 1, 1
				}
				slope := "0"
				if i != j && strings.Contains(speed[i], "sin") {
					slope = strings.Replace(speed[i], a.k.text(a.name), num(sign*a.k.slope(x)), 1)
				}
				out = append(out, fmt.Sprintf("bc c%s { %s.%s: dn(c%s) = %s }", v.name, a.name, side, v.name, slope))
			}
		}
	}
	return out
}
