package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

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
	if r.Leads() {
		defer tellEnd(stderr)()
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

// shownBy leaves it to rank 0 to show an error that all have, and to end with its exit code: mpirun ends the others at the first code
// that is not 0, which must not be before rank 0 has shown why.
func shownBy(r *wfc.Ranks, err error) error {
	if err != nil && !r.Leads() {
		return errShown{exitOK}
	}
	return err
}

// patience is how long a rank that was told to end may take for it.
const patience = 10 * time.Second

// tellEnd says what it means when mpirun tells this process to end, which it does when another one is lost, and sees to it that the process
// ends even when it waits for that one. It returns what stops it.
func tellEnd(stderr io.Writer) (stop func()) {
	told, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		select {
		case <-done:
			return
		case <-told:
		}
		fmt.Fprintln(stderr, "wfc: told to end: a rank is lost (WF0627), or the job was stopped; go on from the last checkpoint with --restart, or --resume for training")
		select {
		case <-done:
		case <-time.After(patience):
			os.Exit(exitFailed)
		}
	}()
	return func() {
		signal.Stop(told)
		close(done)
	}
}
