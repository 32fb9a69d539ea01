package validate

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Section of the page.
type Section struct{ Key, Title, Text string }

// Sections in the order of the page.
var Sections = []Section{
	{"dsd", "DSD operations", "One PE, operands in memory. Slopes come from two lengths; timed rows begin and end with a time stamp, as their sources do."},
	{"fabric", "Fabric and tasks", "Programs of the sources, with time stamps as the register instructions they take."},
	{"loops", "Scalar loops", "One PE, loops over f32 arrays as the vendor's compiler makes them. The rule by which scalar code is counted (`scalar.go`) takes the cost of an " +
		"element and of an index from the first two; the others are predicted."},
	{"silicon", "Silicon", "The machine itself (CS-3) instead of the vendor's simulator of it."},
	{"models", "Models of collectives", "Closed forms their authors measured on WSE-2 to be good to 4 %, T_R = 2. Every program checks its sums. The setup of the " +
		"first operation, which the models leave out, is left out here too."},
	{"kernels", "Whole kernels", "Public source, transcribed operation by operation."},
}

// Page renders the page from the rows and their results, which are in the same order.
func Page(rows []*Row, results []Result) string {
	t := &text{}
	t.f("# Validation\n\n")
	t.f("Cycles of the simulator against published ones. Written by `make validate` from `target/wse/validate`; a test fails when it is stale.\n\n")
	t.f("- *ratio* is ours / published. Aim: 2 %% for microbenchmarks and models, 10 %% for kernels. A row outside is marked **!** and explained below its table.\n")
	t.f("- *interval* is ours with every constant of the machine that the program uses at the fast, then at the slow end of its range " +
		"(`wfc machine show`): how much the uncertainty of the machine itself moves the row. Durations and rates only: depths of buffers have low " +
		"ends for the sake of deadlock verdicts, which measured full-rate streams rule out. WSE-3 ranges reach from the vendor's simulator to silicon.\n")
	t.f("- *moved by* names the constants that move the row most, alone. Rows on wide meshes leave it out.\n")
	t.f("- Where launches by the host open and close the published window (`f_tic`, the function, `f_toc`), ours is longer by `host.launch`: what four kernels " +
		"that were published both ways differ by.\n")
	t.f("- No constant that a row uses is fitted to a kernel, and none is changed to please a row.\n\n")
	summary(t, rows, results)
	for _, s := range Sections {
		section(t, s, rows, results)
	}
	t.f("%s", missing)
	return t.String()
}

func summary(t *text, rows []*Row, results []Result) {
	t.f("| section | rows | within aim | published in interval | median ratio | median distance from 1 |\n|---|---:|---:|---:|---:|---:|\n")
	line := func(title, key string) {
		var ratios, off []float64
		n, met, inside := 0, 0, 0
		for i, r := range rows {
			if key != "" && r.Section != key {
				continue
			}
			n++
			if results[i].Meets(r.Kind.Aim()) {
				met++
			}
			if results[i].Inside() {
				inside++
			}
			ratios, off = append(ratios, results[i].Ratio()), append(off, math.Abs(results[i].Ratio()-1))
		}
		if n > 0 {
			t.f("| %s | %d | %d | %d | %.3f | %.1f %% |\n", title, n, met, inside, median(ratios), 100*median(off))
		}
	}
	for _, s := range Sections {
		line(s.Title, s.Key)
	}
	line("all", "")
	t.f("\n")
}

// Median of the ratios of all results.
func Median(results []Result) float64 {
	var v []float64
	for _, r := range results {
		v = append(v, r.Ratio())
	}
	return median(v)
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

func section(t *text, s Section, rows []*Row, results []Result) {
	var notes []string
	number := map[string]int{}
	body := &text{}
	for i, r := range rows {
		if r.Section != s.Key {
			continue
		}
		mark, res := "", results[i]
		if !res.Meets(r.Kind.Aim()) {
			mark = " **!**"
			if r.Note != "" {
				if number[r.Note] == 0 {
					notes = append(notes, r.Note)
					number[r.Note] = len(notes)
				}
				mark += fmt.Sprintf(" (%d)", number[r.Note])
			}
		}
		pub := cycles(r.Published)
		if r.Formula != "" {
			pub += " = " + r.Formula
		}
		body.f("| %s | %s | %s | %s | %s | %.3f%s | %s .. %s | %s |\n", r.What, r.Source, r.Machine, pub, cycles(res.Ours), res.Ratio(), mark,
			cycles(res.Lo), cycles(res.Hi), movers(res.Moved))
	}
	if body.Len() == 0 {
		return
	}
	t.f("## %s\n\n%s\n\n| what | source | machine | published | ours | ratio | interval | moved by |\n|---|---|---|---|---:|---|---|---|\n%s\n", s.Title, s.Text, body.String())
	for i, n := range notes {
		t.f("%d. %s\n", i+1, capital(n))
	}
	if len(notes) > 0 {
		t.f("\n")
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

func cycles(v float64) string {
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func movers(e []Effect) string {
	var out []string
	for _, x := range e[:min(3, len(e))] {
		out = append(out, fmt.Sprintf("%s (%s, %s)", x.Key, cycles(x.Lo), cycles(x.Hi)))
	}
	return strings.Join(out, ", ")
}

const missing = `## What is not here

- BiCGSTAB (59,385 cycles for at most 20 iterations): it stops when the residual is small, and after how many iterations that was is not
  published.
- GEMV and GEMM with the vendor's collectives library (3,670 and 51,425): the source of that library is not public.
- The loop shapes with ` + "`@map`" + ` over a tile: the mapped function holds a DSD operation, which a mapped operation of the machine text cannot.
- The turn of a route (20 cycles on silicon, 33 in the vendor's simulator): its mechanism is unknown, and the machine has no constant for it.
- Kernels of the same collections with exponentials or divisions in scalar loops (softmax, GELU, attention), and Cholesky (12,479), the Game of
  Life (7,838) and the wide multiplication (81,739): not transcribed.
- The park and reload of a 256-PE column on CS-3: the program behind the published fit is not public.
`
