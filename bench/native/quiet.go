//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// quiet is the share of the computer that others may use during a sample that counts.
const quiet = 0.08

// ticks of the processors since the system started, busy (what the hypervisor took included) and by this process and its waiting children.
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

// ownTicks are those of a process and its threads.
func ownTicks(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name may hold anything
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	var user, system float64
	fmt.Sscan(f[11], &user)
	fmt.Sscan(f[12], &system)
	return user + system
}

// ticksPerSecond is fixed for programs on Linux, whatever the kernel's own clock.
const ticksPerSecond = 100

// running are the processes that take part, whose time is not others'.
var running = map[int]bool{os.Getpid(): true}

// disturbed runs f and returns the share of the computer that processes which take no part used meanwhile.
func disturbed(f func() error) (float64, error) {
	own := func() (t float64) {
		for pid := range running {
			t += ownTicks(pid)
		}
		return t
	}
	begin, busy, ours := time.Now(), busyTicks(), own()
	err := f()
	seconds := time.Since(begin).Seconds()
	others := (busyTicks() - busy) - (own() - ours)
	return max(0, others/ticksPerSecond/seconds/float64(runtime.NumCPU())), err
}
