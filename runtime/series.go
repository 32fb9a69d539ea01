package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
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
		var values []*ir.Tensor
		var paths []string
		for _, name := range group {
			t, err := r.get(name)
			if err != nil {
				return err
			}
			done[name] = true
			file := fmt.Sprintf("%s/%s_%06d.npy", dir, name, r.step)
			values, paths = append(values, t), append(paths, o.path(filepath.FromSlash(file)))
			step.Values = append(step.Values, xdmf.Value{Name: name, File: file})
		}
		axes, index := xdmf.AxesOf(r.axes(a)), o.path(base+".xmf")
		err := o.writer.do(func() (err error) {
			for i, t := range values {
				v := &step.Values[i]
				if v.Seek, v.Type, err = xdmf.WriteValuesFile(paths[i], t); err != nil {
					return err
				}
			}
			o.meshes[base] = append(o.meshes[base], step)
			s := xdmf.Series{Axes: axes, Steps: o.meshes[base]}
			// The description is written anew each time, so that it is complete whenever the run ends.
			return s.WriteFile(index)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
