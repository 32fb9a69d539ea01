package llvm

import (
	"math"
	"testing"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
)

// sum is a function with a loop over a sum of square roots.
func sum(t *testing.T, name string) *Module {
	t.Helper()
	m := NewModule()
	p, n := NewParam("p", types.NewPointer(types.Float), enum.ParamAttrNoAlias, Align(64)), NewParam("n", types.I64)
	f := m.NewFunc(name, types.Float, p, n)
	entry, loop, done := f.NewBlock("entry"), f.NewBlock("loop"), f.NewBlock("done")
	entry.NewBr(loop)
	i, s := loop.NewPhi(types.I64), loop.NewPhi(types.Float)
	i.AddIncoming(constant.NewInt(types.I64, 0), entry)
	s.AddIncoming(NewFloat(types.Float, 0.5), entry)
	at := loop.NewGetElementPtr(types.Float, p, i)
	x := loop.NewIntrinsic("sqrt", loop.NewLoad(types.Float, at, 4))
	next, sum := loop.NewAddNSW(i, constant.NewInt(types.I64, 1)), loop.NewFAdd(s, x)
	loop.NewStreamStore(sum, f.NewAlloca(types.Float), 4, true)
	i.AddIncoming(next, loop)
	s.AddIncoming(sum, loop)
	m.Vectorize(loop.NewCondBr(loop.NewICmp(enum.IPredSLT, next, n), loop, done), true)
	done.NewRet(sum)
	return m
}

// TestText compares the text of a module with what LLVM reads.
func TestText(t *testing.T) {
	want := `declare float @llvm.sqrt.f32(float %0)

define float @sum(float* noalias align 64 %p, i64 %n) nounwind {
entry0:
	%0 = alloca float, align 64
	br label %loop1

loop1:
	%1 = phi i64 [ 0, %entry0 ], [ %6, %loop1 ]
	%2 = phi float [ 0x3FE0000000000000, %entry0 ], [ %7, %loop1 ]
	%3 = getelementptr inbounds float, float* %p, i64 %1
	%4 = load float, float* %3, align 4
	%5 = call float @llvm.sqrt.f32(float %4)
	%6 = add nsw i64 %1, 1
	%7 = fadd float %2, %5
	store volatile float %7, float* %0, align 4, !nontemporal !{i32 1}
	%8 = icmp slt i64 %6, %n
	br i1 %8, label %loop1, label %done2, !llvm.loop !0

done2:
	ret float %7
}

!0 = distinct !{!0, !{!"llvm.loop.vectorize.enable", i1 true}, !{!"llvm.loop.interleave.count", i32 2}}
`
	m := sum(t, "sum")
	if got := m.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := m.Text(); got != want {
		t.Errorf("printed again it is\n%s", got)
	}
}

// TestMerge joins modules with a declaration in common and loops of their own.
func TestMerge(t *testing.T) {
	m := Merge([]*Module{sum(t, "a"), sum(t, "b")})
	if n := len(m.Funcs); n != 3 {
		t.Errorf("%d functions, not a declaration and two", n)
	}
	_ = m.Text()
	if a, b := m.MetadataDefs[0].ID(), m.MetadataDefs[1].ID(); a == b {
		t.Errorf("both loops are number %d", a)
	}
}

// TestFloat prints the bits of numbers, payloads included, and reads vectors of one number.
func TestFloat(t *testing.T) {
	for x, want := range map[uint64]string{0x7FF8000000000001: "0x7FF8000000000001", 1 << 63: "0x8000000000000000"} {
		if got := NewFloat(types.Double, math.Float64frombits(x)).Ident(); got != want {
			t.Errorf("%x prints as %s", x, got)
		}
	}
	one, two := NewFloat(types.Float, 1), NewFloat(types.Float, 2)
	if x, ok := FloatOf(NewSplat(4, two)); !ok || x != 2 {
		t.Errorf("a vector of 2: %v %v", x, ok)
	}
	if x, ok := FloatOf(constant.NewVector(nil, one, two)); ok {
		t.Errorf("1, 2 is taken for a vector of %v", x)
	}
	if x, ok := FloatOf(constant.NewInt(types.I32, 1)); ok {
		t.Errorf("an integer is taken for %v", x)
	}
}
