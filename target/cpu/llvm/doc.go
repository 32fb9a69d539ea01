// Package llvm is what the CPU back end adds to github.com/llir/llvm, with which it builds its code. Types, values, constants and most
// instructions are llir's own; [Module], [Func] and [Block] are llir's too, and have in addition what is wanted with every use of an instruction
// (alignments, addresses in bounds), intrinsics by name, what loops ask of the vectoriser, and one module of several.
//
// Pointers print as "float*". LLVM 14 knows no others; newer ones, tried up to 22, read them as "ptr" and give typed intrinsics their
// new names.
//
// Floating-point instructions carry no fast-math flags, ever: what is built is what is computed. Results have numbers in order of their
// place, so that equal calls print equal text.
package llvm
