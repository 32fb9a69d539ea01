package verify

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/npy"
)

// The first example of the WFA documentation against values computed in f64. f32 is allowed 2e-6: five steps of a sum of seven
// terms round about 35 times with 6e-8 each, all numbers are positive and weights sum to 1.
func TestWFADiffusion(t *testing.T) {
	src, err := wfc.ReadSource("../../models/wfa/diffusion_explicit.wf")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		machine string
		w, h    int
	}{{"wse2", 10, 10}, {"wse3", 10, 10}, {"wse2", 4, 3}, {"wse3", 1, 5}} {
		t.Run(fmt.Sprintf("%s/%dx%d", m.machine, m.w, m.h), func(t *testing.T) {
			f := onAll(t, src, nil, m.machine, m.w, m.h)
			near := func(what string, got, want float64) {
				if math.Abs(got-want) > 2e-6*want {
					t.Errorf("%s is %.8f, want %.8f", what, got, want)
				}
			}
			sum := 0.0
			for x := 1; x < 9; x++ {
				for y := 1; y < 9; y++ {
					for z := 1; z < 9; z++ {
						sum += f.at("T", x, y, z)
					}
				}
			}
			near("the interior sum", sum, 463.22768)
			for k, want := range []float64{0.6566, 0.93348, 0.99273, 0.99957} {
				near(fmt.Sprintf("T[5,5,%d]", k+1), f.at("T", 5, 5, k+1), want)
			}
			for k, want := range []float64{0.75498, 0.95592, 0.99489, 0.99965} {
				near(fmt.Sprintf("T[1,1,%d]", k+1), f.at("T", 1, 1, k+1), want)
			}
		})
	}
}

// save writes values as a .npy file of the given shape and returns its name.
func save(t testing.TB, dir, name string, values []float32, shape ...int) {
	t.Helper()
	a := npy.FromTensor(&ir.Tensor{Elem: ir.F32, Dims: shape, F32: values})
	if err := npy.WriteFile(filepath.Join(dir, name), a); err != nil {
		t.Fatal(err)
	}
}

// A field and weights without any symmetry against plain loops: a swap of two axes, or of two directions of one, shows in the bits.
// The sums are associated as written, so f32 has to agree exactly.
func TestAxesAreNotSwapped(t *testing.T) {
	const source = `
param nx = 5, ny = 6, nz = 7
grid box { x: nx periodic; y: ny nodes; z: nz nodes }
field T: f32 on box = load("start.npy")
bc T { y.lo: T = 2; y.hi: T = -3; z.lo: T = 5; z.hi: T = 0.5 }
evolve n in 0 .. 4 {
  T'[x, y, z] = 0.375*T[x, y, z] + 0.21*T[x+1, y, z] + 0.02*T[x-1, y, z] + 0.17*T[x, y+1, z] + 0.03*T[x, y-1, z] + 0.11*T[x, y, z+1] + 0.05*T[x, y, z-1] + 0.01*T[x+1, y-1, z] - 0.07*T[x-1, y-1, z+1]
}`
	reads := []struct {
		w       float32
		x, y, z int
	}{{0.375, 0, 0, 0}, {0.21, 1, 0, 0}, {0.02, -1, 0, 0}, {0.17, 0, 1, 0}, {0.03, 0, -1, 0}, {0.11, 0, 0, 1}, {0.05, 0, 0, -1},
		{0.01, 1, -1, 0}, {-0.07, -1, -1, 1}}
	for _, c := range []struct {
		nx, ny, nz int
		machine    string
		w, h       int
	}{{5, 6, 7, "wse2", 16, 16}, {5, 6, 7, "wse3", 5, 6}, {9, 7, 4, "wse2", 4, 3}, {7, 9, 4, "wse2", 2, 4}, {4, 5, 8, "wse3", 1, 2}, {3, 4, 3, "wse2", 1, 1}} {
		t.Run(fmt.Sprintf("%dx%dx%d on %s %dx%d", c.nx, c.ny, c.nz, c.machine, c.w, c.h), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(c.nx), uint64(c.ny)))
			old := make([]float32, c.nx*c.ny*c.nz)
			for i := range old {
				old[i] = r.Float32()*2 - 1
			}
			dir := t.TempDir()
			save(t, dir, "start.npy", old, c.nx, c.ny, c.nz)
			at := func(x, y, z int) int { return (((x+c.nx)%c.nx)*c.ny+y)*c.nz + z }
			// fixed is the condition that holds a node: where two meet, that of the later axis.
			fixed := func(y, z int) (float32, bool) {
				switch {
				case z == 0:
					return 5, true
				case z == c.nz-1:
					return 0.5, true
				case y == 0:
					return 2, true
				case y == c.ny-1:
					return -3, true
				}
				return 0, false
			}
			advance := func(update func(x, y, z int) float32) []float32 {
				next := make([]float32, len(old))
				for x := 0; x < c.nx; x++ {
					for y := 0; y < c.ny; y++ {
						for z := 0; z < c.nz; z++ {
							v, ok := fixed(y, z)
							if !ok {
								v = update(x, y, z)
							}
							next[at(x, y, z)] = v
						}
					}
				}
				return next
			}
			old = advance(func(x, y, z int) float32 { return old[at(x, y, z)] })
			for step := 0; step < 4; step++ {
				old = advance(func(x, y, z int) float32 {
					v := float32(reads[0].w * old[at(x, y, z)])
					for _, q := range reads[1:] {
						term := float32(q.w * old[at(x+q.x, y+q.y, z+q.z)])
						v = float32(v + term)
					}
					return v
				})
			}
			set := map[string]string{"nx": fmt.Sprint(c.nx), "ny": fmt.Sprint(c.ny), "nz": fmt.Sprint(c.nz)}
			f := onAll(t, wfc.Source{Name: "axes.wf", Text: source, Dir: dir}, set, c.machine, c.w, c.h)
			for i, want := range old {
				if got := f.flat("T", i); got != float64(want) {
					t.Fatalf("T[%d,%d,%d] is %v, the loop has %v", i/(c.ny*c.nz), i/c.nz%c.ny, i%c.nz, got, want)
				}
			}
		})
	}
}

// Blocks of long columns: the first points of neighbouring columns are farther apart than an 8-bit stride reaches.
func TestLongColumnsInBlocks(t *testing.T) {
	src, err := wfc.ReadSource("../../models/heat.wf")
	if err != nil {
		t.Fatal(err)
	}
	for _, machine := range wfc.Machines() {
		onAll(t, src, map[string]string{"nx": "7", "ny": "6", "nz": "150", "steps": "3"}, machine, 3, 2)
	}
}
