package sim

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
)

// The example and the operations of docs/machine-text.md are what the parser takes.
func TestMachineTextPage(t *testing.T) {
	b, err := os.ReadFile("../../../docs/machine-text.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	_, rest, _ := strings.Cut(page, "```\n")
	src, _, _ := strings.Cut(rest, "```")
	src += "route color 3 at x 1..2 y 0..1 rx west tx ramp\nclass sink { at x 1..2 y 0..1 args n array v f32[8] export queue w in 2 color 3\n" +
		"task main local 8 { mov.f32 v[0 : 8] = fab(w, 8) exit } entry main }\n"
	// The page's script comes before the added class; order does not matter for it.
	p := parse(t, "page", strings.Replace(src, "launch 5", "", 1)+"launch 5\nexpect v at x 1..2 y 0..1 = affine 1 + 1*i\n")
	s, err := New(p, profile(t, "wse2"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RunScript(context.Background(), &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range wse.Opcodes() {
		name := strings.TrimPrefix(c.String(), "map.")
		if !strings.Contains(page, name) {
			t.Errorf("docs/machine-text.md does not name %v", c)
		}
	}
}
