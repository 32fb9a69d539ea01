//go:build unix

// Command engines runs programs of every kind on both engines of the simulated wafer and prints the table of docs/engines.md: what the fast
// engine gains or costs, and why. Both must give the same cycles; the command fails when they do not, or when the fast engine is slower than
// the plain one by more than the slack.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

var (
	only   = flag.String("only", "", "cases whose names contain this")
	rounds = flag.Int("rounds", 3, "pairs of runs; the least time of each engine counts")
	costs  = flag.Bool("costs", false, "instead measure the memory of a PE and the time of an event")
	slack  = flag.Float64("slack", 0, "fail when fast/plain exceeds 1 + slack; 0 = never")
)

// processorTime is what this process has computed on all cores.
func processorTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// timed counts the processor time of opening and of launches, without that of the host's transfers.
type timed struct {
	fast.Wafer
	cpu       time.Duration
	cycles    int64
	pes       int64 // of the program that runs
	peCycles  int64
	delivered int64
	carried   int64 // of the wavelets delivered, in trains
}

func (w *timed) Launch(ctx context.Context, args ...int32) (sim.Stats, error) {
	begin := processorTime()
	st, err := w.Wafer.Launch(ctx, args...)
	w.cpu += processorTime() - begin
	w.cycles += st.Cycles
	w.peCycles += st.Cycles * w.pes
	w.delivered += st.Delivered
	return st, err
}

func measure(c *kase, open func(*wse.Program, wse.Machine) (fast.Wafer, error)) (*timed, error) {
	t := &timed{}
	for _, c := range append([]*kase{c}, c.more...) {
		runtime.GC() // what an earlier run left is not this one's
		begin := processorTime()
		w, err := open(c.code, c.machine)
		if err != nil {
			return nil, err
		}
		t.Wafer, t.cpu, t.pes = w, t.cpu+processorTime()-begin, int64(c.code.W*c.code.H)
		if err := c.drive(t); err != nil {
			return nil, err
		}
		if e, ok := w.(interface{ Carried() int64 }); ok {
			t.carried += e.Carried()
		}
	}
	return t, nil
}

func plain(p *wse.Program, m wse.Machine) (fast.Wafer, error) { return sim.New(p, m, sim.Options{}) }

// row measures a case in pairs and prints its line.
func row(c *kase) error {
	plainTime, fastTime := math.Inf(1), math.Inf(1)
	var cycles, peCycles int64
	engine, share, trains := "", "-", ""
	for round := range *rounds {
		why := ""
		var f, s *timed
		for turn := range 2 { // in either order: the second finds memory that the first has asked the system for
			var err error
			if turn == round%2 {
				f, err = measure(c, func(p *wse.Program, m wse.Machine) (w fast.Wafer, err error) {
					w, why, err = fast.Open(p, m, sim.Options{})
					return w, err
				})
			} else {
				s, err = measure(c, plain)
			}
			if err != nil {
				return err
			}
		}
		if f.cycles != s.cycles {
			return fmt.Errorf("plain %d cycles, fast %d", s.cycles, f.cycles)
		}
		cycles, peCycles, trains = f.cycles, f.peCycles, fmt.Sprintf("%.1f %%", 100*float64(f.carried)/float64(max(1, f.delivered)))
		engine = "plain: " + why
		if e, ok := f.Wafer.(*fast.Sim); ok {
			if engine = "fast"; e.Left() != "" {
				engine = fmt.Sprintf("plain from cycle %d", e.LeftAt.Cycle)
			} else {
				engine += fmt.Sprintf(", %d groups", e.Groups())
			}
			share = fmt.Sprintf("%.1f %%", 100*e.Work.Shared())
		}
		plainTime, fastTime = min(plainTime, s.cpu.Seconds()), min(fastTime, f.cpu.Seconds())
	}
	mesh := fmt.Sprintf("%d x %d", c.code.W, c.code.H)
	if len(c.more) > 0 {
		mesh = "several"
	}
	rate := func(t float64) float64 { return float64(peCycles) / t / 1e6 }
	ratio := fastTime / plainTime
	fmt.Printf("| %s | %s | %d | %.2f | %.2f | %.2f | %s | %s | %s |\n", c.name, mesh, cycles, rate(plainTime), rate(fastTime),
		ratio, share, trains, engine)
	if *slack > 0 && ratio > 1+*slack {
		return fmt.Errorf("fast/plain is %.2f", ratio)
	}
	return nil
}

func main() {
	flag.Parse()
	if *costs {
		if err := events(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	fmt.Println("| program | PEs | cycles | plain, M PE-cycles/s | fast, M PE-cycles/s | fast/plain time | shared | trains | engine |")
	fmt.Println("|---|---|---:|---:|---:|---:|---:|---:|---|")
	failed := false
	for _, c := range cases {
		if !strings.Contains(c.name, *only) {
			continue
		}
		k, err := c.build()
		if err == nil {
			k.name = c.name
			err = row(k)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", c.name, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
