package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	doc "github.com/wfc-lang/wfc/report"
)

// watchFlags record what happens on the simulated wafer.
func watchFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "profile", Usage: "show where the cycles went, or on the CPU the time; the report goes to the output directory"},
		&cli.StringFlag{Name: "timeline", Usage: "write a timeline to `FILE.json`, for https://ui.perfetto.dev"},
		&cli.StringFlag{Name: "trace", Usage: "write a text trace to `FILE`, for the viewer davidz-cerebras/wse-viz"},
		&cli.StringFlag{Name: "window", Usage: "PEs of timeline and trace: `X0,Y0,W,H` (default: 0,0,8,8 for the timeline, all for the trace)"},
	}
}

// watch is the recording that flags ask for, with its files.
type watch struct {
	wfc.Watch
	files []*os.File
}

// openWatch makes the files.
func openWatch(c *cli.Context) (*watch, error) {
	w := &watch{}
	w.Profile = c.Bool("profile")
	open := func(flag string) (io.Writer, error) {
		name := c.String(flag)
		if name == "" {
			return nil, nil
		}
		f, err := os.Create(name)
		if err != nil {
			return nil, usagef("--%s: %v", flag, err)
		}
		w.files = append(w.files, f)
		return f, nil
	}
	if s := c.String("window"); s != "" {
		v := &w.Window
		var rest string
		if n, _ := fmt.Sscanf(s+" ", "%d,%d,%d,%d%s", &v.X, &v.Y, &v.W, &v.H, &rest); n != 4 || v.X < 0 || v.Y < 0 || v.W < 1 || v.H < 1 {
			return nil, usagef("--window %s: expected X0,Y0,W,H, for example --window 0,0,8,8", s)
		}
		if c.String("timeline") == "" && c.String("trace") == "" {
			return nil, usagef("--window is for --timeline and --trace")
		}
	}
	t, err := open("timeline")
	if err != nil {
		return nil, err
	}
	v, err := open("trace")
	if err != nil {
		return nil, w.close(err)
	}
	// A nil *os.File in an interface would not be nil.
	w.Timeline, w.Trace = t, v
	if t != nil && v == nil && w.Window == (wfc.Window{}) {
		w.Window = wfc.Window{W: 8, H: 8}
	}
	return w, nil
}

// close closes the files; err is that of the run.
func (w *watch) close(err error) error {
	for _, f := range w.files {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

// nativeFlags steer how native code is made.
func nativeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "O", Usage: "optimise native code at level `0|1|2|3` (default: 3); no level changes a bit"},
		&cli.StringFlag{Name: "print-llvm", Usage: "write the LLVM IR of native code to `FILE` (- is standard output)"},
		&cli.IntFlag{Name: "pass-steps", Usage: "compute at most `N` steps of large fields in one pass over memory (1: no temporal blocking; default: as many as pay); no number changes a bit"},
	}
}

// openNative reads nativeFlags; done closes what they opened.
func openNative(c *cli.Context, target wfc.Target) (n wfc.Native, done func(error) error, err error) {
	done = func(err error) error { return err }
	n.Level = c.String("O")
	name := c.String("print-llvm")
	n.PassSteps = c.Int("pass-steps")
	if target != wfc.CPU && (n.Level != "" || name != "" || c.IsSet("pass-steps")) {
		return n, nil, usagef("-O, --pass-steps and --print-llvm are for --target cpu")
	}
	if c.IsSet("pass-steps") && n.PassSteps < 1 {
		return n, nil, usagef("--pass-steps %d: a pass has at least one step", n.PassSteps)
	}
	switch name {
	case "":
	case "-":
		n.PrintLLVM = c.App.Writer
	default:
		f, err := os.Create(name)
		if err != nil {
			return n, nil, usagef("--print-llvm: %v", err)
		}
		n.PrintLLVM = f
		done = func(err error) error {
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			return err
		}
	}
	return n, done, nil
}

// writeProfile writes the report of a run with its profile.
func writeProfile(r *doc.Report, dir string) (string, error) {
	b, err := r.HTML()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	name := filepath.Join(dir, "profile.html")
	return name, os.WriteFile(name, b, 0o666)
}

