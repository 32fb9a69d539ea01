package place

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// A strand is a set of dimensions, of arrays and of values, that operations tie to each other point by point: they must lie alike, or
// points would change places between PEs. The dimensions of one axis may fall apart into several strands, and each may lie where it
// likes: the columns of a matrix A along y and the rows of B along x, though both are the axis that A*B sums over. A product does not tie
// the summed dimensions of its factors, because panels of them can be brought together (package tomesh, product.go).

// strand is one of them.
type strand struct {
	axis   string
	points int
	stays  bool // in memory: something reads it in a way that only memory can serve
}

// tuple lists the strands of the indices of an operation, or of the dimensions of an array: two of one tuple cannot share a side of the mesh.
type tuple struct {
	at      []int // -1: the summed index of a product
	factors []int // of that index in the two factors
}

// strands are those of the device functions of a program.
type strands struct {
	p      *ir.Program
	of     map[string]int // by key of a dimension
	all    []strand
	tuples []tuple
	copies [][2]int // of copies: where a dimension comes from and where it goes

	moves *moves // nil: every tensor is read where it lies

	root []int // union-find over dimensions
	axis []string
	stay []bool
}

// Keys of dimensions.
func arrayKey(array string, d int) string  { return fmt.Sprintf("@%s.%d", array, d) }
func indexKey(fn string, op, i int) string { return fmt.Sprintf("%s#%d.%d", fn, op, i) }

// readKey is that of dimension d of what a body reads as name.
func readKey(fn, name string, d int) string {
	if name != "" && name[0] == '@' {
		return arrayKey(name[1:], d)
	}
	return fmt.Sprintf("%s%s.%d", fn, name, d)
}

// strandsOf finds the strands; it returns nil for programs that relate axes of different resolution, which are cut together.
func strandsOf(p *ir.Program) *strands {
	if s := (&strands{p: p, of: map[string]int{}}); s.fill() {
		return s
	}
	return nil
}

func (s *strands) fill() bool {
	p := s.p
	for i := range p.Axes {
		if p.Axes[i].Of != "" {
			return false
		}
	}
	for i := range p.Arrays {
		for d, ax := range p.Arrays[i].Axes {
			s.node(arrayKey(p.Arrays[i].Name, d), ax)
		}
	}
	for i := range p.Funcs {
		if fn := &p.Funcs[i]; !fn.Host && !s.function(fn) {
			return false
		}
	}
	if s.moves != nil {
		s.join()
	}
	s.number()
	s.list()
	return true
}

func (s *strands) node(key, axis string) int {
	if n, ok := s.of[key]; ok {
		return n
	}
	n := len(s.root)
	s.of[key] = n
	s.root, s.axis, s.stay = append(s.root, n), append(s.axis, axis), append(s.stay, false)
	return n
}

func (s *strands) find(n int) int {
	for s.root[n] != n {
		s.root[n] = s.root[s.root[n]]
		n = s.root[n]
	}
	return n
}

// tie joins two dimensions; dimensions of different axes stay in memory.
func (s *strands) tie(a, b int) {
	if a, b = s.find(a), s.find(b); a > b {
		a, b = b, a
	}
	if a != b {
		s.stay[a] = s.stay[a] || s.stay[b] || !s.alike(s.axis[a], s.axis[b])
		s.root[b] = a
	}
}

// alike reports whether dimensions of two axes can lie alike: of one axis, or where tensors are moved of axes that are cut alike.
func (s *strands) alike(a, b string) bool {
	x, y := s.p.Axis(a), s.p.Axis(b)
	return a == b || s.moves != nil && x.N == y.N && !x.Periodic && !y.Periodic
}

// function ties what the operations of a function tie. It reports false for strided reads.
func (s *strands) function(fn *ir.Func) bool {
	for j := range fn.Ops {
		o := &fn.Ops[j]
		index := map[string]int{}
		for i, r := range append(slices.Clone(o.Dom), o.Over...) {
			n := s.node(indexKey(fn.Name, j, i), r.Axis)
			index[r.Index] = n
			if i < len(o.Dom) {
				for _, v := range o.Results {
					s.tie(s.node(readKey(fn.Name, "%"+v.Name, i), r.Axis), n)
				}
				if o.Kind == ir.Extend {
					s.tie(s.node(readKey(fn.Name, o.From, i), r.Axis), n)
				}
			}
			if r.Lo != 0 || r.Hi != s.p.Axis(r.Axis).N {
				s.stay[s.find(n)] = true
			}
		}
		summed := ""
		if s.panels(o) {
			summed = o.Over[0].Index
		}
		if len(o.Results) == 1 && s.moves.has(fn.Name, o.Results[0].Name) {
			for d, x := range o.Pieces[0].Body.Nodes[0].At {
				if n := s.of[readKey(fn.Name, o.Pieces[0].Body.Nodes[0].Name, d)]; x.Index == "" {
					s.stay[s.find(n)] = true
				}
			}
			continue
		}
		for _, pc := range o.Pieces {
			for _, n := range pc.Body.Nodes {
				if n.Op == ir.Read && !s.read(fn, n, index, summed) {
					return false
				}
			}
		}
	}
	for _, t := range fn.Sets {
		for d, ax := range s.p.Array(t.Array).Axes {
			s.tie(s.of[arrayKey(t.Array, d)], s.node(readKey(fn.Name, t.Value, d), ax))
		}
	}
	return true
}

