// Package wse describes the wafer: the machine as a value (Machine) and the
// programs it runs (Program).
//
// A Machine holds every constant a compiler or simulator needs, each with its
// uncertainty range, its source and a grade; nothing about a target is global.
// Time is counted in cycles and, below a cycle, in ticks (TicksPerCycle of them
// make one cycle), so that every rate is an integer.
//
// A Program is what the simulator, the CSL printer and the checkers read, and
// nothing else. It grows with *classes* of processing elements (PEs), not with
// PEs: a class is a set of regions of the mesh that runs one code, and routes
// are a second, separate overlay of regions. What CSL cannot spell is illegal
// in a Program; Verify says so, Layout assigns addresses inside the 48 kB.
//
// The text form (Print, Parse) is written in docs/machine-text.md.
package wse
