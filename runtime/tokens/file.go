package tokens

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/runtime/npy"
)

// A token file is a header and little-endian tokens of 2 or 4 bytes:
//
//	"WFCTOK1\n", u32 bytes per token (2 or 4), u32 vocabulary, u64 tokens, 8 bytes kind of tokenizer or zeros, 32 zero bytes, tokens
//
// Read are also llm.c's files (256 i32: magic 20240520, version 1, count; then u16), NumPy's .npy with integers in one dimension and, with the
// suffix .bin, bare u16 as nanoGPT writes them.
const (
	magic     = "WFCTOK1\n"
	headerLen = 64
	kindLen   = 8
	llmcMagic = 20240520
	npyMagic  = "\x93NUMPY"
)

// Open maps a token file into memory.
func Open(path string) (*Tokens, error) {
	b, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	t, err := decode(b, filepath.Ext(path) == ".bin")
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
		if unmap != nil {
			err = errors.Join(err, unmap())
		}
		return nil, err
	}
	t.unmap = unmap
	return t, nil
}

// IsTokenFile says whether a file that begins with b, of that name, holds tokens rather than text.
func IsTokenFile(path string, b []byte) bool {
	return filepath.Ext(path) == ".bin" || bytes.HasPrefix(b, []byte(magic)) || bytes.HasPrefix(b, []byte(npyMagic))
}

func decode(b []byte, bare bool) (*Tokens, error) {
	le := binary.LittleEndian
	switch {
	case len(b) >= headerLen && string(b[:len(magic)]) == magic:
		width, vocab := int(le.Uint32(b[8:])), int(int32(le.Uint32(b[12:])))
		if width != 2 && width != 4 || vocab < 0 {
			return nil, fmt.Errorf("not a token file: %d bytes per token", width)
		}
		n, data := le.Uint64(b[16:]), b[headerLen:]
		if n > uint64(len(data)) || int(n)*width != len(data) {
			return nil, fmt.Errorf("the file is cut or altered: %d tokens of %d bytes in %d bytes", n, width, len(data))
		}
		t := whole(part{b: data, width: width})
		t.vocab, t.kind = vocab, strings.TrimRight(string(b[24:24+kindLen]), "\x00")
		return t, nil
	case len(b) >= 1024 && le.Uint32(b) == llmcMagic:
		data := b[1024:]
		if v, n := le.Uint32(b[4:]), int(int32(le.Uint32(b[8:]))); v != 1 || 2*n != len(data) {
			return nil, fmt.Errorf("llm.c token file of version %d with %d tokens in %d bytes: it is cut, or not version 1", v, n, len(data))
		}
		return whole(part{b: data, width: 2}), nil
	case bytes.HasPrefix(b, []byte(npyMagic)):
		a, err := npy.View(b)
		if err != nil {
			return nil, err
		}
		if len(a.Dims) != 1 || a.Type.Kind != 'u' && a.Type.Kind != 'i' {
			return nil, fmt.Errorf("tokens are whole numbers in one dimension, not %v %v", a.Type, a.Dims)
		}
		return whole(part{b: a.Data, width: a.Type.Size, signed: a.Type.Kind == 'i'}), nil
	case bare:
		if len(b)%2 != 0 {
			return nil, fmt.Errorf("%d bytes are no 16-bit tokens", len(b))
		}
		return whole(part{b: b, width: 2}), nil
	}
	return nil, errors.New("not a token file")
}

// WriteFile writes tokens of a vocabulary, replacing the file only when it is complete. kind is that of the tokenizer, "" when the file
// does not say.
func WriteFile(path string, ids []int32, vocab int, kind string) error {
	return writeFile(path, vocab, kind, func(emit func([]int32) error) error { return emit(ids) })
}

// writeFile writes what fill emits.
func writeFile(path string, vocab int, kind string, fill func(emit func([]int32) error) error) error {
	if len(kind) > kindLen {
		return fmt.Errorf("the name %q of a tokenizer is too long", kind)
	}
	tmp := path + ".tmp"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	w := &writer{f: f, w: bufio.NewWriterSize(f, 1<<16), width: 2, vocab: vocab}
	if vocab > 1<<16 {
		w.width = 4
	}
	_, err = w.w.Write(w.header(kind)) // its place; the count is known in the end
	if err == nil {
		err = fill(w.emit)
	}
	if err == nil {
		err = w.w.Flush()
	}
	if err == nil {
		_, err = f.WriteAt(w.header(kind), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

type writer struct {
	f     *os.File
	w     *bufio.Writer
	width int
	vocab int
	n     uint64
}

func (w *writer) header(kind string) []byte {
	le := binary.LittleEndian
	head := make([]byte, headerLen)
	copy(head, magic)
	le.PutUint32(head[8:], uint32(w.width))
	le.PutUint32(head[12:], uint32(w.vocab))
	le.PutUint64(head[16:], w.n)
	copy(head[24:24+kindLen], kind)
	return head
}

func (w *writer) emit(ids []int32) error {
	var b [4]byte
	for _, id := range ids {
		if id < 0 || int(id) >= w.vocab {
			return fmt.Errorf("token %d at %d is outside the vocabulary of %d", id, w.n, w.vocab)
		}
		binary.LittleEndian.PutUint32(b[:], uint32(id))
		if _, err := w.w.Write(b[:w.width]); err != nil {
			return err
		}
		w.n++
	}
	return nil
}

// String is the specification as one line of JSON.
func (s Spec) String() string {
	b, err := json.Marshal(s)
	if err != nil { // strings always marshal
		return s.Kind
	}
	return string(b)
}
