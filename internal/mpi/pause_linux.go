package mpi

import (
	"syscall"
	"time"
)

// doze gives the processor away for about d. The thread itself sleeps: Go's timers are rounded up to a millisecond where nothing else happens,
// because that is the unit of epoll, and most messages are there much sooner.
func doze(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
