package sim

import "github.com/wfc-lang/wfc/target/wse"

// Meaning is what an opcode computes on source type e, from bits to bits, or nil.
func Meaning(c wse.Opcode, e wse.Elem) func(a, b, c uint32) uint32 { return meaning(c, e) }

// State is what a PE holds between launches besides its arrays.
type State struct {
	Regs            map[string]uint32
	Active, Blocked uint64 // bit per task of the class
	MainReady       int64
	Task            int32           // the one that ran last
	Links           [numPorts]int64 // ticks from which each port is free
}

// Restore puts a PE into a state it had in another engine at cycle, between launches. words gives the bits of array i.
func (s *Sim) Restore(pe int, cycle int64, st State, words func(array int, dst []uint32)) {
	s.cycle = cycle
	copy(s.linkFree[pe*numPorts:(pe+1)*numPorts], st.Links[:])
	if s.class[pe] < 0 {
		return
	}
	k := s.codes[s.class[pe]]
	for name, v := range st.Regs {
		s.regs[s.regBase[pe]+k.regs[name]] = v
	}
	s.active[pe], s.blocked[pe] = st.Active, st.Blocked
	s.mainReady[pe], s.curTask[pe], s.pc[pe] = st.MainReady, st.Task, -1
	for i, a := range k.class.Arrays {
		raw := make([]uint32, a.Len)
		words(i, raw)
		at, b := s.memBase[pe]+k.layout.Addr[i]-k.layout.DataStart, a.Elem.Bytes()
		for j, v := range raw {
			s.store(at+j*b, b, v)
		}
	}
}

// Owe adds host transfers that another engine has made since the last launch, in words of 32 bits.
func (s *Sim) Owe(words int64) { s.hostWords += words }
