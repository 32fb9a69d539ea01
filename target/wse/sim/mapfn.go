package sim

import "github.com/wfc-lang/wfc/target/wse"

// mapStep is one operation of a mapped function; operands are places in its values, constants come first.
type mapStep struct {
	fn  fn
	src [3]int
}

// mapped compiles a mapped function: the values are its arguments, its constants, then one per operation.
func mapped(f *wse.MapFunc) fn {
	var consts []uint32
	place := map[string]int{}
	for i, a := range f.Args {
		place[a] = i
	}
	for _, o := range f.Ops {
		for _, a := range o.Src {
			if a.Name == "" {
				consts = append(consts, a.Bits)
			}
		}
	}
	first, next := 3+len(consts), 3
	var steps []mapStep
	for i, o := range f.Ops {
		s := mapStep{fn: meaning(o.Code, o.Elem)}
		if s.fn == nil {
			return nil
		}
		for j, a := range o.Src {
			if a.Name == "" {
				s.src[j] = next
				next++
			} else {
				s.src[j] = place[a.Name]
			}
		}
		place[o.Name] = first + i
		steps = append(steps, s)
	}
	ret := place[f.Ret]
	return func(a, b, c uint32) uint32 {
		var some [32]uint32 // lanes share the code
		v := some[:]
		if first+len(steps) > len(v) {
			v = make([]uint32, first+len(steps))
		}
		copy(v[3:], consts)
		v[0], v[1], v[2] = a, b, c
		for i := range steps {
			s := &steps[i]
			v[first+i] = s.fn(v[s.src[0]], v[s.src[1]], v[s.src[2]])
		}
		return v[ret]
	}
}
