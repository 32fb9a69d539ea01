package diag

// targetCodes holds the codes of fitting a machine: placement, routing, code generation, WF04xx and WF05xx.
var targetCodes = []Entry{
	// Machine programs: WF0500 to WF0519.
	{Code: "WF0500", Title: "machine text: syntax error",
		Text:    "The text form of a machine program is described in docs/machine-text.md. The message names what was expected at this place.",
		Example: "task main local 8 { add.f32 u[0:4] = u[0:4], 1.0  exit }"},
	{Code: "WF0501", Title: "machine text: too large or too deeply nested",
		Text: "Texts may have 64 MiB and blocks may nest 64 deep, so that a hostile file cannot exhaust memory or stack. Move inner blocks into tasks of their own."},
	{Code: "WF0502", Title: "machine program: unknown or repeated name",
		Text: "Arrays, queues, tasks and params have unique names within their class, and every name a statement uses must exist there. A class also needs an entry: a local task that a launch activates."},
	{Code: "WF0503", Title: "machine program: queue binding",
		Text: "A hardware queue id must be one the host interface leaves free (WSE-2: inputs 1 to 7, outputs 1 to 5; WSE-3: 2 to 7 each). An input queue has one color per PE; a color goes to one input queue. On WSE-3 an output queue has one color, too."},
	{Code: "WF0504", Title: "machine program: color out of range",
		Text: "The fabric has 24 routable colors, of which the host interface takes 21 to 23."},
	{Code: "WF0505", Title: "machine program: class regions",
		Text: "Classes are regions of the mesh; each must lie inside it, none may be empty, and no two may share a PE."},
	{Code: "WF0506", Title: "machine program: route",
		Text: "A router holds one setting per color: one port to receive from and a set of ports to send to, which does not contain the receiving one."},
	{Code: "WF0507", Title: "machine program: task id",
		Text: "Local tasks take ids the system leaves free; a data task has the id of its color (WSE-2) or queue (WSE-3), which no local task may use. Only local tasks can be activated by name."},
	{Code: "WF0508", Title: "machine program: an operation CSL cannot spell",
		Text: "A DSD operation has vector operands of one common extent of at most 65,535, strides of 8 bits (one dimension) or 16 bits, at most one fabric source, and stays inside its arrays. fma multiplies by a scalar. Asynchronous operations need a fabric operand and take no scalar, no mapped function and no reduction."},
	{Code: "WF0509", Title: "machine program: memory",
		Text: "A PE has 49,152 bytes for the system's part, code, stack and data together. The message says which part is how large, and by how much the class is too big. Use more PEs (smaller blocks per PE), fewer fields, or f16."},
	{Code: "WF0510", Title: "a simulated launch failed",
		Text: "The simulator stopped because the program broke a rule of the machine: a wavelet without a route, a queue nobody bound, two operations on one microthread, an index outside its array, or wavelets left over at the end. The message names PE, color and source line."},
	{Code: "WF0511", Title: "deadlock: nothing can change anymore",
		Text: "Some PEs wait and nothing is under way that could wake them. The message lists who waits for whom: PE, color, queue, task and source line. Usual reasons: a receive without its send, cyclic sends with full queues, a task that stays blocked, or an exit that a branch skips."},
	// The CPU target: WF0590 to WF0599.
	{Code: "WF0590", Title: "no LLVM tool chain",
		Text: "The CPU target compiles programs with the LLVM of this machine: clang 14 or newer, or opt and llc with a linker. Install it (Debian, Ubuntu: apt install clang; Fedora: dnf install clang; macOS: brew install llvm), or run with the interpreter, which needs nothing and gives the same bits, slowly."},
	{Code: "WF0591", Title: "the LLVM tool chain failed",
		Text: "LLVM refused the kernels or could not link them. The notes are its first lines. Another LLVM version may do; the interpreter always does. This is a bug of wfc or of that LLVM: please report it with the emitted LLVM IR."},
}
