package native

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	for out, want := range map[string]int{
		"Debian clang version 19.1.7 (3~deb12u1)\nTarget: x86_64-pc-linux-gnu": 19,
		"Debian LLVM version 14.0.6\n  Optimized build.":                       14,
		"Apple clang version 15.0.0 (clang-1500.3.9.4)":                        15,
		"clang version 17.0.6 (Fedora 17.0.6-2.fc39)":                          17,
		"gcc (Debian 12.2.0-14) 12.2.0":                                        0,
	} {
		if got := parseVersion(out); got != want {
			t.Errorf("%q is version %d, want %d", out, got, want)
		}
	}
}

// Text that is not LLVM IR is an error with what the tools say, and leaves nothing.
func TestBadText(t *testing.T) {
	for _, tc := range All() {
		dir := t.TempDir()
		_, err := tc.build(context.Background(), "define void @f() {\n\tfrobnicate\n}\n", dir)
		if err == nil || !strings.Contains(err.Error(), "WF0591") {
			t.Errorf("%v: text that is not LLVM IR gives %v", tc, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("%v: a failed build leaves %v", tc, left)
		}
	}
}
