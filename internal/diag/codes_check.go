package diag

// checkCodes holds the codes of names, units, types and the meaning of equations: WF02xx and WF03xx.
var checkCodes = ascending(nameCodes, spaceCodes, timeCodes, placeCodes, controlCodes, modelCodes)

// nameCodes: names, values, types and units.
var nameCodes = []Entry{
	{
		Code:  "WF0201",
		Title: "unknown name",
		Text: `Nothing of this name is declared. Names are declared before they are used; case
matters. A name is reported once, however often it is used.`,
		Example: `
const alfa = 0.1
let a = 2*alpha                // wrong: alfa is declared
let a = 2*alfa                 // right`,
	},
	{
		Code:  "WF0202",
		Title: "a name is declared twice",
		Text: `Every name has one meaning in the whole program: params, constants, grids, dims,
fields, lets, and the axes of grids, whose names are their coordinates.`,
		Example: `
const x = 2
grid g { x: 0 .. 1 in 8 }      // wrong: x is the constant
grid g { y: 0 .. 1 in 8 }      // right`,
	},
	{
		Code:  "WF0203",
		Title: "this name has no meaning here",
		Text: `The name is declared, but as something else than this place needs: a grid has no
value, a constant is no field, a coordinate exists on its grid only.`,
		Example: `
param n = 8
field T on n = 0               // wrong: n is a number
grid g { x: n }
field T on g = 0               // right`,
	},
	{
		Code:  "WF0204",
		Title: "this must be known before the run",
		Text: `Params, constants, bounds, steps and intervals of outputs are computed when the
program is loaded, from other params and constants. Fields have no single value.
The value must also be finite.`,
		Example: `
evolve t from 0 to 1 step T { dt(T) = lap(T) }     // wrong: T is a field
evolve t from 0 to 1 step 0.1 { dt(T) = lap(T) }   // right`,
	},
	{
		Code:  "WF0205",
		Title: "--set names no param",
		Text: `Only names declared with "param" can be set from the command line. Constants are
part of the program.`,
		Example: `
const n = 8                    // --set n=16 is refused
param n = 8                    // --set n=16 works`,
	},
	{
		Code:  "WF0206",
		Title: "the value of --set is not a number",
		Text: `--set takes a number with an optional unit. A bare number has the unit of the
number in the source.`,
		Example: `
wfc run heat.wf --set L=two        (wrong)
wfc run heat.wf --set L=2          (right: 2 in the unit of L)
wfc run heat.wf --set 'L=200 cm'   (right)`,
	},
	{
		Code:  "WF0207",
		Title: "a word of the language used as a name",
		Text: `Functions and constants of expressions (pi, sin, lap, step, where ...) keep their
meaning everywhere and cannot be declared.`,
		Example: `
const pi = 3.14                // wrong
const p = 3.14                 // right`,
	},
	{
		Code:  "WF0208",
		Title: "a value depends on itself, or on one that is not known yet",
		Text: `A declaration can use what is declared before it, an initial value the fields
before it, and a "let" cannot use itself. State that changes is a field.`,
		Example: `
field V on g = 1 - U           // wrong: U comes later
field U on g = x`,
	},
	{
		Code:  "WF0210",
		Title: "a truth value and a number are confused",
		Text: `Comparisons give true or false, which "where", "and", "or", "not" take and which
cannot be added or stored. where(condition, 1, 0) makes a number of a condition.`,
		Example: `
field T on g = x > 0.5                  // wrong
field T on g = where(x > 0.5, 1, 0)     // right`,
	},
	{
		Code:  "WF0211",
		Title: "wrong arguments",
		Text: `The function takes another number of arguments, or none by name. A vector operator
takes one component per axis of the grid.`,
		Example: `
let a = where(x > 0.5, 1)      // wrong
let a = where(x > 0.5, 1, 0)   // right`,
	},
	{
		Code:  "WF0212",
		Title: "unknown function",
		Text: `The functions are abs, ceil, cos, exp, floor, log, max, min, pow, sin, sqrt, tanh,
where; on grids lap, grad, div, adv, upwind, and dx, dy, .. for the axes x, y, ..
Indices stand in square brackets.`,
		Example: `
dt(T) = laplace(T)             // wrong
dt(T) = lap(T)                 // right`,
	},
	{
		Code:  "WF0213",
		Title: "this element type cannot be used here",
		Text: `Fields are f32 (default), f64 (interpreter and CPU), f16 or i32. Time derivatives
need a floating-point type.`,
		Example: `
field T: bf16 on g = 0         // wrong
field T: f16 on g = 0          // right`,
	},
	{
		Code:  "WF0214",
		Title: "a vector or a text where one number is expected",
		Text: `grad(T) and (u, v) are vectors: multiply them by numbers and take div(..) of them.
Texts name files.`,
		Example: `
dt(T) = grad(T)                // wrong
dt(T) = div(k*grad(T))         // right`,
	},
	{
		Code:  "WF0220",
		Title: "units do not agree",
		Text: `Sums, comparisons and equations need equal units on both sides. Units that are not
written are solved for; the message shows what fixed them. A bare number has the
unit of its place only as an initial value, a boundary value or a bound; elsewhere
it is dimensionless. Zero has every unit. ": 1" declares a quantity without unit.`,
		Example: `
const L = 2 m
const a = L + 3 s              // wrong
const a = L + 3 cm             // right: values are kept in SI`,
	},
	{
		Code:  "WF0221",
		Title: "unknown unit",
		Text: `A unit is one word without spaces after a number: products and quotients of powers
of m s kg A K mol cd, N Pa J W Hz C V ohm F T L, min h day bar eV rad deg, with the
prefixes T G M k d c m u n p. Because the unit ends at a space, "1 m/n" asks for a unit
n; "1 m / n" divides one metre by n.`,
		Example: `
const h = 1 m/n                // wrong: n is a number
const h = 1 m / n              // right`,
	},
	{
		Code:  "WF0222",
		Title: "a unit with a zero of its own",
		Text: `Degrees Celsius and Fahrenheit do not multiply: 20 degC is not twice 10 degC. Write
temperatures in kelvin.`,
		Example: `
field T on g = 20 degC         // wrong
field T on g = 293.15 K        // right`,
	},
	{
		Code:  "WF0223",
		Title: "this must have no unit",
		Text: `Arguments of exp, log, sin, cos, tanh, floor and ceil, exponents, and the base of a
power with a variable exponent are pure numbers.`,
		Example: `
field u on g = sin(x)          // wrong when x is in metres
field u on g = sin(x/(1 m))    // right`,
	},
}

