package wfc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/hf"
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

// EstimateTraining says what a run would take. It trains two steps to tell the time, when they are short.
func EstimateTraining(ctx context.Context, src Source, opt TrainOptions) (string, error) {
	e, err := TimeTraining(ctx, src, opt)
	if err != nil {
		return "", err
	}
	return e.Text, nil
}

// TrainingEstimate is what a run of training would take.
type TrainingEstimate struct {
	Text   string
	Total  time.Duration // on this computer; 0 when no step was tried
	Micros int           // microbatches of a step: so many ranks can share it
}

// TimeTraining is EstimateTraining with its numbers.
func TimeTraining(ctx context.Context, src Source, opt TrainOptions) (*TrainingEstimate, error) {
	t, _, err := openTraining(src, opt)
	if err != nil {
		return nil, err
	}
	defer t.data.Close()
	seconds := 0.0
	if t.opt.Target == Wafer { // whether it fits
		if _, err := t.build(nil); err != nil {
			return nil, err
		}
	}
	// A step of a large model takes too long to try, and so does building it: its time is then estimated from the peak.
	cost := t.plan.FlopsOf(0, 1)
	if t.opt.Target == CPU && cost < 1e11 && t.plan.Steps > 0 || t.opt.Target == Interp && cost < 1e9 && t.plan.Steps > 0 {
		p := &timed{}
		tr, err := train.New(t.program, train.Options{Data: t.data, Steps: 2, EvalEvery: -1, Progress: p})
		if err != nil {
			return nil, err
		}
		defer tr.Close()
		if _, err := tr.Run(ctx); err != nil {
			return nil, err
		}
		seconds = p.last
	}
	e := &TrainingEstimate{Text: t.plan.Estimate(t.data.Train.Len(), opt.Peak, seconds), Micros: max(1, t.plan.Accumulate)}
	e.Total = time.Duration(seconds * t.plan.AllTokens() / max(1, t.plan.TokensOf(0, 1)) * float64(time.Second))
	return e, nil
}

// timed remembers what the last step took.
type timed struct{ last float64 }

func (t *timed) Begin(*train.Plan, int64, int64) {}
func (t *timed) Step(e *train.Event)             { t.last = e.Seconds }
func (t *timed) Eval(int64, float64, int)        {}
func (t *timed) End()                            {}

// openTraining settles the plan, for the vocabulary of the data, and finds the checkpoint to go on from, if any. Programs are built when they
// are needed: a plan takes the front end only.
func openTraining(src Source, opt TrainOptions) (*training, *ckpt.Checkpoint, error) {
	if opt.Target == "" {
		opt.Target = CPU
	}
	t := &training{src: src, opt: opt, set: maps.Clone(opt.Set), progs: map[int]*Program{}}
	if t.set == nil {
		t.set = map[string]string{}
	}
	if err := t.compiled(); err != nil {
		return nil, nil, err
	}
	from, err := t.resume()
	if err != nil {
		return nil, nil, err
	}
	if t.plan, err = t.planned(nil); err != nil {
		return nil, nil, err
	}
	if err := t.load(t.plan, from); err != nil {
		return nil, nil, err
	}
	if err = t.vocabulary(); err == nil {
		err = t.share()
	}
	if err != nil {
		t.data.Close()
		return nil, nil, err
	}
	t.overruled()
	return t, from, nil
}

// overruled notes settings that do nothing, because every phase has its own.
func (t *training) overruled() {
	for _, name := range []string{"batch", "accumulate"} {
		given := t.opt.Set[name]
		for _, ph := range t.plan.Phases {
			if ph.Set[name] == given {
				given = ""
			}
		}
		if given != "" && len(t.plan.Phases) > 0 {
			t.note(fmt.Sprintf("--set %s=%s changes nothing: every phase of the program has its own %s", name, given, name))
		}
	}
}

// vocabulary gives the model the vocabulary of the data, unless it was set or the program is compiled. Of a file of tokens nobody knows how
// large it is but the model.
func (t *training) vocabulary() (err error) {
	v, n := t.plan.VocabParam, t.plan.Vocab
	if v == "" || t.set[v] != "" || n == t.data.Vocab || n > t.data.Vocab && t.data.Tokenizer == nil {
		return nil
	}
	if t.opt.Compiled != nil {
		if n > t.data.Vocab {
			t.note(fmt.Sprintf("the file was built for a vocabulary of %d, the data have %d: as with --set %s=%d", n, t.data.Vocab, v, n))
		}
		return nil
	}
	t.set[v] = strconv.Itoa(t.data.Vocab)
	t.plan, err = t.planned(nil)
	return err
}

