//go:build !unix

package engines

import "time"

var started = time.Now()

// cpuTime is the clock where the time of a process is not to be had.
func cpuTime() time.Duration { return time.Since(started) }
