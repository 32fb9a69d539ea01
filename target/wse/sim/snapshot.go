package sim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"github.com/wfc-lang/wfc/target/wse"
)

// A snapshot is the state of a simulation between launches, the same for both engines: what one wrote another goes on from, and the
// cycles of every later event are those of a simulation that was never stopped.
//
//	magic, SHA-256 of program and machine, cycle, host words owed
//	the distinct states of PEs, as JSON; then which one each PE is in
//	the arrays of each PE, words of 32 bits, PEs in rows from the north
//	SHA-256 of everything before

// Image is what a snapshot says of the PEs besides their arrays.
type Image struct {
	Cycle, Owed int64
	States      []State
	Of          []int32 // per PE: its state, or -1 for one without code and routes

	known map[string]int32 // states by their text
}

// NewImage is one of pes PEs that have no state yet.
func NewImage(cycle, owed int64, pes int) *Image {
	img := &Image{Cycle: cycle, Owed: owed, Of: make([]int32, pes), known: map[string]int32{}}
	for pe := range img.Of {
		img.Of[pe] = -1
	}
	return img
}

// Put says in what state a PE is.
func (img *Image) Put(pe int, st State) {
	key, _ := json.Marshal(st) // a State has nothing that cannot be encoded
	k, ok := img.known[string(key)]
	if !ok {
		k = int32(len(img.States))
		img.known[string(key)] = k
		img.States = append(img.States, st)
	}
	img.Of[pe] = k
}

// Frozen is an engine between launches.
type Frozen interface {
	Image() *Image
	// Words gives the bits of an array of a PE.
	Words(pe, array int, dst []uint32)
}

// Thawed is an engine that has not been launched yet. next reads the arrays of a PE, to be called for all PEs with code, ascending, and
// for all arrays of each, ascending.
type Thawed interface {
	Thaw(img *Image, next func(pe, array int, dst []uint32)) error
}

const snapshotMagic = "wfcsnap\x01"

// identity names the program, without its script, and the machine a snapshot is of.
func identity(p *wse.Program, m wse.Machine) [sha256.Size]byte {
	h := sha256.New()
	bare := *p
	bare.Script = nil
	io.WriteString(h, wse.Print(&bare))
	fmt.Fprintf(h, "%#v", m)
	return [sha256.Size]byte(h.Sum(nil))
}

// classes gives the class of every PE, -1 where there is none.
func classes(p *wse.Program) []int32 {
	of := make([]int32, p.W*p.H)
	for i := range of {
		of[i] = -1
	}
	s := &Sim{w: p.W, h: p.H}
	for i, c := range p.Classes {
		for _, r := range c.Regions {
			s.each(r, func(pe int) { of[pe] = int32(i) })
		}
	}
	return of
}

