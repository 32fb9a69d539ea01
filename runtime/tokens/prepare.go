package tokens

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// chunk is about what Prepare reads at once.
const chunk = 8 << 20

// Prepare turns texts of any size into a token file, a piece at a time, and returns the number of tokens. Texts are joined as Load joins
// them. The kind is Byte or GPT2: characters have tokens only within the text they are taken from.
func Prepare(files []string, kind, path string) (n int64, err error) {
	if kind != Byte && kind != GPT2 {
		return 0, fmt.Errorf("token files are made of bytes or GPT-2's tokens, not of %s", kind)
	}
	tk, err := New(Spec{Kind: kind})
	if err != nil {
		return 0, err
	}
	err = writeFile(path, tk.Vocab(), kind, func(emit func([]int32) error) error {
		for i, f := range files {
			if i > 0 && kind == GPT2 {
				if err := emit([]int32{EndOfText}); err != nil {
					return err
				}
				n++
			}
			if err := encodeFile(f, tk, func(ids []int32) error { n += int64(len(ids)); return emit(ids) }); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// encodeFile gives the tokens of a file in pieces that end where the tokens of the pieces are those of the whole.
func encodeFile(path string, tk Tokenizer, emit func([]int32) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var buf []byte
	for done := false; !done; {
		at := len(buf)
		buf = append(buf, make([]byte, chunk)...)
		n, err := io.ReadFull(f, buf[at:])
		buf = buf[:at+n]
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			done = true
		case err != nil:
			return err
		}
		end := len(buf)
		if !done {
			end = lastCut(buf)
		}
		ids, err := tk.Encode(buf[:end])
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := emit(ids); err != nil {
			return err
		}
		buf = append(buf[:0], buf[end:]...)
	}
	return nil
}

// lastCut is the last place in a text after a single line break between printable characters, 0 when there is none: see piece.
func lastCut(b []byte) int {
	for i := len(b) - 1; i >= 2; {
		k := bytes.LastIndexByte(b[:i], '\n')
		if k < 1 {
			return 0
		}
		if printable(b[k-1]) && printable(b[k+1]) {
			return k + 1
		}
		i = k
	}
	return 0
}
