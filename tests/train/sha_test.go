package train

import "testing"

func TestCheckpoint(t *testing.T) {
	for _, a := range []*anchor{&micro, &tiny} {
		w := a.weights()
		if got := a.checkpoint(w); got != a.sha {
			t.Errorf("%s: checkpoint %s, want %s", a.name, got, a.sha)
		}
		if w["wte"][0] != -0.01868417 {
			t.Errorf("%s: first weight %g", a.name, w["wte"][0])
		}
	}
	x, y := tokens()
	if len(x) != 256 || len(y) != 256 || len(alphabet) != vocab {
		t.Error(len(x), len(y), len(alphabet))
	}
}
