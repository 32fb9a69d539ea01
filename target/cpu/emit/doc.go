// Package emit writes LLVM IR as kernels are thought of: loops over boxes whose ends are constants or values ([Gen]), and the scalar operations
// of the IR, bit for bit as the interpreter has them, on single values or vectors ([Calc]).
package emit
