package dsl_test

import (
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Monitors are computed when they are due, from the fields as they are then.
func TestMonitors(t *testing.T) {
	res, _, err := drive(t, `
grid g { x: 0 .. 1 in 16 periodic }
field T on g = 1 + sin(2*pi*x)
monitor heat = sum(T) every 10 steps drift 1e-12
monitor peak = max(T) every 0.002
probe spread = norm(T - 1)
evolve t from 0 to 0.0101 step 0.0005 { dt(T) = lap(T) }
`, ir.F64)
	if err != nil {
		t.Fatal(err)
	}
	var heat, peak, spread int
	for _, s := range res.Samples {
		factor := math.Pow(1-4*0.0005*256*math.Pow(math.Sin(math.Pi/16), 2), float64(s.Step))
		if s.Step == 21 { // the clipped one
			factor = math.Pow(1-4*0.0005*256*math.Pow(math.Sin(math.Pi/16), 2), 20) * (1 - 4*0.0001*256*math.Pow(math.Sin(math.Pi/16), 2))
		}
		switch s.Probe {
		case "heat":
			heat++
			near(t, "heat", s.Value, 16, 1e-12)
		case "peak":
			peak++
			near(t, "peak", s.Value, 1+factor*math.Sin(2*math.Pi*3.5/16), 1e-12)
		case "spread":
			spread++
			near(t, "spread", s.Value, factor*math.Sqrt(8), 1e-12)
		}
	}
	if heat != 4 || peak != 7 || spread != 1 {
		t.Errorf("%d, %d and %d samples", heat, peak, spread)
	}
}

// A quantity that is not conserved ends the run, with its values, the time and the step.
func TestMonitorDrift(t *testing.T) {
	res, _, err := drive(t, `
grid g { x: 0 .. 1 in 16 periodic }
field T on g = 1
monitor heat = mean(T) every 5 steps drift 0.12
evolve t from 0 to 1 step 0.01 { dt(T) = 1 }
`, ir.F64)
	if err == nil || !strings.Contains(err.Error(), "heat has drifted from 1 to 1.15 at t = 0.15, step 15") {
		t.Fatalf("%v", err)
	}
	if res.Steps != 15 {
		t.Errorf("stopped at step %d", res.Steps)
	}
	if _, _, err = drive(t, `
grid g { x: 0 .. 1 in 16 periodic }
field T on g = 1
monitor heat = mean(T) every 5 steps drift 0.12
evolve n in 0 .. 100 { T' = T + 0.01 }
`, ir.F64); err == nil || !strings.Contains(err.Error(), "to 1.15 at step 15") || strings.Contains(err.Error(), "step 15, step 15") {
		t.Errorf("without a time: %v", err)
	}
}
