package lower_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/dsl/lower"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// TestGolden compares what programs lower to with out.wfir of their archives. UPDATE=1 rewrites them; look at the difference.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no archives")
	}
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var src, want string
		for _, f := range a.Files {
			switch f.Name {
			case "in.wf":
				src = string(f.Data)
			case "out.wfir":
				want = string(f.Data)
			}
		}
		file, errs := syntax.Parse("in.wf", src)
		p, more := check.Check(file, check.Options{})
		errs.Append(more)
		if p == nil || errs.HasErrors() {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		out := lower.Program(p)
		if err := ir.Verify(out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := ir.Print(out)
		if got == want {
			continue
		}
		if os.Getenv("UPDATE") == "" {
			t.Errorf("%s: out.wfir differs (UPDATE=1 rewrites it):\n%s", name, got)
			continue
		}
		a.Files = []txtar.File{{Name: "in.wf", Data: []byte(src)}, {Name: "out.wfir", Data: []byte(got)}}
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
