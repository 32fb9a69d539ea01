package main

import (
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime"
)

// defaultOut is where outputs go when nothing is said.
const defaultOut = "wfc-out"

func runFlags() []cli.Flag {
	return []cli.Flag{setFlag(), machineFlag(), meshFlag(), productsFlag(),
		&cli.StringFlag{Name: "out", Usage: "write outputs to `DIR`", Value: defaultOut},
		&cli.BoolFlag{Name: "json", Usage: "print the results as one JSON document"},
		&cli.StringFlag{Name: "order", Usage: "combine reductions in the order of the wafer program in `FILE.wfx` (interp and cpu)"},
		&cli.StringFlag{Name: "checkpoint", Usage: "write checkpoints to DIR/checkpoints of --out every so many steps, every so much time (10m), or at the `end`"},
		&cli.StringFlag{Name: "restart", Usage: "go on from the checkpoint, or from the last one of the run, in `DIR`"},
		&cli.DurationFlag{Name: "wall", Usage: "end the run cleanly after this `TIME`, for example 10m"},
		&cli.StringSliceFlag{Name: "sweep", Usage: "run with every value of `NAME=A,B,..`; may be repeated for all combinations; results in one table", KeepSpace: true},
		&cli.BoolFlag{Name: "dry-run", Usage: "say what memory and time the run will take, from its first steps, and stop"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no progress"},
	}
}

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "compile and run a program, or run a compiled one",
		UsageText: "wfc run FILE.wf|FILE.wfx [--target wse|cpu|interp] [--set NAME=VALUE]... [--out DIR] [--json] [--profile] [--timeline FILE.json] [--trace FILE]",
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "target", Usage: "what computes: `wse|cpu|interp`, the simulated wafer, this computer, or the interpreter",
			Value: string(wfc.Wafer)}, engineFlag()}, append(append(runFlags(), watchFlags()...), nativeFlags()...)...),
		Action: func(c *cli.Context) error { return runProgram(c, wfc.Target(c.String("target"))) },
	}
}

func interpCommand() *cli.Command {
	return &cli.Command{
		Name:      "interp",
		Usage:     "run a program on the reference interpreter",
		UsageText: "wfc interp FILE.wf|FILE.wfx [--order FILE.wfx] [--set NAME=VALUE]... [--json]",
		Flags:     runFlags(),
		Action:    func(c *cli.Context) error { return runProgram(c, wfc.Interp) },
	}
}

func runProgram(c *cli.Context, target wfc.Target) error {
	path, err := oneFile(c)
	if err != nil {
		return err
	}
	return onRanks(c, func(r *wfc.Ranks) error { return runOn(c, r, path, target) })
}

// runOn runs the program, or the part of it that is this rank's.
func runOn(c *cli.Context, ranks *wfc.Ranks, path string, target wfc.Target) error {
	if len(c.StringSlice("sweep")) > 0 {
		if ranks != nil {
			return usagef("--sweep runs one program after the other: start it without mpirun, or each run of it with mpirun")
		}
		return sweep(c, path, target)
	}
	p, ro, err := loadRun(c, path, target, nil)
	if err = ranks.Agree(c.Context, err); err != nil {
		return err
	}
	ro.Ranks = ranks
	if c.Bool("dry-run") {
		e, err := p.Estimate(c.Context, ro, time.Second)
		if err == nil && e != nil {
			_, err = fmt.Fprintf(c.App.Writer, "%s on %s: %v\n", p.Name, target, e)
		}
		return err
	}
	w, err := openWatch(c)
	if err != nil {
		return err
	}
	ro.Watch = w.Watch
	native, closeNative, err := openNative(c, target)
	if err != nil {
		return w.close(err)
	}
	ro.Native = native
	res, err := p.Run(c.Context, ro)
	if err = closeNative(w.close(err)); err != nil {
		return err
	}
	if !ranks.Leads() {
		return nil
	}
	if res.Profile != nil && ro.OutDir != "" {
		name, err := writeProfile(p.Report(), ro.OutDir)
		if err != nil {
			return err
		}
		res.Outputs = append(res.Outputs, name)
	}
	if c.Bool("json") {
		b, err := res.JSON()
		if err != nil {
			return err
		}
		if _, err := c.App.Writer.Write(b); err != nil {
			return err
		}
	} else {
		printResult(c.App.Writer, res)
		printProfile(c.App.Writer, res.Profile)
	}
	if res.Interrupted {
		return errShown{exitInterrupted}
	}
	return nil
}

