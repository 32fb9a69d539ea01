package cpu

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// periodicProgram shifts u along a periodic diagonal and remembers the last level; v takes u's old value.
const periodicProgram = `
axis x 37 cells periodic lo 0 h 1
axis y 130 cells periodic lo 0 h 1
array @u[x, y] f32
array @v[x, y] f32
func step {
  map %n f32 [x in x 0..37, y in y 0..130] {
    box [0..37, 0..130]
      $0 = read f32 @u[x+1, y-1]
      $1 = read f32 @u[x-3, y+2]
      $2 = read f32 @v[x, y+4]
      $3 = const f32 0.3125
      $4 = mul f32 $3, $1
      $5 = sub f32 $0, $4
      $6 = mul f32 $3, $2
      $7 = add f32 $5, $6
      yield $7
  }
  set @u = %n
  set @v = @u
}
func both {
  map %n f32 [x in x 0..37, y in y 0..130] {
    box [0..37, 0..130]
      $0 = read f32 @u[x, y-40]
      yield $0
  }
  set @u = %n
  set @v = %n
}
func save {
  set @v = @u
}
`

// ghostProgram reads one field through two different closures of its boundary, so the ghosts cannot share storage.
const ghostProgram = `
axis x 50 cells lo 0 h 1
array @u[x] f32
array @w[x] f32
func step {
  extend %hot f32 [x in x -2..52] from @u {
    box [-2..0]
      $0 = read f32 @u[0]
      $1 = const f32 3
      $2 = sub f32 $1, $0
      yield $2
    box [50..52]
      $0 = const f32 -1
      yield $0
  }
  extend %cold f32 [x in x -2..51] from @u {
    box [-2..0]
      $0 = const f32 7
      yield $0
    box [50..51]
      $0 = read f32 %hot[51]
      yield $0
  }
  map %s f32 [x in x 0..50] {
    box [0..50]
      $0 = read f32 %hot[x-2]
      $1 = read f32 %cold[x+1]
      $2 = read f32 %hot[x+2]
      $3 = mul f32 $1, $2
      $4 = add f32 $0, $3
      yield $4
  }
  map %t f32 [x in x 0..50] {
    box [0..50]
      $0 = read f32 %cold[x-1]
      yield $0
  }
  set @u = %t
  set @w = %s
}
`

func TestPeriodicAndGhosts(t *testing.T) {
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		sameAsInterpreter(t, tc, text(periodicProgram), 5, nil, "step", "both", "step", "save", "step")
		sameAsInterpreter(t, tc, text(ghostProgram), 4, nil, "step")
	})
}

// TestSetsMoveBuffers checks the claim that the end of a function copies nothing: a leapfrog is one kernel, and the margins of its
// periodic axes.
func TestSetsMoveBuffers(t *testing.T) {
	pl, err := newPlan(text(periodicProgram), false, -1)
	check(t, err)
	c := pl.funcs["step"]
	if len(c.launches) != 1+2+1 { // margins of u on x and y, of v on y
		t.Errorf("step launches %d kernels", len(c.launches))
	}
	if want := []int{2, 0, 1}; !slices.Equal(c.moves[:3], want) {
		t.Errorf("buffers move %v, want %v", c.moves, want)
	}
	if n := len(pl.funcs["save"].launches); n != 1 {
		t.Errorf("an array that gets another's value, which stays, takes %d kernels, want a copy", n)
	}
}

