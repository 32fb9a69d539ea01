package wfc

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/tokens"
	"github.com/wfc-lang/wfc/runtime/train"
)

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
