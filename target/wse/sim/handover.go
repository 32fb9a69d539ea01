package sim

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// Meaning is what an opcode computes on source type e, from bits to bits, or nil.
func Meaning(c wse.Opcode, e wse.Elem) func(a, b, c uint32) uint32 { return meaning(c, e) }

// State is what a PE holds between launches besides its arrays.
type State struct {
	Regs            map[string]uint32 `json:",omitempty"`
	Active, Blocked uint64            // bit per task of the class
	MainReady       int64
	Task            int32           // the one that ran last
	Links           [numPorts]int64 // ticks from which each port is free

	// Of programs that block queues, use FIFOs or change their routers; the fast engine has routers that turn, and nothing of the rest.
	Shut    uint64        `json:",omitempty"` // bit per input queue of the class
	Debt    int64         `json:",omitempty"` // ticks that microthreads took and the CE still owes
	Fifos   [][2]int32    `json:",omitempty"` // first element and number of each FIFO in memory
	In, Out []int32       `json:",omitempty"` // colors of the input queues; buffers that the output queues feed, numbered in the PE
	Routers []RouterState `json:",omitempty"` // of the buffers that change
}

// RouterState is the setting of a router buffer with a switch or a filter, or that was rerouted.
type RouterState struct {
	Buffer    int32 // number in the PE
	Positions []wse.Position
	At, Start int
	Torn      bool        `json:",omitempty"`
	Ring      bool        `json:",omitempty"`
	Pop       wse.PopMode `json:",omitempty"`
	Counter   int         `json:",omitempty"`
}

// state is the State of a PE.
func (s *Sim) state(pe int) State {
	st := State{Links: [numPorts]int64(s.linkFree[pe*numPorts:])}
	if s.dyn != nil {
		for i := s.slotOf[pe]; i < s.slotOf[pe+1]; i++ {
			if d := s.dyn[i]; d != nil {
				st.Routers = append(st.Routers, RouterState{i - s.slotOf[pe], d.pos, d.at, d.start, d.torn, d.ring, d.pop, d.counter})
			}
		}
	}
	if s.class[pe] < 0 {
		return st
	}
	k := s.codes[s.class[pe]]
	st.Regs = map[string]uint32{}
	for name, r := range k.regs {
		st.Regs[name] = s.regs[s.regBase[pe]+r]
	}
	st.Active, st.Blocked, st.MainReady, st.Task = s.active[pe], s.blocked[pe], s.mainReady[pe], s.curTask[pe]
	st.Shut, st.Debt = s.shut[pe], s.debt[pe]
	for _, f := range s.memFifos[s.fifoOf[pe]:s.fifoOf[pe+1]] {
		st.Fifos = append(st.Fifos, [2]int32{f.head, f.n})
	}
	if s.dyn != nil {
		st.In = append(st.In, s.inColor[s.inOf[pe]-s.inOf[0]:s.inOf[pe+1]-s.inOf[0]]...)
		for _, i := range s.outSlot[s.outBind[pe]:s.outBind[pe+1]] {
			st.Out = append(st.Out, max(notRouted, i-s.slotOf[pe]))
		}
	}
	return st
}

// checkState says why a PE cannot be in a state that was read from a file.
func (s *Sim) checkState(pe int, st *State) error {
	bad := func(what string) error { return fmt.Errorf("PE (%d,%d) has %s it cannot have", pe%s.w, pe/s.w, what) }
	slots := s.slotOf[pe+1] - s.slotOf[pe]
	for _, r := range st.Routers {
		if s.dyn == nil || r.Buffer < 0 || r.Buffer >= slots || len(r.Positions) == 0 || min(r.At, r.Start) < 0 ||
			max(r.At, r.Start) >= len(r.Positions) {
			return bad("a router setting")
		}
		for _, p := range r.Positions {
			if p.Rx > wse.Ramp || p.Tx >= 1<<(wse.Ramp+1) {
				return bad("a router setting")
			}
		}
	}
	if s.class[pe] < 0 {
		return nil
	}
	k := s.codes[s.class[pe]]
	for name := range st.Regs {
		if _, ok := k.regs[name]; !ok {
			return bad("a register " + name)
		}
	}
	tasks := uint64(1)<<len(k.tasks) - 1
	if len(k.tasks) < 64 && (st.Active|st.Blocked)&^tasks != 0 || st.Task < 0 || int(st.Task) >= max(1, len(k.tasks)) {
		return bad("a task")
	}
	if len(st.Fifos) > len(k.fifos) {
		return bad("a FIFO")
	}
	for i, f := range st.Fifos {
		if f[0] < 0 || f[1] < 0 || f[0] >= max(1, k.fifos[i].len) || f[1] > k.fifos[i].len {
			return bad("a FIFO")
		}
	}
	if len(st.In) > len(k.inputs) || len(st.Out) > len(k.outputs) || len(st.In)+len(st.Out) > 0 && s.dyn == nil {
		return bad("a queue")
	}
	for _, i := range st.Out {
		if i < notRouted || i >= slots {
			return bad("a queue")
		}
	}
	return nil
}

// Restore puts a PE into a state it had in another engine at cycle, between launches. words gives the bits of array i.
func (s *Sim) Restore(pe int, cycle int64, st State, words func(array int, dst []uint32)) {
	s.cycle = cycle
	copy(s.linkFree[pe*numPorts:(pe+1)*numPorts], st.Links[:])
	for _, r := range st.Routers {
		d := s.dynOf(s.slotOf[pe] + r.Buffer)
		d.pos, d.at, d.start, d.torn, d.ring, d.pop, d.counter = r.Positions, r.At, r.Start, r.Torn, r.Ring, r.Pop, r.Counter
		s.setting(s.slotOf[pe] + r.Buffer)
	}
	if s.class[pe] < 0 {
		return
	}
	k := s.codes[s.class[pe]]
	for name, v := range st.Regs {
		s.regs[s.regBase[pe]+k.regs[name]] = v
	}
	s.active[pe], s.blocked[pe] = st.Active, st.Blocked
	s.mainReady[pe], s.curTask[pe], s.pc[pe] = st.MainReady, st.Task, -1
	s.shut[pe], s.debt[pe] = st.Shut, st.Debt
	for i, f := range st.Fifos {
		m := &s.memFifos[int(s.fifoOf[pe])+i]
		m.head, m.n = f[0], f[1]
	}
	copy(s.inColor[s.inOf[pe]-s.inOf[0]:], st.In)
	for i, at := range st.Out {
		if at >= 0 {
			at += s.slotOf[pe]
		}
		s.outSlot[int(s.outBind[pe])+i] = at
	}
	for i, a := range k.class.Arrays {
		s.words = slices.Grow(s.words[:0], a.Len)[:a.Len]
		raw := s.words
		words(i, raw)
		at, b := s.memBase[pe]+k.layout.Addr[i]-k.layout.DataStart, a.Elem.Bytes()
		for j, v := range raw {
			s.store(at+j*b, b, v)
		}
	}
}

// relink resolves all routes again after routers or queues have changed.
func (s *Sim) relink() {
	if s.dyn == nil {
		return
	}
	for i := range s.slots {
		s.link(int32(i))
	}
}

// Owe adds host transfers that another engine has made since the last launch, in words of 32 bits.
func (s *Sim) Owe(words int64) { s.hostWords += words }
