//go:build linux

package main

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/target/cpu"
)

// limit is a limit of the machine as a contestant: [cpu.Meter] is what profiles measure too.
type limit struct {
	*cpu.Meter
	sample func() (work, seconds float64)
	per    float64 // work is counted in this
	times  int     // in one sample
}

func (l *limit) Sample() (s sample, err error) {
	for range l.times {
		work, seconds := l.sample()
		s.Work, s.Seconds = s.Work+work/l.per, s.Seconds+seconds
	}
	s.Check = math.NaN()
	return s, nil
}

// fma is the rate of independent multiply-adds in all threads, FLOP a second.
func fma() entry { return fmaFor("independent fused multiply-adds", 1) }

// fmaFor is that rate as a limit of work of which a unit takes so many FLOP.
func fmaFor(name string, flop float64) entry {
	return entry{name, func(*yard) (contestant, error) {
		m, err := cpu.NewMeter(*threads)
		if err != nil {
			return nil, err
		}
		return &limit{m, m.Flops, flop, 100}, nil // as long as a sample of products: the clock falls under load
	}}
}

// copying is the rate at which an array is copied with streaming stores, a cell being so many bytes read and written.
func copying(bytes int) entry {
	return entry{fmt.Sprintf("copy of %d bytes per cell", bytes), func(*yard) (contestant, error) {
		m, err := cpu.NewMeter(*threads)
		if err != nil {
			return nil, err
		}
		return &limit{m, m.Copy, float64(bytes), 8}, nil
	}}
}
