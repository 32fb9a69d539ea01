package ranks

// Overlap cuts all stages that can be, however small, and returns what undoes it.
func Overlap() (undo func()) {
	old := overlapFrom
	overlapFrom = 0
	return func() { overlapFrom = old }
}
