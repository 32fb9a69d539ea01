package models

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc"
)

// Profiles account for every cycle of every PE, the critical path for every cycle of the run, and what is beyond the bound adds up;
// recording changes nothing.
func TestProfiles(t *testing.T) {
	for _, file := range all(t) {
		for _, machine := range []string{"wse2", "wse3"} {
			t.Run(file+"/"+machine, func(t *testing.T) {
				t.Parallel()
				p, err := wfc.Build(source(t, file), wfc.BuildOptions{Set: small[file], Machine: machine})
				if err != nil || p.Code == nil {
					t.Skip(err, p.Refusal)
				}
				plain, err := p.Run(context.Background(), wfc.RunOptions{})
				if err != nil {
					t.Fatal(err)
				}
				var timeline, text bytes.Buffer
				r, err := p.Run(context.Background(), wfc.RunOptions{Watch: wfc.Watch{Profile: true, Timeline: &timeline, Trace: &text, Window: wfc.Window{W: 2, H: 2}}})
				if err != nil {
					t.Fatal(err)
				}
				if *r.Cycles != *plain.Cycles || *r.HostCycles != *plain.HostCycles {
					t.Errorf("%d cycles watched, %d else", *r.Cycles, *plain.Cycles)
				}
				if d := cmp.Diff(plain.Fields, r.Fields); d != "" {
					t.Errorf("watching changes the fields: %s", d)
				}
				if !json.Valid(timeline.Bytes()) {
					t.Error("the timeline is not JSON")
				}
				if r.Profile.Cycles != *r.Cycles {
					t.Errorf("the profile is of %d cycles, the run of %d", r.Profile.Cycles, *r.Cycles)
				}
				for _, f := range r.Profile.Functions {
					if n := f.Critical.Cycles.Total(); n != f.Cycles {
						t.Errorf("%s: the critical path has %d cycles of %d: %+v", f.Func, n, f.Cycles, f.Critical.Cycles)
					}
					for _, c := range f.Classes {
						if n := c.Cycles.Total(); n != c.PEs*f.Cycles {
							t.Errorf("%s, class %s: %d cycles accounted for of %d", f.Func, c.Class, n, c.PEs*f.Cycles)
						}
						for _, x := range c.Cycles.Items() {
							if x.Cycles < 0 {
								t.Errorf("%s, class %s: %d cycles of %s", f.Func, c.Class, x.Cycles, x.Name)
							}
						}
					}
					sum := f.Bound.Cycles
					for _, x := range f.Beyond {
						sum += x.Cycles
					}
					if math.Abs(sum-f.PerIteration()) > 1e-6*f.PerIteration() {
						t.Errorf("%s: bound and what is beyond it are %g cycles of %g", f.Func, sum, f.PerIteration())
					}
					if f.Bound.Cycles > f.PerIteration() {
						t.Errorf("%s: %g cycles per iteration, below the bound of %g", f.Func, f.PerIteration(), f.Bound.Cycles)
					}
					for _, l := range f.Links {
						if l.Busiest > 1 {
							t.Errorf("%s: port %s of class %s carries %g of its rate", f.Func, l.Port, l.Class, l.Busiest)
						}
					}
					if len(f.Critical.Steps) == 0 {
						t.Errorf("%s: the critical path has no steps", f.Func)
					}
				}
			})
		}
	}
}
