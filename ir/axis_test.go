package ir

import (
	"math"
	"slices"
	"testing"
)

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		name          string
		a             Axis
		faces, points []float64
	}{
		{"even cells", Axis{N: 2, Lo: 1, H: 2}, []float64{1, 3, 5}, []float64{2, 4}},
		{"even nodes", Axis{N: 3, Lo: 1, H: 2, Nodes: true}, []float64{0, 2, 4, 6}, []float64{1, 3, 5}},
		{"cells", Axis{N: 2, H: 2, At: []float64{0, 0.25, 1, 2, 4}}, []float64{0, 1, 4}, []float64{0.25, 2}},
		{"nodes", Axis{N: 3, H: 2, Nodes: true, At: []float64{0, 0.25, 1, 2, 4}}, []float64{-0.25, 0.25, 2, 6}, []float64{0, 1, 4}},
		{"nodes of a turn", Axis{N: 2, H: 2, Nodes: true, Periodic: true, At: []float64{0, 0.25, 1, 2, 4}}, []float64{-2, 0.25, 2}, []float64{0, 1}},
		{"one node", Axis{N: 1, Lo: 3, H: 2, Nodes: true, At: []float64{3}}, []float64{2, 4}, []float64{3}},
	} {
		if faces, points := c.a.Places(); !slices.Equal(faces, c.faces) || !slices.Equal(points, c.points) || !c.a.spaced() {
			t.Errorf("%s: %v %v", c.name, faces, points)
		}
		for i, x := range c.points {
			if got := c.a.Index(x); got != float64(i) {
				t.Errorf("%s: %v is at %v, want %d", c.name, x, got, i)
			}
		}
	}
	// Halfway between two points, by distance; before the first and after the last point the axis goes on.
	turn := Axis{N: 2, H: 2, Periodic: true, At: []float64{0, 0.25, 1, 2, 4}}
	wall := turn
	wall.Periodic = false
	for _, c := range []struct {
		a       Axis
		x, want float64
	}{
		{wall, 1.125, 0.5}, {wall, 0, -0.5}, {wall, 4, 1.5}, {turn, 1.125, 0.5}, {turn, 3.125, 1.5}, {turn, -0.875, -0.5},
		{Axis{N: 4, H: 0.5}, 1, 1.5}, {Axis{N: 4}, 1, 0},
	} {
		if got := c.a.Index(c.x); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%v is at %v, want %v", c.x, got, c.want)
		}
	}
}
