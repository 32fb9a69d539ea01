package cpu

import (
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/target/cpu/team"
)

// Arrays change places from step to step. A turn that one thread did alone and the next one, which all share, see the same ones.
func TestTurns(t *testing.T) {
	needsLLVM(t)
	p := text(`
axis x 1024 cells periodic lo 0 h 1
axis y 512 cells lo 0 h 1
array @u[x, y] f32
func step {
  map %y f32 [x in x 0..1024, y in y 0..512] {
    box [0..1024, 0..512]
      $0 = read f32 @u[x, y]
      $1 = read f32 @u[x-1, y]
      $2 = sub f32 $0, $1
      yield $2
  }
  set @u = %y
}
`)
	ref, err := interp.New(p)
	check(t, err)
	defer ref.Close()
	e, err := newEngine(p, toolchains()[0], Options{Threads: 3, sweep: -1})
	check(t, err)
	defer e.Close()
	start(t, ref, p, nil)
	start(t, e, p, nil)
	b := e.batch("step", e.plan.funcs["step"])
	for turn := range 6 {
		b.Pace = team.Pace{Alone: time.Hour, Pending: turn % 2} // shared, or alone and then shared
		proceed(t, ref, "step", 7)
		proceed(t, e, "step", 7)
	}
	if len(b.Moves) == 0 {
		t.Error("nothing moves")
	}
	want, err := ref.Get("u")
	check(t, err)
	got, err := e.Get("u")
	check(t, err)
	compare(t, "u", 3, got, want)
}
