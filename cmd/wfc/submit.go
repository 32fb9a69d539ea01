package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
)

// submitFlags are the flags of submit itself; the others are those of the command that is submitted.
var submitFlags = []cli.Flag{
	&cli.IntFlag{Name: "nodes", Usage: "computers", Value: 1},
	&cli.IntFlag{Name: "tasks", Usage: "ranks on all of them (default: one for each)"},
	&cli.IntFlag{Name: "cpus", Usage: "processors of a rank (default: this computer's, shared by the ranks of a node)"},
	&cli.StringFlag{Name: "time", Usage: "limit, `2h30m` or Slurm's 1-02:30:00 (default: from the estimate)"},
	&cli.StringFlag{Name: "mem", Usage: "memory of a node, as Slurm writes it (default: from the estimate)"},
	&cli.StringFlag{Name: "partition", Usage: "Slurm's partition"},
	&cli.StringFlag{Name: "account", Usage: "Slurm's account"},
	&cli.StringFlag{Name: "name", Usage: "of the job (default: the program's)"},
	&cli.BoolFlag{Name: "dry-run", Usage: "print the batch script, and do not submit it"},
}

func submitCommand() *cli.Command {
	return &cli.Command{
		Name:      "submit",
		Usage:     "write a Slurm batch script for a run on several computers, and submit it",
		UsageText: "wfc submit [--nodes N] [--tasks N] [--cpus N] [--time T] [--dry-run] run|train FILE.wf [flags of run or train]",
		Flags:     submitFlags,
		// The flags of two commands are on one line: they are told apart by name, wherever they stand.
		SkipFlagParsing: true,
		Action:          submit,
	}
}

// own splits a command line into the flags of submit and the rest.
func own(args []string) (flags, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		name, _, given := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		var flag cli.Flag
		for _, f := range submitFlags {
			if strings.HasPrefix(args[i], "-") && f.Names()[0] == name {
				flag = f
			}
		}
		_, isSwitch := flag.(*cli.BoolFlag)
		switch {
		case flag == nil:
			rest = append(rest, args[i])
		case given || isSwitch:
			flags = append(flags, args[i])
		case i+1 == len(args):
			return nil, nil, usagef("flag %s needs a value", args[i])
		default:
			flags = append(flags, args[i], args[i+1])
			i++
		}
	}
	return flags, rest, nil
}

func submit(outer *cli.Context) error {
	flags, rest, err := own(outer.Args().Slice())
	if err != nil {
		return err
	}
	if len(rest) > 0 && (rest[0] == "-h" || rest[0] == "--help") {
		return cli.ShowCommandHelp(outer.Lineage()[1], "submit") // the parent's, which has the commands
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return usagef("submit needs a program: %s", outer.Command.UsageText)
	}
	if rest[0] != "run" && rest[0] != "train" {
		rest = append([]string{"run"}, rest...)
	}
	// submit's own flags are parsed by a command of their own.
	app := newApp(outer.App.Writer, outer.App.ErrWriter)
	app.Commands = []*cli.Command{{Name: "submit", Flags: submitFlags, OnUsageError: app.OnUsageError, Action: func(c *cli.Context) error {
		j, err := newBatch(c, rest)
		if err != nil {
			return err
		}
		if err := j.measure(outer); err != nil {
			return err
		}
		script := j.script()
		if c.Bool("dry-run") {
			_, err := io.WriteString(c.App.Writer, script)
			return err
		}
		return sbatch(c, script)
	}}}
	return app.RunContext(outer.Context, append([]string{"wfc", "submit"}, flags...))
}

// batch is a job.
type batch struct {
	name                string
	args                []string // of wfc: run or train and what follows
	nodes, tasks, cpus  int
	limit, memory       string // as Slurm writes them; "" until they are known
	partition, account  string
	notes               []string // why the numbers are what they are
	bytes               int64    // about what all ranks hold together
	total               time.Duration
	out                 string // directory of the run
	checkpoints, walled bool   // whether the user says how to save and when to stop
}

