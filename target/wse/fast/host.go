package fast

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

// find locates an exported array in PE (x, y).
func (s *Sim) find(x, y int, name string, off, n int) (sh *shape, row int, m int, a *wse.Array, err error) {
	if x < 0 || y < 0 || x >= s.w || y >= s.h {
		return nil, 0, 0, nil, fmt.Errorf("PE (%d,%d) is outside the %d x %d mesh", x, y, s.w, s.h)
	}
	pe := y*s.w + x
	if s.shapeOf[pe] < 0 || s.all[s.shapeOf[pe]].k == nil {
		return nil, 0, 0, nil, fmt.Errorf("PE (%d,%d) has no program", x, y)
	}
	sh = s.all[s.shapeOf[pe]]
	for i, a := range sh.k.class.Arrays {
		switch {
		case a.Name != name:
		case !a.Export:
			return nil, 0, 0, nil, fmt.Errorf("array %s of class %s is not exported: the host cannot reach it", name, sh.k.class.Name)
		case off < 0 || n < 0 || off+n > a.Len:
			return nil, 0, 0, nil, fmt.Errorf("elements %d to %d of array %s, which has %d", off, off+n-1, name, a.Len)
		default:
			return sh, int(sh.k.row[i]) + off, int(s.at[pe]), a, nil
		}
	}
	return nil, 0, 0, nil, fmt.Errorf("PE (%d,%d), class %s: no array %q", x, y, sh.k.class.Name, name)
}

func (s *Sim) charge(n int, a *wse.Array) { s.hostWords += int64((n*a.Elem.Bytes() + 3) / 4) }

// WriteArray is that of the plain engine.
func (s *Sim) WriteArray(x, y int, name string, off int, src []uint32) error {
	if s.plain != nil {
		return s.plain.WriteArray(x, y, name, off, src)
	}
	sh, row, m, a, err := s.find(x, y, name, off, len(src))
	if err != nil {
		return err
	}
	keep := ^uint32(0)
	if a.Elem.Bytes() == 2 {
		keep = 0xffff
	}
	n := len(sh.pes)
	for i, v := range src {
		sh.mem[(row+i)*n+m] = v & keep
	}
	s.charge(len(src), a)
	return nil
}

// ReadArray is that of the plain engine.
func (s *Sim) ReadArray(x, y int, name string, off int, dst []uint32) error {
	if s.plain != nil {
		return s.plain.ReadArray(x, y, name, off, dst)
	}
	sh, row, m, a, err := s.find(x, y, name, off, len(dst))
	if err != nil {
		return err
	}
	n := len(sh.pes)
	for i := range dst {
		dst[i] = sh.mem[(row+i)*n+m]
	}
	s.charge(len(dst), a)
	return nil
}
