package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// scores is attention with its derivative as index IR: the large values [b, h, s, t] of function forward are read again by what follows
// a product with weights.
func scores(t *testing.T, b, h, s, n, e int, causal bool) *ir.Program {
	t.Helper()
	mask := "const bool 1"
	if causal {
		mask = "le bool $0, $1"
	}
	src := fmt.Sprintf(`wfir 1
program scores

axis b %d cells lo 0 h 1
axis h %d cells lo 0 h 1
axis s %d cells lo 0 h 1
axis t %d cells lo 0 h 1
axis e %d cells lo 0 h 1

`, b, h, s, n, e)
	for _, a := range []string{"q[b, h, s, e]", "k[b, h, t, e]", "u[b, h, t, e]", "w[e]", "y[b, h, s, e]", "gq[b, h, s, e]", "gk[b, h, t, e]", "gu[b, h, t, e]", "z[b, h, s]"} {
		src += "array @" + a + " f32\n\n"
	}
	dom := fmt.Sprintf("b in b 0..%d, h in h 0..%d", b, h)
	S, T, E := fmt.Sprintf("s in s 0..%d", s), fmt.Sprintf("t in t 0..%d", n), fmt.Sprintf("e in e 0..%d", e)
	box := fmt.Sprintf("0..%d, 0..%d", b, h)
	bs, bt, be := fmt.Sprintf("0..%d", s), fmt.Sprintf("0..%d", n), fmt.Sprintf("0..%d", e)
	src += "func step {\n"
	product := func(name, out, outBox, over, overBox, x, y string) {
		src += fmt.Sprintf("  reduce %%%s f32 [%s, %s] over [%s] sum fma order seq {\n    box [%s, %s, %s]\n      $0 = read f32 %s\n      $1 = read f32 %s\n      $2 = mul f32 $0, $1\n      yield $2\n  }\n",
			name, dom, out, over, box, outBox, overBox, x, y)
	}
	rows := func(name, comb, body string) {
		src += fmt.Sprintf("  reduce %%%s f32 [%s, %s] over [%s] %s order canon {\n    box [%s, %s, %s]\n%s  }\n", name, dom, S, T, comb, box, bs, bt, body)
	}
	pointwise := func(name, body string) {
		src += fmt.Sprintf("  map %%%s f32 [%s, %s, %s] {\n    box [%s, %s, %s]\n      $0 = index i32 t\n      $1 = index i32 s\n      $2 = %s\n%s  }\n", name, dom, S, T, box, bs, bt, mask, body)
	}
	product("x", S+", "+T, bs+", "+bt, E, be, "@q[b, h, s, e]", "@k[b, h, t, e]")
	rows("max", "max", "      $0 = index i32 t\n      $1 = index i32 s\n      $2 = "+mask+"\n      $3 = read f32 %x[b, h, s, t]\n      $4 = const f32 -inf\n      $5 = select f32 $2, $3, $4\n      yield $5\n")
	pointwise("p", "      $3 = read f32 %x[b, h, s, t]\n      $4 = read f32 %max[b, h, s]\n      $5 = sub f32 $3, $4\n      $6 = const f32 0.25\n      $7 = mul f32 $5, $6\n      $8 = neg f32 $7\n      $9 = const f32 0\n      $10 = select f32 $2, $8, $9\n      yield $10\n")
	rows("sum", "sum", "      $0 = read f32 %p[b, h, s, t]\n      yield $0\n")
	pointwise("a", "      $3 = read f32 %p[b, h, s, t]\n      $4 = read f32 %sum[b, h, s]\n      $5 = const f32 1\n      $6 = add f32 $4, $5\n      $7 = div f32 $3, $6\n      $8 = const f32 0\n      $9 = select f32 $2, $7, $8\n      yield $9\n")
	product("o", S+", "+E, bs+", "+be, T, bt, "%a[b, h, s, t]", "@u[b, h, t, e]")
	src += fmt.Sprintf("  map %%g f32 [%s, %s, %s] {\n    box [%s, %s, %s]\n      $0 = read f32 %%o[b, h, s, e]\n      $1 = read f32 @w[e]\n      $2 = mul f32 $0, $1\n      yield $2\n  }\n", dom, S, E, box, bs, be)
	product("gu", T+", "+E, bt+", "+be, S, bs, "%a[b, h, s, t]", "%g[b, h, s, e]")
	product("ga", S+", "+T, bs+", "+bt, E, be, "%g[b, h, s, e]", "@u[b, h, t, e]")
	pointwise("gx", "      $3 = read f32 %ga[b, h, s, t]\n      $4 = read f32 %a[b, h, s, t]\n      $5 = mul f32 $3, $4\n      $6 = read f32 %p[b, h, s, t]\n      $7 = add f32 $5, $6\n      $8 = const f32 -0\n      $9 = select f32 $2, $7, $8\n      yield $9\n")
	product("gk", T+", "+E, bt+", "+be, S, bs, "%gx[b, h, s, t]", "@q[b, h, s, e]")
	product("gq", S+", "+E, bs+", "+be, T, bt, "%gx[b, h, s, t]", "@k[b, h, t, e]")
	src += "  set @y = %o\n  set @gq = %gq\n  set @gk = %gk\n  set @gu = %gu\n  set @z = %sum\n}\n"
	p, err := ir.Parse("scores.wfir", src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return p
}

func smallGroups(t *testing.T) {
	old := groupBytes
	groupBytes = func() int { return 256 }
	t.Cleanup(func() { groupBytes = old })
}

// What runs tile by tile has the interpreter's bits, and its large values have no storage: those of the derivative are computed again.
func TestGroups(t *testing.T) {
	needsLLVM(t)
	smallGroups(t)
	for _, n := range [][5]int{{1, 5, 128, 128, 16}, {4, 1, 70, 33, 5}, {2, 2, 200, 60, 12}} {
		for _, causal := range []bool{false, true} {
			p := scores(t, n[0], n[1], n[2], n[3], n[4], causal)
			pl, err := newPlan(p, false, -1)
			check(t, err)
			if got := len(pl.funcs["step"].launches); got != 3 {
				t.Errorf("%v: %d launches, not two groups and a map", n, got)
			}
			for _, l := range pl.layouts {
				if len(l.box) == 4 && l.box[2].Hi == n[2] && l.box[3].Hi == n[3] {
					t.Errorf("%v: a large value is stored", n)
				}
			}
			sameAsInterpreter(t, toolchains()[0], p, 1, nil, "step")
			for _, odd := range []string{"q", "k", "u", "0"} {
				if causal {
					sameAsInterpreter(t, toolchains()[0], p, 1, oddities(p, odd), "step")
				}
			}
		}
	}
}

// oddities are inputs on which a weight of 0 matters: one factor that is not finite in some columns, sums that underflow to -0, and, with
// "0", scores that are all the same, whose differences are zeros of either sign.
func oddities(p *ir.Program, odd string) map[string]*ir.Tensor {
	in := map[string]*ir.Tensor{}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		x := sample(a.Elem, p.Shape(a), uint64(i)+1)
		for k := range x.F32 {
			switch {
			case a.Name == "w" || a.Name == "u" && odd == "k":
				x.F32[k] = -float32(math.Abs(float64(x.F32[k]))) * 1e-30
			case a.Name == "q" && odd == "0":
				x.F32[k] = 0
			case a.Name == odd && k%1013 == 17:
				x.F32[k] = float32(math.Inf(1 - 2*(k%2)))
			case k%7 == 0:
				x.F32[k] *= 1e-30
			}
		}
		in[a.Name] = x
	}
	return in
}

