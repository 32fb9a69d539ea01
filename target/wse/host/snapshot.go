package host

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// account is what the host knows of a run besides the wafer.
type account struct {
	Cycles, Hosts int64
	Away          map[string]*ir.Tensor
}

// Save writes a snapshot of the wafer, which runs code on m, with the cycles counted so far. It fails on a wafer that cannot tell its state.
func (e *Engine) Save(w io.Writer, code *wse.Program, m wse.Machine) error {
	f, ok := e.w.(sim.Frozen)
	if !ok {
		return fmt.Errorf("this wafer cannot tell its state")
	}
	var head bytes.Buffer
	if err := gob.NewEncoder(&head).Encode(account{e.cycles, e.hosts, e.away}); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%d\n%s", head.Len(), head.Bytes()); err != nil {
		return err
	}
	return sim.Save(w, code, m, f)
}

// Load goes on from a snapshot; the engine has not run anything yet.
func (e *Engine) Load(r io.Reader, code *wse.Program, m wse.Machine) error {
	t, ok := e.w.(sim.Thawed)
	if !ok {
		return fmt.Errorf("this wafer cannot be put into a state")
	}
	var n int
	if _, err := fmt.Fscanf(r, "%d\n", &n); err != nil || n < 0 || n > 1<<30 {
		return fmt.Errorf("this is no snapshot of a run")
	}
	var a account
	if err := gob.NewDecoder(io.LimitReader(r, int64(n))).Decode(&a); err != nil {
		return fmt.Errorf("the snapshot is damaged: %w", err)
	}
	if err := sim.Load(r, code, m, t); err != nil {
		return err
	}
	e.cycles, e.hosts = a.Cycles, a.Hosts
	for name, t := range a.Away {
		e.away[name] = t
	}
	return nil
}
