package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// The blocks of a sum may be computed in any order, and side by side. Where the terms are made by a stencil in three dimensions, several planes go
// abreast: what they read in common is read once, and memory is asked for as many rows at a time as there are planes, where one row keeps
// a core waiting (of a field of 256^3 numbers of 8 bytes, four planes abreast are read in half the time). Large planes go in strips of rows as well
// (strips.go). Smoothing in multigrid of 128^3, maps without sums, gained nothing from planes abreast.

// planesAbreast is how many planes go abreast, where their running sums leave half of the registers to terms.
const planesAbreast = 4

// leastUnits is how many parts a sum has at least for threads, if fewer planes abreast give that many.
const leastUnits = 16

// walk is an order of blocks.
type walk struct {
	planes, plane int // planes, and blocks of each; 0: any order
	strip         int // blocks of a strip, which divides a plane
	abreast       int // planes abreast; the last ones, if they are fewer, go one by one
}

// walk is the order for the blocks of a stencil; direct says that they are folded by foldDirect.
func (r *reduction) walk(direct bool) walk {
	op := r.op
	dims, pieces := op.Over, op.Pieces
	if r.before != nil {
		dims, pieces = r.before.Dom, r.before.Pieces
	}
	if len(op.Dom) > 0 || len(dims) != 3 || r.e.grouping != nil {
		return walk{}
	}
	rows, width := dims[1].Hi-dims[1].Lo, dims[2].Hi-dims[2].Lo
	if reach, _ := planesRead(dims, pieces); reach < 2 || rows*width%canonBlock != 0 {
		return walk{}
	}
	w := walk{planes: dims[0].Hi - dims[0].Lo, plane: rows * width / canonBlock, abreast: 1}
	w.strip = w.plane
	if s := stripRows(dims, pieces, canonBlock/gcd(canonBlock, width)); s > 0 && rows%s == 0 {
		w.strip = s * width / canonBlock
	}
	sums := 0
	for _, res := range op.Results {
		sums += canonLanes * storageBytes(res.Elem)
	}
	for w.abreast < planesAbreast && direct && 2*w.abreast*sums <= vectorRegisters()/2*vectorBytes() {
		if w.abreast *= 2; w.units() < leastUnits {
			w.abreast /= 2
			break
		}
	}
	return w
}

// groups is how many groups of planes there are, strips how many strips of each.
func (w *walk) groups() int { return (w.planes + w.abreast - 1) / w.abreast }
func (w *walk) strips() int { return w.plane / w.strip }

// units is what is divided among threads.
func (w *walk) units() int { return w.groups() * w.strips() }

// emit emits the blocks of a part: all groups of planes of a strip, then the next strip.
func (w *walk) emit(k *kernel, block func(blk emit.Bound, planes int)) {
	k.strips(w.groups(), w.strips(), 0, func(group, strip emit.Bound) {
		from := func(plane emit.Bound, planes int) {
			first := k.Add(k.Scale(plane, w.plane), k.Scale(strip, w.strip))
			k.Loop(first, k.Add(first, emit.At(w.strip)), 1, emit.Plain, func(blk emit.Bound) { block(blk, planes) })
		}
		plane := k.Scale(group, w.abreast)
		k.either(group, w.planes/w.abreast, w.groups(), func() { from(plane, w.abreast) }, func() {
			k.Loop(plane, emit.At(w.planes), 1, emit.Plain, func(plane emit.Bound) { from(plane, 1) })
		})
	})
}

// askBytes is how far ahead lines are asked for: two pages, as a core begins anew with every page.
const askBytes = 8 << 10

// soon are reads of what kernels ask for. Where several planes go abreast a core has enough of the memory's rows under way by itself, where one goes it
// waits for the last plane that is read. Lines are asked for some rows ahead, or in strips, which end before, a plane.
func (r *reduction) soon(w walk) (list []ir.Node) {
	if w.abreast != 1 {
		return nil
	}
	add := func(dims []ir.Range, b *ir.Body) {
		for i := range b.Nodes {
			n := b.Nodes[i]
			if n.Op != ir.Read || len(n.At) != len(dims) || r.before != nil && slices.ContainsFunc(r.before.Results, func(m ir.Result) bool { return n.Name == "%"+m.Name }) {
				continue
			}
			at := slices.Clone(n.At)
			for d := range at {
				at[d].Off = 0
			}
			if !atPoint(dims, at) {
				continue
			}
			if at[0].Off = n.At[0].Off; w.strip < w.plane {
				at[0].Off++
			} else {
				at[1].Off = max(1, askBytes/((dims[2].Hi-dims[2].Lo)*storageBytes(n.Elem)))
			}
			n.At = at
			slot := r.e.vals[n.Name].slot
			if j := slices.IndexFunc(list, func(m ir.Node) bool { return r.e.vals[m.Name].slot == slot }); j < 0 {
				list = append(list, n)
			} else if list[j].At[0].Off < at[0].Off {
				list[j] = n
			}
		}
	}
	if r.before != nil {
		add(r.before.Dom, &r.before.Pieces[0].Body)
	}
	add(r.op.Over, &r.op.Pieces[0].Body)
	return list
}

// askSoon asks for the lines that stand for the current vector.
func (r *reduction) askSoon(k *kernel) error {
	for i := range r.asks {
		n := &r.asks[i]
		c, err := k.coords(n.At)
		if err != nil {
			return err
		}
		last := len(c) - 1
		for l := 0; l < canonLanes; l += lineBytes / storageBytes(n.Elem) {
			at := slices.Clone(c)
			at[last] = k.Add(c[last], emit.At(l))
			k.ask(r.e.vals[n.Name].slot, at)
		}
	}
	return nil
}

// planesRead is how many planes lie between the first and the last that bodies over the points of dims read of a tensor, and the size of the
// largest element of those.
func planesRead(dims []ir.Range, pieces []ir.Piece) (reach, size int) {
	lo, hi := 0, 0
	for i := range pieces {
		for _, n := range pieces[i].Body.Nodes {
			if n.Op == ir.Read && len(n.At) == 3 && n.At[0].Index == dims[0].Index && n.At[0].Unit() && n.At[2].Index == dims[2].Index {
				lo, hi, size = min(lo, n.At[0].Off), max(hi, n.At[0].Off), max(size, storageBytes(n.Elem))
			}
		}
	}
	return hi - lo, size
}
