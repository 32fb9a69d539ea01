package check

// diagonal is the diagonal of the operator for unknown k.
func (c *checker) diagonal(sv *solver, k int) *Node {
	return number(1, one(), sv.at)
}
