//go:build linux

// Command native measures the CPU target and writes docs/performance.md: with -peers beside whatever peers this computer has, every sample of
// one in turn with the samples of the others, so that all meet the same computer; without, ours alone. The limits of the machine are
// measured in the same turns. A figure is the median of the samples that nobody disturbed (quiet.go).
//
// A peer is a program of package peers, built or started if what it needs is installed, and left out, by name, if not.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
)

var (
	only    = flag.String("only", "", "cases whose names contain this")
	peers   = flag.Bool("peers", false, "measure peers too")
	samples = flag.Int("samples", 5, "undisturbed samples of each contestant")
	threads = flag.Int("threads", runtime.GOMAXPROCS(0), "threads of each contestant")
	out     = flag.String("o", "", "write the page here instead of the standard output")
	small   = flag.Bool("small", false, "cases of a size that takes seconds, to try the command")
)

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(*threads)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	dir, err := os.MkdirTemp("", "wfc-native")
	if err == nil {
		err = run(dir, stop)
		os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures all cases; an interrupt ends it after the one under way.
func run(dir string, stop <-chan os.Signal) error {
	yard := newYard(dir)
	if err := yard.sources(); err != nil {
		return err
	}
	var results []result
	failed := 0
cases:
	for _, c := range cases(*small) {
		if !strings.Contains(c.name, *only) {
			continue
		}
		select {
		case <-stop:
			break cases
		default:
		}
		fmt.Fprintf(os.Stderr, "%s\n", c.name)
		r, err := measure(c, yard)
		if err != nil {
			fmt.Fprintf(os.Stderr, "  %v\n", err)
			failed++
			continue
		}
		results = append(results, r)
		if *out != "" { // case by case, so that nothing is lost
			if err := os.WriteFile(*out, []byte(write(results, yard)), 0o644); err != nil {
				return err
			}
		}
	}
	if *out == "" {
		fmt.Print(write(results, yard))
	}
	if failed > 0 {
		return fmt.Errorf("%d cases failed", failed)
	}
	return nil
}
