package ir

import "fmt"

// WholeBox is the box of all elements of an array with these extents.
func WholeBox(shape []int) []Interval {
	b := make([]Interval, len(shape))
	for d, n := range shape {
		b[d].Hi = n
	}
	return b
}

// Extents are those of a box.
func Extents(box []Interval) []int {
	n := make([]int, len(box))
	for d, r := range box {
		n[d] = r.Hi - r.Lo
	}
	return n
}

// Volume is how many elements a box has.
func Volume(box []Interval) int {
	n := 1
	for _, r := range box {
		n *= max(0, r.Hi-r.Lo)
	}
	return n
}

// CheckBox says whether a box lies in an array with these extents.
func CheckBox(array string, box []Interval, shape []int) error {
	inside := len(box) == len(shape)
	for d := 0; inside && d < len(box); d++ {
		inside = box[d].Lo >= 0 && box[d].Lo <= box[d].Hi && box[d].Hi <= shape[d]
	}
	if !inside {
		return fmt.Errorf("array %s has extents %v, the box is %v", array, shape, box)
	}
	return nil
}

// EachRow calls f for every row of a box that is not empty, last dimension fastest: where it begins in storage with these strides (1 along rows), where among
// the elements of the box, and how many elements it has.
func EachRow(box []Interval, base int, stride []int, f func(off, at, n int)) {
	at := 0
	var each func(d, off int)
	each = func(d, off int) {
		switch {
		case d == len(box): // a single number
			f(off, at, 1)
		case d == len(box)-1:
			if n := box[d].Hi - box[d].Lo; n > 0 {
				f(off+box[d].Lo*stride[d], at, n)
				at += n
			}
		default:
			for i := box[d].Lo; i < box[d].Hi; i++ {
				each(d+1, off+i*stride[d])
			}
		}
	}
	each(0, base)
}
