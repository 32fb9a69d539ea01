// Package ckpt keeps the state of training runs: written so that no moment of a crash loses it, read so that no damage goes unseen.
//
// A checkpoint is a directory step-0000001000 with one safetensors file per group of state (weights, m, v, ..) and run.json. Tensors
// have the logical names of the model and row-major order: where a program kept them is not in the file, so any program of the model
// can load them. run.json holds everything else that continues a run, and the SHA-256 of every file and of itself.
//
// Writing: all files go to a directory of another name, each is synced, then the directory, which then gets its name by one rename,
// and the parent is synced. A crash leaves the checkpoints there were, or these and the new one. Old ones are renamed before they are
// removed, so that a directory named step-* is always whole.
package ckpt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/safetensors"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

// Names in a checkpoint directory.
const (
	RunFile = "run.json"
	Weights = "weights" // the group that every checkpoint has
	ext     = ".safetensors"
	prefix  = "step-"
	// Format is the version written; earlier ones are read.
	Format = 1
)

// Run is run.json.
type Run struct {
	Format   int               `json:"format"`
	Model    string            `json:"model"`
	Program  string            `json:"program"` // SHA-256 of the canonical IR
	Target   string            `json:"target"`
	Source   string            `json:"source"`             // file name of the program
	Settings map[string]string `json:"settings,omitempty"` // --set
	Step     int64             `json:"step"`               // optimizer steps done
	Steps    int64             `json:"steps"`              // of the whole run
	Phase    int               `json:"phase"`
	Tokens   uint64            `json:"tokens"` // trained on
	// Seed and Cursor are the state of the order of the data. Random numbers of the program are counted by its own state.
	Seed      uint64          `json:"seed"`
	Order     string          `json:"order,omitempty"`
	Cursor    tokens.Cursor   `json:"cursor"`
	Data      []DataFile      `json:"data,omitempty"`
	Tokenizer tokens.Spec     `json:"tokenizer"`
	Schedule  string          `json:"schedule,omitempty"`
	Optimizer string          `json:"optimizer,omitempty"`
	Precision string          `json:"precision,omitempty"`
	Loss      *float64        `json:"loss,omitempty"`     // of the last step
	ValLoss   *float64        `json:"val_loss,omitempty"` // of the last evaluation
	Seconds   float64         `json:"seconds"`            // of training, over all starts
	Restarts  []Restart       `json:"restarts"`
	Note      string          `json:"note,omitempty"` // where a checkpoint that no run wrote comes from
	Plan      json.RawMessage `json:"plan,omitempty"`
	Files     []Sum           `json:"files"`
	Self      string          `json:"sha256"` // of this document with this field empty
}

// DataFile identifies training data.
type DataFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Restart is an entry of the history: the first is the start of the run.
type Restart struct {
	Step    int64  `json:"step"`
	Time    string `json:"time"` // RFC 3339
	Program string `json:"program"`
	Target  string `json:"target"`
	From    string `json:"from,omitempty"` // directory of the checkpoint
}

// Sum identifies a file of a checkpoint.
type Sum struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Named is a tensor with its logical name. Where Fetch is not nil it makes the tensor when it is written, and T says only its type and shape:
// then no more than one tensor is in memory at a time.
type Named struct {
	Name  string
	T     *ir.Tensor
	Fetch func() (*ir.Tensor, error)
}

// tensor is the tensor with its data.
func (n *Named) tensor() (*ir.Tensor, error) {
	if n.Fetch != nil {
		return n.Fetch()
	}
	return n.T, nil
}

// Group is the state of one kind, one file.
type Group struct {
	Name    string
	Tensors []Named
}

// Snapshot is the state of a run at one moment, in memory or, where tensors are fetched, in an engine that stands still.
type Snapshot struct {
	Run    Run
	Groups []Group
}

// StepDir is the name of the directory of a step.
func StepDir(step int64) string { return fmt.Sprintf("%s%010d", prefix, step) }

// stepOf is the step of a directory's name.
func stepOf(name string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok || len(digits) < 10 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && StepDir(n) == name
}

