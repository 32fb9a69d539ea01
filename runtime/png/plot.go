// Package png draws a field for a first look: a plane of it in colours with a colour bar, or a graph when it has one axis.
//
// Pictures are deterministic, small and readable without settings: even cells are magnified to whole pixels as far as they fit, uneven ones are drawn where they are, the
// second axis points up, ticks are round numbers in the axes' own units, and values that are not finite stand out in red.
package png

import (
	"image"
	"image/color"
	"image/draw"
	stdpng "image/png"
	"io"
	"math"
	"os"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
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
	target = 512 // pixels of the longer side of the plane, about
	glyphW = 7
	glyphH = 13
	margin = 12
)

var (
	ink   = color.RGBA{30, 30, 30, 255}
	faint = color.RGBA{225, 225, 225, 255}
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
	yAt, yLabel := ticks(p.Y.Lo, p.Y.Hi, max(2, h/60))
	cAt, cLabel := ticks(lo, hi, max(2, h/45))
	left := margin + longest(yLabel)*glyphW + 10
	left = max(left, margin+len(axisTitle(p.Y))*glyphW-10)
	top := margin + 2*glyphH + 12
	bar := left + w + 24
	width := bar + 18 + 8 + longest(cLabel)*glyphW + margin
	width = max(width, 2*margin+len(p.Title)*glyphW)
	height := top + h + 8 + 2*glyphH + 10 + margin
	im := canvas(width, height)

	is, js := p.X.cells(w), p.Y.cells(h)
	for y, j := range js {
		for x, i := range is {
			im.SetRGBA(left+x, top+h-1-y, Colour(scaled(p.Value(i, j), lo, hi)))
		}
	}
	for y := range h {
		c := Colour(1 - (float64(y)+0.5)/float64(h))
		for x := range 18 {
			im.SetRGBA(bar+x, top+y, c)
		}
	}
	frame(im, left, top, w, h)
	frame(im, bar, top, 18, h)
	text(im, margin, margin+glyphH-2, p.Title)
	text(im, margin, margin+2*glyphH+2, axisTitle(p.Y))
	p.xAxis(im, left, top+h, w)
	for i, v := range yAt {
		y := top + h - 1 - place(v, p.Y.Lo, p.Y.Hi, h)
		line(im, left-5, y, left-2, y, ink)
		text(im, left-8-len(yLabel[i])*glyphW, y+4, yLabel[i])
	}
	for i, v := range cAt {
		y := top + h - 1 - place(v, lo, hi, h)
		line(im, bar+19, y, bar+22, y, ink)
		text(im, bar+26, y+4, cLabel[i])
	}
	return im
}

// graph draws the values of one axis as a line, gaps where they are not finite.
func (p *Plot) graph(lo, hi float64) image.Image {
	const w, h = target, 320
	pad := (hi - lo) * 0.05
	lo, hi = lo-pad, hi+pad
	yAt, yLabel := ticks(lo, hi, h/45)
	left, top := margin+longest(yLabel)*glyphW+10, margin+glyphH+12
	im := canvas(max(left+w+margin+20, 2*margin+len(p.Title)*glyphW), top+h+8+2*glyphH+10+margin)
	text(im, margin, margin+glyphH-2, p.Title)
	for i, v := range yAt {
		y := top + h - 1 - place(v, lo, hi, h)
		line(im, left, y, left+w-1, y, faint)
		text(im, left-8-len(yLabel[i])*glyphW, y+4, yLabel[i])
	}
	p.xAxis(im, left, top+h, w)
	px, py, have := 0, 0, false
	for i := range p.X.N {
		v := p.Value(i, 0)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			have = false
			continue
		}
		x := left + (2*i+1)*w/(2*p.X.N)
		if p.X.Points != nil {
			x = left + place(p.X.Points[i], p.X.Lo, p.X.Hi, w)
		}
		y := top + h - 1 - place(v, lo, hi, h)
		if have {
			line(im, px, py, x, y, Colour(0.35))
			line(im, px, py+1, x, y+1, Colour(0.35))
		}
		if p.X.N <= 64 {
			line(im, x-1, y-1, x+1, y+1, Colour(0.1))
			line(im, x-1, y+1, x+1, y-1, Colour(0.1))
		}
		px, py, have = x, y, true
	}
	frame(im, left, top, w, h)
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

func (p *Plot) xAxis(im *image.RGBA, left, bottom, w int) {
	at, label := ticks(p.X.Lo, p.X.Hi, max(2, w/70))
	for i, v := range at {
		x := left + place(v, p.X.Lo, p.X.Hi, w)
		line(im, x, bottom+1, x, bottom+4, ink)
		tx := min(x-len(label[i])*glyphW/2, im.Bounds().Dx()-len(label[i])*glyphW-2)
		text(im, tx, bottom+6+glyphH, label[i])
	}
	name := axisTitle(p.X)
	text(im, left+(w-len(name)*glyphW)/2, bottom+10+2*glyphH, name)
}

func axisTitle(a Axis) string {
	if a.Unit == "" || a.Unit == "1" {
		return a.Name
	}
	return a.Name + " [" + a.Unit + "]"
}

// place maps v in [lo, hi] to a pixel 0..n-1.
func place(v, lo, hi float64, n int) int {
	return max(0, min(n-1, int(math.Round((v-lo)/(hi-lo)*float64(n)-0.5))))
}

func longest(s []string) int {
	n := 0
	for _, t := range s {
		n = max(n, len(t))
	}
	return n
}

func canvas(w, h int) *image.RGBA {
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(im, im.Bounds(), image.White, image.Point{}, draw.Src)
	return im
}

func frame(im *image.RGBA, x, y, w, h int) {
	line(im, x-1, y-1, x+w, y-1, ink)
	line(im, x-1, y+h, x+w, y+h, ink)
	line(im, x-1, y-1, x-1, y+h, ink)
	line(im, x+w, y-1, x+w, y+h, ink)
}

// line draws a straight line by steps of one pixel along its longer side.
func line(im *image.RGBA, x0, y0, x1, y1 int, c color.RGBA) {
	n := max(abs(x1-x0), abs(y1-y0), 1)
	for k := range n + 1 {
		im.SetRGBA(x0+(2*k*(x1-x0)+n)/(2*n), y0+(2*k*(y1-y0)+n)/(2*n), c)
	}
}

func abs(v int) int { return max(v, -v) }

func text(im *image.RGBA, x, y int, s string) {
	d := font.Drawer{Dst: im, Src: image.NewUniform(ink), Face: basicfont.Face7x13, Dot: fixed.P(max(2, x), y)}
	d.DrawString(s)
}

// Num is a number as titles show it: six significant digits.
func Num(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
