package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
)

// Write writes the array as a .npy file: little-endian, C order, the elements aligned to 64 bytes as NumPy does.
func Write(w io.Writer, a *Array) error {
	n, ok := volume(a.Dims, a.Type.Size)
	if !a.Type.valid() || !ok || n != len(a.Data) {
		return fmt.Errorf("npy: shape %s of %s does not describe %d bytes", shapeText(a.Dims), a.Type, len(a.Data))
	}
	if _, err := w.Write(Header(a.Type, a.Dims)); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}

// Header is what stands before the data of an array.
func Header(t Type, dims []int) []byte {
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", t, shapeText(dims))
	pre := []byte(magic + "\x01\x00")
	total := (len(pre) + 2 + len(h) + 1 + 63) / 64 * 64 // 32 dimensions of 19 digits stay far below version 1's 65,535 bytes
	h += strings.Repeat(" ", total-len(pre)-2-len(h)-1) + "\n"
	pre = binary.LittleEndian.AppendUint16(pre, uint16(len(h)))
	return append(pre, h...)
}

// WriteFile writes a .npy file.
func WriteFile(path string, a *Array) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := Write(f, a); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
