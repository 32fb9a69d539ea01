package check

func (c *checker) accesses() {}
