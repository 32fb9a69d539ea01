package train

import (
	"context"
	"encoding/binary"
	"errors"
	"math"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
)

// team trains on several ranks that all have the whole model: microbatch i of a step is computed by rank i mod P. The gradients of every
// microbatch are formed alone, from zero, and added in the order of the microbatches, so the bits do not depend on the number of ranks:
// they are those of one process, which adds each to the sum of those before. (A sum that begins with +0 is never -0, so a term that is 0
// changes nothing, whatever its sign.) Rank q adds part q of all tensors; while it does, and while messages pass, the next microbatch is
// computed. At the end of the step the parts go to all, and all update their weights alike.
type team struct {
	c    mpi.Comm
	sums []string // arrays that a microbatch adds to
	acc  []*ir.Tensor
	zero []*ir.Tensor
}

// Tags of the messages of a team.
const (
	tagPart = mpi.TagUser + 16 + iota
	tagSum
)

// errEnded ends the session of a rank that leaves it to rank 0 to say why.
var errEnded = errors.New("rank 0 ends the session")

// newTeam looks in the program for what a microbatch adds to: the state it sets.
func newTeam(c mpi.Comm, p *Plan, prog *ir.Program) (*team, error) {
	if c == nil || c.Size() == 1 {
		return nil, nil
	}
	if p.Micro == "" {
		return nil, diag.List{diag.New("WF0628", diag.Span{}, "%d ranks cannot share a step that is a single batch", c.Size()).
			Note("the gradients of microbatches are computed by different ranks and added in the order of the microbatches").
			Suggest("cut the batch into microbatches: `accumulate %d` in the train block, and a batch that is smaller by this factor", c.Size())}
	}
	t := &team{c: c}
	set := map[string]bool{}
	for _, f := range called(prog, p.Micro) {
		for _, s := range f.Sets {
			set[s.Array] = true
		}
	}
	for _, s := range p.State {
		if set[s.Array] {
			t.sums = append(t.sums, s.Array)
			a := prog.Array(s.Array)
			t.zero = append(t.zero, ir.NewTensor(a.Elem, prog.Shape(a)...))
		}
	}
	return t, nil
}

// called are the functions that a function or procedure runs.
func called(p *ir.Program, name string) (out []*ir.Func) {
	if f := p.Func(name); f != nil {
		return []*ir.Func{f}
	}
	if q := p.Proc(name); q != nil {
		ir.Walk(q.Body, func(s *ir.Stmt) {
			if s.Kind == ir.Call {
				out = append(out, called(p, s.Func)...)
			}
		})
	}
	return out
}

// part is the range of n elements that rank q adds.
func (t *team) part(n, q int) (lo, hi int) { return n * q / t.c.Size(), n * (q + 1) / t.c.Size() }

// micros computes the k microbatches of a step; the engine then has the state as if it had computed them all. It returns the sum of the losses.
func (t *team) micros(tr *Trainer, k int) (float64, error) {
	size, rank := t.c.Size(), t.c.Rank()
	t.acc = nil
	losses := make([]float64, 0, k)
	var behind chan error // the exchange of the round before
	finish := func() error {
		if behind == nil {
			return nil
		}
		err := <-behind
		behind = nil
		return err
	}
	for first := 0; first < k; first += size {
		n := min(size, k-first) // ranks that compute
		var mine []*ir.Tensor
		for i := range n {
			tr.data.Next(tr.x.I32, tr.y.I32)
			if i != rank {
				continue
			}
			for j, a := range t.sums {
				if err := tr.eng.Set(a, t.zero[j]); err != nil {
					return 0, errors.Join(err, finish())
				}
			}
			loss, err := tr.launch(tr.prog.Plan.Micro)
			if err != nil {
				return 0, errors.Join(err, finish())
			}
			losses = append(losses, loss)
			for _, a := range t.sums {
				v, err := tr.eng.Get(a)
				if err != nil {
					return 0, errors.Join(err, finish())
				}
				mine = append(mine, v)
			}
		}
		if err := finish(); err != nil {
			return 0, err
		}
		done := make(chan error, 1)
		behind = done
		go func() { done <- t.round(mine, n) }()
	}
	if err := finish(); err != nil {
		return 0, err
	}
	if err := t.share(tr); err != nil {
		return 0, err
	}
	return t.total(losses, k)
}

