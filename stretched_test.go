package wfc

import (
	"context"
	"encoding/xml"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/runtime/npy"
)

// Fields that hold their own coordinates, on cells, faces and edges of stretched axes: the files must say the same places, and probes must
// give back where they are.
func TestStretchedOutputs(t *testing.T) {
	p := mustBuild(t, "stretched.wf", `
grid g { x: 0 .. 2 in 8 stretched tanh(2);  y: 1 .. 3 in 5 stretched exp(1);  z: 0 .. 1 in 4 }
grid turn { r: 0 .. 1 in 6 periodic stretched r + 0.1*sin(2*pi*r) }
grid ends { q: 0 .. 4 in 5 nodes stretched q*q/4 }
field T: f64 on g = x
field U: f64 on g.x = x
field E: f64 on g.yz = y
field R: f64 on turn = r
field Q: f64 on ends = q
bc (T, U, E) { all: dn(T) = 0, dn(U) = 0, dn(E) = 0 }
bc Q { q.lo: dn(Q) = 0;  q.hi: dn(Q) = 0 }
evolve t from 0 to 1 step 0.5 { dt(T) = 0;  dt(U) = 0;  dt(E) = 0;  dt(R) = 0;  dt(Q) = 0 }
output T, U, E, R, Q every 1 steps as vti, xdmf
output T, U, E, R, Q at end as npy
output T at end as png(slice x = 0.2)
probe a = T at (x = 0.31, y = 1.7, z = 0.5)
probe b = U at (x = 0.31, y = 1.7, z = 0.5)
probe c = E at (x = 0.31, y = 1.7, z = 0.5)
probe d = R at (r = 0.77)
probe e = Q at (q = 1.9)
`, BuildOptions{})
	for _, d := range p.Warnings {
		t.Errorf("%s: %s", d.Code, d.Message)
	}
	p, err := Decode("stretched.wfx", encode(t, p))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	res, err := p.Run(context.Background(), RunOptions{Target: Interp, OutDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"a": 0.31, "b": 0.31, "c": 1.7, "d": 0.77, "e": 1.9} {
		if got := float64(res.Probes[name]); math.Abs(got-want) > 1e-14 {
			t.Errorf("probe %s is %.15f, want %v", name, got, want)
		}
	}

	X := func(s float64) float64 { return 1 + math.Tanh(2*(s-1))/math.Tanh(2) }
	Y := func(s float64) float64 { return 1 + 2*math.Expm1((s-1)/2)/math.Expm1(1) }
	R := func(s float64) float64 { return s + 0.1*math.Sin(2*math.Pi*s) }
	Q := func(s float64) float64 { return s * s / 4 }
	even := func(s float64) float64 { return s }
	at := func(x func(float64) float64, lo, h float64, n int) (out []float64) {
		for i := range n {
			out = append(out, x(lo+float64(i)*h))
		}
		return out
	}
	y, z, zero := at(Y, 1.2, 0.4, 5), at(even, 0.125, 0.25, 4), []float64{0}
	for _, c := range []struct {
		name  string
		at    [3][]float64 // of points, or of the corners of cells
		nodes bool
		axis  int // whose coordinate the field has
	}{
		{"T", [3][]float64{at(X, 0, 0.25, 9), at(Y, 1, 0.4, 6), at(even, 0, 0.25, 5)}, false, 0},
		{"U", [3][]float64{at(X, 0, 0.25, 9), y, z}, true, 0},
		{"E", [3][]float64{at(X, 0.125, 0.25, 8), at(Y, 1, 0.4, 6), at(even, 0, 0.25, 5)}, true, 1},
		{"R", [3][]float64{at(R, 0, 1.0/6, 7), zero, zero}, false, 0},
		{"Q", [3][]float64{at(Q, 0, 1, 5), zero, zero}, true, 0},
	} {
		pvd, err := os.ReadFile(filepath.Join(dir, c.name+".pvd"))
		if err != nil || strings.Count(string(pvd), c.name+"_00000") != 3 || strings.Count(string(pvd), ".vtr") != 3 {
			t.Errorf("%v %s", err, pvd)
		}
		var v struct {
			Type string   `xml:"type,attr"`
			At   []string `xml:"RectilinearGrid>Piece>Coordinates>DataArray"`
		}
		var m struct {
			At     []string `xml:"Domain>Grid>Grid>Geometry>DataItem"`
			Values []struct {
				Center string `xml:"Center,attr"`
				Item   struct {
					Dims string `xml:"Dimensions,attr"`
				} `xml:"DataItem"`
			} `xml:"Domain>Grid>Grid>Attribute"`
		}
		for file, into := range map[string]any{c.name + "_000002.vtr": &v, c.name + ".xmf": &m} {
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := xml.Unmarshal(b, into); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		if v.Type != "RectilinearGrid" || len(v.At) != 3 || len(m.At) != 9 || (m.Values[0].Center == "Node") != c.nodes {
			t.Fatalf("%s: %+v %+v", c.name, v, m)
		}
		n := 1
		for d, want := range c.at {
			if len(want) > 1 {
				same(t, c.name+" in .xmf", m.At[d], want)
			}
			same(t, c.name+" in .vtr", v.At[d], want)
			n *= max(1, len(want)-map[bool]int{true: 0, false: 1}[c.nodes])
		}
		values, err := npy.ReadFile(filepath.Join(dir, c.name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		product := 1
		for _, s := range strings.Fields(m.Values[0].Item.Dims) {
			k, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			product *= k
		}
		if values.Len() != n || product != n {
			t.Errorf("%s: %d values, %d in .xmf, places of %d", c.name, values.Len(), product, n)
		}
		if c.nodes { // where the field is, it has its own coordinate
			k := n / len(c.at[0])
			if c.axis == 1 {
				k = len(c.at[2])
			}
			for i, x := range c.at[c.axis] {
				if got := values.Float(i * k); math.Abs(got-x) > 1e-14 {
					t.Errorf("%s[%d] = %v at %v", c.name, i, got, x)
				}
			}
		}
	}
	f, err := os.Open(filepath.Join(dir, "T.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
}

// same compares numbers in a text with what they should be.
func same(t *testing.T, what, text string, want []float64) {
	t.Helper()
	words := strings.Fields(text)
	if len(words) != len(want) {
		t.Errorf("%s: %d coordinates, want %d", what, len(words), len(want))
		return
	}
	for i, w := range words {
		if x, err := strconv.ParseFloat(w, 64); err != nil || math.Abs(x-want[i]) > 1e-14 {
			t.Errorf("%s: coordinate %d is %s, want %v", what, i, w, want[i])
		}
	}
}
