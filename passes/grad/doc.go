// Package grad differentiates index IR.
//
// Forward mode ([Push]) adds to a function the tangent of every value: a linear function of the tangents of the arrays. Reverse mode
// ([Pull]) adds the cotangents: the transpose of that linear function, operation by operation, last first (Griewank and Walther,
// "Evaluating Derivatives", 2nd ed., chapter 3). Both add ordinary maps and reduces, so every later pass and every target treats
// derivatives like what a user has written.
//
// The transposes follow from the access functions. A value read at index i with y[i..] = .. x[A(i..)] .. has the cotangent
//
//	x^[j..] = sum over all i.. with A(i..) = j.. of y^[i..] * dy/dx
//
// so that
//
//	x[i+c]              the cotangent is read at j-c, over the box of j that i+c reaches; around a periodic axis it wraps
//	index i not in x    a reduce over i
//	i reduced away      the cotangent is read without i: a broadcast
//	x[3]                a piece of the box at 3, nothing elsewhere
//	x[i,i]              guarded by j1 == j2
//	x[2i+c], x[i/2]     strided reads the other way round, guarded where several i or none belong to a j
//
// Together they turn a contraction into contractions (y = sum over k of x[s,k]*w[k,n] into x^ = sum over n of y^*w and w^ = sum over s of
// y^*x, both by fused multiply-add in ascending order) and a gather by select into a scatter-add by select: the guard stays the
// outermost select of the reduce. No product is stored that a reduce would sum away.
//
// Conditions are carried beside cotangents and applied last: where a mask excludes a point, an infinite or undefined factor there does
// not matter. The cotangents of one value are added in a fixed order, that of the operations, last first.
//
// A maximum that a softmax or a log-sum-exp subtracts to guard against overflow is recognised as such (shift.go) and has no derivative.
// Procedures are reversed statement by statement ([ReverseProc]): loops store or compute again the entries of their iterations, loops that
// solve equations are adjointed by a transposed solve ([Solve]).
//
// Functions are differentiated after the passes discretise and ghosts have run ([Prepare]) and before expand: derivatives, and reads
// beyond walls, must be gone, elementary functions must not be polynomials yet.
package grad
