package ranks

import "math"

// Overlap cuts all stages that can be, however small, and returns what undoes it.
func Overlap() (undo func()) {
	old, twice := overlapFrom, mostTwice
	overlapFrom, mostTwice = 0, math.Inf(1)
	return func() { overlapFrom, mostTwice = old, twice }
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

// Deep has an exchange for so many steps wherever that can be, and returns what undoes it.
func Deep(steps int) (undo func()) {
	forcedSteps = steps
	return func() { forcedSteps = 0 }
}
