package validate

// Rows lists every row, in the order of the page.
func Rows() []*Row {
	var rows []*Row
	for _, f := range []func() []*Row{dsdRows, anatomyRows, fabricRows, loopRows, siliconRows, modelRows, ringRows, starRows, wideStarRows, kernelRows, onePERows, tileRows, allreduceRows, solverRows} {
		rows = append(rows, f()...)
	}
	return rows
}
