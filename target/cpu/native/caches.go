package native

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Caches are the bytes of the data caches of one core, and of the last one, which cores share.
type Caches struct{ First, Second, Last int }

// DataCaches asks the system; where it does not tell, sizes that most processors have.
var DataCaches = sync.OnceValue(func() Caches {
	c := Caches{32 << 10, 1 << 20, 8 << 20}
	dirs, _ := filepath.Glob("/sys/devices/system/cpu/cpu0/cache/index*") // no match: the sizes above
	for _, d := range dirs {
		read := func(name string) string {
			b, _ := os.ReadFile(filepath.Join(d, name)) // absent: skipped below
			return strings.TrimSpace(string(b))
		}
		size, unit := read("size"), 1
		switch {
		case strings.HasSuffix(size, "K"):
			size, unit = strings.TrimSuffix(size, "K"), 1<<10
		case strings.HasSuffix(size, "M"):
			size, unit = strings.TrimSuffix(size, "M"), 1<<20
		}
		n, err := strconv.Atoi(size)
		if err != nil || n <= 0 || read("type") == "Instruction" {
			continue
		}
		switch read("level") {
		case "1":
			c.First = n * unit
		case "2":
			c.Second = n * unit
			c.Last = max(c.Last, c.Second)
		case "3":
			c.Last = n * unit
		}
	}
	return c
})
