package runtime

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// A dark square in the upper left corner, white elsewhere, and a transparent black pixel, which shows white.
func TestReadImage(t *testing.T) {
	img := image.NewNRGBA(image.Rect(3, 5, 11, 13))
	for x := 3; x < 11; x++ {
		for y := 5; y < 13; y++ {
			c := color.NRGBA{255, 255, 255, 255}
			if x < 7 && y < 9 {
				c = color.NRGBA{90, 90, 90, 255}
			}
			if x == 10 && y == 12 {
				c = color.NRGBA{0, 0, 0, 0}
			}
			img.Set(x, y, c)
		}
	}
	path := filepath.Join(t.TempDir(), "a.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, n := range []int{2, 4, 8, 16} {
		m, err := readImage(path, []int{n, n})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for j := range n {
				want := int32(0)
				if i < n/2 && j >= n/2 {
					want = 1
				}
				if got := m.I32[i*n+j]; got != want {
					t.Errorf("%d points: [%d,%d] is %d, want %d", n, i, j, got, want)
				}
			}
		}
	}
	if _, err := readImage(path, []int{4}); err == nil {
		t.Error("a picture on one axis was accepted")
	}
	if err := os.WriteFile(path, []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readImage(path, []int{2, 2}); err == nil {
		t.Error("a text was read as a picture")
	}
}
