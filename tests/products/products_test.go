// Package products draws programs of matrix and vector products and holds every distribution of them against the interpreter, bit for bit.
package products

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// program is a chain of products with what lies between them in models: additions, norms of rows, factors per column, a loop.
func program(r *rand.Rand) string {
	var b strings.Builder
	dims := []string{"a", "b", "c", "d"}
	n := func() int { return 1 + r.IntN(12) }
	fmt.Fprintf(&b, "dim a = %d, b = %d, c = %d, d = %d\n", 1+n(), n(), n(), n())
	fields, lines := 0, []string{}
	field := func(axes ...string) string {
		fields++
		n := fmt.Sprintf("M%d", fields)
		fmt.Fprintf(&b, "field %s[%s] = sin(%d + 0.7*%s)\n", n, strings.Join(axes, ","), fields, strings.Join(axes, " + 1.3*"))
		return n
	}
	pick := func(not ...string) string {
		for {
			if d := dims[r.IntN(len(dims))]; !slices.Contains(not, d) {
				return d
			}
		}
	}
	set := func(axes []string, format string, args ...any) string {
		n := field(axes...)
		prime := ""
		if r.IntN(2) == 0 {
			prime = fmt.Sprintf("0.25*%s[%s] + ", n, strings.Join(axes, ","))
		}
		lines = append(lines, fmt.Sprintf("%s'[%s] = %s%s", n, strings.Join(axes, ","), prime, fmt.Sprintf(format, args...)))
		return n
	}
	i := pick()
	k := pick(i)
	at, assigned := field(i, k), false
	for range 2 + r.IntN(3) {
		j := pick(i, k)
		f := at
		if assigned {
			f += "'"
		}
		first := at
		switch r.IntN(6) {
		case 0: // the rows become the summed index
			at = set([]string{k, j}, "%s[%s,%s]*%s[%s,%s]", f, i, k, field(i, j), i, j)
			i, k = k, j
		case 1: // transposed weights
			at = set([]string{i, j}, "%s[%s,%s]*%s[%s,%s]", f, i, k, field(j, k), j, k)
			k = j
		case 2: // norms of rows
			v := set([]string{i}, "(max over %s of abs(%s[%s,%s]))", k, f, i, k)
			at = set([]string{i, k}, "%s[%s,%s]/(1 + abs(%s'[%s]))", f, i, k, v, i)
		case 3: // vectors in and out
			v := set([]string{i}, "%s[%s,%s]*%s[%s]", f, i, k, field(k), k)
			set([]string{j}, "%s[%s,%s]*%s'[%s]", field(j, i), j, i, v, i)
		default:
			at = set([]string{i, j}, "%s[%s,%s]*%s[%s,%s]", f, i, k, field(k, j), k, j)
			k = j
		}
		assigned = assigned || at != first
	}
	fmt.Fprintf(&b, "evolve n in 0 .. %d {\n  %s\n}\n", 1+r.IntN(2), strings.Join(lines, "\n  "))
	return b.String()
}

