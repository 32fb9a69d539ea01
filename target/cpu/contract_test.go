package cpu

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// product is out[..] = sum over k of x*y, the factors read by the given indices, "s:4" naming an index and its extent. Upper-case reads
// come through a select on the index values (a causal mask).
func product(e ir.Elem, out, over string, x, y []string, extents map[string]int) *ir.Program {
	p := &ir.Program{Name: "product", Funcs: []ir.Func{{Name: "f"}}}
	for _, k := range sortedNames(extents) {
		p.Axes = append(p.Axes, ir.Axis{Name: k, N: extents[k], H: 1})
	}
	ranges := func(s string) (rs []ir.Range) {
		for _, c := range s {
			rs = append(rs, ir.Range{Index: string(c), Axis: string(c), Hi: extents[string(c)]})
		}
		return rs
	}
	axes := func(s string) (out []string) {
		for _, c := range s {
			out = append(out, string(c))
		}
		return out
	}
	var b ir.BodyBuilder
	read := func(list []string, prefix string) int {
		v := -1
		for i, s := range list {
			name := fmt.Sprintf("%s%d", prefix, i)
			mask := s[0] == '?'
			if mask {
				s = s[1:]
			}
			p.Arrays = append(p.Arrays, ir.Array{Name: name, Axes: axes(s), Elem: e})
			var at []ir.Affine
			for _, c := range s {
				at = append(at, ir.At(string(c), 0))
			}
			r := b.Read(e, "@"+name, at...)
			if mask {
				i0, i1 := string(s[0]), string(s[1])
				r = b.Select(b.Op(ir.Le, b.Index(i0), b.Index(i1)), r, b.Const(e, 0))
			}
			if v < 0 {
				v = r
			} else {
				v = b.Mul(v, r)
			}
		}
		return v
	}
	l, r := read(x, "x"), read(y, "y")
	p.Arrays = append(p.Arrays, ir.Array{Name: "out", Axes: axes(out), Elem: e})
	op := ir.Op{Kind: ir.Reduce, Comb: ir.Sum, FMA: true, Dom: ranges(out), Over: ranges(over), Results: []ir.Result{{Name: "r", Elem: e}}}
	op.Pieces = []ir.Piece{{Box: boxIntervals(append(ranges(out), ranges(over)...)), Body: b.Body(b.Mul(l, r))}}
	p.Funcs[0].Ops = []ir.Op{op}
	p.Funcs[0].Sets = []ir.Set{{Array: "out", Value: "%r"}}
	return p
}

func sortedNames(m map[string]int) []string {
	var out []string
	for c := 'a'; c <= 'z'; c++ {
		if _, ok := m[string(c)]; ok {
			out = append(out, string(c))
		}
	}
	return out
}

