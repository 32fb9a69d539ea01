package native

import (
	"sync"
	"syscall"
)

// TilesAllowed asks Linux, once, for the state of the tile registers, which no process has before (Documentation/arch/x86/xstate.rst). All
// threads have it then.
var TilesAllowed = sync.OnceValue(func() bool {
	const (
		archPrctl       = 158
		requestStates   = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileDataFeature = 18
	)
	_, _, err := syscall.Syscall(archPrctl, requestStates, tileDataFeature, 0)
	return err == 0
})
