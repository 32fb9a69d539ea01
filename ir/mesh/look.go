package mesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/internal/text"
)

// Look is what the host sees between two iterations of a launch without stopping the program: that copies Arrays into their shadows and goes
// on, and the host takes the shadows meanwhile. When there are several looks, each has its own moments.
type Look = ir.Look

// Clock is of a launch that keeps its own time, see [ir.Clock]: when its until becomes nonzero while On is, the launch goes on if all that is
// Due has a look.
type Clock struct {
	Of, On string
	Due    []string // flags
}

// Clock returns that of a launch, or nil when it has no looks.
func (p *Program) Clock(launch string) *Clock {
	for i := range p.Clocks {
		if p.Clocks[i].Of == launch && len(p.LooksOf(launch)) > 0 {
			return &p.Clocks[i]
		}
	}
	return nil
}

// Unseen lists what is due in a launch and has no look.
func (p *Program) Unseen(launch string) (flags []string) {
	if c := p.Clock(launch); c != nil {
		for _, d := range c.Due {
			if !slices.ContainsFunc(p.LooksOf(launch), func(i int) bool { return p.Looks[i].When == d }) {
				flags = append(flags, d)
			}
		}
	}
	return flags
}

// shadowPrefix begins the names of shadows: local arrays of the kind [Shadow].
const shadowPrefix = "shadow."

// Shadow is the symbol of the copy of an array that looks show, or nil when there is none. It has the array's own elements only, as they
// lie in its local array.
func (p *Program) Shadow(array string) *Symbol {
	s := p.Symbol(array)
	if s == nil || !slices.ContainsFunc(p.Arrays, func(a Array) bool { return a.Kind == Shadow && a.Of == array }) {
		return nil
	}
	c := *s
	c.Local, c.Off = shadowPrefix+array, 0
	return &c
}

// AddShadow makes room for the copy of an array: as many elements as the largest block spans. It reports whether the array lies on the
// wafer.
func (p *Program) AddShadow(array string, axes []string) bool {
	s := p.Symbol(array)
	if s == nil || len(axes) != len(s.Strides) {
		return false
	}
	if p.Shadow(array) != nil {
		return true
	}
	if len(s.Axes) > 0 {
		axes = s.Axes
	}
	n := 1
	for d, axis := range axes {
		for i := range p.Layouts {
			if l := &p.Layouts[i]; l.Axis == axis {
				n += (l.MaxBlock() - 1) * s.Strides[d]
			}
		}
	}
	for i := range p.Arrays {
		if a := &p.Arrays[i]; a.Name == s.Local && s.Off+n <= a.Len {
			p.Arrays = append(p.Arrays, Array{Name: shadowPrefix + array, Kind: Shadow, Elem: a.Elem, Len: n, Of: array})
			return true
		}
	}
	return false
}

// LooksOf lists the looks of a launch by their numbers.
func (p *Program) LooksOf(launch string) (out []int) {
	for i := range p.Looks {
		if p.Looks[i].Of == launch {
			out = append(out, i)
		}
	}
	return out
}

func printClock(w *text.Printer, c *Clock) {
	w.Line(0, "clock of %s on @%s due %s", text.Name(c.Of), text.Name(c.On), list(c.Due, text.Name))
}

func (r reader) clock() (c Clock) {
	r.Expect("of")
	c.Of = r.Name()
	r.Expect("on")
	r.Expect("@")
	c.On = r.Name()
	r.Expect("due")
	c.Due = r.names()
	return c
}

func printLook(w *text.Printer, l *Look) {
	s := "look of " + text.Name(l.Of)
	if l.Steps != "" {
		s += " steps " + text.Name(l.Steps)
	}
	if l.Seconds != "" {
		s += " time " + text.Name(l.Seconds)
	}
	if l.When != "" {
		s += " when " + text.Name(l.When)
	}
	if len(l.Calls) > 0 {
		s += " calls " + list(l.Calls, text.Name)
	}
	if len(l.Arrays) == 0 {
		w.Line(0, "%s", s)
		return
	}
	w.Line(0, "%s shows %s", s, list(l.Arrays, func(a string) string { return "@" + text.Name(a) }))
}

func (r reader) look() (l Look) {
	r.Expect("of")
	l.Of = r.Name()
	if r.Accept("steps") {
		l.Steps = r.Name()
	}
	if r.Accept("time") {
		l.Seconds = r.Name()
	}
	if r.Accept("when") {
		l.When = r.Name()
	}
	if r.Accept("calls") {
		l.Calls = r.names()
	}
	for more := r.Accept("shows"); more; more = r.Accept(",") {
		r.Expect("@")
		l.Arrays = append(l.Arrays, r.Name())
	}
	return l
}

// looks checks invariant 17.
func (v *verifier) looks() {
	launches := v.p.Launches()
	for i := range v.p.Clocks {
		c := &v.p.Clocks[i]
		where := "clock of " + c.Of
		if q := v.p.Proc(c.Of); q == nil || q.Until == "" {
			v.fail(17, where, "there is no such procedure with an until")
		}
		for _, a := range append([]string{c.On}, c.Due...) {
			if v.p.Symbol(a) == nil {
				v.fail(17, where, "@%s has no place", a)
			}
		}
	}
	for i := range v.p.Looks {
		l := &v.p.Looks[i]
		where := "look of " + l.Of
		if !slices.Contains(launches, l.Of) {
			v.fail(17, where, "there is no such launch")
		}
		for _, f := range l.Calls {
			if !slices.Contains(v.p.Funcs, f) && v.p.Proc(f) == nil {
				v.fail(17, where, "calls %q", f)
			}
		}
		if c := v.p.Clock(l.Of); l.When != "" && (c == nil || !slices.Contains(c.Due, l.When)) {
			v.fail(17, where, "is due when @%s, which no clock says", l.When)
		}
		for _, a := range l.Arrays {
			s := v.p.Shadow(a)
			if s == nil || v.arrays[s.Local] == nil {
				v.fail(17, where, "shows @%s, which has no shadow", a)
				continue
			}
			own, shadow := v.arrays[v.p.Symbol(a).Local], v.arrays[s.Local]
			if off := v.p.Symbol(a).Off; off < 0 || off+shadow.Len > own.Len || own.Elem != shadow.Elem || own.Elem == ir.NoElem {
				v.fail(17, where, "copies %d of %d elements of @%s", shadow.Len, own.Len, a)
			}
		}
	}
}
