// Package sim is the plain engine: it executes a machine program cycle by cycle
// and is meant to be obviously right. A fast engine must give the same cycle for
// every event. These are the rules of the machine it implements.
//
// Time. In cycle t everything reads the state left by cycle t-1; what happens in
// t is seen in t+1. Within a cycle a PE first decides the moves of its router and ramp,
// then its compute element (CE) acts, then the moves are carried out. Nothing
// depends on the order in which PEs have their turn: whether a neighbour's buffer
// had room at the start of the cycle is known also when it has had its turn
// (fifo.room). So bands of rows can have theirs at the same time (lanes.go).
// With Options.Trains and after Repeat it may leave out cycles that go as earlier ones did (trains.go, laps.go); without, it never does.
//
// Routers. Each color a PE routes has one buffer of Machine.RouterDepth
// wavelets, in order. The oldest wavelet moves when it is ready and *all* ports
// of its route can take it: the link is free (one wavelet per LinkTicks) and the
// buffer or input queue behind it had room at the start of the cycle. It then
// leaves to all of them at once (multicast), or to none. When colors compete for
// a link the lowest color wins. A wavelet that moves in cycle t is ready in the
// next router in t + HopCycles, in an input queue in t + RampInCycles. One
// wavelet per RampTicks goes from the output queues to the router, the lowest
// queue id first, ready RampOutCycles later.
//
// Switches, filters, teardown (switch.go). A control wavelet leaves by the route it meets; then the router obeys its first command, from
// the next cycle on, and the command is popped as the pop mode of the switch says (with Machine.PopCommands off it never is: the two
// published findings contradict each other). A router accepts from the rx of its present setting and otherwise lets senders wait; torn
// down it accepts and sends nothing. Behind a control wavelet in its buffer a router with switches accepts what the setting accepts to which
// that leads, so that every wavelet enters and leaves in one setting and no cycle is lost: the published star takes one cycle per word with
// a switch between any two. `advance own` marks the last word of a send, which the PE's own router obeys as an advance. Filters and the CE bit of a
// control wavelet keep it from the ramp and cost nothing; a wavelet with no port left is gone. A wavelet whose color has no queue waits
// when a rebind of its class can bind it, else it is an error. reroute and rebind take effect at the end of the cycle that executes them
// and hold the CE for RerouteCycles and RebindCycles (assumed); rebind of an output queue waits until the queue is empty. A teardown
// activates the PE's handler of the color, which is taken after all local tasks and before those that wavelets start.
//
// Tasks run to completion. A free CE takes, by priority first (an order no source gives: ours) and within one in this order: runnable local tasks
// by ascending id; control wavelets at the head of an input queue, by ascending
// queue; data tasks by ascending queue. Taking one costs its dispatch cycles.
// What completes in cycle t activates in t+1.
//
// DSD operations. Without fabric operands an operation takes effect when it is
// issued, element by element in ascending order, and holds the CE for
// Rate.Setup + n*Rate.Ticks (Machine.Placement: alignment and strides of the sources, DSRs to load). With fabric
// operands its first element comes FabricSetup cycles after issue and each
// element waits for its wavelet and for room; a thread moves at most one wavelet
// in and one out per cycle. Synchronous ones hold the CE to the end,
// asynchronous ones hold it for AsyncIssue and go on as microthreads, which do
// not slow each other or the CE (the ramp and the queues do). A microthread that
// is busy, or a queue that another operation uses, is an error. Broadcast scalars
// are read at issue.
//
// FIFOs in memory (fifo.go) hold their elements in order. An operation that pops waits for elements, one that pushes for room; what
// happens at one end in a cycle is seen at the other in the next, and activates its task then. Operations on FIFOs run like those on the
// fabric, at the rate of the operation.
//
// Functions run as if their bodies stood at the call, which costs CallCycles. A mapped function costs MapCall and the sum of its
// operations per element. A time stamp reads the cycle in which it is issued and holds the CE for StampCycles; the counters of all PEs
// agree, which those of the machine do not.
//
// Competition. A microthread takes nothing of the CE unless Machine.StealTicks says so: then each cycle in which one moves data while an
// operation or instruction of the CE is under way makes that longer by StealTicks. Measurements only say that it is not the whole cost
// of the operation; the constant is 0, its range up to a cycle.
//
// A receive with `on control` ends when a control wavelet is at the head of its queue, takes it, and completes as that says; to any other
// receive such a wavelet is none of its business: it starts a control task, or blocks the queue.
//
// Two 16-bit elements travel in one wavelet, the first in the low half; the last
// wavelet of an odd vector carries one.
//
// A launch ends when every PE has executed exit and nothing moves any more;
// wavelets or operations left over then are an error. Host transfers happen
// between launches and are charged apart (Stats.HostCycles): HostLatency per
// pause plus HostLinkTicks per 32-bit word, all edge ports together. What a
// program offers the host (offer.go) is taken while it goes on, at the same rate:
// Stats.OfferCycles.
package sim
