package cpu

import (
	"strings"

	"github.com/llir/llvm/ir/value"

	"github.com/wfc-lang/wfc/target/cpu/llvm"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// What kernels are made for: vectors and registers of this processor, and its caches, in pieces of whose sizes they go through memory. All of it decides how
// fast kernels are, never what they compute.

// vectorBytes is the width of this processor's vector registers. It decides how fast kernels are, not what they compute.
func vectorBytes() int {
	if forceVector > 0 {
		return forceVector
	}
	id := native.Processor()
	switch {
	case strings.Contains(id, " avx512f"):
		return 64
	case strings.Contains(id, "/amd64"):
		return 32
	}
	return 16
}

// forceVector is another width, for tests.
var forceVector int

// vectorRegisters is how many vector registers there are: AVX2 has 16, AVX-512 and arm64 32.
func vectorRegisters() int {
	if vectorBytes() == 32 {
		return 16
	}
	return 32
}

// streamStore stores past the caches. A line that takes several vectors is stored in one piece, not in turns with others: processors gather few lines
// at a time, and send parts of lines to the memory when they run out.
func streamStore(b *llvm.Block, v, dst value.Value, align int) {
	b.NewStreamStore(v, dst, align, vectorBytes() < lineBytes)
}

// machineCaches are the caches of this machine; tests put others in their place.
var machineCaches = native.DataCaches

// secondCache is n/of of the second cache of a core, in bytes.
func secondCache(n, of int) int { return machineCaches().Second / of * n }

// worthCaching is from where on a value is too large to stay in the second cache until it is read again.
func worthCaching() int { return secondCache(1, 2) }
