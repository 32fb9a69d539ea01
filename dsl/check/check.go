// Package check gives a parsed program its meaning: it resolves names, solves for units, evaluates what is known before the run, and
// holds every statement against the rules of the language.
//
// The checker walks the statements once, in order. Units are solved by unification while it walks (unify.go), expressions become
// DAGs of resolved nodes (node.go), and after the walk come the rules that need the whole program: conditions for every access that
// leaves the domain (access.go) and the largest stable step (stability.go). A place that is wrong becomes an Invalid node, from which
// nothing else is reported, so that one mistake gives one message.
package check

import (
	"sort"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Options are the choices made outside the source.
type Options struct {
	Set   map[string]string // values of params, as written after --set: a number with an optional unit
	Float ir.Elem           // element type of fields that do not say one; F32 when NoElem
}

// symbol is what a name of the program stands for; exactly one pointer is set, or none for a name whose declaration was in error.
type symbol struct {
	at     diag.Span
	scalar *Scalar
	grid   *Grid
	axis   *Axis // a dim, or an index name over one
	field  *Field
	let    *syntax.BindItem // a let whose value depends on the place
	what   string
}

type checker struct {
	opts     Options
	errs     diag.List
	vars     []unitVar
	prog     *Program
	names    map[string]*symbol
	said     map[string]bool // unknown names already reported
	setUsed  map[string]bool
	lets     map[letKey]*Node // checked values of non-indexed lets
	rates    []*syntax.Equation
	bcs      []*syntax.BC
	fields   map[*Field]*syntax.FieldItem
	declared map[string]diag.Span // where names are declared first, as the text says it
	places   map[string]bool      // names whose value depends on the place
	evolves  []*Block             // in the order of the source
	noRule   map[*Field]bool      // fields with a condition in error: missing ones are not reported
	cells    bool                 // types of cells are used, and their names known
	lost     bool                 // a statement could not be read, and may have held conditions
	broken   bool                 // there were errors before the rules for the whole program
	nblocks  int
	samples  int            // nodes that extrema may still evaluate
	locals   map[string]int // names of local fields
	controls map[string]int // names of statements of control flow
	fns      map[string]*function
	fnOrder  []*function
	noUnits  int   // in a solver's program
	entries  *Axis // of histories of residuals

	secondUnit map[*Field]Unit   // unit of time of a second-order equation
	secondIn   map[*Field]*Block // the block that has it
}

// Check checks a file. The program is nil when there are errors; the list may hold warnings and notes besides.
func Check(file *syntax.File, opts Options) (*Program, diag.List) {
	if opts.Float == ir.NoElem {
		opts.Float = ir.F32
	}
	c := &checker{opts: opts, prog: &Program{Float: opts.Float}, names: map[string]*symbol{}, said: map[string]bool{},
		setUsed: map[string]bool{}, lets: map[letKey]*Node{}, fields: map[*Field]*syntax.FieldItem{},
		samples: sampleBudget, noRule: map[*Field]bool{}, secondUnit: map[*Field]Unit{}, secondIn: map[*Field]*Block{}}
	file = unfoldVectors(file, &c.errs)
	if file.At.File != nil {
		c.prog.Name = programName(file.At.File.Name)
	}
	// Declarations first, so that statements may stand in any order after what they use; initial values and boundary conditions come
	// after all fields are known, blocks last.
	c.placeNames(file)
	for _, s := range file.Stmts {
		c.declare(s)
	}
	c.checkSet(file)
	c.prepareEvolves(file)
	for _, s := range file.Stmts {
		if f, ok := s.(*syntax.Field); ok {
			c.initials(f)
		}
	}
	for _, b := range c.bcs {
		c.boundaries(b)
	}
	c.maskWalls()
	c.blocks(file)
	c.unusedFns()
	for _, e := range c.rates {
		c.initialRate(e)
	}
	for _, s := range file.Stmts {
		switch s := s.(type) {
		case *syntax.Output:
			c.output(s)
		case *syntax.Probe:
			c.probe(s)
		}
	}
	c.settleUnits()
	c.broken = c.errs.HasErrors()
	c.accesses()
	c.stability()
	if c.errs.HasErrors() {
		return nil, c.errs.Sorted()
	}
	return c.prog, c.errs.Sorted()
}

// programName is the file name without directory and ending.
func programName(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' || path[i] == '\\' {
			path = path[i+1:]
			break
		}
	}
	if n := len(path) - len(".wf"); n > 0 && path[n:] == ".wf" {
		path = path[:n]
	}
	return path
}

