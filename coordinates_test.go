package wfc_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
)

// Under muP a few steps move layers and logits as far in a wide model as in a narrow one, under the standard parametrisation farther; the
// table says so.
func TestCoordinateCheckOfWidth(t *testing.T) {
	src, err := wfc.ReadSource("models/cerebras_gpt.wf")
	if err != nil {
		t.Fatal(err)
	}
	data := written(t, t.TempDir(), text(600))
	for _, c := range []struct {
		rules    string
		low, top float64
	}{{"sp", 0.4, 10}, {"mup", -0.4, 0.3}} {
		set := map[string]string{"parametrisation": c.rules, "base": "16", "heads": "2", "layers": "1", "ctx": "8", "batch_size": "1", "warm": "0", "lr": "1e-2"}
		table, err := wfc.CheckCoordinates(context.Background(), src, wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Set: set, Steps: 3}, "d", []string{"16", "64"})
		if err != nil {
			t.Fatal(err)
		}
		_, moved, ok := strings.Cut(table, "moved by 3 steps")
		lines := strings.Split(strings.TrimSpace(moved), "\n")
		if !ok || len(lines) != 3 || !strings.Contains(lines[1], "layer 1") || !strings.Contains(lines[2], "logits") {
			t.Fatal(table)
		}
		f := strings.Fields(lines[1])
		if v, err := strconv.ParseFloat(f[len(f)-1], 64); err != nil || v < c.low || v > c.top {
			t.Errorf("%s:\n%s", c.rules, table)
		}
	}
	if _, err := wfc.CheckCoordinates(context.Background(), src, wfc.TrainOptions{Data: []string{data}}, "d", []string{"wide"}); err == nil || !strings.Contains(err.Error(), "WF0206") {
		t.Error(err)
	}
}