// spaceCodes: grids, fields, indices and boundary conditions.
var spaceCodes = []Entry{
	{
		Code:  "WF0230",
		Title: "a grid has one to three axes",
		Text:  `Write one entry per axis: name, bounds and number of cells (or nodes).`,
		Example: `
grid g { }                              // wrong
grid g { x: 0 .. 1 in 8; y: 0 .. 1 in 8 }   // right`,
	},
	{
		Code:  "WF0231",
		Title: "this extent is not possible",
		Text: `Extents are whole numbers from 1 up to 2^30, a field has at most 2^31 elements, and an
axis of nodes has at least two. Params in extents are frozen when the program is built.`,
		Example: `
grid g { x: 0 .. 1 in 2.5 }    // wrong
grid g { x: 0 .. 1 in 3 }      // right`,
	},
	{
		Code:  "WF0232",
		Title: "the axis ends at or before its start",
		Text:  `The lower bound comes first, and both are finite.`,
		Example: `
grid g { x: 1 .. 0 in 8 }      // wrong
grid g { x: 0 .. 1 in 8 }      // right`,
	},
	{
		Code:  "WF0233",
		Title: "the axis is too short for this access",
		Text: `Values outside come from boundary conditions by reflection at the wall, so an access
cannot reach farther outside than the axis is long. High orders of accuracy and large
offsets need more points.`,
		Example: `
grid g { x: 0 .. 1 in 2 }      // too short for order 8, which reads 4 points outside`,
	},
	{
		Code:  "WF0240",
		Title: "the field does not live there",
		Text: `A field lives on one grid, or over dims. An equation without indices reads fields of
one grid; index form reads any field at indices over its own axes.`,
		Example: `
dt(T) = lap(S)                 // wrong when S is on another grid`,
	},
	{
		Code:  "WF0241",
		Title: "a dim stands twice",
		Text:  `Each place of a field has its own dim; two places of the same extent need two dims.`,
		Example: `
field A[i, i] = 0              // wrong
dim j = #i
field A[i, j] = 0              // right`,
	},
	{
		Code:  "WF0242",
		Title: "load is the whole initial value",
		Text:  `load("file.npy") gives a field all its initial values; regions may override parts.`,
		Example: `
field T on g = 2*load("a.npy")      // wrong
field T on g = load("a.npy")        // right`,
	},
	{
		Code:  "WF0243",
		Title: "this region has no meaning",
		Text: `A region is a range per axis of the field, a condition, or both: the points with
lo <= x < hi; the point at hi belongs to it when hi is the upper end of the axis.`,
		Example: `
field T on g = 0 { region x in 0.5 .. 0.2: 1 }   // wrong: empty
field T on g = 0 { region x in 0.2 .. 0.5: 1 }   // right`,
	},
	{
		Code:  "WF0250",
		Title: "wrong number of indices",
		Text: `A field has one index per axis, in the order of its declaration. Params, constants
and plain lets have none.`,
		Example: `
T'[x] = T[x,y]                 // wrong on a grid with axes x and y
T'[x,y] = T[x,y]               // right`,
	},
	{
		Code:  "WF0251",
		Title: "an index along the wrong axis",
		Text: `Each place of a field takes an index over its own axis or dim; equal extents do not
make axes equal. "index s in i" declares a further index over a dim.`,
		Example: `
y[j] = x[i]                    // wrong when y is over i
y[i] = x[i]                    // right`,
	},
	{
		Code:  "WF0252",
		Title: "this is no index",
		Text: `An index is a name plus or minus a whole number known at build, or such a number.
The left side has names only. Communication is derived from this form.`,
		Example: `
T'[x+1] = T[x]                 // wrong
T'[x] = T[x-1]                 // right`,
	},
	{
		Code:  "WF0253",
		Title: "a field without its indices",
		Text: `When the left side has indices the whole statement is in index form, and every field
says where it is read.`,
		Example: `
T'[x] = 2*T                    // wrong
T'[x] = 2*T[x]                 // right`,
	},
	{
		Code:  "WF0254",
		Title: "an index that nothing gives a value",
		Text: `An index absent from the left side is summed at the smallest product that contains all
its uses. Outside products write the sum out.`,
		Example: `
y[i] = A[i,j]                  // wrong
y[i] = A[i,j]*x[j]             // right: summed over j
y[i] = sum over j of A[i,j]    // right`,
	},
	{
		Code:  "WF0255",
		Title: "this reduction has no meaning",
		Text: `Reductions are sum, mean, max and min over axes or dims that have no value yet at this
place. A mean has no "where", because the number of elements would not be known.`,
		Example: `
let m[x] = average over y of T[x,y]   // wrong
let m[x] = mean over y of T[x,y]      // right`,
	},
	{
		Code:  "WF0256",
		Title: "a reduction of a whole field without a field",
		Text: `sum(e), mean(e), max(e), min(e), norm(e) and dot(a, b) go over all unknowns of the grid of
the fields in them. Over dims, or over one axis, the index is named.`,
		Example: `
total = sum(x[i])              // wrong: x is over a dim
total = sum over i of x[i]     // right
drift' = mean(T)               // right: T is on a grid`,
	},
	{
		Code:  "WF0257",
		Title: "a seed is a whole number",
		Text: `random(seed, stream) is a number from 0 to 1 (without 1) for every point and every step: the same
for the same seed and stream, whatever computes it. Seeds and streams are whole numbers from
0 to 2^24, known before the run.`,
		Example: `
random(0.5)                    // wrong
random(1, 2)                   // right`,
	},
	{
		Code:  "WF0260",
		Title: "this side does not exist",
		Text: `The sides of a grid are x.lo and x.hi for each axis x; "x" is both, "all" is every
side, "others" every side no other entry of the block names.`,
		Example: `
bc T { x.left: T = 0 }         // wrong
bc T { x.lo: T = 0 }           // right`,
	},
	{
		Code:  "WF0261",
		Title: "a periodic axis has no sides",
		Text:  `Beyond the last point of a periodic axis comes the first.`,
		Example: `
grid g { x: 0 .. 1 in 8 periodic }
bc T { x: T = 0 }              // wrong`,
	},
	{
		Code:  "WF0262",
		Title: "a side has two conditions",
		Text: `Each side of a field has one condition, a value or a slope. On nodes, a corner takes
the condition of the last axis (x, then y, then z) that fixes a value.`,
		Example: `
bc T { x.lo: T = 0; x: dn(T) = 0 }      // wrong: x is both sides
bc T { x.lo: T = 0; x.hi: dn(T) = 0 }   // right`,
	},
	{
		Code:  "WF0263",
		Title: "this is no boundary condition",
		Text:  `A condition is "T = value" or "dn(T) = slope", where dn is the derivative along the outward normal, for a field the block names.`,
		Example: `
bc T { x.lo: dx(T) = 0 }       // wrong
bc T { x.lo: dn(T) = 0 }       // right`,
	},
	{
		Code:  "WF0264",
		Title: "a boundary value that depends on what it cannot know",
		Text:  `A boundary value is a function of coordinates, of the time, of constants, and of fields that live on the side or next to it.`,
		Example: `
bc T { x.lo: T = profile[x] }  // wrong: a profile along the side's own axis
bc T { x.lo: T = profile[y] }  // right`,
	},
	{
		Code:  "WF0265",
		Title: "an access leaves the domain where nothing says what is there",
		Text: `A derivative or an offset reads points outside the grid. On a side with a condition they
follow from it, on a periodic axis they wrap around; otherwise there is no value, and the
language does not invent one.`,
		Example: `
grid g { x: 0 .. 1 in 8 }
field T on g = 0
evolve t from 0 to 1 step 0.001 { dt(T) = lap(T) }   // wrong: no conditions
bc T { x: dn(T) = 0 }                                // mends it`,
	},
	{
		Code:  "WF0266",
		Title: "the time of a boundary value is ambiguous",
		Text:  `A boundary value may depend on the time when the program has one "evolve".`,
		Example: `
bc T { x.lo: T = t }           // wrong with two evolves over t`,
	},
}