// declare enters the names of a statement.
func (c *checker) declare(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.Bad:
		c.lost = true
		for _, n := range s.Names {
			c.names[n.Name] = &symbol{at: n.At, what: "name"}
		}
	case *syntax.Bind:
		for _, it := range s.Items {
			c.bind(s.Kind, it)
		}
	case *syntax.Grid:
		c.grid(s)
	case *syntax.Dim:
		for _, it := range s.Items {
			c.dim(it)
		}
	case *syntax.IndexDecl:
		c.indexDecl(s)
	case *syntax.Field:
		for _, it := range s.Items {
			c.field(it, s.Kind)
		}
	case *syntax.BC:
		c.bcs = append(c.bcs, s)
	case *syntax.Equation:
		c.rates = append(c.rates, s)
	case *syntax.Fn:
		c.declareFn(s)
	case *syntax.TensorFn:
		if len(s.Over) == 0 {
			c.declareFnBody(s)
		}
	}
}

// define enters a name, or reports that it is taken.
func (c *checker) define(id *syntax.Ident, s *symbol) bool {
	s.at = id.At
	if reserved[id.Name] {
		c.errs.Errorf("WF0207", id.At, "`%s` is a word of the language and cannot be a name", id.Name).Suggest("choose another name")
		return false
	}
	if old, ok := c.names[id.Name]; ok {
		c.errs.Errorf("WF0202", id.At, "the name %s is declared twice", id.Name).With(old.at, "declared here as a %s", old.what).
			Suggest("rename one of them")
		return false
	}
	c.names[id.Name] = s
	return true
}

// reserved words are functions and constants of expressions.
var reserved = map[string]bool{"pi": true, "step": true, "auto": true, "where": true, "lap": true, "dt": true, "grad": true, "div": true,
	"upwind": true, "adv": true, "exp": true, "log": true, "sin": true, "cos": true, "tanh": true, "sqrt": true, "abs": true, "floor": true,
	"ceil": true, "pow": true, "min": true, "max": true, "sum": true, "mean": true, "load": true, "dn": true}

// unknown reports a name nobody declared, once per name.
func (c *checker) unknown(id *syntax.Ident, what string, candidates []string) {
	if c.said[id.Name] {
		return
	}
	c.said[id.Name] = true
	if later, ok := c.declared[id.Name]; ok && later.Start > id.At.Start {
		c.errs.Errorf("WF0208", id.At, "%s is not known yet here", id.Name).With(later, "declared here").
			Suggest("move the declaration of %s before its first use", id.Name)
		return
	}
	d := c.errs.Errorf("WF0201", id.At, "unknown %s %s", what, id.Name)
	if s := closest(id.Name, candidates); s != "" {
		d.Replace(id.At, s, "did you mean %s?", s)
		return
	}
	if syntax.Keyword(id.Name) {
		d.Suggest("`%s` begins a statement: put what it declares after it, as in `%s name ..`", id.Name, id.Name)
		return
	}
	how := map[string]string{"grid": "`grid %s { x: 0 .. 1 in 64 }`", "dim": "`dim %s = 64`", "field": "`field %s on .. = 0`"}[what]
	if how == "" {
		d.Suggest("declare it with `param`, `const` or `field`, or correct the name")
		return
	}
	d.Suggest("declare it: "+how+", or correct the name", id.Name)
}

// nameList returns the declared names for suggestions; kind filters.
func (c *checker) nameList(keep func(*symbol) bool) []string {
	var out []string
	for n, s := range c.names {
		if keep(s) {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// settleUnits replaces unit variables by what unification found. What stays unknown is dimensionless: nothing compares it with a unit.
func (c *checker) settleUnits() {
	final := func(u Unit) string {
		u = c.resolve(u)
		u.vars = nil
		return u.String()
	}
	for _, s := range c.prog.Scalars {
		s.SI = final(s.Unit)
	}
	for _, a := range c.prog.Axes {
		a.SI = final(a.Unit)
	}
	for _, f := range c.prog.Fields {
		f.SI = final(f.Unit)
	}
	for _, b := range c.prog.Blocks {
		if !b.Count && !b.Once {
			b.SI = final(b.Unit)
		}
	}
}
