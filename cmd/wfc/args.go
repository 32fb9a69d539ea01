package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// intersperse moves flags before the other arguments of a command, because people write `wfc run heat.wf --set nx=8` and the flag
// parser stops at the first argument that is no flag. A flag that takes files takes all that follow: `--data shards/*.bin`, which a shell
// has made a list of. What follows "--" stays as it is.
func intersperse(app *cli.App, args []string) ([]string, error) {
	out, i := args[:min(1, len(args)):min(1, len(args))], 1
	commands := app.Commands
	var cmd *cli.Command
	for i < len(args) && !strings.HasPrefix(args[i], "-") {
		next := find(commands, args[i])
		if next == nil {
			break
		}
		cmd, commands = next, next.Subcommands
		out = append(out, args[i])
		i++
	}
	if cmd == nil || cmd.SkipFlagParsing {
		return args, nil
	}
	var flags, rest []string
	for ; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "-h" || a == "--help" || a == "-help":
			return append(out, "--help"), nil // of the command, whatever stands beside it
		case a == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case len(a) < 2 || a[0] != '-':
			rest = append(rest, a)
		case strings.Contains(a, "=") && strings.HasPrefix(a, "-") || isSwitch(cmd, a):
			flags = append(flags, a)
		case i+1 < len(args):
			flags = append(flags, a, args[i+1])
			for i++; takesFiles(cmd, a) && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") && !isProgram(args[i+1]); i++ {
				flags = append(flags, a, args[i+1])
			}
		default:
			return nil, usagef("flag %s needs a value", a)
		}
	}
	out = append(out, flags...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out, nil
}

func find(list []*cli.Command, name string) *cli.Command {
	for _, c := range list {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// takesFiles says whether a flag takes a list of files.
func takesFiles(cmd *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	for _, f := range cmd.Flags {
		if l, ok := f.(*cli.StringSliceFlag); ok && l.TakesFile && l.Name == name {
			return true
		}
	}
	return false
}

// isProgram says whether an argument is what a command works on, rather than one of the files of a flag before it.
func isProgram(arg string) bool {
	return strings.HasSuffix(arg, ".wf") || strings.HasSuffix(arg, ".wfx")
}

// isSwitch says whether a flag takes no value. An unknown flag is left to the parser, which says so.
func isSwitch(cmd *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if name == "help" || name == "h" {
		return true
	}
	for _, f := range cmd.Flags {
		for _, n := range f.Names() {
			if n == name {
				_, ok := f.(*cli.BoolFlag)
				return ok
			}
		}
	}
	return true
}
