package check

func (c *checker) stability() {}
