package report

import (
	"slices"
	"strings"
	"testing"
)

func TestAdvise(t *testing.T) {
	r := &Report{Axes: []Axis{{Name: "x", N: 20, Dim: "x", Parts: 8}, {Name: "y", N: 16, Dim: "y", Parts: 8}, {Name: "z", N: 5, Dim: "mem"}},
		Wafer: &Wafer{Budgets: []Budget{{Name: "memory", Used: 40000, Limit: 49152, Unit: "B", Where: "class a"}, {Name: "colors", Used: 16, Limit: 21},
			{Name: "PEs east", Used: 750, Limit: 750}},
			Ops: []Operation{{Text: "a", Elements: 5, Cycles: 10, Runs: 6}, {Text: "b", Elements: 500, Cycles: 5, Runs: 4}}}}
	r.Advise()
	want := []string{"memory: 40000 of 49152 B are used (class a)", "axis x: 20 points on 8 PEs make blocks of 2 and 3", "75 % of the cycles are in operations of fewer"}
	if len(r.Suggestions) != len(want) {
		t.Fatalf("%q", r.Suggestions)
	}
	for i := range want {
		if !strings.HasPrefix(r.Suggestions[i], want[i]) {
			t.Errorf("%q, want %q", r.Suggestions[i], want[i])
		}
	}
}

// An operation that all classes share is one of the five worst once.
func TestRankMergesClasses(t *testing.T) {
	w := &Wafer{Ops: []Operation{{Class: "a", Text: "mul", Cycles: 5, Runs: 1}, {Class: "b", Text: "mul", Cycles: 7, Runs: 1}, {Class: "a", Text: "add", Cycles: 6, Runs: 1},
		{Class: "a", Text: "idle", Runs: 1}}}
	w.Rank()
	if !slices.Equal(w.Worst, []int{1, 2}) || w.classes(w.Ops[1]) != 2 {
		t.Errorf("%v", w.Worst)
	}
}
