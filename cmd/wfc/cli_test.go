package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"wfc": func() { os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr)) },
	})
}

// The scripts of tests/cli, one per subcommand. UPDATE_SNAPSHOTS=1 rewrites what they compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "../../tests/cli", RequireExplicitExec: true, UpdateScripts: os.Getenv("UPDATE_SNAPSHOTS") != "",
		Setup: func(e *testscript.Env) error {
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			e.Setenv("REPO", dir+"/../..")
			e.Setenv("WFC_CACHE", t.TempDir())
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "llvm" {
				return false, fmt.Errorf("unknown condition %s", cond)
			}
			return len(native.All()) > 0, nil
		}})
}

func TestIntersperse(t *testing.T) {
	app := newApp(os.Stdout, os.Stderr)
	cases := []struct{ in, want string }{
		{"wfc run heat.wf --set nx=8", "wfc run --set nx=8 -- heat.wf"},
		{"wfc run --json heat.wf --set nx=8 --out=o", "wfc run --json --set nx=8 --out=o -- heat.wf"},
		{"wfc fmt a.wf -w b.wf", "wfc fmt -w -- a.wf b.wf"},
		{"wfc fmt - -d", "wfc fmt -d -- -"},
		{"wfc machine show wse2 --json", "wfc machine show --json -- wse2"},
		{"wfc build a.wf -o b.wfx", "wfc build -o b.wfx -- a.wf"},
		{"wfc check -- -odd.wf --json", "wfc check -- -odd.wf --json"},
		{"wfc run -h", "wfc run --help"},
		{"wfc check a.wf --help", "wfc check --help"},
		{"wfc train m.wf --data a b c.tok --val v w -q", "wfc train --data a --data b --data c.tok --val v --val w -q -- m.wf"},
		{"wfc train --data a b m.wf --set x=1 y", "wfc train --data a --data b --set x=1 -- m.wf y"},
		{"wfc run - --json", "wfc run --json -- -"},
		{"wfc rum x", "wfc rum x"},
		{"wfc", "wfc"},
	}
	for _, c := range cases {
		got, err := intersperse(app, strings.Fields(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", c.in, d)
		}
	}
	if _, err := intersperse(app, strings.Fields("wfc run heat.wf --set")); err == nil {
		t.Error("a flag without its value was accepted")
	}
}

// Every command explains itself.
func TestHelp(t *testing.T) {
	ask := func(args ...string) {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"wfc"}, args...), &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), "USAGE:") {
			t.Errorf("%q: exit code %d\n%s%s", args, code, &stdout, &stderr)
		}
	}
	for _, c := range newApp(os.Stdout, os.Stderr).Commands {
		ask(c.Name, "--help")
		ask("help", c.Name)
		for _, s := range c.Subcommands {
			ask(c.Name, s.Name, "--help")
		}
	}
}

// Ctrl-C ends a compilation at once.
func TestInterruptedBuild(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	out := filepath.Join(t.TempDir(), "x.wfx")
	model := filepath.Join("..", "..", "models", "cahn_hilliard.wf") // about a second
	if code := run(ctx, []string{"wfc", "build", model, "-o", out}, &stdout, &stderr); code != exitInterrupted {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
}

// Ctrl-C ends a run with exit code 130, what was written so far, and a document that says so.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "long.wf")
	text := "grid g { x: 0 .. 1 in 64; y: 0 .. 1 in 64 }\nfield T on g = x\nevolve n in 0 .. 100000000 { T' = T }\noutput T every 1000000000 steps as npy\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"interp", "wse"} {
		out := filepath.Join(dir, target)
		ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
		var stdout, stderr bytes.Buffer
		code := run(ctx, []string{"wfc", "run", path, "--target", target, "--json", "--out", out}, &stdout, &stderr)
		cancel()
		if code != exitInterrupted || !strings.Contains(stdout.String(), `"interrupted": true`) {
			t.Errorf("%s: exit code %d\n%s%s", target, code, &stdout, &stderr)
		}
		if _, err := os.Stat(filepath.Join(out, "T_000000.npy")); err != nil {
			t.Error(err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		want int
	}{{"wfc explain WF0602", exitOK}, {"wfc explain WF9999", exitUsage}, {"wfc run --frob x", exitUsage}, {"wfc run no.wf", exitFailed}, {"wfc nope", exitUsage}, {"wfc", exitOK}} {
		var out bytes.Buffer
		if got := run(context.Background(), strings.Fields(c.args), &out, &out); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
