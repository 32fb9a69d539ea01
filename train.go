package wfc

import (
	"context"
	"os"
	"path/filepath"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/tokens"
	"github.com/wfc-lang/wfc/runtime/train"
)

// TrainOptions steer Train. Of counts, 0 means what the program says.
type TrainOptions struct {
	Target Target // CPU when empty
	Set    map[string]string
	// Compiled, if not nil, is trained as it was built; the source is its own, and Set and what follows here must be empty.
	Compiled *Program
	// Machine, MeshW and MeshH are those of BuildOptions, for the wafer.
	Machine      string
	MeshW, MeshH int
	Products     Products

	Data      []string // files of text and tokens, or patterns of their names (shards/*.bin), in the order of their tokens
	Val       []string // files held back for validation; none: the last tenth of each file
	Tokenizer string   // byte, char, gpt2; "" is what the program says, else char
	Order     string   // of the data: shuffle, stream, same

	Out    string // directory of the run; "" writes nothing
	Resume bool   // go on from the latest checkpoint in Out
	From   int64  // or from that of this step, when above 0
	Init   string // begin with the weights of a checkpoint, or of the latest of a run

	Steps                int64 // end the session after so many steps of the run
	EvalEvery, SaveEvery int64
	EvalBatches          int
	Keep                 int     // checkpoints that stay, 0 all
	Peak                 float64 // of the computer, FLOP/s: for estimates
	Progress             train.Progress
	Native               Native // how native code is made
	Profile              bool   // measure the kernels of native code, or count the cycles of the wafer: TrainResult.Profile
	Engine               string // of the wafer, see RunOptions
	OnEngine             func(name, why string)
	// Ranks, if not nil, share the microbatches of every step (see Join). Rank 0 writes; all have the result.
	Ranks *Ranks
}

// TrainResult is what a session of training leaves.
type TrainResult struct {
	*train.Result
	// Profile is of the last phase, with TrainOptions.Profile; Report is that of the program, with the profile in it.
	Profile *Profile
	Report  *report.Report
}

// Profile says where the time of a run went.
type Profile = report.Profile

const (
	// modelFile is the copy of the source in the directory of a run, which makes it whole: it can be sampled without the source.
	modelFile   = "model"
	valFraction = 0.1
)

// training is a run being prepared.
type training struct {
	src   Source
	opt   TrainOptions
	set   map[string]string
	data  *tokens.Data
	plan  *train.Plan
	progs map[int]*Program
	notes []string // what was decided for the user
	// profiled ends the profile of the engine that was made last.
	profiled func() (*Profile, error)
}

func (t *training) note(s string) { t.notes = append(t.notes, s) }

// Train trains the model of a source with a train block. When the context is cancelled it saves after the step it is in; the result
// then has Interrupted set.
func Train(ctx context.Context, src Source, opt TrainOptions) (*TrainResult, error) {
	if opt.Profile && opt.Target == Interp {
		return nil, diag.List{diag.New("WF0606", diag.Span{}, "a profile is of native code or of the simulated wafer; the target is %s", opt.Target).Suggest("leave out --target")}
	}
	t, from, err := openTraining(src, opt)
	if t != nil {
		defer t.data.Close()
	}
	if err = opt.Ranks.Agree(ctx, err); err != nil {
		return nil, err
	}
	if opt.Ranks != nil {
		opt.Ranks.equals = true
	}
	tr, err := t.trainer(from)
	if tr != nil {
		defer tr.Close()
	}
	if err = opt.Ranks.Agree(ctx, err); err != nil {
		return nil, err
	}
	res, err := tr.Run(ctx)
	out := &TrainResult{Result: res}
	if res != nil {
		res.Notes = append(res.Notes, t.notes...)
	}
	if err == nil && t.profiled != nil {
		if out.Profile, err = t.profiled(); out.Profile != nil {
			p := t.progs[0]
			p.ReportData.Profile = out.Profile
			out.Report = p.Report()
		}
	}
	return out, lostRank(FileErrors(err))
}

// trainer makes the loop of a session that begins, or goes on from a checkpoint.
func (t *training) trainer(from *ckpt.Checkpoint) (*train.Trainer, error) {
	opt, src := t.opt, t.src
	o := train.Options{Data: t.data, Out: opt.Out, Init: opt.Init, Steps: opt.Steps, EvalEvery: opt.EvalEvery, EvalBatches: opt.EvalBatches,
		SaveEvery: opt.SaveEvery, Keep: opt.Keep, Progress: opt.Progress}
	if opt.Ranks != nil {
		o.Ranks = opt.Ranks.comm
	}
	if !opt.Ranks.Leads() { // rank 0 writes
		o.Out, o.Progress = "", nil
	}
	if from != nil {
		o.Resume = from.Dir
	}
	var err error
	if o.Init != "" {
		if o.Init, err = ckpt.Find(o.Init, -1); err != nil {
			return nil, missing(err)
		}
	}
	o.Run = ckpt.Run{Target: string(t.opt.Target), Source: filepath.Base(src.Name), Settings: t.set}
	if t.data.Tokenizer != nil {
		o.Run.Tokenizer = t.data.Tokenizer.Spec()
	}
	if o.Run.Data, err = dataFiles(append(append([]string{}, opt.Data...), opt.Val...)); err != nil {
		return nil, err
	}
	tr, err := train.New(t.program, o)
	if err != nil {
		return nil, FileErrors(err)
	}
	if o.Out != "" {
		if err := os.WriteFile(filepath.Join(o.Out, modelFile+filepath.Ext(src.Name)), []byte(src.Text), 0o666); err != nil {
			return tr, fileError(err)
		}
	}
	return tr, nil
}
