package diag

import "encoding/json"

// The JSON form of a diagnostic. Offsets are bytes from 0, lines and columns
// count from 1, columns in characters.
type jsonDiag struct {
	Code       string      `json:"code"`
	Severity   string      `json:"severity"`
	Message    string      `json:"message"`
	At         *jsonPlace  `json:"at,omitempty"`
	Related    []jsonPlace `json:"related,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Suggestion *jsonFix    `json:"suggestion,omitempty"`
}

type jsonPlace struct {
	File    string `json:"file"`
	Start   int    `json:"start"`
	End     int    `json:"end"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	EndLine int    `json:"end_line"`
	EndCol  int    `json:"end_column"`
	Label   string `json:"label,omitempty"`
}

type jsonFix struct {
	Text string     `json:"text"`
	At   *jsonPlace `json:"at,omitempty"`
	New  *string    `json:"new,omitempty"`
}

func placeOf(s Span, label string) *jsonPlace {
	if s.IsZero() {
		return nil
	}
	p := &jsonPlace{File: s.File.Name, Start: s.Start, End: s.End, Label: label}
	p.Line, p.Column = s.File.Position(s.Start)
	p.EndLine, p.EndCol = s.File.Position(s.End)
	return p
}

// MarshalJSON writes the diagnostic with line and column numbers.
func (d *Diagnostic) MarshalJSON() ([]byte, error) {
	j := jsonDiag{Code: d.Code, Severity: d.Severity.String(), Message: d.Message, At: placeOf(d.Primary, d.Label), Notes: d.Notes}
	for _, r := range d.Related {
		if p := placeOf(r.Span, r.Text); p != nil {
			j.Related = append(j.Related, *p)
		}
	}
	if s := d.Suggestion; s != nil {
		j.Suggestion = &jsonFix{Text: s.Text}
		if s.Edit != nil {
			j.Suggestion.At, j.Suggestion.New = placeOf(s.Edit.Span, ""), &s.Edit.New
		}
	}
	return json.Marshal(j)
}

// MarshalJSON writes the sorted list as an array, never null.
func (l List) MarshalJSON() ([]byte, error) {
	s := l.Sorted()
	if s == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]*Diagnostic(s))
}