// round sends the parts of this rank's contribution to those who add them, and adds those of the first n ranks in order.
func (t *team) round(mine []*ir.Tensor, n int) error {
	size, rank := t.c.Size(), t.c.Rank()
	var reqs []mpi.Request
	ours := make([][]byte, n)
	for r := range n {
		if r != rank {
			ours[r] = make([]byte, t.bytes(rank))
			reqs = append(reqs, t.c.Recv(r, tagPart, ours[r]))
		}
	}
	if mine != nil {
		for q := range size {
			b := t.gather(mine, q)
			if q == rank {
				ours[rank] = b
			} else {
				reqs = append(reqs, t.c.Send(q, tagPart, b))
			}
		}
	}
	if err := mpi.Wait(context.Background(), reqs...); err != nil {
		return err
	}
	for _, b := range ours {
		fresh := t.acc == nil
		for j, z := range t.zero {
			lo, hi := t.part(z.Len(), rank)
			v := ir.NewTensor(z.Elem, hi-lo)
			b = b[copy(v.Bytes(), b):]
			if fresh {
				t.acc = append(t.acc, v)
			} else {
				addTo(t.acc[j], v)
			}
		}
	}
	return nil
}

// share gives every rank the sums of all parts.
func (t *team) share(tr *Trainer) error {
	size, rank := t.c.Size(), t.c.Rank()
	var mine []byte
	for _, v := range t.acc {
		mine = append(mine, v.Bytes()...)
	}
	var reqs []mpi.Request
	all := make([][]byte, size)
	all[rank] = mine
	for q := range size {
		if q == rank {
			continue
		}
		all[q] = make([]byte, t.bytes(q))
		reqs = append(reqs, t.c.Recv(q, tagSum, all[q]), t.c.Send(q, tagSum, mine))
	}
	if err := mpi.Wait(context.Background(), reqs...); err != nil {
		return err
	}
	for j, a := range t.sums {
		v := ir.NewTensor(t.zero[j].Elem, t.zero[j].Dims...)
		b := v.Bytes()
		for q := range size {
			lo, hi := t.part(v.Len(), q)
			w := len(b) / max(1, v.Len())
			all[q] = all[q][copy(b[lo*w:hi*w], all[q]):]
		}
		if err := tr.eng.Set(a, v); err != nil {
			return err
		}
	}
	return nil
}

// total is the sum of the losses of all microbatches, added in their order.
func (t *team) total(mine []float64, k int) (float64, error) {
	size := t.c.Size()
	sizes := make([]int, size)
	for r := range sizes {
		sizes[r] = 8 * ((k - r + size - 1) / size)
	}
	var b []byte
	for _, x := range mine {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	all, err := mpi.AllgatherKnown(context.Background(), t.c, b, sizes)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i := range k {
		sum += math.Float64frombits(binary.LittleEndian.Uint64(all[i%size][8*(i/size):]))
	}
	return sum, nil
}

// stops says whether rank 0 was told to stop, so that all end after the same step.
func (t *team) stops(ctx context.Context) (bool, error) {
	b := []byte{0}
	if ctx.Err() != nil {
		b[0] = 1
	}
	b, err := mpi.Bcast(context.WithoutCancel(ctx), t.c, b)
	return err == nil && len(b) == 1 && b[0] == 1, err
}

// bytes is the size of part q of all tensors.
func (t *team) bytes(q int) (n int) {
	for _, z := range t.zero {
		lo, hi := t.part(z.Len(), q)
		n += (hi - lo) * len(z.Bytes()) / max(1, z.Len())
	}
	return n
}

// gather is part q of tensors as bytes.
func (t *team) gather(ts []*ir.Tensor, q int) []byte {
	b := make([]byte, 0, t.bytes(q))
	for _, v := range ts {
		lo, hi := t.part(v.Len(), q)
		w := len(v.Bytes()) / max(1, v.Len())
		b = append(b, v.Bytes()[lo*w:hi*w]...)
	}
	return b
}

// addTo adds b to a, rounded as the program rounds.
func addTo(a, b *ir.Tensor) {
	for i, x := range b.F64 {
		a.F64[i] += x
	}
	for i, x := range b.I32 {
		a.I32[i] += x
	}
	if a.Elem == ir.F16 {
		for i, x := range b.F32 {
			a.F32[i] = ieee.RoundHalf32(a.F32[i] + x)
		}
		return
	}
	for i, x := range b.F32 {
		a.F32[i] += x
	}
}
