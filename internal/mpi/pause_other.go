//go:build !linux

package mpi

import "time"

// doze gives the processor away for about d.
func doze(d time.Duration) { time.Sleep(d) }