// Save writes a snapshot of f, which runs p on m.
func Save(w io.Writer, p *wse.Program, m wse.Machine, f Frozen) error {
	h := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, h), 1<<20)
	img, id := f.Image(), identity(p, m)
	states, err := json.Marshal(img.States)
	if err != nil {
		return err
	}
	out.WriteString(snapshotMagic)
	out.Write(id[:])
	for _, v := range []int64{img.Cycle, img.Owed, int64(len(states))} {
		binary.Write(out, binary.LittleEndian, v)
	}
	out.Write(states)
	if err := binary.Write(out, binary.LittleEndian, img.Of); err != nil {
		return err
	}
	var words []uint32
	var raw []byte
	for pe, c := range classes(p) {
		if c < 0 {
			continue
		}
		for i, a := range p.Classes[c].Arrays {
			words, raw = append(words[:0], make([]uint32, a.Len)...), raw[:0]
			f.Words(pe, i, words)
			for _, v := range words {
				raw = binary.LittleEndian.AppendUint32(raw, v)
			}
			if _, err := out.Write(raw); err != nil {
				return err
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = w.Write(h.Sum(nil))
	return err
}

// reader reads a snapshot and hashes what it reads; after an error it gives zeros.
type reader struct {
	r   io.Reader
	h   hash.Hash
	err error
}

func (r *reader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err == nil {
		if _, r.err = io.ReadFull(r.r, b); r.err == io.EOF || r.err == io.ErrUnexpectedEOF {
			r.err = fmt.Errorf("the snapshot ends too early")
		}
		r.h.Write(b)
	}
	return b
}

func (r *reader) int() int64 { return int64(binary.LittleEndian.Uint64(r.bytes(8))) }

// Load puts a new engine for p on m into the state of a snapshot. After an error the engine is of no use.
func Load(src io.Reader, p *wse.Program, m wse.Machine, t Thawed) error {
	r := &reader{r: bufio.NewReaderSize(src, 1<<20), h: sha256.New()}
	if head := r.bytes(len(snapshotMagic)); r.err != nil || !bytes.Equal(head, []byte(snapshotMagic)) {
		return fmt.Errorf("this is no snapshot of a simulation, or one of another version")
	}
	id := identity(p, m)
	if have := r.bytes(len(id)); r.err == nil && !bytes.Equal(have, id[:]) {
		return fmt.Errorf("the snapshot is of another program, or of another machine than %s", m.Name)
	}
	img := &Image{Cycle: r.int(), Owed: r.int()}
	n, pes := r.int(), p.W*p.H
	if r.err == nil && (n < 0 || n > 1<<30 || img.Cycle < 0 || img.Owed < 0) {
		return fmt.Errorf("the head of the snapshot is damaged")
	}
	if r.err == nil {
		var states bytes.Buffer
		if _, r.err = io.CopyN(io.MultiWriter(&states, r.h), r.r, n); r.err == nil {
			r.err = json.Unmarshal(states.Bytes(), &img.States)
		}
	}
	if r.err != nil {
		return fmt.Errorf("the snapshot is damaged: %w", r.err)
	}
	of := classes(p)
	for pe, b := 0, r.bytes(4*pes); pe < pes; pe++ {
		k := int32(binary.LittleEndian.Uint32(b[4*pe:]))
		if r.err == nil && (k < -1 || int(k) >= len(img.States) || k < 0 && of[pe] >= 0) {
			return fmt.Errorf("the snapshot is damaged: PE (%d,%d) is in no state of it", pe%p.W, pe/p.W)
		}
		img.Of = append(img.Of, k)
	}
	err := t.Thaw(img, func(pe, array int, dst []uint32) {
		b := r.bytes(4 * len(dst))
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
	})
	if err != nil {
		return fmt.Errorf("the snapshot is damaged: %w", err)
	}
	sum := r.h.Sum(nil)
	if have := r.bytes(len(sum)); r.err != nil {
		return r.err
	} else if !bytes.Equal(have, sum) {
		return fmt.Errorf("the snapshot is damaged: its checksum is wrong")
	}
	return nil
}

// Image implements Frozen.
func (s *Sim) Image() *Image {
	img := NewImage(s.cycle, s.hostWords, len(s.class))
	for pe := range s.class {
		img.Put(pe, s.state(pe))
	}
	return img
}

// Words implements Frozen.
func (s *Sim) Words(pe, array int, dst []uint32) {
	k := s.codes[s.class[pe]]
	a := k.class.Arrays[array]
	at, b := s.memBase[pe]+k.layout.Addr[array]-k.layout.DataStart, a.Elem.Bytes()
	for i := range dst {
		dst[i] = s.loadMem(at+i*b, b)
	}
}

// Thaw implements Thawed.
func (s *Sim) Thaw(img *Image, next func(pe, array int, dst []uint32)) error {
	s.hostWords = img.Owed
	for pe, k := range img.Of {
		if k < 0 {
			continue
		}
		if err := s.checkState(pe, &img.States[k]); err != nil {
			return err
		}
		s.Restore(pe, img.Cycle, img.States[k], func(array int, dst []uint32) { next(pe, array, dst) })
	}
	s.relink()
	return nil
}
