// Package png draws a field for a first look: a plane of it in colours with a colour bar, or a graph when it has one axis.
//
// Pictures are deterministic, small and readable without settings: even cells are magnified to whole pixels as far as they fit, uneven ones are drawn where they are, the
// second axis points up, ticks are round numbers in the axes' own units, and values that are not finite stand out in red.
package png

import (
	"image"
	stdpng "image/png"
	"io"
	"math"
	"os"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Axis is an axis of a picture: N cells or points from Lo to Hi (outer faces for cells, end points for nodes).
type Axis struct {
	Name, Unit string
	N          int
	Lo, Hi     float64
	// Faces (N+1, increasing from Lo to Hi) and Points (N) are where cells and their values are along an uneven axis, nil for others.
	Faces, Points []float64
}

// cells gives the cell of each of n pixels.
func (a *Axis) cells(n int) []int {
	out, i := make([]int, n), 0
	for x := range out {
		if a.Faces == nil {
			out[x] = min(a.N-1, x*a.N/n)
			continue
		}
		at := a.Lo + float64((float64(x)+0.5)/float64(n)*(a.Hi-a.Lo))
		for i < a.N-1 && a.Faces[i+1] < at {
			i++
		}
		out[x] = i
	}
	return out
}

// Plot is a picture of W x H values, or a graph of its X.N values when Y.N is 0.
type Plot struct {
	Title string // e.g. "T [K]  t = 0.5 s"
	X, Y  Axis
	Value func(i, j int) float64 // i along X, j along Y
	Lo    float64                // range of the colours; both 0: that of the finite values
	Hi    float64
}

const (
	target    = 512 // pixels of the longer side of the plane, about
	barWidth  = 18
	margin    = 10
	titleLine = 22
)

// Encode writes the picture.
func (p *Plot) Encode(w io.Writer) error { return stdpng.Encode(w, p.Draw()) }

// WriteFile writes the picture to a file.
func (p *Plot) WriteFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = p.Encode(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Draw makes the picture.
func (p *Plot) Draw() image.Image {
	lo, hi := p.limits()
	if p.Y.N == 0 {
		return p.graph(lo, hi)
	}
	w, h := p.size()
	main, bar := p.axes(), plot.New()
	setAxis(&main.Y, p.Y.Lo, p.Y.Hi, axisTitle(p.Y))
	main.Add(&raster{p.plane(w, h, lo, hi)})
	bar.HideX()
	setAxis(&bar.Y, lo, hi, "")
	bar.Add(&raster{colourBar(h)})
	a, b := inset(main, w, h), inset(bar, barWidth, h)
	at := a.Min.X + vg.Length(w) + a.Max.X + b.Min.X // where the bar is
	c := p.canvas(at+barWidth+margin, a.Min.Y+vg.Length(h)+a.Max.Y)
	drawAt(c, main, a, a.Min.X, a.Min.Y, w, h)
	drawAt(c, bar, b, at, a.Min.Y, barWidth, h)
	return c.Image()
}

// graph draws the values of one axis as a line, gaps where they are not finite.
func (p *Plot) graph(lo, hi float64) image.Image {
	const w, h = target, 320
	g := p.axes()
	pad := (hi - lo) * 0.05
	setAxis(&g.Y, lo-pad, hi+pad, "")
	g.Add(plotter.NewGrid())
	var run plotter.XYs
	end := func() {
		if len(run) == 0 {
			return
		}
		dots, _ := plotter.NewScatter(run) // all values are finite
		dots.Color, dots.Radius = Colour(0.1), 1.5
		line, _ := plotter.NewLine(run)
		line.Color, line.Width = Colour(0.35), 1.5
		if g.Add(line); p.X.N <= 64 {
			g.Add(dots)
		}
		run = nil
	}
	for i := range p.X.N {
		x, v := p.X.Lo+(float64(i)+0.5)/float64(p.X.N)*(p.X.Hi-p.X.Lo), p.Value(i, 0)
		if p.X.Points != nil {
			x = p.X.Points[i]
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			end()
			continue
		}
		run = append(run, plotter.XY{X: x, Y: v})
	}
	end()
	a := inset(g, w, h)
	c := p.canvas(a.Min.X+w+a.Max.X, a.Min.Y+h+a.Max.Y)
	drawAt(c, g, a, a.Min.X, a.Min.Y, w, h)
	return c.Image()
}

// canvas has room for w x h pixels and, above them, the title, which is written.
func (p *Plot) canvas(w, h vg.Length) *vgimg.Canvas {
	style := plot.New().Title.TextStyle
	style.XAlign = draw.XLeft
	h += titleLine
	c := vgimg.NewWith(vgimg.UseWH(max(w, vg.Length(math.Ceil(float64(style.Width(p.Title))))+2*margin), h), vgimg.UseDPI(72))
	all := draw.New(c)
	all.FillText(style, vg.Point{X: margin, Y: h - margin}, p.Title)
	return c
}

// axes is an empty picture with the first axis.
func (p *Plot) axes() *plot.Plot {
	g := plot.New()
	setAxis(&g.X, p.X.Lo, p.X.Hi, axisTitle(p.X))
	return g
}

func setAxis(a *plot.Axis, lo, hi float64, title string) {
	a.Min, a.Max, a.Label.Text, a.Padding, a.Tick.Length = lo, hi, title, 0, 4
	if math.IsInf(hi-lo, 0) { // no steps of round numbers
		a.Tick.Marker = plot.ConstantTicks(nil)
	}
}

// inset is what axes take around w x h pixels of data, at each side (Min: left and bottom, Max: right and top), in whole pixels.
func inset(g *plot.Plot, w, h int) vg.Rectangle {
	const more = 100 // about what they take
	c := draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: vg.Length(w) + more, Y: vg.Length(h) + more}}}
	d := g.DataCanvas(c)
	up := func(x vg.Length) vg.Length { return margin + vg.Length(math.Ceil(float64(x))) }
	return vg.Rectangle{Min: vg.Point{X: up(d.Min.X), Y: up(d.Min.Y)}, Max: vg.Point{X: up(c.Max.X - d.Max.X), Y: up(c.Max.Y - d.Max.Y)}}
}

