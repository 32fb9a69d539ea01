package validate

// The single-PE programs of FABRICA are loops over f32 arrays in plain CSL between two time stamps, 512 turns each. Two of them complete
// the rule of scalar code: prefix-sum less sum is what an element more costs, and sum what the index does. The others are predicted.

// onePE is where a program of FABRICA for one PE is, with its cycles.
func onePE(name string) string {
	return "luozoupi/FABRICA kernels/" + name + "-1PE {CSL/pe.csl, spec.yaml}"
}

// loop is a program of one PE with array g, timed as its source is: from the first word of one time stamp to that of the next.
func loop(code string) string { return one(wse3Only, "array g i32[1]\n", stamp+code) }

func loopRows() []*Row {
	const n = 512
	acc := scalar(2) // a cleared f32, or the store of the result
	row := func(id, name, what string, pub float64, code, note string) *Row {
		n := n
		if id == "max" {
			n-- // the first element is where it begins
		}
		return &Row{ID: "loop-" + id, Section: "loops", What: what + ", 512 elements", Source: onePE(name), Machine: wse3Only,
			Published: pub, Program: loop(acc + times("i", n, scaled+code) + acc), Window: body, Note: note}
	}
	return []*Row{
		row("sum", "Sum-Reduction", "s += x[i]", 7693, element+scalar(1), ""),
		row("prefix", "Prefix-Sum", "s += x[i], y[i] = s", 9229, element+scalar(1)+written, ""),
		row("max", "Max-Reduction", "the largest x[i]", 8188, element+select2, ""),
		row("dot", "Dot-Product", "s += x[i] y[i]", 10254, element+element+scalar(1)+chained, ""),
		row("mse", "MSE-Loss", "s += (x[i] - y[i])^2", 11282, element+element+scalar(1)+chained+chained, ""),
		row("saxpy", "SAXPY", "y[i] = a x[i] + y[i]", 11276, element+element+scalar(1)+chained+scalar(1),
			"22 cycles a turn are published and 21 counted: why the store waits one is not"),
		row("relu", "ReLU", "y[i] = x[i] > 0 ? x[i] : 0", 11787, element+select2+scalar(1)+written,
			"23 cycles a turn are published and 20 counted: a comparison with a constant of 32 bits takes more than one with a register, which the rule does not know"),
	}
}
