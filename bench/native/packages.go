//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// icoFoam is OpenFOAM's incompressible solver on the cavity: PISO with two corrections, the pressure by its multigrid, time steps of
// 0.5/n as ours. It is started anew for every sample; what it says of its time between the first and the last step counts.
func icoFoam(n, steps int) entry {
	return entry{"OpenFOAM icoFoam, GAMG", func(y *yard) (contestant, error) {
		for _, tool := range []string{"blockMesh", "icoFoam", "decomposePar", "mpirun"} {
			if _, err := exec.LookPath(tool); err != nil {
				return nil, fmt.Errorf("%s %w", tool, errAbsent)
			}
		}
		dir := filepath.Join(y.dir, "cavity")
		for file, text := range cavityCase(n, steps) {
			path := filepath.Join(dir, file)
			err := os.MkdirAll(filepath.Dir(path), 0o777)
			if err == nil {
				err = os.WriteFile(path, []byte("FoamFile { version 2.0; format ascii; class "+class(file)+"; object "+filepath.Base(file)+"; }\n"+text), 0o666)
			}
			if err != nil {
				return nil, err
			}
		}
		f := &foam{dir: dir, cells: pow(n, 2)}
		if _, err := f.run("blockMesh"); err != nil {
			return nil, err
		}
		if *threads > 1 {
			if _, err := f.run("decomposePar"); err != nil {
				return nil, err
			}
		}
		return f, nil
	}}
}

// asRoot lets Open MPI run in containers.
var asRoot = []string{"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"}

type foam struct {
	dir   string
	cells float64
}

func (f *foam) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = f.dir
	cmd.Env = append(os.Environ(), asRoot...)
	if os.Getenv("WM_PROJECT_DIR") == "" { // where Debian has it
		cmd.Env = append(cmd.Env, "WM_PROJECT_DIR=/usr/share/openfoam", "FOAM_ETC=/usr/share/openfoam/etc")
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, text[max(0, len(text)-1000):])
	}
	return string(text), nil
}

var executionTime = regexp.MustCompile(`ExecutionTime = ([0-9.]+) s +ClockTime`)

func (f *foam) Sample() (sample, error) {
	var text string
	var err error
	if *threads > 1 {
		text, err = f.run("mpirun", "-n", strconv.Itoa(*threads), "icoFoam", "-parallel")
	} else {
		text, err = f.run("icoFoam")
	}
	if err != nil {
		return sample{}, err
	}
	times := executionTime.FindAllStringSubmatch(text, -1)
	if len(times) < 2 {
		return sample{}, errors.New("icoFoam told no times")
	}
	first, err1 := strconv.ParseFloat(times[0][1], 64)
	last, err2 := strconv.ParseFloat(times[len(times)-1][1], 64)
	return sample{last - first, f.cells * float64(len(times)-1), math.NaN()}, errors.Join(err1, err2)
}

func (f *foam) Close() error { return nil }

func class(file string) string {
	switch filepath.Base(file) {
	case "U":
		return "volVectorField"
	case "p":
		return "volScalarField"
	}
	return "dictionary"
}

// cavityCase is the case by files.
func cavityCase(n, steps int) map[string]string {
	step := 0.5 / float64(n)
	patches := func(moving, wall string) string {
		return fmt.Sprintf("boundaryField { lid { %s } walls { %s } sides { type empty; } }\n", moving, wall)
	}
	return map[string]string{
		"system/blockMeshDict": fmt.Sprintf(`convertToMeters 1;
vertices ((0 0 0) (1 0 0) (1 1 0) (0 1 0) (0 0 0.1) (1 0 0.1) (1 1 0.1) (0 1 0.1));
blocks (hex (0 1 2 3 4 5 6 7) (%d %d 1) simpleGrading (1 1 1));
boundary (
  lid { type wall; faces ((3 7 6 2)); }
  walls { type wall; faces ((0 4 7 3) (2 6 5 1) (1 5 4 0)); }
  sides { type empty; faces ((0 3 2 1) (4 5 6 7)); }
);
`, n, n),
		"system/controlDict": fmt.Sprintf(`application icoFoam; startFrom startTime; startTime 0; stopAt endTime; endTime %.12g; deltaT %.12g;
writeControl timeStep; writeInterval 1000000; writeFormat binary; writePrecision 6; timeFormat general; timePrecision 9; runTimeModifiable false;
`, step*float64(steps+1), step),
		"system/fvSchemes": `ddtSchemes { default Euler; } gradSchemes { default Gauss linear; } divSchemes { default none; div(phi,U) Gauss linear; }
laplacianSchemes { default Gauss linear orthogonal; } interpolationSchemes { default linear; } snGradSchemes { default orthogonal; }
`,
		"system/fvSolution": `solvers {
  p { solver GAMG; smoother GaussSeidel; tolerance 1e-6; relTol 0.05; }
  pFinal { $p; relTol 0; }
  U { solver smoothSolver; smoother symGaussSeidel; tolerance 1e-5; relTol 0; }
}
PISO { nCorrectors 2; nNonOrthogonalCorrectors 0; pRefCell 0; pRefValue 0; }
`,
		"system/decomposeParDict":      fmt.Sprintf("numberOfSubdomains %d; method simple; simpleCoeffs { n (%d 1 1); delta 0.001; }\n", *threads, *threads),
		"constant/transportProperties": "nu [0 2 -1 0 0 0 0] 0.01;\n",
		"0/p":                          "dimensions [0 2 -2 0 0 0 0]; internalField uniform 0;\n" + patches("type zeroGradient;", "type zeroGradient;"),
		"0/U":                          "dimensions [0 1 -1 0 0 0 0]; internalField uniform (0 0 0);\n" + patches("type fixedValue; value uniform (1 0 0);", "type noSlip;"),
	}
}

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
