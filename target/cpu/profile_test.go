package cpu

import (
	"context"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

const profiled = `wfir 1
program profiled

axis n 48 cells lo 0 h 1
axis m 32 cells lo 0 h 1
axis k 40 cells lo 0 h 1

array @a[n, k] f32

array @b[m, k] f32

array @c[n, m] f32

array @ghosts[n, m] f32

func step {
  extend %e f32 [i in n -1..49, j in m 0..32] from @ghosts {
    box [-1..0, 0..32]
      $0 = read f32 @ghosts[i + 1, j]
      $1 = neg f32 $0
      yield $1
    box [48..49, 0..32]
      $0 = read f32 @ghosts[i - 1, j]
      yield $0
  }
  map %f f32 [i in n 0..48, j in m 0..32] {
    box [0..48, 0..32]
      $0 = read f32 %e[i - 1, j]
      $1 = read f32 %e[i + 1, j]
      $2 = sub f32 $0, $1
      yield $2
  }
  reduce %p f32 [i in n 0..48, j in m 0..32] over [l in k 0..40] sum fma order seq {
    box [0..48, 0..32, 0..40]
      $0 = read f32 @a[i, l]
      $1 = read f32 @b[j, l]
      $2 = mul f32 $0, $1
      yield $2
  }
  map %d f32 [i in n 0..48, j in m 0..32] {
    box [0..48, 0..32]
      $0 = read f32 %p[i, j]
      $1 = read f32 @c[i, j]
      $2 = add f32 $0, $1
      yield $2
  }
  set @c = %d
  set @ghosts = %f
}
`

// What a profile says a kernel must do is what the operation says: 2 n m k operations of a product, and every element once.
func TestProfileCounts(t *testing.T) {
	p, err := ir.Parse("profiled.wfir", profiled)
	if err != nil {
		t.Fatal(err)
	}
	if len(native.All()) == 0 {
		t.Skip("no LLVM on this machine: the CPU target is not tested")
	}
	e, err := New(p, Options{Threads: 2})
	check(t, err)
	defer e.Close()
	if e.Kernels() != nil {
		t.Fatal("times without a profile")
	}
	e.Profile()
	if _, err := e.Run(context.Background(), "step", 3); err != nil {
		t.Fatal(err)
	}
	byKind, byName := map[string]KernelTime{}, map[string]KernelTime{}
	for _, k := range e.Kernels() {
		if k.Calls != 3 || k.Func != "step" {
			t.Errorf("%+v", k)
		}
		byKind[k.Kind], byName[k.Name] = k, k
	}
	if k := byKind["contraction"]; k.Flops != 2*48*32*40 || k.Bytes != 4*(48*40+40*32+48*32) || k.Name != "p" {
		t.Errorf("the product: %+v", k)
	}
	if k := byName["d"]; k.Flops != 48*32 || k.Bytes != 4*3*48*32 {
		t.Errorf("the sum: %+v", k)
	}
	if k := byKind["extend"]; k.Flops != 32 || k.Bytes != 4*4*32 {
		t.Errorf("the ghosts: %+v", k)
	}
	if k, ok := byKind["contraction, packing"]; !ok || k.Flops != 0 {
		t.Errorf("packing: %+v", k)
	}
}

func TestLimits(t *testing.T) {
	p, err := ir.Parse("profiled.wfir", profiled)
	if err != nil {
		t.Fatal(err)
	}
	if len(native.All()) == 0 {
		t.Skip("no LLVM on this machine: the CPU target is not tested")
	}
	e, err := New(p, Options{Threads: 2})
	check(t, err)
	defer e.Close()
	l, err := e.Limits()
	if err != nil {
		t.Fatal(err)
	}
	// Any processor of the last decade, whatever else runs on it.
	if l.Threads != 2 || l.Flops < 1e9 || l.Flops > 1e13 || l.Copy < 1e8 || l.Copy > 1e12 {
		t.Errorf("limits %+v", *l)
	}
	// What is copied does not stay in the last cache, and is of a size that a computer has.
	for last, want := range map[int]int{8 << 20: 64 << 20, 260 << 20: 260 << 20, 2 << 30: 512 << 20} {
		if got := copyBytes(native.Caches{Last: last}); got != want {
			t.Errorf("copies of %d bytes for a cache of %d, not %d", got, last, want)
		}
	}
	t.Logf("%.4g FLOP/s, copy %.4g B/s", l.Flops, l.Copy)
}
