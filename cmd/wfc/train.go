package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime/train"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:      "train",
		Usage:     "train a model on text",
		UsageText: "wfc train MODEL.wf|MODEL.wfx --data FILE... [--target cpu|wse|interp] [--set NAME=VALUE]... [--out DIR] [--resume] [--dry-run]",
		Flags: append([]cli.Flag{setFlag(), machineFlag(), meshFlag(), productsFlag(), engineFlag(),
			&cli.StringSliceFlag{Name: "data", Usage: "train on `FILE...`, texts, token files or patterns like 'shards/*.bin'; may be repeated", KeepSpace: true, TakesFile: true},
			&cli.StringSliceFlag{Name: "val", Usage: "validate on `FILE...` instead of the last tenth of each file; may be repeated", KeepSpace: true, TakesFile: true},
			&cli.StringFlag{Name: "tokenizer", Usage: "turn text into tokens by `byte|char|gpt2`, instead of what the program says"},
			&cli.StringFlag{Name: "order", Usage: "take sequences in `shuffle|stream|same` order"},
			&cli.StringFlag{Name: "target", Usage: "what computes: `cpu|wse|interp`", Value: string(wfc.CPU)},
			&cli.StringFlag{Name: "out", Usage: "keep metrics and checkpoints in `DIR`", Value: "wfc-train"},
			&cli.BoolFlag{Name: "resume", Usage: "go on from the latest checkpoint in --out"},
			&cli.Int64Flag{Name: "from", Usage: "go on from the checkpoint of step `N` in --out"},
			&cli.StringFlag{Name: "init", Usage: "begin with the weights of the checkpoint or run in `DIR`"},
			&cli.Int64Flag{Name: "steps", Usage: "end the session after step `N` of the run; the schedule stays that of the whole run"},
			&cli.Int64Flag{Name: "eval-every", Usage: "validate every `N` steps"},
			&cli.IntFlag{Name: "eval-batches", Usage: "validate on `N` batches"},
			&cli.Int64Flag{Name: "save-every", Usage: "save a checkpoint every `N` steps"},
			&cli.IntFlag{Name: "keep", Usage: "keep the last `N` checkpoints; 0 all", Value: 3},
			&cli.Float64Flag{Name: "peak", Usage: "the computer's peak in `FLOP/s`, for MFU; estimated when not given"},
			&cli.StringFlag{Name: "coordinate-check", Usage: "show how layers and logits depend on a param, at the start and after --steps steps (4): `NAME=A,B,..`"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what the run would take, and do not train"},
			&cli.BoolFlag{Name: "profile", Usage: "show where the time went, by kernel of native code, or the cycles of the simulated wafer; the report goes to --out"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no progress"},
		}, nativeFlags()...),
		Action: runTrain,
	}
}

func runTrain(c *cli.Context) error {
	path, err := oneFile(c)
	if err != nil {
		return err
	}
	return onRanks(c, func(r *wfc.Ranks) error { return trainOn(c, r, path) })
}

// loadTrain reads the source and the flags of a run of training.
func loadTrain(c *cli.Context, path string) (src wfc.Source, o wfc.TrainOptions, err error) {
	bo, err := buildOptions(c)
	if err != nil {
		return src, o, err
	}
	compiled, err := loadCompiled(c, path)
	if err != nil {
		return src, o, err
	}
	if compiled == nil {
		if src, err = readSource(c, path); err != nil {
			return src, o, err
		}
	}
	for _, f := range []string{"steps", "from", "eval-every", "save-every", "eval-batches", "keep"} {
		if v := c.Int64(f); v < 0 || c.Int(f) < 0 {
			return src, o, usagef("--%s %d: expected a count", f, v)
		}
	}
	target := wfc.Target(c.String("target"))
	o = wfc.TrainOptions{Target: target, Compiled: compiled, Set: bo.Set, Machine: bo.Machine, MeshW: bo.MeshW, MeshH: bo.MeshH, Products: bo.Products, Engine: c.String("engine"),
		Data: c.StringSlice("data"), Val: c.StringSlice("val"), Tokenizer: c.String("tokenizer"), Order: c.String("order"), Out: c.String("out"),
		Resume: c.Bool("resume"), From: c.Int64("from"), Init: c.String("init"), Steps: c.Int64("steps"), EvalEvery: c.Int64("eval-every"),
		SaveEvery: c.Int64("save-every"), EvalBatches: c.Int("eval-batches"), Keep: c.Int("keep"), Peak: c.Float64("peak")}
	o.Profile = c.Bool("profile")
	if c.IsSet("engine") {
		o.OnEngine = func(name, why string) { fmt.Fprintf(c.App.ErrWriter, "engine %s: %s\n", name, why) }
	}
	if o.Peak == 0 && target == wfc.CPU {
		o.Peak = train.Peak()
	}
	return src, o, nil
}

// trainOn trains, or does the part of it that is this rank's.
func trainOn(c *cli.Context, ranks *wfc.Ranks, path string) error {
	src, o, err := loadTrain(c, path)
	if err != nil {
		return err
	}
	native, closeNative, err := openNative(c, o.Target)
	if err != nil {
		return err
	}
	o.Native, o.Ranks = native, ranks
	o.Native.Threads = ranks.Threads()
	if v := c.String("coordinate-check"); v != "" {
		name, list, ok := strings.Cut(v, "=")
		if !ok || name == "" || list == "" {
			return usagef("--coordinate-check %s: expected NAME=A,B,.. as in d=32,64,128", v)
		}
		if !ranks.Leads() {
			return nil
		}
		text, err := wfc.CheckCoordinates(c.Context, src, o, name, strings.Split(list, ","))
		if err == nil {
			_, err = fmt.Fprint(c.App.Writer, text)
		}
		return err
	}
	if c.Bool("dry-run") {
		if !ranks.Leads() {
			return nil
		}
		text, err := wfc.EstimateTraining(c.Context, src, o)
		if err == nil {
			_, err = fmt.Fprint(c.App.Writer, text)
		}
		return err
	}
	if !c.Bool("quiet") {
		every := 2 * time.Second
		if terminal(c.App.ErrWriter) {
			every = 200 * time.Millisecond
		}
		o.Progress = train.NewProgress(c.App.ErrWriter, every, terminal(c.App.ErrWriter), o.Peak, time.Now)
	}
	res, err := wfc.Train(c.Context, src, o)
	if err = closeNative(err); err != nil {
		return err
	}
	if res.Profile != nil {
		if o.Out != "" {
			if _, err := writeProfile(res.Report, o.Out); err != nil {
				return err
			}
		}
		defer printProfile(c.App.Writer, res.Profile)
	}
	for _, n := range res.Notes {
		fmt.Fprintf(c.App.ErrWriter, "note: %s\n", n)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "step %d of %d, %d tokens, loss %.6f", res.Step, res.Steps, res.Tokens, float64(res.Loss))
	if res.ValLoss != nil {
		fmt.Fprintf(&b, ", validation loss %.6f", float64(*res.ValLoss))
	}
	if res.Interrupted {
		b.WriteString(", interrupted")
	}
	fmt.Fprintf(c.App.Writer, "%s, %.1f s\n", b.String(), res.Seconds)
	if res.Checkpoint != "" {
		fmt.Fprintf(c.App.Writer, "wrote %s\n", res.Checkpoint)
	}
	if res.Interrupted {
		return errShown{exitInterrupted}
	}
	return nil
}
