package xdmf

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/npy"
)

// document is the part of an XDMF file that readers use.
type document struct {
	Grids []struct {
		Time struct {
			Value float64 `xml:"Value,attr"`
		}
		Topology struct {
			Type string `xml:"TopologyType,attr"`
			Dims string `xml:"Dimensions,attr"`
		}
		Geometry struct {
			Type  string `xml:"GeometryType,attr"`
			Items []item `xml:"DataItem"`
		}
		Attribute []struct {
			Name   string `xml:"Name,attr"`
			Center string `xml:"Center,attr"`
			Item   item   `xml:"DataItem"`
		}
	} `xml:"Domain>Grid>Grid"`
}

type item struct {
	Dims      string `xml:"Dimensions,attr"`
	Seek      int    `xml:"Seek,attr"`
	Precision int    `xml:"Precision,attr"`
	Text      string `xml:",chardata"`
}

// What the description says leads to every value: at the point with coordinates x, y, z, by the rules of the format.
func TestSeries(t *testing.T) {
	for _, nodes := range []bool{false, true} {
		dir := t.TempDir()
		axes := []ir.Axis{{Name: "x", N: 3, Lo: 1, H: 0.5, Nodes: nodes}, {Name: "y", N: 2, Lo: 0, H: 2, Nodes: nodes}, {Name: "z", N: 4, Lo: -1, H: 1, Nodes: nodes}}
		x := ir.NewTensor(ir.F32, 3, 2, 4)
		for i := range x.F32 {
			x.F32[i] = float32(i) + 0.25
		}
		s := &Series{Axes: AxesOf(axes)}
		for k := range 2 {
			name := "T" + strconv.Itoa(k) + ".npy"
			seek, typ, err := WriteValuesFile(filepath.Join(dir, name), x)
			if err != nil {
				t.Fatal(err)
			}
			s.Steps = append(s.Steps, Step{Time: float64(k) * 0.1, Values: []Value{{"T & U", name, seek, typ}}})
		}
		var b bytes.Buffer
		if err := s.Write(&b); err != nil {
			t.Fatal(err)
		}
		var d document
		if err := xml.Unmarshal(b.Bytes(), &d); err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if len(d.Grids) != 2 || d.Grids[1].Time.Value != 0.1 || d.Grids[0].Topology.Type != "3DRectMesh" || d.Grids[0].Geometry.Type != "VXVYVZ" {
			t.Fatalf("%+v", d)
		}
		g := d.Grids[1]
		ints := func(s string) (out []int) {
			for _, w := range strings.Fields(s) {
				n, err := strconv.Atoi(w)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, n)
			}
			return out
		}
		for k, it := range g.Geometry.Items {
			at := strings.Fields(it.Text)
			if n := ints(g.Topology.Dims)[2-k]; n != len(at) {
				t.Errorf("axis %d: %d coordinates, %d points", k, len(at), n)
			}
			if v, _ := strconv.ParseFloat(at[0], 64); v != axes[k].Lo {
				t.Errorf("axis %d begins at %v", k, v)
			}
		}
		a := g.Attribute[0]
		dims := ints(a.Item.Dims)
		if a.Name != "T & U" || dims[0] != 4 || dims[1] != 2 || dims[2] != 3 || (a.Center == "Node") != nodes {
			t.Errorf("%+v", a)
		}
		raw, err := os.ReadFile(filepath.Join(dir, a.Item.Text))
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) != a.Item.Seek+4*24 || a.Item.Seek%64 != 0 {
			t.Fatalf("%d bytes, %d before the values", len(raw), a.Item.Seek)
		}
		for k := range 4 {
			for j := range 2 {
				for i := range 3 {
					bits := binary.LittleEndian.Uint32(raw[a.Item.Seek+4*((k*2+j)*3+i):])
					if v, want := math.Float32frombits(bits), x.F32[(i*2+j)*4+k]; v != want {
						t.Fatalf("[%d %d %d] = %v, want %v", i, j, k, v, want)
					}
				}
			}
		}
		arr, err := npy.ReadFile(filepath.Join(dir, a.Item.Text))
		if err != nil {
			t.Fatal(err)
		}
		back, err := arr.Tensor(ir.F32)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.F32 {
			if back.At(i) != float64(x.F32[i]) {
				t.Fatalf("NumPy reads [%d] = %v, want %v", i, back.At(i), x.F32[i])
			}
		}
	}
}

// Arrays of one axis have a shape that Python reads as a tuple.
func TestOneAxis(t *testing.T) {
	var b bytes.Buffer
	if _, _, err := WriteValues(&b, ir.NewTensor(ir.F64, 5)); err != nil || !strings.Contains(b.String(), "'shape': (5,), }") {
		t.Errorf("%v %q", err, b.String()[:80])
	}
}

// Coordinates of an uneven axis, as faces of cells and, beside nodes, as centres.
func TestAxesOf(t *testing.T) {
	x := ir.Axis{Name: "x", N: 2, H: 2, At: []float64{0, 0.25, 1, 2, 4}}
	xf := ir.Axis{Name: "x.f", N: 3, H: 2, Nodes: true, Of: "x", At: x.At}
	one := ir.Axis{Name: "i", N: 1}
	for _, c := range []struct {
		axes []ir.Axis
		want []Axis
	}{
		{[]ir.Axis{x, one}, []Axis{{At: []float64{0, 1, 4}}, {At: []float64{0, 1}}}},
		{[]ir.Axis{x, xf}, []Axis{{[]float64{0.25, 2}, true}, {[]float64{0, 1, 4}, true}}},
	} {
		if got := AxesOf(c.axes); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
