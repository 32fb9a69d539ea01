// Package host is the host's side of a wafer: it scatters whole arrays into the memories of the PEs and gathers them, loads host
// scalars, and launches device functions. It drives the simulator through the operations that a real host has (write, read,
// launch), so another machine behind the same three would do as well.
package host

import (
	"context"
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Wafer is what the host needs of a machine.
type Wafer interface {
	WriteArray(x, y int, name string, off int, src []uint32) error
	ReadArray(x, y int, name string, off int, dst []uint32) error
	Launch(ctx context.Context, args ...int32) (sim.Stats, error)
	OnOffer(f func(k int))
	OnCancel(f func(each func(f func(args []int32))))
}

// Engine runs a machine program on a simulated wafer. It implements runtime.Engine and runtime.Counter.
type Engine struct {
	p             *ir.Program
	mesh          *mesh.Program
	w             Wafer
	cycles, hosts int64
	running       int64 // cycles of the launch under way, as far as is known
	last          sim.Stats
	onStep        func(done int)
	cut           int // iterations that a cancelled launch was told not to do
	beside        beside
	away          map[string]*ir.Tensor // arrays that no device function uses have no place on the wafer and stay here
}

// New loads code, which codegen made from m, into a simulated wafer.
func New(p *ir.Program, m *mesh.Program, code *wse.Program, machine wse.Machine, o sim.Options) (*Engine, error) {
	s, err := sim.New(code, machine, o)
	if err != nil {
		return nil, err
	}
	return On(p, m, s)
}

// On is an engine on a wafer that holds the machine program. It writes the index values that the program reads.
func On(p *ir.Program, m *mesh.Program, w Wafer) (*Engine, error) {
	e := &Engine{p: p, mesh: m, w: w, away: map[string]*ir.Tensor{}}
	for i := range m.Symbols {
		s := &m.Symbols[i]
		if s.Index == "" {
			continue
		}
		n := p.Axis(s.Index).N
		t := ir.NewTensor(ir.I32, n)
		for k := range t.I32 {
			t.I32[k] = int32(k)
		}
		if err := e.write(s, &ir.Array{Axes: []string{s.Index}, Elem: ir.I32}, t); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Close implements runtime.Engine; a simulated wafer holds nothing but memory.
func (e *Engine) Close() error { return nil }

// Cycles returns the cycles of all launches, of the one under way as far as it has told (OnStep), and, apart, of the transfers between them.
func (e *Engine) Cycles() (compute, host int64) { return e.cycles + e.running, e.hosts }

// Stats are those of the last launch.
func (e *Engine) Stats() sim.Stats { return e.last }

// ticker is implemented by wafers that can tell how far a launch is.
type ticker interface {
	OnTick(f func(cycle int64, args []int32))
	Cycle() int64
}

// OnStep has f called now and then during a run with the iterations done; it implements runtime.Stepper. A run need not be cut for
// progress then, which would cost a launch.
func (e *Engine) OnStep(f func(done int)) { e.onStep = f }

// Run launches n iterations of function fn and returns how many were carried out. When the context is cancelled, the launch ends after the
// iteration that the PE which is furthest is in, and that is no error.
func (e *Engine) Run(ctx context.Context, fn string, n int) (done int, err error) {
	return e.RunShowing(ctx, fn, n, func(int) (m ir.Moment, ok bool) { return m, false },
		func(ir.Moment, func(string) (*ir.Tensor, error)) error { return nil })
}

// launch runs k iterations of launch i, after done of the same run; look is how many are left at the first look.
func (e *Engine) launch(ctx context.Context, i, done, k, look int) (int, error) {
	if t, ok := e.w.(ticker); ok && e.onStep != nil {
		// The second launch register counts down.
		begun := t.Cycle()
		t.OnTick(func(cycle int64, args []int32) {
			e.running = cycle - begun
			if len(args) > 1 {
				e.onStep(done + k - e.cut - int(min(args[1], int32(k))))
			}
		})
	}
	e.cut = 0
	e.w.OnCancel(e.shorten)
	st, err := e.w.Launch(ctx, int32(i), int32(k), int32(look), 0)
	e.running = 0
	e.cycles += st.Cycles
	e.hosts += st.HostCycles
	e.beside.looks += int64(st.Offers)
	e.beside.cycles += st.OfferCycles
	e.beside.held += st.HeldCycles
	e.last = st
	if err != nil {
		return 0, err
	}
	left, err := e.left(e.mesh.Launches()[i])
	return k - e.cut - left, err
}

// shorten lets a launch end as soon as all PEs can have done the same iterations: after the one that the furthest is in. All count down to
// 0, so all take off the same number.
func (e *Engine) shorten(each func(f func(args []int32))) {
	least := int32(math.MaxInt32)
	each(func(args []int32) { least = min(least, args[1]) })
	if least == math.MaxInt32 || least < 2 {
		return
	}
	e.cut = int(least - 1)
	each(func(args []int32) {
		args[1] -= least - 1
		if len(args) > 2 { // what is left at the next look
			args[2] = max(0, args[2]-(least-1))
		}
		if len(args) > 3 {
			args[3] += least - 1
		}
	})
}

// left reads how many iterations the last launch of fn did not do. All PEs agree; (0, 0) is asked.
func (e *Engine) left(fn string) (int, error) {
	if q := e.mesh.Proc(fn); q == nil || q.Until == "" {
		return 0, nil
	}
	var w [1]uint32
	err := e.w.ReadArray(0, 0, codegen.LeftArray, 0, w[:])
	return int(int32(w[0])), err
}

// Scalars writes the host scalars into every PE. On the wafer one broadcast carries them.
func (e *Engine) Scalars(env map[string]float64) error {
	type slot struct {
		array string
		bits  []uint32
	}
	var slots []slot
	at := map[string]int{}
	for _, s := range e.mesh.Scalars {
		v, ok := env[s.Name]
		if !ok {
			return fmt.Errorf("host scalar %s has no value", s.Name)
		}
		a := codegen.ScalarArray(s.Elem)
		i, ok := at[a]
		if !ok {
			i = len(slots)
			at[a] = i
			slots = append(slots, slot{array: a})
		}
		bits := scalarBits(s.Elem, v)
		if s.Count {
			n, err := ir.CountOf(s.Name, v)
			if err != nil {
				return err
			}
			if n > math.MaxInt32 {
				return fmt.Errorf("a loop would run %s = %v times; on the wafer it runs at most %d", s.Name, v, math.MaxInt32)
			}
			bits = uint32(n)
		}
		slots[i].bits = append(slots[i].bits, bits)
	}
	for y := 0; y < e.mesh.H; y++ {
		for x := 0; x < e.mesh.W; x++ {
			for _, s := range slots {
				if err := e.w.WriteArray(x, y, s.array, 0, s.bits); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func scalarBits(e ir.Elem, v float64) uint32 {
	switch e {
	case ir.F32:
		return math.Float32bits(float32(v))
	case ir.F16:
		return uint32(ieee.HalfBits(ieee.RoundHalf(v)))
	}
	return uint32(int32(ir.RoundTo(ir.I32, v).I))
}

// Set implements runtime.Engine.
func (e *Engine) Set(array string, t *ir.Tensor) error {
	s, a, err := e.symbol(array)
	if err != nil {
		return err
	}
	if s == nil {
		e.away[array] = t
		return nil
	}
	return e.write(s, a, t)
}

// write scatters a tensor to all PEs that hold it.
func (e *Engine) write(s *mesh.Symbol, a *ir.Array, t *ir.Tensor) error {
	return e.blocks(s, a, true, func(x, y, local, at, n, step int) error {
		bits := make([]uint32, n)
		for i := range bits {
			switch {
			case at != padding:
				bits[i] = tensorBits(t, at+i*step)
			case s.Minus && t.Elem == ir.F16:
				bits[i] = 1 << 15
			case s.Minus:
				bits[i] = 1 << 31
			}
		}
		return e.w.WriteArray(x, y, s.Local, local, bits)
	})
}

// Get implements runtime.Engine.
func (e *Engine) Get(array string) (*ir.Tensor, error) {
	s, a, err := e.symbol(array)
	if err != nil {
		return nil, err
	}
	if s == nil {
		if t := e.away[array]; t != nil {
			return t, nil
		}
		return ir.NewTensor(a.Elem, e.p.Shape(a)...), nil
	}
	return e.read(s, a)
}

// read gathers the array that lies where s says.
func (e *Engine) read(s *mesh.Symbol, a *ir.Array) (*ir.Tensor, error) {
	t := ir.NewTensor(a.Elem, e.p.Shape(a)...)
	err := e.blocks(s, a, false, func(x, y, local, at, n, step int) error {
		if at == padding {
			return nil
		}
		bits := make([]uint32, n)
		if err := e.w.ReadArray(x, y, s.Local, local, bits); err != nil {
			return err
		}
		for i, b := range bits {
			setTensor(t, at+i*step, b)
		}
		return nil
	})
	return t, err
}

// symbol finds where an array lies; nil when it is not on the wafer.
func (e *Engine) symbol(array string) (*mesh.Symbol, *ir.Array, error) {
	a := e.p.Array(array)
	if a == nil {
		return nil, nil, fmt.Errorf("the program has no array %s", array)
	}
	for i := range e.mesh.Symbols {
		if e.mesh.Symbols[i].Array == array {
			return &e.mesh.Symbols[i], a, nil
		}
	}
	return nil, a, nil
}

// blocks calls f for every contiguous run of local memory that holds elements of a: in PE (x, y), n elements from offset local on are the
// elements at, at+step, .. of the tensor, or padding when at is. With all, PEs that hold copies are visited too.
func (e *Engine) blocks(s *mesh.Symbol, a *ir.Array, all bool, f func(x, y, local, at, n, step int) error) error {
	rank := len(a.Axes)
	lay, err := e.mesh.Lay(s, a.Axes)
	if err != nil {
		return err
	}
	stride := make([]int, rank) // of the tensor
	n := 1
	for d := rank - 1; d >= 0; d-- {
		stride[d] = n
		n *= lay[d].N
	}
	block := make([]mesh.Piece, rank)
	var pieces func(d, x, y int) error
	pieces = func(d, x, y int) error {
		if d == rank {
			return runs(s, block, stride, 0, s.Off, 0, func(local, at, n, step int) error { return f(x, y, local, at, n, step) })
		}
		for _, block[d] = range e.mesh.Pieces(s, d, lay[d], x, y) {
			if err := pieces(d+1, x, y); err != nil {
				return err
			}
		}
		return nil
	}
	for y := 0; y < e.mesh.H; y++ {
	pes:
		for x := 0; x < e.mesh.W; x++ {
			pos := map[mesh.Dim]int{mesh.X: x, mesh.Y: y}
			for _, l := range lay {
				if l.Dim != mesh.Mem && pos[l.Dim] >= l.Parts {
					continue pes
				}
				delete(pos, l.Dim)
			}
			for _, at := range pos { // mesh axes the array lacks: part 0 has it, the others copies
				if at != 0 && !(all && s.Replicated) {
					continue pes
				}
			}
			if err := pieces(0, x, y); err != nil {
				return err
			}
		}
	}
	return nil
}

// runs walks the dimensions of a block and calls f for its innermost runs, with at = padding for those that stand for no element.
func runs(s *mesh.Symbol, block []mesh.Piece, stride []int, d, local, at int, f func(local, at, n, step int) error) error {
	if d == len(block) {
		return f(local, max(at, padding), 1, 1)
	}
	b := block[d]
	from := at + b.Lo*stride[d]
	if b.Pad {
		from = math.MinInt32
	}
	local += b.Slot * s.Strides[d]
	if d == len(block)-1 && s.Strides[d] == 1 {
		return f(local, max(from, padding), b.Hi-b.Lo, stride[d])
	}
	for i := range b.Hi - b.Lo {
		if err := runs(s, block, stride, d+1, local+i*s.Strides[d], from+i*stride[d], f); err != nil {
			return err
		}
	}
	return nil
}

// padding is the element of a run that has none.
const padding = -1

func tensorBits(t *ir.Tensor, k int) uint32 {
	switch t.Elem {
	case ir.F32:
		return math.Float32bits(t.F32[k])
	case ir.F16:
		return uint32(ieee.HalfBits(t.F32[k]))
	}
	return uint32(t.I32[k])
}

func setTensor(t *ir.Tensor, k int, bits uint32) {
	switch t.Elem {
	case ir.F32:
		t.F32[k] = math.Float32frombits(bits)
	case ir.F16:
		t.F32[k] = ieee.HalfFromBits(uint16(bits))
	default:
		t.I32[k] = int32(bits)
	}
}
