package dsl

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/dsl/lower"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/dsl/tensor"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Options are choices made outside the source: values of params (`--set`) and the default element type.
type Options = check.Options

// Checked is a program whose names, units and rules have been checked.
type Checked = check.Program

// ParseFile reads the text of a program; name stands in messages. The file is never nil: what could not be read is left out of it.
func ParseFile(name, text string) (*syntax.File, diag.List) { return syntax.Parse(name, text) }

// Check gives a file its meaning. All errors of the file are in the list, sorted by place; the program is nil when there is one. The
// file may have syntax errors: what could be read is checked all the same.
func Check(file *syntax.File, opts Options) (*Checked, diag.List) { return check.Check(file, opts) }

// Lower turns a checked program into the index IR, as the first pass takes it.
func Lower(p *Checked) *ir.Program { return lower.Program(p) }

// Compile reads, checks and lowers a program. It returns nil when the list holds an error.
func Compile(name, text string, opts Options) (*ir.Program, diag.List) {
	file, errs := ParseFile(name, text)
	if tensor.Is(file) {
		t, more := tensor.Build(file, tensor.Options{Set: opts.Set, Float: opts.Float})
		if errs.Append(more); t == nil || errs.HasErrors() {
			return nil, errs.Sorted()
		}
		return t.IR, errs.Sorted()
	}
	p, more := Check(file, opts)
	errs.Append(more)
	errs = errs.Sorted()
	if errs.HasErrors() {
		return nil, errs
	}
	return Lower(p), errs
}
