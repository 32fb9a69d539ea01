package runtime

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/runtime/npy"
)

// Settings holds values for parameters by name, as given on a command line.
type Settings map[string]float64

// ParseSettings reads "name=value" arguments; later ones win.
func ParseSettings(args []string) (Settings, error) {
	s := Settings{}
	var list diag.List
	for _, a := range args {
		name, val, ok := strings.Cut(a, "=")
		v, err := strconv.ParseFloat(strings.TrimSpace(val), 64)
		if !ok || strings.TrimSpace(name) == "" || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			list.Errorf("WF0603", diag.Span{}, "--set %s: expected NAME=NUMBER with a finite number", a).
				Suggest("write --set name=64 or --set name=1.5e-3, without a unit")
			continue
		}
		s[strings.TrimSpace(name)] = v
	}
	return s, list.Err()
}

// CheckSettings finds settings of parameters that p does not have, and, when frozen, of shape parameters with another value than the
// build's. at gives the declaration of a parameter in the source; it may be nil.
func CheckSettings(p *ir.Program, s Settings, frozen bool, at func(name string) diag.Span) error {
	var list diag.List
	var names []string
	for _, q := range p.Params {
		names = append(names, q.Name)
	}
	keys := make([]string, 0, len(s))
	for k := range s {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		i := slices.Index(names, k)
		if i < 0 {
			list.Add(UnknownParam(k, names))
			continue
		}
		if q := p.Params[i]; frozen && q.Shape && q.Value != s[k] {
			var span diag.Span
			if at != nil {
				span = at(k)
			}
			list.Errorf("WF0602", span, "parameter %s is part of the compiled program's shape: it was built with %s = %s", k, k, num(q.Value)).
				Labelled("%s decides the size of a grid", k).
				Note("layout, routes and memory of the .wfx file were made for this value").
				Suggest("build again with --set %s=%s, or run the .wf file", k, num(s[k]))
		}
	}
	return list.Err()
}

// UnknownParam is the error of a setting whose name is no parameter.
func UnknownParam(name string, params []string) *diag.Diagnostic {
	d := diag.New("WF0601", diag.Span{}, "--set %s: the program has no parameter %q", name, name)
	if len(params) == 0 {
		return d.Note("it has no parameters at all")
	}
	d.Note("its parameters are %s", strings.Join(params, ", "))
	if n, ok := diag.Nearest(name, params); ok {
		d.Suggest("did you mean %s?", n)
	}
	return d
}

func num(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// state is a loaded program: host scalars and initial arrays.
type state struct {
	p      *ir.Program
	opt    *Options
	env    map[string]float64
	arrays map[string]*ir.Tensor
}

// load evaluates the host scalars and checks, reads the data files and computes the initial values.
func load(p *ir.Program, opt *Options) (*state, error) {
	env, err := ir.EvalHost(p, opt.Settings, nil)
	if err != nil {
		return nil, err
	}
	if err := checks(p, opt, env); err != nil {
		return nil, err
	}
	files := map[string]*ir.Tensor{}
	var list diag.List
	for i := range p.Arrays {
		a := &p.Arrays[i]
		if a.File == "" {
			continue
		}
		t, err := readData(p, a, opt.DataDir)
		if err != nil {
			list.Errorf("WF0604", opt.span(a.Pos), "%s: %v", a.Name, err).
				Note("relative file names start at the directory of the program")
			continue
		}
		files[a.Name] = t
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	arrays, err := interp.RunHost(p, env, files)
	if err != nil {
		return nil, err
	}
	return &state{p, opt, env, arrays}, nil
}

// checks turns failed host checks into located errors.
func checks(p *ir.Program, opt *Options, env map[string]float64) error {
	var list diag.List
	for _, f := range ir.EvalChecks(p, env) {
		// A failed check is one line, or several: the first says what, the others why.
		lines := strings.Split(f.Message, "\n")
		d := list.Errorf(f.Code, opt.span(f.Pos), "%s", lines[0])
		d.Notes = append(d.Notes, lines[1:]...)
	}
	return list.Err()
}

func readData(p *ir.Program, a *ir.Array, dir string) (*ir.Tensor, error) {
	path := a.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	arr, err := npy.ReadFile(path)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("file %q does not exist", a.File)
		}
		return nil, err
	}
	if want := p.Shape(a); !slices.Equal(want, arr.Dims) {
		return nil, fmt.Errorf("file %q has shape %v, the field %v (axes %s)", a.File, arr.Dims, want, strings.Join(a.Axes, ", "))
	}
	t, err := arr.Tensor(a.Elem)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", a.File, err)
	}
	return t, nil
}
