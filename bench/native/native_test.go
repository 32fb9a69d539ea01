//go:build linux

package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tests take every sample, whatever else the computer does.
func init() { quiet = math.Inf(1) }

// counted does its work in no time and says so.
type counted struct{ samples []sample }

func (c *counted) Sample() (sample, error) {
	s := c.samples[0]
	c.samples = append(c.samples[1:], s)
	return s, nil
}
func (c *counted) Close() error { return nil }

func seat(name string, s ...sample) entry {
	return entry{name, func(*yard) (contestant, error) { return &counted{s}, nil }}
}

// The page has medians, says who is faster in either kind of unit, and names who is absent.
func TestPage(t *testing.T) {
	*peers = true
	y := newYard(t.TempDir())
	missing := inC("a peer", []string{"no-such-compiler"}, "heat.c", nil)
	for _, less := range []bool{false, true} {
		k := kase{name: "case", unit: unit{name: "per second", scale: 1, less: less}, tolerance: 1e-6,
			ours:  []entry{seat("ours", sample{2, 1, 1}, sample{2, 1, 1}, sample{1, 1, 1}, sample{9, 1, 1})},
			peers: []entry{seat("theirs", sample{4, 1, 1}), missing}}
		r, err := measure(k, y)
		if err != nil {
			t.Fatal(err)
		}
		page := write([]result{r}, y)
		for _, want := range []string{"## case", "2.00 |", "Left out: a peer (no-such-compiler not installed)"} {
			if !strings.Contains(page, want) {
				t.Errorf("less = %v: %q is not in\n%s", less, want, page)
			}
		}
	}
}

// Contestants that solve different problems are not compared.
func TestDisagreement(t *testing.T) {
	*peers = true
	k := kase{name: "case", unit: solves, tolerance: 1e-3, ours: []entry{seat("ours", sample{1, 1, 1})}, peers: []entry{seat("theirs", sample{1, 1, 1.01})}}
	if _, err := measure(k, newYard(t.TempDir())); err == nil || !strings.Contains(err.Error(), "same problem") {
		t.Errorf("got %v", err)
	}
	k.peers = []entry{seat("theirs", sample{1, 1, math.NaN()})} // has nothing to compare
	if _, err := measure(k, newYard(t.TempDir())); err != nil {
		t.Error(err)
	}
}

// A peer in C is built and speaks the protocol.
func TestPeer(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	y := newYard(t.TempDir())
	if err := y.sources(); err != nil {
		t.Fatal(err)
	}
	c, err := inC("C", gcc, "heat.c", nil, 3, 16, 4, "tiled", 2, 8).open(y)
	if absent(err) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	plain, err := inC("C", gcc, "heat.c", nil, 3, 16, 4, "plain").open(y)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	a, err := c.Sample()
	if err != nil {
		t.Fatal(err)
	}
	b, err := plain.Sample()
	if err != nil {
		t.Fatal(err)
	}
	if a.Work != 16*16*16*4 || b.Work != a.Work || math.Abs(a.Check-b.Check) > 1e-6 {
		t.Errorf("got %v and %v", a, b)
	}
}

// A program that trains by itself is stopped between samples and asked for whole steps; one of other batches takes no part.
func TestLLMC(t *testing.T) {
	if _, err := exec.LookPath("stdbuf"); err != nil {
		t.Skip("no stdbuf")
	}
	y := newYard(t.TempDir())
	t.Setenv(llmcProgram, "")
	if _, err := inLLMC(1, 2, 8, 16, 65, 4).open(y); !absent(err) {
		t.Errorf("without a program: %v", err)
	}
	program := filepath.Join(y.dir, "train")
	text := "#!/bin/sh\ntest -s gpt2_124M.bin && test -s dev/data/tinyshakespeare/tiny_shakespeare_train.bin || exit 1\n" +
		"echo train dataset num_batches: 1024\nfor i in 1 2 3 4 5 6 7 8 9; do echo \"step $i: train loss 4.2 (took 500.5 ms)\"; sleep 0.01; done\n"
	if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(llmcProgram, program)
	if _, err := inLLMC(1, 2, 8, 32, 65, 4).open(y); err == nil || absent(err) || !strings.Contains(err.Error(), "other batches than 4 x 32") {
		t.Errorf("other batches: %v", err)
	}
	c, err := inLLMC(1, 2, 8, 16, 65, 4).open(y)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if s, err := c.Sample(); err != nil || s.Seconds != 0.5005 || s.Work != 64 {
			t.Errorf("%+v, %v", s, err)
		}
	}
}
