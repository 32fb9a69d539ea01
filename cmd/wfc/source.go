package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "find all errors of programs",
		UsageText: "wfc check FILE.wf... [--json] | wfc check --machine-text FILE   (- is standard input)",
		Flags: []cli.Flag{setFlag(), &cli.BoolFlag{Name: "json", Usage: "print the findings as JSON"},
			&cli.StringFlag{Name: "machine-text", Usage: "judge the machine program in `FILE`: deadlocks and races"},
			&cli.StringSliceFlag{Name: "launch", Usage: "judge it with launch `ARGUMENTS` in place of its script; may be repeated"},
			&cli.StringFlag{Name: "machine", Usage: "judge it on machine `PROFILE` (default: the program's own)"}},
		Action: func(c *cli.Context) error {
			if c.IsSet("machine-text") {
				return checkMachineText(c)
			}
			if c.Args().Len() == 0 {
				return usagef("check needs a file: %s", c.Command.UsageText)
			}
			set, err := settings(c)
			if err != nil {
				return err
			}
			var all wfc.Diagnostics
			for _, path := range c.Args().Slice() {
				src, err := readSource(c, path)
				if err != nil {
					return err
				}
				all = append(all, wfc.Check(src, set)...)
			}
			if c.Bool("json") {
				err = printJSON(c, struct {
					Schema      int             `json:"schema"`
					Diagnostics wfc.Diagnostics `json:"diagnostics"`
				}{1, all})
				if err != nil {
					return err
				}
			} else if len(all) > 0 {
				show(all, c.App.ErrWriter)
			}
			if all.HasErrors() {
				return errShown{exitFailed}
			}
			return nil
		},
	}
}

// checkMachineText prints the verdict on a machine program written by hand. Anything but free of deadlock and races is a failure.
func checkMachineText(c *cli.Context) error {
	if c.Args().Len() > 0 || c.Bool("json") {
		return usagef("check --machine-text takes one file and no other: %s", c.Command.UsageText)
	}
	src, err := readSource(c, c.String("machine-text"))
	if err != nil {
		return err
	}
	var launches [][]int32
	for _, l := range c.StringSlice("launch") {
		args := []int32{}
		for _, f := range strings.Fields(l) {
			n, err := strconv.ParseInt(f, 0, 32)
			if err != nil {
				return usagef("--launch %s: expected whole numbers, for example --launch \"0 2\"", l)
			}
			args = append(args, int32(n))
		}
		launches = append(launches, args)
	}
	ok, err := wfc.CheckMachineText(src, c.String("machine"), launches, c.App.Writer)
	if err == nil && !ok {
		err = errShown{exitFailed}
	}
	return err
}

func fmtCommand() *cli.Command {
	return &cli.Command{
		Name:      "fmt",
		Usage:     "print programs in the canonical format",
		UsageText: "wfc fmt [-w] [-d] FILE.wf...   (- is standard input)",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "w", Usage: "write the result to the file"},
			&cli.BoolFlag{Name: "d", Usage: "print what would change; the exit code is 1 if anything would"},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Len() == 0 {
				return usagef("fmt needs a file: %s", c.Command.UsageText)
			}
			failed := false
			for _, path := range c.Args().Slice() {
				bad, err := formatFile(c, path)
				if err != nil {
					return err
				}
				failed = failed || bad
			}
			if failed {
				return errShown{exitFailed}
			}
			return nil
		},
	}
}

// formatFile formats one file; bad says that it has errors, or with -d that it would change.
func formatFile(c *cli.Context, path string) (bad bool, err error) {
	src, err := readSource(c, path)
	if err != nil {
		return false, err
	}
	out, list := wfc.Format(src)
	if list.HasErrors() {
		show(list, c.App.ErrWriter)
		return true, nil
	}
	same := bytes.Equal(out, []byte(src.Text))
	if c.Bool("d") && !same {
		_, err = c.App.Writer.Write(diff.Diff(path, []byte(src.Text), path+" (formatted)", out))
		bad = true
	}
	switch {
	case err != nil:
	case c.Bool("w") && path != stdin:
		if !same {
			err = os.WriteFile(path, out, 0o666)
		}
		bad = false
	case !c.Bool("d"):
		_, err = c.App.Writer.Write(out)
	}
	return bad, err
}

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "explain error codes",
		UsageText: "wfc explain CODE... | --list",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "list", Usage: "list all codes"}},
		Action: func(c *cli.Context) error {
			codes, titles := wfc.Codes()
			if c.Bool("list") {
				for i := range codes {
					fmt.Fprintf(c.App.Writer, "%s  %s\n", codes[i], titles[i])
				}
				return nil
			}
			if c.Args().Len() == 0 {
				return usagef("explain needs a code: %s", c.Command.UsageText)
			}
			for i, code := range c.Args().Slice() {
				text, ok := wfc.Explain(code)
				if !ok {
					return usagef("there is no code %s; wfc explain --list shows all %d", code, len(codes))
				}
				if i > 0 {
					text = "\n" + text
				}
				fmt.Fprint(c.App.Writer, text)
			}
			return nil
		},
	}
}
