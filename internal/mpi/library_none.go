//go:build !unix

package mpi

import "runtime"

// Join connects this process with the other ranks of the job.
func Join(Job) (Comm, error) {
	return nil, &Error{Why: "MPI libraries are loaded on Linux, macOS and BSD only, not on " + runtime.GOOS, Fix: "run without mpirun"}
}
