package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

var formatNames = []string{"npy", "npz", "vti", "xdmf", "png", "gif"}

// output checks what is written and when.
func (c *checker) output(s *syntax.Output) {
	o := &Output{At: s.At}
	for _, id := range s.Fields {
		sym := c.names[id.Name]
		switch {
		case sym == nil:
			c.unknown(id, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
		case sym.field != nil:
			for _, f := range o.Fields {
				if f == sym.field {
					c.errs.Errorf("WF0320", id.At, "%s stands twice in this output", f.Name).Suggest("remove one")
				}
			}
			o.Fields = append(o.Fields, sym.field)
		case sym.what != "field" && sym.what != "name":
			c.errs.Errorf("WF0320", id.At, "%s is a %s; an output writes fields", id.Name, sym.what).With(sym.at, "declared here").Suggest("name a field")
		}
	}
	if s.When != nil {
		o.Steps, o.Seconds = c.schedule(s.When)
	}
	if s.Formats == nil {
		o.Formats = []ir.Format{{Name: "npy"}}
	}
	for _, f := range s.Formats {
		c.format(f, o)
	}
	c.prog.Outputs = append(c.prog.Outputs, o)
}

// schedule checks `every ..`; both values nil means at the end.
func (c *checker) schedule(s *syntax.Schedule) (steps, seconds *Node) {
	sc := &scope{host: true, what: "the interval of an output"}
	switch s.Kind {
	case syntax.EverySteps:
		n := c.valueIn(s.Value, one(), nil, s.At, "a number of steps", sc)
		if v, ok := c.eval(n); ok && (v < 1 || v != math.Trunc(v)) {
			c.errs.Errorf("WF0322", n.At, "a number of steps must be a positive whole number").Labelled("this is %s", trimFloat(v)).Suggest("write `every 10 steps`")
		}
		return n, nil
	case syntax.EveryTime:
		for _, b := range c.evolves {
			if b.Count {
				continue
			}
			n := c.valueIn(s.Value, b.Unit, nil, b.At, "the time "+b.Var, sc)
			if v, ok := c.eval(n); ok && !(v > 0) {
				c.errs.Errorf("WF0322", n.At, "the interval of an output must be positive").Labelled("this is %s", trimFloat(v)).Suggest("write `every 1 s` or `every 10 steps`")
			}
			return nil, n
		}
		c.errs.Errorf("WF0322", s.At, "no `evolve` of this program has a time").Suggest("write `every %s steps`", s.Value.Span().Text())
	}
	return nil, nil
}

func (c *checker) format(f *syntax.OutputFormat, o *Output) {
	known := false
	for _, n := range formatNames {
		known = known || n == f.Name.Name
	}
	if !known {
		d := c.errs.Errorf("WF0322", f.Name.At, "unknown file format %s", f.Name.Name)
		if s := closest(f.Name.Name, formatNames); s != "" {
			d.Replace(f.Name.At, s, "did you mean %s?", s)
		} else {
			d.Suggest("there are %s", join(formatNames))
		}
		return
	}
	out := ir.Format{Name: f.Name.Name}
	for _, a := range f.Args {
		c.errs.Errorf("WF0322", a.At, "%s has no such option", f.Name.Name).Suggest("the only option is the plane of a picture: png(slice z = 0.5)")
	}
	if len(f.Slices) > 0 && (!pictures(f.Name.Name) || len(f.Slices) > 1) {
		c.errs.Errorf("WF0322", f.Slices[len(f.Slices)-1].At, "one slice of a picture is all there is").Suggest("write png(slice z = 0.5) or gif(slice z = 0.5), several times for several planes")
		return
	}
	for _, fd := range o.Fields {
		if (f.Name.Name == "vti" || f.Name.Name == "xdmf" || pictures(f.Name.Name)) && (len(fd.Axes) == 0 || len(fd.Axes) > 3) {
			c.errs.Errorf("WF0322", f.Name.At, "%s shows fields with one to three axes; %s has %d", f.Name.Name, fd.Name, len(fd.Axes)).
				With(fd.At, "declared here").Suggest("write it as npy")
			return
		}
		if !pictures(f.Name.Name) {
			continue
		}
		if !c.slice(f, fd, &out) {
			return
		}
	}
	o.Formats = append(o.Formats, out)
}

// pictures says whether a format draws planes.
func pictures(format string) bool { return format == "png" || format == "gif" }

// slice finds the plane of a picture. Without one, a field with three axes is cut in the middle of the last.
func (c *checker) slice(f *syntax.OutputFormat, fd *Field, out *ir.Format) bool {
	if len(f.Slices) == 0 {
		if len(fd.Axes) == 3 {
			a := fd.Axes[2]
			out.SliceAxis, out.SliceAt = a.IR, a.place(a.Coord(a.N/2))
		}
		return true
	}
	s := f.Slices[0]
	for _, a := range fd.Axes {
		if s.Name == nil || a.Name != s.Name.Name {
			continue
		}
		v, ok := c.pointOn(s.Value, a)
		out.SliceAxis, out.SliceAt = a.IR, v
		return ok
	}
	c.errs.Errorf("WF0322", s.At, "%s has no such axis", fd.Name).With(fd.At, "its axes are %s", axisNames(fd.Axes)).Suggest("slice along one of them")
	return false
}

// pointOn evaluates a coordinate that must lie on an axis.
func (c *checker) pointOn(e syntax.Expr, a *Axis) (float64, bool) {
	n := c.valueIn(e, a.Unit, &a.Scale, a.At, "the axis "+a.Name, &scope{host: true, what: "a point"})
	v, ok := c.frozen(n)
	if !ok {
		return 0, false
	}
	lo, hi := a.Lo, a.Hi
	if slack := 1e-9 * (hi - lo); !a.guess && (v < lo-slack || v > hi+slack) {
		c.errs.Errorf("WF0321", n.At, "%s = %s is outside the axis, which runs from %s to %s", a.Name, trimFloat(v), trimFloat(lo), trimFloat(hi)).
			With(a.At, "declared here").Suggest("choose a point inside")
		return 0, false
	}
	return v, true
}

// probe checks `probe name = T at (x = 0.5, y = 0.5)`.
func (c *checker) probe(s *syntax.Probe) {
	for _, p := range c.prog.Probes {
		if p.Name == s.Name.Name {
			c.errs.Errorf("WF0202", s.Name.At, "the probe %s is declared twice", p.Name).With(p.At, "declared here").Suggest("rename one of them")
			return
		}
	}
	if s.Monitor || len(s.Point) == 0 && computed(s.Value) {
		c.monitor(s)
		return
	}
	r, ok := syntax.Unparen(s.Value).(*syntax.Ref)
	if !ok || r.Prime || r.Index != nil {
		c.errs.Errorf("WF0321", s.Value.Span(), "a probe samples one field").Suggest("compute other values as a field: `field m = 0`, and m' = .. in `evolve`")
		return
	}
	sym := c.names[r.Name.Name]
	if sym == nil {
		c.unknown(r.Name, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
		return
	}
	if sym.field == nil {
		if sym.what != "field" && sym.what != "name" {
			c.errs.Errorf("WF0321", r.At, "%s is a %s; a probe samples a field", r.Name.Name, sym.what).With(sym.at, "declared here").Suggest("name a field")
		}
		return
	}
	f := sym.field
	p := &Probe{Name: s.Name.Name, Field: f, At: s.At}
	used := map[string]bool{}
	for _, a := range f.Axes {
		var arg *syntax.Arg
		for _, x := range s.Point {
			if x.Name != nil && x.Name.Name == a.Name {
				arg = x
				used[a.Name] = true
			}
		}
		if arg == nil {
			c.errs.Errorf("WF0321", s.At, "the point of this probe has no %s", a.Name).With(f.At, "%s has the axes %s", f.Name, axisNames(f.Axes)).
				Suggest("write `at (%s)`", pointForm(f))
			return
		}
		v, ok := c.pointOn(arg.Value, a)
		if !ok {
			return
		}
		p.Point = append(p.Point, v)
	}
	for _, x := range s.Point {
		if x.Name == nil || !used[x.Name.Name] {
			c.errs.Errorf("WF0321", x.At, "%s has no such axis", f.Name).With(f.At, "its axes are %s", axisNames(f.Axes)).Suggest("remove it")
			return
		}
	}
	if s.When != nil {
		p.Steps, p.Seconds = c.schedule(s.When)
	}
	c.prog.Probes = append(c.prog.Probes, p)
}

func pointForm(f *Field) string {
	out := ""
	for i, a := range f.Axes {
		if i > 0 {
			out += ", "
		}
		out += a.Name + " = .."
	}
	return out
}
