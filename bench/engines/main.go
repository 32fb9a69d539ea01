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
	delivered int64
}

// carried is the part of the wavelets that CEs took in trains.
func (w *timed) carried() float64 {
	e, ok := w.Wafer.(interface{ Carried() int64 })
	if !ok || w.delivered == 0 {
		return 0
	}
	return float64(e.Carried()) / float64(w.delivered)
}

func (w *timed) Launch(ctx context.Context, args ...int32) (sim.Stats, error) {
	begin := processorTime()
	st, err := w.Wafer.Launch(ctx, args...)
	w.cpu += processorTime() - begin
	w.cycles += st.Cycles
	w.delivered += st.Delivered
	return st, err
}

func measure(c *kase, open func(*wse.Program, wse.Machine) (fast.Wafer, error)) (*timed, error) {
	runtime.GC() // what an earlier run left is not this one's
	begin := processorTime()
	w, err := open(c.code, c.machine)
	if err != nil {
		return nil, err
	}
	t := &timed{Wafer: w, cpu: processorTime() - begin}
	return t, c.drive(t)
}

func plain(p *wse.Program, m wse.Machine) (fast.Wafer, error) { return sim.New(p, m, sim.Options{}) }

// row measures a case in pairs and prints its line.
func row(c *kase) error {
	plainTime, fastTime := math.Inf(1), math.Inf(1)
	var cycles int64
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
		cycles, trains = f.cycles, fmt.Sprintf("%.1f %%", 100*f.carried())
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
	pes := float64(c.code.W * c.code.H)
	rate := func(t float64) float64 { return pes * float64(cycles) / t / 1e6 }
	ratio := fastTime / plainTime
	fmt.Printf("| %s | %d x %d | %d | %.2f | %.2f | %.2f | %s | %s | %s |\n", c.name, c.code.W, c.code.H, cycles, rate(plainTime), rate(fastTime),
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
