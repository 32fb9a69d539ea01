package interp

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"pgregory.net/rapid"
)

// naive is the definition of ir.Order written as recursion over lists of elements, with optional values; it shares nothing with the
// interpreter but the two-operand combination.
func naive(order string, parts []int, levels [2][]ir.Level, dims []int, x, y []float32, fma bool) float32 {
	local := func(ks []int) *float32 {
		if len(ks) == 0 {
			return nil
		}
		if fma {
			acc := float32(0)
			for _, k := range ks {
				acc = exactFMA(x[k], y[k], acc)
			}
			return &acc
		}
		acc := x[ks[0]]
		for _, k := range ks[1:] {
			acc += x[k]
		}
		return &acc
	}
	add := func(a, b *float32) *float32 {
		if a == nil || b == nil {
			if a == nil {
				return b
			}
			return a
		}
		s := *a + *b
		return &s
	}
	all := make([]int, len(x))
	for i := range all {
		all[i] = i
	}
	switch order {
	case "seq":
		return *local(all)
	case "canon":
		var blocks []*float32
		for lo := 0; lo < len(all); lo += 4096 {
			lane := make([]*float32, 16)
			for l := range lane {
				var ks []int
				for k := lo + l; k < min(lo+4096, len(all)); k += 16 {
					ks = append(ks, k)
				}
				lane[l] = local(ks)
			}
			for len(lane) > 1 {
				h := len(lane) / 2
				for l := range h {
					lane[l] = add(lane[l], lane[l+h])
				}
				lane = lane[:h]
			}
			blocks = append(blocks, lane[0])
		}
		for len(blocks) > 1 {
			var next []*float32
			for i := 0; i < len(blocks); i += 2 {
				if i+1 == len(blocks) {
					next = append(next, blocks[i])
				} else {
					next = append(next, add(blocks[i], blocks[i+1]))
				}
			}
			blocks = next
		}
		return *blocks[0]
	}
	// mesh over two axes of sizes dims in parts parts: row chains along the first axis, then the second.
	cut := func(n, p, k int) (int, int) { return k*(n/p) + min(k, n%p), (k+1)*(n/p) + min(k+1, n%p) }
	// tree is what part k of n has after the first levels.
	var tree func(levels []ir.Level, n, k int, leaf func(k int) *float32) *float32
	tree = func(levels []ir.Level, n, k int, leaf func(k int) *float32) *float32 {
		if len(levels) == 0 {
			return leaf(k)
		}
		below, l := levels[:len(levels)-1], levels[len(levels)-1]
		stride := 1
		for _, b := range below {
			stride *= b.Size
		}
		var member func(j int) *float32 // what the members from j on combine to
		member = func(j int) *float32 {
			if j == l.Size || k+j*stride >= n {
				return nil
			}
			return add(tree(below, n, k+j*stride, leaf), member(j+1))
		}
		if !l.Star {
			return member(0)
		}
		acc := tree(below, n, k, leaf)
		for j := 1; j < l.Size && k+j*stride < n; j++ {
			acc = add(acc, tree(below, n, k+j*stride, leaf))
		}
		return acc
	}
	column := func(b int) *float32 {
		return tree(levels[0], parts[0], 0, func(a int) *float32 {
			var ks []int
			i0, i1 := cut(dims[0], parts[0], a)
			j0, j1 := cut(dims[1], parts[1], b)
			for i := i0; i < i1; i++ {
				for j := j0; j < j1; j++ {
					ks = append(ks, i*dims[1]+j)
				}
			}
			return local(ks)
		})
	}
	return *tree(levels[1], parts[1], 0, column)
}

// drawLevels draws a tree over n parts and its text, which is empty for one chain.
func drawLevels(rt *rapid.T, n int) (levels []ir.Level, text string) {
	if n == 1 || rapid.Bool().Draw(rt, "chain") {
		return []ir.Level{{Size: max(n, 2)}}, ""
	}
	for stride := 1; stride < n; {
		l := ir.Level{Size: rapid.IntRange(2, 6).Draw(rt, "size"), Star: rapid.Bool().Draw(rt, "star")}
		word := "chain"
		if l.Star {
			word = "star"
		}
		text += fmt.Sprintf(" %s %d", word, l.Size)
		levels, stride = append(levels, l), stride*l.Size
	}
	return levels, text
}

// exactFMA goes through big.Float; a zero result takes the sign IEEE gives it.
func exactFMA(a, b, c float32) float32 {
	f := func(x float32) *big.Float { return new(big.Float).SetPrec(2048).SetFloat64(float64(x)) }
	s := f(a)
	s.Mul(s, f(b)).Add(s, f(c))
	r, _ := s.Float32()
	if s.Sign() == 0 {
		return float32(float64(a)*float64(b) + float64(c))
	}
	return r
}

func reduceProgram(dims []int, order string, fma string) string {
	return fmt.Sprintf(`axis i %d cells lo 0 h 1 axis j %d cells lo 0 h 1 array @x[i, j] f32 array @y[i, j] f32 array @s[] f32
	func f {
	  reduce %%s f32 [] over [i in i 0..%[1]d, j in j 0..%[2]d] sum%[4]s order %[3]s {
	    box [0..%[1]d, 0..%[2]d] $0 = read f32 @x[i, j] $1 = read f32 @y[i, j] $2 = mul f32 $0, $1 yield $2
	  }
	  set @s = %%s
	}`, dims[0], dims[1], order, fma)
}

