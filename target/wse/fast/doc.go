// Package fast is an engine that gives what package sim gives, the plain engine,
// cycle for cycle, and does the work of a whole crowd of PEs at once.
//
// The idea. What a PE does in a cycle depends on its code, its registers and on
// when wavelets and room arrive, hardly ever on the values it computes with. In a
// mesh of thousands of PEs almost all are in the same situation as many others.
// So PEs are held in groups: the members of a group have had exactly the same
// history since the launch, and one state of router, queues, threads and tasks
// stands for all of them. The rules of the machine are carried out once per group
// and cycle; only the arithmetic is done per PE, in loops over rows of memory in
// which the same element of all PEs lies side by side.
//
// Groups split, they are never guessed. Each begins as the PEs of one class whose
// routers and queues are connected alike (shape). A rule that looks at a
// neighbour (is there room in its router, did it send) asks the groups the
// members' neighbours are in; when these differ in the answer, the group splits
// by it before the rule is applied. A value that enters a register (load, the
// argument of a data task) splits by value. So a group never stands for PEs that
// differ, and results depend neither on the initial grouping nor on how far it
// was refined. At a launch everything is at rest and groups in equal states merge.
//
// Values do not travel. The wavelets of a color come from one ramp (or from several in
// turn, see turn.go) and keep their
// order, so the k-th that a PE takes is the k-th that its source sent: a ring of
// values at the source (stream) is read by all its sinks, and routers hold times
// only. Operations on values are collected (batch) and carried out later, on all
// cores, in pieces of a few hundred PEs that stay in cache: an operation of a PE
// may wait as long as nobody reads what it makes, and a wavelet takes the cycles
// of two ramps at least. Every PE belongs to one piece, so the number of threads
// changes nothing.
//
// Memory per PE: 4 bytes per array element of any type, 4 bytes per entry of the
// rings of the streams it sends (twice the wavelets that can be under way,
// rounded up to a power of two), 4 bytes per input queue and about 60 more; the
// copy made at each launch (see below) takes the memory a second time.
//
// What is not modelled (see Unsupported) runs on the plain engine. A program whose
// PEs come to have too little in common goes on there in the middle of a launch
// (see leave.go). Errors are the plain engine's too: the launch is repeated there
// from a copy of the state it began with.
package fast
