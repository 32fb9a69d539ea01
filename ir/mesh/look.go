package mesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/internal/text"
)

// Look is what the host sees between two iterations of a launch without stopping the program: that copies Arrays into their shadows and goes
// on, and the host takes the shadows meanwhile. When there are several looks, each has its own moments.
type Look = ir.Look

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

func printLook(w *text.Printer, l *Look) {
	s := "look of " + text.Name(l.Of)
	if l.Steps != "" {
		s += " steps " + text.Name(l.Steps)
	}
	if l.Seconds != "" {
		s += " time " + text.Name(l.Seconds)
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
	for i := range v.p.Looks {
		l := &v.p.Looks[i]
		where := "look of " + l.Of
		if !slices.Contains(launches, l.Of) {
			v.fail(17, where, "there is no such launch")
		}
		for _, f := range l.Calls {
			if !slices.Contains(v.p.Funcs, f) {
				v.fail(17, where, "calls %q", f)
			}
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
