package main

import (
	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

func sampleCommand() *cli.Command {
	return &cli.Command{
		Name:      "sample",
		Usage:     "let a trained model write",
		UsageText: "wfc sample DIR [--prompt TEXT] [--tokens N] [--temperature T] [--top-k K] [--seed N] [--count N]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prompt", Usage: "begin with `TEXT`", Value: "\n"},
			&cli.IntFlag{Name: "tokens", Usage: "write `N` tokens", Value: 500},
			&cli.Float64Flag{Name: "temperature", Usage: "divide the logits by `T`; 0 takes the likeliest token", Value: 0.8},
			&cli.IntFlag{Name: "top-k", Usage: "draw from the `K` likeliest tokens; 0 from all", Value: 200},
			&cli.Uint64Flag{Name: "seed", Usage: "draw by seed `N`", Value: 1337},
			&cli.IntFlag{Name: "count", Usage: "write `N` texts", Value: 1},
			&cli.Int64Flag{Name: "step", Usage: "take the checkpoint of step `N`"},
			&cli.StringFlag{Name: "target", Usage: "what computes: `cpu|wse|interp`", Value: string(wfc.CPU)},
		},
		Action: func(c *cli.Context) error {
			dir, err := oneFile(c)
			if err != nil {
				return err
			}
			o := wfc.SampleOptions{Target: wfc.Target(c.String("target")), Step: c.Int64("step"), Prompt: c.String("prompt"), Tokens: c.Int("tokens"),
				Temperature: c.Float64("temperature"), TopK: c.Int("top-k"), Seed: c.Uint64("seed"), Count: c.Int("count")}
			if o.Tokens < 0 || o.TopK < 0 || o.Count < 1 || o.Step < 0 || !(o.Temperature >= 0) {
				return usagef("--tokens, --top-k, --step and --temperature are at least 0, --count at least 1")
			}
			return wfc.Sample(c.Context, dir, o, c.App.Writer)
		},
	}
}
