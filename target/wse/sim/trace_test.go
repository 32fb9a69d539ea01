package sim

import (
	"context"
	"math/bits"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc/target/wse"
	"pgregory.net/rapid"
)

// auditor checks what must hold of the events of a launch whatever the program: no link or ramp carries more than its rate, every
// wavelet reaches each receiver once, in order, with its value, and waits are as long as they are said to be.
type auditor struct {
	t     interface{ Errorf(string, ...any) }
	m     wse.Machine
	links map[[2]int][]int64 // PE and port -> cycles in which a wavelet left by it
	alive map[int64]int      // copies under way
	value map[int64]uint32
	order map[[2]int32]int64 // PE and color of a receiver -> last wavelet taken
	stall map[[2]int32]int64 // PE and thread -> since
	sent  int64
	taken int64
	hops  int64
	end   int64
}

func newAuditor(t interface{ Errorf(string, ...any) }, m wse.Machine) *auditor {
	return &auditor{t: t, m: m, links: map[[2]int][]int64{}, alive: map[int64]int{}, value: map[int64]uint32{},
		order: map[[2]int32]int64{}, stall: map[[2]int32]int64{}}
}

func (a *auditor) Event(e *Event) {
	switch e.Kind {
	case EvSend:
		a.sent++
		a.alive[e.Wavelet]++
		a.value[e.Wavelet] = e.Value
	case EvUp:
		a.use(e.PE, portUp, e.Cycle)
	case EvHop:
		if e.Value != a.value[e.Wavelet] {
			a.t.Errorf("wavelet %d changed from %x to %x", e.Wavelet, a.value[e.Wavelet], e.Value)
		}
		a.alive[e.Wavelet] += bits.OnesCount8(uint8(e.Tx)) - 1
		for d := wse.North; d <= wse.Ramp; d++ {
			if e.Tx.Has(d) {
				a.use(e.PE, int(d), e.Cycle)
				if d != wse.Ramp {
					a.hops++
				}
			}
		}
	case EvTake:
		a.taken++
		if a.alive[e.Wavelet]--; a.alive[e.Wavelet] < 0 {
			a.t.Errorf("wavelet %d is taken more often than it was copied", e.Wavelet)
		}
		if e.Value != a.value[e.Wavelet] {
			a.t.Errorf("wavelet %d arrives as %x, sent as %x", e.Wavelet, e.Value, a.value[e.Wavelet])
		}
		k := [2]int32{int32(e.PE), e.Color}
		if a.order[k] >= e.Wavelet {
			a.t.Errorf("PE %d takes wavelet %d of color %d after %d", e.PE, e.Wavelet, e.Color, a.order[k])
		}
		a.order[k] = e.Wavelet
	case EvStall:
		a.stall[[2]int32{int32(e.PE), e.Thread}] = e.Cycle
	case EvGo:
		if since := a.stall[[2]int32{int32(e.PE), e.Thread}]; e.Cycle-e.N != since {
			a.t.Errorf("a wait that began in %d is said to have begun in %d", since, e.Cycle-e.N)
		}
	case EvEnd:
		a.end = e.Cycle
	}
}

func (a *auditor) use(pe, port int, t int64) {
	k := [2]int{pe, port}
	a.links[k] = append(a.links[k], t)
}

// check is called after the launch.
func (a *auditor) check(st Stats) {
	for id, n := range a.alive {
		if n != 0 {
			a.t.Errorf("%d copies of wavelet %d are lost", n, id)
		}
	}
	if a.sent != st.Sent || a.taken != st.Delivered || a.hops != st.Hops {
		a.t.Errorf("events tell of %d wavelets sent, %d taken, %d hops; the engine counts %d, %d, %d", a.sent, a.taken, a.hops, st.Sent, st.Delivered, st.Hops)
	}
	for k, at := range a.links {
		rate := int64(a.m.LinkTicks)
		if k[1] == int(wse.Ramp) || k[1] == portUp {
			rate = int64(a.m.RampTicks)
		}
		// In any stretch of cycles that holds k wavelets, the last may begin when k-1 have passed. Two neighbours decide when the rate is
		// a whole number of cycles; otherwise a stretch from each wavelet on.
		for i := range at {
			for j := i + 1; j < len(at) && j < i+20; j++ {
				if (at[j]-at[i]+1)*ticks <= int64(j-i)*rate {
					a.t.Errorf("port %d of PE %d carries %d wavelets in cycles %d to %d", k[1], k[0], j-i+1, at[i], at[j])
					return
				}
			}
		}
	}
}

func TestEventsOfRandomPrograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := randomProgram(t)
		m, _ := wse.Profile(p.Machine)
		m.LinkTicks = rapid.SampledFrom([]int{1000, 1125, 2000}).Draw(t, "link")
		a := newAuditor(t, m)
		plain, err := New(p, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		traced, err := New(p, m, Options{Sink: a})
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got, err := traced.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(Stats{})); d != "" {
			t.Fatalf("a simulation that is watched differs: %s", d)
		}
		a.check(got)
	})
}

// An auditor that accepts anything would prove nothing.
func TestAuditorFindsFaults(t *testing.T) {
	for name, f := range map[string]func(a *auditor){
		"duplicate": func(a *auditor) { a.Event(&Event{Kind: EvTake, Wavelet: 1}) },
		"lost":      func(a *auditor) { a.Event(&Event{Kind: EvSend, Wavelet: 1}) },
		"changed":   func(a *auditor) { a.value[1] = 5; a.Event(&Event{Kind: EvHop, Wavelet: 1, Tx: wse.Dirs(wse.East)}) },
		"too fast": func(a *auditor) {
			a.Event(&Event{Kind: EvUp, Cycle: 7})
			a.Event(&Event{Kind: EvUp, Cycle: 7})
		},
	} {
		var log counter
		a := newAuditor(&log, profile(t, "wse2"))
		f(a)
		a.check(Stats{Sent: a.sent, Delivered: a.taken, Hops: a.hops})
		if log == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

type counter int

func (c *counter) Errorf(string, ...any) { *c++ }

func BenchmarkHalo8Watched(b *testing.B) {
	p := parse(b, "", halo(8, 8, 100, 100))
	for i := 0; i < b.N; i++ {
		n := int64(0)
		s, err := New(p, profile(b, p.Machine), Options{Sink: sinkFunc(func(*Event) { n++ })})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Launch(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "events")
	}
}

type sinkFunc func(*Event)

func (f sinkFunc) Event(e *Event) { f(e) }