// share cuts a step that is one batch into microbatches, so that ranks can share it: as many as there are ranks, or fewer when the batch does not
// come out even. The settings that say so belong to the run from then on; of a compiled model, the source in its file is built with them.
func (t *training) share() error {
	plan := t.plan
	if t.opt.Ranks.Size() == 1 || plan.Micro != "" || len(plan.Phases) > 0 || t.set["batch"] != "" || t.set["accumulate"] != "" {
		return nil
	}
	k := min(t.opt.Ranks.Size(), plan.Batch)
	for plan.Batch%k != 0 {
		k--
	}
	if k == 1 {
		return nil
	}
	more := map[string]string{"batch": strconv.Itoa(plan.Batch / k), "accumulate": strconv.Itoa(k)}
	q, err := t.planned(more)
	if err != nil || q.Micro == "" || q.Batch*q.Accumulate != plan.Batch || q.Steps != plan.Steps {
		return nil // the program has names of its own for these; it is refused where the user is told what to do
	}
	maps.Copy(t.set, more)
	t.plan = q
	t.note(fmt.Sprintf("a step of %d sequences is %d microbatches of %d, one for each rank: as with --set batch=%d --set accumulate=%d", plan.Batch, k, plan.Batch/k, plan.Batch/k, k))
	return nil
}

// resume finds the checkpoint to go on from; the run's settings hold unless others are given.
func (t *training) resume() (*ckpt.Checkpoint, error) {
	if !t.opt.Resume && t.opt.From <= 0 {
		return nil, nil
	}
	step := int64(-1)
	if t.opt.From > 0 {
		step = t.opt.From
	}
	dir, err := ckpt.Find(t.opt.Out, step)
	if err != nil {
		return nil, missing(err)
	}
	c, err := ckpt.Open(dir)
	if err != nil {
		return nil, checkpointError(err)
	}
	if t.opt.Compiled != nil {
		return c, t.sameSettings(c)
	}
	for k, v := range c.Run.Settings {
		if _, ok := t.set[k]; !ok {
			t.set[k] = v
		}
	}
	return c, nil
}

func missing(err error) error {
	return diag.List{diag.New("WF0644", diag.Span{}, "%v", err).Suggest("name the directory of a run, as --out named it; `wfc train` without --resume begins one")}
}

// checkpointError makes diagnostics of what is wrong with a checkpoint.
func checkpointError(err error) error {
	var d *ckpt.Damage
	if errors.As(err, &d) {
		return diag.List{diag.New("WF0640", diag.Span{}, "%v", err).Suggest("take an earlier checkpoint: --from STEP of train, --step STEP of others")}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return missing(err)
	}
	return FileErrors(err)
}

// load reads the data.
func (t *training) load(p *train.Plan, from *ckpt.Checkpoint) error {
	if len(t.opt.Data) == 0 {
		return diag.List{diag.New("WF0642", diag.Span{}, "training needs data").Suggest("name files of text or tokens: --data FILE")}
	}
	var err error
	if t.opt.Data, err = tokens.Expand(t.opt.Data); err == nil {
		t.opt.Val, err = tokens.Expand(t.opt.Val)
	}
	if err != nil {
		return diag.List{diag.New("WF0642", diag.Span{}, "%v", err).Suggest("name files that are there")}
	}
	o := tokens.Options{Kind: t.opt.Tokenizer, Means: t.opt.Tokenizer, Val: valFraction, ValFiles: t.opt.Val}
	if o.Kind == "" {
		if o.Kind = p.Tokenizer; o.Kind == "" {
			o.Kind = tokens.Char
		}
	}
	help := "other files, or another --tokenizer: byte, char, gpt2"
	if from != nil && from.Run.Tokenizer.Kind != "" {
		help = "other files: the tokens of a run are fixed when it begins"
		if is := from.Run.Tokenizer.Kind; t.opt.Tokenizer != "" && t.opt.Tokenizer != is {
			return diag.List{diag.New("WF0642", diag.Span{}, "the tokens of this run are those of --tokenizer %s, not %s", is, t.opt.Tokenizer).
				Suggest("leave out --tokenizer, or begin another run with another --out")}
		}
		if o.Use, err = tokens.New(from.Run.Tokenizer); err != nil {
			return diag.List{diag.New("WF0642", diag.Span{}, "%s: %v", from.Dir, err)}
		}
	}
	if t.data, err = tokens.Load(t.opt.Data, o); err != nil {
		if list := asDiagnostics(FileErrors(err)); list != nil {
			return list
		}
		return diag.List{diag.New("WF0642", diag.Span{}, "%v", err).Suggest("%s", help)}
	}
	for _, f := range t.opt.Val {
		if slices.Contains(t.opt.Data, f) {
			t.note(fmt.Sprintf("%s is trained on and held back: the validation loss says little", f))
		}
	}
	return nil
}