// drawAt draws with the data at x, y.
func drawAt(c vg.CanvasSizer, g *plot.Plot, in vg.Rectangle, x, y vg.Length, w, h int) {
	all := draw.New(c)
	all.Rectangle = vg.Rectangle{Min: vg.Point{X: x - in.Min.X + margin, Y: y - in.Min.Y + margin},
		Max: vg.Point{X: x + vg.Length(w) + in.Max.X - margin, Y: y + vg.Length(h) + in.Max.Y - margin}}
	g.BackgroundColor = nil
	g.Draw(all)
}

// raster is a picture whose pixels stay pixels.
type raster struct{ im image.Image }

// Plot draws it from the corner of the data.
func (r *raster) Plot(c draw.Canvas, _ *plot.Plot) {
	at := vg.Point{X: vg.Length(math.Round(float64(c.Min.X))), Y: vg.Length(math.Round(float64(c.Min.Y)))}
	b := r.im.Bounds()
	c.DrawImage(vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: vg.Length(b.Dx()), Y: vg.Length(b.Dy())})}, r.im)
}

// plane is the values in colours.
func (p *Plot) plane(w, h int, lo, hi float64) image.Image {
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	is, js := p.X.cells(w), p.Y.cells(h)
	for y, j := range js {
		for x, i := range is {
			im.SetRGBA(x, h-1-y, Colour(scaled(p.Value(i, j), lo, hi)))
		}
	}
	return im
}

func colourBar(h int) image.Image {
	im := image.NewRGBA(image.Rect(0, 0, barWidth, h))
	for y := range h {
		for x := range barWidth {
			im.SetRGBA(x, y, Colour(1-(float64(y)+0.5)/float64(h)))
		}
	}
	return im
}

// limits is the given range, or that of the finite values, widened when it is empty.
func (p *Plot) limits() (lo, hi float64) {
	lo, hi = p.Lo, p.Hi
	if lo == 0 && hi == 0 {
		lo, hi = math.Inf(1), math.Inf(-1)
		for j := range max(1, p.Y.N) {
			for i := range p.X.N {
				if v := p.Value(i, j); !math.IsNaN(v) && !math.IsInf(v, 0) {
					lo, hi = min(lo, v), max(hi, v)
				}
			}
		}
	}
	if lo > hi {
		return 0, 1
	}
	// A range at the level of rounding would show noise as structure.
	if d := max(math.Abs(lo), math.Abs(hi)) * 1e-6; hi-lo <= d {
		d = max(d, 1e-30)
		return lo - d, hi + d
	}
	return lo, hi
}

func scaled(v, lo, hi float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return math.NaN()
	}
	return (v - lo) / (hi - lo)
}

// size is the plane in pixels: whole pixels per cell, in the shape of the domain when the axes have one unit and the shape is not
// extreme, else of the grid.
func (p *Plot) size() (w, h int) {
	aspect := float64(p.X.N) / float64(p.Y.N)
	dx, dy := p.X.Hi-p.X.Lo, p.Y.Hi-p.Y.Lo
	if p.X.Unit == p.Y.Unit && dx > 0 && dy > 0 {
		aspect = dx / dy
	}
	aspect = max(0.2, min(5, aspect))
	fw, fh := float64(target), float64(target)
	if aspect > 1 {
		fh /= aspect
	} else {
		fw *= aspect
	}
	return whole(fw, p.X.N), whole(fh, p.Y.N)
}

// whole rounds pixels to a multiple of n when there is at least one pixel for each.
func whole(pixels float64, n int) int {
	if k := math.Round(pixels / float64(n)); k >= 1 {
		return int(k) * n
	}
	return int(pixels)
}

func axisTitle(a Axis) string {
	if a.Unit == "" || a.Unit == "1" {
		return a.Name
	}
	return a.Name + " [" + a.Unit + "]"
}

// Num is a number as titles show it: six significant digits.
func Num(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
