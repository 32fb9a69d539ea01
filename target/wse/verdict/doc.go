// Package verdict says before a machine program runs whether it can get stuck, and which operations of a PE touch the same bytes
// in no order.
//
// The method. A program is executed without times and without values: what moves are wavelets, what is known are registers that
// follow from constants, params and launch arguments. Buffers have the smallest depths in the machine's uncertainty range; less
// room never lets a program end that otherwise would not. Routers, queues and operations form a Kahn network: each buffer has one
// writer and one reader, so the order in which wavelets move decides nothing (Kahn 1974, Parks 1995), and a chain of buffers is one
// buffer with the sum of their depths. What can make a difference is in which order the tasks of a PE run. While one schedule is
// executed, happens-before is followed within each PE: a task run is ordered after the run that activated or unblocked it, also
// through the completion of an asynchronous operation issued there, after an earlier run on the same data queue, and after a run
// of higher priority that was certain to come first. When all runs of all PEs are ordered, every schedule is equivalent to the
// executed one and its end is the verdict.
//
// When they are not, the schedules are enumerated breadth first, with the tasks of the PEs concerned taken in any order that
// priorities allow and completions that others compete with at any later time. If all end, the program is free; if none does, it
// deadlocks; if some do, timing decides and the verdict is Undecided, with the shortest schedule that gets stuck.
//
// Repetition. Classes, queue colors and routes are strided regions; a stretch of columns or rows over which all of them repeat is
// cut to a few periods, each PE keeping its neighbourhood. A deadlock found on a cut mesh is confirmed on the whole one when
// that has at most 16,384 PEs. A launch that ends with everything drained after two iterations ends after any number: with the
// order of tasks fixed, later iterations repeat the same sequences from the same empty network.
//
// Branches that all PEs take alike. A compiled program loads what decides its loops and branches from arrays that hold the same bits in
// every PE (Options.Shared). Its control flow is then one sequence of functions, the same in all PEs, and each function begins and ends
// with nothing under way. Running the functions of a sequence one after the other, each to its end everywhere, is one schedule of the
// sequence; by confluence it speaks for all, also for those in which some PEs are ahead of others. So a sequence ends when each of its
// functions ends by itself, whatever the trip counts, and it is enough to execute launches that enter every arm of every branch and
// repeat every loop (codegen.Trials): the values of a launch's loads are given, one after the other (Options.Loaded).
//
// Reasons for Undecided are the constants of type Reason and no others.
//
// Races. An asynchronous operation that is under way, or whose completion no task run has waited for, competes with later operations
// of its PE: a common byte that one of them writes is a race of memory; a common queue or microthread is a race of queues
// (the simulator stops there, a wafer does either of two things). Ordering by way of messages to another PE and back does not
// count as waiting.
//
// Switches, filters and teardown are processes of their own (switches.go): a router chooses by what it has read, so the network stays
// Kahn's, and the verdict holds in every switch state the program reaches.
//
// Limits. Races are those of the executed schedule. Memory holds no values here, except arrays nobody writes; a branch on what was received or computed is decided only when both
// arms communicate nothing. Values of wavelets are known when a move sends an immediate or a known register.
package verdict
