package diag

// targetCodes holds the codes of fitting a machine: placement, routing, code generation, WF04xx and WF05xx.
var targetCodes = []Entry{
	{
		Code:  "WF0401",
		Title: "the arrays do not fit in the memory of a PE",
		Text: `
Every PE holds its block of every field, coefficient and halo, and scratch for intermediate values, in its own memory. The notes list
what takes most. Axes that lie in memory (the third and later ones) count in full; axes on the mesh count by block. Use fewer points
along a memory axis, more PEs, fewer fields, or f16 where its accuracy suffices.`,
		Example: `
grid block { x: 0..1 in 800;  y: 0..1 in 1000;  z: 0..1 in 20000 }  // 80 kB per field and PE
grid block { x: 0..1 in 800;  y: 0..1 in 1000;  z: 0..1 in 1000 }   // 4 kB`,
	},
	{
		Code:  "WF0402",
		Title: "an element type that the wafer does not have",
		Text: `
PEs compute with 16-bit and 32-bit numbers. f64 programs run on the interpreter (--target interp) and on the CPU (--target cpu), and so do
the sums of bf16 products of precision bf16dot.`,
	},
	{
		Code:  "WF0403",
		Title: "an access that would move points across the mesh",
		Text: `
Along an axis that lies on the mesh, an operand can be read at the same index, at the index plus a constant, or not depend on the
axis. A fixed position, the index of another axis (a transposition), or two indices along one mesh axis would make every PE talk to
every other. The first two axes lie on the mesh unless there is such an access along one of them; then two others do, if there are any
without. In memory any such access is possible: declare an axis later to keep it there, or give the program an axis without.`,
	},
	{
		Code:  "WF0404",
		Title: "an operation that has no form on the mesh",
		Text: `
The reduction or operation cannot be written with the vector operations of a PE: it runs over nothing, over ghost points, unrolls into
too many operations, steps through more than four dimensions, or is a contraction of something that is no product.`,
	},
	{
		Code:  "WF0405",
		Title: "a layout that does not suit the program",
		Text: `
A layout cuts an axis into parts along one side of the mesh. Every axis needs one, at most one axis lies along each side, and only
periodic axes can be wrapped or folded.`,
	},
	{
		Code:  "WF0406",
		Title: "the index IR is not canonical",
		Text: `
The mesh lowering takes what the target-neutral passes leave: names resolved, shapes equal, no derivatives, coordinates or
transcendental functions in device functions. A program from a .wf file always is; this one was written or changed by hand. Run the
passes on it first.`,
	},
	{
		Code:  "WF0407",
		Title: "a halo that reaches too far",
		Text: `
Points that a PE reads from beyond its block travel from PE to PE, and every PE on the way keeps and forwards them in every step. An
offset through more than 32 PEs, or many times around a short periodic axis, is refused. Keep such an axis in memory by declaring it
third or later, use fewer PEs along it (larger blocks), or take the offset modulo the length of a periodic axis.`,
	},
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
	{Code: "WF0512", Title: "machine program: switch, filter or reroute",
		Text: "A router has up to four switch positions per color, for colors the machine can switch; a further position changes one direction, and on WSE-2 either rx or tx but not both: a receiver that becomes a sender takes two positions and two advances there. A program may use three wavelet filters per PE. A reroute needs a route of its color in the PE, if only one that is parked by `teardown`."},
	{Code: "WF0513", Title: "machine program: function",
		Text: "A function of a class may call others but not itself, directly or by way of them. A call has an operand for every parameter, of the parameter's type and without an index. A mapped function takes one to three arguments and consists of scalar operations on values defined before, each with the type its name says; its result has the function's own type."},
	// The CPU target: WF0590 to WF0599.
	{Code: "WF0520", Title: "too few colors for the program's channels",
		Text: "Every stream that crosses a router needs a color of its own there, and the host interface takes some of the fabric's 24. The message says how many are needed, how many there are, and for which channels. Folded periodic axes and accesses on both mesh axes need most: make an axis non-periodic, keep it in PE memory by declaring it last, or bound the mesh with --mesh."},
	{Code: "WF0521", Title: "too few queues in a PE",
		Text: "A PE reads and writes the fabric through a few hardware queues, each bound to a channel: wse2 has 7 input and 5 output queues besides the host's, wse3 6 and 6. The message names the class of PEs and the channels. Fewer directions of exchange, or the other machine, help."},
	{Code: "WF0522", Title: "too few task ids in a PE",
		Text: "A PE has a fixed set of ids for tasks, and each channel that sends needs one besides the main task. The message names the class, what it needs and what there is."},
	{Code: "WF0523", Title: "the final routes are wrong",
		Text: "The route tables are walked after they are made, by other code than made them, and every stream must reach each of its receivers exactly once and nobody else. This failed, which is a fault of wfc and not of the program: please report it with the source."},
	{Code: "WF0524", Title: "the program would deadlock on the mesh",
		Text: "Before a program is run its sends and receives are executed on paper with the smallest buffers the machine can have. Some processes end up waiting for each other; the notes say who waits for what. This is a fault of wfc and not of the program: please report it with the source."},
	{Code: "WF0525", Title: "operations of the machine code race",
		Text: "An operation that runs on a microthread uses bytes or a queue that a later operation of the same PE uses before anything has waited for the first to complete. What then happens depends on timing. In a compiled program this is a fault of wfc: please report it with the source. In a machine program written by hand, let the first operation activate or unblock a task when it is done, and do the second there."},
	{Code: "WF0526", Title: "the model does not fit the machine",
		Text: "The weights of a model with their gradients and the optimizer's state, and what the forward pass of one microbatch keeps for the backward pass, are more than the memory of all PEs together. The notes say how much each is. Smaller microbatches with gradient accumulation make the activations smaller; a smaller preset makes everything smaller. The estimate is a lower bound: code, buffers and uneven tiles come on top."},
	{Code: "WF0527", Title: "the matrices cannot be distributed as asked",
		Text: "With --products summa the matrices of a program lie over both sides of the mesh, and panels of them are brought together for every product. That needs a product of two matrices, sum over k of A[i,k]*B[k,j] over whole axes with nothing else in the sum, whose axes are used by their own indices without offsets, and a mesh of more than one PE. With --products cannon both matrices must be arrays that the wafer reads only in such products, because they are laid turned, and the mesh must have PEs along both sides. Leave the option out, or write the product so."},
	{Code: "WF0590", Title: "no LLVM tool chain",
		Text: "The CPU target compiles programs with the LLVM of this machine: clang 14 or newer, or opt and llc with a linker. Install it (Debian, Ubuntu: apt install clang; Fedora: dnf install clang; macOS: brew install llvm), or run with the interpreter, which needs nothing and gives the same bits, slowly."},
	{Code: "WF0591", Title: "the LLVM tool chain failed",
		Text: "LLVM refused the kernels or could not link them. The notes are its first lines. Another LLVM version may do; the interpreter always does. This is a bug of wfc or of that LLVM: please report it with the emitted LLVM IR (--print-llvm)."},
	{Code: "WF0592", Title: "no such level of optimisation",
		Text: "Native code is made with LLVM's levels 0, 1, 2 or 3, the highest by default. All give the same bits; lower ones compile faster and run slower, most of all where loops become vectors."},
	{Code: "WF0593", Title: "no such processor to make code for",
		Text: "Native code is made for the processor it runs on. The environment variable WFC_CPU can ask for less: x86-64-v3 has AVX2, x86-64-v4 AVX-512 without AMX. It must be one of these, and one that this processor has. All give the same bits."},
}
