package verify

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
)

// generation is one step of the game of life on a board of n x m cells whose outermost cells are dead.
func generation(old []float32, n, m int) []float32 {
	next := make([]float32, len(old))
	for i := 1; i < n-1; i++ {
		for j := 1; j < m-1; j++ {
			around := float32(0)
			for di := -1; di <= 1; di++ {
				for dj := -1; dj <= 1; dj++ {
					if di != 0 || dj != 0 {
						around += old[(i+di)*m+j+dj]
					}
				}
			}
			if around == 3 || around == 2 && old[i*m+j] == 1 {
				next[i*m+j] = 1
			}
		}
	}
	return next
}

// board compares a field with a host run.
func board(t *testing.T, f fields, want []float32, m int) {
	t.Helper()
	alive := 0
	for i, v := range want {
		if got := f.flat("cell", i); got != float64(v) {
			t.Fatalf("cell[%d,%d] is %v on %s, the host has %v", i/m, i%m, got, f.target, v)
		}
		alive += int(v)
	}
	if alive == 0 {
		t.Error("the board died out: this test shows nothing")
	}
}

// V20: the glider of models/life.wf after 40 steps, one cell per PE and in blocks.
func TestV20Glider(t *testing.T) {
	src, err := wfc.ReadSource("../../models/life.wf")
	if err != nil {
		t.Fatal(err)
	}
	const n, steps = 18, 40
	want := make([]float32, n*n)
	for _, c := range [][2]int{{2, 3}, {3, 4}, {4, 2}, {4, 3}, {4, 4}} {
		want[c[0]*n+c[1]] = 1
	}
	start := want
	for range steps {
		want = generation(want, n, n)
	}
	for i := range start { // four steps carry a glider one cell along the diagonal
		if x, y := i/n, i%n; x+steps/4 < n && y+steps/4 < n && start[i] != want[(x+steps/4)*n+y+steps/4] {
			t.Fatalf("the host's glider is wrong at (%d, %d)", x, y)
		}
	}
	set := map[string]string{"n": fmt.Sprint(n), "steps": fmt.Sprint(steps)}
	for _, w := range []int{n, 5} {
		board(t, onAll(t, src, set, "wse2", w, w), want, n)
	}
}

// V20: a random start, read from a file, on a board that is no square.
func TestV20RandomStart(t *testing.T) {
	const n, m, steps = 20, 27, 30
	src := strings.Replace(model(t, "life.wf"), "x: n; y: n", fmt.Sprintf("x: %d; y: %d", n, m), 1)
	from, to := strings.Index(src, "field cell"), strings.Index(src, "bc cell")
	src = src[:from] + "field cell on board = load(\"start.npy\")\n" + src[to:]
	r := rand.New(rand.NewPCG(20, 27))
	want := make([]float32, n*m)
	for i := 1; i < n-1; i++ {
		for j := 1; j < m-1; j++ {
			want[i*m+j] = float32(r.IntN(2))
		}
	}
	dir := t.TempDir()
	save(t, dir, "start.npy", want, n, m)
	for range steps {
		want = generation(want, n, m)
	}
	set := map[string]string{"steps": fmt.Sprint(steps)}
	for _, on := range []struct {
		machine string
		w, h    int
	}{{"wse2", n, m}, {"wse3", 7, 4}} {
		board(t, onAll(t, wfc.Source{Name: "life.wf", Text: src, Dir: dir}, set, on.machine, on.w, on.h), want, m)
	}
}
