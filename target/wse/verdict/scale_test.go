package verdict_test

import (
	"testing"
	"time"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/target/wse/verdict"
)

// Large meshes are cut to what is different.
func TestScale(t *testing.T) {
	for _, src := range []struct {
		name, text string
		w, h       int
	}{
		{"plain", "grid g nodes { x: 700; y: 900; z: 20 }\nfield T on g = 1\nbc T { all: T = 0 }\nevolve k in 0 .. 3 { T'[x,y,z] = 0.4*T[x,y,z] + 0.1*T[x+1,y,z] + 0.2*T[x,y-1,z] }\n", 700, 900},
		{"ring", "grid g nodes { x: 700 periodic; y: 900 periodic; z: 20 }\nbc T { z: T = 0 }\nfield T on g = 1\nevolve k in 0 .. 3 { T'[x,y,z] = 0.4*T[x,y,z] + 0.1*T[x+1,y,z] + 0.2*T[x,y-1,z] }\n", 700, 900},
		{"wide", "grid g nodes { x: 700; y: 900; z: 20 }\nfield T on g = 1\nbc T { all: T = 0 }\nevolve k in 0 .. 3 { T'[x,y,z] = 0.4*T[x,y,z] + 0.1*T[x+3,y,z] + 0.2*T[x,y-2,z] }\n", 700, 900},
	} {
		p, m := compiled(t, wfc.Source{Name: src.name + ".wf", Text: src.text}, wfc.BuildOptions{MeshW: src.w, MeshH: src.h})
		if p == nil {
			t.Errorf("%s does not fit", src.name)
			continue
		}
		begin := time.Now()
		v, err := judge(t, p, p.Code, m)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d x %d, %d PEs executed: %s, %v", src.name, p.Code.W, p.Code.H, v.PEs, v.Summary(), time.Since(begin))
		if v.Kind != verdict.Free || len(v.Races) > 0 || v.PEs > 8192 {
			t.Errorf("%s: %v", src.name, v)
		}
	}
}
