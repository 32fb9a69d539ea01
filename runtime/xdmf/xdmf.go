// Package xdmf writes time series of fields for ParaView, VisIt and NumPy at once: the values of every step in .npy files, and one .xmf
// file that describes them all.
//
// The format is that of "XDMF Model and Format" (xdmf.org), version 3: a temporal collection of uniform grids, whose heavy data are the
// bytes of the .npy files after their headers. These hold arrays in Fortran order, the first axis fastest, which is the order of XDMF
// and VTK, and which NumPy reads as the array it is. The mesh is rectilinear, with the coordinates of cell faces or of nodes written out,
// so that axes may also be uneven. Fields with fewer than three axes have one layer along the others.
package xdmf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Axis is an axis of a mesh: the coordinates of the faces of its cells, or of its nodes.
type Axis struct {
	At    []float64
	Nodes bool
}

// AxesOf makes the mesh of axes of the IR. With nodes along one of them all values are at points: those of the others are the centres of
// their cells.
func AxesOf(axes []ir.Axis) []Axis {
	nodes := slices.ContainsFunc(axes, func(a ir.Axis) bool { return a.Nodes })
	out := make([]Axis, len(axes))
	for d, a := range axes {
		if !(a.H > 0) {
			a.H = 1
		}
		faces, points := a.Places()
		out[d] = Axis{At: faces, Nodes: nodes}
		if nodes {
			out[d].At = points
		}
	}
	return out
}

// Value is an array of one step in a file.
type Value struct {
	Name string `json:"name"`
	File string `json:"file"` // relative to the .xmf file
	Seek int    `json:"seek"` // bytes before the values
	Type string `json:"type"` // f32, f64 or i32
}

// Step is one moment of a series.
type Step struct {
	Time   float64 `json:"time"`
	Values []Value `json:"values"`
}

// Series is a collection of steps over one mesh.
type Series struct {
	Axes  []Axis
	Steps []Step
}

// Write writes the description.
func (s *Series) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	points, cells := []string{"1", "1", "1"}, []string{"1", "1", "1"}
	coords := [3]string{"0", "0", "0"}
	center := "Cell"
	for d, a := range s.Axes {
		if a.Nodes {
			center = "Node"
		}
		points[2-d] = strconv.Itoa(len(a.At))
		cells[2-d] = strconv.Itoa(len(a.At) - 1)
		var t []string
		for _, x := range a.At {
			t = append(t, strconv.FormatFloat(x, 'g', -1, 64))
		}
		coords[d] = strings.Join(t, " ")
	}
	for d := len(s.Axes); d < 3; d++ { // one layer of cells, one of nodes
		if center == "Cell" {
			points[2-d], coords[d] = "2", "0 1"
		}
	}
	values := cells
	if center == "Node" {
		values = points
	}
	fmt.Fprint(b, "<?xml version=\"1.0\"?>\n<Xdmf Version=\"3.0\">\n<Domain>\n<Grid Name=\"series\" GridType=\"Collection\" CollectionType=\"Temporal\">\n")
	for k, st := range s.Steps {
		fmt.Fprintf(b, "<Grid Name=\"step %d\" GridType=\"Uniform\">\n<Time Value=\"%s\"/>\n", k, strconv.FormatFloat(st.Time, 'g', -1, 64))
		fmt.Fprintf(b, "<Topology TopologyType=\"3DRectMesh\" Dimensions=\"%s\"/>\n<Geometry GeometryType=\"VXVYVZ\">\n", strings.Join(points, " "))
		for d := range 3 {
			fmt.Fprintf(b, "<DataItem Dimensions=\"%s\" NumberType=\"Float\" Precision=\"8\" Format=\"XML\">%s</DataItem>\n", points[2-d], coords[d])
		}
		fmt.Fprint(b, "</Geometry>\n")
		for _, v := range st.Values {
			number, precision := "Float", 4
			switch v.Type {
			case "f64":
				precision = 8
			case "i32":
				number = "Int"
			}
			fmt.Fprintf(b, "<Attribute Name=\"%s\" AttributeType=\"Scalar\" Center=\"%s\">\n", escape(v.Name), center)
			fmt.Fprintf(b, "<DataItem Dimensions=\"%s\" NumberType=\"%s\" Precision=\"%d\" Format=\"Binary\" Endian=\"Little\" Seek=\"%d\">%s</DataItem>\n</Attribute>\n",
				strings.Join(values, " "), number, precision, v.Seek, escape(v.File))
		}
		fmt.Fprint(b, "</Grid>\n")
	}
	fmt.Fprint(b, "</Grid>\n</Domain>\n</Xdmf>\n")
	return b.Flush()
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;").Replace(s)
}

// WriteFile writes the description to a file.
func (s *Series) WriteFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(s.Write(f), f.Close())
}

// WriteValues writes a tensor as .npy in Fortran order and returns the bytes before the values and their type. F16 becomes f32, Bool i32.
func WriteValues(w io.Writer, t *ir.Tensor) (seek int, typ string, err error) {
	descr := "<f4"
	typ = "f32"
	switch t.Elem {
	case ir.F64:
		descr, typ = "<f8", "f64"
	case ir.I32, ir.Bool:
		descr, typ = "<i4", "i32"
	}
	shape := "("
	for _, n := range t.Dims {
		shape += fmt.Sprintf("%d, ", n)
	}
	if len(t.Dims) > 1 {
		shape = strings.TrimSuffix(shape, " ")
		shape = strings.TrimSuffix(shape, ",")
	} else {
		shape = strings.TrimSuffix(shape, " ")
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': True, 'shape': %s), }", descr, shape)
	const preamble = 10
	pad := 64 - (preamble+len(head)+1)%64
	head += strings.Repeat(" ", pad%64) + "\n"
	b := bufio.NewWriter(w)
	b.WriteString("\x93NUMPY\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(head))))
	b.WriteString(head)
	strides := make([]int, len(t.Dims))
	n := 1
	for d := len(t.Dims) - 1; d >= 0; d-- {
		strides[d] = n
		n *= t.Dims[d]
	}
	idx := make([]int, len(t.Dims))
	var buf [8]byte
	for k := 0; k < n; k++ {
		at := 0
		for d, i := range idx {
			at += i * strides[d]
		}
		v := t.At(at)
		switch typ {
		case "f64":
			binary.LittleEndian.PutUint64(buf[:], math.Float64bits(v))
			b.Write(buf[:8])
		case "i32":
			binary.LittleEndian.PutUint32(buf[:], uint32(int32(v)))
			b.Write(buf[:4])
		default:
			binary.LittleEndian.PutUint32(buf[:], math.Float32bits(float32(v)))
			b.Write(buf[:4])
		}
		for d := range idx {
			if idx[d]++; idx[d] < t.Dims[d] {
				break
			}
			idx[d] = 0
		}
	}
	return preamble + len(head), typ, b.Flush()
}

// WriteValuesFile writes a tensor to a file.
func WriteValuesFile(path string, t *ir.Tensor) (seek int, typ string, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, "", err
	}
	seek, typ, err = WriteValues(f, t)
	return seek, typ, errors.Join(err, f.Close())
}
