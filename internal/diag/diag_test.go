package diag

import (
	"encoding/json"
	"strings"
	"testing"
)

var heat = NewFile("heat.wf", "grid g { x: 8 }\nlet é = T + x\nlet b = T\n")

func span(text string) Span {
	i := strings.Index(heat.Text, text)
	return Span{heat, i, i + len(text)}
}

func TestPosition(t *testing.T) {
	for _, c := range []struct{ offset, line, col int }{
		{0, 1, 1}, {15, 1, 16}, {16, 2, 1}, {20, 2, 5}, {22, 2, 6}, {len(heat.Text), 4, 1}, {-5, 1, 1}, {1000, 4, 1},
	} {
		if l, col := heat.Position(c.offset); l != c.line || col != c.col {
			t.Errorf("Position(%d) = %d:%d, want %d:%d", c.offset, l, col, c.line, c.col)
		}
	}
	if heat.Line(2) != "let é = T + x" || heat.Line(0) != "" || heat.Line(9) != "" || heat.Lines() != 4 {
		t.Errorf("lines of the file are wrong: %q", heat.Line(2))
	}
}

func TestRender(t *testing.T) {
	d := New("WF0101", span("T + x"), "units do not match").Labelled("in this sum").
		With(span("x"), "declared in m").With(Span{heat, 39, 40}, "also here").
		Note("a sum needs equal units").Replace(span("T + x"), "T", "drop x")
	want := `error WF0101: units do not match
 --> heat.wf:2:9
  |
1 | grid g { x: 8 }
  |          - declared in m
2 | let é = T + x
  |         ^^^^^ in this sum
3 | let b = T
  |         - also here
  = note: a sum needs equal units
  = help: drop x
`
	got := d.Render(Style{})
	if squeeze(got) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	colored := d.Render(Style{Color: true})
	if !strings.Contains(colored, "\x1b[1;31m^^^^^ in this sum\x1b[0m") {
		t.Errorf("the primary mark is not red: %q", colored)
	}
	for _, code := range []string{ansiReset, ansiBold, ansiRed, ansiBlue, ansiCyan, ansiGreen} {
		colored = strings.ReplaceAll(colored, code, "")
	}
	if colored != got {
		t.Errorf("without colours:\n%s\nwant\n%s", colored, got)
	}
	if s := d.Error(); s != "heat.wf:2:9: error WF0101: units do not match" {
		t.Errorf("Error() = %q", s)
	}
}

// squeeze drops the width of the gutter, which depends on the line numbers.
func squeeze(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if i := strings.Index(l, "|"); i >= 0 {
			l = strings.TrimSpace(l[:i]) + l[i:]
		}
		out = append(out, strings.TrimLeft(l, " "))
	}
	return strings.Join(out, "\n")
}

// TestRenderLongLine: the mark of a cut line stands under its text.
func TestRenderLongLine(t *testing.T) {
	f := NewFile("long.wf", strings.Repeat("a ", 5000)+"BAD\x1b[31m"+strings.Repeat(" b", 5000))
	i := strings.Index(f.Text, "BAD")
	lines := strings.Split(New("WF0101", Span{f, i, i + 3}, "bad").Render(Style{}), "\n")
	col := strings.Index(lines[4], "^^^")
	if len(lines[3]) > maxLine+20 || col < 0 || lines[3][col:col+3] != "BAD" || strings.Contains(lines[3], "\x1b") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

func TestRenderWithoutPlace(t *testing.T) {
	var l List
	l.Warnf("WF0101", Span{}, "no place")
	var b strings.Builder
	if err := l.Render(&b, Style{}); err != nil {
		t.Fatal(err)
	}
	if b.String() != "warning WF0101: no place\n\n1 warning\n" {
		t.Errorf("got %q", b.String())
	}
	if l.Err() != nil || l.HasErrors() {
		t.Error("a warning is an error")
	}
}

func TestListSortsAndDeduplicates(t *testing.T) {
	var l List
	other := NewFile("a.wf", "x")
	l.Errorf("WF0102", span("b"), "second")
	l.Errorf("WF0101", Span{}, "no place comes last")
	l.Errorf("WF0101", span("T + x"), "first")
	l.Errorf("WF0102", span("b"), "second")
	l.Errorf("WF0104", Span{other, 0, 1}, "file a")
	var got []string
	for _, d := range l.Sorted() {
		got = append(got, d.Message)
	}
	if s := strings.Join(got, ", "); s != "file a, first, second, no place comes last" {
		t.Errorf("order: %s", s)
	}
	if l.Summary() != "5 errors" || l.Sorted().Summary() != "4 errors" {
		t.Errorf("summary %q", l.Summary())
	}
	if err := l.Err(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("Err() = %v", err)
	}
}

func TestJSON(t *testing.T) {
	var l List
	l.Errorf("WF0101", span("x"), "m").Labelled("here").With(span("b"), "there").Note("n").Replace(span("x"), "", "drop it")
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"code":"WF0101","severity":"error","message":"m",` +
		`"at":{"file":"heat.wf","start":9,"end":10,"line":1,"column":10,"end_line":1,"end_column":11,"label":"here"},` +
		`"related":[{"file":"heat.wf","start":35,"end":36,"line":3,"column":5,"end_line":3,"end_column":6,"label":"there"}],` +
		`"notes":["n"],"suggestion":{"text":"drop it",` +
		`"at":{"file":"heat.wf","start":9,"end":10,"line":1,"column":10,"end_line":1,"end_column":11},"new":""}}]`
	if string(data) != want {
		t.Errorf("got\n%s\nwant\n%s", data, want)
	}
	if data, err := json.Marshal(List(nil)); err != nil || string(data) != "[]" {
		t.Errorf("empty list: %s, %v", data, err)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"field", "fn", "param", "periodic", "temperature"}
	for name, want := range map[string]string{
		"feild": "field", "prm": "", "param": "", "periodc": "periodic", "temprature": "temperature", "x": "", "fm": "fn", "zzzzz": "",
	} {
		got, ok := Nearest(name, words)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	a, b := span("x"), span("b")
	if s := b.To(a); s.Start != a.Start || s.End != b.End {
		t.Errorf("To: %+v", s)
	}
	if a.To(Span{}) != a || (Span{}).To(a) != a {
		t.Error("the zero span is not neutral")
	}
	if a.Text() != "x" || (Span{}).Text() != "" || (Span{heat, 5, 1000}).Text() != "" {
		t.Error("Text is wrong")
	}
}
