package wfc

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/dsl/tensor"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

// The coordinate check (Yang et al. 2022, "Tensor Programs V", appendix D): a model is built with several values of a parameter, its width or
// its depth, and trained for a few steps on one batch. In a parametrisation that keeps its constants what layers hand on, and how far a few
// steps move it, depends little on the parameter.

// coordinates are what a model says of itself: the mean of |x| over what each layer hands on, and over the logits.
type coordinates struct {
	names          []string
	size, movement []float64
}

// CheckCoordinates builds and trains the model with each of the values of a parameter, for opt.Steps steps (4 when 0), and returns a table
// of mean |x| at the start, and of the mean |change| afterwards. The slope is that of log by log of the value.
func CheckCoordinates(ctx context.Context, src Source, opt TrainOptions, param string, values []string) (string, error) {
	if opt.Steps == 0 {
		opt.Steps = 4
	}
	if opt.Target == Wafer {
		return "", diag.List{diag.New("WF0606", diag.Span{}, "the coordinate check runs on this computer").Suggest("leave out --target")}
	}
	var list []coordinates
	at := make([]float64, len(values))
	for i, v := range values {
		o := opt
		o.Out, o.Resume, o.Set = "", false, maps.Clone(opt.Set)
		if o.Set == nil {
			o.Set = map[string]string{}
		}
		o.Set[param] = v
		var err error
		if at[i], err = strconv.ParseFloat(v, 64); err != nil || !(at[i] > 0) {
			return "", diag.List{diag.New("WF0206", diag.Span{}, "%s=%s: the values of a coordinate check are numbers above 0", param, v).Suggest("as in d=32,64,128")}
		}
		c, err := coordinatesOf(ctx, src, o)
		if err != nil {
			return "", err
		}
		list = append(list, *c)
	}
	return coordinateTable(list, param, values, at, opt.Steps), nil
}

// coordinatesOf trains one model.
func coordinatesOf(ctx context.Context, src Source, opt TrainOptions) (*coordinates, error) {
	t, _, err := openTraining(src, opt)
	if err != nil {
		return nil, err
	}
	defer t.data.Close()
	file := diag.NewFile(src.Name, src.Text)
	tree, errs := syntax.ParseFile(file)
	built, more := tensor.Build(tree, tensor.Options{Set: t.set})
	if err := append(errs, more...).Err(); err != nil {
		return nil, err
	}
	arrays, err := built.Observe()
	if err != nil {
		return nil, err
	}
	if err := passes.Run(built.IR, &passes.Config{File: file}); err != nil {
		return nil, err
	}
	p := &Program{Name: built.IR.Name, Source: src, IR: built.IR, Plan: built.Plan, ReportData: &report.Report{}, file: file}
	prog, err := trainable(p, t.opt.Target, RunOptions{Native: opt.Native}, nil)
	if err != nil {
		return nil, err
	}
	e, err := prog.Engine()
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if err := prog.Prepared.Start(e, nil); err != nil {
		return nil, err
	}
	plan := built.Plan
	data, err := tokens.NewSampler(t.data.Train, "same", plan.Seed, plan.Context, tokens.Cursor{})
	if err != nil {
		return nil, diag.List{diag.New("WF0642", diag.Span{}, "%v", err).Suggest("take more data, or a shorter context")}
	}
	x, y := ir.NewTensor(ir.I32, plan.Batch, plan.Context), ir.NewTensor(ir.I32, plan.Batch, plan.Context)
	data.Next(x.I32, y.I32)
	for _, in := range []struct {
		array string
		v     *ir.Tensor
	}{{plan.Tokens, x}, {plan.Targets, y}} {
		if err := e.Set(in.array, in.v); err != nil {
			return nil, err
		}
	}
	first, err := observed(ctx, e, arrays)
	if err != nil {
		return nil, err
	}
	for range opt.Steps {
		fns := []string{plan.Step}
		if plan.Micro != "" {
			fns = []string{plan.Micro, plan.Step}
		}
		for _, f := range fns {
			if _, err := e.Run(ctx, f, 1); err != nil {
				return nil, err
			}
		}
	}
	last, err := observed(ctx, e, arrays)
	if err != nil {
		return nil, err
	}
	c := &coordinates{}
	for i, a := range arrays {
		name := a
		if n, ok := strings.CutPrefix(a, tensor.ObserveFunc+"."); ok {
			name = "layer " + n
		}
		size, moved := 0.0, 0.0
		for k := range first[i].Len() {
			size += math.Abs(first[i].At(k))
			moved += math.Abs(last[i].At(k) - first[i].At(k))
		}
		n := math.Max(1, float64(first[i].Len()))
		c.names, c.size, c.movement = append(c.names, name), append(c.size, size/n), append(c.movement, moved/n)
	}
	return c, nil
}

func observed(ctx context.Context, e runtime.Engine, arrays []string) ([]*ir.Tensor, error) {
	if _, err := e.Run(ctx, tensor.ObserveFunc, 1); err != nil {
		return nil, err
	}
	var out []*ir.Tensor
	for _, a := range arrays {
		v, err := e.Get(a)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// coordinateTable shows the layers that all models have, and the last of each.
func coordinateTable(list []coordinates, param string, values []string, at []float64, steps int64) string {
	type row struct {
		name  string
		index func(c *coordinates) int
	}
	fewest, most := len(list[0].names), 0
	for _, c := range list {
		fewest, most = min(fewest, len(c.names)), max(most, len(c.names))
	}
	var rows []row
	for i := range fewest {
		fromEnd := fewest - 1 - i
		r := row{list[0].names[i], func(*coordinates) int { return i }}
		if fewest != most && fromEnd == 1 && strings.HasPrefix(r.name, "layer ") {
			r.name = "last layer"
		}
		if fewest != most && fromEnd <= 1 { // the last layer and the logits
			r.index = func(c *coordinates) int { return len(c.names) - 1 - fromEnd }
		}
		rows = append(rows, r)
	}
	var b strings.Builder
	head := func(title string) {
		fmt.Fprintf(&b, "%-22s", title)
		for _, v := range values {
			fmt.Fprintf(&b, " %11s", param+"="+v)
		}
		fmt.Fprintf(&b, " %8s\n", "slope")
	}
	part := func(of func(c *coordinates) []float64) {
		for _, r := range rows {
			fmt.Fprintf(&b, "  %-20s", r.name)
			v := make([]float64, len(list))
			for i := range list {
				v[i] = of(&list[i])[r.index(&list[i])]
				fmt.Fprintf(&b, " %11.4g", v[i])
			}
			fmt.Fprintf(&b, " %8.2f\n", slope(at, v))
		}
	}
	head("mean |x| at the start")
	part(func(c *coordinates) []float64 { return c.size })
	head(fmt.Sprintf("moved by %d steps", steps))
	part(func(c *coordinates) []float64 { return c.movement })
	return b.String()
}

// slope is that of log y by log x, by least squares; NaN where it has no meaning.
func slope(x, y []float64) float64 {
	var mx, my, sxy, sxx float64
	n := float64(len(x))
	for i := range x {
		mx += math.Log(x[i]) / n
		my += math.Log(y[i]) / n
	}
	for i := range x {
		dx := math.Log(x[i]) - mx
		sxy += float64(dx * (math.Log(y[i]) - my))
		sxx += float64(dx * dx)
	}
	return sxy / sxx
}
