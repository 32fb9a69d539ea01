package collective

// Machine is what the cost of a collective depends on. All are cycles; they come from the machine's table of constants.
type Machine struct {
	RampOut, RampIn int  // processor to router and back
	Hop             int  // router to router
	Issue           int  // from the end of one operation to the first element of the next, when that has arrived
	PerWavelet      int  // thousandths of a cycle that combining takes per wavelet, at least the ramp's rate
	Spread          int  // routers between neighbouring parts: 1, or 2 on a folded axis
	Turns           bool // routers can turn from one sender of a color to the next
	// Queues are the depths of the input queues, in the order in which the streams that a part receives get them; a stream beyond the list
	// is taken to have a deep one. A queue that empties faster than the router learns of it limits the rate.
	Queues []int
}

// latency is the time from one part's output of an element to that of a part distance away that combines it.
func (m Machine) latency(distance int) int {
	return m.RampOut + distance*m.Hop*max(1, m.Spread) + m.RampIn + 1
}

// vector is the time that n wavelets take through one part that receives them in the given queue: a place in it is free again
// RampIn + 1 cycles after it was taken.
func (m Machine) vector(n, queue int) int {
	per := m.PerWavelet
	if queue >= 0 && queue < len(m.Queues) {
		per = max(per, 1000*(m.RampIn+1)/max(1, m.Queues[queue]))
	}
	return (n*per + 999) / 1000
}

// level is the time between the first element of what the members of a level send and the first element of the last vector that
// their leader combines. The level's first stream arrives in the given queue, the vector before it in the one before; the first
// level, of stride 1, finds the vectors in memory. root says that the leaders send nothing on: then one operation takes all streams of a gather.
func (m Machine) level(w way, members, stride, wavelets, queue int, root bool) int {
	if members < 2 {
		return 0
	}
	ready := 0 // when the next vector can be combined
	if stride > 1 {
		ready = m.vector(wavelets, queue-1) + m.Issue
	}
	if w == chain {
		return max(ready, m.latency(stride)) + (members-2)*m.latency(stride)
	}
	at := 0
	for j := 1; j < members; j++ {
		at = max(ready, m.latency(j*stride))
		if w == arms {
			ready = at + m.vector(wavelets, queue+j-1) + m.Issue
			continue
		}
		if ready = at + m.vector(wavelets, queue); j == members-2 && !root {
			ready += m.Issue
		}
	}
	return at
}

// Time estimates a reduction of vectors of the given wavelets along t. It follows the streams: a part sends the first element of what it
// combines last as soon as it has it, so levels overlap, while a part takes its vectors one after the other.
func Time(t Tree, m Machine, wavelets int) int {
	total, stride, queue := 0, 1, 0
	for _, l := range t.Tree() {
		size, w := min(l.Size, t.Parts), t.way(l)
		total += m.level(w, min(size, (t.Parts+stride-1)/stride), stride, wavelets, queue, stride*size >= t.Parts)
		stride *= size
		queue += streams(w, size)
	}
	if t.Parts > 1 {
		total += m.vector(wavelets, queue-1)
	}
	return total
}

// streams is how many queues a level's leader receives from.
func streams(w way, size int) int {
	if w == arms {
		return size - 1
	}
	return 1
}

// Metrics are the terms of the published model for wavelets elements: energy (hops of all wavelets), depth (the longest chain of
// dependent messages), contention (most wavelets into or out of one part) and distance (parts from the farthest part to the root).
type Metrics struct{ Energy, Depth, Contention, Distance, Links int }

// MetricsOf computes the terms for a reduction along t.
func MetricsOf(t Tree, wavelets int) Metrics {
	m := Metrics{Distance: t.Parts - 1, Links: t.Parts - 1}
	depth := make([]int, max(1, t.Parts))
	in := make([]int, max(1, t.Parts))
	t.Each(func(into, from int) {
		m.Energy += wavelets * (from - into)
		depth[into] = max(depth[into], depth[from]+1)
		in[into] += wavelets
	})
	m.Depth = depth[0]
	for _, n := range in {
		m.Contention = max(m.Contention, n)
	}
	if t.Parts > 1 {
		m.Contention = max(m.Contention, wavelets)
	}
	return m
}

// Published is the model of Luczynski et al. with the machine's constants:
//
//	T = max(C, E/N + L) + (2 T_R + 1) D
//
// with L in hops. It assumes that bandwidth and latency overlap fully, so it lies below [Time] where a part waits for vectors.
func (m Metrics) Published(k Machine) float64 {
	if m.Links == 0 {
		return 0
	}
	flow := float64(m.Energy)/float64(m.Links) + float64(m.Distance*k.Hop*max(1, k.Spread))
	return max(float64(m.Contention), flow) + float64((k.RampOut+k.RampIn+1)*m.Depth)
}

// Broadcast is the time of flooding wavelets from part 0 to all of parts: B + P + 2 T_R with one cycle per hop.
func Broadcast(m Machine, parts, wavelets int) int {
	return m.vector(wavelets, 0) + m.RampOut + m.RampIn + parts*m.Hop*max(1, m.Spread)
}

// Ring is the published time of an all-reduce along a ring of parts.
func Ring(m Machine, parts, wavelets int) float64 {
	p, b := float64(parts), float64(wavelets)
	return 2*(p-1)*b/p + (4*p-6)*float64(m.Hop) + 2*(p-1)*float64(m.RampOut+m.RampIn+1)
}
