package npy

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// Named is one array of a .npz file.
type Named struct {
	Name string // without ".npy"
	*Array
}

// WriteNPZ writes the arrays, in order, as an uncompressed .npz file (like numpy.savez). The bytes depend on the arrays only: the date of
// the entries is 1 January 1980.
func WriteNPZ(w io.Writer, arrays []Named) error {
	z := zip.NewWriter(w)
	for _, a := range arrays {
		f, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store, ModifiedDate: 1<<5 | 1})
		if err != nil {
			return err
		}
		if err := Write(f, a.Array); err != nil {
			return err
		}
	}
	return z.Close()
}

// WriteNPZFile writes a .npz file.
func WriteNPZFile(path string, arrays []Named) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	if err = WriteNPZ(b, arrays); err == nil {
		err = b.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// maxRatio bounds how much an entry may inflate. Deflate reaches 1032 at most; fields of one value come close to it.
const maxRatio = 1040

// ReadNPZ reads a .npz file of size bytes, compressed or not, in the order of its directory.
func ReadNPZ(r io.ReaderAt, size int64) ([]Named, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not a .npz file: %w", err)
	}
	var out []Named
	seen := map[string]bool{}
	var total uint64
	for _, e := range z.File {
		if !strings.HasSuffix(e.Name, ".npy") {
			return nil, fmt.Errorf(".npz entry %q is not a .npy file", e.Name)
		}
		if seen[e.Name] {
			return nil, fmt.Errorf(".npz entry %q occurs twice", e.Name)
		}
		seen[e.Name] = true
		// The directory may lie about both sizes; what it claims in all must be possible for a file of this size.
		total += min(e.UncompressedSize64, math.MaxInt64/2)
		if total > uint64(size)*maxRatio {
			return nil, fmt.Errorf(".npz entries claim %d bytes, more than a file of %d bytes can hold", total, size)
		}
		f, err := e.Open()
		if err != nil {
			return nil, fmt.Errorf(".npz entry %q: %w", e.Name, err)
		}
		a, err := Read(bufio.NewReader(f), int64(e.UncompressedSize64))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf(".npz entry %q: %w", e.Name, err)
		}
		out = append(out, Named{strings.TrimSuffix(e.Name, ".npy"), a})
	}
	return out, nil
}

// ReadNPZFile reads a .npz file.
func ReadNPZFile(path string) ([]Named, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := ReadNPZ(f, st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}
