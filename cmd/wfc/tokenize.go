package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

func tokenizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "tokenize",
		Usage:     "turn texts into a file of tokens, to train on texts of any size",
		UsageText: "wfc tokenize TEXT... -o FILE.tok [--tokenizer gpt2|byte]",
		Flags: []cli.Flag{&cli.StringFlag{Name: "o", Usage: "write to `FILE.tok`"},
			&cli.StringFlag{Name: "tokenizer", Usage: "turn text into tokens by `gpt2|byte`", Value: tokens.GPT2}},
		Action: func(c *cli.Context) error {
			if c.String("o") == "" || c.Args().Len() == 0 {
				return usagef("tokenize takes texts and -o FILE.tok: %s", c.Command.UsageText)
			}
			if k := c.String("tokenizer"); k != tokens.GPT2 && k != tokens.Byte {
				return usagef("--tokenizer %s: token files are made by gpt2 or byte", k)
			}
			n, err := tokens.Prepare(c.Args().Slice(), c.String("tokenizer"), c.String("o"))
			if err != nil {
				return wfc.FileErrors(err)
			}
			_, err = fmt.Fprintf(c.App.Writer, "wrote %s: %d tokens\n", c.String("o"), n)
			return err
		},
	}
}
