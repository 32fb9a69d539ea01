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
