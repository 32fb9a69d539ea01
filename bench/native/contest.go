//go:build linux

package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

// kase is a piece of work that every contestant does.
type kase struct {
	name string
	unit unit
	// tolerance is the largest relative difference between the check values of two contestants: they must have solved the same problem.
	tolerance float64
	// exact is the value of the exact solution where that is known; contestants are then held to it, not to each other.
	exact  float64
	ours   []entry
	peers  []entry
	limits []entry // of the machine: what bounds the rate; in the unit of the case
	why    string  // a sentence for the page
}

// entry is somebody who can be asked to take part. open fails with [errAbsent] in its chain when something is not installed.
type entry struct {
	name string
	open func(*yard) (contestant, error)
}

// contestant does the work of a case once per sample.
type contestant interface {
	Sample() (sample, error)
	Close() error
}

// sample is one measurement. Check is a value of the result, NaN if there is none.
type sample struct{ Seconds, Work, Check float64 }

// unit turns a sample into a figure.
type unit struct {
	name  string
	scale float64
	less  bool // seconds per work: less is better
}

func (u unit) figure(s sample) float64 {
	if u.less {
		return s.Seconds / s.Work * u.scale
	}
	return s.Work / s.Seconds * u.scale
}

// faster says how many times a is as fast as b.
func (u unit) faster(a, b float64) float64 {
	if u.less {
		return b / a
	}
	return a / b
}

// line is what one contestant reached.
type line struct {
	name          string
	median, best  float64
	check         float64
	noisy, total  int
	seconds, work float64 // of the median sample
}

type result struct {
	kase
	ours, peers, limits []line
	absent              []string
}

// settle is what the threads of a contestant need to fall asleep: those of OpenBLAS go on looking for work for some 30 ms.
const settle = 100 * time.Millisecond

// measure takes samples in turns until everybody has enough undisturbed ones, or three times as many altogether.
func measure(c kase, y *yard) (result, error) {
	r := result{kase: c}
	type seat struct {
		contestant
		name  string
		list  *[]line
		quiet []sample
		all   []sample
	}
	var seats []*seat
	defer func() {
		for _, s := range seats {
			s.Close()
		}
	}()
	sit := func(list []entry, to *[]line, must bool) error {
		for _, e := range list {
			k, err := e.open(y)
			if absent(err) && !must {
				r.absent = append(r.absent, fmt.Sprintf("%s (%v)", e.name, err))
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			seats = append(seats, &seat{contestant: k, name: e.name, list: to})
		}
		return nil
	}
	err := sit(c.ours, &r.ours, true)
	if err == nil {
		err = sit(c.limits, &r.limits, false)
	}
	if err == nil && *peers {
		err = sit(c.peers, &r.peers, false)
	}
	if err != nil {
		return r, err
	}
	for turn := 0; turn < 1+3**samples; turn++ {
		done := true
		for _, s := range seats {
			if len(s.quiet) >= *samples {
				continue
			}
			done = false
			time.Sleep(settle)
			var got sample
			others, err := disturbed(func() (err error) { got, err = s.Sample(); return err })
			if err != nil {
				return r, fmt.Errorf("%s: %w", s.name, err)
			}
			if turn == 0 {
				continue // warms caches, compiles what is compiled late
			}
			s.all = append(s.all, got)
			if others <= quiet {
				s.quiet = append(s.quiet, got)
			}
		}
		if done {
			break
		}
	}
	for _, s := range seats {
		l := line{name: s.name, noisy: len(s.all) - len(s.quiet), total: len(s.all)}
		use := s.quiet
		if len(use) == 0 {
			use = s.all
		}
		slices.SortFunc(use, func(a, b sample) int {
			if c.unit.faster(c.unit.figure(a), c.unit.figure(b)) > 1 {
				return -1
			}
			return 1
		})
		mid := use[len(use)/2]
		l.median, l.best, l.check, l.seconds, l.work = c.unit.figure(mid), c.unit.figure(use[0]), mid.Check, mid.Seconds, mid.Work
		*s.list = append(*s.list, l)
		fmt.Fprintf(os.Stderr, "  %-44s %10.4g %s (best %.4g), check %.9g, %d of %d disturbed\n", l.name, l.median, c.unit.name, l.best, l.check, l.noisy, l.total)
	}
	return r, agree(r)
}

// agree compares what the contestants computed.
func agree(r result) error {
	var first *line
	if r.exact != 0 {
		first = &line{name: "the exact solution", check: r.exact}
	}
	for _, list := range [][]line{r.ours, r.peers} {
		for i := range list {
			l := &list[i]
			if math.IsNaN(l.check) {
				continue
			}
			if first == nil {
				first = l
			} else if d := math.Abs(l.check - first.check); !(d <= r.tolerance*math.Max(math.Abs(l.check), math.Abs(first.check))) {
				return fmt.Errorf("%s and %s do not solve the same problem: %.9g and %.9g", first.name, l.name, first.check, l.check)
			}
		}
	}
	return nil
}
