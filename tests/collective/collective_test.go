// Package collective shows that programs whose reductions run along trees give the same bits on the wafer, the CPU and the
// interpreter, on meshes large enough that trees are chosen.
package collective

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

var programs = []struct{ name, src string }{
	{"norm", `
param n = 64, m = 64
dim i = n, j = m
field A[i,j] = sin(i + 3*j)
field B[i,j] = 0
field s = 0
s = A[i,j]*A[i,j]
B[i,j] = A[i,j]*s
output B, s at end
`},
	{"rows", `
param n = 64, m = 64
dim i = n, j = m
field A[i,j] = 1/(1 + i + 0.3*j)
field x[j] = 1 + j
field y[i] = 0
field z[j] = 0
field top = 0
y[i] = A[i,j]*x[j]
z[j] = A[i,j]*y[i]
top = max over j of z[j]
output y, z, top at end
`},
	{"column", `
param n = 64, m = 5
dim i = n, k = m, j = 3
field A[i,j,k] = sin(i*(1 + k) + j)
field v[k] = 0
field w[i,k] = 0
v[k] = sum over i, j where A[i,j,k] > 0.125 of A[i,j,k]
w[i,k] = v[k] - (min over j of A[i,j,k])
output v, w at end
`},
	{"types", `
param n = 64, m = 64
dim i = n, k = 5, j = m
field A[i,j,k] : f16 = sin(i*(1 + k) + j)
field v[k] : f16 = 0
field w[i,k] : f16 = 0
field c[i,j] : i32 = i - 3*j
field lo : i32 = 0
field hi[i] : i32 = 0
v[k] = sum over i, j of A[i,j,k]
w[i,k] = v[k] - (min over j of A[i,j,k])
lo = min over i, j of c[i,j]
hi[i] = sum over j of c[i,j]
output v, w, lo, hi at end
`},
	{"statistics", `
param n = 64, m = 64
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in m }
field T on g = 1 + sin(2*pi*x)*cos(4*pi*y)
field hottest[x] = 0
field average = 0
bc T { y.lo, y.hi: T = 0 }
evolve k in 0 .. 3 {
  T'[x,y] = 0.5*T[x,y] + 0.125*(T[x-1,y] + T[x+1,y] + T[x,y-1] + T[x,y+1])
  hottest'[x] = max over y of T[x,y]
  average' = mean over x, y of T[x,y]
}
output T, hottest, average at end
`},
}

func TestTreesAgreeOnAllTargets(t *testing.T) {
	_, err := native.Find("")
	native := err == nil
	trees := 0
	for _, p := range programs {
		for i, s := range [][4]int{{64, 40, 64, 40}, {50, 9, 23, 9}, {9, 70, 4, 35}, {33, 33, 33, 33}} { // points, then the mesh
			machine := []string{"wse2", "wse3"}[i%2]
			t.Run(fmt.Sprintf("%s-%dx%d-%s", p.name, s[2], s[3], machine), func(t *testing.T) {
				set := map[string]string{"n": fmt.Sprint(s[0]), "m": fmt.Sprint(s[1])}
				q, err := wfc.Build(wfc.Source{Name: "p.wf", Text: p.src}, wfc.BuildOptions{Machine: machine, Set: set, MeshW: s[2], MeshH: s[3]})
				if err != nil {
					t.Fatal(err)
				}
				if q.Refusal != nil {
					t.Fatal(q.Refusal)
				}
				for _, c := range q.Mesh.Channels {
					if c.Kind == mesh.Hop || c.Kind == mesh.Gather {
						trees++
						break
					}
				}
				// The orders survive the file.
				var b bytes.Buffer
				if err := q.Write(&b); err != nil {
					t.Fatal(err)
				}
				loaded, err := wfc.Decode("p.wfx", b.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				want := run(t, q, wfc.Wafer, nil)
				same(t, "interpreter", run(t, q, wfc.Interp, loaded), want)
				if native {
					same(t, "CPU", run(t, q, wfc.CPU, loaded), want)
				}
			})
		}
	}
	if trees < 10 {
		t.Errorf("only %d programs use a tree", trees)
	}
	t.Logf("%d programs use a tree", trees)
}

func run(t *testing.T, p *wfc.Program, target wfc.Target, order *wfc.Program) *wfc.Result {
	t.Helper()
	res, err := p.Run(context.Background(), wfc.RunOptions{Target: target, Order: order})
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return res
}

func same(t *testing.T, what string, got, want *wfc.Result) {
	t.Helper()
	for name, a := range want.Arrays {
		b := got.Arrays[name]
		for k := 0; k < a.Len(); k++ {
			if x, y := a.At(k), b.At(k); math.Float64bits(x) != math.Float64bits(y) {
				t.Fatalf("%s: %s[%d] is %v, the wafer has %v", what, name, k, y, x)
			}
		}
	}
}

// The number of classes and of route entries grows with the logarithm of the mesh's sides.
func TestTreesStaySmall(t *testing.T) {
	size := func(n int) (classes, routes int) {
		set := map[string]string{"n": fmt.Sprint(n), "m": fmt.Sprint(n)}
		p, err := wfc.Build(wfc.Source{Name: "p.wf", Text: programs[0].src}, wfc.BuildOptions{Machine: "wse2", Set: set})
		if err != nil {
			t.Fatal(err)
		}
		if p.Refusal != nil {
			t.Fatal(p.Refusal)
		}
		return len(p.Mesh.Classes), len(p.Code.Routes)
	}
	c64, r64 := size(64)
	c, r := size(750)
	t.Logf("64 x 64: %d classes, %d routes; 750 x 750: %d, %d", c64, r64, c, r)
	if c > 3*c64 || r > 3*r64 {
		t.Errorf("%d classes and %d routes on 64 x 64, %d and %d on 750 x 750", c64, r64, c, r)
	}
}