// panels reports whether panels of the factors of an operation may be brought together. Where tensors are moved they are not: every
// reduction then finds what it reads in place.
func (s *strands) panels(o *ir.Op) bool { return s.moves == nil && IsProduct(s.p, o) }

func (s *strands) read(fn *ir.Func, n ir.Node, index map[string]int, summed string) bool {
	for d, x := range n.At {
		own, ok := s.of[readKey(fn.Name, n.Name, d)]
		if !ok || !x.Unit() {
			return false
		}
		if by, has := index[x.Index]; !has {
			s.stay[s.find(own)] = true
		} else if x.Index != summed || summed == "" {
			s.tie(own, by)
		}
		if x.Off != 0 {
			s.stay[s.find(own)] = true
		}
	}
	return true
}

// number gives every strand its place in all.
func (s *strands) number() {
	at := map[int]int{}
	id := make([]int, len(s.root))
	for n := range s.root {
		r := s.find(n)
		if _, ok := at[r]; !ok {
			at[r] = len(s.all)
			a := s.p.Axis(s.axis[r])
			s.all = append(s.all, strand{axis: a.Name, points: a.N, stays: s.stay[r] || a.Periodic || a.N < 2})
		}
		id[n] = at[r]
	}
	for key, n := range s.of {
		s.of[key] = id[n]
	}
}

// list fills in the tuples.
func (s *strands) list() {
	for i := range s.p.Arrays {
		a := &s.p.Arrays[i]
		var t tuple
		for d := range a.Axes {
			t.at = append(t.at, s.of[arrayKey(a.Name, d)])
		}
		s.tuples = append(s.tuples, t)
	}
	for i := range s.p.Funcs {
		fn := &s.p.Funcs[i]
		for j := range fn.Ops {
			o := &fn.Ops[j]
			if fn.Host {
				break
			}
			if len(o.Results) == 1 && s.moves.has(fn.Name, o.Results[0].Name) {
				x := &o.Pieces[0].Body.Nodes[0]
				k := 0
				for d, a := range x.At {
					if a.Index != "" {
						s.copies = append(s.copies, [2]int{s.of[readKey(fn.Name, x.Name, d)], s.of[indexKey(fn.Name, j, k)]})
						k++
					}
				}
			}
			var t tuple
			for i := range len(o.Dom) + len(o.Over) {
				t.at = append(t.at, s.of[indexKey(fn.Name, j, i)])
			}
			if s.panels(o) {
				t.at[len(o.Dom)] = -1
				for _, n := range o.Pieces[0].Body.Nodes {
					for d, x := range n.At {
						if x.Index == o.Over[0].Index {
							t.factors = append(t.factors, s.of[readKey(fn.Name, n.Name, d)])
						}
					}
				}
			}
			s.tuples = append(s.tuples, t)
		}
	}
}

// IsProduct reports whether an operation is a product of two tensors by fma over one index k, C[m.., n..] = sum over k of A[m.., k]*B[k, n..],
// over whole axes and without anything else in it. Each factor has indices beside k; the two may share some.
func IsProduct(p *ir.Program, o *ir.Op) bool {
	if o.Kind != ir.Reduce || !o.FMA || len(o.Over) != 1 || len(o.Pieces) != 1 || len(o.Results) != 1 {
		return false
	}
	for i, r := range append(slices.Clone(o.Dom), o.Over...) {
		n := p.Axis(r.Axis).N
		if r.Lo != 0 || r.Hi != n || o.Pieces[0].Box[i] != (ir.Interval{Hi: n}) {
			return false
		}
	}
	b := &o.Pieces[0].Body
	mul := &b.Nodes[b.Results[0]]
	if len(b.Nodes) != 3 || mul.Op != ir.Mul || mul.Args[0] == mul.Args[1] {
		return false
	}
	for _, x := range mul.Args {
		n := &b.Nodes[x]
		if n.Op != ir.Read || len(n.At) < 2 {
			return false
		}
		seen := map[string]bool{}
		for _, at := range n.At {
			if at.Index == "" || at.Off != 0 || !at.Unit() || seen[at.Index] {
				return false
			}
			seen[at.Index] = true
		}
		if !seen[o.Over[0].Index] {
			return false
		}
	}
	return true
}
