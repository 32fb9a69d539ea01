package lower

// SetCostly sets from how many operations a flux is a value of its own, for a test, and returns the old number.
func SetCostly(n int) int {
	old := costly
	costly = n
	return old
}
