package report

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is a halo along x of a large mesh.
func sample(w, h int) *Report {
	r := &Report{Program: "heat <1>", Source: "heat.wf", Status: "fits", Suggestions: []string{"use blocks"},
		Axes: []Axis{{Name: "x", N: w, Dim: "x", Parts: w}}, Params: []Param{{Name: "nx", Value: float64(w), Shape: true}},
		Diagnostics: []Diagnostic{{Code: "WF0401", Severity: "error", Message: "too <large>", Line: 3, Col: 1, Notes: []string{"by 8 B"}, Suggestion: "make nz smaller"}}}
	q := []Queue{{ID: 2, Dir: "in", Colors: []int{0, 2}, Channel: "x+"}}
	mem := []MemoryItem{{Name: "T", Kind: "state", Elem: "f32", Len: 100, Bytes: 400, Address: 0}, {Name: "code", Kind: "code", Bytes: 900, Address: 400, Bank: 0}}
	r.Wafer = &Wafer{Machine: "wse2", W: w, H: h,
		Classes: []Class{
			{Name: "west", X: Range{0, 1, 1}, Y: Range{0, h, 1}, PEs: h, Limit: 49152, Used: 1300, Memory: mem, Queues: q},
			{Name: "even", X: Range{1, w, 2}, Y: Range{0, h, 1}, PEs: h * w / 2, Limit: 49152, Used: 50000, Memory: mem},
			{Name: "odd", X: Range{2, w, 2}, Y: Range{0, h, 1}, PEs: h * w / 2, Limit: 49152, Used: 1300, Memory: mem, Tasks: []Task{{ID: 9, Name: "main", Kind: "local"}}},
		},
		Colors:  []Color{{ID: 0, Name: "x+ even", Channel: "x+", Routes: []Route{{Range{0, w, 2}, Range{0, h, 1}, []string{"R"}, []string{"E"}}, {Range{1, w, 2}, Range{0, h, 1}, []string{"W"}, []string{"R", "N"}}}}},
		Budgets: []Budget{{Name: "memory", Used: 50000, Limit: 49152, Unit: "B", Where: "even"}, {Name: "colors", Used: 4, Limit: 21}},
		Ops:     []Operation{{Class: "west", Func: "step", Text: "add", Cycles: 5, Runs: 2, Elements: 3}, {Class: "odd", Func: "step", Text: "mul", Cycles: 9, Runs: 2, Line: 7, Estimate: true}},
		Cycles:  []Cycles{{Func: "step", Cycles: 1234567, Estimate: true}},
	}
	r.Wafer.Rank()
	return r
}

func TestJSONReadsBack(t *testing.T) {
	b, err := sample(9, 4).JSON()
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	c, err := r.JSON()
	if err != nil || string(b) != string(c) {
		t.Errorf("not the same after reading back: %v", err)
	}
	if r.Schema != Schema || r.Wafer.Worst[0] != 1 {
		t.Errorf("schema %d, worst %v", r.Schema, r.Wafer.Worst)
	}
	if strings.Contains(string(b), "null") {
		t.Errorf("a list is null:\n%s", b)
	}
}

// The drawings must be well-formed, and a large mesh must not give a larger page.
func TestHTML(t *testing.T) {
	small, err := sample(9, 4).HTML()
	if err != nil {
		t.Fatal(err)
	}
	large, err := sample(750, 994).HTML()
	if err != nil {
		t.Fatal(err)
	}
	if len(large) > 2*len(small) {
		t.Errorf("%d bytes for 9 x 4 PEs, %d for 750 x 994", len(small), len(large))
	}
	for _, want := range []string{"heat &lt;1&gt;", "too &lt;large&gt;", "make nz smaller", "use blocks", "color 0: x&#43; even", "1..749 by 2", "PE (749, 0)", "50\u202f000 B"} {
		if !strings.Contains(string(large), want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, page := range [][]byte{small, large} {
		s := string(page)
		if strings.Contains(s, "ZgotmplZ") {
			t.Error("a style was refused by the template")
		}
		for n := 0; ; n++ {
			i := strings.Index(s, "<svg")
			if i < 0 {
				if n < 5 {
					t.Errorf("only %d drawings", n)
				}
				break
			}
			j := strings.Index(s[i:], "</svg>")
			d := xml.NewDecoder(strings.NewReader(s[i : i+j+6]))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("drawing %d: %v", n, err)
				}
			}
			s = s[i+j+6:]
		}
		if strings.Contains(string(page), "<script") || strings.Contains(string(page), "http") {
			t.Error("the page needs something from outside")
		}
	}
	if dir := os.Getenv("WFC_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "report.html"), large, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// A build that failed early has a report all the same.
func TestEmptyReport(t *testing.T) {
	r := &Report{Program: "p", Status: "failed", Diagnostics: []Diagnostic{{Code: "WF0101", Severity: "error", Message: "m"}}}
	b, err := r.HTML()
	if err != nil || !strings.Contains(string(b), "WF0101") {
		t.Errorf("%v", err)
	}
	if _, err := r.JSON(); err != nil {
		t.Error(err)
	}
}

func TestPositions(t *testing.T) {
	// Every stretch between borders is represented, with as many positions as steps need.
	m := positions(1000, []Range{{0, 1, 1}, {1, 999, 1}, {999, 1000, 1}, {1, 999, 2}})
	want := []int{0, 1, 2, 998, 999}
	for _, p := range want {
		found := false
		for _, q := range m.pos {
			found = found || p == q
		}
		if !found {
			t.Errorf("position %d is not shown: %v", p, m.pos)
		}
	}
	if len(m.pos) > 10 {
		t.Errorf("too many positions: %v", m.pos)
	}
	if m := positions(5, nil); len(m.pos) != 5 {
		t.Errorf("a small mesh is not drawn whole: %v", m.pos)
	}
}