// Steps lists the checkpoints in a directory, ascending.
func Steps(fs FS, dir string) ([]int64, error) {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, n := range names {
		if s, ok := stepOf(n); ok {
			out = append(out, s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out, nil
}

// Damage is a checkpoint file that is not what was written.
type Damage struct{ File, What string }

func (d *Damage) Error() string { return d.File + ": " + d.What }

// Checkpoint is an open checkpoint.
type Checkpoint struct {
	Dir string
	Run Run
}

// maxRun bounds run.json.
const maxRun = 64 << 20

// Open reads run.json of a checkpoint directory and checks it; the tensors are read by Group.
func Open(dir string) (*Checkpoint, error) {
	path := filepath.Join(dir, RunFile)
	st, err := os.Stat(path)
	if isDir, derr := os.Stat(dir); errors.Is(err, os.ErrNotExist) && derr == nil && isDir.IsDir() {
		return nil, &Damage{path, "the file is missing"}
	}
	if err != nil {
		return nil, err
	}
	if st.Size() > maxRun {
		return nil, &Damage{path, fmt.Sprintf("%d bytes; it has at most %d", st.Size(), maxRun)}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Dir: dir}
	if err := parseRun(b, &c.Run); err != nil {
		return nil, &Damage{path, err.Error()}
	}
	return c, nil
}

// parseRun reads and checks run.json.
func parseRun(b []byte, r *Run) error {
	if err := json.Unmarshal(b, r); err != nil {
		return fmt.Errorf("the file is cut or altered: %v", err)
	}
	if r.Format < 1 || r.Format > Format {
		return fmt.Errorf("format %d of checkpoints; this wfc reads 1 to %d", r.Format, Format)
	}
	want := r.Self
	text, err := r.text()
	if err != nil {
		return err
	}
	if r.Self != want || string(text) != string(b) {
		return errors.New("the file was altered: its contents do not have the SHA-256 it states")
	}
	seen := map[string]bool{}
	for _, f := range r.Files {
		if filepath.Base(f.Name) != f.Name || !strings.HasSuffix(f.Name, ext) || seen[f.Name] {
			return fmt.Errorf("file name %q", f.Name)
		}
		seen[f.Name] = true
	}
	if r.Step < 0 || r.Steps < 0 || r.Phase < 0 {
		return errors.New("it counts below zero")
	}
	return nil
}

// text is the document, with Self set.
func (r *Run) text() ([]byte, error) {
	r.Self = ""
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	r.Self = hex.EncodeToString(sum[:])
	b, err = json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// Groups lists the groups of a checkpoint in the order of the files.
func (c *Checkpoint) Groups() (out []string) {
	for _, f := range c.Run.Files {
		out = append(out, strings.TrimSuffix(f.Name, ext))
	}
	return out
}

// Has says whether there is a group of that name.
func (c *Checkpoint) Has(group string) bool { return c.sum(group) != nil }

func (c *Checkpoint) sum(group string) *Sum {
	for i := range c.Run.Files {
		if c.Run.Files[i].Name == group+ext {
			return &c.Run.Files[i]
		}
	}
	return nil
}

// Path is the file of a group.
func (c *Checkpoint) Path(group string) string { return filepath.Join(c.Dir, group+ext) }

// Verify reads a file to its end and compares it with what run.json says.
func (c *Checkpoint) Verify(group string) error {
	s := c.sum(group)
	if s == nil {
		return fmt.Errorf("%s has no state %q", c.Dir, group)
	}
	path := c.Path(group)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return &Damage{path, "the file is missing"}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	switch sum := hex.EncodeToString(h.Sum(nil)); {
	case n < s.Bytes:
		return &Damage{path, fmt.Sprintf("the file is cut: %d of %d bytes", n, s.Bytes)}
	case n > s.Bytes:
		return &Damage{path, fmt.Sprintf("the file was altered: %d bytes where %d were written", n, s.Bytes)}
	case sum != s.SHA256:
		return &Damage{path, "the file was altered: SHA-256 " + sum[:16] + ".. where " + s.SHA256[:min(16, len(s.SHA256))] + ".. was written"}
	}
	return nil
}

// VerifyAll checks all files. All damage is reported.
func (c *Checkpoint) VerifyAll() error {
	var errs []error
	for _, g := range c.Groups() {
		errs = append(errs, c.Verify(g))
	}
	return errors.Join(errs...)
}

// Group checks and reads the tensors of a group, in the order of the file.
func (c *Checkpoint) Group(group string) ([]Named, error) {
	if err := c.Verify(group); err != nil {
		return nil, err
	}
	f, err := safetensors.Open(c.Path(group))
	if err != nil {
		return nil, &Damage{c.Path(group), err.Error()}
	}
	defer f.Close()
	out := make([]Named, len(f.Entries))
	for i := range f.Entries {
		t, err := f.Tensor(f.Entries[i].Name)
		if err != nil {
			return nil, err
		}
		out[i] = Named{Name: f.Entries[i].Name, T: t}
	}
	return out, nil
}

// Find is the checkpoint that a path means: a checkpoint directory itself, or the latest of a run, whose directory it is. step chooses
// another one of the run; negative takes the latest.
func Find(path string, step int64) (string, error) {
	if _, err := os.Stat(filepath.Join(path, RunFile)); err == nil {
		return path, nil
	}
	if st, err := os.Stat(path); err != nil {
		return "", err
	} else if !st.IsDir() {
		return "", fmt.Errorf("%s is no directory of a run or a checkpoint", path)
	}
	dir := filepath.Join(path, Subdir)
	if err := Recover(OS, dir); err != nil {
		return "", err
	}
	steps, err := Steps(OS, dir)
	if err != nil {
		return "", err
	}
	if len(steps) == 0 {
		return "", fmt.Errorf("%s holds no checkpoint: %w", path, os.ErrNotExist)
	}
	if step < 0 {
		step = steps[len(steps)-1]
	}
	for _, s := range steps {
		if s == step {
			return filepath.Join(dir, StepDir(s)), nil
		}
	}
	return "", fmt.Errorf("%s holds no checkpoint of step %d; there are %v", path, step, steps)
}

// Subdir is where the checkpoints of a run are, in the directory of the run.
const Subdir = "checkpoints"