func TestRandomProducts(t *testing.T) {
	summa, flooded, turned, oblong, moved := 0, 0, 0, 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		w, h := 1+r.IntN(5), 1+r.IntN(5)
		if seed%2 == 0 {
			w, h = max(2, w), max(2, h)
		}
		src := program(r)
		o := wfc.BuildOptions{Machine: []string{"wse2", "wse3"}[seed%2], MeshW: w, MeshH: h}
		for _, how := range []wfc.Products{wfc.ProductsAuto, wfc.ProductsWhole, wfc.ProductsSUMMA, wfc.ProductsCannon, wfc.ProductsMoved} {
			o.Products = how
			p, err := wfc.Build(wfc.Source{Name: "p.wf", Text: src}, o)
			if err != nil {
				t.Fatalf("seed %d, %s on %d x %d: %v\n%s", seed, how, w, h, err, src)
			}
			if p.Refusal != nil {
				if how == wfc.ProductsAuto || p.Refusal[0].Code != "WF0527" && p.Refusal[0].Code != "WF0403" {
					t.Errorf("seed %d, %s on %d x %d: refused: %v\n%s", seed, how, w, h, p.Refusal, src)
				}
				continue
			}
			ways := p.Report().Wafer.Products
			if how == wfc.ProductsAuto && len(ways) > 1 && ways[0].Why == "" {
				for _, x := range ways[1:] {
					if x.Why == "" && x.Cycles < ways[0].Cycles {
						t.Errorf("seed %d: took %+v rather than %+v", seed, ways[0], x)
					}
				}
			}
			if how == wfc.ProductsCannon {
				if turned++; p.Mesh.W != p.Mesh.H {
					oblong++
				}
			}
			if how == wfc.ProductsMoved {
				moved++
			}
			if how == wfc.ProductsSUMMA {
				summa++
				for _, c := range p.Mesh.Channels {
					if c.Kind == mesh.Flood {
						flooded++
						break
					}
				}
			}
			if err := compare(p, seed%8 == 0); err != nil {
				t.Errorf("seed %d, %s on %d x %d: %v\n%s", seed, how, w, h, err, src)
			}
		}
	}
	if summa < 30 || flooded < 20 || turned < 8 || oblong < 1 || moved < 20 {
		t.Errorf("%d programs are distributed over both sides, %d with multicast panels, %d with turned ones, %d of them on rectangles; %d move tensors",
			summa, flooded, turned, oblong, moved)
	}
}

// compare runs p on the wafer, on both engines when asked, and on the interpreter with its orders.
func compare(p *wfc.Program, plain bool) error {
	got, err := p.Run(context.Background(), wfc.RunOptions{})
	if err != nil {
		return err
	}
	want, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Interp, Order: p})
	if err != nil {
		return err
	}
	for name, a := range want.Arrays {
		for k := range a.Len() {
			if x, y := a.At(k), got.Arrays[name].At(k); math.Float64bits(x) != math.Float64bits(y) {
				return fmt.Errorf("%s[%d] is %v, the interpreter has %v", name, k, y, x)
			}
		}
	}
	if plain {
		slow, err := p.Run(context.Background(), wfc.RunOptions{Engine: wfc.PlainEngine})
		if err != nil {
			return err
		}
		if *slow.Cycles != *got.Cycles {
			return fmt.Errorf("%d cycles in the plain engine, %d in the fast one", *slow.Cycles, *got.Cycles)
		}
	}
	return nil
}

