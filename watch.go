package wfc

import (
	"context"
	"errors"
	"io"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/sim"
	"github.com/wfc-lang/wfc/target/wse/trace"
)

// Window is a rectangle of PEs; the zero value is the whole mesh.
type Window = trace.Window

// Watch says what to record of a simulation. The zero value records nothing and costs nothing.
type Watch struct {
	Profile  bool      // where the cycles went: Result.Profile and the report
	Timeline io.Writer // Trace Event JSON, for https://ui.perfetto.dev
	Trace    io.Writer // text trace, for the viewer davidz-cerebras/wse-viz
	Window   Window    // PEs in Timeline and Trace
}

func (w Watch) on() bool { return w.Profile || w.Timeline != nil || w.Trace != nil }

// check refuses a window in which no PE of the program lies.
func (w Watch) check(p *wse.Program) error {
	if w.Timeline == nil && w.Trace == nil || w.Window.X < p.W && w.Window.Y < p.H {
		return nil
	}
	return diag.List{diag.New("WF0606", diag.Span{}, "the window begins at PE (%d,%d), outside the mesh of %d x %d", w.Window.X, w.Window.Y, p.W, p.H).
		Suggest("--window %d,%d,%d,%d is inside", min(w.Window.X, max(0, p.W-w.Window.W)), min(w.Window.Y, max(0, p.H-w.Window.H)),
			min(p.W, w.Window.W), min(p.H, w.Window.H))}
}

// watched is a simulated wafer whose launches are told to those who watch.
type watched struct {
	*sim.Sim
	funcs []string
	early bool // a launch may end before its iterations are done
	prof  *trace.Profile
	cut   int64 // iterations that a cancelled launch was told not to do
}

// start attaches the watchers. done ends their documents.
func (v *watched) start(w Watch) (done func() (*report.Profile, error)) {
	var tee sim.Tee
	var closers []io.Closer
	if w.Profile {
		v.prof = trace.NewProfile(v.Sim)
		tee = append(tee, v.prof)
	}
	if w.Timeline != nil {
		t := trace.NewTimeline(w.Timeline, v.Sim, w.Window)
		tee, closers = append(tee, t), append(closers, t)
	}
	if w.Trace != nil {
		t := trace.NewViewer(w.Trace, v.Sim, w.Window)
		tee, closers = append(tee, t), append(closers, t)
	}
	if len(tee) > 0 {
		v.SetSink(tee)
	}
	return func() (*report.Profile, error) {
		var err error
		for _, c := range closers {
			err = errors.Join(err, c.Close())
		}
		if v.prof == nil {
			return nil, err
		}
		return v.prof.Report(), err
	}
}

// Launch tells the profile which function is launched: the first launch register is its number, the second its iterations.
func (v *watched) Launch(ctx context.Context, args ...int32) (sim.Stats, error) {
	known := v.prof != nil && len(args) > 1 && int(args[0]) < len(v.funcs)
	if known {
		v.prof.Begin(v.funcs[args[0]], int64(args[1]))
	}
	v.cut = 0
	st, err := v.Sim.Launch(ctx, args...)
	if known {
		v.prof.Undone(v.funcs[args[0]], v.cut)
	}
	if known && v.early && err == nil {
		var left [1]uint32
		if v.ReadArray(0, 0, codegen.LeftArray, 0, left[:]) == nil {
			v.prof.Undone(v.funcs[args[0]], int64(int32(left[0])))
		}
	}
	return st, err
}

// OnCancel notes by how much f shortens a launch: all PEs count down by the same number.
func (v *watched) OnCancel(f func(each func(f func(args []int32)))) {
	v.Sim.OnCancel(func(each func(f func(args []int32))) {
		left := func() (n int64) {
			each(func(args []int32) {
				if len(args) > 1 {
					n = int64(args[1])
				}
			})
			return n
		}
		before := left()
		f(each)
		v.cut = before - left()
	})
}
