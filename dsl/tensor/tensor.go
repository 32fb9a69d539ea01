// Package tensor gives models their meaning: the half of the language that speaks of weights, indices and layers.
//
// A file with a `model` is elaborated rather than checked first and lowered later: all extents are known when a program is built, so
// every statement becomes operations of the index IR at once, layers are written out, and functions are put in where they are called.
// What an expression is until it gets a home in an operation is a [val]: a graph of scalar operations with free indices. Three things
// give it a home: a `let` (a map over its indices), a reduction (a reduce over the indices it binds), and a read at a computed index
// (a guarded sum, which engines recognise as a gather).
//
// The batch is an index like the others, but implicit: whatever depends on the data has it as its first index, and a loss is the mean
// over it. Sums by missing index are placed by sums.go; functions over indices, masks and the prelude (prelude.wf) are in call.go.
//
// The trainer around a model (train.go and what follows it) is made of the same parts: gradients by package passes/grad, optimizers
// from their text in the language, schedules as expressions of the step.
package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/train"
)

// Options are the choices made outside the source.
type Options struct {
	Set map[string]string // values of params, as after --set: numbers, or texts for params that hold texts
	// Float is the type of weights and sums, F32 when NoElem; F64 serves comparisons on interpreter and CPU.
	Float ir.Elem
	// Broken says that the file had errors of syntax: what is missing because of them is not reported.
	Broken bool
	// Phases are those of the whole run when this is the program of one of them, whose settings are in Set: they settle how long the run is.
	Phases []train.Phase
}

// Program is an elaborated model and, when the file has a train block, its trainer.
type Program struct {
	IR     *ir.Program
	Plan   *train.Plan // nil without a train block
	Report *Report
	ends   []string // of function loss: the values that end the layers
}

// Is says whether a file is of the tensor half of the language.
func Is(f *syntax.File) bool {
	for _, s := range f.Stmts {
		switch s.(type) {
		case *syntax.Model, *syntax.Train:
			return true
		}
	}
	return false
}

// dim is a named extent; every dim is an axis of the program.
type dim struct {
	name string // of the axis
	n    int
	at   diag.Span
	self *index // the index named like the dim
}

// index is a name that ranges over a dim.
type index struct {
	id   int
	name string
	dim  *dim
	at   diag.Span
}

// array is something with values at indices: a weight, an input, or the result of an operation.
type array struct {
	ref     string // "@wte", "%l0.q"
	elem    ir.Elem
	dims    []*index // its places, named
	batched bool     // the batch is a place before them
	zero    *mask    // see val
	forward float64  // multiplier of a weight where it is read; 1 for others
	at      diag.Span
	what    string // "weight", "let", ..
}
