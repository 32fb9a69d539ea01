// Package chunkedfile reads files of several test inputs with the errors they
// must give.
//
// Inputs are separated by lines "---". An expected error is a comment
// `### "regexp"` (a Go string) on the offending line, several for several errors.
// Each input keeps the line numbers of the whole file, so that a failure names
// the line to look at, and the comments are cut away before the input is read.
package chunkedfile

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
)

// Chunk is one input with its expectations.
type Chunk struct {
	Name   string // file:line of its first line
	Source string // without expectations, padded with empty lines to keep line numbers
	want   []want
}

type want struct {
	line int
	re   *regexp.Regexp
	met  bool
}

var mark = regexp.MustCompile("[ \t]*### (\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`)")

// Read splits a file. Malformed expectations fail the test.
func Read(t *testing.T, file string) []*Chunk {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []*Chunk
	var cur *Chunk
	for i, line := range strings.Split(string(data), "\n") {
		if cur == nil {
			cur = &Chunk{Name: fmt.Sprintf("%s:%d", file, i+1), Source: strings.Repeat("\n", i)}
			out = append(out, cur)
		}
		if line == "---" {
			cur = nil
			continue
		}
		for _, m := range mark.FindAllStringSubmatch(line, -1) {
			text := strings.Trim(m[1], "\"`")
			if strings.HasPrefix(m[1], "\"") && strings.Contains(text, `\"`) {
				if s, err := strconv.Unquote(m[1]); err == nil {
					text = s
				}
			}
			re, err := regexp.Compile(text)
			if err != nil {
				t.Fatalf("%s:%d: bad expectation: %v", file, i+1, err)
			}
			cur.want = append(cur.want, want{line: i + 1, re: re})
		}
		cur.Source += mark.ReplaceAllString(line, "") + "\n"
	}
	return out
}

// Check compares the diagnostics of a chunk with its expectations: each must be
// met on its line by one diagnostic, and no diagnostic may be left over.
func (c *Chunk) Check(t *testing.T, got diag.List) {
	t.Helper()
	for _, d := range got.Sorted() {
		line, _ := d.Primary.Position()
		met := false
		for i := range c.want {
			w := &c.want[i]
			if !w.met && w.line == line && w.re.MatchString(d.Message) {
				w.met, met = true, true
				break
			}
		}
		if !met {
			t.Errorf("%s: unexpected diagnostic:\n%s", c.Name, d.Render(diag.Style{}))
		}
	}
	for _, w := range c.want {
		if !w.met {
			t.Errorf("%s: no diagnostic on line %d matches %q", c.Name, w.line, w.re)
		}
	}
}
