package wfc

import (
	"fmt"
	"strconv"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/dsl/lower"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/dsl/tensor"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/train"
)

// frontend reads, checks and lowers a source to index IR. The program is nil when there are errors.
func frontend(src Source, set map[string]string) (*ir.Program, *diag.File, Diagnostics) {
	prog, _, file, list := frontendPlan(src, set, nil)
	return prog, file, list
}

// frontendPlan is frontend with the plan of training, nil for a source without a train block. phases are those of the run when the settings are
// those of one of them.
func frontendPlan(src Source, set map[string]string, phases []train.Phase) (*ir.Program, *train.Plan, *diag.File, Diagnostics) {
	file := diag.NewFile(src.Name, src.Text)
	if !src.ir() {
		tree, list := syntax.ParseFile(file)
		if tensor.Is(tree) {
			t, more := tensor.Build(tree, tensor.Options{Set: set, Broken: list.HasErrors(), Phases: phases})
			if list = append(list, more...); t == nil || list.HasErrors() {
				return nil, nil, file, list
			}
			return t.IR, t.Plan, file, list
		}
		if list.HasErrors() {
			// Recovered statements are checked too, so that one run finds what there is to find.
			_, more := check.Check(tree, check.Options{Set: set})
			return nil, nil, file, append(list, more...)
		}
		checked, more := check.Check(tree, check.Options{Set: set})
		list = append(list, more...)
		if checked == nil || list.HasErrors() {
			return nil, nil, file, list
		}
		return lower.Program(checked), nil, file, list
	}
	p, err := ir.Parse(src.Name, src.Text)
	if err != nil {
		return nil, nil, file, asDiagnostics(err)
	}
	var list diag.List
	if err := setNumbers(p, set, &list); err != nil {
		return nil, nil, file, list
	}
	return p, nil, file, list
}

// setNumbers changes parameters of a program that has lost its units: values are plain numbers.
func setNumbers(p *ir.Program, set map[string]string, list *diag.List) error {
	for _, name := range sortedKeys(set) {
		found := false
		for i := range p.Params {
			if p.Params[i].Name == name {
				found = true
				if _, err := fmt.Sscanf(set[name], "%g", &p.Params[i].Value); err != nil {
					list.Errorf("WF0601", diag.Span{}, "--set %s=%s: expected a number", name, set[name])
				}
			}
		}
		if !found {
			list.Errorf("WF0205", diag.Span{}, "--set %s: the program has no param %s", name, name)
		}
	}
	return list.Err()
}

// paramSpan is where a parameter is declared.
func paramSpan(file *diag.File, src Source, name string) diag.Span {
	if src.ir() {
		return diag.Span{}
	}
	tree, _ := syntax.ParseFile(file)
	for _, s := range tree.Stmts {
		if b, ok := s.(*syntax.Bind); ok && b.Kind == syntax.Param {
			for _, item := range b.Items {
				if item.Name.Name == name {
					return item.Name.At
				}
			}
		}
	}
	return diag.Span{}
}

func formatNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
