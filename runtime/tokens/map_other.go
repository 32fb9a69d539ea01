//go:build !unix

package tokens

import "os"

// mapFile reads the file: this system has no mapping we use.
func mapFile(path string) ([]byte, func() error, error) {
	b, err := os.ReadFile(path)
	return b, nil, err
}
