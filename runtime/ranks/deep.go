package ranks

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Several steps for one exchange (Ding and He, "A ghost cell expansion method", SC 2001). A function that is called again and again is written
// out several times, one after the other, as a function of its own: what the first step sets, the second one reads. Everything else follows as for any
// function. The analysis finds that halos are so many times as deep and that each step computes a little less than the one before, and an
// engine computes the whole as it computes a step of several stages: as one pass over memory, which is temporal blocking.
//
// What this saves is time per message and waiting for neighbours, which are late sometimes; bytes stay. What it costs are the points around the own
// ones that are computed twice.

// deep is a function that does several steps of another.
type deep struct {
	name  string
	steps int
}

// What an exchange and a point cost, for the choice of depths only: what counts is their ratio. Measured with two ranks of heat on one computer
// (BenchmarkWeakScaling): a step of 64 planes of 256 x 256 points took 2.0, 1.5 and 1.3 ms for 1, 2 and 4 steps an exchange, which is memory
// divided by the steps and arithmetic that is not; and the exchange is packing, a message each way and the wait for the later of the two.
const (
	exchangeTime = 60e3   // nanoseconds
	byteTime     = 0.03   // nanoseconds of a byte that is read from memory or written
	nodeTime     = 0.0135 // nanoseconds of a node of an operation, per point of 4 bytes
)

// Bounds of a function written out: steps, and nodes of all its operations, which take time to compile; and the points of a rank, below which a run
// is over before that time has paid.
const (
	mostSteps   = 6
	mostNodes   = 3000
	leastPoints = 1 << 13
)

// forcedSteps is the depth for tests, 0 for what pays.
var forcedSteps int

// deepened adds to p the functions of several steps that pay.
func deepened(p *ir.Program, l *layout) (*ir.Program, map[string]deep) {
	out := map[string]deep{}
	if l.size() == 1 {
		return p, out
	}
	again := repeated(p)
	q := p
	var a *analysis
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host || !again[f.Name] || slices.ContainsFunc(f.Ops, func(op ir.Op) bool { return op.Kind == ir.Reduce }) {
			continue
		}
		if a == nil { // of rank 0, in every rank, so that all choose the same
			a = analyse(l, cutFuncs(p, l), 0)
		}
		n := a.depth(f)
		if n < 2 {
			continue
		}
		if q == p {
			q = p.Clone()
		}
		d := deep{fmt.Sprintf("%s*%d", f.Name, n), n}
		q.Funcs = append(q.Funcs, writtenOut(f, d))
		out[f.Name] = d
	}
	return q, out
}

// repeated are the functions that a run or a counted loop calls several times with nothing between.
func repeated(p *ir.Program) map[string]bool {
	out := map[string]bool{}
	for i := range p.Schedule {
		out[p.Schedule[i].Func] = true
	}
	var walk func(body []ir.Stmt)
	walk = func(body []ir.Stmt) {
		for i := range body {
			s := &body[i]
			if s.Kind == ir.Loop && len(s.Body) == 1 && s.Body[0].Kind == ir.Call {
				out[s.Body[0].Func] = true
			}
			walk(s.Body)
			walk(s.Else)
		}
	}
	for i := range p.Procs {
		walk(p.Procs[i].Body)
	}
	return out
}

