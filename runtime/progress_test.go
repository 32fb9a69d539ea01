package runtime

import (
	"strings"
	"testing"
)

// A line shows the last values of monitors, at most three, and the note of a long run stands alone.
func TestLinesShowMonitors(t *testing.T) {
	var b strings.Builder
	p := NewLines(&b, 0)
	p.Begin(10)
	w := p.(Watcher)
	w.Watch("mass", 1)
	w.Watch("top", 2.5)
	w.Watch("mass", 1.25)
	w.Watch("a", 1)
	w.Watch("b", 1)
	p.At(5, 0.5)
	p.(Noter).Note("about 1 GiB")
	if s := b.String(); !strings.Contains(s, "t = 0.5, mass = 1.25, top = 2.5, a = 1, 0s left\n") || !strings.HasSuffix(s, "\nabout 1 GiB\n") {
		t.Errorf("%q", s)
	}
}
