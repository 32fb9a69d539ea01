package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/wfc-lang/wfc/ir"
)

// Tensor is a tensor to write: its bytes, little-endian and row-major.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Write writes a file. The bytes depend on the arguments only: tensors keep their order, metadata is sorted, and the header is padded
// with spaces so that the data begins at a multiple of 8.
func Write(w io.Writer, tensors []Tensor, meta map[string]string) error {
	return WriteStream(w, tensors, meta, func(i int, w io.Writer) error {
		_, err := w.Write(tensors[i].Data)
		return err
	})
}

// WriteStream is Write with data that are made, and written, one tensor after the other.
func WriteStream(w io.Writer, tensors []Tensor, meta map[string]string, data func(i int, w io.Writer) error) error {
	head, err := header(tensors, meta)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for i := range tensors {
		c := counter{w: w}
		if err := data(i, &c); err != nil {
			return err
		}
		if n, _ := byteSize(tensors[i].DType, tensors[i].Shape); c.n != n {
			return fmt.Errorf("tensor %q has %d bytes, its shape says %d", tensors[i].Name, c.n, n)
		}
	}
	return nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// WriteTensor writes the data of a tensor's exact image, a piece at a time.
func WriteTensor(w io.Writer, t *ir.Tensor) error {
	const piece = 1 << 16
	for n, at := t.Len(), 0; at < n; at += piece {
		part := ir.Tensor{Elem: t.Elem, Dims: []int{min(piece, n-at)}}
		switch end := at + part.Dims[0]; {
		case t.F64 != nil:
			part.F64 = t.F64[at:end]
		case t.F32 != nil:
			part.F32 = t.F32[at:end]
		default:
			part.I32 = t.I32[at:end]
		}
		b, err := FromTensor("", &part)
		if err != nil {
			return err
		}
		if _, err := w.Write(b.Data); err != nil {
			return err
		}
	}
	return nil
}

// header is everything before the data.
func header(tensors []Tensor, meta map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	if len(meta) > 0 {
		m, err := json.Marshal(meta) // sorts its keys
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", metaKey, m)
	}
	seen := map[string]bool{metaKey: true}
	at := int64(0)
	for i := range tensors {
		t := &tensors[i]
		if seen[t.Name] {
			return nil, fmt.Errorf("two tensors are named %q", t.Name)
		}
		seen[t.Name] = true
		n, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		shape, err := json.Marshal(append([]int{}, t.Shape...))
		if err != nil {
			return nil, err
		}
		if b.Len() > 9 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, t.DType, shape, at, at+n)
		at += n
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > MaxHeader {
		return nil, fmt.Errorf("the header has %d bytes; the format allows %d", b.Len()-8, MaxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}
