package validate

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "run every row and write docs/validation.json and docs/validation.md")

var docs = filepath.Join("..", "..", "..", "docs")

// The page and the results in docs are what the rows give now. Slow rows are taken from the committed results; -update runs them.
func TestCommittedPage(t *testing.T) {
	rows := Rows()
	old := map[string]Result{}
	jsonFile, pageFile := filepath.Join(docs, "validation.json"), filepath.Join(docs, "validation.md")
	if b, err := os.ReadFile(jsonFile); err == nil {
		var list []Result
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			old[r.ID] = r
		}
	} else if !*update {
		t.Fatal(err)
	}
	var results []Result
	for _, r := range rows {
		if r.Slow && !*update {
			o, ok := old[r.ID]
			if !ok || o.Published != r.Published {
				t.Fatalf("%s is not in docs/validation.json as it is now: run make validate", r.ID)
			}
			results = append(results, o)
			continue
		}
		res, err := Measure(r)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, res)
	}
	js, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	js = append(js, '\n')
	page := Page(rows, results)
	if *update {
		if err := os.WriteFile(jsonFile, js, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pageFile, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d rows, median ratio %.3f", len(rows), Median(results))
		return
	}
	for _, f := range []struct{ name, want string }{{jsonFile, string(js)}, {pageFile, page}} {
		got, err := os.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != f.want {
			t.Errorf("%s is stale: run make validate. First difference:\n%s", f.name, firstDiff(string(got), f.want))
		}
	}
}

func firstDiff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "file: " + g[i] + "\nnow:  " + w[i]
		}
	}
	return "one is longer"
}

// Every row is distinct, belongs to a section and, when it misses its aim, says why.
func TestRowsAreExplained(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(docs, "validation.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []Result
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	results := map[string]Result{}
	for _, r := range list {
		results[r.ID] = r
	}
	seen := map[string]bool{}
	for _, r := range Rows() {
		if seen[r.ID] {
			t.Errorf("two rows %s", r.ID)
		}
		seen[r.ID] = true
		known := false
		for _, s := range Sections {
			known = known || s.Key == r.Section
		}
		if !known || r.Source == "" || r.What == "" || r.Published <= 0 {
			t.Errorf("row %s is incomplete", r.ID)
		}
		if res, ok := results[r.ID]; ok && !res.Meets(r.Kind.Aim()) && r.Note == "" {
			t.Errorf("row %s has ratio %.3f and no note", r.ID, res.Ratio())
		}
	}
}

// A changed constant changes the rows that use it: the comparison is not of a number with itself.
func TestRowsDependOnTheMachine(t *testing.T) {
	for _, c := range []struct {
		row, key string
		value    int64
		more     float64
	}{{"copy-f16", "rate.copy.f16.ticks", 250, 448}, {"bcast-16-16", "hop.cycles", 2, 15}, {"chain-4-1", "ramp.in.cycles", 3, 3}} {
		for _, r := range Rows() {
			if r.ID != c.row {
				continue
			}
			m, err := r.machine()
			if err != nil {
				t.Fatal(err)
			}
			a, err := r.Cycles(m)
			if err != nil {
				t.Fatal(err)
			}
			if m, err = m.With(c.key, c.value); err != nil {
				t.Fatal(err)
			}
			b, err := r.Cycles(m)
			if err != nil || b-a != c.more {
				t.Errorf("%s with %s = %d: %g cycles more, want %g (%v)", c.row, c.key, c.value, b-a, c.more, err)
			}
		}
	}
}
