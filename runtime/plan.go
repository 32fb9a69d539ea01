package runtime

import (
	"math"
	"sort"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// leg is one entry of the schedule with its numbers.
type leg struct {
	run    *ir.Run
	env    map[string]float64 // host scalars with the leg's binds
	n      int64              // iterations
	steps  bool               // iterations are steps of an evolve
	t0, dt float64
	timed  bool   // t0 and dt are given
	first  int64  // steps before the leg
	until  string // array that ends the leg, "" for none
	clock  *ir.Clock
}

// time after k iterations of the leg; with a clock only the program knows it.
func (l *leg) time(k int64) float64 {
	if !l.timed || l.clock != nil {
		return float64(l.first + k)
	}
	return l.t0 + float64(float64(k)*l.dt)
}

// plan evaluates the schedule. Host functions have run already; "start" and "once" functions run between steps and count none.
func (s *state) plan() ([]leg, error) {
	var legs []leg
	var total int64
	for i := range s.p.Schedule {
		r := &s.p.Schedule[i]
		f, proc := s.p.Func(r.Func), s.p.Proc(r.Func)
		if proc == nil && (f == nil || f.Host) {
			continue
		}
		env := s.env
		if len(r.Bind) > 0 {
			var err error
			if env, err = ir.EvalHost(s.p, s.opt.Settings, r.Bind); err != nil {
				return nil, err
			}
		}
		n := math.Round(s.env[r.Count])
		if !(n >= 0 && n <= 1<<53) {
			return nil, diag.List{diag.New("WF0609", diag.Span{}, "%s would run %v times", r.Func, n).
				Note("the count must be a whole number from 0 to 2^53").
				Suggest("look at the start, the end and the step of the evolve")}
		}
		if n == 0 {
			continue
		}
		l := leg{run: r, env: env, n: int64(n), first: total, clock: r.Clock}
		if proc != nil {
			l.until = proc.Until
		}
		l.steps = r.Steps()
		if r.T0 != "" && r.DT != "" {
			l.timed, l.t0, l.dt = true, env[r.T0], env[r.DT]
		}
		l.timed = l.timed || r.Clock != nil
		if l.steps {
			total += l.n
		}
		legs = append(legs, l)
	}
	return legs, nil
}

// due says at which iterations of a leg something happens that is wanted every so many steps or every so many units of time.
type due struct {
	every   int64   // steps, 0 if not
	seconds float64 // units of time, 0 if not
	name    string  // host scalar with the units of time
}

// next returns the first iteration after k at which it is due, or -1.
func (d due) next(l *leg, k int64) int64 {
	if !l.steps {
		return -1
	}
	best := int64(-1)
	if d.every > 0 {
		if n := ((l.first+k)/d.every+1)*d.every - l.first; n <= l.n {
			best = n
		}
	}
	if d.seconds > 0 && l.timed && l.clock == nil && l.dt > 0 {
		// The multiple after the time now, then the first step that reaches it; rounding must not put it one step late.
		slack := 1e-6 * l.dt
		m := math.Floor((l.time(k)+slack)/d.seconds) + 1
		n := int64(min(math.Ceil((m*d.seconds-slack-l.t0)/l.dt), float64(l.n)+1))
		if n = max(n, k+1); n <= l.n && (best < 0 || n < best) {
			best = n
		}
	}
	return best
}

// dueOf evaluates the interval of an output or a probe.
func (s *state) dueOf(steps, seconds string) due {
	var d due
	if steps != "" {
		d.every = int64(max(1, min(math.Round(s.env[steps]), 1<<53)))
	}
	if seconds != "" {
		d.seconds, d.name = s.env[seconds], seconds
	}
	return d
}

func (d due) ever() bool { return d.every > 0 || d.seconds > 0 }

// names returns the sorted keys of a map.
func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
