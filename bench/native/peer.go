//go:build linux

package main

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed peers
var programs embed.FS

// A peer is a process that answers every line on its input with a line
//
//	SECONDS WORK CHECK
//
// after having done the work of the case once more; CHECK is "nan" if there is nothing to compare. It ends with its input.
type peer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

var errAbsent = errors.New("not installed")

func absent(err error) bool { return errors.Is(err, errAbsent) }

func start(env []string, name string, args ...string) (contestant, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), blas(), fmt.Sprintf("OMP_NUM_THREADS=%d", *threads), fmt.Sprintf("NUMBA_NUM_THREADS=%d", *threads),
		fmt.Sprintf("HL_NUM_THREADS=%d", *threads))
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &peer{cmd: cmd, in: in, out: bufio.NewScanner(out)}, nil
}

// blas is the environment for OpenBLAS: it does not know every processor and takes slow kernels for those it does not know.
func blas() string {
	if b, _ := os.ReadFile("/proc/cpuinfo"); strings.Contains(string(b), " avx512f ") {
		return "OPENBLAS_CORETYPE=SkylakeX"
	}
	return "OPENBLAS_CORETYPE="
}

func (p *peer) Sample() (sample, error) {
	if _, err := io.WriteString(p.in, "go\n"); err != nil {
		return sample{}, err
	}
	if !p.out.Scan() {
		return sample{}, errors.Join(errors.New("it ended without an answer"), p.out.Err())
	}
	f := strings.Fields(p.out.Text())
	if len(f) != 3 {
		return sample{}, fmt.Errorf("it said %q", p.out.Text())
	}
	var v [3]float64
	for i := range v {
		x, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			return sample{}, fmt.Errorf("it said %q", p.out.Text())
		}
		v[i] = x
	}
	if !(v[0] > 0) || math.IsInf(v[0], 0) {
		return sample{}, fmt.Errorf("it took %v seconds", v[0])
	}
	return sample{v[0], v[1], v[2]}, nil
}

func (p *peer) Close() error {
	p.in.Close()
	return p.cmd.Wait()
}

// yard is where peers are built, once each.
type yard struct {
	dir   string
	built map[string]build
}

type build struct {
	exe string
	err error
}

func newYard(dir string) *yard { return &yard{dir, map[string]build{}} }

// sources writes the embedded programs out, so that they find each other.
func (y *yard) sources() error {
	list, err := programs.ReadDir("peers")
	if err != nil {
		return err
	}
	for _, f := range list {
		b, err := programs.ReadFile("peers/" + f.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(y.dir, f.Name()), b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inC is a peer in C: file, compiled by the first of the compilers that is there, with flags for what it needs besides.
func inC(name string, compilers []string, file string, flags []string, args ...any) entry {
	return entry{name, func(y *yard) (contestant, error) {
		exe, err := y.compile(compilers, file, flags)
		if err != nil {
			return nil, err
		}
		var env []string
		if flags == nil { // threads of OpenMP stay where their memory is; a library's own threads would all be bound to one processor
			env = []string{"OMP_PROC_BIND=true"}
		}
		return start(env, exe, words(args)...)
	}}
}

func (y *yard) compile(compilers []string, file string, flags []string) (string, error) {
	key := fmt.Sprint(compilers, file, flags)
	if b, ok := y.built[key]; ok {
		return b.exe, b.err
	}
	exe := filepath.Join(y.dir, fmt.Sprintf("peer%d", len(y.built)))
	err := y.cc(compilers, file, flags, exe)
	y.built[key] = build{exe, err}
	return exe, err
}

func (y *yard) cc(compilers []string, file string, flags []string, exe string) error {
	cc := ""
	for _, name := range compilers {
		if path, err := exec.LookPath(name); err == nil {
			cc = path
			break
		}
	}
	if cc == "" {
		return fmt.Errorf("%s %w", compilers[0], errAbsent)
	}
	args := []string{"-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", filepath.Join(y.dir, file), "-o", exe}
	text, err := exec.Command(cc, append(append(args, flags...), "-lm")...).CombinedOutput()
	switch {
	case err == nil:
		return nil
	case strings.Contains(string(text), "No such file") || strings.Contains(string(text), "file not found") || strings.Contains(string(text), "cannot find"):
		return fmt.Errorf("headers or libraries %w", errAbsent)
	}
	return fmt.Errorf("%s %s: %w\n%s", cc, file, err, text)
}

// inPython is a peer in Python that needs modules.
func inPython(name, file string, modules []string, args ...any) entry {
	return inPythonWith(name, func() ([]string, error) { return nil, nil }, file, modules, args...)
}

// inPythonWith has an environment besides.
func inPythonWith(name string, env func() ([]string, error), file string, modules []string, args ...any) entry {
	return entry{name, func(y *yard) (contestant, error) {
		env, err := env()
		if err != nil {
			return nil, err
		}
		for _, py := range []string{"python3", "/usr/bin/python3"} { // the second has the distribution's modules
			if exec.Command(py, "-c", "import "+strings.Join(modules, ",")).Run() == nil {
				return start(env, py, append([]string{filepath.Join(y.dir, file)}, words(args)...)...)
			}
		}
		return nil, fmt.Errorf("python3 with %s %w", strings.Join(modules, ", "), errAbsent)
	}}
}

func words(args []any) (out []string) {
	for _, a := range args {
		out = append(out, fmt.Sprint(a))
	}
	return out
}
