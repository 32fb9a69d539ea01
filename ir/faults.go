package ir

import "github.com/wfc-lang/wfc/internal/diag"

// FaultCode is the diagnostic code of broken invariants, of the index IR and of the mesh IR.
const FaultCode = "WF0702"

// List turns the faults into diagnostics without a place.
func (f Faults) List() diag.List {
	var l diag.List
	for _, x := range f {
		l.Errorf(FaultCode, diag.Span{}, "%s", x)
	}
	return l
}
