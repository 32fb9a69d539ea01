package diag

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// File is a source text with its name and line table. It is immutable after
// NewFile, so spans may share it between goroutines.
type File struct {
	Name  string
	Text  string
	lines []int // byte offset of each line's first byte
}

// NewFile makes a File and its line table. Lines end with "\n".
func NewFile(name, text string) *File {
	f := &File{Name: name, Text: text, lines: []int{0}}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Position returns the line and column (both from 1) of a byte offset. Columns
// count characters, not bytes. Offsets outside the text are clamped to it.
func (f *File) Position(offset int) (line, col int) {
	offset = max(0, min(offset, len(f.Text)))
	i := sort.SearchInts(f.lines, offset+1) - 1
	return i + 1, utf8.RuneCountInString(f.Text[f.lines[i]:offset]) + 1
}

// Line returns the text of a line (from 1) without its end, or "".
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	end := len(f.Text)
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	return strings.TrimSuffix(f.Text[f.lines[n-1]:end], "\r")
}

// Lines returns how many lines the file has; an empty file has one.
func (f *File) Lines() int { return len(f.lines) }

// Span is the byte range [Start, End) of a file. The zero Span is no place.
type Span struct {
	File       *File
	Start, End int
}

// IsZero says that the span is no place.
func (s Span) IsZero() bool { return s.File == nil }

// Text returns the source text of the span, or "" for the zero span.
func (s Span) Text() string {
	if s.File == nil || s.Start < 0 || s.End > len(s.File.Text) || s.Start > s.End {
		return ""
	}
	return s.File.Text[s.Start:s.End]
}

// Position returns the line and column (from 1) where the span starts, or 0, 0
// for the zero span.
func (s Span) Position() (line, col int) {
	if s.File == nil {
		return 0, 0
	}
	return s.File.Position(s.Start)
}

// To returns the smallest span that covers s and o, which must be of one file.
// A zero span is neutral.
func (s Span) To(o Span) Span {
	if s.File == nil {
		return o
	}
	if o.File == nil {
		return s
	}
	return Span{s.File, min(s.Start, o.Start), max(s.End, o.End)}
}

// String returns "file:line:col".
func (s Span) String() string {
	if s.File == nil {
		return "-"
	}
	line, col := s.Position()
	return fmt.Sprintf("%s:%d:%d", s.File.Name, line, col)
}

// compare orders spans by file name, start and end; no place comes last.
func (s Span) compare(o Span) int {
	switch {
	case s.File == nil && o.File == nil:
		return 0
	case s.File == nil:
		return 1
	case o.File == nil:
		return -1
	}
	if c := strings.Compare(s.File.Name, o.File.Name); c != 0 {
		return c
	}
	if s.Start != o.Start {
		return s.Start - o.Start
	}
	return s.End - o.End
}
