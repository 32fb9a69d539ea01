//go:build !linux

package native

// adviseHuge does nothing: only Linux takes this advice.
func adviseHuge(Memory) {}
