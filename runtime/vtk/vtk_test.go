package vtk

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

type dataArray struct {
	Type   string `xml:"type,attr"`
	Name   string `xml:"Name,attr"`
	Offset int    `xml:"offset,attr"`
	Text   string `xml:",chardata"`
}

type file struct {
	Type  string `xml:"type,attr"`
	Image struct {
		Whole   string      `xml:"WholeExtent,attr"`
		Origin  string      `xml:"Origin,attr"`
		Spacing string      `xml:"Spacing,attr"`
		Time    []dataArray `xml:"FieldData>DataArray"`
		Cell    []dataArray `xml:"Piece>CellData>DataArray"`
		Point   []dataArray `xml:"Piece>PointData>DataArray"`
	} `xml:"ImageData"`
	Rect struct {
		Whole string      `xml:"WholeExtent,attr"`
		At    []dataArray `xml:"Piece>Coordinates>DataArray"`
		Cell  []dataArray `xml:"Piece>CellData>DataArray"`
		Point []dataArray `xml:"Piece>PointData>DataArray"`
	} `xml:"RectilinearGrid"`
	Appended string `xml:"AppendedData"`
}

func parse(t *testing.T, b []byte) file {
	t.Helper()
	var f file
	if err := xml.Unmarshal(b, &f); err != nil {
		t.Fatalf("not XML: %v", err)
	}
	return f
}

// values decodes the array at an offset of the appended data.
func (f file) values(t *testing.T, a dataArray, size int) []byte {
	t.Helper()
	_, s, ok := strings.Cut(f.Appended, "_")
	if !ok {
		t.Fatal("no _ before the appended data")
	}
	s = strings.TrimSpace(s)[a.Offset:]
	head, err := base64.StdEncoding.DecodeString(s[:12])
	if err != nil {
		t.Fatal(err)
	}
	n := int(binary.LittleEndian.Uint64(head))
	all, err := base64.StdEncoding.DecodeString(s[:base64.StdEncoding.EncodedLen(8+n)])
	if err != nil {
		t.Fatal(err)
	}
	if n%size != 0 {
		t.Fatalf("%d bytes of elements of %d", n, size)
	}
	return all[8:]
}

func axes(nodes bool) []ir.Axis {
	return []ir.Axis{{Name: "x", N: 2, Lo: 1, H: 0.5, Nodes: nodes}, {Name: "y", N: 3, H: 0.25, Nodes: nodes}, {Name: "z", N: 4, Lo: -1, H: 2, Nodes: nodes}}
}

func TestCells(t *testing.T) {
	x := ir.NewTensor(ir.F32, 2, 3, 4)
	for i := range 2 {
		for j := range 3 {
			for k := range 4 {
				x.F32[(i*3+j)*4+k] = float32(100*i + 10*j + k)
			}
		}
	}
	m := ir.NewTensor(ir.Bool, 2, 3, 4)
	m.I32[23] = 1
	var b bytes.Buffer
	if err := Write(&b, Grid{axes(false)}, 0.1, []Field{{"T", x}, {"a<b", m}}); err != nil {
		t.Fatal(err)
	}
	f := parse(t, b.Bytes())
	if f.Image.Whole != "0 2 0 3 0 4" || f.Image.Origin != "1 0 -1" || f.Image.Spacing != "0.5 0.25 2" || f.Image.Time[0].Text != "0.1" {
		t.Errorf("geometry: %+v", f.Image)
	}
	if len(f.Image.Cell) != 2 || len(f.Image.Point) != 0 || f.Image.Cell[1].Name != "a<b" || f.Image.Cell[1].Type != "UInt8" {
		t.Fatalf("arrays: %+v", f.Image)
	}
	v := f.values(t, f.Image.Cell[0], 4)
	n := 0
	for k := range 4 { // x fastest
		for j := range 3 {
			for i := range 2 {
				if got := math.Float32frombits(binary.LittleEndian.Uint32(v[4*n:])); got != float32(100*i+10*j+k) {
					t.Errorf("value %d is %v", n, got)
				}
				n++
			}
		}
	}
	if m := f.values(t, f.Image.Cell[1], 1); len(m) != 24 || m[23] != 1 || m[22] != 0 {
		t.Errorf("mask: %v", m)
	}
}

