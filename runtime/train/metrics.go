package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/png"
)

// Files in the directory of a run.
const (
	MetricsFile = "metrics.jsonl" // one JSON object per step and per evaluation
	PlotFile    = "loss.png"
)

// Event is an optimizer step.
type Event struct {
	Step       int64
	Phase      int
	Tokens     uint64 // since the start of the run
	Epoch      uint64
	Loss       float64
	Metrics    []Value
	StepTokens int64
	Seconds    float64
}

// Value is a metric's.
type Value struct {
	Name  string
	Value runtime.Number
}

func number(v float64) runtime.Number { return runtime.Number(v) }

// metrics is the log of a run and what its plot needs.
type metrics struct {
	path  string
	f     *os.File
	w     *bufio.Writer
	train []point
	val   []point
}

type point struct {
	step int64
	loss float64
}

// line is what is read back of a line.
type line struct {
	Step int64    `json:"step"`
	Loss *float64 `json:"loss"`
	Val  *float64 `json:"val_loss"`
}

// openMetrics opens the log to append to. Lines of steps after the given one are dropped: a run that goes on from an earlier
// checkpoint does those steps again.
func openMetrics(path string, step int64) (*metrics, error) {
	m := &metrics{path: path}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var keep bytes.Buffer
	for _, b := range bytes.SplitAfter(old, []byte("\n")) {
		var l line
		if len(b) == 0 || b[len(b)-1] != '\n' || json.Unmarshal(b, &l) != nil || l.Step > step || step == 0 {
			continue // after a crash the last line may be cut
		}
		keep.Write(b)
		m.note(&l)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	if !bytes.Equal(old, keep.Bytes()) {
		if err := os.WriteFile(path+".tmp", keep.Bytes(), 0o666); err != nil {
			return nil, err
		}
		if err := os.Rename(path+".tmp", path); err != nil {
			return nil, err
		}
	}
	if m.f, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil {
		return nil, err
	}
	m.w = bufio.NewWriter(m.f)
	return m, nil
}

func (m *metrics) note(l *line) {
	if l.Loss != nil {
		m.train = append(m.train, point{l.Step, *l.Loss})
	}
	if l.Val != nil {
		m.val = append(m.val, point{l.Step, *l.Val})
	}
}

func (m *metrics) step(e *Event) error {
	loss, err := json.Marshal(number(e.Loss))
	if err != nil {
		return err
	}
	fmt.Fprintf(m.w, `{"step":%d,"phase":%d,"epoch":%d,"tokens":%d,"loss":%s`, e.Step, e.Phase, e.Epoch, e.Tokens, loss)
	for _, v := range e.Metrics {
		name, err := json.Marshal(v.Name)
		if err != nil {
			return err
		}
		b, err := json.Marshal(v.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(m.w, ",%s:%s", name, b)
	}
	_, err = fmt.Fprintf(m.w, `,"seconds":%.6f}`+"\n", e.Seconds)
	m.train = append(m.train, point{e.Step, e.Loss})
	return err
}

func (m *metrics) eval(step int64, loss runtime.Number, batches int) error {
	b, err := json.Marshal(loss)
	if err != nil {
		return err
	}
	m.val = append(m.val, point{step, float64(loss)})
	_, err = fmt.Fprintf(m.w, `{"step":%d,"val_loss":%s,"batches":%d}`+"\n", step, b, batches)
	return err
}

// flush writes out what is logged, and the plot.
func (m *metrics) flush() error {
	if err := m.w.Flush(); err != nil {
		return err
	}
	return m.plot(filepath.Join(filepath.Dir(m.path), PlotFile))
}

func (m *metrics) close() error { return errors.Join(m.flush(), m.f.Close()) }

// plotPoints is how many points a plot has at most: each is the mean of a stretch of steps.
const plotPoints = 500

// plot draws the training loss over the steps.
func (m *metrics) plot(path string) error {
	if len(m.train) < 2 {
		return nil
	}
	n := min(len(m.train), plotPoints)
	mean := make([]float64, n)
	for i := range n {
		lo, hi := i*len(m.train)/n, (i+1)*len(m.train)/n
		for _, p := range m.train[lo:hi] {
			mean[i] += p.loss
		}
		mean[i] /= float64(hi - lo)
	}
	title := fmt.Sprintf("loss, step %d: %.4f", m.train[len(m.train)-1].step, mean[n-1])
	if k := len(m.val); k > 0 {
		title += fmt.Sprintf(", validation %.4f", m.val[k-1].loss)
	}
	p := &png.Plot{Title: title, X: png.Axis{Name: "step", N: n, Lo: float64(m.train[0].step), Hi: float64(m.train[len(m.train)-1].step)},
		Value: func(i, _ int) float64 {
			if math.IsInf(mean[i], 0) {
				return math.NaN()
			}
			return mean[i]
		}}
	return p.WriteFile(path)
}

// halved rounds to half precision.
func halved(v *ir.Tensor) *ir.Tensor {
	out := ir.NewTensor(ir.F16, v.Dims...)
	for i, x := range v.F32 {
		out.F32[i] = ieee.RoundHalf32(x)
	}
	return out
}
