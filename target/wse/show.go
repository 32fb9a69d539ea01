package wse

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Show writes the machine's table of constants: what `wfc machine show` prints.
func (m Machine) Show(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d x %d usable PEs of %d x %d; queues in %v out %v; local task ids %v\n\n", m.Name, m.Width, m.Height,
		m.FabricW, m.FabricH, m.UsableIn(), m.UsableOut(), m.UsableLocalTasks())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "constant\tvalue\trange\tunit\tgrade\tsource")
	for _, c := range m.Constants() {
		rng := "-"
		if c.Lo != c.Hi {
			rng = fmt.Sprintf("%d..%d", c.Lo, c.Hi)
		}
		src := c.Source
		if c.Changed {
			src = "changed by the caller; the profile says otherwise: " + src
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", c.Key, c.Value, rng, c.Unit, c.Grade, src)
	}
	return t.Flush()
}
