package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "compile a program for a machine and say what it takes",
		UsageText: "wfc build FILE.wf -o FILE.wfx [--machine wse2|wse3] [--mesh WxH] [--set NAME=VALUE]...   (- is standard input)",
		Flags: []cli.Flag{setFlag(), machineFlag(), meshFlag(), productsFlag(),
			&cli.StringFlag{Name: "o", Usage: "write the compiled program to `FILE.wfx` (default: beside the source)"},
			&cli.StringFlag{Name: "print-after", Usage: "print the IR after `PASS`, or after all of them"},
		},
		Action: func(c *cli.Context) error {
			path, err := oneFile(c)
			if err != nil {
				return err
			}
			opt, err := buildOptions(c)
			if err != nil {
				return err
			}
			opt.PrintAfter, opt.Log = c.String("print-after"), c.App.Writer
			src, err := readSource(c, path)
			if err != nil {
				return err
			}
			out := c.String("o")
			if out == "" {
				out = besides(src)
			}
			begun := time.Now()
			p, err := compile(c.Context, src, opt)
			if err != nil {
				return err
			}
			if p.IR == nil { // a model that is larger than the machine: nothing was compiled
				fmt.Fprint(c.App.Writer, p.Summary())
				show(p.Refusal, c.App.ErrWriter)
				return errShown{exitFailed}
			}
			if err := p.WriteFile(out); err != nil {
				return err
			}
			st, err := os.Stat(out)
			if err != nil {
				return err
			}
			if len(p.Warnings) > 0 {
				show(p.Warnings, c.App.ErrWriter)
			}
			fmt.Fprintf(c.App.Writer, "%s%-12s %s, %d B, %.2f s\n", p.Summary(), "wrote", out, st.Size(), time.Since(begun).Seconds())
			if p.Refusal != nil {
				show(p.Refusal, c.App.ErrWriter)
				fmt.Fprintf(c.App.ErrWriter, "%s runs on --target interp and cpu; wfc report %s shows what breaks the limit\n", out, out)
				return errShown{exitFailed}
			}
			return nil
		},
	}
}

// compile is wfc.Build that the first Ctrl-C ends: unlike a run it has nothing to write.
func compile(ctx context.Context, src wfc.Source, opt wfc.BuildOptions) (*wfc.Program, error) {
	type built struct {
		p   *wfc.Program
		err error
	}
	done := make(chan built, 1)
	go func() {
		p, err := wfc.Build(src, opt)
		done <- built{p, err}
	}()
	select {
	case b := <-done:
		return b.p, b.err
	case <-ctx.Done(): // the process ends, and the compilation with it
		return nil, errShown{exitInterrupted}
	}
}

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "show what a compiled program takes of the machine, as a page or as JSON",
		UsageText: "wfc report FILE.wfx [-o report.html | --json]",
		Flags: []cli.Flag{setFlag(), machineFlag(), meshFlag(), productsFlag(),
			&cli.StringFlag{Name: "o", Usage: "write the page to `FILE.html` (default: report.html)"},
			&cli.BoolFlag{Name: "json", Usage: "print the report as JSON (versioned; see report.Schema)"},
		},
		Action: func(c *cli.Context) error {
			path, err := oneFile(c)
			if err != nil {
				return err
			}
			opt, err := buildOptions(c)
			if err != nil {
				return err
			}
			// A source may be given too. A build that failed has a report all the same, and is shown before the error.
			p, loaded, err := open(c, path, opt)
			if loaded && len(opt.Set) > 0 {
				return usagef("--set cannot be used with the report of a .wfx file: build it again")
			}
			if p == nil || p.Report() == nil {
				return err
			}
			if werr := writeReport(c, p); werr != nil {
				return werr
			}
			return err
		},
	}
}

func writeReport(c *cli.Context, p *wfc.Program) error {
	if c.Bool("json") {
		b, err := p.Report().JSON()
		if err != nil {
			return err
		}
		_, err = c.App.Writer.Write(b)
		return err
	}
	b, err := p.Report().HTML()
	if err != nil {
		return err
	}
	out := c.String("o")
	if out == "" {
		out = "report.html"
	}
	if out == "-" {
		_, err = c.App.Writer.Write(b)
		return err
	}
	if err := os.WriteFile(out, b, 0o666); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "wrote %s\n", out)
	return nil
}

func printJSON(c *cli.Context, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = c.App.Writer.Write(append(b, '\n'))
	return err
}
