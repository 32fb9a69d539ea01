package cpu

import (
	"context"
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// procs adds flags, functions that change them, and two procedures over everything. Every while has a count, so everything ends.
func (m *maker) procs() {
	flags := []string{"flag0", "flag1"}
	for i, name := range flags {
		m.p.Arrays = append(m.p.Arrays, ir.Array{Name: name, Elem: []ir.Elem{ir.I32, ir.Bool}[i]})
	}
	// flag0 goes through 0..3 in a random order, flag1 says whether it is odd.
	var b ir.BodyBuilder
	x := b.Op(ir.And, b.Add(b.Mul(b.Read(ir.I32, "@flag0"), b.Int(ir.I32, 5)), b.Int(ir.I32, int64(2*m.r.IntN(2)+1))), b.Int(ir.I32, 3))
	odd := b.Op(ir.Eq, b.Op(ir.And, x, b.Int(ir.I32, 1)), b.Int(ir.I32, 1))
	m.p.Funcs = append(m.p.Funcs, ir.Func{Name: "tick", Ops: []ir.Op{{Results: []ir.Result{{Name: "x", Elem: ir.I32}, {Name: "odd", Elem: ir.Bool}},
		Pieces: []ir.Piece{{Body: b.Body(x, odd)}}}}, Sets: []ir.Set{{Array: "flag0", Value: "%x"}, {Array: "flag1", Value: "%odd"}}})
	for i, v := range []float64{2.4, 0, 3} {
		var c ir.BodyBuilder
		m.p.Host = append(m.p.Host, ir.HostDef{Name: fmt.Sprintf("n%d", i), Body: c.Body(c.Const(ir.F64, v))})
	}
	calls := []string{"f0", "f1", "tick"}
	for i := range 2 {
		q := ir.Proc{Name: fmt.Sprintf("p%d", i), Body: m.stmts(flags, calls, 0)}
		m.p.Procs = append(m.p.Procs, q)
		calls = append(calls, q.Name)
	}
}

func (m *maker) stmts(flags, calls []string, depth int) (out []ir.Stmt) {
	for range 1 + m.r.IntN(3) {
		s := ir.Stmt{Kind: ir.StmtKind(m.r.IntN(4)), Count: fmt.Sprintf("n%d", m.r.IntN(3)), Cond: flags[m.r.IntN(2)]}
		if depth > 2 {
			s.Kind = ir.Call
		}
		switch s.Kind {
		case ir.Call:
			s = ir.Stmt{Func: calls[m.r.IntN(len(calls))]}
			out = append(out, s)
			continue
		case ir.Loop:
			s.Cond = ""
		case ir.If:
			s.Count = ""
			s.Else = m.stmts(flags, calls, depth+1)
		}
		s.Body = m.stmts(flags, calls, depth+1)
		out = append(out, s)
	}
	return out
}

// control runs a list of numbers through loops, whiles, ifs and an until; every statement leaves a trace in @log, an integer.
const control = `wfir 1
program control
scalar three { $0 = const f64 3.4 yield $0 }
scalar none { $0 = const f64 0 yield $0 }
scalar ten { $0 = const f64 10 yield $0 }
array @log[] i32
array @n[] i32
array @more[] bool
array @stop[] i32
func a {
  map %l i32 [] { box [] $0 = read i32 @log[] $1 = const i32 10 $2 = mul i32 $0, $1 $3 = const i32 1 $4 = add i32 $2, $3 yield $4 }
  set @log = %l
}
func b {
  map %l i32 [] { box [] $0 = read i32 @log[] $1 = const i32 10 $2 = mul i32 $0, $1 $3 = const i32 2 $4 = add i32 $2, $3 yield $4 }
  set @log = %l
}
func down {
  map %n i32, %more bool, %stop i32 [] {
    box []
      $0 = read i32 @n[]
      $1 = const i32 1
      $2 = sub i32 $0, $1
      $3 = const i32 0
      $4 = lt bool $3, $2
      $5 = eq bool $2, $3
      $6 = cvt i32 $5
      yield $2, $4, $6
  }
  set @n = %n
  set @more = %more
  set @stop = %stop
}
proc loops { loop three { call a } loop none { call b } call b }
proc whiles { while @more { call a call down } call b }
proc bounded { while @more max three { call a } }
proc ifs { if @more { call a } else { call b } if @stop { call b } }
proc until until @stop { call down call a }
proc nested { loop three { call loops if @more { call whiles } } }`

// Statements mean the same on both machines, and what they should.
func TestControl(t *testing.T) {
	p, err := ir.Parse("control.wfir", control)
	check(t, err)
	scalar := func(v int32) *ir.Tensor { return &ir.Tensor{Elem: ir.I32, I32: []int32{v}} }
	flag := func(v int32) *ir.Tensor { return &ir.Tensor{Elem: ir.Bool, I32: []int32{v}} }
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		ref, err := interp.New(p)
		check(t, err)
		for name, m := range map[string]machine{"interp": ref, "cpu": open(t, p, tc, 1, 0), "cpu, 3 threads": open(t, p, tc, 3, 1)} {
			for _, x := range []struct {
				proc    string
				n       int
				counter int32
				more    int32
				done    int
				log     int32
			}{
				{"loops", 1, 0, 0, 1, 1112},
				{"loops", 2, 0, 0, 2, 11121112},
				{"whiles", 1, 4, 1, 1, 11112},
				{"whiles", 1, 4, 0, 1, 2},
				{"bounded", 1, 4, 1, 1, 111},
				{"bounded", 1, 4, 0, 1, 0},
				{"ifs", 1, 0, 1, 1, 1},
				{"ifs", 3, 0, 0, 3, 222},
				{"until", 9, 3, 0, 3, 111},
				{"until", 2, 3, 0, 2, 11},
				{"until", 9, 1, 0, 1, 1},
				{"nested", 1, 1, 1, 1, func() int32 { // 1112 12 1112 1112
					v := int64(1112121112)*10000 + 1112
					return int32(v)
				}()},
			} {
				env, err := ir.EvalHost(p, nil, nil)
				check(t, err)
				check(t, m.Scalars(env))
				check(t, m.Set("log", scalar(0)))
				check(t, m.Set("stop", scalar(0)))
				check(t, m.Set("n", scalar(x.counter)))
				check(t, m.Set("more", flag(x.more)))
				done, err := m.Run(context.Background(), x.proc, x.n)
				check(t, err)
				got, err := m.Get("log")
				check(t, err)
				if done != x.done || got.I32[0] != x.log {
					t.Errorf("%s: %s times %d: %d iterations leave %d, want %d and %d", name, x.proc, x.n, done, got.I32[0], x.done, x.log)
				}
			}
			if _, err := m.Run(context.Background(), "nothing", 1); err == nil {
				t.Errorf("%s runs what does not exist", name)
			}
			check(t, m.Scalars(map[string]float64{"three": -1, "none": 0, "ten": 10}))
			if _, err := m.Run(context.Background(), "loops", 1); err == nil {
				t.Errorf("%s loops -1 times", name)
			}
			stopped, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := m.Run(stopped, "whiles", 1); err != context.Canceled {
				t.Errorf("%s: a cancelled run returns %v", name, err)
			}
		}
	})
}
