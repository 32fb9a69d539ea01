package cpu

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// Limits are what this computer can do, measured with the threads of an engine: medians of a few short samples. They are ceilings for code
// of this compiler, not data sheets.
type Limits struct {
	Threads int
	Flops   float64 // f32 fused multiply-adds in registers, FLOP/s (two per multiply-add)
	Copy    float64 // copying memory that no cache holds, past the caches, bytes/s read and written
}

const (
	limitSamples = 5
	copyBytes    = 96 << 20 // of a source and of a target
	peakChains   = 20       // independent sums: enough to hide the latency of two units, few enough for the registers beside two factors
)

// Limits measures; it takes about a fifth of a second.
func (e *Engine) Limits() (*Limits, error) {
	tc, err := FindToolchain("")
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	var us units
	peak, move := us.add(peakKernel()), us.add(copyKernel())
	objects, err := tc.objects(context.Background(), us.list, cache)
	if err != nil {
		return nil, err
	}
	fns := map[string]uintptr{}
	for _, s := range []string{peak, move} {
		lib, err := openLibrary(objects[s])
		if err != nil {
			return nil, err
		}
		defer lib.close()
		if fns[s], err = lib.symbol(s); err != nil {
			return nil, fmt.Errorf("load compiled kernels: %w", err)
		}
	}
	m, err := allocate(2 * copyBytes)
	if err != nil {
		return nil, err
	}
	defer m.free()
	base := uintptr(unsafe.Pointer(&m[0]))
	t := e.pool.threads
	// time runs a kernel on [0, n) cut among the threads.
	timed := func(sym string, n int) float64 {
		b := &batch{n: 1, slots: 2, steps: []step{newStep(fns[sym], 0, n, t, t, []int{0, 1})}}
		b.steps[0].meets = t > 1
		for range t {
			b.table = append(b.table, []uintptr{base, base + copyBytes})
		}
		var all []float64
		for range limitSamples + 1 { // the first one touches the memory and wakes the units
			b.steps[0].reset()
			begun := time.Now()
			e.pool.do(b)
			all = append(all, time.Since(begun).Seconds())
		}
		all = all[1:]
		slices.Sort(all)
		return all[len(all)/2]
	}
	const rounds = 1 << 20
	lanes := vectorBytes() / 4
	flops := float64(rounds) * float64(t) * peakChains * float64(lanes) * 2
	return &Limits{
		Threads: t,
		Flops:   flops / timed(peak, rounds*t),
		Copy:    2 * copyBytes / timed(move, copyBytes/lineBytes),
	}, nil
}

// limitKernel emits a kernel over two buffers of f32.
func limitKernel(body func(k *kernel, v *llvm.VectorType)) *llvm.Module {
	e := &emitter{emitted: map[string]emitted{}, words: map[scalarKey]int{}}
	l := newLayout(ir.F32, []ir.Interval{{Lo: 0, Hi: copyBytes / 4}})
	l.base = 0
	e.layouts = []*layout{l, l}
	// No error: the body reports none.
	_ = e.kernel("limit", []int{0, 1}, nil, func(k *kernel) error {
		body(k, llvm.NewVector(vectorBytes()/4, llvm.Float))
		return nil
	})
	return e.units.list[0].module
}

// vectorAt is the vector number i of a buffer.
func (k *kernel) vectorAt(slot int, v *llvm.VectorType, i bound) llvm.Value {
	return k.cur.NewBitCast(k.address(slot, []bound{k.scale(i, v.Len)}), llvm.NewPointer(v))
}

func peakKernel() *llvm.Module {
	return limitKernel(func(k *kernel, v *llvm.VectorType) {
		x := k.cur.NewLoad(v, k.vectorAt(0, v, at(0)), lineBytes)
		y := k.cur.NewLoad(v, k.vectorAt(0, v, at(1)), lineBytes)
		sums := k.chains(v, peakChains, k.split[0], k.split[1], func(sum llvm.Value) llvm.Value {
			return k.cur.NewIntrinsic("fma", sum, x, y)
		})
		k.cur.NewStore(sums, k.vectorAt(1, v, at(0)), lineBytes)
	})
}

func copyKernel() *llvm.Module {
	return limitKernel(func(k *kernel, v *llvm.VectorType) {
		per := lineBytes / 4 / v.Len
		k.loop(bound{v: k.split[0]}, bound{v: k.split[1]}, 1, plainLoop, func(i bound) {
			for p := range per {
				j := k.add(k.scale(i, per), at(p))
				w := k.cur.NewLoad(v, k.vectorAt(0, v, j), v.Len*4)
				k.cur.NewStreamStore(w, k.vectorAt(1, v, j), v.Len*4)
			}
		})
	})
}

// chains emits a loop from lo to hi that carries n vectors, and returns their sum.
func (k *kernel) chains(v *llvm.VectorType, n int, lo, hi llvm.Value, f func(sum llvm.Value) llvm.Value) llvm.Value {
	pre := k.cur
	head, exit := k.f.NewBlock("chains"), k.f.NewBlock("summed")
	pre.NewBr(head)
	x := head.NewPhi(llvm.I64)
	x.AddIncoming(lo, pre)
	accs := make([]*llvm.Phi, n)
	for j := range accs {
		accs[j] = head.NewPhi(v)
		accs[j].AddIncoming(llvm.NewSplat(v.Len, llvm.NewFloat(llvm.Float, float64(j))), pre)
	}
	k.cur = head
	next := make([]llvm.Value, n)
	for j := range accs {
		next[j] = f(accs[j])
	}
	inc := k.cur.NewAddNSW(x, k.i64(1))
	x.AddIncoming(inc, k.cur)
	for j := range accs {
		accs[j].AddIncoming(next[j], k.cur)
	}
	k.cur.NewCondBr(k.cur.NewICmp("slt", inc, hi), head, exit, nil)
	k.cur = exit
	sum := next[0]
	for _, a := range next[1:] {
		sum = k.cur.NewFAdd(sum, a)
	}
	return sum
}
