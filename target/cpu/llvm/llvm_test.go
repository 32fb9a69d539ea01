package llvm

import (
	"strings"
	"testing"
)

// TestPrint builds sum(p, n) with a loop and compares the text in both pointer syntaxes.
func TestPrint(t *testing.T) {
	m := NewModule()
	p, n := NewParam("p", NewPointer(Float), "noalias"), NewParam("n", I64)
	f := m.NewFunc("sum", Float, p, n)
	entry, loop, done := f.NewBlock("entry"), f.NewBlock("loop"), f.NewBlock("done")
	entry.NewBr(loop)
	i, s := loop.NewPhi(I64), loop.NewPhi(Float)
	i.AddIncoming(NewInt(I64, 0), entry)
	s.AddIncoming(NewFloat(Float, 0.5), entry)
	x := loop.NewIntrinsic("sqrt", loop.NewLoad(Float, loop.NewGetElementPtr(Float, p, i), 4))
	next, sum := loop.NewAddNSW(i, NewInt(I64, 1)), loop.NewFAdd(s, x)
	i.AddIncoming(next, loop)
	s.AddIncoming(sum, loop)
	loop.NewCondBr(loop.NewICmp("slt", next, n), loop, done, m.NewLoopMetadata(true, true))
	done.NewRet(sum)
	want := `define float @sum(float* noalias %p, i64 %n) {
entry0:
  br label %loop1
loop1:
  %v0 = phi i64 [ 0, %entry0 ], [ %v5, %loop1 ]
  %v1 = phi float [ 0x3FE0000000000000, %entry0 ], [ %v6, %loop1 ]
  %v2 = getelementptr inbounds float, float* %p, i64 %v0
  %v3 = load float, float* %v2, align 4
  %v4 = call float @llvm.sqrt.f32(float %v3)
  %v5 = add nsw i64 %v0, 1
  %v6 = fadd float %v1, %v4
  %v7 = icmp slt i64 %v5, %n
  br i1 %v7, label %loop1, label %done2, !llvm.loop !1
done2:
  ret float %v6
}

declare float @llvm.sqrt.f32(float)
!0 = !{!"llvm.loop.vectorize.enable", i1 true}
!1 = distinct !{!1, !0, !1000001}
!1000001 = !{!"llvm.loop.interleave.count", i32 2}
`
	if got := m.Text(SyntaxFor(14)); got != want {
		t.Errorf("typed pointers: got\n%s\nwant\n%s", got, want)
	}
	if got := m.Text(SyntaxFor(19)); got != strings.ReplaceAll(want, "float*", "ptr") {
		t.Errorf("opaque pointers: got\n%s", got)
	}
}
