package tensor

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

//go:embed prelude.wf
var preludeText string

// Prelude is the text of the functions, rule tables and optimizers that every model can use.
func Prelude() string { return preludeText }

var prelude = sync.OnceValue(func() *syntax.File {
	f, errs := syntax.Parse("prelude.wf", preludeText)
	if len(errs) > 0 {
		panic(fmt.Sprint("the embedded prelude does not parse: ", errs)) // fixed at build; a test parses it
	}
	return f
})

func newElab(file *syntax.File, opts Options) *elab {
	e := &elab{opts: opts, fns: map[string]*function{}, optimizers: map[string]*syntax.Optimizer{}, rules: map[string]*syntax.Rules{},
		said: map[string]bool{}, stateNames: map[string]bool{}, float: ir.F32, p: &ir.Program{},
		m: &model{dims: map[string]*dim{}, byName: map[string]*weight{}}}
	if opts.Float.IsFloat() {
		e.float = opts.Float
	}
	e.file = file.At.File
	e.fn = newBuilder("loss", false)
	e.root = &scope{names: map[string]any{}, at: map[string]diag.Span{}}
	e.global = e.root.child()
	e.definitions(prelude(), false)
	e.definitions(file, true)
	return e
}

// definitions enters functions, optimizers and rule tables; those of the file may replace the prelude's.
func (e *elab) definitions(f *syntax.File, own bool) {
	at := map[string]diag.Span{}
	put := func(kind string, id *syntax.Ident) bool {
		key := kind + id.Name
		if old, ok := at[key]; ok {
			e.fail("WF0202", id.At, "the name %s is declared twice", id.Name).With(old, "declared here").Suggest("rename one of them")
			return false
		}
		if reserved[id.Name] {
			e.fail("WF0207", id.At, "`%s` is a word of the language and cannot be a name", id.Name).Suggest("choose another name")
			return false
		}
		at[key] = id.At
		return true
	}
	for _, s := range f.Stmts {
		switch s := s.(type) {
		case *syntax.Fn:
			if put("fn ", s.Name) {
				fn := &function{name: s.Name, value: s.Value, own: own}
				for _, p := range s.Params {
					fn.params = append(fn.params, &syntax.Arg{Loc: p.Loc, Name: p})
				}
				e.fns[s.Name.Name] = fn
			}
		case *syntax.TensorFn:
			if put("fn ", s.Name) {
				e.fns[s.Name.Name] = &function{name: s.Name, params: s.Params, over: s.Over, value: s.Value, body: s.Body, own: own}
			}
		case *syntax.Optimizer:
			if put("optimizer ", s.Name) {
				e.optimizers[s.Name.Name] = s
			}
		case *syntax.Rules:
			if put("rules ", s.Name) {
				e.rules[s.Name.Name] = s
			}
		}
	}
}

// globals is the scope a function's body sees beside its parameters.
func (e *elab) globals(f *function) *scope {
	if f.own {
		return e.global
	}
	return e.root
}
