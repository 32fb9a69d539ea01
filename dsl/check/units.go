package check

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// rat is an exponent: a small rational number in lowest terms, with d > 0.
type rat struct{ n, d int64 }

// ratLimit bounds exponents, so that hostile powers cannot overflow.
const ratLimit = 1 << 20

func mkRat(n, d int64) rat {
	if n == 0 {
		return rat{0, 1}
	}
	if d < 0 {
		n, d = -n, -d
	}
	g := gcd(n, d)
	n, d = n/g, d/g
	if d > ratLimit {
		d = ratLimit
	}
	return rat{max(-ratLimit, min(n, ratLimit)), d}
}

func gcd(a, b int64) int64 {
	if a < 0 {
		a = -a
	}
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

func (r rat) add(o rat) rat  { return mkRat(r.n*o.d+o.n*r.d, r.d*o.d) }
func (r rat) mul(o rat) rat  { return mkRat(r.n*o.n, r.d*o.d) }
func (r rat) zero() bool     { return r.n == 0 }
func (r rat) String() string { return ratText(r) }

func ratText(r rat) string {
	if r.d == 1 {
		return fmt.Sprint(r.n)
	}
	return fmt.Sprintf("(%d/%d)", r.n, r.d)
}

// baseNames are the SI base units, in the order units are printed.
var baseNames = [7]string{"kg", "m", "s", "A", "K", "mol", "cd"}

// Unit is a product of powers of SI base units and of unit variables. Values are always in SI base units, so that a Unit has no scale.
// The zero Unit is not valid; use one().
type Unit struct {
	base [7]rat
	vars []varPower // ascending id, no zero powers
}

type varPower struct {
	id int
	p  rat
}

// one is the dimensionless unit.
func one() Unit {
	var u Unit
	for i := range u.base {
		u.base[i] = rat{0, 1}
	}
	return u
}

func (u Unit) mul(o Unit) Unit { return u.mulPow(o, rat{1, 1}) }
func (u Unit) div(o Unit) Unit { return u.mulPow(o, rat{-1, 1}) }

// mulPow returns u * o^p.
func (u Unit) mulPow(o Unit, p rat) Unit {
	r := u
	for i := range r.base {
		r.base[i] = r.base[i].add(o.base[i].mul(p))
	}
	pow := map[int]rat{}
	for _, v := range u.vars {
		pow[v.id] = v.p
	}
	for _, v := range o.vars {
		e, ok := pow[v.id]
		if !ok {
			e = rat{0, 1}
		}
		pow[v.id] = e.add(v.p.mul(p))
	}
	r.vars = nil
	for id, e := range pow {
		if !e.zero() {
			r.vars = append(r.vars, varPower{id, e})
		}
	}
	sort.Slice(r.vars, func(i, j int) bool { return r.vars[i].id < r.vars[j].id })
	return r
}

func (u Unit) pow(p rat) Unit { return one().mulPow(u, p) }

// dimensionless reports that u has neither base units nor variables.
func (u Unit) dimensionless() bool {
	for _, e := range u.base {
		if !e.zero() {
			return false
		}
	}
	return len(u.vars) == 0
}

// String prints the unit in SI units, "1" when dimensionless. Unsolved variables print as "?".
func (u Unit) String() string {
	var up, down []string
	put := func(name string, e rat) {
		switch {
		case e.zero():
		case e.n > 0:
			up = append(up, power(name, e))
		default:
			down = append(down, power(name, rat{-e.n, e.d}))
		}
	}
	for i, e := range u.base {
		put(baseNames[i], e)
	}
	for _, v := range u.vars {
		put("?", v.p)
	}
	s := strings.Join(up, "*")
	if s == "" {
		s = "1"
	}
	for _, d := range down {
		s += "/" + d
	}
	if name, ok := shortNames[s]; ok {
		return name
	}
	return s
}

// shortNames are the derived units that people say by name. Those that stand for several quantities or for a plain power (Hz for 1/s)
// are left in base units.
var shortNames = map[string]string{"kg*m/s^2": "N", "kg/m/s^2": "Pa", "kg*m^2/s^2": "J", "kg*m^2/s^3": "W", "kg*m^2/s^3/A": "V", "s*A": "C"}

func power(name string, e rat) string {
	if e == (rat{1, 1}) {
		return name
	}
	return name + "^" + e.String()
}

// namedUnit is a unit by name: its dimension and its size in SI base units.
type namedUnit struct {
	base  [7]int // kg m s A K mol cd
	scale float64
}

var unitNames = map[string]namedUnit{
	"kg": {[7]int{1}, 1}, "g": {[7]int{1}, 1e-3}, "m": {[7]int{0, 1}, 1}, "s": {[7]int{0, 0, 1}, 1},
	"A": {[7]int{0, 0, 0, 1}, 1}, "K": {[7]int{0, 0, 0, 0, 1}, 1}, "mol": {[7]int{0, 0, 0, 0, 0, 1}, 1}, "cd": {[7]int{0, 0, 0, 0, 0, 0, 1}, 1},
	"N": {[7]int{1, 1, -2}, 1}, "Pa": {[7]int{1, -1, -2}, 1}, "J": {[7]int{1, 2, -2}, 1}, "W": {[7]int{1, 2, -3}, 1},
	"Hz": {[7]int{0, 0, -1}, 1}, "C": {[7]int{0, 0, 1, 1}, 1}, "V": {[7]int{1, 2, -3, -1}, 1}, "ohm": {[7]int{1, 2, -3, -2}, 1},
	"F": {[7]int{-1, -2, 4, 2}, 1}, "T": {[7]int{1, 0, -2, -1}, 1}, "L": {[7]int{0, 3}, 1e-3},
	"min": {[7]int{0, 0, 1}, 60}, "h": {[7]int{0, 0, 1}, 3600}, "day": {[7]int{0, 0, 1}, 86400},
	"bar": {[7]int{1, -1, -2}, 1e5}, "eV": {[7]int{1, 2, -2}, 1.602176634e-19},
	"rad": {[7]int{}, 1}, "deg": {[7]int{}, math.Pi / 180}, "percent": {[7]int{}, 1e-2},
}

// prefixable are the units that take a prefix.
var prefixable = map[string]bool{"g": true, "m": true, "s": true, "A": true, "K": true, "mol": true, "N": true, "Pa": true, "J": true,
	"W": true, "Hz": true, "C": true, "V": true, "ohm": true, "F": true, "T": true, "L": true, "eV": true, "bar": true}

var prefixes = map[string]float64{"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12}

// affineUnits have a zero of their own, so that they do not multiply.
var affineUnits = map[string]string{"degC": "K", "°C": "K", "celsius": "K", "degF": "K", "fahrenheit": "K"}

// lookupUnit finds a unit by name, with or without a prefix.
func lookupUnit(name string) (namedUnit, bool) {
	if u, ok := unitNames[name]; ok {
		return u, true
	}
	for _, n := range []int{1, 2} { // "µ" has two bytes
		if len(name) <= n {
			continue
		}
		p, ok := prefixes[name[:n]]
		if ok && prefixable[name[n:]] {
			u := unitNames[name[n:]]
			u.scale *= p
			return u, true
		}
	}
	return namedUnit{}, false
}

// unit converts a written unit to dimension and scale. Unknown names are reported once per place and stand for a fresh variable, so
// that nothing follows from them.
func (c *checker) unit(u *syntax.Unit) (Unit, float64) {
	r, scale := one(), 1.0
	for _, f := range u.Factors {
		n, ok := lookupUnit(f.Name)
		if !ok {
			c.unknownUnit(u, f.Name)
			return c.freshUnit("this", u.At), 1
		}
		var b Unit
		for i, e := range n.base {
			b.base[i] = rat{int64(e), 1}
		}
		r = r.mulPow(b, mkRat(int64(f.Power), 1))
		scale *= math.Pow(n.scale, float64(f.Power))
	}
	return r, scale
}

func (c *checker) unknownUnit(u *syntax.Unit, name string) {
	if si, ok := affineUnits[name]; ok {
		c.errs.Errorf("WF0222", u.At, "%s is not a unit that multiplies: its zero is not the zero of %s", name, si).
			Note("a temperature in %s has an offset, so that products and differences of it would be wrong", name).
			Suggest("write the temperature in kelvin: T(K) = T(degC) + 273.15")
		return
	}
	if sym := c.names[name]; sym != nil || c.places[name] || reserved[name] {
		d := c.errs.Errorf("WF0221", u.At, "%s is no unit", name)
		if sym != nil {
			d.Message = fmt.Sprintf("%s is a %s, not a unit", name, sym.what)
			d.With(sym.at, "declared here")
		}
		d.Note("a unit is one word without spaces after a number, so that in `1 m/%s` the unit is m/%s", name, name).
			Suggest("put spaces around the operator: `1 m / %s`, `2 m * %s`", name, name)
		return
	}
	var names []string
	for n := range unitNames {
		names = append(names, n)
	}
	d := c.errs.Errorf("WF0221", u.At, "unknown unit %q", name)
	d.Note("a unit is a product of powers of named units, as in kg*m/s^2; m, g, s, A, K, N, Pa, J, W, Hz, C, V, ohm take prefixes (km, ms, uPa)")
	if s := closest(name, names); s != "" {
		d.Suggest("did you mean %q?", s)
	} else {
		d.Suggest("use SI units, or leave the unit away")
	}
}