// reduceProgram folds products over two axes in every order, to a scalar and to a row.
func reduceProgram(e ir.Elem, comb ir.Combiner, fma bool, nx, ny int) *ir.Program {
	p := &ir.Program{Name: "reduce", Axes: []ir.Axis{{Name: "x", N: nx, H: 1}, {Name: "y", N: ny, H: 1}}}
	p.Arrays = []ir.Array{{Name: "a", Axes: []string{"x", "y"}, Elem: e}, {Name: "b", Axes: []string{"x"}, Elem: e}}
	var b ir.BodyBuilder
	body := b.Body(b.Mul(b.Read(e, "@a", ir.At("x", 0), ir.At("y", 0)), b.Read(e, "@b", ir.At("x", 0))))
	x, y := ir.Range{Index: "x", Axis: "x", Hi: nx}, ir.Range{Index: "y", Axis: "y", Hi: ny}
	box := func(rs []ir.Range) (b []ir.Interval) {
		for _, r := range rs {
			b = append(b, ir.Interval{Lo: r.Lo, Hi: r.Hi})
		}
		return b
	}
	f := ir.Func{Name: "go"}
	for _, o := range []ir.Order{{Kind: ir.Seq}, {Kind: ir.Canon}, {Kind: ir.Mesh, Chain: []ir.ChainAxis{{Axis: "x", Parts: 3}}},
		{Kind: ir.Mesh, Chain: []ir.ChainAxis{{Axis: "x", Parts: 3, Levels: []ir.Level{{Size: 2}, {Size: 3, Star: true}}}}},
		{Kind: ir.Mesh, Chain: []ir.ChainAxis{{Axis: "y", Parts: min(ny, 7)}, {Axis: "x", Parts: 2}}}} {
		for i, dims := range [][2][]ir.Range{{nil, {x, y}}, {{y}, {x}}, {{x}, {y}}} {
			o := ir.Order{Kind: o.Kind, Chain: chainOver(o.Chain, dims[1])}
			name := "r" + string(rune('a'+len(f.Ops))) + string(rune('0'+i))
			a := ir.Array{Name: name, Elem: e}
			for _, r := range dims[0] {
				a.Axes = append(a.Axes, r.Axis)
			}
			p.Arrays = append(p.Arrays, a)
			all := append(append([]ir.Range(nil), dims[0]...), dims[1]...)
			f.Ops = append(f.Ops, ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: name, Elem: e}}, Dom: dims[0], Over: dims[1], Comb: comb,
				FMA: fma, Order: o, Pieces: []ir.Piece{{Box: box(all), Body: body}}})
			f.Sets = append(f.Sets, ir.Set{Array: name, Value: "%" + name})
		}
	}
	p.Funcs = []ir.Func{f}
	return p
}

// chainOver keeps the chain axes that are reduced.
func chainOver(chain []ir.ChainAxis, over []ir.Range) (out []ir.ChainAxis) {
	for _, c := range chain {
		for _, r := range over {
			if r.Axis == c.Axis {
				out = append(out, c)
			}
		}
	}
	return out
}

func TestReductions(t *testing.T) {
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		for _, c := range []struct {
			elem ir.Elem
			comb ir.Combiner
			fma  bool
		}{{ir.F32, ir.Sum, true}, {ir.F32, ir.Prod, false}, {ir.F64, ir.Sum, false}, {ir.F16, ir.Sum, true}, {ir.F16, ir.Max, false}, {ir.I32, ir.Min, false}} {
			sameAsInterpreter(t, tc, reduceProgram(c.elem, c.comb, c.fma, 131, 257), 1, nil, "go")
		}
	})
}

// TestNegativeZero reduces values whose sum is -0 only if no accumulator starts from +0, except where fma says so.
func TestNegativeZero(t *testing.T) {
	in := map[string]*ir.Tensor{"a": ir.NewTensor(ir.F32, 3, 5), "b": ir.NewTensor(ir.F32, 3)}
	for i := range in["a"].F32 {
		in["a"].F32[i] = float32(negativeZero())
	}
	for i := range in["b"].F32 {
		in["b"].F32[i] = 1
	}
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		for _, fma := range []bool{false, true} {
			sameAsInterpreter(t, tc, reduceProgram(ir.F32, ir.Sum, fma, 3, 5), 1, in, "go")
		}
	})
}

func negativeZero() float64 { z := 0.0; return -z }

