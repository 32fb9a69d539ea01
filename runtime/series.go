package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/png"
	"github.com/wfc-lang/wfc/runtime/xdmf"
)

// together lists the arrays of an output that share the axes of one of them.
func (o *outputs) together(x *ir.Output, a *ir.Array) (names []string) {
	for _, name := range x.Arrays {
		if b := o.r.p.Array(name); b != nil && slices.Equal(b.Axes, a.Axes) {
			names = append(names, name)
		}
	}
	return names
}

// writeXDMF adds a step to the series of every set of axes. The values are in a directory of the series' name.
func (o *outputs) writeXDMF(x *ir.Output) error {
	r := o.r
	done := map[string]bool{}
	for _, first := range x.Arrays {
		if done[first] {
			continue
		}
		a := r.p.Array(first)
		if a == nil || len(a.Axes) < 1 || len(a.Axes) > 3 {
			return diag.List{diag.New("WF0608", r.opt.span(x.Pos), "%s cannot be written as xdmf: a mesh has 1 to 3 axes", first).
				Suggest("write it as npy")}
		}
		group := o.together(x, a)
		base := strings.Join(group, "_")
		dir := base + ".xdmf"
		if err := os.MkdirAll(filepath.Join(r.opt.OutDir, dir), 0o777); err != nil {
			return err
		}
		step := xdmf.Step{Time: r.time}
		for _, name := range group {
			t, err := r.get(name)
			if err != nil {
				return err
			}
			done[name] = true
			file := fmt.Sprintf("%s/%s_%06d.npy", dir, name, r.step)
			seek, typ, err := xdmf.WriteValuesFile(o.path(filepath.FromSlash(file)), t)
			if err != nil {
				return err
			}
			step.Values = append(step.Values, xdmf.Value{Name: name, File: file, Seek: seek, Type: typ})
		}
		o.meshes[base] = append(o.meshes[base], step)
		s := xdmf.Series{Axes: xdmf.AxesOf(r.axes(a)), Steps: o.meshes[base]}
		// The description is written anew each time, so that it is complete whenever the run ends.
		if err := s.WriteFile(o.path(base + ".xmf")); err != nil {
			return err
		}
	}
	return nil
}

// film is an animation in the making.
type film struct {
	name   string
	frames []*png.Plot
}

// maxFrames bounds an animation: later frames are left out, since all are held until the end.
const maxFrames = 2000

// shoot adds a frame to the animation of an array.
func (o *outputs) shoot(x *ir.Output, f ir.Format, name string) error {
	p, suffix, err := o.picture(x, f, name)
	if err != nil {
		return err
	}
	var m *film
	for _, g := range o.films {
		if g.name == name+suffix {
			m = g
		}
	}
	if m == nil {
		m = &film{name: name + suffix}
		o.films = append(o.films, m)
	}
	if len(m.frames) >= maxFrames {
		return nil
	}
	// The plane is kept, not the field it is cut from.
	w, h := p.X.N, max(1, p.Y.N)
	v := make([]float32, w*h)
	for j := range h {
		for i := range w {
			v[j*w+i] = float32(p.Value(i, j))
		}
	}
	p.Value = func(i, j int) float64 { return float64(v[j*w+i]) }
	m.frames = append(m.frames, p)
	return nil
}

// finish writes what is written once, when the run ends or is stopped.
func (o *outputs) finish() error {
	for _, m := range o.films {
		a := png.Animation{Frames: m.frames}
		if err := a.WriteFile(o.path(m.name + ".gif")); err != nil {
			return err
		}
	}
	o.films = nil
	return nil
}
