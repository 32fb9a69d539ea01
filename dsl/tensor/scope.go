package tensor

import (
	"sort"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// scope maps names to what they stand for: *index, *dim, *array, *val (a number, or a parameter of a function), string.
type scope struct {
	up    *scope
	names map[string]any
	at    map[string]diag.Span
	bound []*index // given by a left side or an explicit reduction
	masks []*mask
	over  []*index // the indices of the function whose body this is
	inFn  bool     // the body of a function: a let keeps the indices of its value
}

// mask is the condition of `f over t where c of x`: reductions inside f over an index of c are restricted to c.
type mask struct {
	cond *val
	over []*index
}

func (s *scope) child() *scope {
	return &scope{up: s, names: map[string]any{}, at: map[string]diag.Span{}, bound: s.bound, masks: s.masks, over: s.over, inFn: s.inFn}
}

// binding is a scope in which further indices are bound.
func (s *scope) binding(ix ...*index) *scope {
	c := s.child()
	c.bound = union(s.bound, ix)
	return c
}

func (s *scope) find(name string) (any, bool) {
	for ; s != nil; s = s.up {
		if x, ok := s.names[name]; ok {
			return x, true
		}
	}
	return nil, false
}

// where is the place of a name's declaration.
func (s *scope) where(name string) diag.Span {
	for ; s != nil; s = s.up {
		if x, ok := s.at[name]; ok {
			return x
		}
	}
	return diag.Span{}
}

func (s *scope) put(name string, x any, at diag.Span) { s.names[name], s.at[name] = x, at }

// all lists the names in scope that keep wants, sorted.
func (s *scope) all(keep func(any) bool) []string {
	seen := map[string]bool{}
	var out []string
	for ; s != nil; s = s.up {
		for n, x := range s.names {
			if !seen[n] && keep(x) {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	sort.Strings(out)
	return out
}

// elab is the state of elaborating one file.
type elab struct {
	file       *diag.File
	errs       diag.List
	opts       Options
	p          *ir.Program
	fns        map[string]*function
	optimizers map[string]*syntax.Optimizer
	rules      map[string]*syntax.Rules
	root       *scope // of the prelude: nothing
	global     *scope // of the file: params and constants
	settings   []namedNumber
	gathered   bool     // gradients of microbatches are added outside of the gradient's own procedure
	states     []string // of the optimizer
	stateNames map[string]bool
	report     *Report  // not nil when the model is measured instead of written out
	fn         *builder // the function being written
	batch      *index
	nindex     int
	float      ir.Elem
	round      func(*val) *val // how values of the forward pass are rounded where they are stored; nil for f32
	calls      []string        // functions being put in, innermost last
	left       []*index        // of the statement being written, for the order of intermediate values
	stmt       syntax.Expr     // the right side being elaborated
	site       diag.Span       // of the outermost call of a prelude function
	said       map[string]bool
	work       int // values made; bounded
	m          *model
}

// maxWork bounds how many operations a model may unroll to.
const maxWork = 20000

func (e *elab) fail(code string, at diag.Span, format string, args ...any) *diag.Diagnostic {
	d := e.errs.Errorf(code, at, format, args...)
	if at.File != nil && at.File != e.file && !e.site.IsZero() { // in the prelude: the place is where it is called
		d.Primary = e.site
		d.With(at, "inside this function of the prelude")
	}
	return d
}

// newIndex makes an index over a dim.
func (e *elab) newIndex(name string, d *dim, at diag.Span) *index {
	e.nindex++
	return &index{id: e.nindex, name: name, dim: d, at: at}
}

// newDim makes a dim, its axis in the program, and the index of the same name.
func (e *elab) newDim(name string, n int, at diag.Span) *dim {
	axis := name
	for k := 2; e.p.Axis(axis) != nil; k++ {
		axis = name + "." + itoa(k)
	}
	e.p.Axes = append(e.p.Axes, ir.Axis{Name: axis, N: n, H: 1})
	d := &dim{name: axis, n: n, at: at}
	d.self = e.newIndex(name, d, at)
	return d
}

// define enters a declared name, or reports that it is taken in this scope.
func (e *elab) define(sc *scope, id *syntax.Ident, x any) bool {
	if reserved[id.Name] {
		e.fail("WF0207", id.At, "`%s` is a word of the language and cannot be a name", id.Name).Suggest("choose another name")
		return false
	}
	if _, ok := sc.names[id.Name]; ok {
		e.fail("WF0202", id.At, "the name %s is declared twice", id.Name).With(sc.at[id.Name], "declared here").Suggest("rename one of them")
		return false
	}
	sc.put(id.Name, x, id.At)
	return true
}

// reserved are the functions and reductions that are not written in the language.
var reserved = map[string]bool{"pi": true, "where": true, "exp": true, "log": true, "sin": true, "cos": true, "tanh": true, "sqrt": true,
	"abs": true, "floor": true, "ceil": true, "pow": true, "min": true, "max": true, "sum": true, "mean": true, "prod": true, "forward": true}

// unknown reports a name nobody declared, once.
func (e *elab) unknown(sc *scope, id *syntax.Ident, what string, keep func(any) bool) {
	if e.said[id.Name] {
		return
	}
	e.said[id.Name] = true
	d := e.fail("WF0201", id.At, "unknown %s %s", what, id.Name)
	if best, ok := diag.Nearest(id.Name, sc.all(keep)); ok {
		d.Replace(id.At, best, "did you mean %s?", best)
		return
	}
	switch what {
	case "index":
		d.Suggest("declare it over a dim: `index %s in ..`", id.Name)
	case "dim":
		d.Suggest("declare it: `dim %s = 64`, or a param of the model", id.Name)
	default:
		d.Suggest("declare it with `let`, `weight` or `param`, or correct the name")
	}
}

func anything(any) bool { return true }

// dimOf resolves the name of a dim: a dim, an index over one, or a number that becomes one.
func (e *elab) dimOf(sc *scope, id *syntax.Ident) *dim {
	if d, ok := e.m.dims[id.Name]; ok {
		return d
	}
	x, ok := sc.find(id.Name)
	if !ok {
		e.unknown(sc, id, "dim", func(x any) bool { _, is := x.(*val); _, ix := x.(*index); return is || ix })
		return nil
	}
	switch x := x.(type) {
	case *index:
		return x.dim
	case *val:
		if x.bad {
			return nil
		}
		if x.isNum() {
			n, ok := e.extent(x.num, id)
			if !ok {
				return nil
			}
			d := e.newDim(id.Name, n, sc.where(id.Name))
			e.m.dims[id.Name] = d
			return d
		}
	}
	e.fail("WF0374", id.At, "%s is no extent: a dim is a name from `dim`, or a param that is a whole number", id.Name).
		With(sc.where(id.Name), "%s is declared here", id.Name).Suggest("declare `dim %s2 = ..` with the extent", id.Name)
	return nil
}

// extent turns a number into an extent.
func (e *elab) extent(x float64, id *syntax.Ident) (int, bool) {
	if !whole(x) || x < 1 || x > 1<<30 {
		e.fail("WF0374", id.At, "the extent of %s is %s, and an extent is a whole number from 1 to 2^30", id.Name, text(x)).
			Suggest("choose params that divide: an extent like d/heads must come out whole")
		return 0, false
	}
	return int(x), true
}

// indexOf resolves the name of an index; dims and numbers have one of their own name.
func (e *elab) indexOf(sc *scope, id *syntax.Ident) (*index, bool) {
	if x, ok := sc.find(id.Name); ok {
		if ix, ok := x.(*index); ok {
			return ix, true
		}
		if _, ok := x.(*array); ok {
			return nil, false
		}
	}
	if d, ok := e.m.dims[id.Name]; ok {
		return d.self, true
	}
	return nil, false
}
