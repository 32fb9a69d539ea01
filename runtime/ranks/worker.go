package ranks

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/runtime"
)

// Engine is what computes in a rank: an engine of package runtime whose arrays can be read and written in part. Boxes count from the begin
// of the array, rows are contiguous. All ranks have the same kind, so how elements are written as bytes is its own affair.
type Engine interface {
	runtime.Engine
	runtime.BoxGetter
	// ElemBytes is the size of an element of the array as ReadBox writes it.
	ElemBytes(array string) int
	ReadBox(array string, box []ir.Interval, to []byte) error
	WriteBox(array string, box []ir.Interval, from []byte) error
}

// Open makes an engine for the program of a rank.
type Open func(p *ir.Program) (Engine, error)

// Tags of the messages of this package.
const (
	tagHalo = mpi.TagUser + iota
)

// worker is the part of one rank.
type worker struct {
	c     mpi.Comm
	p     *ir.Program // whole
	lay   *layout
	st    *stages
	a     *analysis
	e     Engine
	plan  *plan
	env   map[string]float64
	index map[*stage]int
	deep  map[string]deep // by function: several steps of it
	// fresh tells, per array, for which stages what is needed of others is there.
	fresh map[string]map[int]bool
	bufs  map[int][]byte // messages, by rank: to others, and -1-rank from others
	spent Account
}

// newWorker makes the engine of this rank. All ranks of the layout do so at the same time, and all succeed or none; other says what is wrong with this
// one from the start, if anything.
func newWorker(ctx context.Context, c mpi.Comm, p *ir.Program, lay *layout, open Open, other error) (*worker, error) {
	w := &worker{c: c, p: p, lay: lay, index: map[*stage]int{}, fresh: map[string]map[int]bool{}, bufs: map[int][]byte{}}
	err := other
	if err == nil {
		more, deep := deepened(p, lay)
		w.st, w.deep = cutFuncs(more, lay), deep
		for i, s := range w.st.order {
			w.index[s] = i
		}
		w.a = analyse(lay, w.st, c.Rank())
		var e Engine
		if e, err = open(w.a.localProgram()); err == nil {
			w.e = e
		}
	}
	err = Together(ctx, c, err)
	if err == nil {
		w.plan, err = newPlan(ctx, c, w.a)
	}
	if err != nil {
		if w.e != nil {
			err = errors.Join(err, w.e.Close())
		}
		return nil, err
	}
	return w, nil
}

func (w *worker) scalars(env map[string]float64) error {
	w.env = env
	return w.e.Scalars(env)
}

// run executes a function or procedure as [ir.Launch] does: flags are single numbers, which all ranks have.
func (w *worker) run(ctx context.Context, fn string, n int) (int, error) {
	if w.p.Proc(fn) == nil {
		if err := w.Times(ctx, fn, n); err != nil {
			return 0, err
		}
		return n, nil
	}
	return ir.Launch(ctx, w.p, fn, n, w)
}

