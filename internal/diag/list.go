package diag

import (
	"fmt"
	"sort"
	"strings"
)

// List collects diagnostics. The zero List is empty and ready to use. It is an
// error; Err returns it only when it holds one of severity Error.
type List []*Diagnostic

// Add appends a diagnostic and returns it, so that parts can be added to it.
func (l *List) Add(d *Diagnostic) *Diagnostic {
	*l = append(*l, d)
	return d
}

// Errorf adds an error made by New.
func (l *List) Errorf(code string, at Span, format string, args ...any) *Diagnostic {
	return l.Add(New(code, at, format, args...))
}

// Warnf adds a warning made by Warn.
func (l *List) Warnf(code string, at Span, format string, args ...any) *Diagnostic {
	return l.Add(Warn(code, at, format, args...))
}

// Append adds all of another list.
func (l *List) Append(o List) { *l = append(*l, o...) }

// Len returns how many diagnostics there are.
func (l List) Len() int { return len(l) }

// HasErrors says whether one of them is an Error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Err returns the sorted list as an error, or nil when no diagnostic is of
// severity Error.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l.Sorted()
}

// Sorted returns a copy ordered by place, severity, code and message, without
// repetitions (same code, place and message).
func (l List) Sorted() List {
	s := append(List(nil), l...)
	sort.SliceStable(s, func(i, j int) bool { return s[i].compare(s[j]) < 0 })
	out := s[:0]
	for i, d := range s {
		if i > 0 && d.compare(out[len(out)-1]) == 0 {
			continue
		}
		out = append(out, d)
	}
	return out
}

func (d *Diagnostic) compare(o *Diagnostic) int {
	if c := d.Primary.compare(o.Primary); c != 0 {
		return c
	}
	if d.Severity != o.Severity {
		return int(d.Severity) - int(o.Severity)
	}
	if c := strings.Compare(d.Code, o.Code); c != 0 {
		return c
	}
	return strings.Compare(d.Message, o.Message)
}

// Error joins the one-line forms of all diagnostics.
func (l List) Error() string {
	if len(l) == 0 {
		return "no diagnostics"
	}
	var b strings.Builder
	for i, d := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}

// Summary returns "2 errors, 1 warning", or "" for an empty list.
func (l List) Summary() string {
	var n [3]int
	for _, d := range l {
		n[min(int(d.Severity), 2)]++
	}
	var parts []string
	for s, word := range []string{"error", "warning"} {
		switch {
		case n[s] == 1:
			parts = append(parts, "1 "+word)
		case n[s] > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n[s], word))
		}
	}
	return strings.Join(parts, ", ")
}
