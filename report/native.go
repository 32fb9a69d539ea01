package report

import (
	"fmt"
	"html/template"
	"math"
	"sort"
	"strings"
)

// NativeProfile says where the time of a run on this computer went, kernel by kernel, against what the computer can do.
type NativeProfile struct {
	Threads int     `json:"threads"`
	Flops   float64 `json:"peak_flops"`         // f32 FLOP/s in registers, all threads, measured in the same process
	Copy    float64 `json:"copy_bytes_per_sec"` // copying memory past the caches, bytes read and written
	Memory  int64   `json:"memory_bytes"`       // arrays and scratch
	// Kernels are alike kernels together: one line of the source, one code, one shape. The one that took longest is first.
	Kernels []Kernel `json:"kernels"`
	// Ranks says where the time of every rank went, in a run on many; the kernels are then those of rank 0, on its part of the grid.
	Ranks []RankTime `json:"ranks,omitempty"`
}

// RankTime is a rank's time in seconds, while functions of the program ran, and what it sent for them.
type RankTime struct {
	Compute  float64 `json:"compute_seconds"`
	Pack     float64 `json:"pack_seconds"`   // messages put together and taken apart
	Wait     float64 `json:"wait_seconds"`   // for others, computing nothing
	Reduce   float64 `json:"reduce_seconds"` // partial results exchanged and combined
	Messages int64   `json:"messages"`       // halos sent
	Bytes    int64   `json:"bytes"`          // of them
}

// Kernel is alike kernels of a function. Flops and Bytes are what their calls had to do together: floating-point operations of the
// program, and every element that is read or written, once.
type Kernel struct {
	Func    string  `json:"func"`
	Name    string  `json:"name"`
	Code    string  `json:"code"`
	Shape   []int   `json:"shape"`
	Line    int     `json:"line,omitempty"`
	Calls   int64   `json:"calls"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds,omitempty"` // of all threads
	Flops   float64 `json:"flops"`
	Bytes   float64 `json:"bytes"`
}

// Seconds is the time of all kernels.
func (p *NativeProfile) Seconds() float64 {
	t := 0.0
	for _, k := range p.Kernels {
		t += k.Seconds
	}
	return t
}

// Bound is the least time of a kernel by the two limits, when nothing it needs is in a cache.
func (p *NativeProfile) Bound(k Kernel) float64 {
	return math.Max(k.Flops/math.Max(p.Flops, 1), k.Bytes/math.Max(p.Copy, 1))
}

// Gather puts alike kernels together and sorts by time.
func (p *NativeProfile) Gather() {
	at := map[string]int{}
	var out []Kernel
	for _, k := range p.Kernels {
		key := fmt.Sprint(k.Func, "|", k.Code, "|", k.Line, k.Shape)
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, k)
			continue
		}
		o := &out[i]
		o.Calls, o.Seconds, o.CPU, o.Flops, o.Bytes = o.Calls+k.Calls, o.Seconds+k.Seconds, o.CPU+k.CPU, o.Flops+k.Flops, o.Bytes+k.Bytes
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Seconds > out[j].Seconds })
	p.Kernels = out
}

// ShapeText is "4x256x384".
func (k Kernel) ShapeText() string {
	s := make([]string, len(k.Shape))
	for i, n := range k.Shape {
		s[i] = fmt.Sprint(n)
	}
	return strings.Join(s, "x")
}

// Text is the profile as a table of at most n kernels, all if n is 0.
func (p *NativeProfile) Text(n int) string {
	var b strings.Builder
	total := p.Seconds()
	fmt.Fprintf(&b, "native code, %d threads; measured limits: %.4g GFLOP/s (f32), copy %.3g GB/s; memory of arrays and scratch %.4g MB\n", p.Threads, p.Flops/1e9, p.Copy/1e9, float64(p.Memory)/1e6)
	fmt.Fprintf(&b, "%8s %6s %8s %7s %8s %8s %7s  %-24s %-22s %s\n", "ms", "%", "cpu ms", "calls", "GFLOP/s", "GB/s", "x bound", "code", "shape", "of")
	for i, k := range p.Kernels {
		if n > 0 && i == n {
			rest := 0.0
			for _, k := range p.Kernels[i:] {
				rest += k.Seconds
			}
			fmt.Fprintf(&b, "%8.2f %6.1f  %d more\n", 1e3*rest, 100*rest/math.Max(total, 1e-300), len(p.Kernels)-i)
			break
		}
		of := k.Func + ": " + k.Name
		if k.Line > 0 {
			of += fmt.Sprintf(", line %d", k.Line)
		}
		s := math.Max(k.Seconds, 1e-300)
		bound := "-"
		if x := p.Bound(k); x > 0 {
			bound = fmt.Sprintf("%.2f", s/x)
		}
		fmt.Fprintf(&b, "%8.2f %6.1f %8.2f %7d %8.2f %8.2f %7s  %-24s %-22s %s\n", 1e3*k.Seconds, 100*k.Seconds/math.Max(total, 1e-300), 1e3*k.CPU, k.Calls, k.Flops/s/1e9, k.Bytes/s/1e9, bound, k.Code, k.ShapeText(), of)
	}
	cpu := 0.0
	for _, k := range p.Kernels {
		cpu += k.CPU
	}
	fmt.Fprintf(&b, "%8.2f        %8.2f all kernels\n", 1e3*total, 1e3*cpu)
	if len(p.Ranks) > 0 {
		fmt.Fprintf(&b, "kernels of rank 0; the time of all, in ms:\n%8s %10s %10s %10s %10s %10s %10s\n", "rank", "computing", "packing", "waiting", "reducing", "messages", "MB sent")
	}
	for i, r := range p.Ranks {
		fmt.Fprintf(&b, "%8d %10.2f %10.2f %10.2f %10.2f %10d %10.3f\n", i, 1e3*r.Compute, 1e3*r.Pack, 1e3*r.Wait, 1e3*r.Reduce, r.Messages, float64(r.Bytes)/1e6)
	}
	return b.String()
}

