package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/runtime/npy"
)

// Settings holds values for parameters by name, in the units of ir.Param.
type Settings map[string]float64

// CheckFrozen finds settings of shape parameters with another value than the build's. at gives the declaration of a parameter in the
// source; it may be nil.
func CheckFrozen(p *ir.Program, s Settings, at func(name string) diag.Span) error {
	var list diag.List
	for _, k := range names(s) {
		i := slices.IndexFunc(p.Params, func(q ir.Param) bool { return q.Name == k })
		if i < 0 || !p.Params[i].Shape || p.Params[i].Value == s[k] {
			continue
		}
		var span diag.Span
		if at != nil {
			span = at(k)
		}
		list.Errorf("WF0602", span, "parameter %s is part of the compiled program's shape: it was built with %s = %s", k, k, quantity(p.Params[i].Value, p.Params[i].Unit)).
			Labelled("%s decides the size of a grid", k).
			Note("layout, routes and memory of the .wfx file were made for this value").
			Suggest("build again with --set '%s=%s', or run the .wf file", k, quantity(s[k], p.Params[i].Unit))
	}
	return list.Err()
}

// quantity is a number with its unit.
func quantity(v float64, unit string) string {
	if unit == "" || unit == "1" {
		return num(v)
	}
	return num(v) + " " + unit
}

func num(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// state is a loaded program: host scalars and initial arrays.
type state struct {
	p      *ir.Program
	opt    *Options
	env    map[string]float64
	arrays map[string]*ir.Tensor
}

// load evaluates the host scalars and checks, and makes the initial values unless they are to come late.
func load(p *ir.Program, opt *Options) (*state, error) {
	env, err := ir.EvalHost(p, opt.Settings, nil)
	if err != nil {
		return nil, err
	}
	if err := checks(p, opt, env); err != nil {
		return nil, err
	}
	s := &state{p: p, opt: opt, env: env}
	if !opt.Late {
		err = s.initial()
	}
	return s, err
}

// initial reads the data files and computes the initial values.
func (s *state) initial() error {
	files := map[string]*ir.Tensor{}
	var list diag.List
	p, opt := s.p, s.opt
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
		return err
	}
	var err error
	s.arrays, err = interp.RunHost(p, s.env, files)
	return err
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
	if strings.EqualFold(filepath.Ext(path), ".png") {
		t, err := readImage(path, p.Shape(a))
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", a.File, err)
		}
		return t, nil
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
