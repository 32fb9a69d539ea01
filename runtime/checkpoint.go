package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/vtk"
	"github.com/wfc-lang/wfc/runtime/xdmf"
)

// Checkpoints of a run hold every array that changes, scratch of integrators and solvers included, and where in the schedule the run is.
// A run that goes on from one takes the same steps from the same bits, so that its results are those of a run that was never
// stopped, bit for bit, on any target. They are written as package ckpt writes them: no crash loses one that was there.

// Checkpoints says when checkpoints are written, and where: to Dir/checkpoints. One is written at the end and when the run is stopped.
type Checkpoints struct {
	Dir   string
	Steps int64         // every so many steps; 0 for not
	Wall  time.Duration // every so much time of the clock on the wall; 0 for not
	Keep  int           // how many stay; 0 for all
}

// position is where a checkpoint was taken.
type position struct {
	Leg     int                    `json:"leg"`     // entry of the schedule
	Done    int64                  `json:"done"`    // its iterations that are done
	Total   int64                  `json:"total"`   // iterations of all legs that are done
	Step    int64                  `json:"step"`    // steps taken
	Time    string                 `json:"time"`    // as a hexadecimal floating-point number
	Samples []sampleText           `json:"samples"` // probes so far
	Firsts  map[string]string      `json:"firsts"`  // first values of probes with a bound on their drift
	Series  map[string][]vtk.Step  `json:"series"`  // files of time series so far
	Meshes  map[string][]xdmf.Step `json:"meshes"`
	Films   []filmState            `json:"films,omitempty"`
	Env     map[string]string      `json:"scalars"`   // host scalars the run began with
	Arrays  []string               `json:"of_arrays"` // in the order of the program
}

type sampleText struct {
	Probe string `json:"probe"`
	Step  int64  `json:"step"`
	Time  string `json:"time"`
	Value string `json:"value"`
}

// exact writes a number so that it is read back to the bit.
func exact(v float64) string { return strconv.FormatFloat(v, 'x', -1, 64) }

