package wse

import "testing"

func ticksOf(m Machine, op *Op, a, b int) int {
	p := m.Placement(op, m.Rate(op.Code, op.Elem))
	return p.At(a, b).Ticks
}

// What the published sweeps of strides and alignments say, and no more.
func TestPlacement(t *testing.T) {
	m, _ := Profile("wse3")
	strided := func(s int) Operand { return Operand{Kind: Mem, Array: "u", Dims: []Dim{{64, s}}} }
	for stride, want := range map[int]int{1: 125, 2: 250, 4: 500, 8: 1000, 64: 1000, -2: 250} {
		if got := ticksOf(m, &Op{Code: OpMov, Elem: F16, Dst: strided(1), Src: []Operand{strided(stride)}}, 0, 0); got != want {
			t.Errorf("copy f16 from stride %d: %d ticks per element, want %d", stride, got, want)
		}
	}
	rows := Operand{Kind: Mem, Array: "u", Dims: []Dim{{8, 10}, {8, 1}}}
	other := Operand{Kind: Mem, Array: "v", Dims: []Dim{{8, 12}, {8, 1}}}
	fma := func(e Elem, a, b Operand) *Op {
		return &Op{Code: OpFma, Elem: e, Dst: rows, Src: []Operand{a, b, {Kind: Imm}}}
	}
	for d, want := range []int{2000, 1000, 1000, 1000} {
		if got := ticksOf(m, fma(F32, rows, rows), 4*d, 400); got != want {
			t.Errorf("FMA f32, sources %d words apart: %d ticks, want %d", d, got, want)
		}
		if got := ticksOf(m, fma(F16, rows, rows), 4*d, 400); got != 250 {
			t.Errorf("FMA f16, sources %d words apart: %d ticks, want 250", d, got)
		}
		if got := ticksOf(m, fma(F32, rows, other), 4*d, 400); got != 1000 {
			t.Errorf("FMA f32 of sources that do not run in step: %d ticks, want 1000", got)
		}
	}
	// A fill loads one DSR, a copy two, a sum three; a cycle each.
	for i, op := range []*Op{{Code: OpMov, Elem: F16, Dst: rows, Src: []Operand{{Kind: Imm}}}, {Code: OpMov, Elem: F16, Dst: rows, Src: []Operand{rows}},
		{Code: OpAdd, Elem: F16, Dst: rows, Src: []Operand{rows, rows}}} {
		p := m.Placement(op, m.Rate(op.Code, op.Elem))
		if got := p.At(0, 0).Setup; got != 4+i {
			t.Errorf("%v: setup %d, want %d", op, got, 4+i)
		}
	}
}
