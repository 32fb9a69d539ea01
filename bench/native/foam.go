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

// foamCase is a case of OpenFOAM: a solver and its files. It is started anew for every sample; what the solver says of its time between
// the first and the last step counts.
type foamCase struct {
	solver string
	files  map[string]string
	work   float64 // of a step
	probe  string  // a file of values in time that the case leaves; one of them, or its first component, is the check
	since  int     // the check is that so many steps before the last
}

func (c foamCase) entry(name string) entry {
	return entry{name, func(y *yard) (contestant, error) {
		for _, tool := range []string{"blockMesh", c.solver, "decomposePar", "mpirun"} {
			if _, err := exec.LookPath(tool); err != nil {
				return nil, fmt.Errorf("%s %w", tool, errAbsent)
			}
		}
		f := &foam{foamCase: c, dir: filepath.Join(y.dir, c.solver)}
		for file, text := range c.files {
			path := filepath.Join(f.dir, file)
			err := os.MkdirAll(filepath.Dir(path), 0o777)
			if err == nil {
				err = os.WriteFile(path, []byte("FoamFile { version 2.0; format ascii; class "+class(file)+"; object "+filepath.Base(file)+"; }\n"+text), 0o666)
			}
			if err != nil {
				return nil, err
			}
		}
		_, err := f.run("blockMesh")
		if err == nil && *threads > 1 {
			_, err = f.run("decomposePar")
		}
		return f, err
	}}
}

func class(file string) string {
	switch filepath.Base(file) {
	case "U":
		return "volVectorField"
	case "p", "T":
		return "volScalarField"
	}
	return "dictionary"
}

type foam struct {
	foamCase
	dir string
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

func (f *foam) Sample() (s sample, err error) {
	var text string
	if *threads > 1 {
		text, err = f.run("mpirun", "-n", strconv.Itoa(*threads), f.solver, "-parallel")
	} else {
		text, err = f.run(f.solver)
	}
	if err != nil {
		return s, err
	}
	times := executionTime.FindAllStringSubmatch(text, -1)
	if len(times) < 2 {
		return s, fmt.Errorf("%s told no times", f.solver)
	}
	first, err1 := strconv.ParseFloat(times[0][1], 64)
	last, err2 := strconv.ParseFloat(times[len(times)-1][1], 64)
	check, err3 := f.check()
	return sample{last - first, f.work * float64(len(times)-1), check}, errors.Join(err1, err2, err3)
}

func (f *foam) check() (float64, error) {
	if f.probe == "" {
		return math.NaN(), nil
	}
	b, err := os.ReadFile(filepath.Join(f.dir, f.probe))
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) <= f.since {
		return 0, fmt.Errorf("%s: %d lines", f.probe, len(lines))
	}
	words := strings.Fields(lines[len(lines)-1-f.since])
	if len(words) < 2 {
		return 0, fmt.Errorf("%s: no value in %q", f.probe, words)
	}
	return strconv.ParseFloat(strings.Trim(words[1], "()"), 64)
}

func (f *foam) Close() error { return nil }

// blockMesh is a box of cells, its sides patches of the names given; a plane problem has one cell along z.
func blockMesh(nx, ny, nz int, depth float64, patches string) string {
	return fmt.Sprintf(`convertToMeters 1;
vertices ((0 0 0) (1 0 0) (1 1 0) (0 1 0) (0 0 %[4]g) (1 0 %[4]g) (1 1 %[4]g) (0 1 %[4]g));
blocks (hex (0 1 2 3 4 5 6 7) (%[1]d %[2]d %[3]d) simpleGrading (1 1 1));
boundary (%[5]s);
`, nx, ny, nz, depth, patches)
}

// control runs steps steps from time 0.
func control(solver string, step float64, steps int, functions string) string {
	return fmt.Sprintf(`application %s; startFrom startTime; startTime 0; stopAt endTime; endTime %.12g; deltaT %.12g;
writeControl timeStep; writeInterval 1000000; writeFormat binary; writePrecision 9; timeFormat general; timePrecision 9; runTimeModifiable false;
functions { %s }
`, solver, step*float64(steps), step, functions)
}

func decomposed() string {
	return fmt.Sprintf("numberOfSubdomains %d; method simple; simpleCoeffs { n (%d 1 1); delta 0.001; }\n", *threads, *threads)
}

