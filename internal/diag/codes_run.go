package diag

// runCodes holds the codes of loading and running compiled programs: WF06xx.
var runCodes = []Entry{
	{
		Code:  "WF0601",
		Title: "a setting that is not NAME=VALUE",
		Text: `
--set takes the name of a ` + "`param`" + ` of the program, an equals sign and a number, which may have a unit; without one it is in the unit
of the parameter's declaration. The flag may be given many times; of two values for one name the later holds.`,
		Example: `
wfc run heat.wf --set nx=8 --set "L=2 mm"     // right
wfc run heat.wf --set nx:8                    // wrong`,
	},
	{
		Code:  "WF0602",
		Title: "a shape parameter of a compiled program cannot be set",
		Text: `
A parameter that decides the size of a grid decides where everything lies: the layout, the routes and the memory map of a .wfx file
were made for one value of it. Such a parameter is frozen when the program is built. Build the program again with the new value, or
run the .wf file instead of the .wfx file. Parameters that are only numbers in formulas may be set at any time.`,
		Example: `
wfc run heat.wfx --set nx=128                      // refused: nx is the size of an axis
wfc build heat.wf --set nx=128 -o heat.wfx         // right`,
	},
	{
		Code:  "WF0603",
		Title: "a file cannot be read or written",
		Text: `
The operating system refused a file: it does not exist, is a directory, or may not be read or written. The message names the file
and the reason.`,
		Example: `
wfc run models/heat.wf --out results    // results must be a directory that can be made`,
	},
	{
		Code:  "WF0604",
		Title: "a data file cannot be used",
		Text: `
A field whose initial values come from a file needs a .npy file with the shape of the field: one extent per axis, in the order of the
grid's axes. Element types are converted, rounded once; an integer field accepts whole numbers only. Relative names start at the
directory of the .wf or .wfx file.`,
		Example: `
import numpy as np
np.save("start.npy", np.zeros((64, 64, 32), dtype="f4"))   # x, y, z`,
	},
	{
		Code:  "WF0605",
		Title: "a field is not a number",
		Text: `
A value became NaN (not a number): an operation had no result, such as 0/0, the square root of a negative number, or the difference
of two infinities. Values that grow without bound end this way or as infinity, most often because the time step is too large for the scheme or an
initial value is far from what the equation can bear. The run stops, because everything that follows would be NaN as well.

The message names the first such point in row-major order and the step. Fields are looked at when they are written, at the end, and,
on targets where this costs little, at steps that double up to every thousandth.`,
		Example: `
evolve t from 0 s to 1 s step auto { dt(T) = alpha*lap(T) }   // auto stays below the stability limit`,
	},
	{
		Code:  "WF0606",
		Title: "the program cannot be run on this target",
		Text: `
The program was compiled, but the chosen target cannot run it: it does not fit the machine (then wfc report shows by how much), uses
a type the target does not have (f64 on the wafer), or the tools the target needs are not installed. The interpreter
(--target interp) runs every program.`,
		Example: `
wfc run big.wf --target cpu`,
	},
	{
		Code:  "WF0607",
		Title: "a .wfx file cannot be read",
		Text: `
The file is cut, damaged, no .wfx file, or of a newer version of the format than this wfc knows. docs/wfx.md describes the format.
Build the program again.`,
		Example: `
wfc build heat.wf -o heat.wfx`,
	},
	{
		Code:  "WF0608",
		Title: "an output cannot be made",
		Text: `
The field has a shape that the file format cannot hold: .vti has one to three axes; .png shows one or two axes, or a plane of
three. .npy and .npz hold every shape.`,
		Example: `
output T as npy, png(slice z = 0.25 m)`,
	},
	{
		Code:  "WF0609",
		Title: "the number of steps cannot be used",
		Text: `
How often a part of the program runs is computed from its parameters when it is loaded. The result must be a whole number from 0 to
2^53. A negative or infinite count usually means that a time step is 0 or that the end lies before the start.`,
		Example: `
evolve t from 0 s to 60 s step 0.5 s { .. }   // 120 steps`,
	},
	{
		Code:  "WF0610",
		Title: "the run needs more memory than this computer has free",
		Text: `
A run holds several copies of every field: the initial values, the state before and after a step, temporaries, and what outputs fetch.
On the simulated wafer the memory of every PE in use comes on top. The estimate is made before anything is allocated. Building the
program and its report need no memory for fields, so a program that is too large to simulate here can still be looked at.`,
		Example: `
grid g { x: 0 .. 1 in 2000000000 }                // 8 GB for each field and copy
grid g { x: 0 .. 1 in 2000000 }                   // 8 MB`,
	},
	{
		Code:  "WF0620",
		Title: "a run is not at its end after the most steps it may take",
		Text: `
A program that chooses its own time steps ends at a time or at a steady state. It has taken as many steps as it may, and has not come
there: most often the steps have become very small, because a velocity grows without bound or a limit on the step is too strict.`,
		Example: `
evolve t from 0 s to 60 s step cfl(0.5, speed = u) max 100000 { .. }`,
	},
	{
		Code:  "WF0622",
		Title: "no step is possible",
		Text: `A step that is chosen while the program runs is zero, infinite or not a number. With cfl(..) the
speed is zero and no "max" bounds the step, or the solution has become infinite. With
adaptive(..) the tolerance cannot be met by any step: it is below what the type of the fields
resolves, or the solution becomes infinite at this time.`,
	},
	{
		Code:  "WF0623",
		Title: "a monitored quantity has drifted",
		Text: `The program tolerates a change of this monitor, relative to its first value, of what "drift" says.
A sum in f32 drifts by rounding alone by about 1e-7 times the square root of the steps; more is
a scheme, or a boundary, that does not conserve.`,
	},
	{
		Code:  "WF0624",
		Title: "this checkpoint cannot be continued",
		Text: `A run goes on from a checkpoint of the same program, built with the same parameters: only then are
its steps those that would have followed. The checkpoint may also be damaged, which its
checksums show, or not exist.`,
	},
	{
		Code:  "WF0625",
		Title: "a simulation cannot go on from a snapshot",
		Text: `A snapshot is the state of every PE of one program on one machine. It can be gone on from with the
same program (its script may be another) and the same machine only, and not when the file was cut or
altered: a checksum covers all of it.`,
		Example: `
wfc sim kernel.wse --save state
wfc sim kernel.wse --restore state`,
	},
	{
		Code:  "WF0626",
		Title: "the ranks of an MPI job cannot be connected",
		Text: `mpirun started several processes. They exchange messages through the MPI library of that mpirun,
which is looked for when the program starts: Open MPI, or one of MPICH's family. It was not found,
or another one was. The environment variable WFC_MPI names the library's file.`,
		Example: `
mpirun -n 4 wfc run heat.wf --target cpu
WFC_MPI=/opt/mpi/lib/libmpi.so mpirun -n 4 wfc run heat.wf --target cpu`,
	},
	{
		Code:  "WF0627",
		Title: "a rank is lost",
		Text: `A process of the job ended, or its computer cannot be reached, so that messages to it are not passed.
The run ends on all ranks. The files it has written are whole, and the last checkpoint can be gone on
from, on any number of ranks.`,
		Example: `
mpirun -n 4 wfc run heat.wf --target cpu --checkpoint 10m --out out
mpirun -n 3 wfc run heat.wf --target cpu --restart out --out out`,
	},
	{
		Code:  "WF0628",
		Title: "a step of training cannot be shared among ranks",
		Text: `On several ranks each computes some of the microbatches of a step, and their gradients are added in
the order of the microbatches. A step that is one batch has nothing to share: cut the batch into
microbatches with accumulate, at least one for each rank.`,
		Example: `
train gpt on chars { batch 16; .. }                 // one batch
train gpt on chars { batch 4; accumulate 4; .. }    // four ranks compute one each`,
	},
	{
		Code:  "WF0629",
		Title: "a job cannot be submitted here",
		Text: `wfc submit gives its batch script to sbatch, the command of Slurm, which is found on the computers of a
cluster only. The script does not depend on the computer: print it with --dry-run and submit it there.`,
		Example: `
wfc submit --dry-run --nodes 2 --tasks 8 run heat.wf > heat.sh
sbatch heat.sh`,
	},
}
