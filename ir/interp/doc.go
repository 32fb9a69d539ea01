// Package interp is the reference interpreter of the index IR: what it computes is what canonical IR means, bit for bit.
//
// Every body is compiled to a list of vector instructions over chunks of a few hundred points; all arithmetic follows ir.Apply:
//
//   - f32 operations are float32 operations, f16 operations are f32 operations rounded to half, f64 are float64;
//   - products are rounded before they are added; fma rounds once; div and sqrt are correctly rounded;
//   - exp, log, sin, cos, tanh and pow do not occur in canonical device code. In host functions, and in programs that are not expanded
//     yet, they are package ir's own float64 functions rounded to the type: the same bits on every architecture, but not those of the
//     expanded program, so compare across the expand pass by tolerance.
//
// A read outside the operand's box wraps around a periodic axis and is an error on any other axis. deriv nodes are an error: the
// discretise pass removes them. NaN payloads are not defined; compare NaN as equal.
//
// Reductions combine in the written order, see ir.Order: every lane, part or sequence starts from its first element (with FMA from
// fma(a, b, +0)); lanes and parts without elements do not take part.
package interp
