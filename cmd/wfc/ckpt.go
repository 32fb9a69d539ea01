package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

func ckptCommand() *cli.Command {
	step := &cli.Int64Flag{Name: "step", Usage: "the checkpoint of step `N`; the latest when not given", Value: -1}
	return &cli.Command{
		Name:      "ckpt",
		Usage:     "look at checkpoints, compare, average and convert them",
		UsageText: "wfc ckpt info|diff|average|convert ...",
		Subcommands: []*cli.Command{
			{
				Name: "info", Usage: "say what a checkpoint holds and whether it is whole", UsageText: "wfc ckpt info DIR [--step N] [--tensors] [--json]",
				Flags: []cli.Flag{step, &cli.BoolFlag{Name: "tensors", Usage: "list the tensors"}, &cli.BoolFlag{Name: "json", Usage: "print run.json"}},
				Action: func(c *cli.Context) error {
					path, err := oneFile(c)
					if err != nil {
						return err
					}
					k, err := wfc.OpenCheckpoint(path, c.Int64("step"))
					if err != nil {
						return err
					}
					if c.Bool("json") {
						b, err := wfc.CheckpointJSON(k)
						if err == nil {
							_, err = c.App.Writer.Write(b)
						}
						return err
					}
					return wfc.CheckpointInfo(c.App.Writer, k, c.Bool("tensors"))
				},
			},
			{
				Name: "diff", Usage: "compare the state of two checkpoints; the exit code is 1 when they differ", UsageText: "wfc ckpt diff DIR DIR [--tol T]",
				Flags: []cli.Flag{&cli.Float64Flag{Name: "tol", Usage: "equal is what differs by at most `T` times the norm of a tensor; 0 is bit for bit"}},
				Action: func(c *cli.Context) error {
					list, err := checkpoints(c)
					if err != nil {
						return err
					}
					if len(list) != 2 {
						return usagef("diff takes two checkpoints: %s", c.Command.UsageText)
					}
					equal, err := wfc.DiffCheckpoints(c.App.Writer, list[0], list[1], c.Float64("tol"))
					if err == nil && !equal {
						err = errShown{exitFailed}
					}
					return err
				},
			},
			{
				Name: "average", Usage: "write the mean of the weights of checkpoints", UsageText: "wfc ckpt average DIR DIR... -o DIR [--parts 1,2,..]",
				Flags: []cli.Flag{&cli.StringFlag{Name: "o", Usage: "write to `DIR`"},
					&cli.StringFlag{Name: "parts", Usage: "parts of the checkpoints, `A,B,..`; equal when not given"}},
				Action: averageCheckpoints,
			},
			convertCommand(),
		},
	}
}

// checkpoints opens the arguments.
func checkpoints(c *cli.Context) ([]*wfc.Checkpoint, error) {
	var out []*wfc.Checkpoint
	for _, path := range c.Args().Slice() {
		k, err := wfc.OpenCheckpoint(path, -1)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

func averageCheckpoints(c *cli.Context) error {
	if c.String("o") == "" || c.Args().Len() == 0 {
		return usagef("average takes checkpoints and -o DIR: %s", c.Command.UsageText)
	}
	list, err := checkpoints(c)
	if err != nil {
		return err
	}
	var parts []float64
	if p := c.String("parts"); p != "" {
		for _, f := range strings.Split(p, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(f), 64)
			if err != nil {
				return usagef("--parts %s: expected numbers with commas between them", p)
			}
			parts = append(parts, v)
		}
		if len(parts) != len(list) {
			return usagef("--parts %s: %d parts for %d checkpoints", p, len(parts), len(list))
		}
	}
	if err := wfc.AverageCheckpoints(list, parts, c.String("o")); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s\n", c.String("o"))
	return err
}

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:  "convert",
		Usage: "write a checkpoint as a Hugging Face directory or a GGUF file, or make one of such a directory",
		UsageText: "wfc ckpt convert RUN DIR [--dtype f32|f16|bf16] [--fold] [--shard BYTES]\n" +
			"wfc ckpt convert RUN FILE.gguf [--dtype f32|f16|q8_0]\n" +
			"wfc ckpt convert HFDIR DIR [--model MODEL.wf] [--set NAME=VALUE]...",
		Flags: []cli.Flag{setFlag(),
			&cli.StringFlag{Name: "to", Usage: "write `hf|gguf|wfc`; told by the names when not given"},
			&cli.StringFlag{Name: "dtype", Usage: "the type of the weights: `f32|f16|bf16|q8_0`"},
			&cli.BoolFlag{Name: "fold", Usage: "multiply the multipliers of muP into the weights"},
			&cli.Int64Flag{Name: "shard", Usage: "at most `BYTES` of weights in a file"},
			&cli.StringFlag{Name: "model", Usage: "the model whose weights they are to be, `FILE.wf`"},
			&cli.StringSliceFlag{Name: "config", Usage: "say what the checkpoint does not: `NAME=VALUE`, as heads=12"},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 2 {
				return usagef("convert takes two names:\n%s", c.Command.UsageText)
			}
			set, err := settings(c)
			if err != nil {
				return err
			}
			o := wfc.ConvertOptions{To: c.String("to"), DType: c.String("dtype"), Fold: c.Bool("fold"), Shard: c.Int64("shard"), Set: set, Config: map[string]float64{}}
			for _, a := range c.StringSlice("config") {
				name, value, _ := strings.Cut(a, "=")
				v, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return usagef("--config %s: expected NAME=NUMBER", a)
				}
				o.Config[name] = v
			}
			if m := c.String("model"); m != "" {
				src, err := readSource(c, m)
				if err != nil {
					return err
				}
				o.Model = &src
			}
			if err := wfc.Convert(c.Args().Get(0), c.Args().Get(1), o); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.App.Writer, "wrote %s\n", c.Args().Get(1))
			return err
		},
	}
}
