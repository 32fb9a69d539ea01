package wfc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/train"
)

// A .wfx file of a model holds what its trainer was built from, so that it trains as the source does: the plan for the loop, and the choices
// of the build, with which the source in the file is built again where a run needs other shapes (phases, samples).

// trained is that section of the file.
type trained struct {
	Plan     *train.Plan       `json:"plan"`
	Settings map[string]string `json:"settings,omitempty"` // of parameters, as the build got them
	Mesh     [2]int            `json:"mesh"`               // bounds of the rectangle, 0 those of the machine
	Products Products          `json:"products,omitempty"`
}

// training is the section of a program, nil without a plan.
func (p *Program) training() ([]byte, error) {
	if p.Plan == nil {
		return nil, nil
	}
	b, err := json.MarshalIndent(trained{p.Plan, p.set, p.bounds, p.products}, "", "  ")
	return append(b, '\n'), err
}

// setTraining reads the section.
func (p *Program) setTraining(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	var t trained
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t.Plan == nil {
		return fmt.Errorf("there is no plan")
	}
	p.Plan, p.set, p.bounds, p.products = t.Plan, t.Settings, t.Mesh, t.Products
	return t.Plan.Check(p.IR)
}

// compiled takes over what a compiled program was built with.
func (t *training) compiled() error {
	p := t.opt.Compiled
	if p == nil {
		return nil
	}
	for _, k := range sortedKeys(t.set) {
		if p.set[k] != t.set[k] {
			return diag.List{diag.New("WF0602", diag.Span{}, "--set %s=%s: a compiled model is trained with what it was built with", k, t.set[k]).
				Suggest("build it again with this setting, or train the source")}
		}
	}
	if p.IR == nil {
		return p.Refusal
	}
	t.src, t.set = p.Source, maps.Clone(p.set)
	if t.set == nil {
		t.set = map[string]string{}
	}
	t.opt.Machine, t.opt.Products, t.opt.MeshW, t.opt.MeshH = p.Machine, p.products, p.bounds[0], p.bounds[1]
	return nil
}

// asBuilt is the compiled program where it serves: with the settings of the run, and more; nil when there is none.
func (t *training) asBuilt(more map[string]string) *Program {
	if p := t.opt.Compiled; p != nil && maps.Equal(p.set, t.settings(more)) {
		return p
	}
	return nil
}

// sameSettings refuses to go on from a run of the same source with other settings.
func (t *training) sameSettings(c *ckpt.Checkpoint) error {
	if c.Run.Program == Hash(t.opt.Compiled.IR) {
		return nil
	}
	for _, k := range []string{"batch", "accumulate"} { // ranks have shared its steps: see share
		if v := c.Run.Settings[k]; v != "" && t.set[k] == "" {
			t.set[k] = v
		}
	}
	for _, k := range slices.Compact(slices.Sorted(slices.Values(append(sortedKeys(c.Run.Settings), sortedKeys(t.set)...)))) {
		a, b := c.Run.Settings[k], t.set[k]
		if a == b {
			continue
		}
		say := func(v string) string {
			if v == "" {
				return "its default"
			}
			return v
		}
		return diag.List{diag.New("WF0641", diag.Span{}, "the run in %s has %s = %s, the compiled program %s", t.opt.Out, k, say(a), say(b)).
			Suggest("build the program with the settings of the run, or go on from the source")}
	}
	return nil
}
