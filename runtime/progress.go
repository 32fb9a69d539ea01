package runtime

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// Progress shows how far a run is. At may be called from another goroutine than the others, but not at the same time as another At.
type Progress interface {
	Begin(total int64)           // iterations; 0 when the program decides
	At(done int64, time float64) // after done iterations, at a time of the program; NaN when only the program knows it
	End()
}

// timeAt is ", t = 0.5".
func timeAt(t float64) string {
	if t != t {
		return ""
	}
	return fmt.Sprintf(", t = %.4g", t)
}

type silent struct{}

func (silent) Begin(int64)       {}
func (silent) At(int64, float64) {}
func (silent) End()              {}

// NewBar shows a bar with the remaining time on a terminal.
func NewBar(w io.Writer) Progress { return &bar{w: w} }

type bar struct {
	watched
	w io.Writer
	b *pb.ProgressBar
}

const barTemplate = `{{counters . }} {{bar . }} {{percent . }} {{rtime . "ETA %s"}} {{string . "time"}}`

func (p *bar) Begin(total int64) {
	p.b = pb.ProgressBarTemplate(barTemplate).New(int(total))
	p.b.SetWriter(p.w)
	p.b.SetRefreshRate(100 * time.Millisecond)
	p.b.Set(pb.CleanOnFinish, true)
	if p.b.Width() <= 0 { // a terminal that does not know its width
		p.b.SetWidth(80)
	}
	p.b.Start()
}

func (p *bar) At(done int64, t float64) {
	p.b.Set("time", strings.TrimPrefix(timeAt(t)+p.text(), ", "))
	p.b.SetCurrent(done)
}

// Watcher is implemented by a Progress that shows monitored numbers.
type Watcher interface{ Watch(name string, v float64) }

// watched keeps the last values of monitors, in the order in which they came first.
type watched struct {
	mu     sync.Mutex // At may come from another goroutine
	names  []string
	values map[string]float64
}

// Watch notes a value.
func (w *watched) Watch(name string, v float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.values == nil {
		w.values = map[string]float64{}
	}
	if _, ok := w.values[name]; !ok {
		w.names = append(w.names, name)
	}
	w.values[name] = v
}

// text is what follows the time, ", mass = 1.5".
func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := ""
	for i, n := range w.names {
		if i == 3 {
			break
		}
		s += fmt.Sprintf(", %s = %.6g", n, w.values[n])
	}
	return s
}

// Note prints a line above the bar.
func (p *bar) Note(line string) { fmt.Fprintf(p.w, "\r\033[K%s\n", line) }

// Note prints a line.
func (p *lines) Note(line string) { fmt.Fprintln(p.w, line) }

func (p *bar) End() {
	if p.b != nil {
		p.b.Finish()
	}
}

// NewLines prints a plain line every few seconds, for logs and pipes. A run that is over sooner prints none.
func NewLines(w io.Writer, every time.Duration) Progress { return &lines{w: w, every: every} }

type lines struct {
	watched
	w           io.Writer
	every       time.Duration
	begun, last time.Time
	total       int64
}

func (p *lines) Begin(total int64) {
	p.total = total
	p.begun = time.Now()
	p.last = p.begun
}

func (p *lines) At(done int64, t float64) {
	now := time.Now()
	if now.Sub(p.last) < p.every || done == 0 {
		return
	}
	p.last = now
	if p.total == 0 {
		fmt.Fprintf(p.w, "step %d%s%s\n", done, timeAt(t), p.text())
		return
	}
	left := time.Duration(float64(now.Sub(p.begun)) / float64(done) * float64(p.total-done))
	fmt.Fprintf(p.w, "step %d of %d (%d %%)%s%s, %s left\n", done, p.total, done*100/max(1, p.total), timeAt(t), p.text(), left.Round(time.Second))
}

func (p *lines) End() {}
