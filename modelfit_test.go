package wfc

import (
	"context"
	"os"
	"strings"
	"testing"
)

// A model that is larger than the machine is measured and refused before it is lowered: the report says what it takes, and why.
func TestModelsAreMeasured(t *testing.T) {
	read := func(name string) Source {
		b, err := os.ReadFile("models/" + name + ".wf")
		if err != nil {
			t.Fatal(err)
		}
		return Source{Name: name + ".wf", Text: string(b)}
	}
	for _, c := range []struct{ name, preset, words string }{
		{"btlm", "3b-8k", "state of training: 42.3 GB"},
		{"celerity", "3.9b", "smaller preset"},
	} {
		p, err := Build(read(c.name), BuildOptions{Set: map[string]string{"preset": c.preset}})
		if err != nil {
			t.Fatal(err)
		}
		if p.IR != nil || p.Report().Status != "refused" || p.Model == nil || p.Report().Model == nil || firstCode(p.Refusal) != "WF0526" {
			t.Fatalf("%s %s: status %s, refusal %v", c.name, c.preset, p.Report().Status, p.Refusal)
		}
		said := p.Refusal[0].Message + strings.Join(p.Refusal[0].Notes, " ") + p.Refusal[0].Suggestion.Text
		if !strings.Contains(said, c.words) {
			t.Errorf("%s: %s", c.name, said)
		}
		if page, err := p.Report().HTML(); err != nil || !strings.Contains(string(page), "by the published formula") {
			t.Errorf("page of the report: %v", err)
		}
		if !strings.Contains(p.Summary(), "per PE") {
			t.Errorf("summary: %s", p.Summary())
		}
		if _, err := p.Run(context.Background(), RunOptions{}); firstCode(err) != "WF0526" {
			t.Errorf("run of a refused model: %v", err)
		}
		if err := p.Write(&strings.Builder{}); err == nil {
			t.Error("a model that was not compiled was written")
		}
	}
	// The way out that is named is one: the largest microbatches that fit by this count, in a step that sees what it saw.
	for preset, want := range map[string]string{"111m": "--set batch=3 with --set accumulate=40", "256m": "--set batch=1 with --set accumulate=264"} {
		p, err := Build(read("cerebras_gpt"), BuildOptions{Set: map[string]string{"preset": preset}})
		if err != nil || !strings.HasSuffix(p.Refusal[0].Suggestion.Text, want) {
			t.Errorf("%s: %v, want %s (%v)", preset, p.Refusal, want, err)
		}
	}
	p, err := Build(read("celerity"), BuildOptions{Set: map[string]string{"preset": "3.9b"}, IndexOnly: false})
	if err != nil || p.Report().Model.Flops < 2.885e22 || p.Report().Model.Flops > 2.895e22 {
		t.Errorf("celerity 3.9b: %v FLOP, published 2.89e22 (%v)", p.Report().Model.Flops, err)
	}
}
