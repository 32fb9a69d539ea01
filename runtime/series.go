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

// eachMesh calls write for every set of axes of an output with the arrays over them, which share a file. what names the format and what it
// describes, for the error if the axes are too many.
func (o *outputs) eachMesh(x *ir.Output, what string, write func(a *ir.Array, names []string, values []*ir.Tensor) error) error {
	r := o.r
	done := map[string]bool{}
	for _, first := range x.Arrays {
		if done[first] {
			continue
		}
		a := r.p.Array(first)
		if a == nil || len(a.Axes) < 1 || len(a.Axes) > 3 {
			return diag.List{diag.New("WF0608", r.opt.span(x.Pos), "%s cannot be written as %s has 1 to 3 axes", first, what).
				Suggest("write it as npy")}
		}
		var names []string
		var values []*ir.Tensor
		for _, name := range x.Arrays {
			if b := r.p.Array(name); b == nil || !slices.Equal(b.Axes, a.Axes) {
				continue
			}
			t, err := r.get(name)
			if err != nil {
				return err
			}
			done[name] = true
			names, values = append(names, name), append(values, t)
		}
		if err := write(a, names, values); err != nil {
			return err
		}
	}
	return nil
}

// writeXDMF adds a step to the series of every set of axes. The values are in a directory of the series' name.
func (o *outputs) writeXDMF(x *ir.Output) error {
	return o.eachMesh(x, "xdmf: a mesh", func(a *ir.Array, names []string, values []*ir.Tensor) error {
		base := strings.Join(names, "_")
		dir := base + ".xdmf"
		if err := os.MkdirAll(filepath.Join(o.r.opt.OutDir, dir), 0o777); err != nil {
			return err
		}
		step := xdmf.Step{Time: o.r.time}
		var paths []string
		for _, name := range names {
			file := fmt.Sprintf("%s/%s_%06d.npy", dir, name, o.r.step)
			paths = append(paths, o.path(filepath.FromSlash(file)))
			step.Values = append(step.Values, xdmf.Value{Name: name, File: file})
		}
		axes, index := xdmf.AxesOf(o.r.axes(a)), o.path(base+".xmf")
		return o.writer.do(func() (err error) {
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
	})
}
