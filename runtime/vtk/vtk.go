// Package vtk writes fields as VTK XML image data (.vti), rectilinear grids (.vtr) where axes are uneven, and time series of them (.pvd), the files ParaView and VisIt open.
//
// The format is that of "VTK XML File Formats" (vtk.org): the arrays follow the XML description in an AppendedData element, each as
// a 64-bit byte count and the elements, little-endian, the first axis fastest. They are encoded in base64, as VTK's own writer does
// by default, because raw bytes would make the file no XML.
//
// A grid of cells becomes CellData; a grid with nodes along any axis becomes PointData at the points' coordinates. Axes beyond the
// array's own have one layer.
package vtk

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Grid is the geometry of an image, or of a rectilinear grid when an axis is uneven: up to three axes, in the order of the arrays' axes.
type Grid struct {
	Axes []ir.Axis
}

// Field is one array over the grid. F16 is written as Float32 and Bool as UInt8; VTK has neither.
type Field struct {
	Name   string
	Tensor *ir.Tensor // Dims are the N of the grid's axes
}

// point says whether values are attached to points.
func (g Grid) point() bool {
	for _, a := range g.Axes {
		if a.Nodes {
			return true
		}
	}
	return false
}

func (g Grid) uneven() bool {
	return slices.ContainsFunc(g.Axes, func(a ir.Axis) bool { return len(a.At) > 0 })
}

// Ext is the ending of the file's name: .vti, or .vtr when an axis is uneven.
func (g Grid) Ext() string {
	if g.uneven() {
		return ".vtr"
	}
	return ".vti"
}

// coordinates writes where the points of a rectilinear grid are: those of values, or the corners of cells.
func (g Grid) coordinates(w io.Writer) {
	fmt.Fprintf(w, "      <Coordinates>\n")
	for d, name := range []string{"x", "y", "z"} {
		at := []float64{0}
		if d < len(g.Axes) {
			a := g.Axes[d]
			if !(a.H > 0) {
				a.H = 1
			}
			faces, points := a.Places()
			if at = faces; g.point() {
				at = points
			}
		}
		text := make([]string, len(at))
		for i, x := range at {
			text[i] = num(x)
		}
		fmt.Fprintf(w, "        <DataArray type=\"Float64\" Name=\"%s\" format=\"ascii\">%s</DataArray>\n", name, strings.Join(text, " "))
	}
	fmt.Fprintf(w, "      </Coordinates>\n")
}

// extents gives the number of intervals per axis, the origin and the spacing.
func (g Grid) extents() (ext [3]int, origin, spacing [3]float64) {
	spacing = [3]float64{1, 1, 1}
	for d, a := range g.Axes {
		ext[d], origin[d], spacing[d] = a.N, a.Lo, a.H
		if g.point() {
			ext[d], origin[d] = a.N-1, a.Coord(0)
		}
		if !(spacing[d] > 0) { // an axis of one point may have no spacing; VTK needs one
			spacing[d] = 1
		}
	}
	return
}

