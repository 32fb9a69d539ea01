package diag

import (
	"sort"
	"strings"
)

// Entry explains one code. Text says what the message means, why the rule
// exists and how to mend the program; Example shows a faulty and a correct
// fragment.
type Entry struct {
	Code    string
	Title   string
	Text    string
	Example string
}

// tables lists the levels in the order of the pipeline. The number ranges are
// WF01xx syntax, WF02xx and WF03xx checking, WF04xx and WF05xx target, WF06xx
// running, WF07xx the texts and verifiers of the IRs.
var tables = [][]Entry{syntaxCodes, checkCodes, targetCodes, ascending(runCodes, solveCodes, trainCodes, gradCodes), irCodes}

var byCode = func() map[string]*Entry {
	m := map[string]*Entry{}
	for _, t := range tables {
		for i := range t {
			m[t[i].Code] = &t[i]
		}
	}
	return m
}()

// Lookup returns the entry of a code. The code may be written in lower case.
func Lookup(code string) (Entry, bool) {
	e, ok := byCode[strings.ToUpper(strings.TrimSpace(code))]
	if !ok {
		return Entry{}, false
	}
	return *e, true
}

// Explain returns the long explanation of a code as `wfc explain` prints it.
func Explain(code string) (string, bool) {
	e, ok := Lookup(code)
	if !ok {
		return "", false
	}
	var b strings.Builder
	b.WriteString(e.Code + ": " + e.Title + "\n\n" + wrap(strings.TrimSpace(e.Text)) + "\n")
	if ex := strings.Trim(e.Example, "\n"); ex != "" {
		b.WriteString("\nExample:\n\n")
		for _, line := range strings.Split(ex, "\n") {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
	}
	return b.String(), true
}

// textWidth is the width of explanations in bytes.
const textWidth = 100

// wrap fills paragraphs to textWidth; an indented line stays as it is.
func wrap(text string) string {
	var out []string
	fill := false // the last line goes on
	for _, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "- ") {
			out, fill = append(out, line), strings.HasPrefix(line, "- ")
			continue
		}
		for _, w := range strings.Fields(line) {
			if last := len(out) - 1; fill && len(out[last])+1+len(w) <= textWidth {
				out[last] += " " + w
			} else {
				out, fill = append(out, w), true
			}
		}
	}
	return strings.Join(out, "\n")
}

// Codes returns every registered code in ascending order.
func Codes() []string {
	var out []string
	for _, t := range tables {
		for _, e := range t {
			out = append(out, e.Code)
		}
	}
	sort.Strings(out)
	return out
}
