package bigram

import "testing"

func TestPrograms(t *testing.T) {
	for _, c := range []Config{{Vocab: 5, Batch: 2, Context: 3, Steps: 4, LR: 1}, {Vocab: 5, Batch: 2, Context: 3, Steps: 4, LR: 1, Accumulate: 2, Half: true}} {
		prog, plan, err := c.Program()
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Check(prog); err != nil {
			t.Error(err)
		}
	}
}
