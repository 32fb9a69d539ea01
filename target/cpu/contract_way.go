package cpu

import (
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// A panel of b that lies well is packed by the way: the first block of rows that passes over it reads it where it lies and puts it into
// memory of the thread's own, for the blocks after it. Storing two vectors a term is nothing beside the products of a block, so the time of a
// packing of its own is saved, and the memory that packed panels cross twice: 4 rows times 2048 x 2048 gain half, 300^3 a sixth. Meanwhile the
// blocks ask for the rows of the next panel, which would else come from farther away a line or two at a time.

// lies says that b is a read of an array in which n is the contiguous dimension, and those of k are of their own.
func (c *contraction) lies() bool {
	n := &c.body().Nodes[c.b.node]
	return n.Op == ir.Read && len(n.At) > 0 && n.At[len(n.At)-1].Index == c.op.Dom[c.n].Index && plain(n.At)
}

// byTheWay says that panels of b are packed by the first block that uses them.
func (c *contraction) byTheWay() bool {
	return c.elem == ir.F32 && !c.shared && !c.piecewise() && !c.inPlace() && c.lies() && (len(c.op.Over) == 1 || c.lastOver() >= shortestStretch)
}

// shortestStretch is the fewest terms for which sums are put down and taken up: of a sum over several indices a stretch is one of the last only,
// because a panel lies in even steps along that.
const shortestStretch = 64

// lastOver is how many terms follow each other in even steps.
func (c *contraction) lastOver() int { return c.last().Hi - c.last().Lo }

// ownPanel is the storage of the panel that a thread works on, or of the stretch of it.
func (c *contraction) ownPanel() int {
	if c.byTheWay() {
		_, stretch := c.stretches()
		return 2 * c.lanes() * stretch
	}
	return 2 * c.lanes() * c.k
}

// blocksPerUnit is over how many blocks of rows a unit of the product passes at most.
func (c *contraction) blocksPerUnit() int {
	if c.piecewise() {
		return c.perPart(c.cacheParts())
	}
	n, _, _ := c.blocks()
	return c.perPart(c.chunks(n))
}

// share is the first row that the turn-th block of a unit asks for.
func (m micro) share(k *kernel, turn, length emit.Bound) emit.Bound {
	return emit.Bound{V: k.Cur.NewMulNSW(k.Cur.NewSDiv(length.Value(), k.I64(microTerms)), k.Scale(turn, m.nextRows).Value())}
}

// bAt is the place of b's element in column n (from 0) of term k, and the step to the next term. It leaves the indices as they are.
func (t *contractor) bAt(k *kernel, n, term emit.Bound) (value.Value, int, error) {
	dim, last, nd := t.op.Dom[t.n], t.last(), &t.body().Nodes[t.b.node]
	before := k.Index[dim.Index]
	k.Index[dim.Index] = k.Add(n, emit.At(dim.Lo))
	for i, x := range k.digits(term, t.overCounts()) {
		k.Index[t.op.Over[i].Index] = k.Add(x, emit.At(t.op.Over[i].Lo))
	}
	c, err := k.coords(nd.At)
	k.Index[dim.Index] = before
	if err != nil {
		return nil, 0, err
	}
	slot, step := t.e.vals[nd.Name].slot, 0
	for d, x := range nd.At {
		if x.Index == last.Index {
			step = t.e.layouts[slot].stride[d]
		}
	}
	return k.address(slot, c), step, nil
}

// tileByTheWay calls the micro kernel for a block that is the turn-th of its unit.
func (t *contractor) tileByTheWay(k *kernel, mk micro, s strip, turn emit.Bound, a, out value.Value, from, length emit.Bound) error {
	source, step, err := t.bAt(k, s.lo, from)
	if err != nil {
		return err
	}
	own := t.packed(k, 0, emit.At(0))
	next := source
	if ns, stretch := t.stretches(); ns > 1 || t.panelCount() > 1 {
		mk.nextRows, mk.nextStep = asked(t.blocksPerUnit()), step
		first, row := t.following(k, s, from, length)
		col := emit.Bound{V: k.Cur.NewSelect(first, s.first.Value(), s.after.Value())}
		row = k.Minimum(k.Add(row, mk.share(k, turn, length)), emit.At(max(0, t.k-stretch/microTerms*mk.nextRows)))
		if next, _, err = t.bAt(k, col, row); err != nil {
			return err
		}
	}
	first := mk
	first.inPlace, first.stepB = true, step
	if t.blocksPerUnit() == 1 {
		k.Cur.NewCall(t.e.micro(first), a, source, out, next, own, length.Value())
		return nil
	}
	first.packs = s.width
	k.choose(k.Cur.NewICmp(enum.IPredEQ, turn.Value(), k.I64(0)),
		func() { k.Cur.NewCall(t.e.micro(first), a, source, out, next, own, length.Value()) },
		func() { k.Cur.NewCall(t.e.micro(mk), a, own, out, next, own, length.Value()) })
	return nil
}
