package sim

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/wfc-lang/wfc/target/wse"
)

// RunScript carries out the program's script and writes what it prints: arrays,
// and cycles per launch. The error is that of a launch or of the first
// expectation that does not hold.
func (s *Sim) RunScript(ctx context.Context, w io.Writer) error {
	for i, d := range s.prog.Script {
		var err error
		switch d.Kind {
		case wse.DoLaunch:
			var st Stats
			if st, err = s.Launch(ctx, d.Args...); err == nil {
				fmt.Fprintf(w, "launch: %d cycles, %d wavelets sent, %d hops, host %d cycles\n", st.Cycles, st.Sent, st.Hops, st.HostCycles)
			}
		default:
			err = s.eachPE(d, func(x, y int) error { return s.directive(w, d, x, y) })
		}
		if err != nil {
			return fmt.Errorf("script line %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *Sim) eachPE(d wse.Directive, f func(x, y int) error) (err error) {
	n := 0
	s.each(d.Region, func(pe int) {
		n++
		if err == nil {
			err = f(pe%s.w, pe/s.w)
		}
	})
	if n == 0 && err == nil {
		err = fmt.Errorf("region %s holds no PE of the %d x %d mesh", d.Region, s.w, s.h)
	}
	return err
}

func (s *Sim) directive(w io.Writer, d wse.Directive, x, y int) error {
	_, a, err := s.find(x, y, d.Array, 0, 0)
	if err != nil {
		return err
	}
	n := a.Len
	if d.Init.Kind == wse.InitList && d.Kind != wse.DoPrint {
		if n = len(d.Init.Values); n > a.Len {
			return fmt.Errorf("array %s has %d elements, the list %d", d.Array, a.Len, n)
		}
	}
	raw := make([]uint32, n)
	if d.Kind == wse.DoInit {
		for i := range raw {
			raw[i] = Encode(a.Elem, d.Init.At(i, x, y))
		}
		return s.WriteArray(x, y, d.Array, 0, raw)
	}
	if err := s.ReadArray(x, y, d.Array, 0, raw); err != nil {
		return err
	}
	if d.Kind == wse.DoPrint {
		fmt.Fprintf(w, "%s (%d,%d):", d.Array, x, y)
		for _, b := range raw {
			prec := 32
			if a.Elem != wse.F32 && a.Elem != wse.F16 {
				prec = 64
			}
			fmt.Fprint(w, " ", strconv.FormatFloat(Decode(a.Elem, b), 'g', -1, prec))
		}
		fmt.Fprintln(w)
		return nil
	}
	for i, b := range raw {
		want := Encode(a.Elem, d.Init.At(i, x, y))
		got, ref := Decode(a.Elem, b), Decode(a.Elem, want)
		if b != want && !(math.Abs(got-ref) <= d.Tol && d.Tol > 0) {
			return fmt.Errorf("PE (%d,%d): %s[%d] is %g, expected %g", x, y, d.Array, i, got, ref)
		}
	}
	return nil
}

// RunText parses, checks and runs a hand-written kernel with its script, as
// `wfc sim FILE` does. machine overrides the profile the text names when its name
// is not empty. Errors are a diag.List (text, legality), a *diag.Diagnostic (a
// broken rule), a *Deadlock, or an expectation that does not hold.
func RunText(ctx context.Context, name, src string, machine wse.Machine, opt Options, w io.Writer) error {
	p, err := wse.Parse(name, src)
	if err != nil {
		return err
	}
	if machine.Name == "" {
		if machine, err = wse.Profile(p.Machine); err != nil {
			return err
		}
	}
	s, err := New(p, machine, opt)
	if err != nil {
		return err
	}
	if len(p.Script) == 0 {
		return fmt.Errorf("%s has no script: add `launch` and, to see or check results, `print` or `expect` lines", name)
	}
	return s.RunScript(ctx, w)
}
