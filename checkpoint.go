package wfc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/convert"
	"github.com/wfc-lang/wfc/runtime/gguf"
	"github.com/wfc-lang/wfc/runtime/hf"
	"github.com/wfc-lang/wfc/runtime/safetensors"
	"github.com/wfc-lang/wfc/runtime/tokens"
	"github.com/wfc-lang/wfc/runtime/train"
)

// Checkpoint is an open checkpoint of a run.
type Checkpoint = ckpt.Checkpoint

// OpenCheckpoint opens the checkpoint that a path means: its directory, or that of a run, of which step chooses one (negative: the
// latest). Nothing but run.json has been read then.
func OpenCheckpoint(path string, step int64) (*Checkpoint, error) {
	dir, err := ckpt.Find(path, step)
	if err != nil {
		return nil, missing(err)
	}
	c, err := ckpt.Open(dir)
	if err != nil {
		return nil, checkpointError(err)
	}
	return c, nil
}

// CheckpointInfo writes what a checkpoint holds, and reads all of it to find damage, which is the error. With tensors every tensor is
// listed, with its mean and root mean square.
func CheckpointInfo(w io.Writer, c *Checkpoint, tensors bool) error {
	r := &c.Run
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("checkpoint", "%s", c.Dir)
	row("model", "%s, program %s on %s", r.Model, short(r.Program), r.Target)
	if r.Note != "" {
		row("note", "%s", r.Note)
	}
	row("step", "%d of %d, phase %d, %d tokens, %.0f s", r.Step, r.Steps, r.Phase, r.Tokens, r.Seconds)
	for _, l := range []struct {
		name string
		v    *float64
	}{{"loss", r.Loss}, {"validation", r.ValLoss}} {
		if l.v != nil {
			row(l.name, "%.6f", *l.v)
		}
	}
	row("data", "seed %d, epoch %d, sequence %d of %d tokens each", r.Seed, r.Cursor.Epoch, r.Cursor.Sequence, r.Cursor.Context)
	for _, d := range r.Data {
		row("", "%s, %d bytes", d.Name, d.Bytes)
	}
	for _, x := range r.Restarts {
		from := "begun"
		if x.From != "" {
			from = "from " + x.From
		}
		row("history", "step %d %s %s, program %s on %s", x.Step, x.Time, from, short(x.Program), x.Target)
	}
	var errs []error
	for i, g := range c.Groups() {
		f := r.Files[i]
		if err := c.Verify(g); err != nil {
			errs = append(errs, err)
			row(g, "%d bytes, DAMAGED", f.Bytes)
			continue
		}
		row(g, "%d bytes, sha256 %s", f.Bytes, f.SHA256)
		if tensors {
			if err := listTensors(w, c, g); err != nil {
				return err
			}
		}
	}
	if len(errs) == 0 {
		row("whole", "yes: every file has its SHA-256")
		return nil
	}
	var list diag.List
	for _, err := range errs {
		list = append(list, diag.New("WF0640", diag.Span{}, "%v", err))
	}
	list[len(list)-1].Suggest("take an earlier checkpoint")
	return list
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func listTensors(w io.Writer, c *Checkpoint, group string) error {
	ts, err := c.Group(group)
	if err != nil {
		return checkpointError(err)
	}
	for _, t := range ts {
		sum, sq := 0.0, 0.0
		n := t.T.Len()
		for i := range n {
			v := t.T.At(i)
			sum += v
			sq += v * v
		}
		k := math.Max(1, float64(n))
		fmt.Fprintf(w, "  %-20s %-4v %-20s mean %12.5g  rms %12.5g\n", t.Name, t.T.Elem, fmt.Sprint(t.T.Dims), sum/k, math.Sqrt(sq/k))
	}
	return nil
}

// CheckpointJSON is run.json of a checkpoint.
func CheckpointJSON(c *Checkpoint) ([]byte, error) {
	b, err := json.MarshalIndent(&c.Run, "", "  ")
	return append(b, '\n'), err
}

// DiffCheckpoints writes how two checkpoints differ and says whether their states are equal: bit for bit, or with a tolerance above 0 when
// the norm of no tensor's difference is more than that part of the tensor's norm.
func DiffCheckpoints(w io.Writer, a, b *Checkpoint, tolerance float64) (equal bool, err error) {
	list, err := ckpt.Diff(a, b)
	if err != nil {
		return false, checkpointError(err)
	}
	equal = true
	same := 0
	for _, c := range list {
		switch {
		case c.What != "":
			fmt.Fprintf(w, "%-28s %s\n", c.Name, c.What)
			equal = false
		case c.Differ > 0:
			fmt.Fprintf(w, "%-28s %d of %d values differ, by %.3g at most, %.3g in the norm\n", c.Name, c.Differ, c.Count, c.Max, c.Rel)
			equal = equal && c.Rel <= tolerance && tolerance > 0 // a NaN is not equal
		default:
			same++
		}
	}
	fmt.Fprintf(w, "%d of %d tensors are equal bit for bit\n", same, len(list))
	return equal, nil
}

// AverageCheckpoints writes the mean of the weights of checkpoints to a new directory. parts may be nil.
func AverageCheckpoints(list []*Checkpoint, parts []float64, out string) error {
	s, err := ckpt.Average(list, parts)
	if err != nil {
		return convertError(err)
	}
	if err := ckpt.WriteDir(ckpt.OS, out, s); err != nil {
		return convertError(err)
	}
	last := list[len(list)-1]
	src, err := runSource(last.Dir, last)
	if err != nil {
		return nil // made without its source: it can be exported and begun with, not sampled
	}
	return FileErrors(os.WriteFile(filepath.Join(out, modelFile+filepath.Ext(src.Name)), []byte(src.Text), 0o666))
}

// ConvertOptions say what Convert writes.
type ConvertOptions struct {
	To     string             // hf, gguf or wfc; "" is told by the names
	DType  string             // f32, f16, bf16 (hf); f32, f16, q8_0 (gguf); "" is f32
	Fold   bool               // multiply muP's multipliers into the weights (gguf always)
	Shard  int64              // bytes of a file at most (hf), 0 one file
	Config map[string]float64 // what the checkpoint does not say of its model
	Model  *Source            // wfc: the model whose names and shapes the weights get; nil: the usual ones
	Set    map[string]string  // of Model
}

// Convert turns a checkpoint into a Hugging Face directory or a GGUF file, or a Hugging Face directory or a model file of llm.c into a
// checkpoint of weights.
func Convert(from, to string, o ConvertOptions) error {
	_, err := os.Stat(filepath.Join(from, hf.ConfigFile))
	isHF := err == nil || hf.IsLLMC(from)
	if o.To == "" {
		switch {
		case strings.HasSuffix(to, ".gguf"):
			o.To = "gguf"
		case isHF && (o.DType == "" || o.Model != nil):
			o.To = "wfc"
		default:
			o.To = "hf"
		}
	}
	m, c, err := readModel(from, isHF, o)
	if err != nil {
		return convertError(err)
	}
	switch o.To {
	case "hf":
		t, ok := map[string]safetensors.DType{"": safetensors.F32, "f32": safetensors.F32, "f16": safetensors.F16, "bf16": safetensors.BF16}[o.DType]
		if !ok {
			return convertError(fmt.Errorf("weights are written as f32, f16 or bf16, not %s", o.DType))
		}
		return convertError(hf.Export(m, to, hf.ExportOptions{DType: t, Shard: o.Shard, Fold: o.Fold}))
	case "gguf":
		return convertError(writeGGUF(m, c, to, o.DType))
	case "wfc":
		return convertError(writeWeights(m, to, o))
	}
	return convertError(fmt.Errorf("files are converted to hf, gguf or wfc, not %q", o.To))
}

func readModel(from string, isHF bool, o ConvertOptions) (*hf.Model, *Checkpoint, error) {
	if isHF {
		load := hf.Import
		if hf.IsLLMC(from) {
			load = hf.ImportLLMC
		}
		m, err := load(from)
		if err == nil && o.Fold && o.To != "hf" {
			m.Fold()
		}
		return m, nil, err
	}
	c, err := OpenCheckpoint(from, -1)
	if err != nil {
		return nil, nil, err
	}
	m, err := convert.FromCheckpoint(c, o.Config)
	return m, c, err
}

func writeGGUF(m *hf.Model, c *Checkpoint, to, dtype string) error {
	if dtype == "" {
		dtype = "f32"
	}
	t, ok := gguf.ParseType(dtype)
	if !ok {
		return fmt.Errorf("weights are written as f32, f16 or q8_0, not %s", dtype)
	}
	name, spec := m.Config.Family, trainTokenizer(c, m)
	if c != nil {
		name = c.Run.Model
	}
	f, err := os.Create(to + ".tmp")
	if err != nil {
		return err
	}
	if err = gguf.WriteModel(f, m, name, t, spec); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(to+".tmp"))
	}
	return os.Rename(to+".tmp", to)
}

