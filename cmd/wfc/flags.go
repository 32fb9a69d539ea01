package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
)

func setFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "set", Usage: "give parameter `NAME=VALUE` a value; may be repeated", KeepSpace: true}
}

func machineFlag() cli.Flag {
	return &cli.StringFlag{Name: "machine", Usage: "machine `PROFILE`: wse1, wse2, wse3 (= wse3-sim), wse3-si, or a file *.machine", Value: wfc.DefaultMachine}
}

func productsFlag() cli.Flag {
	return &cli.StringFlag{Name: "products", Value: "auto",
		Usage: "distribute matrices `HOW`: auto (by estimated cycles), whole (every axis in one place), summa (over both sides of the mesh), cannon (the same, round rings) or moved (tensors that are gathered and scattered where they are needed: least memory)"}
}

func meshFlag() cli.Flag {
	return &cli.StringFlag{Name: "mesh", Usage: "use at most `WxH` PEs"}
}

func engineFlag() cli.Flag {
	return &cli.StringFlag{Name: "engine", Usage: "what simulates the wafer: `fast|plain`, the same in every cycle", Value: wfc.FastEngine}
}

// settings reads the --set flags.
func settings(c *cli.Context) (map[string]string, error) {
	s := map[string]string{}
	var list wfc.Diagnostics
	for _, a := range c.StringSlice("set") {
		name, value, ok := strings.Cut(a, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			list.Errorf("WF0601", diag.Span{}, "--set %s: expected NAME=VALUE", a).Suggest("write for example --set nx=64")
			continue
		}
		s[name] = value
	}
	return s, list.Err()
}

// buildOptions reads --set, --machine and --mesh.
func buildOptions(c *cli.Context) (wfc.BuildOptions, error) {
	set, err := settings(c)
	if err != nil {
		return wfc.BuildOptions{}, err
	}
	o := wfc.BuildOptions{Set: set, Machine: c.String("machine")}
	if o.Products, err = wfc.ParseProducts(c.String("products")); err != nil {
		return o, usagef("--products %s: %v", c.String("products"), err)
	}
	if m := c.String("mesh"); m != "" {
		var rest string
		if n, _ := fmt.Sscanf(m+" ", "%dx%d%s", &o.MeshW, &o.MeshH, &rest); n != 2 || o.MeshW < 1 || o.MeshH < 1 {
			return o, usagef("--mesh %s: expected WIDTHxHEIGHT, for example --mesh 64x64", m)
		}
	}
	return o, nil
}

// oneFile is the only argument of a command.
func oneFile(c *cli.Context) (string, error) {
	switch {
	case c.Args().Len() == 0:
		return "", usagef("%s needs a file: %s", c.Command.Name, c.Command.UsageText)
	case c.Args().Len() > 1:
		return "", usagef("%s takes one file, not %d: %s", c.Command.Name, c.Args().Len(), c.Command.UsageText)
	}
	return c.Args().First(), nil
}

// terminal says whether w is an interactive terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""
}

// colored says whether to use colours (https://no-color.org).
func colored(w io.Writer) bool { return terminal(w) && os.Getenv("NO_COLOR") == "" }
