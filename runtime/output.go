package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/npy"
	"github.com/wfc-lang/wfc/runtime/png"
	"github.com/wfc-lang/wfc/runtime/vtk"
	"github.com/wfc-lang/wfc/runtime/xdmf"
)

// when tells why outputs are looked at.
type when uint8

const (
	stopStart when = iota // before the first step
	stopDue               // an output or a probe is due
	stopEnd               // after the last step
)

// outputs writes files and takes probes.
type outputs struct {
	r       *runner
	due     []due // parallel to Program.Outputs
	probe   []due // parallel to Program.Probes
	last    []int64
	lastP   []int64
	firsts  map[string]float64     // of probes with a bound on their drift
	meshes  map[string][]xdmf.Step // series of XDMF so far
	films   []*film
	series  map[string][]vtk.Step // .pvd file -> its files
	writer  writer                // of files; meshes and series are its own between two flushes
	written []string
	pauses  int // stops during a run for which a machine stood still
}

func newOutputs(r *runner) *outputs {
	o := &outputs{r: r, firsts: map[string]float64{}, meshes: map[string][]xdmf.Step{}, series: map[string][]vtk.Step{}}
	for _, x := range r.p.Outputs {
		o.due, o.last = append(o.due, r.dueOf(x.Steps, x.Seconds)), append(o.last, -1)
	}
	for _, x := range r.p.Probes {
		o.probe, o.lastP = append(o.probe, r.dueOf(x.Steps, x.Seconds)), append(o.lastP, -1)
	}
	return o
}

// resumed says that a run goes on after a step: what was due then is done.
func (o *outputs) resumed(step int64) {
	for i := range o.last {
		if o.due[i].ever() {
			o.last[i] = step
		}
	}
	for i := range o.lastP {
		if o.probe[i].ever() {
			o.lastP[i] = step
		}
	}
}

// ready makes the output directory and tries it, so that a run does not end in vain after hours.
func (o *outputs) ready() error {
	dir := o.r.opt.OutDir
	if dir == "" || len(o.due)+len(o.probe) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".wfc-*")
	if err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: errors.Unwrap(err)}
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(name)
}

// next is the first iteration of the leg after k at which an output or a probe is due, or -1.
func (o *outputs) next(l *leg, k int64) int64 {
	best := int64(-1)
	for i, d := range append(append([]due(nil), o.due...), o.probe...) {
		if i < len(o.due) && o.r.opt.OutDir == "" {
			continue
		}
		if n := d.next(l, k); n >= 0 && (best < 0 || n < best) {
			best = n
		}
	}
	return best
}

// stop takes the probes and writes the outputs that are due now.
func (r *runner) stop(w when) error {
	o := r.out
	wrote, took := false, false
	for i := range r.p.Outputs {
		if !r.isDue(o.due[i], w, o.last[i]) || r.opt.OutDir == "" {
			continue
		}
		o.last[i], wrote = r.step, true
		if err := o.write(&r.p.Outputs[i], o.due[i].ever()); err != nil {
			return err
		}
	}
	for i := range r.p.Probes {
		d := o.probe[i]
		if r.isDue(d, w, o.lastP[i]) || wrote && !d.ever() && o.lastP[i] != r.step {
			o.lastP[i], took = r.step, true
			if err := o.take(&r.p.Probes[i]); err != nil {
				return err
			}
		}
	}
	if _, counts := r.e.(Counter); counts && w == stopDue && r.view == nil && (wrote || took) && r.here < r.now.n && !r.over {
		o.pauses++
	}
	if w == stopEnd && r.opt.OutDir != "" && len(r.res.Samples) > 0 {
		return o.writeProbes()
	}
	return nil
}

// isDue says whether something with interval d that was last done after step last is due.
func (r *runner) isDue(d due, w when, last int64) bool {
	switch {
	case last == r.step && last >= 0 && w != stopStart:
		return false
	case w == stopEnd:
		return true
	case !d.ever():
		return false
	case w == stopStart:
		return true
	case d.every > 0 && r.step%d.every == 0:
		return true
	}
	return d.seconds > 0 && r.crossed(d)
}

// crossed says whether the step that just ended reached or passed a multiple of an interval of time.
func (r *runner) crossed(d due) bool {
	l := r.now
	switch {
	case l == nil || !l.steps || !l.timed || r.step <= l.first:
		return false
	case l.clock != nil:
		return slices.Contains(r.reached, d.name)
	}
	k := r.step - l.first
	return due{seconds: d.seconds}.next(l, k-1) == k
}