func newBatch(c *cli.Context, args []string) (*batch, error) {
	j := &batch{args: args, name: c.String("name"), nodes: c.Int("nodes"), tasks: c.Int("tasks"), cpus: c.Int("cpus"), partition: c.String("partition"), account: c.String("account"),
		memory: c.String("mem")}
	if j.tasks == 0 {
		j.tasks = j.nodes
	}
	if j.nodes < 1 || j.tasks < j.nodes || j.tasks%j.nodes != 0 || j.cpus < 0 {
		return nil, usagef("--nodes %d --tasks %d --cpus %d: expected at least one node, and the same number of ranks on each", j.nodes, j.tasks, j.cpus)
	}
	if j.cpus == 0 {
		j.cpus = max(1, runtime.NumCPU()*j.nodes/j.tasks)
	}
	for _, s := range []string{j.name, j.partition, j.account, j.memory} {
		if strings.ContainsAny(s, " \t\n'\"") {
			return nil, usagef("%q: expected a word without blanks and quotes", s)
		}
	}
	if t := c.String("time"); t != "" {
		if d, err := time.ParseDuration(t); err == nil && d > 0 {
			j.limit = slurmTime(d)
		} else if slurmLimit(t) {
			j.limit = t
		} else {
			return nil, usagef("--time %s: expected a time such as 2h30m, or as Slurm writes it", t)
		}
	}
	return j, nil
}

// measure loads the program as the job will, runs its first steps here, and fills in what the user has left open.
func (j *batch) measure(outer *cli.Context) error {
	app := newApp(outer.App.Writer, outer.App.ErrWriter)
	for _, cmd := range app.Commands {
		switch cmd.Name {
		case "run":
			cmd.Action = j.measureRun
		case "train":
			cmd.Action = j.measureTrain
		}
	}
	args, err := intersperse(app, append([]string{"wfc"}, j.args...))
	if err != nil {
		return err
	}
	if err := app.RunContext(outer.Context, args); err != nil {
		return err
	}
	if j.limit == "" {
		j.limitFrom()
	}
	return nil
}

// margin is how much longer than estimated a job may take, and least the shortest limit.
const (
	margin = 2
	least  = 10 * time.Minute
)

// limitFrom makes a limit of the time measured here with all processors.
func (j *batch) limitFrom() {
	if j.total == 0 {
		j.limit = slurmTime(time.Hour)
		j.notes = append(j.notes, "time: one hour, because the program itself decides how many steps it takes, or no step was tried; --time sets it")
		return
	}
	ranks := float64(j.tasks) * float64(j.cpus) / float64(runtime.NumCPU())
	t := time.Duration(float64(j.total) / ranks)
	j.notes = append(j.notes, fmt.Sprintf("time: estimate from the first steps on this computer, %v on %d processors, so %v here, times %d for what is not measured",
		j.total.Round(time.Millisecond), runtime.NumCPU(), t.Round(time.Millisecond), margin))
	j.limit = slurmTime(max(least, margin*t))
}

func (j *batch) measureRun(c *cli.Context) error {
	path, err := oneFile(c)
	if err != nil {
		return err
	}
	target := wfc.CPU
	if c.IsSet("target") {
		target = wfc.Target(c.String("target"))
	} else {
		j.args = append(j.args, "--target", string(target))
	}
	if target == wfc.Wafer && j.tasks > 1 {
		return usagef("the simulated wafer is one process: submit with --target cpu, or with --nodes 1 --tasks 1")
	}
	p, ro, err := loadRun(c, path, target, nil)
	if err != nil {
		return err
	}
	if j.name == "" {
		j.name = jobName(p.Name)
	}
	if n := p.Parts(j.tasks); n < j.tasks {
		j.notes = append(j.notes, fmt.Sprintf("ranks: the grid has %d parts along its first axis; the other %d ranks stay idle", n, j.tasks-n))
	}
	j.out, j.checkpoints, j.walled = c.String("out"), c.IsSet("checkpoint") || c.String("out") == "", c.IsSet("wall")
	ro.Checkpoints = nil
	e, err := p.Estimate(c.Context, ro, time.Second)
	if err != nil {
		return err
	}
	j.bytes = e.Bytes
	if !e.Rough {
		j.total = e.Total
	}
	return nil
}

func (j *batch) measureTrain(c *cli.Context) error {
	path, err := oneFile(c)
	if err != nil {
		return err
	}
	src, o, err := loadTrain(c, path)
	if err != nil {
		return err
	}
	e, err := wfc.TimeTraining(c.Context, src, o)
	if err != nil {
		return err
	}
	if j.name == "" {
		j.name = jobName(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	}
	if e.Micros < j.tasks {
		j.notes = append(j.notes, fmt.Sprintf("ranks: a step has %d microbatches, so only as many ranks compute; --set accumulate=%d makes more", e.Micros, j.tasks))
	}
	j.total, j.checkpoints, j.walled = e.Total, true, true
	return nil
}

// jobName keeps what a job's name may have.
func jobName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && (r == '_' || r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '_'
	}, s)
}

