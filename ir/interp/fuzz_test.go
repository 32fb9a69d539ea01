package interp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// FuzzRun: what the verifier accepts as canonical runs without error, and nothing panics; small programs only.
func FuzzRun(f *testing.F) {
	f.Add("wfir 1 program test " + reduceProgram([]int{3, 4}, "mesh(i 2, j 3)", " fma"))
	f.Add(`wfir 1 program p axis x 5 cells lo 0 h 1 axis y 4 nodes periodic lo 0 h 1
	scalar c { $0 = const f64 0.5 yield $0 }
	array @T[x, y] f16
	func f {
	  extend %g f16 [x in x -2..5, y in y 0..4] from @T {
	    box [-2..0, 0..4] $0 = read f16 @T[0, y-1] $1 = scalar f16 c $2 = mul f16 $0, $1 yield $2
	  }
	  map %n f16, %b bool [x in x 0..5, y in y 0..4] {
	    box [0..5, 0..4]
	      $0 = read f16 %g[x-2, y+3] $1 = read f16 %g[4, 0] $2 = lt bool $0, $1 $3 = select f16 $2, $1, $0
	      $4 = cvt i64 $3 $5 = shl i64 $4, $4 $6 = cvt f16 $5 yield $6, $2
	  }
	  set @T = %n
	}`)
	f.Add(`wfir 1 program p axis x 6 cells periodic lo 0 h 1 axis c 3 cells lo 0 h 2 axis x.f 6 nodes periodic lo 0 h 1 of x
	scalar n { $0 = const f64 3 yield $0 }
	array @u[x] f32 array @v[c] f32 array @w[x.f] f32 local array @on[] bool
	func down { map %v f32 [i in c 0..3] { box [0..3] $0 = read f32 @u[2*i-1] $1 = read f32 @u[3*i+7] $2 = add f32 $0, $1 yield $2 } set @v = %v }
	func up { map %u f32 [x in x 0..6] { box [0..6] $0 = read f32 @v[x/2] yield $0 }
	  map %on bool [] { box [] $0 = read bool @on[] $1 = not bool $0 yield $1 } set @u = %u set @on = %on }
	proc cycle until @on { call down if @on { call up } else { loop n { call up } } while @on max n { call up call down } }
	proc both { call cycle call cycle }`)
	f.Fuzz(func(t *testing.T, src string) {
		p, err := ir.Parse("fuzz", src)
		if err != nil {
			return
		}
		points := 0
		for i := range p.Funcs {
			for _, op := range p.Funcs[i].Ops {
				n := 1
				for _, r := range append(append([]ir.Range(nil), op.Dom...), op.Over...) {
					n *= max(0, min(r.Hi-r.Lo, 1000))
					n = min(n, 1<<20)
				}
				points += n
			}
		}
		n := 1
		for _, a := range p.Axes {
			n = min(n*max(1, min(a.N, 1000)), 1<<20)
		}
		if points > 1<<14 || n > 1<<14 || len(p.Arrays) > 20 {
			return
		}
		valid := ir.VerifyCanonical(p) == nil
		m, err := New(p)
		if err != nil {
			if valid {
				t.Fatal(err)
			}
			return
		}
		env, err := ir.EvalHost(p, nil, nil)
		if err != nil && valid {
			t.Fatal(err)
		}
		m.Scalars(env)
		for i := range p.Funcs {
			if _, err := m.Run(context.Background(), p.Funcs[i].Name, 2); err != nil && valid {
				t.Fatalf("%v\n%s", err, ir.Print(p))
			}
		}
		if !valid {
			return
		}
		for i := range p.Procs { // some never end
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			if _, err := m.Run(ctx, p.Procs[i].Name, 2); err != nil && !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "would run") {
				t.Errorf("%v\n%s", err, ir.Print(p))
			}
			cancel()
		}
	})
}

func TestWithOrders(t *testing.T) {
	p := parse(t, reduceProgram([]int{6, 4}, "canon", ""))
	o := ir.Order{Kind: ir.Mesh, Chain: []ir.ChainAxis{{Axis: "i", Parts: 3}}}
	q := WithOrders(p, []mesh.ReduceOrder{{Func: "f", Value: "s", Order: o}, {Func: "g", Value: "s"}})
	if got := q.Funcs[0].Ops[0].Order.String(); got != "mesh(i 3)" || p.Funcs[0].Ops[0].Order.Kind != ir.Canon {
		t.Errorf("order %s; the original has %s", got, p.Funcs[0].Ops[0].Order)
	}
}
