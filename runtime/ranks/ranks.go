// Package ranks runs a program on several machines: the points of the grid are divided among ranks that exchange messages (package
// internal/mpi), and each rank computes its part with an engine of its own.
//
// Nothing is known here of stencils. [newLayout] cuts a family of axes; [cutFuncs] cuts functions where the result of a reduction over a cut axis is
// needed, into stages; [analyse] follows the access functions of the canonical IR backwards from what a rank owns to what it must be given: halos,
// of any width, round periodic axes, between faces, points and coarser grids, and whole tensors where an index is missing or reduced. What is read
// near the rank's part is stored around it, what is read far away in windows of its own. [local] then writes the program of the rank, which
// is an ordinary program in local coordinates, so that every engine can compute it, with all it does to make it fast.
//
// The bits are those of one process. A value near a border is computed by each rank that needs it, from equal operands; reductions of one
// number follow the canonical tree across ranks ([share]); all others are computed whole by every rank that needs them.
//
// Rank 0 leads: [Lead] is an engine of package runtime, so that schedules, outputs, probes, clocks and checkpoints are what they are in
// one process, and files can be read whatever the number of ranks. The other ranks [Follow] its commands. Rank 0 holds whole arrays while it loads
// and writes them; the others never do.
package ranks

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
)

// command is what rank 0 tells the others to do.
type command struct {
	Kind  string // open, scalars, set, get, write, run, account, close, end
	Text  string // open: a hash of the program, which all must have; write: a file
	Name  string // array or function
	N     int    // run: iterations; write: where in the file
	Env   map[string]float64
	Box   []ir.Interval // get
	Ranks int           // open: how many take part
}

func tell(ctx context.Context, c mpi.Comm, m command) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(m); err != nil {
		return err
	}
	_, err := mpi.Bcast(ctx, c, b.Bytes())
	return err
}

func listen(ctx context.Context, c mpi.Comm) (m command, err error) {
	b, err := mpi.Bcast(ctx, c, nil)
	if err != nil {
		return m, err
	}
	return m, gob.NewDecoder(bytes.NewReader(b)).Decode(&m)
}

// Leader is the engine of rank 0, which stands for all ranks.
type Leader struct {
	c mpi.Comm
	w *worker
}

// Lead makes the engine of rank 0 for a program of which the other ranks, who call [Follow], have the same copy; id identifies it. Ranks for
// which the grid has no part stay idle.
func Lead(ctx context.Context, c mpi.Comm, p *ir.Program, id string, open Open) (*Leader, error) {
	lay := newLayout(p, c.Size())
	if err := tell(ctx, c, command{Kind: "open", Text: id, Ranks: lay.size()}); err != nil {
		return nil, err
	}
	w, err := newWorker(ctx, mpi.First(c, lay.size()), p, lay, open, nil)
	if err != nil {
		return nil, err
	}
	return &Leader{c, w}, nil
}

// together makes an error of any rank one of rank 0, so that all go on or none.
func Together(ctx context.Context, c mpi.Comm, err error) error {
	text := ""
	if err != nil {
		text = err.Error()
	}
	all, gerr := mpi.Allgather(ctx, c, []byte(text))
	if err != nil || gerr != nil {
		return errors.Join(err, gerr)
	}
	for r, t := range all {
		if len(t) > 0 {
			return fmt.Errorf("rank %d: %s", r, t)
		}
	}
	return nil
}

// Parts is the number of ranks that have a part of the grid.
func (l *Leader) Parts() int { return l.w.lay.size() }

// Set divides an array among the ranks.
func (l *Leader) Set(array string, t *ir.Tensor) error {
	a := l.w.p.Array(array)
	if a == nil {
		return fmt.Errorf("no array %q", array)
	}
	if shape := l.w.p.Shape(a); t.Elem != a.Elem || !slices.Equal(t.Dims, shape) {
		return fmt.Errorf("array %s is %s%v, not %s%v", array, a.Elem, shape, t.Elem, t.Dims)
	}
	ctx := context.Background()
	if err := tell(ctx, l.c, command{Kind: "set", Name: array}); err != nil {
		return err
	}
	if !l.w.lay.shared(a.Axes) {
		if _, err := mpi.Bcast(ctx, l.w.c, t.Bytes()); err != nil {
			return err
		}
	} else {
		for r := 1; r < l.w.c.Size(); r++ {
			if err := mpi.SendBytes(ctx, l.w.c, r, sub(t, l.w.lay.own(a.Axes, r)).Bytes()); err != nil {
				return err
			}
		}
	}
	return l.w.put(a, sub(t, l.w.lay.own(a.Axes, 0)))
}

// put gives an array of this rank its own part.
func (w *worker) put(a *ir.Array, t *ir.Tensor) error {
	own, stored := w.lay.own(a.Axes, w.c.Rank()), w.a.stored(a.Axes)
	if !slices.Equal(own, stored) {
		all := ir.NewTensor(t.Elem, ir.Extents(stored)...)
		copyBox(all, own.from(stored.lows()), t, ir.WholeBox(t.Dims))
		t = all
	}
	w.changed(a.Name)
	return w.e.Set(a.Name, t)
}

// part is a box of an array that this rank owns.
func (w *worker) part(a *ir.Array, b box) (*ir.Tensor, error) {
	return w.e.GetBox(a.Name, b.from(w.a.origin(a.Axes)))
}

// Get gathers an array.
func (l *Leader) Get(array string) (*ir.Tensor, error) {
	a := l.w.p.Array(array)
	if a == nil {
		return nil, fmt.Errorf("no array %q", array)
	}
	return l.GetBox(array, ir.WholeBox(l.w.p.Shape(a)))
}

