package interp

import (
	"context"
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// blockHeat is seven-point heat flow in a block with ghosts by extends, as the ghosts pass makes them.
func blockHeat(n int) string {
	return fmt.Sprintf(`axis x %[1]d cells lo 0 h 1 axis y %[1]d cells lo 0 h 1 axis z %[1]d cells lo 0 h 1
	array @T[x, y, z] f32
	func f {
	  extend %%gx f32 [x in x -1..%[2]d, y in y 0..%[1]d, z in z 0..%[1]d] from @T {
	    box [-1..0, 0..%[1]d, 0..%[1]d] $0 = const f32 2 $1 = read f32 @T[0, y, z] $2 = sub f32 $0, $1 yield $2
	    box [%[1]d..%[2]d, 0..%[1]d, 0..%[1]d] $0 = read f32 @T[%[3]d, y, z] yield $0
	  }
	  extend %%gy f32 [x in x -1..%[2]d, y in y -1..%[2]d, z in z 0..%[1]d] from %%gx {
	    box [-1..%[2]d, -1..0, 0..%[1]d] $0 = read f32 %%gx[x, 0, z] yield $0
	    box [-1..%[2]d, %[1]d..%[2]d, 0..%[1]d] $0 = read f32 %%gx[x, %[3]d, z] yield $0
	  }
	  extend %%gz f32 [x in x -1..%[2]d, y in y -1..%[2]d, z in z -1..%[2]d] from %%gy {
	    box [-1..%[2]d, -1..%[2]d, -1..0] $0 = read f32 %%gy[x, y, 0] yield $0
	    box [-1..%[2]d, -1..%[2]d, %[1]d..%[2]d] $0 = read f32 %%gy[x, y, %[3]d] yield $0
	  }
	  map %%n f32 [x in x 0..%[1]d, y in y 0..%[1]d, z in z 0..%[1]d] {
	    box [0..%[1]d, 0..%[1]d, 0..%[1]d]
	      $0 = read f32 %%gz[x, y, z] $1 = read f32 %%gz[x-1, y, z] $2 = read f32 %%gz[x+1, y, z] $3 = read f32 %%gz[x, y-1, z]
	      $4 = read f32 %%gz[x, y+1, z] $5 = read f32 %%gz[x, y, z-1] $6 = read f32 %%gz[x, y, z+1]
	      $7 = const f32 0.1 $8 = const f32 0.4
	      $9 = mul f32 $8, $0 $10 = mul f32 $7, $1 $11 = add f32 $9, $10 $12 = mul f32 $7, $2 $13 = add f32 $11, $12
	      $14 = mul f32 $7, $3 $15 = add f32 $13, $14 $16 = mul f32 $7, $4 $17 = add f32 $15, $16
	      $18 = mul f32 $7, $5 $19 = add f32 $17, $18 $20 = mul f32 $7, $6 $21 = add f32 $19, $20
	      yield $21
	  }
	  set @T = %%n
	}`, n, n+1, n-1)
}

// A face held at 1 and all others insulated: the steady state is 1 everywhere, and the sum of the block rises to it.
func TestBlockHeat(t *testing.T) {
	p := parse(t, blockHeat(6))
	got := exec(t, p, 4000, nil)["T"]
	for i, v := range got.F32 {
		if v < 0.9999 || v > 1.0001 {
			t.Fatalf("T[%d] = %g after a long time, want 1", i, v)
		}
	}
	one := exec(t, p, 1, map[string]*ir.Tensor{"T": tensor(ir.F32, []int{6, 6, 6}, func(int) float64 { return 0 })})["T"]
	if one.F32[0] != 0.2 || one.F32[35] != 0.2 || one.F32[36] != 0 {
		t.Errorf("after one step the cells at the face hold %g, %g, the next %g; want 0.2, 0.2, 0", one.F32[0], one.F32[35], one.F32[36])
	}
}

func BenchmarkBlock(b *testing.B) {
	for _, n := range []int{16, 128} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, err := New(parse(b, blockHeat(n)))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := m.Run(context.Background(), "f", 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(22*float64(n*n*n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mnode/s")
		})
	}
}
