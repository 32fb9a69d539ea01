package wfc

import (
	"context"
	"io"
	"path/filepath"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/tokens"
	"github.com/wfc-lang/wfc/runtime/train"
)

// SampleOptions steer Sample.
type SampleOptions struct {
	Target      Target // CPU when empty
	Step        int64  // of the checkpoint; 0 is the latest
	Prompt      string
	Tokens      int
	Temperature float64
	TopK        int
	Seed        uint64
	Count       int // texts; 0 means 1
}

// Sample lets the model in the directory of a run, or of a checkpoint of it, go on with a prompt. One text is written as it comes;
// several are written one after another, a line of dashes between them.
func Sample(ctx context.Context, dir string, o SampleOptions, w io.Writer) error {
	if o.Target == "" {
		o.Target = CPU
	}
	step := int64(-1)
	if o.Step > 0 {
		step = o.Step
	}
	path, err := ckpt.Find(dir, step)
	if err != nil {
		return missing(err)
	}
	c, err := ckpt.Open(path)
	if err != nil {
		return checkpointError(err)
	}
	tk, err := tokens.New(c.Run.Tokenizer)
	if err != nil {
		return diag.List{diag.New("WF0642", diag.Span{}, "%s: %v", path, err).Suggest("a model trained on token files cannot read text")}
	}
	src, err := runSource(path, c)
	if err != nil {
		return err
	}
	t := &training{src: src, set: c.Run.Settings, opt: TrainOptions{Target: o.Target}}
	p, err := t.build(map[string]string{"batch": strconv.Itoa(max(1, o.Count))}) // no larger than what is asked for
	if err != nil || p.Plan.Batch < o.Count {
		if p, err = t.build(nil); err != nil {
			return err
		}
	}
	loaded, err := trainable(p, o.Target, RunOptions{}, nil)
	if err != nil {
		return err
	}
	e, err := loaded.Engine()
	if err != nil {
		return err
	}
	defer e.Close()
	if err := train.LoadWeights(loaded, e, c); err != nil {
		return err
	}
	prompt, err := tk.Encode([]byte(o.Prompt))
	if err != nil {
		return diag.List{diag.New("WF0642", diag.Span{}, "the prompt: %v", err)}
	}
	return writeSamples(ctx, e, p.Plan, prompt, tk, o, w)
}

// runSource is the program in the directory of a run that has a checkpoint at path.
func runSource(path string, c *ckpt.Checkpoint) (Source, error) {
	name := modelFile + filepath.Ext(c.Run.Source)
	src, err := ReadSource(filepath.Join(path, name)) // of a checkpoint that no run wrote
	if err != nil {
		if src, err = ReadSource(filepath.Join(filepath.Dir(filepath.Dir(path)), name)); err != nil {
			return src, err
		}
	}
	src.Name = c.Run.Source
	return src, nil
}

func writeSamples(ctx context.Context, e runtime.Engine, p *train.Plan, prompt []int32, tk tokens.Tokenizer, o SampleOptions, w io.Writer) error {
	count := max(1, o.Count)
	texts := make([][]int32, count)
	if count == 1 {
		if _, err := io.WriteString(w, o.Prompt); err != nil {
			return err
		}
	}
	err := train.Generate(ctx, e, p, train.SampleOptions{Prompt: prompt, Tokens: o.Tokens, Temperature: o.Temperature, TopK: o.TopK, Seed: o.Seed,
		Rows: count, Vocab: tk.Vocab()}, func(row int, token int32) error {
		if count > 1 {
			texts[row] = append(texts[row], token)
			return nil
		}
		b, err := tk.Decode([]int32{token})
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = nil // what there is has been written
	default:
		return diag.List{diag.New("WF0645", diag.Span{}, "%v", err)}
	}
	for r, ids := range texts {
		if count == 1 {
			break
		}
		b, derr := tk.Decode(ids)
		if derr != nil {
			return derr
		}
		if r > 0 {
			if _, err := io.WriteString(w, "\n---\n"); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, o.Prompt+string(b)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n")
	return err
}
