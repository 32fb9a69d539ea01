package mms

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/dsl/lower"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// run executes a program in f64 on the interpreter.
func run(src string) (map[string]*ir.Tensor, error) {
	file, errs := syntax.Parse("mms.wf", src)
	p, more := check.Check(file, check.Options{Float: ir.F64})
	errs.Append(more)
	if p == nil || errs.HasErrors() {
		return nil, fmt.Errorf("%v", errs)
	}
	can, err := passes.Canonical(lower.Program(p))
	if err != nil {
		return nil, err
	}
	env, err := ir.EvalHost(can, nil, nil)
	if err != nil {
		return nil, err
	}
	if f := ir.EvalChecks(can, env); len(f) > 0 {
		return nil, fmt.Errorf("check fails: %v", &f[0])
	}
	arrays, err := interp.RunHost(can, env, nil)
	if err != nil {
		return nil, err
	}
	m, err := interp.New(can)
	if err != nil {
		return nil, err
	}
	for _, a := range can.Arrays {
		if err := m.Set(a.Name, arrays[a.Name]); err != nil {
			return nil, err
		}
	}
	for _, r := range can.Schedule {
		if f := can.Func(r.Func); f != nil && f.Host {
			continue
		}
		bound, err := ir.EvalHost(can, nil, r.Bind)
		if err != nil {
			return nil, err
		}
		if err := m.Scalars(bound); err != nil {
			return nil, err
		}
		if _, err := m.Run(context.Background(), r.Func, int(math.Round(env[r.Count]))); err != nil {
			return nil, err
		}
	}
	out := map[string]*ir.Tensor{}
	for _, a := range can.Arrays {
		if out[a.Name], err = m.Get(a.Name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// failure is the error of a run in the mean over the points that count.
func failure(p Problem, n int) (float64, error) {
	got, err := run(p.Source(n))
	if err != nil {
		return 0, err
	}
	a, b := got[p.Result], got[p.Exact]
	sum, count := 0.0, 0
	for k := range a.Len() {
		inside := true
		for r, d := k, len(a.Dims)-1; d >= 0; d-- {
			i := r % a.Dims[d]
			r /= a.Dims[d]
			inset := int(p.Inset * float64(a.Dims[d]))
			inside = inside && i >= inset && i < a.Dims[d]-inset
		}
		if inside {
			sum += math.Abs(a.At(k) - b.At(k))
			count++
		}
	}
	return sum / float64(count), nil
}

// order measures the order of convergence between two grids; when it is not the nominal one, between finer ones, where the leading term
// of the error rules.
func order(p Problem) (float64, string, error) {
	log := ""
	got := math.NaN()
	for n, tries := p.Coarse, 0; tries < 3; n, tries = 2*n, tries+1 {
		e1, err := failure(p, n)
		if err != nil {
			return 0, "", err
		}
		e2, err := failure(p, 2*n)
		if err != nil {
			return 0, "", err
		}
		got = math.Log2(e1 / e2)
		log += fmt.Sprintf(" %d: %.2e, %d: %.2e, order %.2f;", n, e1, 2*n, e2, got)
		if math.Abs(got-p.Nominal) <= 0.2 {
			break
		}
	}
	return got, log, nil
}

// WFC_MMS_SEED draws others.
func TestManufacturedSolutions(t *testing.T) {
	seed := uint64(2026)
	if s := os.Getenv("WFC_MMS_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	draws := []struct {
		name  string
		count int
		draw  func(r *rand.Rand) Problem
	}{
		{"line", 58, func(r *rand.Rand) Problem { return Transport(r, 1) }},
		{"plane", 12, func(r *rand.Rand) Problem { return Transport(r, 2) }},
		{"operator", 30, Operator},
		{"time", 10, Integrator},
		{"acoustics", 6, Acoustics},
	}
	for _, d := range draws {
		for k := range d.count {
			t.Run(fmt.Sprintf("%s/%d", d.name, k), func(t *testing.T) {
				t.Parallel()
				p := d.draw(rand.New(rand.NewPCG(uint64(k), seed)))
				got, log, err := order(p)
				if err != nil {
					t.Fatalf("%s: %v\n%s", p.Name, err, p.Source(p.Coarse))
				}
				if !(math.Abs(got-p.Nominal) <= 0.2) {
					t.Errorf("%s: order %.2f, nominal %g (%s)\n%s", p.Name, got, p.Nominal, log, p.Source(p.Coarse))
				}
			})
		}
	}
}
