package verdict

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/target/wse"
)

// Programs that pass wse.Check get a verdict, whatever they are, in bounded time, and it is right.
func TestHostile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.wse")
	if err != nil {
		t.Fatal(err)
	}
	var texts [][]string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "loop.wse") {
			texts = append(texts, strings.FieldsFunc(string(b), func(r rune) bool { return r == ' ' }))
		}
	}
	legal := 0
	for seed := uint64(1); seed <= 8000; seed++ {
		r := rand.New(rand.NewPCG(seed, 3))
		words := append([]string(nil), texts[r.IntN(len(texts))]...)
		for range 1 + r.IntN(2) {
			i, j := r.IntN(len(words)), r.IntN(len(words))
			switch r.IntN(4) {
			case 0:
				words[i] = words[j]
			case 1:
				words[i], words[j] = words[j], words[i]
			case 2:
				words = append(words[:i], words[i+1:]...)
			case 3:
				words[i] = []string{"0", "1", "2", "9", "ramp", "east", "west", "blocked", "async", "exit", "64"}[r.IntN(11)]
			}
		}
		src := strings.Join(words, " ")
		p, err := wse.Parse("hostile", src)
		if err != nil {
			continue
		}
		m, err := wse.Profile(p.Machine)
		if err != nil {
			continue
		}
		begin := time.Now()
		v, err := Judge(p, m, Options{})
		if err != nil {
			continue
		}
		legal++
		_ = v.String()
		p.Script = slices.DeleteFunc(p.Script, func(d wse.Directive) bool { return d.Kind != wse.DoLaunch })
		if len(p.Script) > 0 && (v.Kind == Free && len(v.Races) == 0 || v.Kind == Deadlocks) {
			if end := simulate(p, m.Smallest()); (end == nil) != (v.Kind == Free) {
				t.Errorf("seed %d: the simulator says %v, and the verdict is %v\n%s", seed, end, v, src)
			}
		}
		if d := time.Since(begin); d > 20*time.Second {
			t.Errorf("seed %d takes %v\n%s", seed, d, src)
		}
	}
	t.Log(legal, "programs judged")
	if legal < 300 {
		t.Error("too few legal programs")
	}
}