// Roofline draws FLOP/s over FLOP per byte, both logarithmic: the two limits as a roof, a disk per kernel whose area is its time. A disk above
// the slope had its operands in a cache.
func (p *NativeProfile) Roofline() template.HTML {
	const w, h, left, right, top, bottom = 720.0, 420.0, 64.0, 16.0, 16.0, 40.0
	if p.Flops <= 0 || p.Copy <= 0 {
		return ""
	}
	type point struct{ x, y, part float64 }
	var pts []point
	total := math.Max(p.Seconds(), 1e-300)
	ridge := p.Flops / p.Copy
	x0, x1, y0, y1 := math.Log10(ridge)-2, math.Log10(ridge)+2, math.Log10(p.Flops)-3, math.Log10(p.Flops)+0.3
	for _, k := range p.Kernels {
		if k.Flops <= 0 || k.Bytes <= 0 || k.Seconds <= 0 {
			continue
		}
		q := point{math.Log10(k.Flops / k.Bytes), math.Log10(k.Flops / k.Seconds), k.Seconds / total}
		if q.part > 0.002 {
			x0, x1, y0, y1 = math.Min(x0, q.x-0.2), math.Max(x1, q.x+0.2), math.Min(y0, q.y-0.2), math.Max(y1, q.y+0.2)
		}
		pts = append(pts, q)
	}
	X := func(v float64) float64 { return left + (w-left-right)*(v-x0)/(x1-x0) }
	Y := func(v float64) float64 { return h - bottom - (h-top-bottom)*(v-y0)/(y1-y0) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="roofline">`, w, h, w, h)
	for e := math.Ceil(x0); e <= x1; e++ {
		fmt.Fprintf(&b, `<line class="in" style="stroke-width:.5" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><text class="axis" text-anchor="middle" x="%.1f" y="%.1f">%g</text>`, X(e), X(e), top, h-bottom, X(e), h-bottom+14, math.Pow(10, e))
	}
	for e := math.Ceil(y0); e <= y1; e++ {
		fmt.Fprintf(&b, `<line class="in" style="stroke-width:.5" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><text class="axis" text-anchor="end" x="%.1f" y="%.1f">%g</text>`, left, w-right, Y(e), Y(e), left-6, Y(e)+4, math.Pow(10, e-9))
	}
	fmt.Fprintf(&b, `<text class="axis" text-anchor="middle" x="%.1f" y="%.1f">FLOP per byte of operands and results</text><text class="axis" text-anchor="middle" transform="translate(14 %.1f) rotate(-90)">GFLOP/s</text>`, (w+left)/2, h-6, h/2)
	from := math.Max(x0, y0-math.Log10(p.Copy))
	fmt.Fprintf(&b, `<polyline class="limit" fill="none" points="%.1f,%.1f %.1f,%.1f %.1f,%.1f"/>`, X(from), Y(from+math.Log10(p.Copy)), X(math.Log10(ridge)), Y(math.Log10(p.Flops)), X(x1), Y(math.Log10(p.Flops)))
	for i, q := range pts {
		if q.x < x0 || q.y < y0 {
			continue
		}
		fmt.Fprintf(&b, `<circle fill="%s" fill-opacity="0.6" cx="%.1f" cy="%.1f" r="%.1f"><title>%s</title></circle>`, hue(i), X(q.x), Y(q.y), 3+40*math.Sqrt(q.part),
			template.HTMLEscapeString(fmt.Sprintf("%.1f %% of the time, %.3g GFLOP/s at %.3g FLOP per byte", 100*q.part, math.Pow(10, q.y-9), math.Pow(10, q.x))))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
