//go:build !linux

package cpu

// adviseHuge does nothing: only Linux takes this advice.
func adviseHuge(memory) {}
