//go:build !linux

package cpu

import "time"

// threadTime is not known here.
func threadTime() time.Duration { return 0 }