// write writes one output statement at the current step.
func (o *outputs) write(x *ir.Output, series bool) error {
	r := o.r
	suffix := ""
	if series {
		suffix = fmt.Sprintf("_%06d", r.step)
	}
	for _, f := range x.Formats {
		var err error
		switch f.Name {
		case "npy":
			for _, name := range x.Arrays {
				if err = o.writeNPY(name, o.path(name+suffix+".npy")); err != nil {
					return err
				}
			}
		case "npz":
			var list []npy.Named
			for _, name := range x.Arrays {
				t, e := r.get(name)
				if e != nil {
					return e
				}
				list = append(list, npy.Named{Name: name, Array: npy.FromTensor(t)})
			}
			path := o.path(strings.Join(x.Arrays, "_") + suffix + ".npz")
			err = o.writer.do(func() error { return npy.WriteNPZFile(path, list) })
		case "vti":
			err = o.writeVTI(x, suffix, series)
		case "png":
			for _, name := range x.Arrays {
				if err = o.writePNG(x, f, name, suffix); err != nil {
					return err
				}
			}
		case "xdmf":
			err = o.writeXDMF(x)
		case "gif":
			for _, name := range x.Arrays {
				if err = o.shoot(x, f, name); err != nil {
					return err
				}
			}
		default:
			err = diag.List{diag.New("WF0608", r.opt.span(x.Pos), "unknown output format %q", f.Name).Suggest("npy, npz, vti, xdmf, png and gif are the formats")}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeNPY writes an array; an engine of several parts writes it part by part, without gathering it.
func (o *outputs) writeNPY(name, path string) error {
	r := o.r
	if w, ok := r.e.(PartWriter); ok && r.fetched[name] == nil {
		if done, err := o.writeParts(w, name, path); done || err != nil {
			return err
		}
	}
	t, err := r.get(name)
	if err != nil {
		return err
	}
	return o.writer.do(func() error { return npy.WriteFile(path, npy.FromTensor(t)) })
}

// writeParts makes a file of the right length for the parts to fill.
func (o *outputs) writeParts(w PartWriter, name, path string) (bool, error) {
	a := o.r.p.Array(name)
	if a == nil {
		return false, nil
	}
	shape := o.r.p.Shape(a)
	t := npy.FromTensor(ir.NewTensor(a.Elem)).Type
	head := npy.Header(t, shape)
	size := t.Size
	for _, n := range shape {
		size *= n
	}
	f, err := os.Create(path)
	if err != nil {
		return false, err
	}
	_, err = f.Write(head)
	if err == nil {
		err = f.Truncate(int64(len(head) + size))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return false, err
	}
	return w.WriteParts(name, path, int64(len(head)))
}

// path notes a file as written and returns where it goes.
func (o *outputs) path(name string) string {
	p := filepath.Join(o.r.opt.OutDir, name)
	for _, w := range o.written {
		if w == p {
			return p
		}
	}
	o.written = append(o.written, p)
	return p
}

// writeVTI writes one image per set of axes, or a rectilinear grid if they are uneven; arrays over the same axes share a file.
func (o *outputs) writeVTI(x *ir.Output, suffix string, series bool) error {
	return o.eachMesh(x, "vti: an image", func(a *ir.Array, names []string, values []*ir.Tensor) error {
		var fields []vtk.Field
		for i, name := range names {
			fields = append(fields, vtk.Field{Name: name, Tensor: values[i]})
		}
		base := strings.Join(names, "_")
		g := vtk.Grid{Axes: o.r.axes(a)}
		file := base + suffix + g.Ext()
		path, now, index := o.path(file), o.r.time, ""
		if series {
			index = o.path(base + ".pvd")
		}
		return o.writer.do(func() error {
			if err := vtk.WriteFile(path, g, now, fields); err != nil || index == "" {
				return err
			}
			// The series is written anew each time, so that it is complete whenever the run ends.
			o.series[base] = append(o.series[base], vtk.Step{Time: now, File: file})
			return vtk.WriteSeriesFile(index, o.series[base])
		})
	})
}

// writePNG draws an array.
func (o *outputs) writePNG(x *ir.Output, f ir.Format, name, suffix string) error {
	p, plane, err := o.picture(x, f, name)
	if err != nil {
		return err
	}
	path := o.path(name + suffix + plane + ".png")
	return o.writer.do(func() error { return p.WriteFile(path) })
}

// picture draws an array of one or two axes, or the plane of a third that the format names (the middle of the last axis if none). suffix
// names the plane where the program draws several.
func (o *outputs) picture(x *ir.Output, f ir.Format, name string) (plot *png.Plot, suffix string, err error) {
	r := o.r
	t, err := r.get(name)
	if err != nil {
		return nil, "", err
	}
	a := r.p.Array(name)
	axes := r.axes(a)
	title := name
	if a.Unit != "" && a.Unit != "1" {
		title += " [" + a.Unit + "]"
	}
	title += "  " + r.timeText()
	cut, at := -1, 0
	switch len(axes) {
	case 1, 2:
	case 3:
		cut, at = 2, axes[2].N/2
		for d, ax := range axes {
			if ax.Name == f.SliceAxis {
				cut, at = d, nearest(ax, f.SliceAt)
			}
		}
		title += fmt.Sprintf("  %s = %.6g %s", label(axes[cut]), axes[cut].Place(at), axes[cut].Unit)
	default:
		return nil, "", diag.List{diag.New("WF0608", r.opt.span(x.Pos), "%s has %d axes; a picture shows 1 to 3", name, len(axes)).Suggest("write it as npy")}
	}
	var keep, stride []int
	s, off := 1, 0
	strides := make([]int, len(axes))
	for d := len(axes) - 1; d >= 0; d-- {
		strides[d] = s
		s *= axes[d].N
	}
	for d := range axes {
		if d == cut {
			off = at * strides[d]
			continue
		}
		keep, stride = append(keep, d), append(stride, strides[d])
	}
	p := &png.Plot{Title: strings.TrimRight(title, " "), X: plotAxis(axes[keep[0]])}
	if len(keep) == 1 {
		p.Value = func(i, _ int) float64 { return t.At(i) }
	} else {
		p.Y = plotAxis(axes[keep[1]])
		p.Value = func(i, j int) float64 { return t.At(off + i*stride[0] + j*stride[1]) }
	}
	if o.planes(name, f.Name) > 1 {
		suffix = fmt.Sprintf("_%s%.6g", label(axes[cut]), f.SliceAt)
	}
	return p, suffix, nil
}

// planes counts the different planes of an array that the program draws: with several, their files have the plane in their names.
func (o *outputs) planes(name, format string) int {
	seen := map[ir.Format]bool{}
	for _, x := range o.r.p.Outputs {
		for _, f := range x.Formats {
			if f.Name == format && slices.Contains(x.Arrays, name) {
				seen[f] = true
			}
		}
	}
	return len(seen)
}

// nearest is the point of an axis that is closest to a coordinate.
func nearest(a ir.Axis, x float64) int {
	return int(max(0, min(float64(a.N-1), math.Round(a.Index(x)))))
}

// label is an axis's name in the source: "block.x" is x.
func label(a ir.Axis) string { return a.Name[strings.LastIndexByte(a.Name, '.')+1:] }

func plotAxis(a ir.Axis) png.Axis {
	faces, points := a.Places() // each node is drawn as a cell around it
	p := png.Axis{Name: label(a), Unit: a.Unit, N: a.N, Lo: faces[0], Hi: faces[a.N]}
	if len(a.At) > 0 {
		p.Faces, p.Points = faces, points
	}
	return p
}

// take samples a probe. One that is computed is computed now.
func (o *outputs) take(x *ir.Probe) error {
	r := o.r
	if x.Func != "" && r.view == nil { // else the engine has
		if _, err := r.e.Run(context.WithoutCancel(r.ctx), x.Func, 1); err != nil {
			return err
		}
		delete(r.fetched, x.Array)
	}
	v, err := r.sample(x.Array, x.At)
	if err != nil {
		return err
	}
	r.res.Probes[x.Name] = Number(v)
	if w, ok := r.opt.Progress.(Watcher); ok && x.Func != "" {
		w.Watch(x.Name, v)
	}
	r.res.Samples = append(r.res.Samples, Sample{x.Name, r.step, r.time, v})
	if x.Drift != "" {
		return o.drift(x, v)
	}
	return nil
}

// drift ends the run when a quantity that should be conserved is not.
func (o *outputs) drift(x *ir.Probe, v float64) error {
	r := o.r
	first, ok := o.firsts[x.Name]
	if !ok {
		o.firsts[x.Name] = v
		return nil
	}
	most := r.env[x.Drift]
	moved := math.Abs(v - first)
	if scale := math.Abs(first); scale > 0 {
		moved /= scale
	}
	if moved <= most {
		return nil
	}
	return diag.List{diag.New("WF0623", r.opt.span(x.Pos), "%s has drifted from %.9g to %.9g at %s", x.Name, first, v, r.momentText()).
		Note("this is a change of %.3g of its first value; %.3g is tolerated", moved, most).
		Suggest("look for a scheme or boundary conditions that do not conserve it, or allow a larger drift")}
}

// writeProbes writes all samples as probes.csv.
func (o *outputs) writeProbes() error {
	var b strings.Builder
	b.WriteString("probe,step,time,value\n")
	for _, s := range o.r.res.Samples {
		fmt.Fprintf(&b, "%s,%d,%s,%s\n", s.Probe, s.Step, num(s.Time), num(s.Value))
	}
	return os.WriteFile(o.path("probes.csv"), []byte(b.String()), 0o666)
}
