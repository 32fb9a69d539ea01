package dsl_test

import (
	"math"
	"math/bits"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// threefry is Threefry-2x32 with 20 rounds as its authors write it.
func threefry(k0, k1, c0, c1 uint32) (uint32, uint32) {
	rot := [8]int{13, 15, 26, 6, 17, 29, 16, 24}
	k := [3]uint32{k0, k1, k0 ^ k1 ^ 0x1BD11BDA}
	c0, c1 = c0+k[0], c1+k[1]
	for r := range 20 {
		c0 += c1
		c1 = bits.RotateLeft32(c1, rot[r%8]) ^ c0
		if r%4 == 3 {
			j := r/4 + 1
			c0, c1 = c0+k[j%3], c1+k[(j+1)%3]+uint32(j)
		}
	}
	return c0, c1
}

func TestRandom(t *testing.T) {
	if a, b := threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3); a != 0xc4923a9c || b != 0x483df7a0 {
		t.Fatalf("the reference gives %x %x", a, b) // known answers of the Random123 distribution
	}
	src := `
grid g { x: 0 .. 1 in 5; y: 0 .. 1 in 3 }
field a on g = random(7, 2)
field b on g = 0
field c on g = 0
field d = 0
evolve n in 0 .. 3 {
  b' = random(7)
  c'[x,y] = random(7, 1)
  d' = random(9)
}
`
	for _, float := range []ir.Elem{ir.F32, ir.F64} {
		_, m, err := drive(t, src, float)
		if err != nil {
			t.Fatal(err)
		}
		number := func(k0, k1, c0, c1 uint32) float64 {
			x, y := threefry(k0, k1, c0, c1)
			if float == ir.F32 {
				return float64(x>>8) * 0x1p-24
			}
			return (float64(x>>5)*(1<<26) + float64(y>>6)) * 0x1p-53
		}
		for name, want := range map[string]func(i uint32) float64{
			"a": func(i uint32) float64 {
				x, y := threefry(7, 2, i, math.MaxUint32)
				return ir.RoundTo(float, (float64(x>>5)*(1<<26)+float64(y>>6))*0x1p-53).F
			},
			"b": func(i uint32) float64 { return number(7, 0, i, 2) },
			"c": func(i uint32) float64 { return number(7, 1, i, 2) },
			"d": func(uint32) float64 { return number(9, 0, 0, 2) },
		} {
			x, err := m.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			for i := range x.Len() {
				near(t, name, x.At(i), want(uint32(i)), 0)
			}
		}
	}
}

// Onsager's magnetisation and energy of a spin at T = 2 (Phys. Rev. 65, 1944): 0.911319, -1.745564.
func TestIsing(t *testing.T) {
	r := execute(t, compile(t, "../models/ising.wf", map[string]string{"n": "48", "sweeps": "300"}))
	near(t, "magnetisation", r.at("magnetisation"), 0.911319, 0.01)
	near(t, "energy", r.at("energy"), -1.745564, 0.015)
	r = execute(t, compile(t, "../models/ising.wf", map[string]string{"n": "32", "sweeps": "200", "T": "4"}))
	near(t, "magnetisation of a hot magnet", r.at("magnetisation"), 0, 0.12)
}

// V15: PFHub's benchmark 1b. The mean is conserved, the energy begins at 319.0433 and falls at every step.
func TestCahnHilliard(t *testing.T) {
	last := math.Inf(1)
	for k, end := range []string{"0.02", "1", "2", "4"} {
		set := map[string]string{"n": "200", "end": end}
		if k > 0 {
			set["n"] = "40"
		}
		r := execute(t, compile(t, "../models/cahn_hilliard.wf", set))
		e, mean, n := r.at("energy"), 0.0, float64(r.arrays["c"].Len())
		for i := range r.arrays["c"].Len() {
			mean += r.arrays["c"].At(i) / n
		}
		if k == 0 {
			near(t, "energy", e, 319.0433, 0.02)
			near(t, "mean", mean, 0.5025228, 2e-6)
			continue
		}
		if !(e < last) {
			t.Errorf("the energy is %v at %s, after %v", e, end, last)
		}
		last = e
	}
}

// V15: FiPy's cahnHilliard/tanh1D. A step relaxes to the profile 1/(1 + exp(-x)), within FiPy's own tolerance; the mass stays.
func TestCahnHilliardProfile(t *testing.T) {
	r := run(t, `
const L = 40
grid rod { x: 0 .. L in 200 }
field phi on rod = where(x < L/2, 0, 1)
bc phi { all: dn(phi) = 0 }
let slope = phi*(1 - phi)*(1 - 2*phi)
evolve t from 0 to 2000 step 10 by imex(cg(tol = 1e-9, max = 20000)) order 4 {
  dt(phi) = lap(slope - 0.5*phi) + implicit(lap(0.5*phi) - lap(lap(phi)))
}
`)
	for i := range 200 {
		x := (float64(i)+0.5)/5 - 20
		near(t, "phi", r.at("phi", i), 1/(1+math.Exp(-x)), 1e-4)
	}
	sum := 0.0
	for i := range 200 {
		sum += r.at("phi", i)
	}
	near(t, "mass", sum, 100, 1e-6)
}
