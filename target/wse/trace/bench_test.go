package trace

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/wfc-lang/wfc/target/wse/sim"
)

type counter int

func (c *counter) Event(*sim.Event) { *c++ }

// The plain engine with nobody watching, and with each who can. Off, every place that could make an event is one branch on a nil pointer
// that is never taken: events/op of them cost what ns/op of off would be shorter by.
func BenchmarkWatching(b *testing.B) {
	const w, words = 64, 512
	src := fmt.Sprintf(`machine wse2
mesh %[1]d 1
class a { at x 0..1 y 0..1 array u f32[%[2]d] = fill 1 queue o out 2 color 0 task main local 8 { mov.f32 fab(o, %[2]d) = u[0 : %[2]d] exit } entry main }
class m { at x 1..%[3]d y 0..1 array u f32[%[2]d] = fill 1 queue i in 2 color 0 at x 1..%[3]d step 2 y 0..1, 1 at x 2..%[3]d step 2 y 0..1
 queue o out 2 color 1 at x 1..%[3]d step 2 y 0..1, 0 at x 2..%[3]d step 2 y 0..1 task main local 8 { add.f32 fab(o, %[2]d) = fab(i, %[2]d), u[0 : %[2]d] exit } entry main }
class z { at x %[3]d..%[1]d y 0..1 array u f32[%[2]d] queue i in 2 color 0 task main local 8 { mov.f32 u[0 : %[2]d] = fab(i, %[2]d) exit } entry main }
route color 0 at x 0..%[1]d step 2 y 0..1 rx ramp tx east
route color 0 at x 1..%[1]d step 2 y 0..1 rx west tx ramp
route color 1 at x 1..%[3]d step 2 y 0..1 rx ramp tx east
route color 1 at x 2..%[1]d step 2 y 0..1 rx west tx ramp
`, w, words, w-1)
	var seen counter
	for _, c := range []struct {
		name string
		sink func(*sim.Sim) sim.Sink
	}{
		{"off", func(*sim.Sim) sim.Sink { return nil }},
		{"count", func(*sim.Sim) sim.Sink { return &seen }},
		{"profile", func(s *sim.Sim) sim.Sink { return NewProfile(s) }},
		{"timeline", func(s *sim.Sim) sim.Sink { return NewTimeline(io.Discard, s, Window{W: 8, H: 8}) }},
		{"trace", func(s *sim.Sim) sim.Sink { return NewViewer(io.Discard, s, Window{}) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := bounded("chain", src, 0)
			if err != nil {
				b.Fatal(err)
			}
			s.SetSink(c.sink(s))
			seen = 0
			b.ResetTimer()
			for range b.N {
				if _, err := s.Launch(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			if seen > 0 {
				b.ReportMetric(float64(seen)/float64(b.N), "events/op")
			}
		})
	}
}
