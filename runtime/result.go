package runtime

import (
	"encoding/json"
	"math"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/report"
)

// Result is what a run leaves, and the document of `wfc run --json`.
type Result struct {
	Program     string                `json:"program"`
	Target      string                `json:"target"`
	Machine     string                `json:"machine,omitempty"`
	Mesh        *[2]int               `json:"mesh,omitempty"`        // PEs used, width and height
	Steps       int64                 `json:"steps"`                 // steps taken by all evolves together
	Time        Number                `json:"time"`                  // of the last evolve, in its unit; steps when it counts steps only
	TimeUnit    string                `json:"time_unit,omitempty"`   // of Time
	Cycles      *int64                `json:"cycles,omitempty"`      // of the machine, without transfers from and to the host
	HostCycles  *int64                `json:"host_cycles,omitempty"` // transfers
	Beside      *Beside               `json:"beside,omitempty"`      // outputs that did not stop the machine
	Pauses      int                   `json:"pauses,omitempty"`      // how often the machine stood still for outputs and probes between two steps
	Notes       []string              `json:"notes,omitempty"`       // what the user should know of how it ran
	Seconds     float64               `json:"seconds"`               // wall clock, loading included
	Fields      map[string]Stats      `json:"fields"`
	Probes      map[string]Number     `json:"probes"`  // last values
	Outputs     []string              `json:"outputs"` // files written
	Interrupted bool                  `json:"interrupted,omitempty"`
	Stopped     string                `json:"stopped,omitempty"`    // why the run ended before its end, when it was told to
	Checkpoint  string                `json:"checkpoint,omitempty"` // the last one written
	Profile     *report.Profile       `json:"profile,omitempty"`    // where the cycles went, when it was asked for
	Arrays      map[string]*ir.Tensor `json:"-"`                    // the fields at the end, row-major over their axes
	Samples     []Sample              `json:"-"`                    // every probe taken, in order
	Scalars     map[string]float64    `json:"-"`                    // host scalars
}

// Beside are the outputs and probes that were taken while the machine went on.
type Beside struct {
	Looks  int   `json:"looks"`       // moments at which something was shown
	Cycles int64 `json:"host_cycles"` // of the transfers, beside the cycles of computing
	Held   int64 `json:"held_cycles"` // of the cycles of computing: a PE waited for the transfer before
}

// Sample is one value of a probe.
type Sample struct {
	Probe string
	Step  int64
	Time  float64
	Value float64
}

// Number is a float64 that JSON shows as null when it is not finite.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// JSON is the document with a final newline.
func (r *Result) JSON() ([]byte, error) {
	c := *r
	if c.Outputs == nil {
		c.Outputs = []string{}
	}
	if c.Fields == nil {
		c.Fields = map[string]Stats{}
	}
	if c.Probes == nil {
		c.Probes = map[string]Number{}
	}
	b, err := json.MarshalIndent(&c, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
