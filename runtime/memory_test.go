package runtime

import (
	"strings"
	"testing"
)

func TestMemory(t *testing.T) {
	p := decay(1000, false) // 4000 bytes
	free := func(n int64, ok bool) func() (int64, bool) { return func() (int64, bool) { return n, ok } }
	for _, c := range []struct {
		have  int64
		known bool
		extra int64
		fits  bool
	}{{20000, true, 0, true}, {19999, true, 0, false}, {0, false, 0, true}, {20000, true, 1, false}, {1 << 30, true, 1 << 20, true}} {
		err := checkMemory(p, &Options{EngineBytes: c.extra}, free(c.have, c.known))
		if c.fits != (err == nil) || err != nil && (code(err) != "WF0610" || !strings.Contains(err.Error(), "19.5 KiB")) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if n, ok := freeMemory(); ok && n < 1<<20 {
		t.Errorf("%d bytes are free, and this test runs", n)
	}
	p.Axes[0].N = 1 << 50
	if err := checkMemory(p, &Options{}, free(1<<40, true)); code(err) != "WF0610" {
		t.Errorf("%v", err)
	}
}
