package ranks

import (
	"context"
	"errors"
	"io"
	"math"
	"os"

	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/npy"
)

// WriteParts has every rank write its own part of an array into a file that all of them have. See [runtime.PartWriter].
func (l *Leader) WriteParts(array, path string, offset int64) (bool, error) {
	a := l.w.p.Array(array)
	if a == nil || !l.w.lay.shared(a.Axes) {
		return false, nil
	}
	if err := tell(context.Background(), l.c, command{Kind: "write", Name: array, Text: path, N: int(offset)}); err != nil {
		return false, err
	}
	return l.w.write(a, path, offset)
}

// write writes the part of this rank when all ranks have the file and no value is NaN, and says whether it was done.
func (w *worker) write(a *ir.Array, path string, offset int64) (bool, error) {
	t, err := w.part(a, w.lay.own(a.Axes, w.c.Rank()))
	if err != nil {
		return false, err
	}
	data := npy.FromTensor(t)
	size := offset + int64(data.Type.Size)*int64(elements(w.p.Shape(a)))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		if st, serr := f.Stat(); serr != nil || st.Size() != size {
			err = errors.Join(errOther, f.Close())
		}
	}
	can := []byte{1}
	if err != nil || hasNaN(t) {
		can[0] = 0
	}
	if err != nil {
		f = nil
	}
	all, gerr := mpi.Allgather(context.Background(), w.c, can)
	if gerr != nil {
		return false, gerr
	}
	for _, b := range all {
		if b[0] == 0 {
			can[0] = 0
		}
	}
	if can[0] == 1 {
		err = writeBox(f, offset, data.Data, data.Type.Size, w.p.Shape(a), w.lay.own(a.Axes, w.c.Rank()))
	} else {
		err = nil
	}
	if f != nil {
		err = errors.Join(err, f.Close())
	}
	// Nobody goes on before all have written: rank 0 then says that the file is there.
	return can[0] == 1, Together(context.Background(), w.c, err)
}

func elements(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// errOther is the error of a file that is not the one rank 0 has made: the ranks do not share a file system.
var errOther = errors.New("another file")

func hasNaN(t *ir.Tensor) bool {
	for _, x := range t.F32 {
		if x != x {
			return true
		}
	}
	for _, x := range t.F64 {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}

// writeBox writes the elements of a box, row-major, to where they are in the whole: in runs that are contiguous there.
func writeBox(f io.WriterAt, offset int64, data []byte, size int, dims []int, b box) error {
	last := len(dims) - 1
	run := size
	for ; last >= 0; last-- {
		run *= b[last].Hi - b[last].Lo
		if b[last].Lo != 0 || b[last].Hi != dims[last] {
			break
		}
	}
	last = max(last, 0)
	var each func(d int, at int64) error
	each = func(d int, at int64) error {
		if d == last {
			inner := int64(size)
			for _, n := range dims[d+1:] {
				inner *= int64(n)
			}
			_, err := f.WriteAt(data[:run], offset+(at*int64(dims[d])+int64(b[d].Lo))*inner)
			data = data[run:]
			return err
		}
		for i := b[d].Lo; i < b[d].Hi; i++ {
			if err := each(d+1, at*int64(dims[d])+int64(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return each(0, 0)
}
