package mms

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Operator draws one operator of space and applies it once to the exact solution, away from walls: schemes for face values, orders of
// accuracy, means, positions. (The face values of weno5 are those whose difference is of order 5; they are no interpolation.)
func Operator(r *rand.Rand) Problem {
	// T grows everywhere: limiters are of full order where there is no extremum.
	c, a := uniform(r, 0.5, 1.5), uniform(r, 0.8, 1.2)
	high := r.IntN(3) == 0 // orders so high that a slowly growing T is exact up to rounding
	if high {
		a *= 5
	}
	text := fmt.Sprintf("exp(%.17g*x)", a)
	value := func(k float64) string { return num(c*math.Pow(a, k)) + "*" + text }
	speed := num(c)
	if r.IntN(2) == 0 {
		speed = num(-c)
		old := value
		value = func(k float64) string { return "(0 - " + old(k) + ")" }
	}
	plain := func(k float64) string { return num(math.Pow(a, k)) + "*" + text }
	type op struct {
		name, expr, exact, on, of string
		order                     float64
		acc                       int
	}
	ops := []op{
		{"adv upwind", "adv(" + speed + ", T, scheme = upwind)", value(1), "g", "g", 1, 2},
		{"upwind", "upwind(" + speed + ", T)", value(1), "g", "g", 1, 2},
		{"adv vanleer", "adv(" + speed + ", T, scheme = vanleer)", value(1), "g", "g", 2, 2},
		{"adv weno5", "adv(" + speed + ", T, scheme = weno5)", value(1), "g", "g", 5, 2},
		{"adv central", "adv(" + speed + ", T, scheme = central)", value(1), "g", "g", 2, 2},
		{"adv 4", "adv(" + speed + ", T)", value(1), "g", "g", 4, 4},
		{"dx 6", "dx(T)", plain(1), "g", "g", 6, 6},
		{"lap 4", "lap(T)", plain(2), "g", "g", 4, 4},
		{"lap 8", "lap(T)", plain(2), "g", "g", 8, 8},
		{"dx to faces", "dx(T)", plain(1), "g.x", "g", 2, 2},
		{"dx to faces 4", "dx(T)", plain(1), "g.x", "g", 4, 4},
		{"dx from faces", "dx(T)", plain(1), "g", "g.x", 2, 2},
		{"dx from faces 6", "dx(T)", plain(1), "g", "g.x", 6, 6},
		{"at faces", "at(T, g.x)", plain(0), "g.x", "g", 2, 2},
		{"at faces 4", "at(T, g.x)", plain(0), "g.x", "g", 4, 4},
		{"at centres 6", "at(T, g)", plain(0), "g", "g.x", 6, 6},
		{"harmonic", "harmonic(T, g.x)", plain(0), "g.x", "g", 2, 2},
		{"below vanleer", "below(T, g.x, scheme = vanleer)", plain(0), "g.x", "g", 2, 2},
		{"flux weno5", "dx(above(T, g.x, scheme = weno5))", plain(1), "g", "g", 5, 2},
		{"flux weno5 beside order 4", "dx(above(T, g.x, scheme = weno5))", plain(1), "g", "g", 5, 4},
		{"lap on faces", "lap(T)", plain(2), "g.x", "g.x", 2, 2},
		{"third derivative", "dx(dx(dx(T)))", plain(3), "g", "g", 2, 2},
		{"flux of faces", "dx(at(T, g.x)*dx(T))", num(2*a*a) + "*exp(" + num(2*a) + "*x)", "g", "g", 2, 2},
	}
	var some []op
	for _, o := range ops {
		if (o.acc >= 6) == high {
			some = append(some, o)
		}
	}
	o := some[r.IntN(len(some))]
	stretch := ""
	if o.order == 2 && o.acc == 2 && r.IntN(2) == 0 && o.name != "third derivative" && o.name != "adv vanleer" && o.name != "below vanleer" && o.name != "at faces" && o.name != "harmonic" {
		stretch = fmt.Sprintf(" stretched tanh(%.3f)", uniform(r, 0.6, 1.4))
	}
	coarse := map[float64]int{1: 64, 2: 32, 4: 24, 5: 32, 6: 20, 8: 20}[o.order]
	return Problem{Name: o.name + stretch, Nominal: o.order, Coarse: coarse, Result: "R", Exact: "exact", Inset: 0.35, Source: func(n int) string {
		return fmt.Sprintf("grid g { x: 0 .. 1 in %d%s }\nfield T on %s = %s\nfield R on %s = 0\nfield exact on %s = %s\n"+
			"bc T { all: dn(T) = 0 }\nevolve t from 0 to 1 step 1 order %d { R' = %s }\n", n, stretch, o.of, text, o.on, o.on, o.exact, o.acc, o.expr)
	}}
}

