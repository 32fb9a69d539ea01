package validate

import (
	"math"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/target/wse"
)

// Result is what a row measures.
type Result struct {
	ID        string  `json:"id"`
	Published float64 `json:"published"`
	Ours      float64 `json:"ours"`
	// Lo and Hi are Ours with every constant the program uses at the end of its range that makes it faster, or slower.
	Lo float64 `json:"lo"`
	Hi float64 `json:"hi"`
	// Moved lists the constants that alone move the row by a thousandth or more, the strongest first.
	Moved []Effect `json:"moved,omitempty"`
}

// Effect is what one constant does to a row, in cycles, from the low to the high end of its range.
type Effect struct {
	Key string  `json:"key"`
	Lo  float64 `json:"lo"` // cycles of the row with the constant there
	Hi  float64 `json:"hi"`
}

// Ratio of ours to the published cycles.
func (r Result) Ratio() float64 { return r.Ours / r.Published }

// Meets reports whether the ratio is within the aim.
func (r Result) Meets(aim float64) bool { return math.Abs(r.Ratio()-1) <= aim }

// Inside reports whether the published number lies in the interval.
func (r Result) Inside() bool { return r.Published >= r.Lo-1e-9 && r.Published <= r.Hi+1e-9 }

// Measure runs a row: as the profile is, with each constant it uses at both ends of its range, and with all of them at the ends
// that were found to be fast, and slow. Slow rows take the direction of a constant from its meaning instead of a run.
func Measure(r *Row) (Result, error) {
	m, err := r.machine()
	if err != nil {
		return Result{}, err
	}
	ours, err := r.Cycles(m)
	if err != nil {
		return Result{}, err
	}
	out := Result{ID: r.ID, Published: r.Published, Ours: ours, Lo: ours, Hi: ours}
	fast, slow := m, m
	for _, c := range m.Constants() {
		if c.Lo == c.Hi || !r.uses(c.Key) {
			continue
		}
		at := [2]float64{ours, ours}
		if r.Slow {
			at = [2]float64{ours - 1, ours + 1} // every timed constant is a duration
		} else {
			for i, v := range []int64{c.Lo, c.Hi} {
				if at[i], err = r.at(m, c.Key, v); err != nil {
					return out, err
				}
			}
			if math.Abs(at[1]-at[0]) >= 0.001*ours {
				out.Moved = append(out.Moved, Effect{c.Key, at[0], at[1]})
			}
		}
		switch {
		case at[0] < at[1]:
			fast, slow = with(fast, c.Key, c.Lo), with(slow, c.Key, c.Hi)
		case at[0] > at[1]:
			fast, slow = with(fast, c.Key, c.Hi), with(slow, c.Key, c.Lo)
		}
	}
	lo, err := r.Cycles(fast)
	if err != nil {
		return out, err
	}
	hi, err := r.Cycles(slow)
	if err != nil {
		return out, err
	}
	out.Lo, out.Hi = min(lo, hi, ours), max(lo, hi, ours)
	slices.SortStableFunc(out.Moved, func(a, b Effect) int {
		switch d := math.Abs(b.Hi-b.Lo) - math.Abs(a.Hi-a.Lo); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	return out, nil
}

func (r *Row) at(m wse.Machine, key string, v int64) (float64, error) {
	return r.Cycles(with(m, key, v))
}

// with is Machine.With for a key that exists.
func with(m wse.Machine, key string, v int64) wse.Machine {
	if c, err := m.With(key, v); err == nil {
		return c
	}
	return m
}

// untimed are constants of size, number and time on the host: they decide whether a program fits, not its cycles. Depths of
// buffers are among them: their low ends stand for deadlock verdicts, and full streams at one word per cycle, which such depths
// could not carry, are measured rows themselves. The flags of switches are, too: published programs depend on them.
var untimed = []string{"router.depth", "queue.", "fabric.width", "fabric.height", "mesh.", "colors", "code.", "host.", "clock.", "ut.",
	"memory.bytes", "memory.bank", "memory.reserved", "memory.stack", "switch.",
	"task.local.lo", "task.local.hi", "task.data-id-is-queue"}

// uses reports whether a constant can matter to the row: rates of operations only where they occur.
func (r *Row) uses(key string) bool {
	if key == "host.launch" {
		return r.Launched
	}
	for _, p := range untimed {
		if strings.HasPrefix(key, p) {
			return false
		}
	}
	texts := []string{r.Program}
	if r.Base != "" {
		texts = append(texts, r.Base)
	}
	for _, t := range texts {
		if p, err := parse(t); err == nil && usesKey(p, key) {
			return true
		}
	}
	return false
}

func usesKey(p *wse.Program, key string) bool {
	part := strings.Split(key, ".")
	found := false
	ops := func(f func(*wse.Op) bool) bool {
		for _, c := range p.Classes {
			for _, t := range c.Tasks {
				wse.Walk(t.Body, func(s wse.Stmt) {
					if o, ok := s.(*wse.Op); ok && f(o) {
						found = true
					}
				})
			}
		}
		return found
	}
	switch part[0] {
	case "memory":
		return ops(func(o *wse.Op) bool {
			if part[1] == "span" {
				return wse.RateClass(o.Code) != "map"
			}
			return wse.RateClass(o.Code) == "mul" || wse.RateClass(o.Code) == "fma"
		})
	case "rate":
		return ops(func(o *wse.Op) bool {
			return wse.RateClass(o.Code) == part[1] && (o.Elem.Bytes() == 2) == (part[2] == "f16")
		})
	case "map":
		return ops(func(o *wse.Op) bool {
			info, _ := o.Code.Info()
			return wse.RateClass(o.Code) == "map" && (part[1] == "call" || info.Name == part[1])
		})
	}
	return true
}
