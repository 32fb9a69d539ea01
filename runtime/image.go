package runtime

import (
	"fmt"
	"image/png"
	"os"

	"github.com/wfc-lang/wfc/ir"
)

// maxPixels bounds a picture that is read; no field is larger.
const maxPixels = 1 << 28

// readImage makes a mask of a picture: 1 where it is darker than half, or where a picture with transparency is opaque enough and dark. The
// first axis of the array runs to the right, the second upwards; every point takes the pixel it lies in.
func readImage(path string, dims []int) (*ir.Tensor, error) {
	if len(dims) != 2 {
		return nil, fmt.Errorf("a picture has two axes, the array %d", len(dims))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cfg, err := png.DecodeConfig(f)
	if err != nil {
		return nil, err
	}
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > maxPixels/cfg.Height {
		return nil, fmt.Errorf("%d x %d pixels are more than %d", cfg.Width, cfg.Height, maxPixels)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	img, err := png.Decode(f)
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	out := ir.NewTensor(ir.I32, dims...)
	for i := range dims[0] {
		for j := range dims[1] {
			x := b.Min.X + int((int64(2*i+1)*int64(b.Dx()))/int64(2*dims[0]))
			y := b.Max.Y - 1 - int((int64(2*j+1)*int64(b.Dy()))/int64(2*dims[1]))
			r, g, bl, a := img.At(x, y).RGBA() // premultiplied: a transparent pixel shows the white behind it
			light := 299*r + 587*g + 114*bl + 1000*(0xffff-a)
			if light < 1000*0x8000 {
				out.I32[i*dims[1]+j] = 1
			}
		}
	}
	return out, nil
}
