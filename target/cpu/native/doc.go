// Package native makes machine code of LLVM IR and runs it in this process, without cgo: it finds LLVM ([Find]), compiles kernels once on a
// machine ([Units], a cache named after contents), loads them ([Toolchain.Load]), calls them ([Call]) and has memory for them that Go does not
// move ([Allocate]). It knows nothing of what kernels compute.
package native