// printProfile prints the profile in short.
func printProfile(w io.Writer, p *doc.Profile) {
	if p == nil {
		return
	}
	if p.Native != nil {
		fmt.Fprintf(w, "\n%s", p.Native.Text(topKernels))
	}
	for _, f := range p.Functions {
		b := f.Bound
		fmt.Fprintf(w, "\nprofile of %s: %d iterations, %.1f cycles each; held by %s\n", f.Func, f.Iterations, f.PerIteration(), b.HeldBy)
		fmt.Fprintf(w, "bound %.1f cycles (class %s: arithmetic %.1f, ramp %.1f; busiest link %.1f), %.2f x the bound; latency %.1f\n",
			b.Cycles, b.Class, b.Arithmetic, b.Ramp, b.Link, ratio(f.PerIteration(), b.Cycles), b.Latency)
		fmt.Fprintf(w, "cycles of an iteration along the critical path:\n")
		for _, x := range f.Account() {
			fmt.Fprintf(w, "  %-14s %10.1f %5.1f %%\n", x.Name, x.Cycles, 100*ratio(x.Cycles, f.PerIteration()))
		}
		fmt.Fprintf(w, "%.1f cycles beyond the bound:", f.PerIteration()-b.Cycles)
		for _, x := range f.Beyond {
			fmt.Fprintf(w, " %s %.1f", x.Name, x.Cycles)
		}
		fmt.Fprintln(w)
		for _, x := range f.Parts {
			fmt.Fprintf(w, "  function %-12s %8.1f calls %10.1f cycles of a PE, %.1f waiting, %.1f in reductions, %.2f x its bound\n", x.Func, x.Calls, x.Cycles, x.Waits,
				x.Collective, ratio(x.Cycles, x.Bound))
		}
		fmt.Fprintf(w, "cycles of an iteration in a PE of each class:\n")
		for _, c := range f.Classes {
			per := float64(max(1, c.PEs) * max(1, f.Iterations))
			fmt.Fprintf(w, "  %s (%d PEs):", c.Class, c.PEs)
			for _, x := range c.Cycles.Items() {
				if x.Cycles != 0 {
					fmt.Fprintf(w, " %s %.1f", x.Name, float64(x.Cycles)/per)
				}
			}
			fmt.Fprintln(w)
		}
		printOps(w, f)
		fmt.Fprintf(w, "links, mean and busiest of the rate:\n")
		for _, l := range f.Links {
			fmt.Fprintf(w, "  %-10s %-4s %5.1f %% %5.1f %%\n", l.Class, l.Port, 100*l.Mean, 100*l.Busiest)
		}
		fmt.Fprintf(w, "critical path of the last iteration:\n")
		if f.Critical.More > 0 {
			fmt.Fprintf(w, "  ... %d earlier steps\n", f.Critical.More)
		}
		for _, s := range f.Critical.Steps {
			fmt.Fprintf(w, "  %8d  PE (%d,%d) %s\n", s.Cycles, s.X, s.Y, s.What)
		}
	}
}

// topOps is how many statements are printed, topKernels how many kernels of native code; the page has all.
const (
	topOps     = 12
	topKernels = 40
)

func printOps(w io.Writer, f doc.FuncProfile) {
	ops := append([]doc.OpProfile(nil), f.Ops...)
	pes := map[string]int64{}
	for _, c := range f.Classes {
		pes[c.Class] = c.PEs
	}
	per := func(o doc.OpProfile) float64 {
		return float64(o.Cycles.Total()) / float64(max(1, pes[o.Class])*max(1, f.Iterations))
	}
	// One class is enough here: the one that bounds the function.
	n := 0
	for _, o := range ops {
		if o.Class == f.Bound.Class {
			ops[n] = o
			n++
		}
	}
	ops = ops[:n]
	sort.SliceStable(ops, func(i, j int) bool { return per(ops[i]) > per(ops[j]) })
	fmt.Fprintf(w, "statements of class %s that take most, cycles of an iteration:\n", f.Bound.Class)
	for i, o := range ops {
		if i == topOps {
			break
		}
		fmt.Fprintf(w, "  %10.1f  %s\n", per(o), o.Text)
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
