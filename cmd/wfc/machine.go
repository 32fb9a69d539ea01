package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

func simCommand() *cli.Command {
	return &cli.Command{
		Name:      "sim",
		Usage:     "run a machine program written by hand on the simulator",
		UsageText: "wfc sim FILE [--machine wse2|wse3] [--save FILE] [--restore FILE] [--profile] [--timeline FILE.json] [--trace FILE]",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "machine", Usage: "machine `PROFILE` (default: the program's own)"},
			&cli.StringFlag{Name: "save", Usage: "write the last state of the machine to `FILE`"},
			&cli.StringFlag{Name: "restore", Usage: "begin with the state that --save wrote to `FILE`"},
		}, watchFlags()...),
		Action: func(c *cli.Context) error {
			path, err := oneFile(c)
			if err != nil {
				return err
			}
			src, err := readSource(c, path)
			if err != nil {
				return err
			}
			w, err := openWatch(c)
			if err != nil {
				return err
			}
			var snap wfc.Snapshots
			if name := c.String("restore"); name != "" {
				f, err := os.Open(name)
				if err != nil {
					return w.close(err)
				}
				defer f.Close()
				snap.From = f
			}
			var last bytes.Buffer // a run that fails leaves an older file alone
			if c.IsSet("save") {
				snap.To = &last
			}
			prof, err := wfc.SimulateWatched(c.Context, src, c.String("machine"), c.App.Writer, w.Watch, snap)
			printProfile(c.App.Writer, prof)
			if err == nil && c.IsSet("save") {
				err = os.WriteFile(c.String("save"), last.Bytes(), 0o644)
			}
			return w.close(err)
		},
	}
}

func machineCommand() *cli.Command {
	return &cli.Command{
		Name:      "machine",
		Usage:     "show what is known of a machine",
		UsageText: "wfc machine show NAME [--json]",
		Action: func(c *cli.Context) error {
			return usagef("machine needs a subcommand: wfc machine show %s", strings.Join(wfc.Machines(), "|"))
		},
		Subcommands: []*cli.Command{{
			Name:      "show",
			Usage:     "print every constant of a machine with its range and source",
			UsageText: "wfc machine show NAME [--json]",
			Flags:     []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print them as JSON"}},
			Action:    showMachine,
		}},
	}
}

func showMachine(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usagef("machine show needs one name: %s", strings.Join(wfc.Machines(), " or "))
	}
	name := c.Args().First()
	list, err := wfc.MachineConstants(name)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		type constant struct {
			Key    string `json:"key"`
			Value  int64  `json:"value"`
			Lo     int64  `json:"lo"`
			Hi     int64  `json:"hi"`
			Unit   string `json:"unit,omitempty"`
			Grade  string `json:"grade"`
			Source string `json:"source"`
			Effect string `json:"effect"`
		}
		out := struct {
			Schema    int        `json:"schema"`
			Machine   string     `json:"machine"`
			Constants []constant `json:"constants"`
		}{Schema: 1, Machine: name}
		for _, k := range list {
			out.Constants = append(out.Constants, constant{k.Key, k.Value, k.Lo, k.Hi, k.Unit, string(k.Grade), k.Source, k.Effect})
		}
		return printJSON(c, out)
	}
	for _, k := range list {
		value := fmt.Sprint(k.Value)
		if k.Lo != k.Hi {
			value += fmt.Sprintf(" (%d..%d)", k.Lo, k.Hi)
		}
		if k.Unit != "" {
			value += " " + k.Unit
		}
		fmt.Fprintf(c.App.Writer, "%-24s %-28s %-9s %s\n", k.Key, value, k.Grade, k.Source)
	}
	return nil
}
