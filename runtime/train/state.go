package train

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ckpt"
)

// Groups of state that stand for the weights in other forms.
const master = "master" // f32 copies of weights of a shorter type

// snapshot copies the state of the run, or names it to be fetched when it is written. It is called between steps, when weights stand still.
func (t *Trainer) snapshot(copied bool) (*ckpt.Snapshot, error) {
	p := t.prog.Plan
	named := func(name, array string) (n ckpt.Named, err error) {
		n.Name = name
		if copied {
			n.T, err = t.eng.Get(array)
			return n, err
		}
		prog := t.prog.Prepared.Program()
		a := prog.Array(array)
		n.T = &ir.Tensor{Elem: a.Elem, Dims: prog.Shape(a)}
		n.Fetch = func() (*ir.Tensor, error) { return t.eng.Get(array) }
		return n, nil
	}
	s := &ckpt.Snapshot{Run: t.run, Groups: []ckpt.Group{{Name: ckpt.Weights}}}
	s.Run.Step, s.Run.Phase, s.Run.Cursor = t.step, t.phase, t.data.Cursor()
	s.Run.Tokens = s.Run.Cursor.Tokens
	s.Run.Seconds = t.prior + t.o.Now().Sub(t.begun).Seconds()
	s.Run.Restarts = slices.Clone(t.run.Restarts)
	if l := float64(t.res.Loss); t.step > 0 && l-l == 0 {
		s.Run.Loss = &l
	}
	for _, w := range p.Weights {
		n, err := named(w.Name, w.Array)
		if err != nil {
			return nil, err
		}
		s.Groups[0].Tensors = append(s.Groups[0].Tensors, n)
	}
	at := map[string]int{}
	for _, st := range p.State {
		n, err := named(st.Name, st.Array)
		if err != nil {
			return nil, err
		}
		i, ok := at[st.Group]
		if !ok {
			i = len(s.Groups)
			at[st.Group] = i
			s.Groups = append(s.Groups, ckpt.Group{Name: st.Group})
		}
		s.Groups[i].Tensors = append(s.Groups[i].Tensors, n)
	}
	return s, nil
}

// checkpoint takes a snapshot and has it written in the background. The last of a session is written at once, tensor by tensor: nothing goes on
// meanwhile, and a copy of the whole state would be the most memory of the session.
func (t *Trainer) checkpoint(last bool) error {
	t.saved = t.step
	if t.save == nil {
		return nil
	}
	s, err := t.snapshot(!last)
	if err != nil {
		return err
	}
	if t.log != nil {
		if err := t.log.flush(); err != nil {
			return err
		}
	}
	if err := t.save.Save(s); err != nil || !last {
		return err
	}
	return t.save.Wait()
}

// continues takes over where a checkpoint's run was.
func (t *Trainer) continues(c *ckpt.Checkpoint) error {
	r := &c.Run
	switch {
	case r.Model != t.plan.Model:
		return diag.List{fits("%s is a checkpoint of model %s, the program is of %s", c.Dir, r.Model, t.plan.Model)}
	case r.Step > t.plan.Steps:
		return diag.List{fits("%s has done %d steps, the run has %d", c.Dir, r.Step, t.plan.Steps)}
	case !c.Has(ckpt.Weights) || r.Note != "":
		return diag.List{fits("%s holds weights only, no run that could go on", c.Dir).Suggest("begin a new run with these weights: --init")}
	}
	t.step, t.prior = r.Step, r.Seconds
	t.run.Cursor, t.run.Restarts, t.run.ValLoss, t.run.Loss = r.Cursor, r.Restarts, r.ValLoss, r.Loss
	if r.Loss != nil {
		t.res.Loss = number(*r.Loss)
	}
	note := func(s string) { t.res.Notes = append(t.res.Notes, s) }
	if r.Target != t.run.Target {
		note("the run goes on on target " + t.run.Target + ", it was on " + r.Target + ": equal within rounding, not bit for bit")
	}
	if r.Steps != t.plan.Steps {
		note("the run has another length now: its schedule of the learning rate is another")
	}
	if !slices.Equal(r.Data, t.run.Data) {
		note("the data are others: the order of sequences goes on where it was, in other text")
	}
	if r.Seed != t.plan.Seed || r.Order != t.plan.Order {
		note("the order of the data is another from here on")
	}
	return nil
}

// changed lists the settings that differ from those a checkpoint was made with.
func changed(old, now map[string]string) string {
	names := slices.Sorted(maps.Keys(now)) // settings of the checkpoint hold unless others are given: none disappears
	var out []string
	for _, n := range names {
		was, ok := old[n]
		switch {
		case !ok:
			out = append(out, n+" = "+now[n])
		case was != now[n]:
			out = append(out, n+" = "+now[n]+" instead of "+was)
		}
	}
	return strings.Join(out, ", ")
}

// resting is state that says nothing between two steps, or begins anew: gradients being accumulated and their count are 0 then, the loss
// scale finds its value again. So a run may go on with another number of microbatches, or in another precision.
func resting(group, name string) bool {
	return group == "grad" || group == "scale" || group == "counter" && name != "step"
}

// load gives the engine the state of a checkpoint: all of it, or the weights.
func (t *Trainer) load(c *ckpt.Checkpoint, all bool) error {
	if all && t.run.Program != c.Run.Program && t.phase == c.Run.Phase && t.run.Target == c.Run.Target {
		why := "the program is not the one the checkpoint was made with"
		if d := changed(c.Run.Settings, t.run.Settings); d != "" {
			why = "settings are others now: " + d
		}
		t.res.Notes = append(t.res.Notes, why+"; from here on it is another run, not the same bit for bit")
	}
	var groups []ckpt.Group
	for _, g := range c.Groups() {
		if !all && g != ckpt.Weights && g != master {
			continue
		}
		ts, err := c.Group(g)
		if err != nil {
			return damaged(err)
		}
		groups = append(groups, ckpt.Group{Name: g, Tensors: ts})
	}
	return t.restore(groups, all)
}

