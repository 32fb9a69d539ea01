package sim

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
)

// Any text ends in a run, an explained error or the cycle limit, never a panic.
func FuzzSim(f *testing.F) {
	files, _ := filepath.Glob("../examples/*.wse")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(pair)
	f.Add(halo(3, 2, 5, 2))
	f.Fuzz(func(t *testing.T, src string) {
		p, err := wse.Parse("", src)
		if err != nil || p.W*p.H > 64 {
			return
		}
		if len(p.Script) == 0 {
			p.Script = []wse.Directive{{Kind: wse.DoLaunch, Args: []int32{1, 2, 3}}}
		}
		m, err := wse.Profile("wse3")
		if p.Machine == "wse2" {
			m, err = wse.Profile("wse2")
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(p, m, Options{MaxCycles: 3000})
		if err != nil {
			return
		}
		_ = s.RunScript(context.Background(), io.Discard)
	})
}
