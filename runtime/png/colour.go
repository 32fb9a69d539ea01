package png

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/palette/moreland"
)

// The colour map runs from dark violet through blue and green to light yellow, with lightness in proportion to the value (K. Moreland, "Why we use
// bad color maps and what you can do about it", 2016), so that equal steps of the value look like equal steps and a black-and-white print keeps
// the order.
var table = func() (t [256]color.RGBA) {
	m, err := moreland.NewLuminance([]color.Color{color.RGBA{50, 16, 81, 255}, color.RGBA{46, 79, 143, 255}, color.RGBA{21, 137, 143, 255},
		color.RGBA{77, 190, 106, 255}, color.RGBA{248, 232, 90, 255}})
	if err != nil {
		panic(err) // the colours are in order of their lightness
	}
	m.SetMax(1)
	for i, c := range m.Palette(len(t)).Colors() {
		t[i] = color.RGBAModel.Convert(c).(color.RGBA)
	}
	return t
}()

// noValue is the colour of NaN and infinities: nowhere near the map.
var noValue = color.RGBA{214, 39, 40, 255}

// Colour maps s in [0, 1]; values outside are clamped, NaN gets a colour of its own.
func Colour(s float64) color.RGBA {
	if math.IsNaN(s) {
		return noValue
	}
	return table[int(math.Round(255*max(0, min(1, s))))]
}
