package png

import (
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"
	"math"
	"os"
)

// Animation is a film of pictures of one size. Their colours mean the same values in every frame.
type Animation struct {
	Frames []*Plot
	Delay  int // of a frame, in hundredths of a second; 0 is 10
}

// palette holds the colours of pictures: the map thinned to what a GIF has room for, and the greys of letters.
var palette = func() color.Palette {
	p := color.Palette{noValue}
	for g := 0; g < 256; g += 17 {
		p = append(p, color.Gray{uint8(g)})
	}
	const n = 239
	for i := range n {
		p = append(p, table[int(math.Round(float64(i)*255/(n-1)))])
	}
	return p
}()

// Encode writes the animation as a GIF that repeats.
func (a *Animation) Encode(w io.Writer) error {
	if len(a.Frames) == 0 {
		return errors.New("an animation without frames")
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range a.Frames {
		l, h := p.limits()
		lo, hi = min(lo, l), max(hi, h)
	}
	delay := a.Delay
	if delay == 0 {
		delay = 10
	}
	out := &gif.GIF{}
	near := map[color.RGBA]uint8{}
	for _, p := range a.Frames {
		q := *p
		q.Lo, q.Hi = lo, hi
		im := q.Draw()
		b := im.Bounds()
		f := image.NewPaletted(b, palette)
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				c := color.RGBAModel.Convert(im.At(x, y)).(color.RGBA)
				k, ok := near[c]
				if !ok {
					k = uint8(palette.Index(c))
					near[c] = k
				}
				f.SetColorIndex(x, y, k)
			}
		}
		out.Image, out.Delay = append(out.Image, f), append(out.Delay, delay)
		out.Config.Width, out.Config.Height = max(out.Config.Width, b.Dx()), max(out.Config.Height, b.Dy())
	}
	return gif.EncodeAll(w, out)
}

// WriteFile writes the animation to a file.
func (a *Animation) WriteFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(a.Encode(f), f.Close())
}
