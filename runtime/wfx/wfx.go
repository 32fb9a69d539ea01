// Package wfx is the container of a compiled program: one deterministic, versioned file (docs/wfx.md describes it byte for byte).
//
// A .wfx file is a zip archive whose entries are stored, not compressed, in a fixed order and with a fixed date: any zip tool can look
// into it, the same program gives the same bytes on every machine, and an entry cannot be larger than the file. This package knows
// sections and their limits; what the sections say is read by the packages that own their languages.
package wfx

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
)

// Version is the version that Write writes. Read reads it and every earlier one.
const Version = 1

// Limits on what is read. A program's text grows with its classes, not its PEs: real ones stay far below.
const (
	MaxFile     = 1 << 30 // bytes
	MaxSections = 64
)

// File is a compiled program. Source, IR and Report are always there; the others when the program fits the machine.
type File struct {
	Program    string // name of the program
	Machine    string // profile it was built for, e.g. "wse2"
	SourceName string // base name of the source file
	Source     string // .wf text
	IR         string // canonical index IR as .wfir text
	Report     []byte // report JSON
	Train      []byte // plan of training and the choices of the build, JSON; empty for programs that are not trained
	Mesh       string // mesh IR text, "" when it was not reached
	Code       string // machine program text, "" when the program does not fit
	Refusal    string // why Code is empty: rendered diagnostics
}

// manifest is the first section.
type manifest struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Program string `json:"program"`
	Machine string `json:"machine"`
	Source  string `json:"source"`
	Runs    bool   `json:"runs"` // whether there is a machine program
}

// epoch is 1 January 1980, the earliest date of a zip file.
const epoch = 1<<5 | 1

// Names of the sections, in the order of the file.
const (
	secManifest = "manifest.json"
	secSource   = "source.wf"
	secIR       = "program.wfir"
	secReport   = "report.json"
	secTrain    = "train.json"
	secMesh     = "mesh.txt"
	secCode     = "machine.txt"
	secRefusal  = "refusal.txt"
)

// Write writes the file. The bytes depend on f only.
func Write(w io.Writer, f *File) error {
	m, err := json.Marshal(manifest{"wfx", Version, f.Program, f.Machine, f.SourceName, f.Code != ""})
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	add := func(name string, data []byte, always bool) {
		if err != nil || len(data) == 0 && !always {
			return
		}
		n := uint64(len(data))
		var e io.Writer
		// CreateRaw writes sizes and checksum before the data, so that no descriptor follows it.
		e, err = z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, ModifiedDate: epoch, CRC32: crc32.ChecksumIEEE(data), CompressedSize64: n, UncompressedSize64: n})
		if err == nil {
			_, err = e.Write(data)
		}
	}
	add(secManifest, append(m, '\n'), true)
	add(secSource, []byte(f.Source), true)
	add(secIR, []byte(f.IR), true)
	add(secReport, f.Report, true)
	add(secTrain, f.Train, false)
	add(secMesh, []byte(f.Mesh), false)
	add(secCode, []byte(f.Code), false)
	add(secRefusal, []byte(f.Refusal), false)
	if err != nil {
		return err
	}
	return z.Close()
}

// WriteFile writes the file at path, replacing it only when it is complete.
func WriteFile(path string, f *File) error {
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		return err
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b.Bytes(), 0o666); err != nil {
		return named(err, path)
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return named(err, path)
	}
	return nil
}

// named says the name of the file instead of that of a temporary one.
func named(err error, path string) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return &fs.PathError{Op: "write", Path: path, Err: err}
		}
		err = inner
	}
}

// ReadFile reads the file at path.
func ReadFile(path string) (*File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > MaxFile {
		return nil, fmt.Errorf("%s has %d bytes; a .wfx file has at most %d", path, st.Size(), MaxFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Decode reads a .wfx file held in memory. Sections it does not know are skipped; see docs/wfx.md for when that is allowed.
func Decode(b []byte) (*File, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("not a .wfx file, or cut: %w", err)
	}
	if len(z.File) > MaxSections {
		return nil, fmt.Errorf("%d sections; a .wfx file has at most %d", len(z.File), MaxSections)
	}
	secs := map[string][]byte{}
	var total uint64
	for _, e := range z.File {
		if _, ok := secs[e.Name]; ok {
			return nil, fmt.Errorf("section %q occurs twice", e.Name)
		}
		data, err := section(e, uint64(len(b))-min(total, uint64(len(b))))
		if err != nil {
			return nil, err
		}
		total += uint64(len(data))
		secs[e.Name] = data
	}
	var m manifest
	if len(z.File) == 0 || z.File[0].Name != secManifest {
		return nil, fmt.Errorf("not a .wfx file: its first section is not %s", secManifest)
	}
	if err := json.Unmarshal(secs[secManifest], &m); err != nil || m.Format != "wfx" {
		return nil, fmt.Errorf("not a .wfx file: %s does not say so", secManifest)
	}
	if m.Version < 1 || m.Version > Version {
		return nil, fmt.Errorf("version %d of the .wfx format; this wfc reads versions 1 to %d: build the program again, or use a newer wfc", m.Version, Version)
	}
	for _, name := range []string{secSource, secIR, secReport} {
		if _, ok := secs[name]; !ok {
			return nil, fmt.Errorf("section %s is missing", name)
		}
	}
	if _, ok := secs[secCode]; ok != m.Runs {
		return nil, fmt.Errorf("%s and the sections disagree on whether there is a machine program", secManifest)
	}
	return &File{Program: m.Program, Machine: m.Machine, SourceName: m.Source, Source: string(secs[secSource]), IR: string(secs[secIR]),
		Report: secs[secReport], Train: secs[secTrain], Mesh: string(secs[secMesh]), Code: string(secs[secCode]), Refusal: string(secs[secRefusal])}, nil
}

// section reads one entry of at most left bytes.
func section(e *zip.File, left uint64) ([]byte, error) {
	bad := func(format string, args ...any) ([]byte, error) {
		return nil, fmt.Errorf("section %q "+format, append([]any{e.Name}, args...)...)
	}
	switch {
	case e.Method != zip.Store || e.Flags&1 != 0:
		return bad("is compressed or encrypted; .wfx sections are stored")
	case e.UncompressedSize64 != e.CompressedSize64 || e.UncompressedSize64 > left:
		return bad("claims %d bytes, more than the file has", e.UncompressedSize64)
	}
	r, err := e.Open()
	if err != nil {
		return bad("cannot be read: %v", err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(e.UncompressedSize64)+1))
	if err != nil {
		return bad("is damaged: %v", err)
	}
	if (strings.HasSuffix(e.Name, ".txt") || strings.HasSuffix(e.Name, ".wfir") || strings.HasSuffix(e.Name, ".wf")) && !utf8.Valid(data) {
		return bad("is not UTF-8 text")
	}
	return data, nil
}