// Scores that are masked or scaled have no tile: what reads them does that itself, in the derivative too.
func TestMakeInTiles(t *testing.T) {
	smallGroups(t)
	p := scores(t, 2, 2, 128, 128, 16, true)
	pl, err := newPlan(p, false, -1)
	check(t, err)
	g, err := prepare(p, &p.Funcs[0], pl.arrays)
	check(t, err)
	g.group(p.Funcs[0].Sets)
	for _, x := range g.groups {
		for i := x.lo; i < x.hi; i++ {
			op := &g.ops[i]
			for k := range op.Results {
				if op.Kind == ir.Map && len(op.Dom) == 4 && cheap(op, k, func(name string) bool { return x.local[name] }, 2) && !readByProduct(g, op.Results[k].Name) {
					t.Errorf("%s keeps a tile", op.Results[k].Name)
				}
			}
		}
		if n := x.hi - x.lo; n != len(x.row) || n != len(x.col) || n != len(x.onto) {
			t.Errorf("%d operations, but %d rows, %d columns, %d sums over rows", n, len(x.row), len(x.col), len(x.onto))
		}
	}
}

func readByProduct(g *fn, name string) bool {
	return slices.ContainsFunc(g.ops, func(op ir.Op) bool { return readsValue(&op, "%"+name) && newContraction(&op) != nil })
}

// The code of a causal group ends at the diagonal: where the select decides, no tile has the columns behind it.
func TestGroupCut(t *testing.T) {
	smallGroups(t)
	for _, tc := range []struct {
		causal bool
		want   []int
	}{{true, []int{80, 144, 200}}, {false, []int{200, 200, 200}}} {
		p := scores(t, 2, 2, 200, 200, 8, tc.causal)
		var arrays []*val
		for i := range p.Arrays {
			a := &p.Arrays[i]
			v := &val{name: "@" + a.Name, elem: a.Elem, axes: a.Axes, slot: i}
			for _, n := range a.Axes {
				v.box = append(v.box, ir.Interval{Hi: p.Axis(n).N})
			}
			arrays = append(arrays, v)
		}
		g, err := prepare(p, &p.Funcs[0], arrays)
		check(t, err)
		g.group(p.Funcs[0].Sets)
		if len(g.groups) != 2 {
			t.Fatalf("%d groups", len(g.groups))
		}
		for _, x := range g.groups {
			var got []int
			for lo := 0; lo < 200; lo += x.size {
				got = append(got, x.cutFor(g, ir.Interval{Lo: lo, Hi: min(200, lo+x.size)}, 0).cols)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("causal %v: columns %v, want %v", tc.causal, got, tc.want)
			}
		}
	}
}

// Scores of long sequences are cut into more tiles, so that each fits; they are stored only where the tiles would be too many or too low.
func TestRowsPerTile(t *testing.T) {
	withCaches(t, native.Caches{First: 32 << 10, Second: 512 << 10, Last: 32 << 20})
	for _, c := range []struct {
		rows, cols, size int
		fits             bool
	}{
		{100, 100, 100, true}, {256, 256, 64, true}, {1024, 1024, 128, true}, {4096, 4096, 512, true}, {8192, 8192, 256, true},
		{16384, 16384, 512, false}, {128, 1 << 20, 64, false},
	} {
		if size, fits := rowsPerTile(c.rows, c.cols); size != c.size || fits != c.fits {
			t.Errorf("%d x %d: tiles of %d rows, fit: %v; not %d, %v", c.rows, c.cols, size, fits, c.size, c.fits)
		}
	}
}
