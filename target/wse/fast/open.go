package fast

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Wafer is what both engines offer a host.
type Wafer interface {
	WriteArray(x, y int, name string, off int, src []uint32) error
	ReadArray(x, y int, name string, off int, dst []uint32) error
	Launch(ctx context.Context, args ...int32) (sim.Stats, error)
	OnTick(f func(cycle int64, args []int32))
	OnOffer(f func(k int))
	OnCancel(f func(each func(f func(args []int32))))
	Cycle() int64
}

// few PEs are simulated sooner than sorted into groups.
const few = 1024

// Open gives this engine where it can run the program and its PEs have enough in common, else the plain one and why; that one moves
// long streams in trains then, and so it does when a program is handed over to it.
func Open(p *wse.Program, m wse.Machine, opt sim.Options) (w Wafer, why string, err error) {
	opt.Trains = true
	if p.W*p.H < few {
		w, err := plain(p, m, opt)
		return w, fmt.Sprintf("fewer than %d PEs have too little in common", few), err
	}
	s, err := New(p, m, opt, 0)
	var no *Unsupported
	if errors.As(err, &no) {
		opt.Checked = true // New has
		w, err := plain(p, m, opt)
		return w, no.Reason, err
	}
	if err != nil {
		return nil, "", err
	}
	return s, "", nil
}

// plain is the plain engine, which need not carry out by the rules what repeats itself.
func plain(p *wse.Program, m wse.Machine, opt sim.Options) (*sim.Sim, error) {
	s, err := sim.New(p, m, opt)
	if err == nil {
		s.Repeat()
	}
	return s, err
}
