package interp

import (
	"runtime"
	"sync"

	"github.com/wfc-lang/wfc/ir"
)

// chunk is how many points one pass over the instructions evaluates: registers of a long body then stay in the second-level cache.
const chunk = 256

// grain is the least number of points worth a goroutine.
const grain = 1 << 14

// seg is a run of points along the last index: n points from row, at position at of the chunk.
type seg struct {
	at, n int
	row   []int
}

// code is one worker's compiled body: instructions over registers of chunk elements, and the registers of the results.
type code struct {
	ops  []func(n int)
	segs []seg
	res  []vec
}

// kernel evaluates a body over a box and stores its results. codes has one entry per worker.
type kernel struct {
	box   []ir.Interval
	codes []*code
	outs  []*buffer
}

func workers() int { return max(1, runtime.GOMAXPROCS(0)) }

// run evaluates the kernel on the part of its box inside box (nil: all of it).
func (k *kernel) run(box []ir.Interval) {
	b := k.box
	if box != nil {
		b = make([]ir.Interval, len(k.box))
		for d := range b {
			b[d] = ir.Interval{Lo: max(k.box[d].Lo, box[d].Lo), Hi: min(k.box[d].Hi, box[d].Hi)}
		}
	}
	total := 1
	for _, r := range b {
		total *= max(0, r.Hi-r.Lo)
	}
	nw := min(len(k.codes), (total+grain-1)/grain)
	if nw <= 1 {
		k.span(k.codes[0], b, 0, total)
		return
	}
	var wg sync.WaitGroup
	for w := range nw {
		wg.Add(1)
		go func() {
			defer wg.Done()
			k.span(k.codes[w], b, total/nw*w+min(w, total%nw), total/nw*(w+1)+min(w+1, total%nw))
		}()
	}
	wg.Wait()
}

// span evaluates points lo..hi-1 of the box in row-major order.
func (k *kernel) span(c *code, box []ir.Interval, lo, hi int) {
	r := len(box)
	width := 1
	if r > 0 {
		width = box[r-1].Hi - box[r-1].Lo
	}
	at := make([]int, r)
	for x, d := lo, r-1; d >= 0 && lo < hi; d-- {
		n := box[d].Hi - box[d].Lo
		at[d] = box[d].Lo + x%n
		x /= n
	}
	for lo < hi {
		n := 0
		c.segs = c.segs[:0]
		for n < chunk && lo < hi {
			m := min(chunk-n, hi-lo, width)
			if r > 0 {
				m = min(m, box[r-1].Hi-at[r-1])
			}
			c.push(n, m, at)
			n, lo = n+m, lo+m
			for d := r - 1; d >= 0; d-- {
				if d == r-1 {
					at[d] += m
				} else {
					at[d]++
				}
				if at[d] < box[d].Hi {
					break
				}
				at[d] = box[d].Lo
			}
		}
		for _, op := range c.ops {
			op(n)
		}
		for i, out := range k.outs {
			for _, s := range c.segs {
				o := 0
				for d, x := range s.row {
					o += (x - out.lo[d]) * out.stride[d]
				}
				copyVec(&out.vec, o, &c.res[i], s.at, s.n)
			}
		}
	}
}

func (c *code) push(at, n int, row []int) {
	if len(c.segs) < cap(c.segs) {
		c.segs = c.segs[:len(c.segs)+1]
	} else {
		c.segs = append(c.segs, seg{})
	}
	s := &c.segs[len(c.segs)-1]
	s.at, s.n = at, n
	s.row = append(s.row[:0], row...)
}
