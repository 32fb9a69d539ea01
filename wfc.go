// Package wfc compiles field equations and tensor programs for a wafer-scale dataflow machine and runs them: on a cycle-level
// simulator of the machine, as native code, or in a reference interpreter. The three give the same bits.
//
// A program goes through three calls:
//
//	src, err := wfc.ReadSource("heat.wf")
//	p, err := wfc.Build(src, wfc.BuildOptions{Set: map[string]string{"nx": "16"}})
//	res, err := p.Run(ctx, wfc.RunOptions{Target: wfc.Interp})
//
// [Build] returns a [Program] whenever there is something to tell, also beside an error: its Report says how far the build came and
// what it would take to fit. [Program.WriteFile] and [Load] keep a program in a .wfx file. Errors that are the user's to mend are
// [Diagnostics]: located, explained, with a stable code.
//
// Fields are dense row-major arrays over the axes of their grid, in the order in which the grid declares them; units are those of
// the source. Packages below this one may be imported but are not stable; ARCHITECTURE.md says which are.
package wfc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Diagnostics is a list of findings: errors, warnings and notes with their places. As an error it holds at least one error.
type Diagnostics = diag.List

// Source is the text of a program: .wf, or index IR when the name ends in ".wfir".
type Source struct {
	Name string // for messages
	Text string
	Dir  string // where its data files are
}

// maxSource bounds a source file; real ones have a few kilobytes.
const maxSource = 64 << 20

// ReadSource reads a program from a file.
func ReadSource(path string) (Source, error) {
	b, err := readLimited(path, maxSource)
	if err != nil {
		return Source{}, err
	}
	return Source{Name: path, Text: string(b), Dir: filepath.Dir(path)}, CheckText(path, b)
}

// IsCompiled says whether a file that begins with b is a .wfx file.
func IsCompiled(b []byte) bool { return bytes.HasPrefix(b, []byte("PK\x03\x04")) }

// CheckText refuses what cannot be the text of a program, before a reader finds fault with every byte of it: compiled programs and
// other binary data. name is for the message.
func CheckText(name string, b []byte) error {
	switch {
	case IsCompiled(b):
		return diag.List{diag.New("WF0603", diag.Span{}, "%s is a compiled program (.wfx); a source is expected here", name).
			Suggest("name the .wf file; wfc run and wfc report take a .wfx file")}
	case bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0:
		return diag.List{diag.New("WF0603", diag.Span{}, "%s is not text: it holds zero bytes", name).Suggest("name a .wf file in UTF-8")}
	}
	return nil
}

// readLimited reads a file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileError(err)
	}
	if int64(len(b)) > limit {
		return nil, fileError(fmt.Errorf("%s is larger than %d bytes", path, limit))
	}
	return b, nil
}

func fileError(err error) error { return diag.List{fileDiagnostic(err)} }

func fileDiagnostic(err error) *diag.Diagnostic {
	d := diag.New("WF0603", diag.Span{}, "%v", err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Suggest("check the name; directories of files to write must exist")
	case errors.Is(err, fs.ErrPermission):
		d.Suggest("choose another place, or change its permissions")
	}
	return d
}

// FileErrors turns an error of the file system into diagnostics and leaves others as they are.
func FileErrors(err error) error {
	if !ofFiles(err) {
		return err
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok && !slices.ContainsFunc(several.Unwrap(), func(e error) bool { return !ofFiles(e) }) {
		var list Diagnostics
		for _, e := range several.Unwrap() {
			list = append(list, fileDiagnostic(e))
		}
		return list
	}
	return fileError(err)
}

// ofFiles says whether the file system is the reason, and no diagnostic says so yet.
func ofFiles(err error) bool {
	var (
		path *fs.PathError
		link *os.LinkError
		list Diagnostics
	)
	return !errors.As(err, &list) && (errors.As(err, &path) || errors.As(err, &link))
}

// ir says whether the text is index IR.
func (s Source) ir() bool { return filepath.Ext(s.Name) == ".wfir" }

// Format returns the canonical format of a .wf program. The list holds the syntax errors, if any; the text is then nil.
func Format(src Source) ([]byte, Diagnostics) { return syntax.Format(src.Name, []byte(src.Text)) }

// Explain returns the long explanation of a diagnostic code.
func Explain(code string) (string, bool) { return diag.Explain(code) }

// Codes lists the codes of all diagnostics with their titles, in ascending order.
func Codes() (codes, titles []string) {
	for _, c := range diag.Codes() {
		e, _ := diag.Lookup(c)
		codes, titles = append(codes, c), append(titles, e.Title)
	}
	return
}

// asDiagnostics turns any error into a list; other errors than diagnostics become one without a code.
func asDiagnostics(err error) Diagnostics {
	switch e := err.(type) {
	case nil:
		return nil
	case diag.List:
		return e
	case *diag.Diagnostic:
		return diag.List{e}
	}
	return nil
}

// Hash identifies a program: the SHA-256 of its text form.
func Hash(p *ir.Program) string {
	sum := sha256.Sum256([]byte(ir.Print(p)))
	return hex.EncodeToString(sum[:])
}
