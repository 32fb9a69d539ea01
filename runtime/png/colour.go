package png

import (
	"image/color"
	"math"
)

// The colour map runs from dark violet through blue and green to light yellow. Its colours are equally spaced in lightness in the
// OKLab space (B. Ottosson, "A perceptual color space for image processing", 2020), so that equal steps of the value look like equal
// steps and a black-and-white print keeps the order. Chroma is cut down where a colour would leave sRGB.
var table = func() (t [256]color.RGBA) {
	for i := range t {
		s := float64(i) / 255
		lightness := 0.24 + 0.70*s
		hue := (305 - 200*s) * math.Pi / 180
		chroma := 0.09 + 0.07*s*s*s
		t[i] = oklch(lightness, chroma, hue)
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

// oklch converts lightness, chroma and hue to sRGB, with less chroma if need be.
func oklch(l, c, h float64) color.RGBA {
	for ; c > 0; c -= 0.002 {
		if r, g, b := linear(l, c*math.Cos(h), c*math.Sin(h)); inGamut(r) && inGamut(g) && inGamut(b) {
			return color.RGBA{encode(r), encode(g), encode(b), 255}
		}
	}
	r, g, b := linear(l, 0, 0)
	return color.RGBA{encode(r), encode(g), encode(b), 255}
}

func inGamut(v float64) bool { return v >= 0 && v <= 1 }

// linear converts OKLab to linear sRGB (the matrices of the article above).
func linear(l, a, b float64) (r, g, bl float64) {
	cube := func(x float64) float64 { return x * x * x }
	L := cube(l + 0.3963377774*a + 0.2158037573*b)
	M := cube(l - 0.1055613458*a - 0.0638541728*b)
	S := cube(l - 0.0894841775*a - 1.2914855480*b)
	return 4.0767416621*L - 3.3077115913*M + 0.2309699292*S,
		-1.2684380046*L + 2.6097574011*M - 0.3413193965*S,
		-0.0041960863*L - 0.7034186147*M + 1.7076147010*S
}

// encode applies the sRGB transfer function.
func encode(v float64) uint8 {
	v = max(0, min(1, v))
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(math.Round(255 * v))
}