// Times runs a function n times, several at a time where there is a function that does so.
func (w *worker) Times(ctx context.Context, fn string, n int) error {
	for n > 0 {
		name, steps := fn, 1
		if d, ok := w.deep[fn]; ok && n >= d.steps {
			name, steps = d.name, d.steps
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.Once(name); err != nil {
			return err
		}
		n -= steps
	}
	return nil
}

// Once runs the stages of a function.
func (w *worker) Once(fn string) error {
	list, ok := w.st.of[fn]
	if !ok {
		return fmt.Errorf("no device function %q", fn)
	}
	for _, s := range list {
		if err := w.stage(s); err != nil {
			return err
		}
	}
	return nil
}

// Flag tells whether a single number is nonzero.
func (w *worker) Flag(array string) (bool, error) {
	t, err := w.e.Get(array)
	if err != nil {
		return false, err
	}
	return t.At(0) != 0, nil
}

// Scalar is a host scalar.
func (w *worker) Scalar(name string) (float64, bool) {
	x, ok := w.env[name]
	return x, ok
}

func (w *worker) stage(s *stage) error {
	t := newClock()
	x, err := w.begin(w.index[s])
	if err != nil {
		return err
	}
	t.add(&w.spent.Pack)
	if sp := w.a.reach[s].split; sp != nil {
		err = w.overlapped(s, sp, x)
	} else if err = x.wait(); err == nil {
		err = w.call(s.fn.Name)
	}
	if err != nil {
		return err
	}
	for _, t := range s.fn.Sets {
		w.changed(t.Array)
	}
	if len(s.partials) == 0 {
		return nil
	}
	t = newClock()
	defer t.add(&w.spent.Reduce)
	return w.combine(s)
}

// call runs a function of the rank's program.
func (w *worker) call(fn string) error {
	t := newClock()
	defer t.add(&w.spent.Compute)
	_, err := w.e.Run(context.Background(), fn, 1)
	return err
}

// overlapped computes the inner points of a stage while the exchange is on its way, then the edges.
func (w *worker) overlapped(s *stage, sp *split, x *exchange) error {
	arrived := make(chan error, 1)
	go func() { arrived <- mpi.WaitBeside(context.Background(), x.reqs...) }()
	err := w.call(innerName(s.fn.Name))
	t := newClock()
	if aerr := <-arrived; err == nil {
		err = aerr
	}
	t.add(&w.spent.Wait)
	if err == nil {
		err = x.put()
	}
	if err == nil {
		err = w.call(outerName(s.fn.Name))
	}
	if err != nil {
		return err
	}
	t = newClock()
	vals := w.st.operands(s)
	for _, t := range s.fn.Sets {
		o := vals[t.Value]
		if o.op < 0 || !w.lay.shared(o.axes) {
			continue
		}
		for k, e := range w.a.edges(o.axes, sp.margin) {
			from := make([]int, len(e))
			for d := range e {
				from[d] = e[d].Lo
			}
			b := w.buffer(w.c.Rank(), e.volume()*w.e.ElemBytes(t.Array))
			if err := w.e.ReadBox(edgeName(s.fn.Name, t.Array, k), e.from(from), b); err != nil {
				return err
			}
			if err := w.e.WriteBox(nextName(t.Array), e.from(w.a.origin(o.axes)), b); err != nil {
				return err
			}
		}
	}
	t.add(&w.spent.Pack)
	return w.call(swapName(s.fn.Name))
}

// changed says that an array has other values than those exchanged.
func (w *worker) changed(array string) { delete(w.fresh, array) }

// exchange is one that is on its way.
type exchange struct {
	w    *worker
	reqs []mpi.Request
	recv [][]move // by rank
}

// begin begins to exchange what stage k needs and does not have: one message to every rank that wants something.
func (w *worker) begin(k int) (*exchange, error) {
	sp := &w.plan.stages[k]
	x := &exchange{w: w}
	var send, recv [][]move
	for i, name := range sp.arrays {
		if w.fresh[name][k] {
			continue
		}
		if w.fresh[name] == nil {
			w.fresh[name] = map[int]bool{}
		}
		w.fresh[name][k] = true
		if send == nil {
			send, recv = make([][]move, w.c.Size()), make([][]move, w.c.Size())
		}
		for _, m := range sp.send[i] {
			send[m.to] = append(send[m.to], m)
		}
		for _, m := range sp.recv[i] {
			recv[m.from] = append(recv[m.from], m)
		}
	}
	x.recv = recv
	me := w.c.Rank()
	for r, ms := range recv {
		if len(ms) > 0 && r != me {
			x.reqs = append(x.reqs, w.c.Recv(r, tagHalo, w.buffer(-1-r, w.bytes(ms))))
		}
	}
	for r, ms := range send {
		if len(ms) == 0 {
			continue
		}
		b := w.buffer(r, w.bytes(ms))
		for at, i := 0, 0; i < len(ms); i++ {
			n := ms[i].count * w.e.ElemBytes(ms[i].array)
			if err := w.e.ReadBox(ms[i].array, ms[i].source, b[at:at+n]); err != nil {
				return nil, err
			}
			at += n
		}
		x.reqs = append(x.reqs, w.c.Send(r, tagHalo, b))
		w.spent.Messages++
		w.spent.Bytes += int64(len(b))
	}
	if recv != nil {
		for _, m := range recv[me] {
			b := w.buffer(me, m.count*w.e.ElemBytes(m.array))
			if err := w.e.ReadBox(m.array, m.source, b); err != nil {
				return nil, err
			}
			if err := w.e.WriteBox(m.window, m.target, b); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

// wait waits for what was begun and puts it away.
func (x *exchange) wait() error {
	if len(x.reqs) == 0 {
		return nil
	}
	t := newClock()
	err := mpi.Wait(context.Background(), x.reqs...)
	t.add(&x.w.spent.Wait)
	if err != nil {
		return err
	}
	return x.put()
}

// put puts away what has arrived.
func (x *exchange) put() error {
	w := x.w
	t := newClock()
	defer t.add(&w.spent.Pack)
	for r, ms := range x.recv {
		if r == w.c.Rank() {
			continue
		}
		b := w.bufs[-1-r]
		for at, i := 0, 0; i < len(ms); i++ {
			n := ms[i].count * w.e.ElemBytes(ms[i].array)
			if err := w.e.WriteBox(ms[i].window, ms[i].target, b[at:at+n]); err != nil {
				return err
			}
			at += n
		}
	}
	return nil
}

func (w *worker) bytes(ms []move) (n int) {
	for _, m := range ms {
		n += m.count * w.e.ElemBytes(m.array)
	}
	return n
}

// buffer is memory for a message; it is used again.
func (w *worker) buffer(key, n int) []byte {
	if cap(w.bufs[key]) < n {
		w.bufs[key] = make([]byte, n)
	}
	w.bufs[key] = w.bufs[key][:n]
	return w.bufs[key]
}

// combine combines the partial results of a stage, all of them with one exchange.
func (w *worker) combine(s *stage) error {
	sums := w.a.reach[s].sums
	var mine []byte
	for i, p := range s.partials {
		for j := range p.op.Results {
			nodes, err := w.nodes(p, sums[i], j)
			if err != nil {
				return err
			}
			for _, t := range nodes {
				mine = append(mine, t.Bytes()...)
			}
		}
	}
	// Everybody knows how many nodes each rank has.
	sizes := make([]int, w.c.Size())
	lists := make([][][]node, w.c.Size())
	for r := range sizes {
		for _, p := range s.partials {
			lo, hi, _, total := w.lay.blocksOf(&p.op, r)
			ns := nodesOf(lo, hi, (total+blockElems-1)/blockElems)
			lists[r] = append(lists[r], ns)
			for _, res := range p.op.Results {
				sizes[r] += len(ns) * tensorBytes(res.Elem)
			}
		}
	}
	all, err := mpi.AllgatherKnown(context.Background(), w.c, mine, sizes)
	if err != nil {
		return err
	}
	at := make([]int, len(all))
	for i, p := range s.partials {
		_, _, _, total := w.lay.blocksOf(&p.op, 0)
		for j, res := range p.op.Results {
			values := map[node]*ir.Tensor{}
			for r := range all {
				for _, n := range lists[r][i] {
					k := tensorBytes(res.Elem)
					values[n] = tensorOf(res.Elem, all[r][at[r]:at[r]+k])
					at[r] += k
				}
			}
			v, err := folded(p.op.Comb, values, (total+blockElems-1)/blockElems)
			if err != nil {
				return err
			}
			if err := w.e.Set(p.into[j], v); err != nil {
				return err
			}
			w.changed(p.into[j])
		}
	}
	return nil
}

// folded is the root of a tree over count blocks, of the nodes that are known.
func folded(comb ir.Combiner, nodes map[node]*ir.Tensor, count int) (*ir.Tensor, error) {
	var failed error
	v := root(nodes, count, func(a, b *ir.Tensor) *ir.Tensor {
		t, err := interp.Combine(comb, a, b)
		if err != nil {
			failed = err
			return a
		}
		return t
	})
	return v, failed
}

// nodes are the numbers this rank has of result j.
func (w *worker) nodes(p *partial, sh *share, j int) ([]*ir.Tensor, error) {
	if sh.n == 0 {
		return nil, nil
	}
	var out []*ir.Tensor
	if sh.parts != nil {
		for k := range sh.parts {
			t, err := w.e.Get(nodeName(p.into[j], k))
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		}
		return out, nil
	}
	var ts [2]*ir.Tensor
	for t := range terms(&p.op) {
		var err error
		if ts[t], err = w.e.Get(termName(p.into[j], t)); err != nil {
			return nil, err
		}
	}
	blocks := interp.Blocks(p.op.Comb, ts[0], ts[1], sh.from, sh.n)
	count := (sh.total + blockElems - 1) / blockElems
	for _, n := range sh.nodes {
		leaves := map[node]*ir.Tensor{}
		lo, hi := n.at<<n.level, min((n.at+1)<<n.level, count)
		for b := lo; b < hi; b++ {
			leaves[node{0, b - lo}] = element(blocks, b-sh.lo)
		}
		v, err := folded(p.op.Comb, leaves, hi-lo)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
