package sim

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

// find locates n elements of an exported array from element off in PE (x, y).
func (s *Sim) find(x, y int, name string, off, n int) (at int, a *wse.Array, err error) {
	if x < 0 || y < 0 || x >= s.w || y >= s.h {
		return 0, nil, fmt.Errorf("PE (%d,%d) is outside the %d x %d mesh", x, y, s.w, s.h)
	}
	pe := y*s.w + x
	if s.class[pe] < 0 {
		return 0, nil, fmt.Errorf("PE (%d,%d) has no program", x, y)
	}
	k := s.codes[s.class[pe]]
	i, ok := k.arrays[name]
	if !ok {
		return 0, nil, fmt.Errorf("PE (%d,%d), class %s: no array %q", x, y, k.class.Name, name)
	}
	a = k.class.Arrays[i]
	if !a.Export {
		return 0, nil, fmt.Errorf("array %s of class %s is not exported: the host cannot reach it", name, k.class.Name)
	}
	if off < 0 || n < 0 || off+n > a.Len {
		return 0, nil, fmt.Errorf("elements %d to %d of array %s, which has %d", off, off+n-1, name, a.Len)
	}
	return s.memBase[pe] + k.layout.Addr[i] - k.layout.DataStart + off*a.Elem.Bytes(), a, nil
}

func (s *Sim) charge(n, bytes int) { s.hostWords += int64((n*bytes + 3) / 4) }

// WriteArray stores the bits of elements from off on, between launches.
func (s *Sim) WriteArray(x, y int, name string, off int, src []uint32) error {
	at, a, err := s.find(x, y, name, off, len(src))
	if err != nil {
		return err
	}
	b := a.Elem.Bytes()
	for i, v := range src {
		s.store(at+i*b, b, v)
	}
	s.charge(len(src), b)
	return nil
}

// ReadArray loads the bits of len(dst) elements from off on.
func (s *Sim) ReadArray(x, y int, name string, off int, dst []uint32) error {
	at, a, err := s.find(x, y, name, off, len(dst))
	if err != nil {
		return err
	}
	b := a.Elem.Bytes()
	for i := range dst {
		dst[i] = s.loadMem(at+i*b, b)
	}
	s.charge(len(dst), b)
	return nil
}

// Floats reads a whole array as numbers.
func (s *Sim) Floats(x, y int, name string) ([]float64, error) {
	_, a, err := s.find(x, y, name, 0, 0)
	if err != nil {
		return nil, err
	}
	raw := make([]uint32, a.Len)
	if err := s.ReadArray(x, y, name, 0, raw); err != nil {
		return nil, err
	}
	out := make([]float64, len(raw))
	for i, b := range raw {
		out[i] = Decode(a.Elem, b)
	}
	return out, nil
}

// HostCycles is what the transfers since the last launch cost, see the package
// comment.
func (s *Sim) HostCycles() int64 { return s.hostCycles() }
