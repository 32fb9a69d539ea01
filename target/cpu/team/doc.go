// Package team runs kernels on a team of threads: a [Batch] is iterations of a function, a sequence of kernels each of which is divided among the
// threads, which meet after it. The team knows kernels by their addresses and the words they get, nothing else.
package team