func run(t *testing.T, cmd []string) {
	t.Helper()
	if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// TestSameText builds a program twice.
func TestSameText(t *testing.T) {
	var texts [2]string
	for i := range texts {
		pl, err := newPlan(heatProgram(ir.F32, 8, 8), false, -1)
		check(t, err)
		texts[i] = pl.units.Module().Text()
	}
	if texts[0] != texts[1] {
		t.Error("the same program gives different text")
	}
}

// TestWaveInPlace checks that a wave equation needs two buffers: the new level takes the place of the oldest, which is read at the point only.
func TestWaveInPlace(t *testing.T) {
	p := text(`
axis x 300 cells periodic lo 0 h 1
array @u[x] f32
array @old[x] f32
func step {
  map %n f32 [x in x 0..300] {
    box [0..300]
      $0 = read f32 @u[x-1]
      $1 = read f32 @u[x+1]
      $2 = read f32 @old[x]
      $3 = add f32 $0, $1
      $4 = sub f32 $3, $2
      yield $4
  }
  set @u = %n
  set @old = @u
}
`)
	pl, err := newPlan(p, false, -1)
	check(t, err)
	if len(pl.layouts) != 2 {
		t.Errorf("a leapfrog of two levels takes %d buffers", len(pl.layouts))
	}
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) { sameAsInterpreter(t, tc, p, 7, nil, "step") })
}

// TestLongRun crosses several batches, which permute the buffers on every thread.
func TestLongRun(t *testing.T) {
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		p := heatProgram(ir.F32, 90, 130)
		var ref *ir.Tensor
		for _, threads := range []int{1, 2, 5} {
			e := open(t, p, tc, threads, 1<<10)
			start(t, e, p, nil)
			proceed(t, e, "step", 777)
			got, err := e.Get("T")
			check(t, err)
			if ref == nil {
				ref = got
			}
			compare(t, "T", threads, got, ref)
		}
	})
}

func TestEngineErrors(t *testing.T) {
	needsLLVM(t)
	p := heatProgram(ir.F32, 300, 300)
	var out bytes.Buffer
	e, err := New(p, Options{PrintLLVM: &out})
	check(t, err)
	if !strings.Contains(out.String(), "define void @k") {
		t.Error("PrintLLVM did not get the module")
	}
	ctx := context.Background()
	wants := func(err error, part string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q", err, part)
		}
	}
	runs := func(fn string) error {
		_, err := e.Run(ctx, fn, 1)
		return err
	}
	wants(runs("step"), `host scalar "c" has no value`)
	check(t, e.Scalars(map[string]float64{"c": 0.1}))
	wants(runs("leap"), `no device function "leap"`)
	wants(e.Set("U", ir.NewTensor(ir.F32, 300, 300)), `no array "U"`)
	wants(e.Set("T", ir.NewTensor(ir.F32, 300, 3)), "array T is f32[300 300], not f32[300 3]")
	wants(e.Set("T", ir.NewTensor(ir.F64, 300, 300)), "not f64")
	stop, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := e.Run(stop, "step", 1<<30); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a run that was stopped returns %v", err)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v to stop", d)
	}
	check(t, e.Close())
	check(t, e.Close())
	wants(runs("step"), "closed")
	_, err = e.Get("T")
	wants(err, "closed")
}

// TestCache builds one program from several goroutines in an empty cache and again from the full one.
func TestCache(t *testing.T) {
	needsLLVM(t)
	dir := filepath.Join(t.TempDir(), "cache")
	t.Setenv("WFC_CACHE", dir)
	p := heatProgram(ir.F32, 9, 9)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			e, err := New(p, Options{Threads: 1})
			if err == nil {
				err = e.Close()
			}
			errs[i] = err
		}()
	}
	wg.Wait()
	check(t, errors.Join(errs...))
	files, err := os.ReadDir(dir)
	check(t, err)
	for _, f := range files {
		if x := filepath.Ext(f.Name()); x != ".so" && x != ".sum" && x != ".k" {
			t.Errorf("the cache holds %v, want shared objects, their sums and links to them", files)
		}
	}
}