func TestReductionOrders(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dims := []int{rapid.IntRange(1, 140).Draw(rt, "i"), rapid.IntRange(1, 130).Draw(rt, "j")}
		if rapid.Bool().Draw(rt, "small") {
			dims[0], dims[1] = (dims[0]+15)/16, (dims[1]+15)/16
		}
		parts := []int{rapid.IntRange(1, dims[0]).Draw(rt, "px"), rapid.IntRange(1, dims[1]).Draw(rt, "py")}
		order := rapid.SampledFrom([]string{"seq", "canon", "mesh"}).Draw(rt, "order")
		fma := rapid.Bool().Draw(rt, "fma")
		text, word := order, ""
		var levels [2][]ir.Level
		if order == "mesh" {
			var ti, tj string
			levels[0], ti = drawLevels(rt, parts[0])
			levels[1], tj = drawLevels(rt, parts[1])
			text = fmt.Sprintf("mesh(i %d%s, j %d%s)", parts[0], ti, parts[1], tj)
		}
		if fma {
			word = " fma"
		}
		seed := rapid.Float64Range(1, 100).Draw(rt, "seed")
		n := dims[0] * dims[1]
		x := tensor(ir.F32, dims, func(i int) float64 { return math.Sin(seed * float64(i+1)) })
		y := tensor(ir.F32, dims, func(i int) float64 { return math.Exp(5 * math.Cos(seed+float64(i))) })
		got := exec(t, parse(t, reduceProgram(dims, text, word)), 1, map[string]*ir.Tensor{"x": x, "y": y})["s"].F32[0]
		xs, ys := x.F32, y.F32
		if !fma {
			xs = make([]float32, n)
			for k := range xs {
				xs[k] = x.F32[k] * y.F32[k]
			}
		}
		if want := naive(order, parts, levels, dims, xs, ys, fma); math.Float32bits(got) != math.Float32bits(want) {
			rt.Fatalf("%s %v fma %v: %g, want %g", text, dims, fma, got, want)
		}
	})
}

// A sum of -0 is -0: no order starts from +0.
func TestNegativeZero(t *testing.T) {
	for _, order := range []string{"seq", "canon", "mesh(i 2, j 3)"} {
		one := tensor(ir.F32, []int{3, 3}, func(int) float64 { return 1 })
		neg := tensor(ir.F32, []int{3, 3}, func(int) float64 { return math.Copysign(0, -1) })
		s := exec(t, parse(t, reduceProgram([]int{3, 3}, order, "")), 1, map[string]*ir.Tensor{"x": neg, "y": one})["s"]
		if !math.Signbit(s.At(0)) {
			t.Errorf("%s: %g", order, s.At(0))
		}
	}
}

// A product sums each row; max and min of several types go through pieces and groups.
func TestMatVecAndMax(t *testing.T) {
	const m, n = 37, 3000 // several groups of rows
	p := parse(t, fmt.Sprintf(`axis i %d cells lo 0 h 1 axis j %d cells lo 0 h 1
	array @A[i, j] f64 array @x[j] f64 array @b[i] f64 array @hi[i] i32 array @any[] bool
	func f {
	  reduce %%b f64 [r in i 0..%[1]d] over [k in j 0..%[2]d] sum fma order seq {
	    box [0..%[1]d, 0..%[2]d] $0 = read f64 @A[r, k] $1 = read f64 @x[k] $2 = mul f64 $0, $1 yield $2
	  }
	  reduce %%hi i32 [r in i 0..%[1]d] over [k in j 0..%[2]d] max order canon {
	    box [0..30, 0..%[2]d] $0 = index i32 r $1 = index i32 k $2 = add i32 $0, $1 yield $2
	    box [30..%[1]d, 0..1000] $0 = index i32 r yield $0
	    box [30..%[1]d, 1000..%[2]d] $0 = index i32 k yield $0
	  }
	  reduce %%any bool [] over [k in j 0..%[2]d] max order seq {
	    box [0..%[2]d] $0 = index i32 k $1 = const i32 2999 $2 = eq bool $0, $1 yield $2
	  }
	  set @b = %%b set @hi = %%hi set @any = %%any
	}`, m, n))
	A := tensor(ir.F64, []int{m, n}, func(i int) float64 { return math.Sin(float64(i)) })
	x := tensor(ir.F64, []int{n}, func(i int) float64 { return 1 / float64(i+1) })
	out := exec(t, p, 1, map[string]*ir.Tensor{"A": A, "x": x})
	for i := range m {
		acc := 0.0
		for k := range n {
			acc = math.FMA(A.F64[i*n+k], x.F64[k], acc)
		}
		if out["b"].F64[i] != acc {
			t.Fatalf("b[%d] = %g, want %g", i, out["b"].F64[i], acc)
		}
		want := int32(n - 1)
		if i < 30 {
			want += int32(i)
		}
		if out["hi"].I32[i] != want {
			t.Fatalf("hi[%d] = %d, want %d", i, out["hi"].I32[i], want)
		}
	}
	if out["any"].I32[0] != 1 {
		t.Error("any")
	}
}

func BenchmarkDot(b *testing.B) {
	for _, order := range []string{"seq", "canon", "mesh(i 10, j 10)"} {
		b.Run(strings.Fields(order)[0], func(b *testing.B) {
			p := parse(b, reduceProgram([]int{1000, 1000}, order, " fma"))
			in := tensor(ir.F32, []int{1000, 1000}, func(i int) float64 { return float64(i % 7) })
			m, err := New(p)
			if err != nil {
				b.Fatal(err)
			}
			m.Set("x", in)
			m.Set("y", in)
			for b.Loop() {
				if _, err := m.Run(b.Context(), "f", 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mterm/s")
		})
	}
}