// restore sets arrays by their logical names. Everything the plan names must be there, unless all is false; then only the weights must,
// and full-precision copies of them that are missing are made.
func (t *Trainer) restore(groups []ckpt.Group, all bool) error {
	have := map[string]*ir.Tensor{}
	for _, g := range groups {
		for _, v := range g.Tensors {
			have[g.Name+"/"+v.Name] = v.T
		}
	}
	var list diag.List
	set := func(what, array string, v *ir.Tensor, elem string, shape []int) error {
		if v.Elem.String() != elem || !slices.Equal(v.Dims, shape) {
			list = append(list, fits("%s is %v %v in the checkpoint, the program has %s %v", what, v.Elem, v.Dims, elem, shape))
			return nil
		}
		delete(have, what)
		return t.eng.Set(array, v)
	}
	weights := map[string]*ir.Tensor{}
	for _, w := range t.prog.Plan.Weights {
		key := ckpt.Weights + "/" + w.Name
		v := have[key]
		if v == nil {
			list = append(list, fits("the checkpoint has no weight %s", w.Name))
			continue
		}
		if !all && w.Elem == "f16" && v.Elem == ir.F32 {
			v = halved(v)
		}
		weights[w.Name] = v
		if err := set(key, w.Array, v, w.Elem, w.Shape); err != nil {
			return err
		}
	}
	for i := range t.prog.Plan.State {
		s := &t.prog.Plan.State[i]
		v := have[s.Key()]
		if v == nil && !all {
			w := weights[s.Name]
			if s.Group != master || w == nil {
				continue
			}
			v = &ir.Tensor{Elem: ir.F32, Dims: w.Dims, F32: w.F32}
		}
		if v == nil && resting(s.Group, s.Name) {
			continue
		}
		if v == nil {
			list = append(list, fits("the checkpoint has no state %s", s.Key()))
			continue
		}
		if err := set(s.Key(), s.Array, v, s.Elem, s.Shape); err != nil {
			return err
		}
	}
	if all {
		for _, g := range groups { // in order
			for _, v := range g.Tensors {
				if have[g.Name+"/"+v.Name] != nil && !resting(g.Name, v.Name) {
					list = append(list, fits("the checkpoint has %s/%s, the program does not", g.Name, v.Name))
				}
			}
		}
	}
	return t.misfit(list).Err()
}

// misfit shortens what does not fit to a few tensors, and says what to do.
func (t *Trainer) misfit(list diag.List) diag.List {
	const shown = 3
	if len(list) == 0 {
		return nil
	}
	more := len(list) - shown
	list = list[:min(shown, len(list))]
	last := list[len(list)-1]
	if more > 0 {
		last.Note("%d more tensors do not fit", more)
	}
	last.Suggest("a run keeps its model and its optimizer: leave out settings that change them, or begin another with another --out (--init takes weights of equal shapes)")
	return list
}

// prepareDir makes the directory of the run. A run that is there is not overwritten.
func (t *Trainer) prepareDir() error {
	dir := filepath.Join(t.o.Out, ckpt.Subdir)
	if err := os.MkdirAll(t.o.Out, 0o777); err != nil {
		return err
	}
	var err error
	if t.lock, err = ckpt.Lock(t.o.Out); errors.Is(err, ckpt.ErrLocked) {
		return diag.List{diag.New("WF0644", diag.Span{}, "another process is training in %s", t.o.Out).Suggest("wait for it, or choose another directory with --out")}
	} else if err != nil {
		return err
	}
	steps, err := ckpt.Steps(t.o.FS, dir)
	if err != nil {
		return err
	}
	inside := t.o.Resume != "" && sameDir(filepath.Dir(t.o.Resume), dir)
	if len(steps) > 0 && !inside {
		return diag.List{diag.New("WF0644", diag.Span{}, "%s holds a run already, of %d steps so far", t.o.Out, steps[len(steps)-1]).
			Suggest("continue it with --resume, or choose another directory with --out")}
	}
	if t.save, err = ckpt.NewWriter(t.o.FS, dir, t.o.Keep); err != nil {
		return err
	}
	// Checkpoints after the one that is continued belong to a future that will not come.
	for _, s := range steps {
		if inside && s > t.step {
			if err := ckpt.Remove(t.o.FS, dir, s); err != nil {
				return err
			}
		}
	}
	if inside {
		t.saved = t.step
	}
	t.log, err = openMetrics(filepath.Join(t.o.Out, MetricsFile), t.step)
	return err
}

func sameDir(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// diagnose makes diagnostics of errors of checkpoints.
func diagnose(err error) diag.List {
	var d *ckpt.Damage
	if !errors.As(err, &d) {
		return nil
	}
	var list diag.List
	for _, line := range strings.Split(err.Error(), "\n") {
		list = append(list, diag.New("WF0640", diag.Span{}, "%s", line))
	}
	list[len(list)-1].Suggest("take an earlier checkpoint: --from STEP, or its directory")
	return list
}

// LoadWeights gives an engine a program's initial values and the weights of a checkpoint.
func LoadWeights(p *Program, e runtime.Engine, c *ckpt.Checkpoint) error {
	if err := p.Prepared.Start(e, nil); err != nil {
		return err
	}
	t := &Trainer{prog: p, eng: e}
	return t.load(c, false)
}
