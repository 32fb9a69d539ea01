package ranks

import "math"

// Overlap cuts all stages that can be, however small, and returns what undoes it.
func Overlap() (undo func()) {
	old := overlapFrom
	overlapFrom = 0
	return func() { overlapFrom = old }
}

// Grid makes all layouts of at least this size have a grid, where the axes can be cut so, and returns what undoes it.
func Grid(first, second int) (undo func()) {
	forced = []int{first, second}
	return func() { forced = nil }
}

// Wait cuts no stage, and returns what undoes it.
func Wait() (undo func()) {
	old := overlapFrom
	overlapFrom = math.MaxInt
	return func() { overlapFrom = old }
}
