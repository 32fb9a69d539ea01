package cpu

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestMain keeps compiled kernels of the tests in a cache of their own.
func TestMain(m *testing.M) {
	if os.Getenv("WFC_CACHE") == "" {
		if err := os.Setenv("WFC_CACHE", filepath.Join(os.TempDir(), "wfc-test-cache")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
