package cpu

import (
	"context"
	"errors"
	"slices"
	"unsafe"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
	"github.com/wfc-lang/wfc/target/cpu/native"
	"github.com/wfc-lang/wfc/target/cpu/team"
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
	peakRounds   = 1 << 20 // of all of them in a sample: some milliseconds
)

// peakChains is the number of independent sums: enough to hide the latency of two units, few enough for the registers beside two factors.
func peakChains() int { return min(20, vectorRegisters()-4) }

// copyBytes is how much a sample copies: as much as the last cache holds, so that neither source nor target are there from the last time.
// A cache that is shared with other computers may be larger than what one should fill.
func copyBytes(c native.Caches) int {
	return min(max(roundUp(c.Last, native.LargePage), 64<<20), 512<<20)
}

// Limits measures; it takes some tenths of a second.
func (e *Engine) Limits() (*Limits, error) {
	m, err := NewMeter(e.pool.Threads)
	if err != nil {
		return nil, err
	}
	median := func(sample func() (work, seconds float64)) float64 {
		var all []float64
		for range limitSamples {
			work, seconds := sample()
			all = append(all, work/seconds)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	l := &Limits{Threads: e.pool.Threads, Flops: median(m.Flops), Copy: median(m.Copy)}
	return l, m.Close()
}

// Meter measures the limits sample by sample, for comparisons in turns.
type Meter struct {
	pool  *team.Pool
	code  *native.Code
	fns   [2]uintptr // of the kernels
	m     native.Memory
	bytes int
}

// NewMeter makes a meter of so many threads.
func NewMeter(threads int) (*Meter, error) {
	tc, err := native.Find("")
	if err != nil {
		return nil, err
	}
	m := &Meter{bytes: copyBytes(machineCaches())}
	var us native.Units
	peak, copied := us.Add(peakKernel(m.bytes)), us.Add(copyKernel(m.bytes))
	if m.code, err = tc.Load(context.Background(), append(us.List, team.Unit()), DefaultThreads()); err != nil {
		return nil, err
	}
	m.fns = [2]uintptr{m.code.Address[peak], m.code.Address[copied]}
	calls, err := team.CodeOf(m.code.Address[team.Unit().Symbol])
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.pool = team.New(threads, calls)
	if m.m, err = native.Allocate(2 * m.bytes); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	// The threads write to what they copy: a page that nobody has written to is none.
	const page = 4 << 10
	m.pool.Each(func(part int) {
		for _, half := range [][]byte{m.m[:m.bytes], m.m[m.bytes:]} {
			for at := m.bytes * part / threads; at < m.bytes*(part+1)/threads; at += page {
				half[at] = 0
			}
		}
	})
	m.Flops() // wakes the units
	return m, nil
}

// do has all threads do a step, and returns how long it took.
func (m *Meter) do(s team.Step) float64 {
	b := &team.Batch{Times: 1, Slots: 2, Steps: []team.Step{s}}
	base := uintptr(unsafe.Pointer(&m.m[0]))
	for range m.pool.Threads {
		b.Tables = append(b.Tables, []uintptr{base, base + uintptr(m.bytes)})
	}
	b.Steps[0].Meets = m.pool.Threads > 1
	return m.pool.Do(b).Seconds()
}

func (m *Meter) kernel(k, n int) float64 {
	t := m.pool.Threads
	return m.do(team.NewStep(m.fns[k], 0, n, t, t, []int{0, 1}))
}

// Flops does f32 fused multiply-adds in registers, two operations each.
func (m *Meter) Flops() (flops, seconds float64) {
	lanes := vectorBytes() / 4
	t := m.pool.Threads
	return peakRounds * float64(t*peakChains()*lanes*2), m.kernel(0, peakRounds*t)
}

// Copy copies memory past the caches; bytes are those read and those written.
func (m *Meter) Copy() (bytes, seconds float64) {
	return 2 * float64(m.bytes), m.kernel(1, m.bytes/lineBytes)
}

// Close frees the memory and unloads the code.
func (m *Meter) Close() error {
	if m.pool != nil {
		m.pool.Close()
	}
	return errors.Join(m.m.Free(), m.code.Close())
}

// limitKernel emits a kernel over two buffers of f32.
func limitKernel(bytes int, body func(k *kernel, v *types.VectorType)) *llvm.Module {
	e := &emitter{emitted: map[string]emitted{}, words: map[scalarKey]int{}}
	l := newLayout(ir.F32, []ir.Interval{{Lo: 0, Hi: bytes / 4}})
	l.base = 0
	e.layouts = []*layout{l, l}
	// No error: the body reports none.
	_ = e.kernel("limit", []int{0, 1}, nil, func(k *kernel) error {
		body(k, llvm.NewVector(vectorBytes()/4, types.Float))
		return nil
	})
	return e.units.List[0].Module
}

// vectorAt is the vector number i of a buffer.
func (k *kernel) vectorAt(slot int, v *types.VectorType, i emit.Bound) value.Value {
	return k.Cur.NewBitCast(k.address(slot, []emit.Bound{k.Scale(i, int(v.Len))}), types.NewPointer(v))
}

func peakKernel(bytes int) *llvm.Module {
	return limitKernel(bytes, func(k *kernel, v *types.VectorType) {
		x := k.Cur.NewLoad(v, k.vectorAt(0, v, emit.At(0)), lineBytes)
		y := k.Cur.NewLoad(v, k.vectorAt(0, v, emit.At(1)), lineBytes)
		sums := k.chains(v, peakChains(), k.split[0], k.split[1], func(sum value.Value) value.Value {
			return k.Cur.NewIntrinsic("fma", sum, x, y)
		})
		k.Cur.NewStore(sums, k.vectorAt(1, v, emit.At(0)), lineBytes)
	})
}

func copyKernel(bytes int) *llvm.Module {
	return limitKernel(bytes, func(k *kernel, v *types.VectorType) {
		size := 4 * int(v.Len)
		k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, func(i emit.Bound) {
			for p := range lineBytes / size {
				j := k.Add(k.Scale(i, lineBytes/size), emit.At(p))
				w := k.Cur.NewLoad(v, k.vectorAt(0, v, j), size)
				streamStore(k.Cur, w, k.vectorAt(1, v, j), size)
			}
		})
	})
}

// chains emits a loop from lo to hi that carries n vectors, and returns their sum.
func (k *kernel) chains(v *types.VectorType, n int, lo, hi value.Value, f func(sum value.Value) value.Value) value.Value {
	pre := k.Cur
	head, exit := k.Func.NewBlock("chains"), k.Func.NewBlock("summed")
	pre.NewBr(head)
	x := head.NewPhi(types.I64)
	x.AddIncoming(lo, pre)
	accs := make([]*llvm.Phi, n)
	for j := range accs {
		accs[j] = head.NewPhi(v)
		accs[j].AddIncoming(llvm.NewSplat(int(v.Len), llvm.NewFloat(types.Float, float64(j))), pre)
	}
	k.Cur = head
	next := make([]value.Value, n)
	for j := range accs {
		next[j] = f(accs[j])
	}
	inc := k.Cur.NewAddNSW(x, k.I64(1))
	x.AddIncoming(inc, k.Cur)
	for j := range accs {
		accs[j].AddIncoming(next[j], k.Cur)
	}
	k.Cur.NewCondBr(k.Cur.NewICmp(enum.IPredSLT, inc, hi), head, exit)
	k.Cur = exit
	sum := next[0]
	for _, a := range next[1:] {
		sum = k.Cur.NewFAdd(sum, a)
	}
	return sum
}
