package runtime

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// copies is how many copies of all fields a run holds at its peak: the initial values, the engine's state before and after a step, its
// temporaries, and what outputs and statistics fetch. Measured on interpreter and CPU with a field of 50 million points: 4.8 and 5.6.
const copies = 5

// checkMemory refuses a run that cannot fit this computer before it allocates anything, because running out of memory later would end
// the process without a word, or others with it. Where the system does not say how much is free, nothing is refused.
func checkMemory(p *ir.Program, opt *Options, free func() (int64, bool)) error {
	have, ok := free()
	if !ok {
		return nil
	}
	total, worst, at := 0.0, 0.0, -1
	for i := range p.Arrays {
		b := 4.0
		if p.Arrays[i].Elem == ir.F64 {
			b = 8
		}
		for _, n := range p.Shape(&p.Arrays[i]) {
			b *= float64(n)
		}
		if total += b; b > worst {
			worst, at = b, i
		}
	}
	need := copies*total + float64(opt.EngineBytes)
	if need <= float64(have) || at < 0 {
		return nil
	}
	a := &p.Arrays[at]
	d := diag.New("WF0610", opt.span(a.Pos), "the run needs about %s of memory, and this computer has %s free", bytesText(need), bytesText(float64(have)))
	d.Note("%s alone has %s; a run holds about %d copies of all fields", a.Name, bytesText(worst), copies)
	if opt.EngineBytes > 0 {
		d.Note("the simulated machine takes about %s of it", bytesText(float64(opt.EngineBytes)))
	}
	return diag.List{d.Suggest("use a coarser grid, fewer fields, or a computer with more memory; wfc build and wfc report need little")}
}

// bytesText is a size with three digits.
func bytesText(b float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b >= u.size {
			return fmt.Sprintf("%.3g %s", b/u.size, u.name)
		}
	}
	return fmt.Sprintf("%.0f B", b)
}

// freeMemory is what can be allocated without swapping, by the kernel's own estimate and the limit of a container; false where neither
// is told.
func freeMemory() (int64, bool) {
	free := int64(math.MaxInt64)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if w := strings.Fields(s.Text()); len(w) >= 2 && w[0] == "MemAvailable:" {
				if kb, err := strconv.ParseInt(w[1], 10, 64); err == nil {
					free = kb << 10
				}
			}
		}
	}
	limit, ok1 := numberIn("/sys/fs/cgroup/memory.max")
	used, ok2 := numberIn("/sys/fs/cgroup/memory.current")
	if ok1 && ok2 {
		free = min(free, max(0, limit-used))
	}
	return free, free != math.MaxInt64
}

// numberIn reads a file that holds one number.
func numberIn(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}
