package emit

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Bounds hold for what bodies compute, and where nothing is known, nothing is said: a conversion of what may be too large saturates.
func TestRangeOf(t *testing.T) {
	x := func(b *ir.BodyBuilder) int { return b.Read(ir.F32, "@x", ir.At("i", 0)) }
	num := func(b *ir.BodyBuilder, v float64) int { return b.Const(ir.F32, v) }
	clamped := func(b *ir.BodyBuilder) int {
		return b.Op(ir.MinOp, b.Op(ir.MaxOp, x(b), num(b, -104)), num(b, 89))
	}
	for _, c := range []struct {
		name   string
		build  func(b *ir.BodyBuilder) int
		lo, hi float64 // at least and at most so tight
	}{
		{"read", x, math.Inf(-1), math.Inf(1)},
		{"clamped", clamped, -104, 89},
		{"one side", func(b *ir.BodyBuilder) int { return b.Op(ir.MaxOp, num(b, 3), x(b)) }, 3, math.Inf(1)},
		{"exponent", func(b *ir.BodyBuilder) int {
			return b.Op(ir.Floor, b.Op(ir.FMA, clamped(b), num(b, 1.4426950408889634), num(b, 0.5)))
		}, -152, 130},
		{"difference", func(b *ir.BodyBuilder) int { return b.Sub(num(b, 10), clamped(b)) }, -80, 115},
		{"product of signs", func(b *ir.BodyBuilder) int { return b.Mul(clamped(b), num(b, -2)) }, -179, 210},
		{"nothing times zero", func(b *ir.BodyBuilder) int { return b.Mul(x(b), num(b, 0)) }, math.Inf(-1), math.Inf(1)},
		{"overflow", func(b *ir.BodyBuilder) int {
			return b.Mul(b.Mul(clamped(b), num(b, 0x1p127)), num(b, 0x1p-127))
		}, math.Inf(-1), math.Inf(1)},
		{"negative", func(b *ir.BodyBuilder) int { return b.Op(ir.Neg, clamped(b)) }, -89, 104},
	} {
		var b ir.BodyBuilder
		i := c.build(&b)
		body := b.Body(i)
		r := rangeOf(&body, i)
		if r.lo < c.lo || r.hi > c.hi || r.lo > r.hi || math.IsInf(c.hi, 1) != math.IsInf(r.hi, 1) {
			t.Errorf("%s: [%g, %g], not within [%g, %g]", c.name, r.lo, r.hi, c.lo, c.hi)
		}
	}
}

// What a conversion makes of what is not a number is seen unless it only scales what is not a number either.
func TestShowsNaN(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(b *ir.BodyBuilder, x, n, power int) int // operand, its conversion, 2^conversion
		want  bool
	}{
		{"scaled", func(b *ir.BodyBuilder, x, n, power int) int { return b.Mul(b.Mul(b.Sub(x, x), power), power) }, false},
		{"number scaled", func(b *ir.BodyBuilder, x, n, power int) int { return b.Mul(b.Const(ir.F32, 3), power) }, true},
		{"itself", func(b *ir.BodyBuilder, x, n, power int) int { return n }, true},
		{"chosen", func(b *ir.BodyBuilder, x, n, power int) int {
			return b.Op(ir.Select, b.Op(ir.Lt, b.Mul(x, power), x), power, x)
		}, true},
	} {
		var b ir.BodyBuilder
		x := b.Op(ir.Floor, b.Read(ir.F32, "@x", ir.At("i", 0)))
		n := b.Cvt(ir.I32, x)
		power := b.Bitcast(ir.F32, b.Op(ir.Shl, n, b.Int(ir.I32, 23)))
		body := b.Body(c.build(&b, x, n, power))
		if got := showsNaN(&body, &body.Nodes[n]); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
