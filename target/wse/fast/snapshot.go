package fast

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse/sim"
)

// between is the state of the members of g between launches, as the plain engine has it.
func (g *group) between() sim.State {
	st := sim.State{Active: g.active, Blocked: g.blocked, MainReady: g.mainReady, Task: g.cur, Links: g.linkFree, Routers: g.routers()}
	if g.k != nil {
		st.Regs = map[string]uint32{}
		for name, r := range g.k.regs {
			st.Regs[name] = g.regs[r]
		}
	}
	return st
}

// Image implements sim.Frozen.
func (s *Sim) Image() *sim.Image {
	if s.plain != nil {
		return s.plain.Image()
	}
	s.flush()
	img := sim.NewImage(s.cycle, s.hostWords, s.w*s.h)
	for pe, g := range s.groupOf {
		switch {
		case g == nil:
		case pe > 0 && g == s.groupOf[pe-1]:
			img.Of[pe] = img.Of[pe-1]
		default:
			img.Put(pe, g.between())
		}
	}
	return img
}

// Words implements sim.Frozen.
func (s *Sim) Words(pe, array int, dst []uint32) {
	if s.plain != nil {
		s.plain.Words(pe, array, dst)
		return
	}
	sh := s.all[s.shapeOf[pe]]
	row, n := int(sh.k.row[array]), len(sh.pes)
	for i := range dst {
		dst[i] = sh.mem[(row+i)*n+int(s.at[pe])]
	}
}

// Thaw implements sim.Thawed.
func (s *Sim) Thaw(img *sim.Image, next func(pe, array int, dst []uint32)) error {
	var words []uint32
	for pe, k := range img.Of {
		if (k < 0) != (s.groupOf[pe] == nil) {
			return fmt.Errorf("PE (%d,%d) has no state", pe%s.w, pe/s.w)
		}
		if k < 0 {
			continue
		}
		sh := s.all[s.shapeOf[pe]]
		if sh.k == nil {
			continue
		}
		n := len(sh.pes)
		for i, a := range sh.k.class.Arrays {
			words = append(words[:0], make([]uint32, a.Len)...)
			next(pe, i, words)
			row := int(sh.k.row[i])
			for j, v := range words {
				sh.mem[(row+j)*n+int(s.at[pe])] = v
			}
		}
	}
	s.cycle, s.hostWords = img.Cycle, img.Owed
	for _, g := range append([]*group(nil), s.groups...) {
		all := append(s.split(g, func(m int32) uint32 { return uint32(img.Of[g.pes[m]]) }), g)
		for _, p := range all {
			if err := s.turned(p, &img.States[img.Of[p.pes[p.ms[0]]]]); err != nil {
				return err
			}
			if err := p.become(&img.States[img.Of[p.pes[p.ms[0]]]]); err != nil {
				return err
			}
		}
	}
	return nil
}

// become puts all members into a state between launches.
func (g *group) become(st *sim.State) error {
	if st.Shut != 0 || st.Debt != 0 || len(st.Fifos) > 0 {
		return fmt.Errorf("a PE is in a state that only the plain engine knows")
	}
	g.linkFree = st.Links
	if g.k == nil {
		return nil
	}
	for name, v := range st.Regs {
		r, ok := g.k.regs[name]
		if !ok {
			return fmt.Errorf("class %s has no register %s", g.k.class.Name, name)
		}
		g.regs[r] = v
	}
	tasks := len(g.k.tasks)
	if tasks < 64 && (st.Active|st.Blocked)>>tasks != 0 || st.Task < 0 || int(st.Task) >= max(1, tasks) {
		return fmt.Errorf("class %s has fewer tasks", g.k.class.Name)
	}
	g.active, g.blocked, g.mainReady, g.cur = st.Active, st.Blocked, st.MainReady, st.Task
	return nil
}
