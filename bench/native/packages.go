//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// asRoot lets Open MPI run in containers.
var asRoot = []string{"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"}

// tuned is the environment in which PyTorch is fastest: an OpenBLAS whose threads are OpenMP's, as PyTorch's are, and tcmalloc.
func tuned() ([]string, error) {
	blas, _ := filepath.Glob("/usr/lib/*/openblas-openmp")
	malloc, _ := filepath.Glob("/usr/lib/*/libtcmalloc_minimal.so.4")
	if len(blas) == 0 || len(malloc) == 0 {
		return nil, fmt.Errorf("OpenBLAS with OpenMP and tcmalloc %w", errAbsent)
	}
	return []string{"LD_LIBRARY_PATH=" + blas[0], "LD_PRELOAD=" + malloc[0]}, nil
}

// inPETSc is PETSc's solver with the options given, one process per thread.
func inPETSc(n int, options ...string) entry {
	return entry{"PETSc " + strings.Join(options, " "), func(y *yard) (contestant, error) {
		flags, err := exec.Command("pkg-config", "--cflags", "--libs", "petsc", "mpi-c").Output()
		if err != nil {
			flags, err = exec.Command("pkg-config", "--cflags", "--libs", "PETSc", "mpi-c").Output()
		}
		if err != nil {
			return nil, fmt.Errorf("PETSc %w", errAbsent)
		}
		exe, err := y.compile(gcc, "poisson_petsc.c", strings.Fields(string(flags)))
		if err != nil {
			return nil, err
		}
		args := append([]string{strconv.Itoa(n)}, options...)
		if *threads == 1 {
			return start(nil, exe, args...)
		}
		return start(asRoot, "mpirun", append([]string{"-n", strconv.Itoa(*threads), exe}, args...)...)
	}}
}