// GetBox gathers a box of an array from the ranks that have parts of it.
func (l *Leader) GetBox(array string, b []ir.Interval) (*ir.Tensor, error) {
	a := l.w.p.Array(array)
	if a == nil {
		return nil, fmt.Errorf("no array %q", array)
	}
	if err := ir.CheckBox(array, b, l.w.p.Shape(a)); err != nil {
		return nil, err
	}
	if !l.w.lay.shared(a.Axes) { // every rank has it
		return l.w.e.GetBox(array, b)
	}
	ctx := context.Background()
	if err := tell(ctx, l.c, command{Kind: "get", Name: array, Box: b}); err != nil {
		return nil, err
	}
	out := ir.NewTensor(a.Elem, ir.Extents(b)...)
	for r := range l.w.c.Size() { // one rank's part at a time
		own := l.w.lay.own(a.Axes, r).meet(b)
		if own.volume() == 0 {
			continue
		}
		dims := ir.Extents(own)
		var t *ir.Tensor
		if r == 0 {
			var err error
			if t, err = l.w.part(a, own); err != nil {
				return nil, err
			}
		} else {
			m, err := mpi.RecvBytes(ctx, l.w.c, r)
			if err != nil {
				return nil, err
			}
			if len(m) != own.volume()*tensorBytes(a.Elem) {
				return nil, fmt.Errorf("rank %d sent %d bytes of array %s", r, len(m), array)
			}
			t = tensorOf(a.Elem, m, dims...)
		}
		copyBox(out, own.from(box(b).lows()), t, ir.WholeBox(dims))
	}
	return out, nil
}

// Scalars gives all ranks the host scalars.
func (l *Leader) Scalars(env map[string]float64) error {
	if err := tell(context.Background(), l.c, command{Kind: "scalars", Env: env}); err != nil {
		return err
	}
	return l.w.scalars(env)
}

// Run runs a function or a procedure on all ranks. It is not interrupted: the ranks would not stop at the same place.
func (l *Leader) Run(ctx context.Context, fn string, n int) (int, error) {
	ctx = context.WithoutCancel(ctx)
	if err := tell(ctx, l.c, command{Kind: "run", Name: fn, N: n}); err != nil {
		return 0, err
	}
	return l.w.run(ctx, fn, n)
}

// Close releases the engines of all ranks; they wait for another.
func (l *Leader) Close() error {
	err := tell(context.Background(), l.c, command{Kind: "close"})
	return errors.Join(err, l.w.e.Close())
}

// Dismiss ends [Follow] in all other ranks.
func Dismiss(c mpi.Comm) error { return tell(context.Background(), c, command{Kind: "end"}) }

// Follow does what rank 0 says until that dismisses it, or until an error.
func Follow(ctx context.Context, c mpi.Comm, p *ir.Program, id string, open Open) error {
	var w *worker
	defer func() {
		if w != nil {
			w.e.Close()
		}
	}()
	for {
		m, err := listen(ctx, c)
		if err != nil {
			return err
		}
		if m.Kind == "end" {
			return nil
		}
		if m.Kind == "open" {
			if c.Rank() >= m.Ranks {
				continue // no part of the grid
			}
			lay := newLayout(p, c.Size())
			if m.Text != id || lay.size() != m.Ranks {
				err = errors.New("rank 0 runs another program, or with other settings")
			}
			if w, err = newWorker(ctx, mpi.First(c, m.Ranks), p, lay, open, err); err != nil {
				w = nil // rank 0 says what it was
				var lost *mpi.Lost
				if errors.As(err, &lost) {
					return err
				}
			}
			continue
		}
		if w == nil {
			continue
		}
		if m.Kind == "close" {
			err = w.e.Close()
			w = nil
		} else {
			err = w.obey(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

// obey carries out a command.
func (w *worker) obey(ctx context.Context, m command) error {
	a := w.p.Array(m.Name)
	switch m.Kind {
	case "scalars":
		return w.scalars(m.Env)
	case "run":
		_, err := w.run(context.WithoutCancel(ctx), m.Name, m.N)
		return err
	case "account":
		_, err := w.sendAccount(ctx)
		return err
	case "set", "get", "write":
		if a == nil {
			return fmt.Errorf("no array %q", m.Name)
		}
	default:
		return fmt.Errorf("no command %q", m.Kind)
	}
	if m.Kind == "write" {
		_, err := w.write(a, m.Text, int64(m.N))
		return err
	}
	if m.Kind == "get" {
		own := w.lay.own(a.Axes, w.c.Rank()).meet(m.Box)
		if own.volume() == 0 {
			return nil
		}
		t, err := w.part(a, own)
		if err != nil {
			return err
		}
		return mpi.SendBytes(ctx, w.c, 0, t.Bytes())
	}
	var b []byte
	var err error
	own := w.lay.own(a.Axes, w.c.Rank())
	if w.lay.shared(a.Axes) {
		b, err = mpi.RecvBytes(ctx, w.c, 0)
	} else {
		b, err = mpi.Bcast(ctx, w.c, nil)
	}
	if err != nil {
		return err
	}
	if len(b) != own.volume()*tensorBytes(a.Elem) {
		return fmt.Errorf("rank 0 sent %d bytes of array %s", len(b), m.Name)
	}
	return w.put(a, tensorOf(a.Elem, b, ir.Extents(own)...))
}

// Parts is the number of ranks, of size, that would have a part of the program's grid.
func Parts(p *ir.Program, size int) int { return newLayout(p, size).size() }
