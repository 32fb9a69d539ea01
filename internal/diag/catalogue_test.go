package diag

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCatalogue: each code is registered once, in the table of its range, in
// ascending order, and explained.
func TestCatalogue(t *testing.T) {
	ranges := [][]string{{"WF01"}, {"WF02", "WF03"}, {"WF04", "WF05"}, {"WF06"}, {"WF07"}}
	if len(tables) != len(ranges) {
		t.Fatalf("%d tables, %d ranges: give the new level its range here", len(tables), len(ranges))
	}
	form := regexp.MustCompile(`^WF\d{4}$`)
	seen := map[string]bool{}
	for i, table := range tables {
		last := ""
		for _, e := range table {
			if !form.MatchString(e.Code) {
				t.Errorf("%q is not of the form WF0123", e.Code)
				continue
			}
			if seen[e.Code] {
				t.Errorf("%s is registered twice", e.Code)
			}
			seen[e.Code] = true
			in := false
			for _, r := range ranges[i] {
				in = in || strings.HasPrefix(e.Code, r)
			}
			if !in {
				t.Errorf("%s is outside the range %v of its table", e.Code, ranges[i])
			}
			if e.Code < last {
				t.Errorf("%s stands after %s", e.Code, last)
			}
			last = e.Code
			if e.Title == "" || len(e.Text) < 40 {
				t.Errorf("%s needs a title and an explanation", e.Code)
			}
			if e.Example == "" && i < 2 {
				t.Errorf("%s needs an example: the user writes the source it speaks of", e.Code)
			}
			text, ok := Explain(strings.ToLower(e.Code))
			if !ok || !strings.Contains(text, e.Title) {
				t.Errorf("Explain(%s) = %q, %v", e.Code, text, ok)
			}
		}
	}
	if len(Codes()) != len(seen) {
		t.Errorf("Codes() has %d entries, the tables %d", len(Codes()), len(seen))
	}
	if _, ok := Explain("WF9999"); ok {
		t.Error("WF9999 is explained")
	}
}

// TestCodesInUse: the code literals of the program text and the catalogue are
// the same set, so that `wfc explain` knows every code a user can meet.
func TestCodesInUse(t *testing.T) {
	literal := regexp.MustCompile(`"(WF\d{4})"`)
	used := map[string]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || path == filepath.Join(root, "internal", "diag") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range literal.FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range slices.Sorted(maps.Keys(used)) {
		path := used[code]
		if _, ok := Lookup(code); !ok {
			t.Errorf("%s uses %s, which the catalogue does not have", path, code)
		}
	}
	for _, code := range Codes() {
		if used[code] == "" {
			t.Errorf("%s is registered and never given", code)
		}
	}
}
