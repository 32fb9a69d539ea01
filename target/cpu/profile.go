package cpu

import (
	"slices"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/team"
)

// KernelTime is what the calls of one kernel took together, all threads meeting after each. Flops and Bytes are of one call: what the
// operation must do, not what the code does ([account]); packing and the folding of partial results count nothing of their own.
type KernelTime struct {
	Func   string // device function
	Name   string // its first result
	Kind   string // what code it became
	Shape  []int  // output, then what is reduced
	Pos    ir.Pos // in the source
	Calls  int64
	Time   time.Duration
	CPU    time.Duration // processor time of all threads, 0 where the system does not tell: on a busy computer less than Threads times Time
	Flops  int64
	Bytes  int64
	Divide int // parts among the threads
}

// profile collects the times of the steps of every function. Thread 0 writes it.
type profile struct{ batches map[string][]team.Spent }

// Profile starts or goes on measuring: from now on all threads meet after every kernel.
func (e *Engine) Profile() {
	if e.prof == nil {
		e.prof = &profile{batches: map[string][]team.Spent{}}
		e.batches, e.swept = map[string]*team.Batch{}, map[passKey]*team.Batch{}
	}
}

// Kernels are the times since [Engine.Profile], of kernels that ran, in program order.
func (e *Engine) Kernels() []KernelTime {
	var out []KernelTime
	if e.prof == nil {
		return nil
	}
	for i := range e.plan.prog.Funcs {
		f := e.plan.prog.Funcs[i].Name
		for j := range e.prof.batches[f] {
			s := &e.prof.batches[f][j]
			if s.Calls == 0 {
				continue
			}
			c := e.plan.funcs[f]
			if j >= len(c.launches) {
				l := &c.sweep.whole
				if j == len(c.launches) {
					if len(c.sweep.board.launches) == 0 {
						continue
					}
					l = &c.sweep.board.launches[0]
				}
				out = append(out, KernelTime{Func: f, Name: l.name, Kind: l.kind, Shape: slices.Clone(l.shape), Pos: l.pos, Calls: s.Calls, Time: s.Time, CPU: time.Duration(s.CPU.Load()),
					Flops: l.flops, Bytes: l.bytes, Divide: s.Parts})
				continue
			}
			l := &c.launches[j]
			out = append(out, KernelTime{Func: f, Name: l.name, Kind: l.kind, Shape: slices.Clone(l.shape), Pos: l.pos, Calls: s.Calls, Time: s.Time, CPU: time.Duration(s.CPU.Load()),
				Flops: l.flops, Bytes: l.bytes, Divide: l.parts(e.Threads(), e.divide)})
		}
	}
	return out
}

// Threads is the number of threads.
func (e *Engine) Threads() int { return e.pool.Threads }

// Bytes is the memory of arrays and scratch.
func (e *Engine) Bytes() int64 {
	n := int64(0)
	for _, l := range e.plan.layouts {
		n += int64(l.bytes())
	}
	if e.plan.arena >= 0 {
		n += int64(e.Threads() * e.arena())
	}
	return n
}
