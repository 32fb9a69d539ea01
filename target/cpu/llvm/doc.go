// Package llvm builds LLVM IR modules and prints them as text.
//
// It is the smallest subset of what github.com/llir/llvm offers that the CPU back end needs, with the same way of building (a [Module] has
// [Func]s, a Func has [Block]s, a Block has New methods that append a typed instruction and return its value) and, where the subset
// overlaps, the same names. It exists because that module could not be fetched where wfc was first built; a swap stays possible. One
// thing it adds: pointers print as "float*" (LLVM 14 and older) or as "ptr" (15 and newer), chosen by [Syntax] when a module is printed.
//
// Floating-point instructions carry no fast-math flags, ever: what is built is what is computed. Names are given by the builder in order
// of creation, so that equal calls print equal text.
package llvm
