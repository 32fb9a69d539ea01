package wse

import "strings"

// effects say what a constant changes, by key or by its beginning (the longest match counts).
var effects = [][2]string{
	{"fabric.width", "none on cycles: the fabric-dims of the vendor's compiler"},
	{"fabric.height", "none on cycles: the fabric-dims of the vendor's compiler"},
	{"mesh.", "largest rectangle of PEs a program may use"},
	{"hop.cycles", "latency of each link a wavelet crosses"},
	{"ramp.out.cycles", "latency from the head of an output queue to the router"},
	{"ramp.in.cycles", "latency from the router to an input queue"},
	{"link.ticks", "throughput of a link between routers"},
	{"ramp.ticks", "throughput between a CE and its router, each way"},
	{"router.depth", "when back-pressure reaches a sender; deadlock verdicts use its low end"},
	{"colors", "colors a router knows"},
	{"colors.usable", "colors the router of a program may use"},
	{"switch.colors", "which colors may have switch positions"},
	{"switch.positions", "how many settings a router has for one color"},
	{"switch.both", "whether one advance can turn a receiver into a sender"},
	{"switch.pop", "whether commands after the first of a control wavelet are ever obeyed"},
	{"filters", "colors of a PE that can have a filter"},
	{"route.cycles", "each reroute statement"},
	{"rebind.cycles", "each rebind of a queue, after it is empty"},
	{"queue.in.", "wavelets an input queue takes before its color stops; deadlock verdicts use the low end"},
	{"queue.out.", "wavelets an output queue takes before its operation waits; deadlock verdicts use the low end"},
	{"queue.one-color", "whether an output queue serves one color only"},
	{"ut.count", "asynchronous operations a PE runs at once"},
	{"ut.explicit", "whether an operation may name its microthread"},
	{"task.data-id-is-queue", "id of a data task: its queue's or its color's"},
	{"task.local.", "ids of local tasks"},
	{"task.control", "ids of control tasks"},
	{"task.local.dispatch", "start of a local task"},
	{"task.data.dispatch", "start of a data task, once per wavelet"},
	{"task.control.dispatch", "start of a control task"},
	{"task.teardown.dispatch", "start of a teardown handler"},
	{"task.ctl.cycles", "activate, block, unblock and exit"},
	{"memory.bytes", "what code, stack and data of a PE must fit into"},
	{"memory.banks", "which bank an address lies in"},
	{"memory.bank.bytes", "none on cycles"},
	{"memory.model", "whether the alignment of two memory sources changes an operation's rate"},
	{"memory.conflict", "how much longer an operation with a bank conflict takes"},
	{"memory.span", "how many 16-bit words side by side an operation reads per cycle: strided sources are slower; 0 = they are not"},
	{"memory.reserved", "bytes the host interface takes of each PE"},
	{"memory.stack", "bytes the stack takes of each PE"},
	{"rate.copy.", "moves between memory operands, and the setup of mapped functions"},
	{"rate.add.", "add, sub, max, neg, abs and conversions between f16 and f32"},
	{"rate.mul.", "mul"},
	{"rate.fma.", "fma with a scalar"},
	{"rate.reduce.", "sums, maxima, minima and products of a vector"},
	{"rate.dot.", "dot products"},
	{"map.call", "each element of any mapped function"},
	{"map.", "each element of this mapped function, besides map.call"},
	{"map.native", "each native operation inside a mapped function of the program"},
	{"call.cycles", "each call of a function"},
	{"time.cycles", "each time stamp: an interval between two is longer by this"},
	{"ut.steal", "cycles of the CE that microthreads take while they move data"},
	{"dsr.cycles", "how much shorter the setup of copy, add, mul and fma is for each operand less than three in memory"},
	{"fabric.setup", "from issue to the first element of an operation with a fabric operand"},
	{"async.issue", "how long an asynchronous operation holds the CE"},
	{"scalar.cycles", "register instructions"},
	{"load.cycles", "loads into a register"},
	{"branch.fall", "a branch that goes on with the next instruction"},
	{"branch.taken", "a branch that jumps"},
	{"branch.back", "each further turn of a loop"},
	{"code.", "estimate of the code in memory; none on cycles"},
	{"host.channels", "none on cycles: the ports are in host.ticks"},
	{"host.ticks", "transfers between host and wafer, counted apart"},
	{"host.latency", "each pause with transfers, counted apart"},
	{"host.launch", "none on the cycles of a launch: what a published window that launches open and close is longer by"},
	{"clock.mhz", "reports that convert cycles to time; no cycle"},
}

// Effect says what a constant changes.
func Effect(key string) string {
	best := [2]string{}
	for _, e := range effects {
		if (key == e[0] || strings.HasSuffix(e[0], ".") && strings.HasPrefix(key, e[0])) && len(e[0]) > len(best[0]) {
			best = e
		}
	}
	return best[1]
}
