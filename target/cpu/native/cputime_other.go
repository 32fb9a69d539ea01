//go:build !linux

package native

import "time"

// ThreadTime is not known here.
func ThreadTime() time.Duration { return 0 }