// Integrator draws an equation without space and an integrator: the order in time.
func Integrator(r *rand.Rand) Problem {
	m := pick(r, []string{"euler", "rk2", "ssprk3", "rk4", "ab2", "backward_euler", "crank_nicolson", "bdf2"}...)
	order := map[string]float64{"euler": 1, "rk2": 2, "ssprk3": 3, "rk4": 4, "ab2": 2, "backward_euler": 1, "crank_nicolson": 2, "bdf2": 2}[m]
	w := uniform(r, 0.5, 1.5)
	// T = exp(w*t^2), all of whose derivatives are positive: errors of one step do not cancel those of others.
	return Problem{Name: "integrator " + m, Nominal: order, Coarse: 32, Result: "T", Exact: "exact", Source: func(n int) string {
		return fmt.Sprintf("grid g { x: 2 }\nfield T on g = 1\nfield exact on g = exp(%.17g)\n"+
			"evolve t from 0 to 1 step 1/%d by %s { dt(T) = %.17g*t*T }\n", w, n, m, 2*w)
	}}
}

// Acoustics draws dt(p) = -div(u) + s, dt(u) = -dx(p) + r on a staggered grid, with u given on the walls.
func Acoustics(r *rand.Rand) Problem {
	w, k, q := uniform(r, 1, 3), uniform(r, 1, 4), uniform(r, 0, 3)
	// p = cos(w t)*cos(k x + q), u = sin(w t)*sin(k x + q)
	end := 0.1
	stretch := ""
	finest := 1.0
	if r.IntN(2) == 0 {
		b := uniform(r, 0.6, 1.4)
		stretch = fmt.Sprintf(" stretched tanh(%.3f)", b)
		finest = b / math.Tanh(b) / (math.Cosh(b) * math.Cosh(b))
	}
	return Problem{Name: "staggered acoustics" + stretch, Nominal: 2, Coarse: 24, Result: "p", Exact: "exact", Source: func(n int) string {
		kx := fmt.Sprintf("%.17g*x + %.17g", k, q)
		steps := math.Ceil(end * float64(n*n) / (2 * finest * finest) / 2)
		return fmt.Sprintf(`grid g { x: 0 .. 1 in %d%s }
field p on g = cos(%s)
field u on g.x = 0
field exact on g = %.17g*cos(%s)
bc u { x.lo: u = sin(%.17g*t)*%.17g;  x.hi: u = sin(%.17g*t)*%.17g }
evolve t from 0 to %g step %.17g {
  u' = u + step*(%.17g*sin(%s)*cos(%.17g*t) - dx(p) - %.17g*cos(%.17g*t)*sin(%s))
  p' = p + step*(%.17g*sin(%.17g*(t + step))*cos(%s) - dx(u') - %.17g*sin(%.17g*(t + step))*cos(%s))
}
`, n, stretch, kx, math.Cos(w*end), kx, w, math.Sin(q), w, math.Sin(k+q), end, end/steps,
			w, kx, w, k, w, kx,
			k, w, kx, w, w, kx)
	}}
}
