package train

import (
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc"
)

// Every model of models/ has a definite verdict at a size that fits the PEs of the machine: training and inference, network and code.
// Larger ones have that of the network, or none before they are cut down (docs/training.md).
func TestModelsCannotHang(t *testing.T) {
	tiny := map[string]string{"ctx": "2", "vocab": "5", "layers": "1", "batch_size": "1"}
	for model, set := range map[string]map[string]string{
		"gpt2.wf":         {"d": "4", "heads": "2"},
		"cerebras_gpt.wf": {"d": "4", "heads": "2", "base": "4"},
		"llama.wf":        {"d": "8", "groups": "1", "rep": "2", "ffn": "8"},
		"btlm.wf": {"d": "4", "heads": "2", "ffn": "4", "base": "4", "context_1": "2", "context_2": "2", "batch_1": "1", "batch_2": "1",
			"micro": "1"},
		"celerity.wf": {"d": "4", "heads": "2", "base": "4"},
	} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			for k, v := range tiny {
				if k != "batch_size" || set["micro"] == "" {
					set[k] = v
				}
			}
			src, err := wfc.ReadSource(filepath.Join("..", "..", "models", model))
			if err != nil {
				t.Fatal(err)
			}
			p, err := wfc.Build(src, wfc.BuildOptions{Set: set})
			if err != nil {
				t.Fatal(err)
			}
			if p.Refusal != nil {
				t.Fatal(p.Refusal)
			}
			if v := p.Report().Wafer.Verdict; v.Network.Kind != "free" || v.Machine.Kind != "free" || len(v.Races) > 0 {
				t.Errorf("verdict %+v", *v)
			}
		})
	}
}