func TestNodesAndFewerAxes(t *testing.T) {
	x := ir.NewTensor(ir.F64, 2, 3, 4)
	var b bytes.Buffer
	if err := Write(&b, Grid{axes(true)}, 0, []Field{{"T", x}}); err != nil {
		t.Fatal(err)
	}
	f := parse(t, b.Bytes())
	if f.Image.Whole != "0 1 0 2 0 3" || f.Image.Origin != "1 0 -1" || len(f.Image.Point) != 1 || f.Image.Point[0].Type != "Float64" {
		t.Errorf("%+v", f.Image)
	}
	// Nodes along x, cells along y: points at the cells' centres.
	mixed := []ir.Axis{{Name: "x", N: 2, H: 1, Nodes: true}, {Name: "y", N: 4, H: 0.5}}
	b.Reset()
	if err := Write(&b, Grid{mixed}, 0, []Field{{"n", ir.NewTensor(ir.I32, 2, 4)}}); err != nil {
		t.Fatal(err)
	}
	f = parse(t, b.Bytes())
	if f.Image.Whole != "0 1 0 3 0 0" || f.Image.Origin != "0 0.25 0" || f.Image.Point[0].Type != "Int32" {
		t.Errorf("%+v", f.Image)
	}
	if err := Write(&b, Grid{mixed}, 0, []Field{{"n", ir.NewTensor(ir.I32, 2)}}); err == nil {
		t.Error("a field of the wrong size was written")
	}
	if err := Write(&b, Grid{}, 0, nil); err == nil {
		t.Error("an image without axes was written")
	}
}

func TestSeries(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSeries(&b, []Step{{0, "T_0.vti"}, {0.5, "a&b.vti"}}); err != nil {
		t.Fatal(err)
	}
	var f struct {
		Type string `xml:"type,attr"`
		Sets []struct {
			Time float64 `xml:"timestep,attr"`
			File string  `xml:"file,attr"`
		} `xml:"Collection>DataSet"`
	}
	if err := xml.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	if f.Type != "Collection" || len(f.Sets) != 2 || f.Sets[1].Time != 0.5 || f.Sets[1].File != "a&b.vti" {
		t.Errorf("%+v", f)
	}
}

// An uneven axis makes a rectilinear grid, and its neighbours get coordinates too.
func TestRectilinear(t *testing.T) {
	x := ir.Axis{Name: "x", N: 2, H: 2, At: []float64{0, 0.25, 1, 2, 4}}
	xf := ir.Axis{Name: "x.f", N: 3, H: 2, Nodes: true, Of: "x", At: x.At}
	y := ir.Axis{Name: "y", N: 2, Lo: 1, H: 0.5}
	for _, c := range []struct {
		axes    []ir.Axis
		extent  string
		at      [3]string
		section int
	}{
		{[]ir.Axis{x, y}, "0 2 0 2 0 0", [3]string{"0 1 4", "1 1.5 2", "0"}, 0},
		{[]ir.Axis{xf, y}, "0 2 0 1 0 0", [3]string{"0 1 4", "1.25 1.75", "0"}, 1},
		{[]ir.Axis{y, x, xf}, "0 1 0 1 0 2", [3]string{"1.25 1.75", "0.25 2", "0 1 4"}, 1},
	} {
		var dims []int
		for _, a := range c.axes {
			dims = append(dims, a.N)
		}
		v := ir.NewTensor(ir.F32, dims...)
		v.F32[1] = 7
		g := Grid{c.axes}
		var b bytes.Buffer
		if err := Write(&b, g, 0.5, []Field{{"T", v}}); err != nil {
			t.Fatal(err)
		}
		f := parse(t, b.Bytes())
		var at [3]string
		for d, a := range f.Rect.At {
			at[d] = a.Text
		}
		if g.Ext() != ".vtr" || f.Type != "RectilinearGrid" || f.Rect.Whole != c.extent || at != c.at {
			t.Errorf("%s %+v", g.Ext(), f.Rect)
		}
		section := [][]dataArray{f.Rect.Cell, f.Rect.Point}
		if len(section[c.section]) != 1 || len(section[1-c.section]) != 0 {
			t.Fatalf("%+v", f.Rect)
		}
		stride := v.Len() / dims[len(dims)-1] // of the last axis, in the file
		raw := f.values(t, section[c.section][0], 4)
		if len(raw) != 4*v.Len() || math.Float32frombits(binary.LittleEndian.Uint32(raw[4*stride:])) != 7 {
			t.Errorf("%s: %v", c.extent, raw)
		}
	}
	if e := (Grid{[]ir.Axis{y}}).Ext(); e != ".vti" {
		t.Error(e)
	}
}
