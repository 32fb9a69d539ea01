package native

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

// build compiles text to a shared object in the cache and returns its path. The same text, tools and processor give the same file; several
// processes may build it at once.
func (t *Toolchain) build(ctx context.Context, text, cache string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "wfc-cpu 1\n%s\n%s\n%q\n%s\n", t.id, Processor(), t.Commands("."), text)
	so := filepath.Join(cache, fmt.Sprintf("%x.so", h.Sum(nil)[:20]))
	if whole(so) {
		return so, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("kernel cache: %w", err)
	}
	dir, err := os.MkdirTemp(cache, "build-*")
	if err != nil {
		return "", fmt.Errorf("kernel cache: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "k.ll"), []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("kernel cache: %w", err)
	}
	for _, c := range t.Commands(dir) {
		cmd := exec.CommandContext(ctx, c[0], c[1:]...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			d := diag.New("WF0591", diag.Span{}, "the LLVM tool chain could not compile the program: %s: %v", filepath.Base(c[0]), err)
			for _, l := range firstLines(out.String(), 6) {
				d.Note("%s", l)
			}
			return "", d.Suggest("choose another LLVM, or report this with the output of PrintLLVM")
		}
	}
	if err := keep(filepath.Join(dir, "k.so"), so); err != nil {
		return "", fmt.Errorf("kernel cache: %w", err)
	}
	return so, nil
}

// keep gives a compiled file its place in the cache, with its checksum beside it.
func keep(from, so string) error {
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(from+sumExt, sumOf(b), 0o644)
	}
	if err == nil {
		err = os.Rename(from, so)
	}
	if err == nil {
		err = os.Rename(from+sumExt, so+sumExt)
	}
	return err
}

const sumExt = ".sum"

func sumOf(b []byte) []byte { return fmt.Appendf(nil, "%x\n", sha256.Sum256(b)) }

// whole says that a file in the cache is what was put there: a full disk or a crash may have left part of one, which would end the process that loads it.
func whole(so string) bool {
	b, err := os.ReadFile(so)
	if err != nil {
		return false
	}
	sum, err := os.ReadFile(so + sumExt)
	return err == nil && bytes.Equal(sum, sumOf(b))
}

func firstLines(s string, n int) []string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[:min(n, len(lines))]
}

// cacheDir is where compiled kernels are kept.
func cacheDir() (string, error) {
	if d := os.Getenv("WFC_CACHE"); d != "" {
		return d, nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("kernel cache: %w (set WFC_CACHE to a directory)", err)
	}
	return filepath.Join(d, "wfc"), nil
}
