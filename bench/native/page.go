//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

const preamble = `# Performance on CPUs

Written by %s (bench/native): the CPU target%s, on one computer.

- Contestants of a case take samples in turns, so that all meet the same computer; a figure is the median of %d samples during which other processes
  used less than %.0f %% of it (*noisy* where there were fewer). *best* is the best of them.
- *wfc is* says how many times as fast as the line wfc is, by medians.
- Limits of the machine are measured in the same turns. A copy streams an array from memory to memory, with as many bytes per cell as the
  update must move at least; time tiling may pass it.
- Time is that of the computation: without compilation, loading and output. Contestants must agree in a value of the result, or the case fails.

%s, %d threads, %s.

`

func write(results []result, y *yard) string {
	var w strings.Builder
	command, beside := "`make bench`", ""
	if *peers {
		command, beside = "`make bench-peers`", " beside what peers are installed"
	}
	fmt.Fprintf(&w, preamble, command, beside, *samples, 100*quiet, processor(), *threads, time.Now().Format("2 January 2006"))
	for _, r := range results {
		fmt.Fprintf(&w, "## %s\n\n", r.name)
		if r.why != "" {
			fmt.Fprintf(&w, "%s\n\n", r.why)
		}
		fmt.Fprintf(&w, "| | %s | best | wfc is |\n|---|---:|---:|---:|\n", r.unit.name)
		ours := r.ours[0].median
		for _, l := range append(append(r.ours[:len(r.ours):len(r.ours)], r.peers...), r.limits...) {
			name := l.name
			if l.noisy*2 > l.total {
				name += " (noisy)"
			}
			fmt.Fprintf(&w, "| %s | %s | %s | %.2f |\n", name, digits(l.median), digits(l.best), r.unit.faster(ours, l.median))
		}
		w.WriteString("\n")
		if len(r.absent) > 0 {
			fmt.Fprintf(&w, "Left out: %s.\n\n", strings.Join(r.absent, "; "))
		}
	}
	return strings.TrimRight(w.String(), "\n") + "\n"
}

// digits prints three of them.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// processor is what the system calls it, and its vectors.
func processor() string {
	name := modelName()
	switch {
	case native.HasFeature("amx_tile"):
		return name + " with AVX-512 and AMX"
	case native.HasFeature("avx512f"):
		return name + " with AVX-512"
	case native.HasFeature("avx2"):
		return name + " with AVX2"
	}
	return name
}

// modelName is what the system calls the processor, or its architecture.
func modelName() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(b), "\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}
