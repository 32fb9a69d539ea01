// Package diag is how every part of wfc speaks about a problem in a user's
// program: where it is, what it is, why, and the cheapest way to mend it.
//
// A Diagnostic carries a stable code ("WF0203") that the catalogue explains at
// length (`wfc explain WF0203`), one primary place, any number of related
// places, notes and at most one suggestion. Parts collect them in a List, which
// is an error, sorts itself by place and drops repetitions, so that output does
// not depend on the order in which the parts found things.
//
// Adding a code is one entry in the table of its level: codes_syntax.go,
// codes_check.go, codes_target.go or codes_run.go.
package diag

import "fmt"

// Severity orders diagnostics by what they mean for the build.
type Severity uint8

const (
	// Error stops the build.
	Error Severity = iota
	// Warning lets the build go on; the result may not be what was meant.
	Warning
	// Info tells of a decision worth knowing.
	Info
)

// String returns "error", "warning" or "info".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "info"
}

// Label is a further place that takes part in a diagnostic, and its role.
type Label struct {
	Span Span
	Text string
}

// Edit replaces the bytes of Span with New. An empty Span is an insertion.
type Edit struct {
	Span Span
	New  string
}

// Suggestion is the cheapest fix: a sentence, and the edit that carries it out
// when there is one.
type Suggestion struct {
	Text string
	Edit *Edit
}

// Diagnostic is one finding. Its zero value is an error without place.
type Diagnostic struct {
	Code       string // stable, registered in the catalogue, e.g. "WF0203"
	Severity   Severity
	Message    string // what is wrong, one line, no final stop
	Primary    Span   // may be the zero Span: a finding about the whole program
	Label      string // what to print under the primary caret; may be empty
	Related    []Label
	Notes      []string // why, one line each
	Suggestion *Suggestion
}

// New returns an error with a code, a place and a formatted message. The other
// parts are added with the With methods.
func New(code string, at Span, format string, args ...any) *Diagnostic {
	return &Diagnostic{Code: code, Primary: at, Message: fmt.Sprintf(format, args...)}
}

// Warn is New for a warning.
func Warn(code string, at Span, format string, args ...any) *Diagnostic {
	d := New(code, at, format, args...)
	d.Severity = Warning
	return d
}

// Labelled sets the text under the primary caret.
func (d *Diagnostic) Labelled(format string, args ...any) *Diagnostic {
	d.Label = fmt.Sprintf(format, args...)
	return d
}

// With adds a related place.
func (d *Diagnostic) With(at Span, format string, args ...any) *Diagnostic {
	d.Related = append(d.Related, Label{at, fmt.Sprintf(format, args...)})
	return d
}

// Note adds a line that says why.
func (d *Diagnostic) Note(format string, args ...any) *Diagnostic {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
	return d
}

// Suggest sets the fix in words.
func (d *Diagnostic) Suggest(format string, args ...any) *Diagnostic {
	d.Suggestion = &Suggestion{Text: fmt.Sprintf(format, args...)}
	return d
}

// Replace sets the fix in words and as an edit of the source.
func (d *Diagnostic) Replace(at Span, text string, format string, args ...any) *Diagnostic {
	d.Suggestion = &Suggestion{Text: fmt.Sprintf(format, args...), Edit: &Edit{at, text}}
	return d
}

// Error makes a Diagnostic an error: "file:line:col: error WF0203: message".
func (d *Diagnostic) Error() string {
	head := fmt.Sprintf("%s %s: %s", d.Severity, d.Code, d.Message)
	if d.Primary.IsZero() {
		return head
	}
	return d.Primary.String() + ": " + head
}
