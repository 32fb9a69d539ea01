// Package validate compares the simulator with what others have published: microbenchmarks, models of collectives and whole
// kernels. A row is a published number with its source, a machine program in text form that does the same, and the window of
// cycles that the source measured. Each row is also run with the constants of the machine at the ends of their ranges, so that a
// ratio comes with the interval that the uncertainty of the machine itself allows.
//
// No constant of the machine is chosen here. Programs transcribe public code operation by operation; where the text form has no
// statement for something, the row says what stands in for it.
//
// The results live in docs/validation.json and the page docs/validation.md is made from them; `make validate` runs every row and
// writes both. The test reruns the fast rows and fails when either file is stale.
package validate