// The matrices of models/gemm.wf in 2-D blocks, whatever the shape: no PE has more than its share of a matrix and of the panels. SUMMA gives
// the bits of the canonical order without any replay; Cannon's order survives the file and is replayed by interpreter and CPU.
func TestGEMM(t *testing.T) {
	src, err := wfc.ReadSource(filepath.Join("..", "..", "models", "gemm.wf"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = native.Find("")
	native := err == nil
	for _, c := range []struct {
		how           wfc.Products
		m, n, k, w, h int
	}{{wfc.ProductsSUMMA, 16, 16, 16, 4, 4}, {wfc.ProductsSUMMA, 13, 17, 19, 5, 3}, {wfc.ProductsSUMMA, 7, 30, 8, 4, 6}, {wfc.ProductsSUMMA, 5, 3, 40, 9, 9},
		{wfc.ProductsCannon, 16, 16, 16, 4, 4}, {wfc.ProductsCannon, 13, 17, 20, 5, 5}, {wfc.ProductsCannon, 5, 3, 7, 2, 2}, {wfc.ProductsCannon, 25, 19, 29, 4, 6},
		{wfc.ProductsCannon, 30, 31, 24, 6, 3}, {wfc.ProductsCannon, 12, 11, 41, 3, 5}} {
		set := map[string]string{"m": fmt.Sprint(c.m), "n": fmt.Sprint(c.n), "k": fmt.Sprint(c.k)}
		p, err := wfc.Build(src, wfc.BuildOptions{Set: set, MeshW: c.w, MeshH: c.h, Products: c.how})
		if err != nil || p.Refusal != nil {
			t.Fatal(err, p.Refusal)
		}
		var file bytes.Buffer
		if err := p.Write(&file); err != nil {
			t.Fatal(err)
		}
		order, err := wfc.Decode("p.wfx", file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, p, wfc.RunOptions{})
		if c.how == wfc.ProductsSUMMA {
			order = nil
		}
		same(t, c.how, got, run(t, p, wfc.RunOptions{Target: wfc.Interp, Order: order}))
		if native {
			same(t, c.how, got, run(t, p, wfc.RunOptions{Target: wfc.CPU, Order: order}))
		}
		up := func(a, b int) int { return (a + b - 1) / b }
		w, h := p.Mesh.W, p.Mesh.H
		limit := 0
		if c.how == wfc.ProductsCannon { // blocks of k are padded
			blocks := ir.Turn{Parts: [2]int{w, h}}.Blocks()
			c.k = blocks * up(c.k, blocks)
			if w != c.w || h != c.h {
				t.Errorf("%v: %d x %d PEs", c, w, h)
			}
		}
		for _, side := range [][2]int{{c.m, c.k}, {c.k, c.n}, {c.m, c.n}} {
			limit = max(limit, up(side[0], w)*up(side[1], h), up(side[0], h)*up(side[1], w))
		}
		for _, a := range p.Mesh.Arrays {
			if a.Len > limit {
				t.Errorf("%v: %s has %d elements in every PE, more than %d", c, a.Name, a.Len, limit)
			}
		}
	}
}

func run(t *testing.T, p *wfc.Program, o wfc.RunOptions) *wfc.Result {
	t.Helper()
	res, err := p.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func same(t *testing.T, how wfc.Products, got, want *wfc.Result) {
	t.Helper()
	for k, x := range want.Arrays["C"].F32 {
		if y := got.Arrays["C"].F32[k]; math.Float32bits(x) != math.Float32bits(y) {
			t.Fatalf("%s: C[%d] is %v, not %v", how, k, y, x)
		}
	}
}

// Sums that are -0, because every product is below the smallest number, stay so where blocks of k are padded.
func TestPaddingKeepsMinusZero(t *testing.T) {
	p, err := wfc.Build(wfc.Source{Name: "p.wf", Text: "dim i = 5, j = 7, k = 13\nfield A[i,k] = -1e-30\nfield B[k,j] = 1e-30\nfield C[i,j] = 1\nC[i,j] = A[i,k]*B[k,j]\n"},
		wfc.BuildOptions{Products: wfc.ProductsCannon, MeshW: 3, MeshH: 2})
	if err != nil || p.Refusal != nil {
		t.Fatal(err, p.Refusal)
	}
	for _, x := range run(t, p, wfc.RunOptions{}).Arrays["C"].F32 {
		if math.Float32bits(x) != 1<<31 {
			t.Fatalf("%v", x)
		}
	}
}

// Programs without a product, and factors that are computed.
func TestRefusedProducts(t *testing.T) {
	gemm := "dim i = 4, j = 4, k = 4\nfield A[i,k] = i\nfield B[k,j] = j\nfield C[i,j] = 0\n%s\nC[i,j] = A[i,k]*B[k,j]\n"
	for _, c := range []struct {
		how  wfc.Products
		text string
	}{{wfc.ProductsSUMMA, "dim i = 4\nfield u[i] = i\nu[i] = 2*u[i]\n"},
		{wfc.ProductsCannon, fmt.Sprintf(gemm, "A[i,k] = 2*A[i,k]")}} {
		p, err := wfc.Build(wfc.Source{Name: "p.wf", Text: c.text}, wfc.BuildOptions{Products: c.how})
		if err != nil || len(p.Refusal) != 1 || p.Refusal[0].Code != "WF0527" || p.Refusal[0].Suggestion == nil {
			t.Errorf("%s: %v %v", c.how, err, p.Refusal)
		}
	}
}