// timeCodes: evolve, outputs and probes.
var timeCodes = []Entry{
	{
		Code:  "WF0301",
		Title: "assigned twice",
		Text: `A field has one value per time level, so it is assigned at most once in a step (and once
in a run of assignments outside evolve). Fields that are not assigned carry over.`,
		Example: `
T' = T + 1;  T' = 2*T'         // wrong
let a = T + 1;  T' = 2*a       // right`,
	},
	{
		Code:  "WF0302",
		Title: "this cannot stand inside evolve",
		Text: `Inside evolve the next value of a field is assigned, with a prime, or an equation
dt(T) = .. gives it; "let" names values. Declarations stand outside.`,
		Example: `
evolve n in 0 .. 5 { T = T + 1 }     // wrong
evolve n in 0 .. 5 { T' = T + 1 }    // right`,
	},
	{
		Code:  "WF0303",
		Title: "a next value where there is none",
		Text: `T' is the value of a field after the step. It exists inside evolve, after the statement
that assigns it. Params, constants and lets have no next value.`,
		Example: `
S' = T';  T' = T + 1           // wrong: T' is not known yet
T' = T + 1;  S' = T'           // right`,
	},
	{
		Code:  "WF0304",
		Title: "this equation has no form that can be advanced",
		Text: `The left side is dt(T) or dt(dt(u)) of a field on a grid, inside an evolve with a time.
Outside, dt(u) = v is the initial rate of a field of second order in time.`,
		Example: `
dt(T) - lap(T) = 0             // wrong
dt(T) = lap(T)                 // right`,
	},
	{
		Code:  "WF0305",
		Title: "evolve needs a positive step",
		Text:  `"step auto" takes the step from the stability limit, "step 0.1 s" gives it.`,
		Example: `
evolve t from 0 to 1 { .. }             // wrong
evolve t from 0 to 1 step auto { .. }   // right`,
	},
	{
		Code:  "WF0306",
		Title: "steps that are counted have no length",
		Text:  `"evolve n in 0 .. 5" repeats its statements; "evolve t from 0 to 1 step h" advances a time.`,
		Example: `
evolve n in 0 .. 5 step 0.1 { .. }      // wrong`,
	},
	{
		Code:  "WF0307",
		Title: "the step is beyond the stability limit",
		Text: `An explicit step larger than the limit amplifies errors at every step. The limit is von
Neumann's: for diffusion 1/(2*sum D/h^2), for upwind advection 1/sum(|c|/h), for a wave
1/(c*sqrt(sum 1/h^2)), in general as dsl/check/stability.go writes it. Central first
differences without diffusion have no stable step. The same check runs when a program is
loaded with other parameters. The factor of auto(..) is above 0 and at most 1.`,
		Example: `
evolve t from 0 to 1 step 1 { dt(T) = lap(T) }      // wrong on a fine grid
evolve t from 0 to 1 step auto { dt(T) = lap(T) }   // right`,
	},
	{
		Code:  "WF0308",
		Title: "auto finds no stability limit",
		Text: `The limit is derived from terms that are linear in derivatives of the field itself. An
equation without such a term, or with products of derivatives, cross derivatives or higher
derivatives of other fields, needs a step. First derivatives of other fields that are
advanced too (waves) have a limit for rk4, ssprk3 and rk23.`,
		Example: `
evolve t from 0 to 1 step auto { dt(u) = -u }    // wrong
evolve t from 0 to 1 step 0.01 { dt(u) = -u }    // right`,
	},
	{
		Code:  "WF0309",
		Title: "evolve goes nowhere",
		Text:  `The end is after the start; counted steps go from a whole number to a whole number.`,
		Example: `
evolve t from 1 to 0 step 0.1 { .. }    // wrong`,
	},
	{
		Code:  "WF0310",
		Title: "the order of accuracy must be even",
		Text:  `Differences are central: of order 2, 4, up to 20.`,
		Example: `
evolve t from 0 to 1 step auto order 3 { .. }   // wrong
evolve t from 0 to 1 step auto order 4 { .. }   // right`,
	},
	{
		Code:  "WF0312",
		Title: "how far the stability check goes",
		Text: `A note, not an error: the step was not checked because some term has no derivable limit,
or the limit was taken at the initial values of a coefficient that changes.`,
		Example: `
dt(u) = -u*dx(u) + nu*lap(u)   // the speed u is taken at its initial values`,
	},
	{
		Code:  "WF0313",
		Title: "evolve changes nothing",
		Text:  `An evolve has at least one equation or assignment.`,
		Example: `
evolve t from 0 to 1 step 0.1 { }               // wrong`,
	},
	{
		Code:  "WF0314",
		Title: "an initial rate without an equation of second order",
		Text:  `dt(u) = v outside evolve is the rate at the start, which only dt(dt(u)) = .. needs.`,
		Example: `
dt(u) = 0
evolve t from 0 to 1 step auto { dt(dt(u)) = lap(u) }   // right`,
	},
	{
		Code:  "WF0315",
		Title: "there is no such integrator",
		Text: `"by" names the method that advances the equations of an evolve: euler (the default), rk2,
ssprk3, rk4, rk23, ab2 are explicit; backward_euler, crank_nicolson, bdf2, imex, cnab2 solve an
equation each step, by the solver in parentheses if one is given: by bdf2(cg(tol = 1e-8)).`,
		Example: `
evolve t from 0 to 1 step auto by kutta { .. }   // wrong
evolve t from 0 to 1 step auto by rk4 { .. }     // right`,
	},
	{
		Code:  "WF0316",
		Title: "the integrator cannot advance this statement",
		Text: `A method with stages evaluates every right side dt(T) = .. several times in a step, at values
between the two time levels. A next value T' is not known there. dt(dt(u)) = .. is always
advanced by leapfrog, and assignments T' = .. are evaluated once, as written. Implicit methods
take right sides at the end of the step; imex and cnab2 take there what is written
implicit(..).`,
		Example: `
evolve t from 0 to 1 step 0.1 by rk4 { dt(u) = v;  dt(v) = -u' }   // wrong
evolve t from 0 to 1 step 0.1 by rk4 { dt(u) = v;  dt(v) = -u }    // right`,
	},
	{
		Code:  "WF0317",
		Title: "a step that is chosen while the program runs needs other arguments",
		Text: `cfl(C, speed = (u, v), diffusion = D, every = k, max = s) is the step
C/(sum max|c|/h + 2*sum D/h^2), with one component of the speed per axis, computed every k
steps. adaptive(tol, first = s, max = s) keeps the error of each step below tol times the
largest value of every field; it integrates by rk23.`,
		Example: `
evolve t from 0 to 1 step cfl(0.5) { .. }                    // wrong: of what?
evolve t from 0 to 1 step cfl(0.5, speed = (u, v)) { .. }    // right`,
	},
	{
		Code:  "WF0320",
		Title: "an output names fields",
		Text:  `Fields are written; each stands once in an output.`,
		Example: `
output alpha at end            // wrong: a constant
output T at end                // right`,
	},
	{
		Code:  "WF0321",
		Title: "a probe samples one field at one point",
		Text:  `The point gives a coordinate inside the grid for every axis of the field.`,
		Example: `
probe p = T at (x = 0.5)               // wrong on a grid with axes x and y
probe p = T at (x = 0.5, y = 0.5)      // right`,
	},
	{
		Code:  "WF0322",
		Title: "this output cannot be written so",
		Text: `Formats are npy, npz, vti, xdmf, png and gif (all but npy and npz for fields with one to three
axes); png and gif take a plane, png(slice z = 0.5). Outputs come every so many steps, every so much time
in a program with a time, or at the end.`,
		Example: `
output T every 0 steps as jpg          // wrong, twice
output T every 10 steps as png         // right`,
	},
	{
		Code:  "WF0323",
		Title: "this cannot end an evolve",
		Text: `"until" takes a condition on single numbers, such as reductions of next values, looked at
after every step; or steady(u, v, tol = 1e-5, every = 100): the fields named, which the evolve
changes, move per unit of time by at most tol of their largest value.`,
		Example: `
evolve t from 0 until T' < 1 step 0.1 { .. }          // wrong: T is a field
evolve t from 0 until max(T') < 1 step 0.1 { .. }     // right
evolve t from 0 until steady(T, tol = 1e-6) step 0.1 { .. }`,
	},
	{
		Code:  "WF0330",
		Title: "a derivative where there is none",
		Text: `lap, grad, div, adv, upwind, dx, dy, dz stand in equations without indices, of fields on
a grid with that axis. In index form write differences.`,
		Example: `
T'[x] = lap(T)                         // wrong
T'[x] = T[x+1] - 2*T[x] + T[x-1]       // right`,
	},
}