// Write writes the fields at a time as one file.
func Write(w io.Writer, g Grid, time float64, fields []Field) error {
	if len(g.Axes) < 1 || len(g.Axes) > 3 {
		return fmt.Errorf("vtk: an image has 1 to 3 axes, not %d; write npy instead", len(g.Axes))
	}
	n := 1
	for _, a := range g.Axes {
		n *= a.N
	}
	ext, origin, spacing := g.extents()
	extent := fmt.Sprintf("0 %d 0 %d 0 %d", ext[0], ext[1], ext[2])
	b := bufio.NewWriter(w)
	typ, even := "ImageData", fmt.Sprintf(" Origin=\"%s\" Spacing=\"%s\"", triple(origin), triple(spacing))
	if g.uneven() {
		typ, even = "RectilinearGrid", ""
	}
	fmt.Fprintf(b, "<?xml version=\"1.0\"?>\n<VTKFile type=\"%s\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n", typ)
	fmt.Fprintf(b, "  <%s WholeExtent=\"%s\"%s>\n", typ, extent, even)
	fmt.Fprintf(b, "    <FieldData>\n      <DataArray type=\"Float64\" Name=\"TimeValue\" NumberOfTuples=\"1\" format=\"ascii\">%s</DataArray>\n    </FieldData>\n", num(time))
	section := "CellData"
	if g.point() {
		section = "PointData"
	}
	fmt.Fprintf(b, "    <Piece Extent=\"%s\">\n", extent)
	for _, s := range []string{"PointData", "CellData"} {
		if s != section || len(fields) == 0 {
			fmt.Fprintf(b, "      <%s></%s>\n", s, s)
			continue
		}
		fmt.Fprintf(b, "      <%s Scalars=\"%s\">\n", s, escape(fields[0].Name))
		off := 0
		for _, f := range fields {
			if f.Tensor.Len() != n {
				return fmt.Errorf("vtk: field %s has %d values, its grid %d", f.Name, f.Tensor.Len(), n)
			}
			elem, size := kind(f.Tensor.Elem)
			fmt.Fprintf(b, "        <DataArray type=\"%s\" Name=\"%s\" format=\"appended\" offset=\"%d\"/>\n", elem, escape(f.Name), off)
			off += base64.StdEncoding.EncodedLen(8 + n*size)
		}
		fmt.Fprintf(b, "      </%s>\n", s)
	}
	if g.uneven() {
		g.coordinates(b)
	}
	fmt.Fprintf(b, "    </Piece>\n  </%s>\n  <AppendedData encoding=\"base64\">\n    _", typ)
	for _, f := range fields {
		enc := base64.NewEncoder(base64.StdEncoding, b)
		if _, err := enc.Write(block(g, f.Tensor)); err != nil {
			return err
		}
		if err := enc.Close(); err != nil {
			return err
		}
	}
	fmt.Fprintf(b, "\n  </AppendedData>\n</VTKFile>\n")
	return b.Flush()
}

// kind is the VTK type of an element and its bytes.
func kind(e ir.Elem) (string, int) {
	switch e {
	case ir.F64:
		return "Float64", 8
	case ir.F32, ir.F16:
		return "Float32", 4
	case ir.Bool:
		return "UInt8", 1
	}
	return "Int32", 4
}

// block is the byte count and the elements of a tensor with the first axis fastest.
func block(g Grid, t *ir.Tensor) []byte {
	_, size := kind(t.Elem)
	var n, stride [3]int
	for d := range 3 {
		n[d] = 1
	}
	s := 1
	for d := len(g.Axes) - 1; d >= 0; d-- {
		n[d], stride[d] = g.Axes[d].N, s
		s *= n[d]
	}
	le := binary.LittleEndian
	out := make([]byte, 0, 8+t.Len()*size)
	out = le.AppendUint64(out, uint64(t.Len()*size))
	for k := range n[2] {
		for j := range n[1] {
			for i := range n[0] {
				p := i*stride[0] + j*stride[1] + k*stride[2]
				switch {
				case t.Elem == ir.Bool:
					out = append(out, byte(t.I32[p]))
				case t.F64 != nil:
					out = le.AppendUint64(out, math.Float64bits(t.F64[p]))
				case t.F32 != nil:
					out = le.AppendUint32(out, math.Float32bits(t.F32[p]))
				default:
					out = le.AppendUint32(out, uint32(t.I32[p]))
				}
			}
		}
	}
	return out
}

// WriteFile writes a file, whose name ends with the grid's Ext.
func WriteFile(path string, g Grid, time float64, fields []Field) error {
	return toFile(path, func(w io.Writer) error { return Write(w, g, time, fields) })
}

// Step is one file of a series, named relative to the .pvd file.
type Step struct {
	Time float64
	File string
}

// WriteSeriesFile writes a .pvd file.
func WriteSeriesFile(path string, steps []Step) error {
	return toFile(path, func(w io.Writer) error { return WriteSeries(w, steps) })
}

// WriteSeries writes the list of the files of a series with their times.
func WriteSeries(w io.Writer, steps []Step) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "<?xml version=\"1.0\"?>\n<VTKFile type=\"Collection\" version=\"0.1\" byte_order=\"LittleEndian\">\n  <Collection>\n")
	for _, s := range steps {
		fmt.Fprintf(b, "    <DataSet timestep=\"%s\" group=\"\" part=\"0\" file=\"%s\"/>\n", num(s.Time), escape(s.File))
	}
	fmt.Fprintf(b, "  </Collection>\n</VTKFile>\n")
	return b.Flush()
}

func toFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func triple(v [3]float64) string { return num(v[0]) + " " + num(v[1]) + " " + num(v[2]) }

func num(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
