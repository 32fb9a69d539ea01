package runtime

import "github.com/wfc-lang/wfc/ir"

// Start gives an engine the host scalars and the initial value of every array and leaves the schedule to the caller: a loop that
// launches functions by itself. What keep (may be nil)
// is true of is left out: the caller sets it.
func (p *Prepared) Start(e Engine, keep func(array string) bool) error {
	s := p.state
	if s.arrays == nil {
		if err := s.initial(); err != nil {
			return err
		}
	}
	if err := e.Scalars(s.env); err != nil {
		return err
	}
	for i := range s.p.Arrays {
		name := s.p.Arrays[i].Name
		if keep != nil && keep(name) {
			continue
		}
		if err := e.Set(name, s.arrays[name]); err != nil {
			return err
		}
	}
	return nil
}

// Release drops the initial values, which are as large as all arrays; a further Start computes them again.
func (p *Prepared) Release() { p.state.arrays = nil }

// Initial is the initial value of an array, nil after Release and, with Options.Late, before Start.
func (p *Prepared) Initial(array string) *ir.Tensor { return p.state.arrays[array] }

// Program is the program that was prepared.
func (p *Prepared) Program() *ir.Program { return p.state.p }
