package ir

import (
	"math"
	"sort"
)

// Steps is the number of steps of length H between the ends of an axis: one per cell, one between two nodes, one per point of a turn.
func (a *Axis) Steps() int {
	if a.Nodes && !a.Periodic {
		return a.N - 1
	}
	return a.N
}

// half is the true coordinate k half steps above Lo. Beyond its ends an uneven axis goes on by reflection, or with the next turn; k is at
// most the whole axis beyond them.
func (a *Axis) half(k int) float64 {
	end := len(a.At) - 1
	turn := func(by int) float64 { return a.At[k-by*end] + float64(float64(by)*(a.At[end]-a.At[0])) }
	switch {
	case end < 1:
		return a.Lo + float64(float64(k)/2*a.H)
	case k < 0 && a.Periodic:
		return turn(-1)
	case k < 0:
		return 2*a.At[0] - a.At[-k]
	case k > end && a.Periodic:
		return turn(1)
	case k > end:
		return 2*a.At[end] - a.At[2*end-k]
	}
	return a.At[k]
}

// Place is the true coordinate of index i, from -1 to N. It is [Axis.Coord] unless the axis is uneven.
func (a *Axis) Place(i int) float64 {
	if a.Nodes {
		return a.half(2 * i)
	}
	return a.half(2*i + 1)
}

// Places are the true coordinates of the N points and of the N+1 faces around them. Those of nodes are midway between them.
func (a *Axis) Places() (faces, points []float64) {
	first := 0
	if a.Nodes {
		first = -1
	}
	faces, points = make([]float64, a.N+1), make([]float64, a.N)
	for i := range faces {
		faces[i] = a.half(2*i + first)
	}
	for i := range points {
		points[i] = a.Place(i)
	}
	return faces, points
}

// Index is the index at a true coordinate, linear between points and a fraction between two of them.
func (a *Axis) Index(x float64) float64 {
	if len(a.At) < 2 {
		if a.H == 0 {
			return 0
		}
		return (x - a.Coord(0)) / a.H
	}
	i := sort.Search(a.N, func(i int) bool { return a.Place(i) > x })
	low, high := a.Place(i-1), a.Place(i)
	return float64(i-1) + (x-low)/(high-low)
}

// spaced says whether At is what it should be.
func (a *Axis) spaced() bool {
	if len(a.At) == 0 {
		return true
	}
	ok := len(a.At)-1 == 2*a.Steps()
	last := math.Inf(-1)
	for _, x := range a.At {
		ok = ok && finite(x) && x > last
		last = x
	}
	return ok
}
