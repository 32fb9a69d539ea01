package wse

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:generate go test -run TestMachinePage -update

// WritePage writes docs/machine.md: every constant of every profile with its range, grade, source and effect.
func WritePage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, p := range profiles {
		fmt.Fprintf(&b, "- `%s`: %s\n", p.name, p.title)
	}
	b.WriteString(pageTable)
	b.WriteString("\n| constant | unit | effect |")
	for _, p := range profiles {
		fmt.Fprintf(&b, " %s |", p.name)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(profiles)) + "\n")
	var keys []string
	for _, p := range profiles {
		for _, r := range p.rows {
			if !slices.Contains(keys, r.key) {
				i := len(keys) // keep queue.out.7 after queue.out.6
				for j, k := range keys {
					if family(k) == family(r.key) {
						i = j + 1
					}
				}
				keys = slices.Insert(keys, i, r.key)
			}
		}
	}
	var sources []string
	note := func(src string) int {
		if i := slices.Index(sources, src); i >= 0 {
			return i + 1
		}
		sources = append(sources, src)
		return len(sources)
	}
	for _, k := range keys {
		line := ""
		unit := ""
		for _, p := range profiles {
			i := slices.IndexFunc(p.rows, func(r row) bool { return r.key == k })
			if i < 0 {
				line += " - |"
				continue
			}
			r := p.rows[i]
			unit = r.unit
			rng := ""
			if r.lo != r.hi {
				rng = fmt.Sprintf(" (%d to %d)", r.lo, r.hi)
			}
			line += fmt.Sprintf(" %d%s %s %d |", r.val, rng, gradeLetter[r.grade], note(r.source))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |%s\n", k, unit, Effect(k), line)
	}
	b.WriteString("\n## Sources\n\n")
	for i, s := range sources {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func family(key string) string { return key[:strings.LastIndexByte(key, '.')+1] }

var gradeLetter = map[Grade]string{Measured: "M", Document: "V", Second: "S", Derived: "D", Assumed: "A"}

const pageHead = `# The machine

Generated from the tables in ` + "`target/wse`" + ` (` + "`go generate ./target/wse`" + `); a test fails when the two differ.

Everything the compiler and the simulator know of a machine is one value, and each of its constants has a range and a source.
` + "`wfc machine show PROFILE`" + ` prints one profile. Cycles are never converted to time silently. The profiles:

`

const pageTable = `
` + "`wse3-sim`" + ` is another name of ` + "`wse3`" + `.

## Variants

Any constant can be changed in a file, which every ` + "`--machine`" + ` takes in place of a profile:

` + "```" + `
base wse3                  // deep.machine
router.depth = 8
link.ticks = 1125
` + "```" + `

What is compiled for it is compiled for the machine ` + "`wse3+link.ticks=1125+router.depth=8`" + `, a name that says it all and can itself be
used wherever a profile's name can. Values outside the ranges below are accepted: they are questions, not claims.

## Constants

Each cell is the value, its range where it is not certain, a grade and the number of its source. Grades: M measured and published,
V vendor's document or code, S somebody's notes about a source, D derived by arithmetic from others, A assumed: found nowhere, judge
by the range. Cycles and ticks: 1000 ticks are one cycle.
`