// writeWeights writes a checkpoint of weights, with the source of the model when there is one.
func writeWeights(m *hf.Model, to string, o ConvertOptions) error {
	var plan *train.Plan
	source := ""
	if o.Model != nil {
		p, err := Build(*o.Model, BuildOptions{Set: o.Set, IndexOnly: true})
		if err != nil {
			return err
		}
		if p.Plan == nil {
			return diag.List{diag.New("WF0645", diag.Span{}, "%s has no train block, which would list its weights", o.Model.Name)}
		}
		plan, source = p.Plan, filepath.Base(o.Model.Name)
	}
	s, err := convert.ToCheckpoint(m, plan)
	if err != nil {
		return err
	}
	s.Run.Source, s.Run.Settings, s.Run.Tokenizer = source, o.Set, trainTokenizer(nil, m)
	if err := ckpt.WriteDir(ckpt.OS, to, s); err != nil || source == "" {
		return err
	}
	return os.WriteFile(filepath.Join(to, modelFile+filepath.Ext(source)), []byte(o.Model.Text), 0o666)
}

// convertError makes diagnostics of what is wrong with models and checkpoints.
func convertError(err error) error {
	if err == nil || asDiagnostics(err) != nil {
		return err
	}
	var d *ckpt.Damage
	if errors.As(err, &d) {
		return checkpointError(err)
	}
	if list := asDiagnostics(FileErrors(err)); list != nil {
		return list
	}
	out := diag.New("WF0646", diag.Span{}, "%v", err)
	var m *convert.Misfit
	if errors.As(err, &m) {
		out.Suggest("%s", m.Help())
	}
	return diag.List{out}
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
