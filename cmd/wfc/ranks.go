package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

// onRanks runs f in this process and, under mpirun, in the others that it started: rank 0 shows what there is to show, the others only
// what goes wrong with them alone.
func onRanks(c *cli.Context, f func(r *wfc.Ranks) error) error {
	r, err := wfc.Join()
	if r == nil && err == nil {
		return f(nil)
	}
	stderr := c.App.ErrWriter
	if !r.Leads() {
		c.App.Writer, c.App.ErrWriter = io.Discard, io.Discard
	}
	if err != nil { // it is the same for all
		return shownBy(r, err)
	}
	if err = f(r); r.Alone(err) {
		report(wfc.FileErrors(err), stderr)
		r.Abort()
	}
	if err != nil && !r.Began() { // others may be further, and wait for this rank before they begin
		_ = r.Agree(c.Context, err) // it is shown below
	}
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return shownBy(r, err)
}

// shownBy leaves it to rank 0 to show an error that all have.
func shownBy(r *wfc.Ranks, err error) error {
	if err != nil && !r.Leads() {
		return errShown{exitFailed}
	}
	return err
}
