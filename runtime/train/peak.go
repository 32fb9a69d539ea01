package train

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Peak estimates the peak of this computer in f32 FLOP/s: processors times clock times the operations of two fused multiply-add units
// of the widest vectors it has. It is an estimate for MFU, not a measurement; 0 when the system tells nothing.
func Peak() float64 {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	mhz, perCycle := 0.0, 0.0
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		switch strings.TrimSpace(key) {
		case "cpu MHz":
			if v, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				mhz = max(mhz, v)
			}
		case "flags", "Features":
			perCycle = max(perCycle, flopsPerCycle(" "+value+" "))
		}
	}
	return float64(runtime.NumCPU()) * mhz * 1e6 * perCycle
}

// flopsPerCycle is lanes x 2 (multiply and add) x 2 units.
func flopsPerCycle(flags string) float64 {
	switch {
	case strings.Contains(flags, " avx512f "):
		return 64
	case strings.Contains(flags, " fma "):
		return 32
	case strings.Contains(flags, " avx "):
		return 16
	}
	return 8
}