func dataFiles(paths []string) (out []ckpt.DataFile, err error) {
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, fileError(err)
		}
		out = append(out, ckpt.DataFile{Name: filepath.Base(p), Bytes: st.Size()})
	}
	return out, nil
}

// settings are those of the run, and more.
func (t *training) settings(more map[string]string) map[string]string {
	set := map[string]string{}
	maps.Copy(set, t.set)
	maps.Copy(set, more)
	return set
}

// planned is the plan with the settings of the run, and more.
func (t *training) planned(more map[string]string) (*train.Plan, error) {
	if p := t.asBuilt(more); p != nil {
		return t.checked(p.Plan, p.IR, p.Name)
	}
	prog, plan, _, list := frontendPlan(t.src, t.settings(more), nil)
	if err := list.Err(); err != nil {
		return nil, err
	}
	return t.checked(plan, prog, prog.Name)
}

// checked holds a plan against its program, and gives it the order of the data that the user asked for.
func (t *training) checked(plan *train.Plan, prog *ir.Program, name string) (*train.Plan, error) {
	if plan == nil {
		return nil, diag.List{diag.New("WF0645", diag.Span{}, "%s has no train block", t.src.Name).
			Suggest("say how to train: `train %s on text { batch 16; tokens 20 per weight; .. }`", name)}
	}
	own := *plan
	if t.opt.Order != "" {
		own.Order = t.opt.Order
	}
	if err := own.Check(prog); err != nil {
		return nil, diag.List{diag.New("WF0645", diag.Span{}, "%v", err)}
	}
	return &own, nil
}

// build compiles the program with the settings of the run, and more.
func (t *training) build(more map[string]string) (*Program, error) {
	p := t.asBuilt(more)
	if p == nil {
		built, err := Build(t.src, BuildOptions{Set: t.settings(more), Machine: t.opt.Machine, MeshW: t.opt.MeshW, MeshH: t.opt.MeshH, Products: t.opt.Products,
			IndexOnly: t.opt.Target != Wafer, phases: t.phases()})
		if err != nil {
			return nil, err
		}
		p = built
	}
	if t.opt.Target == Wafer {
		if err := p.onWafer(); err != nil {
			return nil, err
		}
	}
	own := *p
	var err error
	own.Plan, err = t.checked(p.Plan, p.IR, p.Name)
	return &own, err
}

// phases are those of the run, once they are known.
func (t *training) phases() []train.Phase {
	if t.plan == nil {
		return nil
	}
	return t.plan.Phases
}

// program is the program of a phase, loaded.
func (t *training) program(phase int) (*train.Program, error) {
	p := t.progs[phase]
	if p == nil {
		var more map[string]string
		if len(t.plan.Phases) > 0 {
			more = t.plan.Phases[phase].Set
		}
		var err error
		if p, err = t.build(more); err != nil {
			return nil, err
		}
		if phase == 0 {
			p.Plan.Phases, p.Plan.Steps = t.plan.Phases, t.plan.Steps
		}
		t.progs[phase] = p
	}
	o := RunOptions{Engine: t.opt.Engine, OnEngine: t.opt.OnEngine, Native: t.opt.Native, Watch: Watch{Profile: t.opt.Profile}}
	return trainable(p, t.opt.Target, o, func(done func() (*Profile, error)) { t.profiled = done })
}

// trainable loads a program for the loop. made is told what ends the watching of every engine.
func trainable(p *Program, target Target, o RunOptions, made func(done func() (*Profile, error))) (*train.Program, error) {
	prep, err := runtime.Prepare(p.IR, runtime.Options{DataDir: p.Source.Dir, File: p.file, EngineBytes: p.engineBytes(target)})
	if err != nil {
		return nil, err
	}
	return &train.Program{Plan: p.Plan, Prepared: prep, Hash: Hash(p.IR), Engine: func() (runtime.Engine, error) {
		e, done, err := p.engine(p.IR, target, o)
		if err == nil && made != nil {
			made(done)
		}
		return e, err
	}}, nil
}

// Hash identifies a program: the SHA-256 of its text form.
func Hash(p *ir.Program) string {
	sum := sha256.Sum256([]byte(ir.Print(p)))
	return hex.EncodeToString(sum[:])
}

// trainTokenizer is the tokenizer of a checkpoint; GPT-2's vocabulary tells it otherwise.
func trainTokenizer(c *Checkpoint, m *hf.Model) tokens.Spec {
	if c != nil && c.Run.Tokenizer.Kind != "" {
		return c.Run.Tokenizer
	}
	if m.Config.Vocab == tokens.EndOfText+1 {
		return tokens.Spec{Kind: tokens.GPT2}
	}
	return tokens.Spec{}
}
