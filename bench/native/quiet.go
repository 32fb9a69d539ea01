//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// quiet is the share of the computer that others may use during a sample that counts.
var quiet = 0.08

// busyTicks are those of the processors since the system started, what the hypervisor took included.
func busyTicks() (busy float64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var v [8]float64
	fmt.Sscanf(strings.TrimPrefix(line, "cpu"), "%g %g %g %g %g %g %g %g", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7])
	for i, t := range v {
		if i != 3 && i != 4 { // idle, waiting for a device
			busy += t
		}
	}
	return busy
}

// ownTicks are those of this process, of all processes it has started, and of those they have started and waited for.
func ownTicks() (ticks float64) {
	type process struct {
		parent int
		ticks  float64
	}
	all := map[int]process{}
	dirs, _ := os.ReadDir("/proc")
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		_, rest, _ := strings.Cut(string(b), ") ") // the name may hold anything
		f := strings.Fields(rest)
		if err != nil || len(f) < 15 {
			continue
		}
		p := process{}
		p.parent, _ = strconv.Atoi(f[1])
		for _, t := range f[11:15] { // user, system, and both of children that have ended
			v, _ := strconv.ParseFloat(t, 64)
			p.ticks += v
		}
		all[pid] = p
	}
	for pid := range all {
		for q := pid; q != 0; q = all[q].parent {
			if q == os.Getpid() {
				ticks += all[pid].ticks
				break
			}
		}
	}
	return ticks
}

// ticksPerSecond is fixed for programs on Linux, whatever the kernel's own clock.
const ticksPerSecond = 100

// disturbed runs f and returns the share of the computer that processes that take no part used meanwhile.
func disturbed(f func() error) (float64, error) {
	begin, busy, ours := time.Now(), busyTicks(), ownTicks()
	err := f()
	seconds := time.Since(begin).Seconds()
	others := (busyTicks() - busy) - (ownTicks() - ours)
	return max(0, others/ticksPerSecond/seconds/float64(runtime.NumCPU())), err
}
