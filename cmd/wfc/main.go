// Command wfc compiles and runs programs for a wafer-scale dataflow machine. It parses flags and prints; package wfc does the work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // the program is wrong, does not fit, or failed
	exitUsage       = 2   // the command line is wrong
	exitInterrupted = 130 // Ctrl-C
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends at once.
	go func() {
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr))
}

// run is main without its surroundings.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	args, err := intersperse(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	return report(wfc.FileErrors(err), stderr)
}

// errShown is an error that has been printed already.
type errShown struct{ code int }

func (e errShown) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usageError is a wrong command line.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// report prints an error and returns the exit code.
func report(err error, stderr io.Writer) int {
	var (
		shown errShown
		usage usageError
		list  wfc.Diagnostics
		one   *diag.Diagnostic
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &shown):
		return shown.code
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "wfc: %s\n", usage.msg)
		return exitUsage
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = wfc.Diagnostics{one}
	default:
		fmt.Fprintf(stderr, "wfc: %v\n", err)
		return exitFailed
	}
	show(list, stderr)
	return exitFailed
}

// show prints findings with their source lines.
func show(list wfc.Diagnostics, w io.Writer) {
	// A failed write to the terminal has nowhere to be reported.
	_ = list.Render(w, diag.Style{Color: colored(w)})
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:                      "wfc",
		Usage:                     "compile field equations and tensor programs for a wafer-scale machine, and run them",
		UsageText:                 "wfc run models/heat.wf --out out",
		Version:                   version(),
		DisableSliceFlagSeparator: true,
		UseShortOptionHandling:    false,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // report does it
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usageError{err.Error()} },
		CommandNotFound:           nil,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c.App, c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{runCommand(), interpCommand(), buildCommand(), reportCommand(), checkCommand(), fmtCommand(),
			explainCommand(), simCommand(), machineCommand(), trainCommand(), sampleCommand(), ckptCommand(), tokenizeCommand(), submitCommand()},
	}
	for _, c := range app.Commands {
		c.OnUsageError = app.OnUsageError
		for _, s := range c.Subcommands {
			s.OnUsageError = app.OnUsageError
		}
	}
	return app
}

// version is that of the module this command was built from, with the Go that built it.
func version() string {
	v := "of unknown version"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
	}
	return fmt.Sprintf("%s, %s, %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func unknownCommand(app *cli.App, name string) error {
	var names []string
	for _, c := range app.VisibleCommands() {
		names = append(names, c.Name)
	}
	if n, ok := diag.Nearest(name, names); ok {
		return usagef("there is no command %q; did you mean %s?", name, n)
	}
	return usagef("there is no command %q; wfc help lists them", name)
}
