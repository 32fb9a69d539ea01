package mesh

// Overlaps reports whether two operands share an element of memory: exactly, not by their extent, because strided slices of one array
// interleave.
func (o Operand) Overlaps(p Operand) bool {
	if o.Kind != Memory || p.Kind != Memory || o.Slice.Array != p.Slice.Array {
		return false
	}
	a, b := o.Slice, p.Slice
	if a.Off > b.last() || b.Off > a.last() {
		return false
	}
	if a.dense() && b.dense() {
		return true
	}
	in := map[int]bool{}
	a.Each(func(i int) { in[i] = true })
	found := false
	b.Each(func(i int) { found = found || in[i] })
	return found
}

func (s Slice) dense() bool { return len(s.Dims) == 0 || len(s.Dims) == 1 && s.Dims[0].Stride == 1 }

// Each calls f with the index of every element of the slice, in order.
func (s Slice) Each(f func(int)) {
	if len(s.Dims) == 0 {
		f(s.Off)
		return
	}
	rest := Slice{Off: s.Off, Dims: s.Dims[1:]}
	for range s.Dims[0].Len {
		rest.Each(f)
		rest.Off += s.Dims[0].Stride
	}
}

// last is the highest index of a slice with strides that are not negative.
func (s Slice) last() int {
	last := s.Off
	for _, d := range s.Dims {
		last += (d.Len - 1) * d.Stride
	}
	return last
}
