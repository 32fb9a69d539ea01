package lower

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Random numbers are counter-based: Threefry-2x32 with 20 rounds (J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as easy
// as 1, 2, 3, 2011), keyed by (seed, stream) and counted by (index of the point in row-major order, step). In initial values the step is
// -1. It is written out in integer operations, so that every target gives the same bits.
//
// The upper 24 bits of the first word make an f32 in [0, 1), the upper 11 an f16, and 53 bits of both an f64.
func (w *writer) random(n *check.Node, t ir.Elem) int {
	whole := func(v uint32) int { return w.constant(ir.I32, float64(int32(v))) }
	op := func(c ir.Code, a, b int) int { return w.op(c, ir.I32, a, b) }
	k0, k1 := w.node(n.Args[0], ir.I32), w.node(n.Args[1], ir.I32)
	k2 := op(ir.Xor, op(ir.Xor, k0, k1), whole(0x1BD11BDA))
	x0 := whole(0)
	for _, v := range n.Args[2:] {
		x0 = op(ir.Add, op(ir.Mul, x0, whole(uint32(v.Var.Axis.N))), w.node(v, ir.I32))
	}
	x1 := whole(math.MaxUint32)
	if b := w.l.block; b != nil && !b.Once && w.fn != nil && !w.fn.f.Host {
		x1 = w.add(ir.Node{Op: ir.Read, Elem: ir.I32, Name: "@" + counter(b)})
	}
	ks := [3]int{k0, k1, k2}
	x0, x1 = op(ir.Add, x0, k0), op(ir.Add, x1, k1)
	rotations := [8]uint32{13, 15, 26, 6, 17, 29, 16, 24}
	for r := range 20 {
		x0 = op(ir.Add, x0, x1)
		d := rotations[r%8]
		x1 = op(ir.Xor, op(ir.Or, op(ir.Shl, x1, whole(d)), op(ir.Shr, x1, whole(32-d))), x0)
		if r%4 == 3 {
			j := r/4 + 1
			x0 = op(ir.Add, x0, ks[j%3])
			x1 = op(ir.Add, op(ir.Add, x1, ks[(j+1)%3]), whole(uint32(j)))
		}
	}
	scaled := func(x int, shift uint32, scale float64) int {
		return w.op(ir.Mul, t, w.op(ir.Cvt, t, op(ir.Shr, x, whole(shift))), w.constant(t, scale))
	}
	switch t {
	case ir.F64:
		hi := w.op(ir.Mul, t, w.op(ir.Cvt, t, op(ir.Shr, x0, whole(5))), w.constant(t, 1<<26))
		lo := w.op(ir.Cvt, t, op(ir.Shr, x1, whole(6)))
		return w.op(ir.Mul, t, w.op(ir.Add, t, hi, lo), w.constant(t, 0x1p-53))
	case ir.F16:
		return scaled(x0, 21, 0x1p-11)
	}
	return scaled(x0, 8, 0x1p-24)
}