// Products of every layout and of odd shapes have the interpreter's bits.
func TestContractions(t *testing.T) {
	needsLLVM(t)
	withCaches(t, native.Caches{First: 32 << 10, Second: 1 << 20, Last: 32 << 20}) // what lies in its place and what is packed
	type m = map[string]int
	for i, tc := range []struct {
		out, over string
		x, y      []string
		n         m
	}{
		{"ij", "k", []string{"ik"}, []string{"kj"}, m{"i": 37, "j": 70, "k": 19}},
		{"ij", "k", []string{"ik"}, []string{"jk"}, m{"i": 25, "j": 65, "k": 33}},
		{"ij", "k", []string{"ki"}, []string{"kj"}, m{"i": 13, "j": 31, "k": 50}},
		{"ij", "k", []string{"ki"}, []string{"jk"}, m{"i": 12, "j": 96, "k": 16}},
		{"ij", "k", []string{"ik"}, []string{"jk"}, m{"i": 1, "j": 9, "k": 100}},
		{"ij", "k", []string{"ik"}, []string{"jk"}, m{"i": 9, "j": 1, "k": 100}},
		{"ij", "k", []string{"ik"}, []string{"kj"}, m{"i": 2, "j": 3, "k": 1}},
		{"i", "k", []string{"ik"}, []string{"k"}, m{"i": 70, "k": 40}},
		{"i", "k", []string{"k"}, []string{"ki"}, m{"i": 64, "k": 40}},
		{"bsd", "he", []string{"bshe"}, []string{"dhe"}, m{"b": 2, "s": 13, "d": 40, "h": 3, "e": 20}},
		{"bhst", "e", []string{"bhse"}, []string{"bhte"}, m{"b": 2, "h": 3, "s": 17, "t": 17, "e": 20}},
		{"bhse", "t", []string{"?tsbh"}, []string{"bhte"}, m{"b": 2, "h": 2, "s": 18, "t": 18, "e": 20}},
		{"bhse", "d", []string{"bsd"}, []string{"hed"}, m{"b": 2, "h": 2, "s": 14, "e": 24, "d": 30}},
		{"hed", "bt", []string{"bhte"}, []string{"btd"}, m{"b": 3, "h": 2, "t": 15, "e": 8, "d": 36}},
		{"ij", "k", []string{"ik", "k"}, []string{"kj", "j"}, m{"i": 20, "j": 40, "k": 20}},
		{"ji", "k", []string{"ik", "i"}, []string{"?kj"}, m{"i": 5, "j": 40, "k": 20}},
		{"ij", "k", []string{"ik"}, []string{"kj"}, m{"i": 14, "j": 35, "k": 5001}},
		{"ij", "k", []string{"ki"}, []string{"jk"}, m{"i": 40, "j": 20, "k": 3200}},
		{"ij", "k", []string{"ij", "ik"}, []string{"kj"}, m{"i": 20, "j": 40, "k": 20}},
		{"ij", "k", []string{"ik"}, []string{"kj", "j"}, m{"i": 14, "j": 310, "k": 11}}, // packed, many panels at once
		{"bij", "k", []string{"bik"}, []string{"bkj"}, m{"b": 2, "i": 13, "j": 47, "k": 21}},
		{"ij", "k", []string{"ik"}, []string{"kj"}, m{"i": 13, "j": 200, "k": 170}}, // too large to stay in its place
		{"ij", "k", []string{"ki"}, []string{"kj"}, m{"i": 210, "j": 40, "k": 170}}, // so is the first factor, across the sum
		{"bij", "k", []string{"bki"}, []string{"bjk"}, m{"b": 2, "i": 13, "j": 47, "k": 21}},
		{"i", "k", []string{"k"}, []string{"ki"}, m{"i": 79, "k": 41}}, // a row whose rest fills a vector nearly
		{"ij", "k", []string{"ik"}, []string{"kj"}, m{"i": 1, "j": 127, "k": 19}},
	} {
		for _, e := range []ir.Elem{ir.F32, ir.F64} {
			p := product(e, tc.out, tc.over, tc.x, tc.y, tc.n)
			c := newContraction(&p.Funcs[0].Ops[0])
			if none := i == 8; none != (c == nil) {
				t.Errorf("case %d: contraction %v", i, c != nil)
			}
			t.Run(fmt.Sprint(i, e), func(t *testing.T) {
				sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
			})
		}
	}
}

// A large first factor is packed part by part, in memory of the thread's own: along the sum, across it, as an expression.
func TestContractionPieces(t *testing.T) {
	needsLLVM(t)
	old := partBytes
	partBytes = func() int { return 4 << 10 }
	defer func() { partBytes = old }()
	type m = map[string]int
	for i, tc := range []struct {
		out, over string
		x, y      []string
		n         m
	}{
		{"ij", "k", []string{"ki"}, []string{"kj"}, m{"i": 331, "j": 40, "k": 137}},
		{"ij", "bk", []string{"bki"}, []string{"bkj"}, m{"i": 340, "j": 70, "k": 13, "b": 3}},
		{"bij", "k", []string{"ik", "k"}, []string{"bkj"}, m{"i": 300, "j": 20, "k": 50, "b": 2}},
		{"ij", "k", []string{"?ik"}, []string{"jk"}, m{"i": 260, "j": 33, "k": 70}},
	} {
		p := product(ir.F32, tc.out, tc.over, tc.x, tc.y, tc.n)
		if c := newContraction(&p.Funcs[0].Ops[0]); c == nil || !c.piecewise() {
			t.Errorf("case %d is not packed part by part", i)
		}
		sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
	}
}

// Where every panel of the second factor is used once it is packed by its user: rows times a matrix, transposed and not, in several batches.
func TestContractionPanels(t *testing.T) {
	needsLLVM(t)
	type m = map[string]int
	for i, tc := range []struct {
		out, over string
		x, y      []string
		n         m
	}{
		{"j", "k", []string{"k"}, []string{"jk"}, m{"j": 500, "k": 37}},
		{"ij", "k", []string{"ik"}, []string{"kj", "j"}, m{"i": 5, "j": 401, "k": 19}},
		{"bij", "k", []string{"?ki", "b"}, []string{"bjk"}, m{"i": 14, "j": 390, "k": 40, "b": 2}},
	} {
		p := product(ir.F32, tc.out, tc.over, tc.x, tc.y, tc.n)
		if c := newContraction(&p.Funcs[0].Ops[0]); c == nil || !c.panelwise() {
			t.Errorf("case %d is not packed panel by panel", i)
		}
		sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
	}
}