func unexact(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// stateGroup is the file of a checkpoint that holds the arrays.
const stateGroup = "fields"

// saver writes checkpoints.
type saver struct {
	c    *Checkpoints
	w    *ckpt.Writer
	hash string
	last int64     // step of the last one
	at   time.Time // when it was taken
}

// programHash identifies the canonical program. The orders in which reductions combine are not part of it: a run may go on on a target
// that has others.
func programHash(p *ir.Program) string {
	q := p.Clone()
	for i := range q.Funcs {
		for j := range q.Funcs[i].Ops {
			q.Funcs[i].Ops[j].Order = ir.Order{}
		}
	}
	sum := sha256.Sum256([]byte(ir.Print(q)))
	return hex.EncodeToString(sum[:])
}

func newSaver(c *Checkpoints, p *ir.Program) (*saver, error) {
	w, err := ckpt.NewWriter(ckpt.OS, filepath.Join(c.Dir, ckpt.Subdir), c.Keep)
	if err != nil {
		return nil, err
	}
	return &saver{c: c, w: w, hash: programHash(p), last: -1, at: time.Now()}, nil
}

// next is the iteration after k at which a checkpoint is due, or -1.
func (s *saver) next(l *leg, k int64) int64 {
	if s == nil {
		return -1
	}
	return due{every: s.c.Steps}.next(l, k)
}

// due says whether one is due now.
func (s *saver) due(step int64) bool {
	if s == nil || s.last == step {
		return false
	}
	return s.c.Steps > 0 && step%s.c.Steps == 0 || s.c.Wall > 0 && time.Since(s.at) >= s.c.Wall
}

// save writes a checkpoint of the run as it is after k iterations of leg i. The writing itself goes on in the background.
func (r *runner) save(i int, k int64) error {
	s := r.saver
	if s == nil || s.last == r.step {
		return nil
	}
	if err := r.out.writer.flush(); err != nil { // a checkpoint counts files that are there
		return err
	}
	films, err := r.out.saveFilms(filepath.Join(s.c.Dir, ckpt.Subdir))
	if err != nil {
		return err
	}
	pos := position{Films: films, Leg: i, Done: k, Total: r.done, Step: r.step, Time: exact(r.time), Firsts: map[string]string{}, Series: r.out.series, Meshes: r.out.meshes, Env: map[string]string{}}
	for _, x := range r.res.Samples {
		pos.Samples = append(pos.Samples, sampleText{x.Probe, x.Step, exact(x.Time), exact(x.Value)})
	}
	for name, v := range r.out.firsts {
		pos.Firsts[name] = exact(v)
	}
	for name, v := range r.env {
		pos.Env[name] = exact(v)
	}
	g := ckpt.Group{Name: stateGroup}
	for j := range r.p.Arrays {
		a := &r.p.Arrays[j]
		if a.Const {
			continue
		}
		t, err := r.raw(a.Name)
		if err != nil {
			return err
		}
		g.Tensors = append(g.Tensors, ckpt.Named{Name: a.Name, T: t})
		pos.Arrays = append(pos.Arrays, a.Name)
	}
	plan, err := json.Marshal(pos)
	if err != nil {
		return err
	}
	snap := &ckpt.Snapshot{Run: ckpt.Run{Model: r.p.Name, Program: s.hash, Step: r.step, Steps: r.total, Phase: i,
		Seconds: time.Since(r.begun).Seconds(), Note: "a run of field equations", Plan: plan}, Groups: []ckpt.Group{g}}
	s.last, s.at = r.step, time.Now()
	return s.w.Save(snap)
}

// finish waits for the last checkpoint.
func (s *saver) finish() (string, error) {
	if s == nil {
		return "", nil
	}
	return s.w.Last()
}

// resume reads a checkpoint and takes the run to its place. path is one, or the directory of a run, whose latest is taken.
func (r *runner) resume(path string) (leg int, done int64, err error) {
	dir, err := ckpt.Find(path, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, diag.List{diag.New("WF0624", diag.Span{}, "there is no checkpoint at %s", path).
			Suggest("give the directory of a run that was started with --checkpoint, or one of its checkpoints")}
	}
	if err != nil {
		return 0, 0, err
	}
	c, err := ckpt.Open(dir)
	if err != nil {
		return 0, 0, damaged(dir, err)
	}
	refuse := func(format string, args ...any) error {
		return diag.List{diag.New("WF0624", diag.Span{}, "the checkpoint %s does not fit this run: %s", dir, fmt.Sprintf(format, args...)).
			Note("a run goes on from a checkpoint of the same program with the same parameters").
			Suggest("run the program with the settings the checkpoint was made with, or start again without --restart")}
	}
	if c.Run.Program != programHash(r.p) {
		return 0, 0, refuse("it was written by another program (%s)", c.Run.Model)
	}
	var pos position
	if err := json.Unmarshal(c.Run.Plan, &pos); err != nil {
		return 0, 0, damaged(dir, err)
	}
	for _, name := range names(r.env) {
		v, ok := pos.Env[name]
		if x := unexact(v); !ok || x != r.env[name] && !(x != x && r.env[name] != r.env[name]) {
			return 0, 0, refuse("%s was %s and is %s", name, num(x), num(r.env[name]))
		}
	}
	ts, err := c.Group(stateGroup)
	if err != nil {
		return 0, 0, damaged(dir, err)
	}
	found := map[string]*ir.Tensor{}
	for _, t := range ts {
		found[t.Name] = t.T
	}
	for j := range r.p.Arrays {
		a := &r.p.Arrays[j]
		if a.Const {
			continue
		}
		t := found[a.Name]
		if t == nil || t.Elem != a.Elem || fmt.Sprint(t.Dims) != fmt.Sprint(r.p.Shape(a)) {
			return 0, 0, refuse("it does not hold %s as this program has it", a.Name)
		}
		r.arrays[a.Name] = t
	}
	if pos.Leg < 0 || pos.Leg >= len(r.legs) || pos.Done < 0 || pos.Done > r.legs[pos.Leg].n {
		return 0, 0, refuse("its place in the schedule does not exist")
	}
	r.step, r.time, r.done = pos.Step, unexact(pos.Time), pos.Total
	for _, x := range pos.Samples {
		v := unexact(x.Value)
		r.res.Samples = append(r.res.Samples, Sample{x.Probe, x.Step, unexact(x.Time), v})
		r.res.Probes[x.Probe] = Number(v)
	}
	for name, v := range pos.Firsts {
		r.out.firsts[name] = unexact(v)
	}
	if pos.Series != nil {
		r.out.series = pos.Series
	}
	if pos.Meshes != nil {
		r.out.meshes = pos.Meshes
	}
	if err := r.out.resumeFilms(filepath.Dir(dir), pos.Films, r.saver != nil && sameFile(filepath.Join(r.saver.c.Dir, ckpt.Subdir), filepath.Dir(dir))); err != nil {
		return 0, 0, err
	}
	r.out.resumed(r.step)
	if r.saver != nil {
		r.saver.last = r.step
	}
	r.watch.last = r.step
	return pos.Leg, pos.Done, nil
}

// sameFile reports whether two paths name one directory.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

func damaged(dir string, err error) error {
	return diag.List{diag.New("WF0624", diag.Span{}, "the checkpoint %s cannot be read: %v", dir, err).Suggest("take an earlier one")}
}