// depth is for how many steps of a function an exchange pays: the exchange and the way of the fields through memory are once for all of them; the
// points around the rank's own are computed besides, fewer in every step.
func (a *analysis) depth(f *ir.Func) int {
	reach, extent := a.surroundings(f)
	if reach == nil || forcedSteps == 1 {
		return 1
	}
	nodes, work, bytes := 0, 0.0, 0.0
	for i := range f.Ops {
		op, most := &f.Ops[i], 0
		for k := range op.Pieces {
			most = max(most, len(op.Pieces[k].Body.Nodes))
			nodes += len(op.Pieces[k].Body.Nodes)
		}
		if axes := axesOf(op.Dom); op.Kind == ir.Map && a.shared(axes) {
			work += float64(a.own(axes, a.rank).volume()*most*tensorBytes(op.Results[0].Elem)) / 4 * nodeTime
		}
	}
	points := 0
	for _, t := range f.Sets {
		if ar := a.st.p.Array(t.Array); a.shared(ar.Axes) {
			n := a.own(ar.Axes, a.rank).volume()
			points = max(points, n)
			bytes += float64(2 * n * tensorBytes(ar.Elem))
		}
	}
	if points < leastPoints && forcedSteps == 0 {
		return 1
	}
	once := exchangeTime + bytes*byteTime
	best, least, more := 1, once+work, 0.0
	for n := 2; n <= mostSteps && n*nodes <= mostNodes; n++ {
		grown := 1.0
		for d, r := range reach {
			if 2*n*r > extent[d] {
				return best
			}
			if r > 0 {
				grown *= 1 + 2*float64((n-1)*r)/float64(extent[d])
			}
		}
		more += (grown - 1) * work
		if t := (once+more)/float64(n) + work; t < least || n <= forcedSteps {
			best, least = n, t
		}
		if n == forcedSteps {
			break
		}
	}
	return best
}

// surroundings finds how far beyond the rank's own points a function reads, and over how many points they extend at least, along the dimensions
// of the grid of ranks; nil when it reads nothing there, something far away, or has more than one stage.
func (a *analysis) surroundings(f *ir.Func) (reach, extent []int) {
	list := a.st.of[f.Name]
	if len(list) != 1 || len(list[0].partials) > 0 {
		return nil, nil
	}
	reach, extent = make([]int, len(a.grid)), make([]int, len(a.grid))
	most := 0
	for k := range a.st.p.Arrays {
		ar := &a.st.p.Arrays[k]
		own := a.own(ar.Axes, a.rank)
		for _, b := range a.reach[list[0]].arrays[ar.Name] {
			if !a.shared(ar.Axes) {
				continue
			}
			if !a.stored(ar.Axes).contains(b) {
				return nil, nil
			}
			for d, cut := range a.dims(ar.Axes) {
				if !cut {
					continue
				}
				dim := a.axes[ar.Axes[d]].dim
				reach[dim] = max(reach[dim], own[d].Lo-b[d].Lo, b[d].Hi-own[d].Hi)
				if n := own[d].Hi - own[d].Lo; extent[dim] == 0 || n < extent[dim] {
					extent[dim] = n
				}
				most = max(most, reach[dim])
			}
		}
	}
	if most == 0 {
		return nil, nil
	}
	return reach, extent
}

// writtenOut is d.steps steps of f.
func writtenOut(f *ir.Func, d deep) ir.Func {
	out := ir.Func{Name: d.name}
	now := map[string]string{} // "@array" -> its value at this step
	for step := range d.steps {
		mine := map[string]bool{}
		name := func(v string) string { return fmt.Sprintf("%s~s%d", v, step) }
		use := func(v string) string {
			if mine[v] {
				return name(v)
			}
			if n, ok := now[v]; ok {
				return n
			}
			return v
		}
		for i := range f.Ops {
			op := f.Ops[i].Clone()
			if op.Kind == ir.Extend {
				op.From = use(op.From)
			}
			for k := range op.Pieces {
				for j := range op.Pieces[k].Body.Nodes {
					if n := &op.Pieces[k].Body.Nodes[j]; n.Op == ir.Read {
						n.Name = use(n.Name)
					}
				}
			}
			for k := range op.Results {
				mine["%"+op.Results[k].Name] = true
				op.Results[k].Name = name(op.Results[k].Name)
			}
			out.Ops = append(out.Ops, op)
		}
		next := map[string]string{}
		for _, t := range f.Sets {
			next["@"+t.Array] = use(t.Value)
		}
		now = next
	}
	for _, t := range f.Sets {
		if v := now["@"+t.Array]; v != "@"+t.Array {
			out.Sets = append(out.Sets, ir.Set{Array: t.Array, Value: v, Pos: t.Pos})
		}
	}
	return out
}
