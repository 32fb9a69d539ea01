package png

import (
	"bytes"
	"fmt"
	"image/color"
	stdpng "image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The map's lightness must rise by nearly equal steps; Rec. 709 luminance is a check that does not use OKLab.
func TestColourMapOrder(t *testing.T) {
	last := -1.0
	for i := range 256 {
		c := table[i]
		y := 0.2126*math.Pow(float64(c.R)/255, 2.2) + 0.7152*math.Pow(float64(c.G)/255, 2.2) + 0.0722*math.Pow(float64(c.B)/255, 2.2)
		if y < last-2e-3 {
			t.Errorf("colour %d is darker than the one before: %.4f after %.4f", i, y, last)
		}
		last = y
	}
	if table[0] == table[255] || Colour(-1) != table[0] || Colour(2) != table[255] || Colour(math.NaN()) != noValue {
		t.Error("ends of the map")
	}
}

// A picture must show the value of every cell at its place: x to the right, y up.
func TestOrientation(t *testing.T) {
	p := &Plot{Title: "T", X: Axis{Name: "x", N: 3, Hi: 3}, Y: Axis{Name: "y", N: 2, Hi: 2}, Value: func(i, j int) float64 { return float64(i + 3*j) }}
	var b bytes.Buffer
	if err := p.Encode(&b); err != nil {
		t.Fatal(err)
	}
	im, err := stdpng.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	w, h := p.size()
	if w%3 != 0 || h%2 != 0 {
		t.Errorf("%d x %d pixels for 3 x 2 cells", w, h)
	}
	// Find the plane: its corner cells hold the ends of the map.
	find := func(c color.RGBA) (x, y int) {
		for y := range im.Bounds().Dy() {
			for x := range im.Bounds().Dx() {
				if color.RGBAModel.Convert(im.At(x, y)) == c {
					return x, y
				}
			}
		}
		t.Fatalf("colour %v not found", c)
		return
	}
	x0, y0 := find(Colour(3.0 / 5)) // cell (0,1) is the top left one
	for j := range 2 {
		for i := range 3 {
			x, y := x0+i*w/3+w/6, y0+(1-j)*h/2+h/4
			if got := color.RGBAModel.Convert(im.At(x, y)); got != Colour(float64(i+3*j)/5) {
				t.Errorf("cell (%d,%d): %v", i, j, got)
			}
		}
	}
}

// Cells of uneven axes take the space they have, and points of a graph are where they are.
func TestUneven(t *testing.T) {
	x := Axis{Name: "x", N: 2, Hi: 4, Faces: []float64{0, 1, 4}, Points: []float64{0.25, 2}}
	y := Axis{Name: "y", N: 3, Hi: 4, Faces: []float64{0, 2, 3, 4}, Points: []float64{1, 2.5, 3.5}}
	p := &Plot{X: x, Y: y, Value: func(i, j int) float64 { return float64(3*i + j) }}
	im := p.Draw()
	w, h := p.size()
	count := map[color.Color]int{}
	for y := range im.Bounds().Dy() {
		for x := range im.Bounds().Dx() {
			count[im.At(x, y)]++
		}
	}
	for i := range 2 {
		for j := range 3 {
			part := (x.Faces[i+1] - x.Faces[i]) / 4 * (y.Faces[j+1] - y.Faces[j]) / 4
			want := part * float64(w*h)
			if got := float64(count[Colour(float64(3*i+j)/5)]); math.Abs(got-want) > float64(w+h)+18*float64(h)/100 {
				t.Errorf("cell (%d,%d) has %v of %d pixels, want %v", i, j, got, w*h, want)
			}
		}
	}
	if js := y.cells(8); fmt.Sprint(js) != "[0 0 0 0 1 1 2 2]" {
		t.Errorf("rows %v", js)
	}
	g := (&Plot{X: x, Value: func(i, _ int) float64 { return float64(i) }}).Draw()
	first, last := -1, -1
	for x := range g.Bounds().Dx() {
		for y := range g.Bounds().Dy() {
			if g.At(x, y) == Colour(0.35) {
				if first < 0 {
					first = x
				}
				last = x
			}
		}
	}
	if got := float64(last-first) / target; math.Abs(got-1.75/4) > 0.01 {
		t.Errorf("the line spans %v of the axis, want %v", got, 1.75/4)
	}
}

func TestOddFields(t *testing.T) {
	values := map[string]func(i, j int) float64{
		"nan":      func(i, j int) float64 { return math.NaN() },
		"constant": func(i, j int) float64 { return 300 },
		"zero":     func(i, j int) float64 { return 0 },
		"huge":     func(i, j int) float64 { return math.MaxFloat64 * (float64(i) - 1) },
		"inf":      func(i, j int) float64 { return math.Inf(i - 1) },
	}
	for name, f := range values {
		for _, ny := range []int{0, 1, 4, 2000} {
			p := &Plot{Title: name, X: Axis{Name: "x", N: 4, Lo: 0, Hi: 0}, Y: Axis{Name: "y", N: ny, Lo: 0, Hi: 1e-9}, Value: f}
			if b := p.Draw().Bounds(); b.Dx() < 100 || b.Dx() > 1500 || b.Dy() < 100 || b.Dy() > 1500 {
				t.Errorf("%s, ny %d: %v", name, ny, b)
			}
		}
	}
}

// With WFC_PICTURES set to a directory the samples are written there to look at.
func TestSamples(t *testing.T) {
	dir := os.Getenv("WFC_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	f := func(nx, ny int) func(i, j int) float64 {
		return func(i, j int) float64 {
			x, y := (float64(i)+0.5)/float64(nx), (float64(j)+0.5)/float64(max(1, ny))
			return 300 + 200*math.Exp(-8*((x-0.3)*(x-0.3)+(y-0.6)*(y-0.6)))*math.Cos(6*x)
		}
	}
	for i, p := range []*Plot{
		{Title: "T [K]  t = 0.5 s  z = 0.25 m", X: Axis{Name: "x", Unit: "m", N: 16, Lo: 0, Hi: 1}, Y: Axis{Name: "y", Unit: "m", N: 16, Lo: 0, Hi: 1}, Value: f(16, 16)},
		{Title: "T [K]  t = 0.5 s", X: Axis{Name: "x", Unit: "m", N: 300, Lo: 0, Hi: 3}, Y: Axis{Name: "y", Unit: "m", N: 100, Lo: 0, Hi: 1}, Value: f(300, 100)},
		{Title: "a long title of a narrow picture  step 12", X: Axis{Name: "x", Unit: "", N: 7, Lo: 0, Hi: 7}, Y: Axis{Name: "y", Unit: "", N: 40, Lo: 0, Hi: 40}, Value: f(7, 40)},
		{Title: "u [m/s]  t = 1 s", X: Axis{Name: "x", Unit: "m", N: 50, Lo: 0, Hi: 1e-6}, Value: f(50, 0)},
	} {
		path := filepath.Join(dir, fmt.Sprintf("sample%d.png", i))
		if err := p.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.Size() < 500 {
			t.Errorf("%s: %v", path, err)
		}
	}
}
