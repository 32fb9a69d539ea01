package compact

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/target/wse"
)

// unit is what can be moved into a function as a whole: an operation, a loop of roll.go, a call.
type unit struct {
	stmts    []wse.Stmt
	shape    int           // equal for units that differ by their operands only
	operands []wse.Operand // in the order of visit
	values   []int         // of operands: equal for equal operands
	bytes    int
	lines    []string // of its operations, calls carried out
	depth    int      // of calls in it
}

// place is a unit in a list; sequences do not cross statements that are no unit.
type place struct {
	*unit
	list  int // index in lists
	start int // index of its first statement there
}

// interner numbers strings.
type interner map[string]int

func (t interner) of(s string) int {
	n, ok := t[s]
	if !ok {
		n = len(t)
		t[s] = n
	}
	return n
}

// visit calls f for every operand of a unit's statements, in a fixed order; f may change it.
func visit(stmts []wse.Stmt, f func(*wse.Operand)) {
	wse.Walk(stmts, func(s wse.Stmt) {
		switch s := s.(type) {
		case *wse.Op:
			f(&s.Dst)
			for i := range s.Src {
				f(&s.Src[i])
			}
		case *wse.Call:
			for i := range s.Args {
				f(&s.Args[i])
			}
		}
	})
}

// clone copies statements.
func clone(stmts []wse.Stmt) []wse.Stmt {
	var out []wse.Stmt
	for _, s := range stmts {
		switch s := s.(type) {
		case *wse.Op:
			o := *s
			o.Src = slices.Clone(o.Src)
			out = append(out, &o)
		case *wse.Call:
			c := *s
			c.Args, c.Lines = slices.Clone(c.Args), slices.Clone(c.Lines)
			out = append(out, &c)
		case *wse.Set:
			x := *s
			out = append(out, &x)
		case *wse.While:
			w := *s
			w.Body = clone(w.Body)
			out = append(out, &w)
		case *wse.If:
			x := *s
			x.Then, x.Else = clone(x.Then), clone(x.Else)
			out = append(out, &x)
		default: // nothing here changes them
			out = append(out, s)
		}
	}
	return out
}

// scan is the class as a sequence of units, in which a nil unit ends what can be one sequence.
type scan struct {
	k      *compactor
	lists  []*[]wse.Stmt
	places []*place
	fn     *wse.Func // that the list belongs to
}

func (k *compactor) scan() *scan {
	s := &scan{k: k, lists: k.lists()}
	owner := map[*[]wse.Stmt]*wse.Func{}
	for _, f := range k.c.Funcs {
		owner[&f.Body] = f
	}
	for i, list := range s.lists {
		s.fn = owner[list]
		for j := 0; j < len(*list); {
			first := (*list)[j]
			n := max(1, k.group[first])
			x, known := k.units[first]
			if !known {
				if x = (&unit{}); !s.unit(x, (*list)[j:j+n]) {
					x = nil
				}
				k.units[first] = x
			}
			if x != nil {
				s.places = append(s.places, &place{x, i, j})
			} else {
				s.places = append(s.places, nil)
			}
			j += n
		}
		s.places = append(s.places, nil)
	}
	return s
}

// unit fills in u for statements that can be one.
func (s *scan) unit(u *unit, stmts []wse.Stmt) bool {
	var shape strings.Builder
	ok := true
	wse.Walk(stmts, func(st wse.Stmt) {
		switch x := st.(type) {
		case *wse.Op:
			shape.WriteString(x.Code.String() + "." + x.Elem.String())
			if x.Async {
				shape.WriteString(" async" + x.Done.String() + strconv.Itoa(x.UT))
			}
			ok = ok && x.OnControl == nil
			shape.WriteString(x.Func)
			u.lines = append(u.lines, x.Line)
		case *wse.Call:
			shape.WriteString("call " + x.Func)
			ok = ok && !x.Within
			f, ours := s.k.made[x.Func]
			ok = ok && ours
			for _, l := range x.Lines {
				for range l.N {
					u.lines = append(u.lines, l.Line)
				}
			}
			for len(u.lines) < f.ops { // all without
				u.lines = append(u.lines, "")
			}
			u.depth = max(u.depth, f.depth)
		case *wse.Set:
			ok = ok && s.k.group[stmts[0]] > 0
			shape.WriteString(x.Reg + strconv.Itoa(int(x.Fn)) + x.A.String() + x.B.String())
		case *wse.While:
			ok = ok && s.k.group[stmts[0]] > 0
			shape.WriteString(x.Cond.String())
		default:
			ok = false
		}
		shape.WriteByte(';')
	})
	visit(stmts, func(o *wse.Operand) {
		if ok = ok && s.operand(&shape, o); ok {
			u.operands = append(u.operands, *o)
			u.values = append(u.values, s.k.values.of(s.value(o)))
		}
	})
	if !ok {
		return false
	}
	u.stmts, u.bytes, u.shape = stmts, s.k.bytes(stmts), s.k.shapes.of(shape.String())
	return true
}

// operand writes what of an operand cannot be a parameter.
func (s *scan) operand(b *strings.Builder, o *wse.Operand) bool {
	if o.IndexReg != "" {
		b.WriteString(" +" + strconv.Itoa(o.IndexScale) + o.IndexReg)
	}
	switch o.Kind {
	case wse.Formal:
		t := s.fn.Params[slices.IndexFunc(s.fn.Params, func(p wse.FuncParam) bool { return p.Name == o.Param })].Type
		b.WriteString(" " + t.String())
		return t != wse.ParamFab // its queue is unknown here
	case wse.Reg:
		b.WriteString(" %" + o.Reg)
		return true
	}
	t, ok := wse.ParamTypeOf(*o)
	b.WriteString(" " + t.String())
	if o.Kind == wse.Fabric {
		b.WriteString(" " + o.Queue)
		ok = ok && !o.Control && !o.Advance && !o.AdvanceOwn
	}
	return ok
}

// value tells operands apart, but for their index. Parameters of a function are its own.
func (s *scan) value(o *wse.Operand) string {
	if o.Kind == wse.Formal {
		return "$" + o.Param + "@" + s.fn.Name
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(int(o.Kind)) + o.Array + o.Queue + o.Reg)
	for _, n := range []int{o.Offset, o.Extent, int(o.Bits)} {
		b.WriteString("," + strconv.Itoa(n))
	}
	for _, d := range o.Dims {
		b.WriteString("," + strconv.Itoa(d.Len) + "*" + strconv.Itoa(d.Stride))
	}
	return b.String()
}