// loadRun opens a program and reads the flags of its run. more are settings besides those of --set.
func loadRun(c *cli.Context, path string, target wfc.Target, more map[string]string) (*wfc.Program, wfc.RunOptions, error) {
	ro := wfc.RunOptions{Target: target, OutDir: c.String("out"), Engine: c.String("engine"), Restart: c.String("restart"), Wall: c.Duration("wall")}
	if ro.Wall < 0 {
		return nil, ro, usagef("--wall %v: expected a time, for example --wall 10m", ro.Wall)
	}
	opt, err := buildOptions(c)
	if err != nil {
		return nil, ro, err
	}
	for k, v := range more {
		opt.Set[k] = v
	}
	opt.IndexOnly = target != wfc.Wafer
	if ro.Checkpoints, err = checkpointing(c, ro.OutDir); err != nil {
		return nil, ro, err
	}
	opt.Checkpoints = ro.Checkpoints != nil && ro.Checkpoints.Steps > 0
	p, loaded, err := open(c, path, opt)
	if err != nil {
		return nil, ro, err
	}
	if c.IsSet("engine") {
		if target != wfc.Wafer {
			return nil, ro, usagef("--engine is for --target wse")
		}
		ro.OnEngine = func(name, why string) { fmt.Fprintf(c.App.ErrWriter, "engine %s: %s\n", name, why) }
	}
	if loaded {
		ro.Set = opt.Set
	}
	if o := c.String("order"); o != "" {
		if target == wfc.Wafer {
			return nil, ro, usagef("--order is for --target interp and cpu; the wafer has its own order")
		}
		if ro.Order, err = wfc.Load(o); err != nil {
			return nil, ro, err
		}
	}
	switch {
	case c.Bool("quiet"):
	case terminal(c.App.ErrWriter):
		ro.Progress = runtime.NewBar(c.App.ErrWriter)
	default:
		ro.Progress = runtime.NewLines(c.App.ErrWriter, 2*time.Second)
	}
	if len(p.Warnings) > 0 {
		show(p.Warnings, c.App.ErrWriter)
	}
	return p, ro, nil
}

// checkpointing reads --checkpoint: a number of steps, a time as in 10m, or end.
func checkpointing(c *cli.Context, out string) (*runtime.Checkpoints, error) {
	s := c.String("checkpoint")
	if s == "" {
		return nil, nil
	}
	if out == "" {
		return nil, usagef("--checkpoint needs a directory: --out DIR")
	}
	k := &runtime.Checkpoints{Dir: out, Keep: 2}
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(s, "steps")), 10, 64)
	d, derr := time.ParseDuration(s)
	switch {
	case s == "end":
	case err == nil && n > 0:
		k.Steps = n
	case derr == nil && d > 0:
		k.Wall = d
	default:
		return nil, usagef("--checkpoint %s: expected a number of steps, a time such as 10m, or end", s)
	}
	return k, nil
}

// printResult prints the results for people.
func printResult(w io.Writer, r *wfc.Result) {
	end := ""
	if r.Interrupted {
		end = ", interrupted"
	}
	if r.Stopped != "" {
		end = ", " + r.Stopped
	}
	fmt.Fprintf(w, "%s: %d steps, t = %s, %.2f s%s\n", r.Program, r.Steps, strings.TrimRight(fmt.Sprintf("%.6g %s", float64(r.Time), r.TimeUnit), " "), r.Seconds, end)
	if r.Mesh != nil && r.Cycles != nil {
		fmt.Fprintf(w, "%s, %d x %d PEs: %d cycles, and %d for host transfers\n", r.Machine, r.Mesh[0], r.Mesh[1], *r.Cycles, *r.HostCycles)
		if b := r.Beside; b != nil {
			held := "never held up"
			if b.Held > 0 {
				held = fmt.Sprintf("held up for %d cycles: transfers take longer than the steps between them", b.Held)
			}
			fmt.Fprintf(w, "%d outputs beside the steps, %d cycles of transfers; the steps were %s\n", b.Looks, b.Cycles, held)
		}
		if r.Pauses > 0 {
			fmt.Fprintf(w, "%d pauses for outputs between steps\n", r.Pauses)
		}
		for _, n := range r.Notes {
			fmt.Fprintln(w, n)
		}
	}
	if len(r.Fields) > 0 {
		fmt.Fprintf(w, "%-12s %14s %14s %14s %14s\n", "field", "min", "max", "mean", "sum")
		for _, k := range keys(r.Fields) {
			f := r.Fields[k]
			fmt.Fprintf(w, "%-12s %14.7g %14.7g %14.7g %14.8g\n", k, float64(f.Min), float64(f.Max), float64(f.Mean), float64(f.Sum))
		}
	}
	for _, k := range keys(r.Probes) {
		fmt.Fprintf(w, "probe %-6s %14.7g\n", k, float64(r.Probes[k]))
	}
	if r.Checkpoint != "" {
		fmt.Fprintf(w, "checkpoint %s\n", r.Checkpoint)
	}
	for i, o := range r.Outputs {
		if i == 8 && len(r.Outputs) > 10 {
			fmt.Fprintf(w, "and %d more files in %s\n", len(r.Outputs)-i, filepath.Dir(o))
			break
		}
		fmt.Fprintf(w, "wrote %s\n", o)
	}
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