// icoFoam is OpenFOAM's incompressible solver on the cavity: PISO with two corrections, the pressure by its multigrid, time steps of
// 0.5/n as ours. Its velocity along x at (x, y) is the check. The first step does not count, so it takes one more than ours.
func icoFoam(n, steps int, x, y float64) entry {
	patches := func(moving, wall string) string {
		return fmt.Sprintf("boundaryField { lid { %s } walls { %s } sides { type empty; } }\n", moving, wall)
	}
	return foamCase{solver: "icoFoam", work: pow(n, 2), probe: "postProcessing/point/0/U", since: 1, files: map[string]string{
		"system/blockMeshDict": blockMesh(n, n, 1, 0.1, `lid { type wall; faces ((3 7 6 2)); }
  walls { type wall; faces ((0 4 7 3) (2 6 5 1) (1 5 4 0)); }
  sides { type empty; faces ((0 3 2 1) (4 5 6 7)); }`),
		"system/controlDict": control("icoFoam", 0.5/float64(n), steps+1, fmt.Sprintf(
			`point { type probes; libs ("libsampling.so"); fields (U); probeLocations ((%.9g %.9g 0.05)); }`, x, y)),
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
		"system/decomposeParDict":      decomposed(),
		"constant/transportProperties": "nu [0 2 -1 0 0 0 0] 0.01;\n",
		"0/p":                          "dimensions [0 2 -2 0 0 0 0]; internalField uniform 0;\n" + patches("type zeroGradient;", "type zeroGradient;"),
		"0/U":                          "dimensions [0 1 -1 0 0 0 0]; internalField uniform (0 0 0);\n" + patches("type fixedValue; value uniform (1 0 0);", "type noSlip;"),
	}}.entry("OpenFOAM icoFoam, GAMG")
}

// laplacianFoam is OpenFOAM's heat equation on the cells of the unit cube from the product of sines to time end, by Crank-Nicolson in
// steps steps and conjugate gradients; one work is the whole.
func laplacianFoam(n, steps int, end float64) entry {
	h, step := 1/float64(n), end/float64(steps)
	sines := make([]float64, n)
	for i := range sines {
		sines[i] = math.Sin(math.Pi * (float64(i) + 0.5) * h)
	}
	var first strings.Builder
	fmt.Fprintf(&first, "dimensions [0 0 0 1 0 0 0];\ninternalField nonuniform List<scalar> %d (\n", n*n*n)
	for z := range n {
		for y := range n {
			for x := range n {
				fmt.Fprintf(&first, "%.9g\n", sines[x]*sines[y]*sines[z])
			}
		}
	}
	first.WriteString(");\nboundaryField { walls { type fixedValue; value uniform 0; } }\n")
	centre := 0.5 + h/2
	return foamCase{solver: "laplacianFoam", work: 1 / float64(steps), probe: "postProcessing/centre/0/T", files: map[string]string{
		"system/blockMeshDict": blockMesh(n, n, n, 1, `walls { type wall; faces ((0 3 2 1) (4 5 6 7) (3 7 6 2) (0 4 7 3) (2 6 5 1) (1 5 4 0)); }`),
		"system/controlDict": control("laplacianFoam", step, steps, fmt.Sprintf(
			`centre { type probes; libs ("libsampling.so"); fields (T); probeLocations ((%[1]g %[1]g %[1]g)); }`, centre)),
		"system/fvSchemes": `ddtSchemes { default CrankNicolson 1; } gradSchemes { default Gauss linear; } divSchemes { default none; }
laplacianSchemes { default Gauss linear orthogonal; } interpolationSchemes { default linear; } snGradSchemes { default orthogonal; }
`,
		"system/fvSolution":            "solvers { T { solver PCG; preconditioner DIC; tolerance 1e-6; relTol 0; } }\nSIMPLE { nNonOrthogonalCorrectors 0; }\n",
		"system/decomposeParDict":      decomposed(),
		"constant/transportProperties": "DT [0 2 -1 0 0 0 0] 1;\n",
		"0/T":                          first.String(),
	}}.entry(fmt.Sprintf("OpenFOAM laplacianFoam, Crank-Nicolson in %d steps, PCG", steps))
}