// A second factor that lies well is packed by the block of rows that uses it first: by none where a unit is one block, stretch by stretch
// where the sum is long or over several indices, for parts of the rows, in several batches.
func TestContractionByTheWay(t *testing.T) {
	needsLLVM(t)
	type m = map[string]int
	for i, tc := range []struct {
		out    string
		x, y   string
		blocks int // that a unit passes over
		n      m
	}{
		{"ij", "ik", "kj", 1, m{"i": 5, "j": 401, "k": 90}},
		{"ij", "ki", "kj", 2, m{"i": 200, "j": 40, "k": 830}},
		{"ij", "ik", "kj", 2, m{"i": 17, "j": 1030, "k": 35}},
		{"ij", "ik", "kj", 3, m{"i": 30, "j": 1024, "k": 33}},
		{"bij", "bik", "bkj", 2, m{"b": 2, "i": 19, "j": 530, "k": 70}},
		{"bij", "bik", "kj", 2, m{"b": 2, "i": 14, "j": 520, "k": 64}},
		{"ij", "ik", "kj", 2, m{"i": 14, "j": 1030, "k": 3100}},
		{"ij", "bki", "bkj", 3, m{"b": 3, "i": 50, "j": 530, "k": 70}},
		{"ij", "bcik", "bckj", 3, m{"b": 2, "c": 3, "i": 50, "j": 530, "k": 65}},
	} {
		over := "k"
		for _, x := range []string{"c", "b"} {
			if tc.n[x] > 0 && !strings.Contains(tc.out, x) {
				over = x + over
			}
		}
		p := product(ir.F32, tc.out, over, []string{tc.x}, []string{tc.y}, tc.n)
		c := newContraction(&p.Funcs[0].Ops[0])
		if c == nil || !c.byTheWay() {
			t.Errorf("case %d is not packed by the way", i)
		} else if n := c.blocksPerUnit(); vectorBytes() == 64 && n != tc.blocks {
			t.Errorf("case %d: units of %d blocks", i, n)
		}
		sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
	}
}

// Of a long sum a unit takes several panels, with one stretch after the other: packed by the way, before, and with rows that are packed part by part.
func TestContractionGroups(t *testing.T) {
	needsLLVM(t)
	withCaches(t, native.Caches{Second: 256 << 10, Last: 8 << 20})
	part, units := partBytes, dividedUnits
	defer func() { partBytes, dividedUnits = part, units }()
	partBytes, dividedUnits = func() int { return 16 << 10 }, func() int { return 4 }
	type m = map[string]int
	for i, tc := range []struct {
		x, y string
		n    m
	}{
		{"ik", "kj", m{"i": 14, "j": 530, "k": 1650}},
		{"ik", "jk", m{"i": 30, "j": 530, "k": 2200}},
		{"?ik", "jk", m{"i": 200, "j": 90, "k": 1650}},
	} {
		p := product(ir.F32, "ij", "k", []string{tc.x}, []string{tc.y}, tc.n)
		c := newContraction(&p.Funcs[0].Ops[0])
		for _, forceVector = range []int{16, 32, 64, 0} {
			if nb, _, _ := c.blocks(); c.panelGroup(c.chunks(nb)) == 1 {
				t.Errorf("case %d takes panel after panel with vectors of %d bytes", i, forceVector)
			}
		}
		sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
	}
}

// Narrower vectors, as other processors have them, give the same bits.
func TestContractionWidths(t *testing.T) {
	needsLLVM(t)
	defer func() { forceVector = 0 }()
	for _, forceVector = range []int{16, 32} {
		for _, e := range []ir.Elem{ir.F32, ir.F64} {
			for _, y := range []string{"kj", "jk"} {
				for _, x := range []string{"ik", "ki"} {
					p := product(e, "ij", "k", []string{x}, []string{y}, map[string]int{"i": 29, "j": 37, "k": 23})
					sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
				}
			}
		}
	}
}

// BenchmarkMatrix multiplies square matrices of f32 on one thread, the second as it lies or transposed.
func BenchmarkMatrix(b *testing.B) {
	for _, n := range []int{64, 256, 512, 1024, 2048} {
		for _, y := range []string{"kj", "jk"} {
			b.Run(fmt.Sprint(n, y), func(b *testing.B) {
				p := product(ir.F32, "ij", "k", []string{"ik"}, []string{y}, map[string]int{"i": n, "j": n, "k": n})
				e, err := New(p, Options{Threads: 1})
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				for i := range p.Arrays {
					if err := e.Set(p.Arrays[i].Name, sample(ir.F32, p.Shape(&p.Arrays[i]), 1)); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					if _, err := e.Run(context.Background(), "f", 1); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(2*float64(n*n)*float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
