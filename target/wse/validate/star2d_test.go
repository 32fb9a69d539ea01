package validate

import "testing"

// The transcribed 2-D star computes what the public kernel computes: exchanged halos, the weighted star, an unchanged diagonal in the
// tiles on the diagonal of the mesh.
func TestStar2DComputes(t *testing.T) {
	s := launch(t, star2D(1, true))
	// The declared values: 1 + i + 3 px + 5 py, i over the 10 x 10 tile with its halo.
	var tile [2][2][100]float64
	for y := range 2 {
		for x := range 2 {
			for i := range 100 {
				tile[y][x][i] = float64(1 + i + 3*x + 5*y)
			}
		}
	}
	old := tile
	for k := 1; k <= 8; k++ {
		for a := range 2 {
			tile[a][0][10*k+9], tile[a][1][10*k] = old[a][1][10*k+1], old[a][0][10*k+8]
			tile[0][a][90+k], tile[1][a][k] = old[1][a][10+k], old[0][a][80+k]
		}
	}
	for y := range 2 {
		for x := range 2 {
			got, err := s.Floats(x, y, "u")
			if err != nil {
				t.Fatal(err)
			}
			in := tile[y][x]
			for r := 1; r <= 8; r++ {
				for c := 1; c <= 8; c++ {
					i := 10*r + c
					want := 0.5*in[i] + 0.25*(in[i-10]+in[i+10]+in[i-1]+in[i+1])
					if x == y && r == c {
						want = in[i]
					}
					if got[100+i] != want {
						t.Fatalf("PE (%d,%d), row %d, column %d: %g, want %g", x, y, r, c, got[100+i], want)
					}
				}
			}
		}
	}
}

func TestWideStarComputes(t *testing.T) {
	for _, r := range []int{1, 2, 3, 5} {
		s := launch(t, wideStar(r, 1, true))
		const n = 8
		w := n + 2*r
		at := func(x, y, i, j int) float64 { // row i, column j of PE (x, y), counted from its interior
			inside := i >= 0 && i < n && j >= 0 && j < n
			switch {
			case inside:
			case x == 0 && j >= n:
				x, j = 1, j-n
			case x == 1 && j < 0:
				x, j = 0, j+n
			case y == 0 && i >= n:
				y, i = 1, i-n
			case y == 1 && i < 0:
				y, i = 0, i+n
			}
			return float64(1 + (i+r)*w + j + r + 3*x + 5*y)
		}
		for y := range 2 {
			for x := range 2 {
				got, err := s.Floats(x, y, "u")
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					for j := range n {
						want := float64(2*r+1) * at(x, y, i, j)
						for k := 1; k <= r; k++ {
							want += float64(r-k+1)*at(x, y, i-k, j) + float64(4*r+1-(r-k))*at(x, y, i+k, j) +
								float64(r+1+r-k)*at(x, y, i, j-k) + float64(2*r+2+r-k)*at(x, y, i, j+k)
						}
						if x == y && i == j {
							want = at(x, y, i, j)
						}
						if g := got[w*w+(i+r)*w+j+r]; g != want {
							t.Fatalf("radius %d, PE (%d,%d), row %d, column %d: %g, want %g", r, x, y, i, j, g, want)
						}
					}
				}
			}
		}
	}
}
