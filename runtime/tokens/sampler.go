package tokens

import "fmt"

// Orders of sequences.
const (
	Shuffle = "shuffle" // every sequence of an epoch once, in random order
	Stream  = "stream"  // as they lie in the data
	Same    = "same"    // the first batch again and again: a test of a trainer
)

// Cursor is the place in the data: everything a Sampler needs to go on. The zero value is the start.
type Cursor struct {
	Epoch    uint64 `json:"epoch"`
	Sequence uint64 `json:"sequence"` // sequences of this epoch that were given
	Context  int    `json:"context"`  // tokens per sequence
	Tokens   uint64 `json:"tokens"`   // given since the start
}

// Sampler gives training sequences. With Shuffle, epoch e begins at a random offset below the context and cuts the data into sequences
// of that length, each with the token after it; they come in the order of a permutation keyed by seed and epoch. When the context
// changes (a phase), a new epoch begins.
type Sampler struct {
	data   *Tokens
	order  string
	seed   uint64
	cur    Cursor
	offset uint64
	n      uint64 // sequences of the epoch
	perm   permutation
}

// NewSampler begins at a cursor. The data must hold a sequence and the token after it.
func NewSampler(data *Tokens, order string, seed uint64, context int, at Cursor) (*Sampler, error) {
	if context < 1 || data.Len() < context+1 {
		return nil, fmt.Errorf("%d tokens are too few for a sequence of %d and the token after it", data.Len(), context)
	}
	switch order {
	case "":
		order = Shuffle
	case Shuffle, Stream, Same:
	default:
		return nil, fmt.Errorf("unknown order %q; there are shuffle, stream and same", order)
	}
	s := &Sampler{data: data, order: order, seed: seed, cur: at}
	if at.Context != context {
		if at.Context != 0 {
			s.cur.Epoch++
		}
		s.cur.Context, s.cur.Sequence = context, 0
	}
	s.epoch()
	if s.cur.Sequence > s.n {
		return nil, fmt.Errorf("the cursor is at sequence %d of %d: the data are not those of the run", s.cur.Sequence, s.n)
	}
	return s, nil
}

func (s *Sampler) epoch() {
	c := uint64(s.cur.Context)
	free := uint64(s.data.Len()) - c - 1 // tokens beyond one sequence
	s.offset = 0
	if s.order == Shuffle {
		s.offset = Random(s.seed, 0x6f666673, s.cur.Epoch) % (min(free, c-1) + 1)
	}
	s.n = (uint64(s.data.Len()) - 1 - s.offset) / c
	s.perm = newPermutation(s.n, s.seed, s.cur.Epoch)
}

// Cursor is the place after the last batch.
func (s *Sampler) Cursor() Cursor { return s.cur }

// Sequences is the number of sequences of the present epoch.
func (s *Sampler) Sequences() uint64 { return s.n }

// Next fills batch sequences: x[b*context+t] and the token after it in y.
func (s *Sampler) Next(x, y []int32) {
	c := s.cur.Context
	for b := 0; b+c <= len(x); b += c {
		if s.order == Same && b == 0 {
			s.cur.Sequence = 0
		}
		if s.cur.Sequence == s.n {
			s.cur.Epoch++
			s.cur.Sequence = 0
			s.epoch()
		}
		i := s.cur.Sequence
		if s.order == Shuffle {
			i = s.perm.at(i)
		}
		s.data.Window(int(s.offset)+int(i)*c, x[b:b+c], y[b:b+c])
		s.cur.Sequence++
		s.cur.Tokens += uint64(c)
	}
}