// slurmTime is a duration as days-hours:minutes:seconds, in whole minutes.
func slurmTime(d time.Duration) string {
	m := int((d + time.Minute - 1) / time.Minute)
	s := fmt.Sprintf("%02d:%02d:00", m/60%24, m%60)
	if m >= 24*60 {
		s = fmt.Sprintf("%d-%s", m/(24*60), s)
	}
	return s
}

// slurmLimit says whether a text is one of Slurm's forms: minutes, minutes:seconds, hours:minutes:seconds, each maybe after days and "-".
func slurmLimit(s string) bool {
	days, rest, ok := strings.Cut(s, "-")
	if !ok {
		days, rest = "0", s
	}
	parts := strings.Split(rest, ":")
	for _, p := range append(parts, days) {
		if n, err := strconv.Atoi(p); err != nil || n < 0 {
			return false
		}
	}
	return len(parts) <= 3
}

// seconds is the limit in seconds.
func (j *batch) seconds() int {
	days, rest, ok := strings.Cut(j.limit, "-")
	if !ok {
		days, rest = "0", j.limit
	}
	d, _ := strconv.Atoi(days) // slurmLimit has looked
	parts := strings.Split(rest, ":")
	n := 0
	for _, p := range parts {
		x, _ := strconv.Atoi(p)
		n = 60*n + x
	}
	switch { // a single number is minutes, or hours after days
	case len(parts) == 1 && ok, len(parts) == 2 && ok:
		n *= 60
		if len(parts) == 1 {
			n *= 60
		}
	case len(parts) == 1:
		n *= 60
	}
	return 24*3600*d + n
}

// script is the batch script.
func (j *batch) script() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	option := func(name, value string) {
		if value != "" {
			p("#SBATCH --%s=%s", name, value)
		}
	}
	p("#!/bin/bash")
	option("job-name", j.name)
	option("nodes", strconv.Itoa(j.nodes))
	option("ntasks", strconv.Itoa(j.tasks))
	option("ntasks-per-node", strconv.Itoa(j.tasks/j.nodes))
	option("cpus-per-task", strconv.Itoa(j.cpus))
	option("time", j.limit)
	if j.memory == "" && j.bytes > 0 { // rank 0 holds whole fields while it loads and writes them
		j.memory = fmt.Sprintf("%dM", max(1024, j.bytes>>19))
		j.notes = append(j.notes, "memory: twice the estimate of a run on one computer, because the first node may load and write whole fields")
	}
	option("mem", j.memory)
	option("partition", j.partition)
	option("account", j.account)
	option("output", j.name+"-%j.log")
	p("")
	for _, n := range j.notes {
		p("# %s.", n)
	}
	p("# Load here the MPI of your site, for example: module load openmpi")
	p("")
	p("set -euo pipefail")
	p(`cd "$SLURM_SUBMIT_DIR"`)
	p(`export GOMAXPROCS="$SLURM_CPUS_PER_TASK"`)
	args := append([]string(nil), j.args...)
	if !j.checkpoints {
		args = append(args, "--checkpoint", "10m")
	}
	if s := j.seconds(); !j.walled && s > 0 {
		// The run ends by itself before Slurm ends it, with its outputs and a checkpoint.
		args = append(args, "--wall", (time.Duration(s-max(60, s/20)) * time.Second).String())
	}
	words := []string{"wfc"}
	for _, a := range args {
		words = append(words, quote(a))
	}
	command := strings.Join(words, " ")
	if j.args[0] == "run" && j.out != "" && !j.checkpoints {
		p("# A job that is submitted again goes on from its last checkpoint.")
		p("restart=()")
		p("if [ -d %s ]; then restart=(--restart %s); fi", quote(filepath.Join(j.out, "checkpoints")), quote(j.out))
		command += ` "${restart[@]}"`
	}
	p(`mpirun -n "$SLURM_NTASKS" %s`, command)
	return b.String()
}

// quote makes a word of the shell.
func quote(s string) string {
	plain := s != ""
	for _, r := range s {
		plain = plain && (strings.ContainsRune("_-./=,:+@%", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// sbatch gives the script to Slurm.
func sbatch(c *cli.Context, script string) error {
	path, err := exec.LookPath("sbatch")
	if err != nil {
		return diag.List{diag.New("WF0629", diag.Span{}, "there is no sbatch on this computer").Note("jobs are submitted on a computer of the cluster").
			Suggest("print the script with --dry-run and take it there")}
	}
	cmd := exec.CommandContext(c.Context, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), c.App.Writer, c.App.ErrWriter
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) { // it has said why
			return errShown{exitFailed}
		}
		return err
	}
	return nil
}
